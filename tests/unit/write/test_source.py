"""Pixels in stored order, block by block, without loading more."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from xarray_omezarr.errors import DataTypeError, LayoutError
from xarray_omezarr.grid.dims import arrange
from xarray_omezarr.hierarchy import Readable
from xarray_omezarr.write.source import is_in_memory, pixels, stored_dtype

PIXELS = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)


class Spy(BackendArray):
    """A lazy array that remembers what was read of it."""

    shape, dtype = PIXELS.shape, PIXELS.dtype

    def __init__(self):
        self.read = []

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._get
        )

    def _get(self, key):
        self.read.append(PIXELS[key].size)
        return PIXELS[key]


def arranged(da, dims=None):
    return pixels(
        da,
        arrange(dims=tuple(da.dims), sizes=dict(da.sizes), labelled=(), requested=dims),
    )


def array(data=PIXELS, dims=("x", "t", "y", "c")):
    return xr.DataArray(data, dims=dims)


KINDS = {
    "numpy": lambda: array(),
    "dask": lambda: array(dask.array.from_array(PIXELS, chunks=(2, 1, 3, 2))),
    "lazy": lambda: array(indexing.LazilyIndexedArray(Spy())),
}
# Stored order is t, c, y, x.
STORED = PIXELS.transpose(1, 3, 2, 0)


@pytest.fixture(params=KINDS)
def da(request):
    return KINDS[request.param]()


class TestArranged:
    def test_it_is_what_the_engine_reads(self, da) -> None:
        found = arranged(da)
        assert isinstance(found, Readable)
        assert (found.shape, found.dtype) == (STORED.shape, STORED.dtype)

    @pytest.mark.parametrize(
        "block",
        [
            (slice(0, 3), slice(0, 5), slice(0, 4), slice(0, 2)),
            (slice(1, 2), slice(3, 5), slice(0, 4), slice(1, 2)),
            (slice(0, 1), slice(0, 1), slice(0, 1), slice(0, 1)),
        ],
    )
    def test_a_block_lies_as_it_will_be_stored(self, da, block) -> None:
        np.testing.assert_array_equal(np.asarray(arranged(da)[block]), STORED[block])

    def test_dims_that_are_missing_are_put_in_with_one_pixel(self, da) -> None:
        found = arranged(da, "tczyx")
        assert found.shape == (3, 5, 1, 4, 2)
        block = (slice(0, 2), slice(0, 5), slice(0, 1), slice(1, 4), slice(0, 2))
        np.testing.assert_array_equal(
            np.asarray(found[block]), STORED[:, :, np.newaxis][block]
        )

    def test_dims_of_one_pixel_that_are_not_wanted_are_taken_out(self, da) -> None:
        found = arranged(da.isel(t=[1]), "cyx")
        assert found.shape == (5, 4, 2)
        block = (slice(0, 5), slice(0, 4), slice(0, 2))
        np.testing.assert_array_equal(np.asarray(found[block]), STORED[1])

    def test_nothing_is_read_before_a_block_is(self) -> None:
        spy = Spy()
        found = arranged(array(indexing.LazilyIndexedArray(spy)))
        _ = (found.shape, found.dtype)
        assert spy.read == []
        found[slice(0, 1), slice(0, 2), slice(0, 4), slice(0, 1)]
        assert spy.read == [8]

    def test_dask_stays_dask(self) -> None:
        assert isinstance(arranged(KINDS["dask"]()), dask.array.Array)

    def test_a_quantity_is_its_magnitude(self) -> None:
        pint = pytest.importorskip("pint")
        found = arranged(array(pint.Quantity(PIXELS, "volt")))
        block = (slice(0, 3), slice(0, 5), slice(0, 4), slice(0, 2))
        np.testing.assert_array_equal(found[block], STORED)
        assert type(found[block]) is np.ndarray

    def test_chunks_of_unknown_size_are_refused_with_the_remedy(self) -> None:
        flat = dask.array.from_array(np.arange(60).reshape(12, 5), chunks=(3, 5))
        da = xr.DataArray(flat[flat[:, 0] > 10], dims=("y", "x"))
        yx = arrange(
            dims=("y", "x"), sizes={"y": 9, "x": 5}, labelled=(), requested=None
        )
        with pytest.raises(LayoutError, match="compute_chunk_sizes"):
            pixels(da, yx)


class TestDtype:
    @pytest.mark.parametrize(
        "dtype",
        ["bool", "uint8", "uint64", "int8", "int64", "float16", "float32", "float64"],
    )
    def test_types_that_readers_know_are_stored_as_they_are(self, dtype) -> None:
        assert stored_dtype(np.dtype(dtype)) == np.dtype(dtype)

    def test_bytes_are_stored_in_the_order_of_the_machine(self) -> None:
        assert stored_dtype(np.dtype(">u2")).isnative
        assert stored_dtype(np.dtype("<u2")).isnative

    @pytest.mark.parametrize(
        "dtype", ["complex64", "U3", "S3", "O", "M8[ns]", "m8[s]", "V2", "u1,u2"]
    )
    def test_types_that_readers_do_not_know_are_refused(self, dtype) -> None:
        with pytest.raises(DataTypeError, match=r"convert .*\.astype\(\)"):
            stored_dtype(np.dtype(dtype))

    @pytest.mark.skipif(np.dtype("longdouble").itemsize == 8, reason="it is a double")
    def test_long_doubles_are_refused(self) -> None:
        with pytest.raises(DataTypeError):
            stored_dtype(np.dtype("longdouble"))


class TestInMemory:
    def test_only_numpy_is(self) -> None:
        assert is_in_memory(KINDS["numpy"]().variable)
        assert not is_in_memory(KINDS["dask"]().variable)
        assert not is_in_memory(KINDS["lazy"]().variable)

    def test_asking_does_not_load(self) -> None:
        spy = Spy()
        is_in_memory(array(indexing.LazilyIndexedArray(spy)).variable)
        assert spy.read == []

    def test_what_was_loaded_is(self) -> None:
        da = KINDS["lazy"]()
        da.load()
        assert is_in_memory(da.variable)
