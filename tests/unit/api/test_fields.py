"""What is checked, kept and filled in when one field is written into a plate."""

from __future__ import annotations

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
