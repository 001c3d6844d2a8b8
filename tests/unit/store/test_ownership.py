"""What belongs to an OME-Zarr, and what others have put into it."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from xarray_omezarr.store.occupancy import inspect_target
from xarray_omezarr.store.ownership import contents_of
from xarray_omezarr.store.target import open_target


def image(*levels: str) -> dict:
    axes = [{"name": name, "type": "space"} for name in "yx"]
    one = [{"type": "scale", "scale": [1.0, 1.0]}]
    datasets = [{"path": p, "coordinateTransformations": one} for p in levels]
    return {"multiscales": [{"axes": axes, "datasets": datasets}]}


def group(store, path: str, **ome) -> None:
    attrs = {"ome": {"version": "0.5", **ome}} if ome else {}
    zarr.create_group(store, path=path, attributes=attrs)


def array(store, path: str) -> None:
    zarr.create_array(store, name=path, data=np.zeros((2, 2), "u1"))


def table(store, path: str) -> None:
    group(store, path)
    array(store, f"{path}/column")


def contents(store, path: str | None = None):
    target = open_target(store, group=path)
    return contents_of(target, inspect_target(target))


@pytest.fixture(params=["memory", "folder"])
def store(request, tmp_path):
    return MemoryStore() if request.param == "memory" else tmp_path / "x.zarr"


def make_image(store, path: str = "", *, labels: tuple[str, ...] = ()) -> None:
    group(store, path, **image("0", "scales/1"))
    at = f"{path}/" if path else ""
    array(store, f"{at}0")
    array(store, f"{at}scales/1")
    if labels:
        group(store, f"{at}labels", labels=list(labels))
    for name in labels:
        group(store, f"{at}labels/{name}", **{**image("0"), "image-label": {}})
        array(store, f"{at}labels/{name}/0")


def make_plate(store) -> None:
    plate = {
        "rows": [{"name": "A"}, {"name": "B"}],
        "columns": [{"name": "1"}, {"name": "2"}],
        "wells": [
            {"path": "A/1", "rowIndex": 0, "columnIndex": 0},
            {"path": "B/2", "rowIndex": 1, "columnIndex": 1},
        ],
    }
    group(store, "", plate=plate)
    for well in ("A/1", "B/2"):
        group(store, well[0])
        group(store, well, well={"images": [{"path": "0"}, {"path": "1"}]})
        make_image(store, f"{well}/0", labels=("cells",))
        make_image(store, f"{well}/1")


class TestImage:
    def test_levels_labels_and_what_is_kept_belong_to_it(self, store) -> None:
        make_image(store, labels=("cells", "nuclei"))
        found = contents(store)
        assert found.strangers == ()
        assert found.labels == ("labels/cells", "labels/nuclei")

    def test_a_label_image_that_is_not_listed_belongs_to_it_too(self, store) -> None:
        make_image(store, labels=("cells",))
        group(store, "labels/old", **image("0"))
        assert contents(store).labels == ("labels/cells", "labels/old")

    @pytest.mark.parametrize("path", ["tables", "labels/notes", "labels/cells/rois"])
    def test_a_group_of_others_is_a_stranger_wherever_it_is(self, store, path) -> None:
        make_image(store, labels=("cells",))
        table(store, path)
        assert contents(store).strangers == (path,)

    def test_the_group_xarray_belongs_to_it_if_it_says_so(self, store) -> None:
        make_image(store)
        table(store, "xarray")
        assert contents(store).strangers == ("xarray",)
        root = zarr.open_group(store, mode="r+")
        root.attrs["xarray"] = {"version": 1, "coords": {}}
        assert contents(store).strangers == ()


class TestPlate:
    def test_rows_wells_fields_and_their_labels_belong_to_it(self, store) -> None:
        make_plate(store)
        found = contents(store)
        assert found.strangers == ()
        assert found.labels == ("A/1/0/labels/cells", "B/2/0/labels/cells")
        assert found.members == ("A/1/0", "A/1/1", "B/2/0", "B/2/1")

    @pytest.mark.parametrize(
        "path", ["tables", "A/notes", "A/1/tables", "B/2/1/rois", "A/2", "A/1/7"]
    )
    def test_whatever_is_not_listed_is_a_stranger(self, store, path) -> None:
        make_plate(store)
        table(store, path)
        assert contents(store).strangers == (path,)

    def test_what_a_failed_write_leaves_is_no_stranger(self, store) -> None:
        make_plate(store)
        group(store, "C")
        group(store, "C/5")
        zarr.create_group(
            store, path="A/1/7", attributes={"xarray_omezarr_unfinished": True}
        )
        array(store, "A/1/7/0")
        assert contents(store).strangers == ()

    @pytest.mark.parametrize("path", ["tables", "A/1/0/rois", "C/notes"])
    def test_an_empty_group_of_another_kind_of_name_is_one(self, store, path) -> None:
        make_plate(store)
        group(store, path)
        assert contents(store).strangers == (path.split("/notes")[0],)

    def test_a_group_with_attributes_is_a_stranger(self, store) -> None:
        make_plate(store)
        zarr.create_group(store, path="C", attributes={"note": "mine"})
        assert contents(store).strangers == ("C",)

    def test_the_metadata_of_a_collection_may_be_in_it(self, store) -> None:
        make_plate(store)
        group(store, "OME", series=["A/1/0"])
        assert contents(store).strangers == ()


class TestCollection:
    def test_listed_series_belong_to_it(self, store) -> None:
        group(store, "", **{"bioformats2raw.layout": 3})
        group(store, "OME", series=["first", "second"])
        make_image(store, "first", labels=("cells",))
        make_image(store, "second")
        assert contents(store).strangers == ()
        assert contents(store).labels == ("first/labels/cells",)
        assert contents(store).members == ("first", "second")
        make_image(store, "third")
        assert contents(store).strangers == ("third",)

    def test_numbered_series_belong_to_one_that_lists_none(self, store) -> None:
        group(store, "", **{"bioformats2raw.layout": 3})
        make_image(store, "0")
        make_image(store, "1")
        table(store, "tables")
        assert contents(store).strangers == ("tables",)


@pytest.mark.parametrize(
    "ome", [{}, {"multiscales": []}, {"plate": {}}, {"scene": {}}, {"version": "9.9"}]
)
def test_in_what_is_not_understood_nothing_is_known_to_be_ours(store, ome) -> None:
    group(store, "", **ome)
    array(store, "0")
    if ome:
        assert contents(store).strangers == ("0",)


def test_a_label_image_is_not_replaced_by_an_image(store) -> None:
    make_image(store, labels=("cells",))
    whole, cells = contents(store), contents(store, "labels/cells")
    assert cells.is_replaced_by(cells.model)
    assert not cells.is_replaced_by(whole.model)
    # Others leave out what tells a label image.
    assert whole.is_replaced_by(cells.model)


def test_like_is_replaced_by_like(store) -> None:
    make_plate(store)
    plate, field = contents(store), contents(store, "A/1/0")
    assert plate.is_replaced_by(plate.model)
    assert field.is_replaced_by(field.model)
    assert not plate.is_replaced_by(field.model)
    assert not field.is_replaced_by(plate.model)
    assert not plate.is_replaced_by(None)
