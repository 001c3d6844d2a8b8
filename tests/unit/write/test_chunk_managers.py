"""Pixels in chunks of other libraries than dask: computed by block, or refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from xarray.namedarray import parallelcompat
from zarr.storage import MemoryStore

import xarray_omezarr as xo

PIXELS = np.arange(3 * 20 * 30, dtype="uint16").reshape(3, 20, 30)


class Chunked:
    """Chunks of a library that does not compute unless its manager is asked."""

    chunks = ((1, 1, 1), (7, 7, 6), (30,))

    def __init__(self, pixels):
        self.pixels = pixels
        self.shape, self.dtype, self.ndim = pixels.shape, pixels.dtype, pixels.ndim

    def __getitem__(self, key):
        return Chunked(self.pixels[key])

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("nobody asked the manager")

    def __array_function__(self, *args, **kwargs):
        return NotImplemented

    def __array_ufunc__(self, *args, **kwargs):
        return NotImplemented


class Manager(parallelcompat.ChunkManagerEntrypoint):
    """Computes such chunks, and notes how many pixels at a time."""

    array_cls = Chunked

    def __init__(self):
        self.computed = []

    def chunks(self, data):
        return data.chunks

    def normalize_chunks(self, *args, **kwargs):
        raise NotImplementedError

    def from_array(self, *args, **kwargs):
        raise NotImplementedError

    def apply_gufunc(self, *args, **kwargs):
        raise NotImplementedError

    def compute(self, *data, **kwargs):
        self.computed += [array.pixels.size for array in data]
        return tuple(array.pixels for array in data)


@pytest.fixture
def manager(monkeypatch):
    made = Manager()
    monkeypatch.setattr(parallelcompat, "list_chunkmanagers", lambda: {"fake": made})
    return made


@pytest.mark.parametrize("compute", [True, False])
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_they_are_computed_block_by_block(manager, version, compute):
    da = xr.DataArray(Chunked(PIXELS), dims=("c", "x", "y"))
    assert da.chunks is not None
    made = da.omezarr.to_image(
        MemoryStore(),
        version=version,
        scale_factors=[2],
        chunks={"c": 1, "y": 8, "x": 8},
        memory_limit=1000,
        compute=compute,
    )
    group = made if compute else made.compute()
    np.testing.assert_array_equal(group["0"][...], PIXELS.transpose(0, 2, 1))
    assert sum(manager.computed) == PIXELS.size
    assert max(manager.computed) < PIXELS.size


def test_they_are_refused_before_the_first_byte_where_nothing_computes_them():
    store = MemoryStore()
    da = xr.DataArray(Chunked(PIXELS), dims=("c", "y", "x"))
    with pytest.raises(xo.DataTypeError, match=r"Chunked.*pip install cubed-xarray"):
        da.omezarr.to_image(store)
    assert store._store_dict == {}
