"""What is said of things that cannot be opened, or are no image."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from tests.integration.plates import plate, put
from xarray_omezarr.ngff.labels import LabelsGroup
from xarray_omezarr.ngff.plate import Field, Plate, Well
from xarray_omezarr.store.open_words import remedy, some, told

FORMATS = pytest.mark.parametrize("zarr_format", [2, 3])
OPENERS = pytest.mark.parametrize(
    "open_it",
    [
        lambda store, level: xo.open_plate(store, level=level),
        lambda store, level: xr.open_datatree(store, engine="omezarr", levels=level),
    ],
    ids=["stack", "tree"],
)


def test_of_many_names_the_first_are_listed() -> None:
    assert some(["a", "b"]) == "'a', 'b'"
    assert some([str(n) for n in range(14)]).endswith("'11' and 2 more")


def test_a_reason_that_things_share_is_said_once() -> None:
    assert told({"a": "gone", "b": "odd", "c": "gone"}) == "'a', 'c' (gone); 'b' (odd)"
    many = {f"p{n}": f"reason {n}" for n in range(15)}
    assert told(many).endswith("'p11' (reason 11); and 3 more")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Plate.of(["C/5"]), "open_plate.*group='C/5/0'"),
        (Well(images=(Field(path="4"),)), r"plate above.*group='\.\.\./4'"),
        (LabelsGroup(labels=("cells",)), "group=, e.g. 'labels/cells'"),
        (LabelsGroup(labels=()), "list is empty"),
        (None, "xarray.open_datatree opens all"),
    ],
)
def test_how_something_else_is_opened_is_said(model, words) -> None:

    assert re.search(words, remedy(model))


@FORMATS
def test_an_empty_list_of_labels_is_no_image(zarr_format) -> None:
    store = MemoryStore()
    root = zarr.create_group(store, zarr_format=zarr_format)
    put(root.create_group("labels"), zarr_format, labels=[])
    with pytest.raises(xo.NotOmeZarrError, match="list is empty"):
        xr.open_dataset(store, engine="omezarr", group="labels")


@FORMATS
@pytest.mark.parametrize(
    "open_it",
    [
        lambda s: xr.open_datatree(s, engine="omezarr", group="A/1/0/0"),
        lambda s: xr.open_dataset(s, engine="omezarr", group="A/1/0/0"),
        lambda s: xo.open_plate(s, group="A/1/0/0"),
    ],
    ids=["tree", "dataset", "stack"],
)
def test_an_array_is_no_group_and_the_one_above_is(zarr_format, open_it) -> None:
    store = MemoryStore()
    plate(store, zarr_format)
    with pytest.raises(xo.NotOmeZarrError, match=r"is a Zarr array.*above it"):
        open_it(store)


@FORMATS
@OPENERS
def test_a_level_that_no_field_has_is_a_wrong_option(zarr_format, open_it) -> None:
    store = MemoryStore()
    plate(store, zarr_format)
    message = (
        r"^It has 2 levels \(0 is the finest\), and level 7 was.* each of the \d images"
    )
    with pytest.raises(xo.OptionError, match=message) as caught:
        open_it(store, 7)
    assert str(caught.value).count("is the finest") == 1


@pytest.mark.parametrize("level", [1.5, "a", [0], None, True])
def test_what_numbers_no_level_is_a_wrong_option(level) -> None:
    store = MemoryStore()
    plate(store)
    for open_it in (
        lambda: xo.open_plate(store, level=level),
        lambda: xo.open_image(store, group="A/1/0", level=level),
        lambda: xr.open_dataset(store, engine="omezarr", group="A/1/0", level=level),
    ):
        with pytest.raises(xo.OptionError, match="whole number"):
            open_it()


@OPENERS
def test_fields_without_the_level_are_left_out_where_others_have_it(open_it) -> None:
    store = MemoryStore()
    plate(store, 3, {"A/1/0": {"levels": 1}, "A/2/0": {}})
    with pytest.warns(xo.OmeZarrWarning, match="'A/1/0' .it has 1 level "):
        found = open_it(store, 1)
    assert "A/2/0" in str(found) or found.column.values.tolist() == ["2"]


@FORMATS
def test_of_one_acquisition_all_fields_are_that_do_not_tell_theirs(zarr_format) -> None:
    store = MemoryStore()
    root = plate(store, zarr_format)
    own = dict(root.attrs)["plate" if zarr_format == 2 else "ome"]
    own = own if zarr_format == 2 else own["plate"]
    put(root, zarr_format, plate={**own, "acquisitions": [{"id": 4}]})
    for path in ("A/1", "B/2", "B/10"):
        known = dict(root[path].attrs)
        well = known["well"] if zarr_format == 2 else known["ome"]["well"]
        images = [{"path": entry["path"]} for entry in well["images"]]
        put(root[path], zarr_format, well={**well, "images": images})
    tree = xr.open_datatree(store, engine="omezarr")
    assert tree["B/2/0/0"].acquisition == 4
    stacks = xo.open_plate(store, acquisition=4), tree.omezarr.stack(acquisition=4)
    xr.testing.assert_identical(*(ds.load() for ds in stacks))
    assert np.unique(stacks[0].acquisition).tolist() == [-1, 4]
    with pytest.raises(xo.OptionError, match=r"\[4\]"):
        xo.open_plate(store, acquisition=0)


@OPENERS
def test_a_level_that_no_field_has_is_told_before_the_fields(open_it) -> None:
    store = MemoryStore()
    field = xr.DataArray(np.ones((8, 8), "uint8"), dims=("y", "x"))
    xo.write_plate({f"A/{n}/0": field for n in range(1, 5)}, store)
    with pytest.raises(xo.OptionError) as caught:
        open_it(store, 7)
    message = str(caught.value)
    assert message.startswith("It has 1 level (0 is the finest), and level 7 was")
    assert "each of the 4 images" in message
    assert "A/1/0" not in message
