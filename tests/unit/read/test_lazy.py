"""Lazily indexed pixels: what numpy gives, and no more is read than that."""

from __future__ import annotations

import asyncio
import pickle

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from xarray.core import indexing
from zarr.storage import LocalStore, MemoryStore, WrapperStore

from xarray_omezarr.read.lazy import LazyPixels
from xarray_omezarr.store.arrays import StoredArray

PIXELS = np.arange(3 * 8 * 10, dtype=np.uint16).reshape(3, 8, 10)
DIMS = ("c", "y", "x")


class Counting(WrapperStore):
    """A store that remembers which chunks were read."""

    def __init__(self, store):
        super().__init__(store)
        self.read = []

    async def get(self, key, *args, **kwargs):
        if "/c/" in f"/{key}":
            self.read.append(key)
        return await super().get(key, *args, **kwargs)


def lazy(store=None, zarr_format=3):
    array = zarr.create_array(
        store or MemoryStore(),
        shape=PIXELS.shape,
        dtype=PIXELS.dtype,
        chunks=(1, 4, 5),
        zarr_format=zarr_format,
    )
    array[:] = PIXELS
    data = indexing.LazilyIndexedArray(LazyPixels(StoredArray(array)))
    return xr.DataArray(xr.Variable(DIMS, data))


PLAIN = xr.DataArray(PIXELS, dims=DIMS)


class TestIndexing:
    @pytest.mark.parametrize("zarr_format", [2, 3])
    @pytest.mark.parametrize(
        "key",
        [
            {},
            {"c": 1},
            {"c": -1, "y": -8, "x": 9},
            {"y": slice(2, 7), "x": slice(None, None, 3)},
            {"y": slice(None, None, -1)},
            {"y": slice(6, 1, -2), "x": slice(-1, None, -3)},
            {"y": slice(5, 5)},
            {"y": slice(-100, 100)},
            {"c": [2, 0]},
            {"y": [1, 1, 7], "x": [0, 9]},
            {"y": np.array([-1, 0, 3])},
            {"y": [], "x": [1]},
            {"c": 0, "y": [3, 1], "x": slice(None, None, -2)},
            {"y": np.arange(8) % 2 == 0},
        ],
    )
    def test_any_orthogonal_index(self, key, zarr_format) -> None:
        found = lazy(zarr_format=zarr_format).isel(key)
        xr.testing.assert_identical(found.load(), PLAIN.isel(key))

    @pytest.mark.parametrize(
        "key",
        [
            {"y": ("p", [0, 7, 3]), "x": ("p", [9, 0, 4])},
            {"y": ("p", [-1, -8, 3]), "x": ("p", [-1, 0, -10])},
            {"c": ("p", [2, 0]), "y": ("p", [1, 1]), "x": ("q", [5, 6, 7])},
            {"y": (("p", "q"), [[0, 1], [2, 3]]), "x": ("p", [4, 5])},
            {"c": ("p", []), "x": ("p", [])},
            {"y": ("p", [0, 7]), "x": slice(None, None, -1)},
        ],
    )
    def test_any_pointwise_index(self, key) -> None:
        key = {
            dim: xr.DataArray(np.asarray(value[1], dtype=int), dims=value[0])
            if isinstance(value, tuple)
            else value
            for dim, value in key.items()
        }
        xr.testing.assert_identical(lazy().isel(key).load(), PLAIN.isel(key))

    def test_indices_are_composed_before_anything_is_read(self) -> None:
        twice = lazy().isel(y=slice(1, None, 2)).isel(y=[0, 2], x=slice(None, None, -1))
        expected = PLAIN.isel(y=slice(1, None, 2)).isel(
            y=[0, 2], x=slice(None, None, -1)
        )
        xr.testing.assert_identical(twice.load(), expected)

    @settings(max_examples=60)
    @given(st.data())
    def test_slices_of_any_start_stop_and_step(self, data) -> None:
        # xarray itself raises for empty slices that run backwards.
        key = {
            dim: data.draw(
                st.slices(size).filter(lambda s, n=size: len(range(n)[s]) > 0)
            )
            for dim, size in PLAIN.sizes.items()
        }
        xr.testing.assert_identical(SHARED.isel(key), PLAIN.isel(key))

    def test_an_index_beyond_the_array_is_an_error(self) -> None:
        with pytest.raises(IndexError):
            lazy().isel(y=8).load()


SHARED = lazy()


class TestCost:
    def read(self, key):
        store = Counting(MemoryStore())
        da = lazy(store)
        store.read.clear()
        da.isel(key).load()
        return store.read

    def test_nothing_is_read_before_it_is_needed(self) -> None:
        store = Counting(MemoryStore())
        da = lazy(store)
        store.read.clear()
        _ = (da.isel(y=slice(2)).shape, da.dtype, repr(da), da.transpose().dims)
        assert store.read == []

    @pytest.mark.parametrize(
        ("key", "chunks"),
        [
            ({"c": 1, "y": 0, "x": 0}, ["c/1/0/0"]),
            ({"c": 0, "y": slice(0, 4)}, ["c/0/0/0", "c/0/0/1"]),
            ({"c": 2, "y": slice(7, 3, -1), "x": [0, 4]}, ["c/2/1/0"]),
            ({"c": [1], "y": [5], "x": [6]}, ["c/1/1/1"]),
        ],
    )
    def test_only_the_chunks_that_are_asked_for_are_read(self, key, chunks) -> None:
        assert sorted(self.read(key)) == chunks

    def test_points_read_only_their_chunks(self) -> None:
        key = {
            "c": 0,
            "y": xr.DataArray([0, 7], dims="p"),
            "x": xr.DataArray([0, 9], dims="p"),
        }
        assert sorted(set(self.read(key))) == ["c/0/0/0", "c/0/1/1"]


class TestAsync:
    @pytest.mark.parametrize(
        "key",
        [
            {"c": 1, "y": slice(None, None, -2)},
            {"y": [3, 1], "x": [0, 9]},
            {"y": xr.DataArray([0, 7], dims="p"), "x": xr.DataArray([9, 0], dims="p")},
        ],
    )
    def test_loading_without_blocking_gives_the_same(self, key) -> None:
        found = asyncio.run(lazy().isel(key).load_async())
        xr.testing.assert_identical(found, PLAIN.isel(key))


class TestTravel:
    def test_it_can_be_pickled_without_its_pixels(self, tmp_path) -> None:
        da = lazy(LocalStore(tmp_path / "x.zarr"))
        message = pickle.dumps(da)
        assert len(message) < 10_000
        xr.testing.assert_identical(pickle.loads(message).load(), PLAIN)

    def test_an_index_travels_with_it(self, tmp_path) -> None:
        da = lazy(LocalStore(tmp_path / "x.zarr")).isel(y=slice(None, None, -1), x=[3])
        again = pickle.loads(pickle.dumps(da))
        xr.testing.assert_identical(
            again.load(), PLAIN.isel(y=slice(None, None, -1), x=[3])
        )

    def test_a_copy_does_not_read(self) -> None:
        store = Counting(MemoryStore())
        da = lazy(store)
        store.read.clear()
        da.copy(deep=False)
        assert store.read == []
