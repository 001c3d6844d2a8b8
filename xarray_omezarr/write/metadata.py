"""The attributes that a planned image will have, measured where that is free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.hierarchy import (
    ArrayNode,
    Downsampled,
    Hierarchy,
)
from xarray_omezarr.pixels.downsample import downsample
from xarray_omezarr.pixels.ranges import value_range
from xarray_omezarr.windows import needs_windows, with_default_windows, with_windows
from xarray_omezarr.write.source import BlockSource, is_in_memory

if TYPE_CHECKING:
    from xarray_omezarr.ngff.multiscale import Image


def image_attributes(hierarchy: Hierarchy) -> dict[str, Any]:
    """Attributes of the root group, as JSON.

    Windows of channels are measured if the pixels are in memory; else they are
    the range of the dtype, as nothing is computed here.
    """
    node = hierarchy.group("")
    if "" not in hierarchy.images:
        return dict(node.attrs)
    image = hierarchy.image()
    if needs_windows(image):
        image = _with_windows(image, hierarchy.arrays)
    return {**node.attrs, **hierarchy.version.to_attrs(image)}


def _with_windows(image: Image, arrays: dict[str, ArrayNode]) -> Image:
    levels = image.multiscale.levels
    finest = arrays[levels[0].path]
    given = finest.given
    is_free = isinstance(given, BlockSource) and is_in_memory(given.variable)
    if not is_free:
        return with_default_windows(image, finest.dtype)
    pixels = np.asarray(given[(slice(None),) * len(finest.shape)])
    return measured(image, pixels, _coarsest(pixels, levels[-1].path, arrays))


def measured(image: Image, finest: NDArray[Any], coarsest: NDArray[Any]) -> Image:
    """The image with the windows that pixels in memory tell, where none are known."""
    if not needs_windows(image):
        return image
    types = [axis.type for axis in image.multiscale.axes]
    axis = types.index("channel") if "channel" in types else None
    count = 1 if axis is None else finest.shape[axis]
    limits = {
        index: found
        for index in range(count)
        if (found := value_range(_channel(finest, axis, index))) is not None
    }
    return with_windows(image, limits, lambda index: _channel(coarsest, axis, index))


def _channel(pixels: NDArray[Any], axis: int | None, index: int) -> NDArray[Any]:
    return pixels if axis is None else np.take(pixels, index, axis)


def _coarsest(
    pixels: NDArray[Any], path: str, arrays: dict[str, ArrayNode]
) -> NDArray[Any]:
    source = arrays[path].source
    if not isinstance(source, Downsampled):
        return pixels
    parent = _coarsest(pixels, source.parent, arrays)
    return downsample(parent, source.factors, source.method)
