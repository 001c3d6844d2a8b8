"""An array of many images -> its images one by one, nothing computed or copied."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import xarray as xr

from xarray_omezarr.grid.dims import Arrangement, arrange
from xarray_omezarr.grid.inspect import labelled_dims
from xarray_omezarr.hierarchy import ArrayNode, Given, GroupNode, Hierarchy
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.write.source import pixel_unit, pixels_by_index, stored_dtype

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Readable
    from xarray_omezarr.options import WriteOptions


@dataclass(frozen=True, slots=True)
class Split:
    """An array that is cut into images along some of its dims.

    Pixels of dask are not selected image by image, for every selection would be
    another graph on top of that of the whole: images are planned without them, and
    get their part of the one array afterwards.

    Parameters
    ----------
    da : xarray.DataArray
        The array.
    dims : tuple of str
        The dims it is cut along.
    outline : xarray.DataArray
        The same with what the images keep of its coordinates; of dask, without
        pixels.
    """

    da: xr.DataArray
    dims: tuple[str, ...]
    outline: xr.DataArray

    @classmethod
    def of(
        cls,
        da: xr.DataArray,
        dims: Iterable[str],
        dropped: Iterable[str] = (),
        dropped_attrs: Collection[str] = (),
    ) -> Split:
        """Cut `da` along `dims`; coordinates that are `dropped` stay with nobody."""
        # A copy, for what is dropped nowhere is the object of the caller.
        kept = da.drop_vars([name for name in dropped if name in da.coords]).copy(
            deep=False
        )
        attrs = {k: v for k, v in da.attrs.items() if k not in dropped_attrs}
        kept.attrs = attrs
        if _is_dask(da):
            kept = _without_pixels(kept)
        return cls(da, tuple(dims), kept)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of images along each of the dims."""
        return tuple(self.da.sizes[dim] for dim in self.dims)

    def image(self, index: Sequence[int]) -> xr.DataArray:
        """The image at `index`; of dask, without its pixels."""
        place: dict[Any, int] = dict(zip(self.dims, index, strict=True))
        return self.outline.isel(place)


class Filler:
    """Gives images that were planned without pixels their part of the array.

    Parameters
    ----------
    split : Split
        What the images were cut from.
    options : WriteOptions
        What the images were planned with.
    """

    def __init__(self, split: Split, options: WriteOptions) -> None:
        self._split = split
        self._requested = options["dims"]
        self._parts: dict[tuple[str, ...], Any] = {}

    def filled(
        self, planned: Hierarchy, path: str, index: Sequence[int]
    ) -> dict[str, ArrayNode]:
        """The finest level of the image at `path`, with its pixels, by its path."""
        if not _is_dask(self._split.da):
            return {}
        model = _image_at(planned, path)
        finest = model.multiscale.levels[0].path
        finest = f"{path}/{finest}" if path else finest
        node = planned.array(finest)
        return {finest: replace(node, source=Given(self._part(node.dims, index)))}

    def _part(self, dims: tuple[str, ...], index: Sequence[int]) -> Readable:
        if dims not in self._parts:
            first = self._split.image((0,) * len(self._split.dims))
            arrangement = self._arrangement(first, dims)
            self._parts[dims] = pixels_by_index(
                self._split.da, self._split.dims, arrangement
            )
        part: Readable = self._parts[dims](tuple(index))
        return part

    def _arrangement(self, image: xr.DataArray, stored: tuple[str, ...]) -> Arrangement:
        """How dims of the image become those that are stored."""
        own = tuple(str(dim) for dim in image.dims)
        sizes = {str(dim): size for dim, size in image.sizes.items()}
        made = arrange(own, sizes, labelled_dims(image), self._requested)
        if made.names == stored:
            return made
        by_name = dict(zip(made.names, made.dims, strict=True))
        dims = tuple(by_name.get(name) for name in stored)
        left = tuple(dim for dim in own if dim not in dims)
        return Arrangement(dims, stored, ("",) * len(stored), left)


def _image_at(planned: Hierarchy, path: str) -> Image:
    node = planned[path]
    model = node.model if isinstance(node, GroupNode) else None
    if not isinstance(model, Image):
        raise TypeError(f"{path!r} is no image")
    return model


def without_multiindex(da: xr.DataArray) -> xr.DataArray:
    """The array with the levels of an index along a dim as plain coordinates.

    One of their tuples would mean nothing in the image that is cut out there.
    """
    stacked = [
        dim
        for dim in da.dims
        if dim in da.xindexes and len(da.xindexes.get_all_coords(dim)) > 1
    ]
    return da.reset_index(stacked) if stacked else da


def along(da: xr.DataArray, dims: Sequence[str], values: Any) -> Any:
    """Values of a coordinate at every index along `dims`, in their order.

    Parameters
    ----------
    da : xarray.DataArray
        The array that is cut along `dims`.
    dims : sequence of str
        In order.
    values : xarray.DataArray
        With some of the dims, or none.
    """
    variable: xr.Variable = values.variable
    sizes: Mapping[Any, int] = {dim: da.sizes[dim] for dim in dims}
    return variable.set_dims(sizes).transpose(*dims).values


def _is_dask(da: xr.DataArray) -> bool:
    # Other chunked arrays, and those that an engine opened, are selected lazily.
    return da.chunks is not None and dask.is_dask_collection(da.data)


def _without_pixels(da: xr.DataArray) -> xr.DataArray:
    """The array with one zero that is seen from everywhere, of the same type."""
    unit = pixel_unit(da)
    # What cannot be stored is refused once, not for every image.
    nothing = np.broadcast_to(np.zeros((), stored_dtype(da.dtype)), da.shape)
    # xarray calls an array after the dask array it was made from: a random token.
    name = None if da.name == getattr(da.data, "name", None) else da.name
    outline = xr.DataArray(
        nothing, coords=da.coords, dims=da.dims, attrs=da.attrs, name=name
    )
    outline.encoding = da.encoding
    if unit is not None:
        outline.attrs = {"units": unit, **outline.attrs}
    return outline
