"""A lazy DataArray without pixels: what an image will be, before there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from xarray_omezarr.errors import AxisError, NoPixelsError
from xarray_omezarr.grid.assign import assign_grid
from xarray_omezarr.grid.dims import is_axis
from xarray_omezarr.hierarchy import Given, join
from xarray_omezarr.write.source import stored_dtype

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy

_REMEDY = (
    "write its metadata and empty arrays with prepare_image, then pixels with "
    "region=; or write an array of zeros, e.g. of dask.array.zeros"
)


def template(
    dims: str | Sequence[str],
    shape: Sequence[int] | Mapping[str, int],
    dtype: Any,
    *,
    scale: Mapping[str, Any] | None = None,
    units: Mapping[str, str | None] | None = None,
    chunks: Any = None,
) -> xr.DataArray:
    """A DataArray that has everything but pixels, however large it is.

    It plans and prepares images and can be selected from; reading its pixels
    raises, so that nobody takes them for zeros that were measured.

    Parameters
    ----------
    dims : str or sequence of str
        ``"tczyx"``, or names of any length.
    shape : sequence of int or mapping
        Number of pixels along each dim, in the order of `dims` or by dim.
    dtype : numpy dtype
        Type of the pixels.
    scale : mapping, optional
        Distance between pixel centres by dim; the others get no coordinate.
    units : mapping, optional
        Unit by dim, in any spelling pint knows.
    chunks : optional
        As in `xarray.DataArray.chunk`: makes a dask array, as lazy as without.

    Returns
    -------
    xarray.DataArray
        It holds coordinates and no pixels, whatever its shape.

    Raises
    ------
    AxisError
        If dims and shape do not fit, or a mapping names another dim.
    DataTypeError
        For pixels that OME-Zarr cannot hold.

    Examples
    --------
    >>> movie = template("tyx", (10**6, 4096, 4096), "uint16", scale={"y": 0.5})
    >>> movie.isel(t=0).shape, round(movie.nbytes / 1e12)
    ((4096, 4096), 34)
    """
    names = tuple(dims)
    lengths = _lengths(names, shape)
    data = indexing.LazilyIndexedArray(
        _NoPixels(lengths, stored_dtype(np.dtype(dtype)))
    )
    empty = xr.DataArray(xr.Variable(names, data))
    # Metadata of the standard say 1 for channels, which have no positions.
    known = {
        dim: step
        for dim, step in (scale or {}).items()
        if not (is_axis(dim, "c") and step == 1)
    }
    placed = assign_grid(empty, scale=known, units=units)
    return placed if chunks is None else placed.chunk(chunks)


def _lengths(
    names: tuple[str, ...], shape: Sequence[int] | Mapping[str, int]
) -> tuple[int, ...]:
    if isinstance(shape, Mapping):
        if set(shape) != set(names):
            raise AxisError(
                f"shape names {sorted(shape)}, and dims are {names}; give the size of "
                "each of them"
            )
        shape = [shape[name] for name in names]
    if len(shape) != len(names) or len(set(names)) != len(names):
        raise AxisError(
            f"dims are {names} and shape is {tuple(shape)}; give different names, and "
            "one size for each"
        )
    lengths = tuple(int(size) for size in shape)
    if any(length < 1 for length in lengths):
        raise AxisError(f"shape is {lengths}; every dim has one pixel at least")
    return lengths


def refuse_template(da: xr.DataArray) -> None:
    """Raise if the pixels of `da` are those of a template.

    Raises
    ------
    NoPixelsError
        Saying what to do instead.
    """
    # xarray has no public way to ask what a lazy variable holds.
    if _has_no_pixels(da.variable._data):
        raise NoPixelsError(f"This is a template, which has no pixels; {_REMEDY}")


def refuse_templates(hierarchy: Hierarchy) -> None:
    """Raise if pixels of any image are those of a template.

    Raises
    ------
    NoPixelsError
        Naming images, and saying what to do instead.
    """
    empty = []
    for path, image in hierarchy.images.items():
        source = hierarchy.array(join(path, image.multiscale.levels[0].path)).source
        if isinstance(source, Given):
            variable = getattr(source.array, "variable", None)
            held = source.array if variable is None else variable._data
            empty += [path] if _has_no_pixels(held) else []
    if empty:
        raise NoPixelsError(
            f"Templates, which have no pixels, stand for {len(empty)} images, of which "
            f"{empty[0] or '/'!r} is the first; make empty arrays with prepare_image, "
            "prepare_labels or prepare_plate, then write their pixels with region= or "
            "mode='r+'; or give arrays of zeros, e.g. of dask.array.zeros"
        )


def _has_no_pixels(held: Any) -> bool:
    while held is not None:
        if isinstance(held, _NoPixels) or _is_graph_of_none(held):
            return True
        held = getattr(held, "array", None)
    return False


def _is_graph_of_none(array: Any) -> bool:
    """Whether a dask array reads from a template."""
    if not hasattr(array, "__dask_graph__"):
        return False
    sources = getattr(array.__dask_graph__(), "layers", {}).values()
    # The source is a layer of its own, of one task.
    single = (next(iter(layer.values())) for layer in sources if len(layer) == 1)
    return any(_leads_to_none(task) for task in single)


def _leads_to_none(held: Any) -> bool:
    held = getattr(held, "value", held)
    while held is not None:
        if isinstance(held, _NoPixels):
            return True
        held = getattr(held, "array", None)
    return False


class _NoPixels(BackendArray):
    """What stands for the pixels of a template: a shape and a type."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> NoReturn:
        raise NoPixelsError(f"A template has no pixels to read; {_REMEDY}")
