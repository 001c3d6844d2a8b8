"""Which levels the fields of a plate get when they are made later."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo


def image(size: int) -> xr.DataArray:
    return xr.DataArray(np.ones((size, size), "uint16"), dims=("y", "x"))


def flat_plate(*sizes: int) -> MemoryStore:
    store = MemoryStore()
    fields = {f"A/1/{n}": image(size) for n, size in enumerate(sizes)}
    xo.write_plate(fields, store, scale_factors=None)
    return store


def shapes(store, path):
    group = zarr.open_group(store, path=path, mode="r")
    datasets = group.attrs["ome"]["multiscales"][0]["datasets"]
    return [group[level["path"]].shape[0] for level in datasets]


@pytest.mark.filterwarnings("ignore:Fields are not like")
@pytest.mark.parametrize("group", [None, "A/1"])
@pytest.mark.parametrize("sizes", [(32, 64), (64, 32)])
def test_fields_of_a_plate_get_levels_alike(group, sizes) -> None:
    store = flat_plate(*sizes)
    xo.build_pyramid(store, group=group, scale_factors="auto", chunks=16)
    small, large = sorted(shapes(store, f"A/1/{n}") for n in range(2))
    assert (small, large) == ([32, 16, 8], [64, 32, 16])


def test_fields_that_have_levels_say_how_many() -> None:
    store = flat_plate(32, 32)
    xo.build_pyramid(store, group="A/1/1", scale_factors=[4])
    xo.build_pyramid(store)
    assert shapes(store, "A/1/0") == shapes(store, "A/1/1") == [32, 8]


def test_series_get_levels_of_their_own() -> None:
    store = MemoryStore()
    images = {"0": image(32), "1": image(64)}
    xo.write_bioformats2raw(images, store, scale_factors=None)
    xo.build_pyramid(store, scale_factors="auto", chunks=16)
    assert [shapes(store, path) for path in "01"] == [[32, 16], [64, 32, 16]]
