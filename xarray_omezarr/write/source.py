"""The pixels of a DataArray, readable block by block in stored order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import dask
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.core import indexing

from xarray_omezarr.errors import DataTypeError, LayoutError
from xarray_omezarr.grid.units import split_quantity
from xarray_omezarr.hierarchy import Part
from xarray_omezarr.pixels.given import dense

if TYPE_CHECKING:
    from xarray_omezarr.grid.dims import Arrangement
    from xarray_omezarr.hierarchy import Readable

# Kinds and item sizes that readers of OME-Zarr decode; no long doubles.
_ITEM_SIZES = {"b": (1,), "u": (1, 2, 4, 8), "i": (1, 2, 4, 8), "f": (2, 4, 8)}


def stored_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which pixels of `dtype` are stored: the same, native bytes.

    Raises
    ------
    DataTypeError
        For complex numbers, texts, objects, dates and long doubles.
    """
    if dtype.itemsize not in _ITEM_SIZES.get(dtype.kind, ()):
        raise DataTypeError(
            f"Pixels are of type {dtype}, which OME-Zarr readers cannot decode; "
            "convert them to integers, floats (16 to 64 bit) or bool with .astype()"
        )
    return dtype.newbyteorder("=")


def pixel_unit(da: xr.DataArray) -> str | None:
    """The unit of pixels that are quantities; nothing is computed or loaded."""
    # The public property would load a lazily opened array.
    _, unit = split_quantity(da.variable._data)
    return None if unit is None else str(unit)


def pixels(da: xr.DataArray, arrangement: Arrangement) -> Readable:
    """The pixels of `da` in stored order, nothing computed or loaded.

    Parameters
    ----------
    da : xarray.DataArray
        Backed by numpy, by dask, lazily by an engine of xarray, or by chunks of
        which a chunk manager of xarray knows how to compute them, such as cubed's.
    arrangement : Arrangement
        Stored dims in terms of those of `da`.

    Raises
    ------
    DataTypeError
        For chunked arrays without a chunk manager.
    LayoutError
        For dask arrays that do not know the sizes of their chunks.
    """
    if da.chunks is not None:
        array, _ = split_quantity(da.data)
        if dask.is_dask_collection(array):
            return _arranged_dask(da, arrangement)
        _check_computable(array)
    return BlockSource(da.variable, arrangement, stored_shape(da, arrangement))


def _check_computable(array: Any) -> None:
    # The module is not public, but nothing else tells before the first byte.
    from xarray.namedarray.parallelcompat import get_chunked_array_type

    try:
        get_chunked_array_type(array)
    except TypeError as error:
        raise DataTypeError(
            f"Pixels are a {type(array).__module__}.{type(array).__qualname__}, which "
            f"xarray has no way to compute ({error}); install its chunk manager, e.g. "
            "pip install cubed-xarray, or convert the pixels to a numpy or dask array"
        ) from error


def check_sizes(da: xr.DataArray) -> None:
    """Refuse chunks of which nobody knows how many pixels they have.

    Raises
    ------
    LayoutError
        Naming the remedy.
    """
    if any(np.isnan(size) for sizes in da.chunks or () for size in sizes):
        raise LayoutError(
            "The dask array does not know the sizes of its chunks; call "
            ".compute_chunk_sizes() on it first"
        )


def stored_shape(da: xr.DataArray, arrangement: Arrangement) -> tuple[int, ...]:
    """Sizes of the stored dims."""
    own = dict(zip(arrangement.names, arrangement.dims, strict=True))
    return tuple(
        1 if own[name] is None else da.sizes[own[name]] for name in arrangement.names
    )


def pixels_by_index(
    da: xr.DataArray, first: Sequence[str], arrangement: Arrangement
) -> Callable[[tuple[int, ...]], Readable]:
    """The pixels of many images in stored order, by their index along some dims.

    Parameters
    ----------
    da : xarray.DataArray
        As for `pixels`.
    first : sequence of str
        The dims that tell the images apart.
    arrangement : Arrangement
        Stored dims in terms of the other ones.
    """
    if da.chunks is not None and dask.is_dask_collection(split_quantity(da.data)[0]):
        whole = _arranged_dask(da, arrangement, first)
        return lambda index: Part(whole, index)

    def selected(index: tuple[int, ...]) -> Readable:
        place: dict[Any, int] = dict(zip(first, index, strict=True))
        return pixels(da.isel(place), arrangement)

    return selected


def _arranged_dask(
    da: xr.DataArray, arrangement: Arrangement, first: Sequence[str] = ()
) -> Readable:
    """The array of dask in stored order, with some dims in front of it."""
    check_sizes(da)
    array, _ = split_quantity(da.data)
    if not isinstance(array._meta, np.ndarray):
        # Not all that can be a chunk of dask knows how to be transposed.
        nothing = np.empty((0,) * array.ndim, array.dtype)
        array = array.map_blocks(_numpy_of, dtype=array.dtype, meta=nothing)
    squeezed = tuple(
        0 if dim in arrangement.dropped else slice(None) for dim in da.dims
    )
    kept = [dim for dim in da.dims if dim not in arrangement.dropped]
    present = [*first, *(dim for dim in arrangement.dims if dim is not None)]
    array = array[squeezed].transpose([kept.index(dim) for dim in present])
    place = tuple(None if dim is None else slice(None) for dim in arrangement.dims)
    return cast("Readable", array[(*(slice(None) for _ in first), *place)])


@dataclass(frozen=True, slots=True)
class BlockSource:
    """Pixels of a variable that is in memory or lazily opened, without dask.

    A lazy variable must not be transposed or expanded as a whole, for xarray
    would load it, so each block is read as it lies and arranged afterwards. Chunks
    of other libraries than dask are computed block by block: one that lies in
    several blocks is computed for each of them.
    """

    variable: xr.Variable
    arrangement: Arrangement
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return cast("np.dtype[Any]", self.variable.dtype)

    @property
    def is_in_memory(self) -> bool:
        """Whether reading a block costs neither memory nor time."""
        # The public property would load a lazily opened array.
        values, _ = split_quantity(self.variable._data)
        return isinstance(values, np.ndarray)

    @property
    def chunks(self) -> tuple[int, ...]:
        """Pixels that are read as a whole along each stored dim; 1 if not known."""
        if self.is_in_memory:
            return (1,) * len(self.shape)
        known = self.variable.encoding.get("preferred_chunks") or {}
        sizes = (known.get(dim, 1) for dim in self.arrangement.dims)
        return tuple(size if isinstance(size, int) else 1 for size in sizes)

    def __getitem__(self, key: tuple[slice, ...]) -> NDArray[Any]:
        places = zip(self.arrangement.dims, key, strict=True)
        selection: dict[Any, Any] = {dim: at for dim, at in places if dim is not None}
        selection |= dict.fromkeys(self.arrangement.dropped, 0)
        block = self.variable.isel(selection)
        if block.chunks is not None:
            block = block.compute()
        present = [dim for dim in self.arrangement.dims if dim is not None]
        block = xr.Variable(block.dims, _numpy_of(block.data)).transpose(*present)
        place = tuple(
            None if dim is None else slice(None) for dim in self.arrangement.dims
        )
        return np.asarray(block.values[place])


def _numpy_of(block: Any) -> NDArray[Any]:
    return dense(split_quantity(block)[0])


def is_in_memory(variable: xr.Variable) -> bool:
    """Whether reading the pixels costs nothing: numpy, not dask and not lazy."""
    # xarray has no public question for this that does not load the pixels.
    return isinstance(variable._data, np.ndarray)


def is_lazy(variable: xr.Variable) -> bool:
    """Whether an engine of xarray reads the pixels, or chunks compute them, later."""
    lazy = isinstance(variable._data, indexing.ExplicitlyIndexed)
    return lazy or variable.chunks is not None
