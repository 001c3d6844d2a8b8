"""What other programs say of plates, wells and collections survives read and write."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from tests.integration.plates import image, pixels, plate, put

FORMATS = pytest.mark.parametrize(("zarr_format", "version"), [(2, "0.4"), (3, "0.5")])


def metadata(store, path=""):
    attrs = json.loads(
        json.dumps(dict(zarr.open_group(store, mode="r", path=path).attrs))
    )
    return attrs.get("ome", attrs)


def marked(zarr_format) -> MemoryStore:
    """A plate with a key of others on everything."""
    store = MemoryStore()
    root = plate(store, zarr_format, {"A/1/0": {}, "B/2/0": {}})
    own = metadata(store)["plate"]
    own["made_by"] = "robot"
    own["rows"][1]["label"] = "second"
    own["columns"][0]["label"] = "first"
    own["wells"][1]["compound"] = "taxol"
    own["acquisitions"][0]["lamp"] = "old"
    beside = {} if zarr_format == 2 else {"lab": "7"}
    put(root, zarr_format, plate=own, **beside)
    well = metadata(store, "B/2")["well"]
    well["q"] = 0.5
    well["images"][0]["x-pos"] = 12.5
    beside = {} if zarr_format == 2 else {"seen": True}
    put(root["B/2"], zarr_format, well=well, **beside)
    return store


@FORMATS
@pytest.mark.parametrize("form", ["tree", "stack"])
def test_keys_of_a_plate_stand_where_they_stood(zarr_format, version, form) -> None:
    store, target = marked(zarr_format), MemoryStore()
    if form == "tree":
        opened = xr.open_datatree(store, engine="omezarr", levels="all")
        opened.omezarr.to_plate(target, version=version)
    else:
        xo.open_plate(store).omezarr.to_plate(target, version=version)
    found = metadata(target)
    assert found.get("lab") == (None if zarr_format == 2 else "7")
    assert found["plate"]["made_by"] == "robot"
    assert found["plate"]["rows"] == [{"name": "A"}, {"name": "B", "label": "second"}]
    assert found["plate"]["columns"][0] == {"name": "1", "label": "first"}
    wells = found["plate"]["wells"]
    assert [well.get("compound") for well in wells] == [None, "taxol"]
    assert found["plate"]["acquisitions"][0]["lamp"] == "old"
    assert not {"ome", "beside", "well"} & {*found, *found["plate"]}
    if form == "tree":
        found = metadata(target, "B/2")
        assert found.get("seen") == (None if zarr_format == 2 else True)
        assert found["well"]["q"] == 0.5
        assert found["well"]["images"][0]["x-pos"] == 12.5
        assert not {"ome", "beside", "well"} & {*found["well"]}


@FORMATS
def test_keys_of_a_well_that_was_left_out_go_with_it(zarr_format, version) -> None:
    target = MemoryStore()
    tree = xr.open_datatree(marked(zarr_format), engine="omezarr", wells=["A/1"])
    tree.omezarr.to_plate(target, version=version)
    (well,) = metadata(target)["plate"]["wells"]
    assert "compound" not in well


@FORMATS
def test_what_a_collection_says_of_its_list_of_images_stays(
    zarr_format, version
) -> None:
    store, target = MemoryStore(), MemoryStore()
    root = zarr.create_group(store, zarr_format=zarr_format)
    put(root, zarr_format, **{"bioformats2raw.layout": 3})
    for number in range(2):
        image(root.create_group(str(number)), zarr_format, pixels(number + 1))
    group = root.create_group("OME")
    put(group, zarr_format, series=["1", "0"], **({"n": 1} if zarr_format == 3 else {}))
    group.attrs["converter"] = {"name": "of others"}
    tree = xr.open_datatree(store, engine="omezarr")
    assert tree.omezarr.kind == "bioformats2raw"
    tree.omezarr.to_bioformats2raw(target, version=version)
    attrs = dict(zarr.open_group(target, mode="r", path="OME").attrs)
    assert attrs["converter"] == {"name": "of others"}
    found = metadata(target, "OME")
    assert found.get("n") == (1 if zarr_format == 3 else None)
    assert {*found["series"]} == {"0", "1"}
    again = xr.open_datatree(target, engine="omezarr")
    np.testing.assert_array_equal(again["1/0"].image, pixels(2))
    # Attributes of a tree are kept when its encoding is not.
    bare = tree.map_over_datasets(lambda node: node.drop_encoding())
    assert bare.omezarr.kind == "bioformats2raw"


def test_a_list_of_images_that_says_nothing_else_is_no_node() -> None:
    store = MemoryStore()
    da = xr.DataArray(np.zeros((4, 4), "uint8"), dims=("y", "x"))
    xo.write_bioformats2raw({"0": da}, store)
    assert [*xr.open_datatree(store, engine="omezarr").children] == ["0"]
