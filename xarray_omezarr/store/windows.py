"""Contrast windows that are known only when the pixels have been written."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.hierarchy import Hierarchy, join
from xarray_omezarr.store.fill import WHOLE, Limits
from xarray_omezarr.windows import needs_windows, with_windows

if TYPE_CHECKING:
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.store.arrays import WritableArray

# Percentiles of this many pixels of a channel do not change noticeably with more.
_SAMPLE_PIXELS = 2**24


def channel_axes(hierarchy: Hierarchy) -> dict[str, int]:
    """Axis of the channels by path of level 0, for images that need windows."""
    axes = {}
    for path, node in hierarchy.groups.items():
        image = node.model
        if image is not None and needs_windows(image):
            level = image.multiscale.levels[0]
            axes[join(path, level.path)] = _channel_axis(image)
    return axes


def _channel_axis(image: Image) -> int:
    types = [axis.type for axis in image.multiscale.axes]
    return types.index("channel") if "channel" in types else WHOLE


def complete(
    hierarchy: Hierarchy,
    limits: Mapping[str, Limits],
    handles: Mapping[str, WritableArray],
) -> Hierarchy:
    """The hierarchy with a window for every channel.

    ``min`` and ``max`` are the limits of all pixels, ``start`` and ``end`` the
    0.1 and 99.9 percentiles of the coarsest level.
    """
    nodes = dict(hierarchy.nodes)
    for path, node in hierarchy.groups.items():
        image = node.model
        if image is not None and needs_windows(image):
            levels = image.multiscale.levels
            found = limits.get(join(path, levels[0].path), {})
            coarsest = join(path, levels[-1].path)
            axis = _channel_axis(image)
            sample = functools.partial(
                _sample, handles[coarsest], hierarchy.arrays[coarsest], axis
            )
            nodes[path] = replace(node, model=with_windows(image, found, sample))
    return replace(hierarchy, nodes=nodes)


def _sample(array: WritableArray, node: Any, axis: int, index: int) -> NDArray[Any]:
    """Pixels of one channel: all of them, or stored objects spread evenly."""
    shape = list(node.shape)
    step = list(node.layout.objects)
    first = [0] * len(shape)
    if axis != WHOLE:
        shape[axis], step[axis], first[axis] = 1, 1, index
    if math.prod(shape) <= _SAMPLE_PIXELS:
        step = shape
    origins = list(product(*(range(0, n, s) for n, s in zip(shape, step, strict=True))))
    wanted = max(1, _SAMPLE_PIXELS // max(1, math.prod(step)))
    parts = []
    for origin in origins[:: max(1, -(-len(origins) // wanted))]:
        place = tuple(
            slice(at + o, at + min(o + s, n))
            for at, o, s, n in zip(first, origin, step, shape, strict=True)
        )
        parts.append(np.ravel(array[place]))
    return np.concatenate(parts)
