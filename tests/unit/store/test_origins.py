"""Pixels that would be removed before they are written are recognised."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.origins import refuse_own_source
from xarray_omezarr.store.target import open_target

PIXELS = np.arange(48, dtype="uint16").reshape(8, 6)


@pytest.fixture
def store():
    """A store with the same pixels under ``a/0`` and ``ab/0``."""
    store = MemoryStore()
    for path in ("a/0", "ab/0"):
        array = zarr.create_array(
            store, name=path, shape=(8, 6), dtype="u2", dimension_names=("y", "x")
        )
        array[...] = PIXELS
    return store


def opened(store, path="a/0"):
    return zarr.open_array(store, path=path, mode="r")


def opened_by_xarray(store, **options):
    group = zarr.open_group(store, path="a", mode="r+")
    group.attrs["title"] = "two"
    ds = xr.open_dataset(store, engine="zarr", group="a", consolidated=False, **options)
    return ds["0"].variable


SOURCES = {
    "zarr": opened,
    "dask": lambda store: dask.array.from_array(opened(store), chunks=4),
    "fused": lambda store: dask.array.from_array(opened(store), chunks=3)[1:].T + 1,
    "inline": lambda store: dask.array.from_array(opened(store), inline_array=True),
    "many": lambda store: dask.array.stack(
        [dask.array.zeros((8, 6)), dask.array.from_array(opened(store))]
    ),
    "xarray": opened_by_xarray,
    "xarray with dask": lambda store: opened_by_xarray(store, chunks={}).data,
}


@pytest.mark.parametrize("group", [None, "a", "a/0"])
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_is_read_from_the_target_is_refused(plan_image, store, source, group):
    hierarchy = plan_image(source(store))
    with pytest.raises(OptionError, match="mode='w' would remove the pixels"):
        refuse_own_source(hierarchy, open_target(store, group=group))


@pytest.mark.parametrize("group", ["ab", "b", "a/1"])
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_is_read_from_beside_it_is_not(plan_image, store, source, group):
    refuse_own_source(plan_image(source(store)), open_target(store, group=group))


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_is_read_from_another_store_is_not(plan_image, store, source):
    refuse_own_source(plan_image(source(store)), open_target(MemoryStore()))


@pytest.mark.parametrize(
    "pixels", [PIXELS, dask.array.from_array(PIXELS), dask.array.ones((8, 6))]
)
def test_what_is_in_memory_is_not(plan_image, store, pixels):
    refuse_own_source(plan_image(pixels), open_target(store, group="a"))
