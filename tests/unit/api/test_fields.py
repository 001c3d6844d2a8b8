"""What is checked, kept and filled in when one field is written into a plate."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo


def image(value=0, size=32, dims="yx", dtype="uint16") -> xr.DataArray:
    return xr.DataArray(np.full([size] * len(dims), value, dtype), dims=list(dims))


def ome(store, path=None):
    return zarr.open_group(store, path=path, mode="r").attrs["ome"]


def fields(store, well):
    return [
        (entry["path"], entry.get("acquisition"))
        for entry in ome(store, well)["well"]["images"]
    ]


def keys(store):
    """What is stored, but for what a lock leaves."""
    return {key for key in store._store_dict if ".xarray_omezarr" not in key}


class TestAcquisition:
    def test_a_field_that_is_replaced_keeps_it(self) -> None:
        store = MemoryStore()
        told = {f"A/1/{n}": image().assign_coords(acquisition=n) for n in (3, 4)}
        xo.write_plate(told, store)
        xo.write_field(image(1), store, "A/1/4", mode="w")
        assert fields(store, "A/1") == [("3", 3), ("4", 4)]
        xo.write_field(image(1), store, "A/1/4", mode="w", acquisition=3)
        assert fields(store, "A/1") == [("3", 3), ("4", 3)]

    def test_the_only_one_there_is_counts_for_new_fields(self) -> None:
        store = MemoryStore()
        xo.write_plate({"A/1/0": image().assign_coords(acquisition=3)}, store)
        xo.write_field(image(), store, "A/1/1")
        xo.write_field(image(), store, "B/1/0")
        assert fields(store, "A/1") == [("0", 3), ("1", 3)]
        assert fields(store, "B/1") == [("0", 3)]

    def test_the_only_one_may_be_told_with_the_field(self) -> None:
        store = MemoryStore()
        xo.write_field(image(), store, "A/1/0", acquisitions={7: "day 7"})
        assert fields(store, "A/1") == [("0", 7)]
        assert ome(store)["plate"]["acquisitions"][0]["name"] == "day 7"

    def test_a_plate_without_any_goes_on_without(self) -> None:
        store = MemoryStore()
        xo.write_plate({"A/1/0": image()}, store)
        xo.write_field(image(), store, "A/1/1")
        assert fields(store, "A/1") == [("0", None), ("1", None)]


class TestRefusals:
    @pytest.mark.parametrize("what", ["plate", "well"])
    def test_nothing_is_stored_where_the_metadata_of_others_are_broken(
        self, what
    ) -> None:
        store = MemoryStore()
        xo.write_plate({"A/1/0": image()}, store)
        path = "" if what == "plate" else "A/1"
        group = zarr.open_group(store, path=path, mode="r+")
        told = dict(group.attrs["ome"])
        if what == "plate":
            told["plate"]["rows"].append({"name": "B_1"})
        else:
            told["well"]["images"][0]["path"] = "fov_0"
        group.attrs["ome"] = told
        before = keys(store)
        with pytest.raises(xo.MetadataError, match="cannot be written"):
            xo.write_field(image(), store, "A/1/1")
        assert keys(store) == before

    @pytest.mark.parametrize("where", ["A", "A/1"])
    def test_nothing_is_written_into_an_image_between_plate_and_field(
        self, where
    ) -> None:
        store = MemoryStore()
        xo.write_plate({"B/1/0": image()}, store)
        xo.write_image(image(), store, group=where)
        before = keys(store)
        with pytest.raises(xo.TargetExistsError, match="nothing was written") as told:
            xo.write_field(image(), store, "A/1/0")
        assert "meanwhile" not in str(told.value)
        assert keys(store) == before


class TestLikeOthers:
    @pytest.mark.parametrize("depth", [1, 2, 3])
    def test_levels_are_as_many_as_others_have(self, depth) -> None:
        store = MemoryStore()
        factors = [2**n for n in range(1, depth)] or None
        xo.write_plate({"A/1/0": image()}, store, scale_factors=factors)
        xo.write_field(image(), store, "A/1/1")
        assert len(ome(store, "A/1/1")["multiscales"][0]["datasets"]) == depth

    @pytest.mark.parametrize("form", ["factors", "tree"])
    def test_another_depth_is_refused(self, form) -> None:
        store = MemoryStore()
        xo.write_plate({"A/1/0": image()}, store)
        before = keys(store)
        given = {"scale_factors": [2]} if form == "factors" else {}
        obj = image() if form == "factors" else image().omezarr.pyramid([2])
        said = r"levels: 1 \(A/1/0\); 2 \(A/1/1\).* without scale_factors"
        with pytest.raises(xo.PlateError, match=said):
            xo.write_field(obj, store, "A/1/1", **given)
        assert keys(store) == before

    def test_the_only_field_can_be_replaced_by_one_of_another_depth(self) -> None:
        store = MemoryStore()
        xo.write_plate({"A/1/0": image()}, store)
        xo.write_field(image(), store, "A/1/0", mode="w", scale_factors=[2])
        assert len(ome(store, "A/1/0")["multiscales"][0]["datasets"]) == 2

    @pytest.mark.parametrize(
        ("other", "said"),
        [
            (image(dtype="uint8"), r"types of pixels: uint16 .*; uint8 \(A/1/1\)"),
            (image(dims="zyx", size=8), r"axes: yx \(A/1/0\); zyx \(A/1/1\)"),
            (image(dims="cyx", size=8), r"numbers of channels: 1 .*; 8 \(A/1/1\)"),
        ],
    )
    def test_what_no_stack_holds_is_warned_of(self, other, said) -> None:
        store = MemoryStore()
        xo.write_plate({"A/1/0": image()}, store)
        with pytest.warns(xo.OmeZarrWarning) as heard:
            xo.write_field(other, store, "A/1/1")
        assert any(re.search(said, str(entry.message)) for entry in heard)
        with pytest.raises(xo.PlateError):
            xo.open_plate(store)


def described(store):
    """Width and name of each image in the OME-XML."""
    text = store._store_dict["OME/METADATA.ome.xml"].to_bytes()
    images = ElementTree.fromstring(text).findall("{*}Image")
    assert len({one.get("ID") for one in images}) == len(images)
    return [int(one.find("{*}Pixels").get("SizeX")) for one in images]


class TestOmeXml:
    @pytest.mark.filterwarnings("ignore:Fields are not like")
    def test_a_plate_with_ome_xml_describes_what_is_added(self) -> None:
        store = MemoryStore()
        told = {"A/1/0": image(size=16), "B/1/2": image(size=17)}
        xo.write_plate(told, store, ome_xml="auto")
        for path, size in (("A/1/1", 18), ("B/1/10", 19), ("A/10/0", 20)):
            xo.write_field(image(size=size), store, path)
        paths = ["A/1/0", "A/1/1", "A/10/0", "B/1/2", "B/1/10"]
        assert ome(store, "OME")["series"] == paths
        assert described(store) == [16, 18, 20, 17, 19]
        xo.write_field(image(size=21), store, "A/1/1", mode="w")
        assert described(store) == [16, 21, 20, 17, 19]
        assert ome(store)["bioformats2raw.layout"] == 3

    def test_a_text_that_does_not_describe_the_plate_stays(self) -> None:
        store = MemoryStore()
        xo.write_plate({"A/1/0": image(), "A/1/5": image()}, store, ome_xml="auto")
        group = zarr.open_group(store, path="OME", mode="r+")
        group.attrs["ome"] = {"version": "0.5", "series": ["A/1/0", "A/1/4", "A/1/5"]}
        with pytest.warns(xo.OmeZarrWarning, match="describes 2 images, and .* were 3"):
            xo.write_field(image(), store, "A/1/1")
        assert described(store) == [32, 32]

    def test_a_plate_without_gets_none(self) -> None:
        store = MemoryStore()
        xo.write_plate({"A/1/0": image()}, store)
        xo.write_field(image(), store, "A/1/1")
        assert not any(key.startswith("OME") for key in keys(store))

    def test_a_group_that_lists_nothing_is_warned_of(self) -> None:
        store = MemoryStore()
        root = xo.write_plate({"A/1/0": image()}, store, ome_xml="auto")
        del root["OME"].attrs["ome"]
        with pytest.warns(xo.OmeZarrWarning, match="'OME' .* without field A/1/1"):
            xo.write_field(image(), store, "A/1/1")
        assert described(store) == [32]
