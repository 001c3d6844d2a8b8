"""Contrast windows that are known only when the pixels have been written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.hierarchy import Hierarchy, join
from xarray_omezarr.pixels.contrast import Shown, shown_part
from xarray_omezarr.store.fill import WHOLE, Limits
from xarray_omezarr.windows import needs_windows, with_windows

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import ArrayNode
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.store.arrays import WritableArray

# So many pixels of a channel leave a thousand beyond each of the percentiles: which
# part of all pixels lies there is then known to 0.1 % +- 0.003 %. Coarsest levels of
# pyramids are smaller, and taken whole.
_SAMPLE_PIXELS = 2**20

# Samples of several channels that are in memory at a time.
_SAMPLE_BYTES = 2**23

# Multiples of it, without their whole parts, are evenly spread, however many.
_GOLDEN = (math.sqrt(5) - 1) / 2

_NOTHING: Mapping[str, Sequence[Shown | None]] = {}


def channel_axes(hierarchy: Hierarchy) -> dict[str, int]:
    """Axis of the channels by path of level 0, for images that need windows."""
    axes = {}
    for path, image in hierarchy.images.items():
        if needs_windows(image):
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
    shown: Mapping[str, Sequence[Shown | None]] = _NOTHING,
) -> Hierarchy:
    """The hierarchy with a window for every channel.

    ``min`` and ``max`` are the limits of all pixels, ``start`` and ``end`` the
    0.1 and 99.9 percentiles of the coarsest level, which are in `shown` for levels
    that need not be read.
    """
    nodes = dict(hierarchy.nodes)
    for path, image in hierarchy.images.items():
        if needs_windows(image):
            levels = image.multiscale.levels
            found = limits.get(join(path, levels[0].path), {})
            coarsest = join(path, levels[-1].path)
            sample: Any = _Samples(
                handles[coarsest],
                hierarchy.array(coarsest),
                _channel_axis(image),
                _unknown(image),
            ).of
            if coarsest in shown:
                sample = shown[coarsest].__getitem__
            node = hierarchy.group(path)
            nodes[path] = replace(node, model=with_windows(image, found, sample))
    return replace(hierarchy, nodes=nodes)


def _unknown(image: Image) -> list[int]:
    """Channels whose shown part the pixels must tell."""
    channels = () if image.omero is None else image.omero.channels
    return [index for index, channel in enumerate(channels) if channel.window is None]


class Watch:
    """Measures what shall be shown of coarsest levels while they are in memory.

    Of a plate there are thousands, and reading one back takes as long as making it.
    """

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._images: dict[str, Image] = {}
        self._nodes: dict[str, ArrayNode] = {}
        self.shown: dict[str, Sequence[Shown | None]] = {}
        for path, image in hierarchy.images.items():
            if needs_windows(image):
                coarsest = join(path, image.multiscale.levels[-1].path)
                self._images[coarsest] = image
                self._nodes[coarsest] = hierarchy.array(coarsest)

    def see(self, path: str, pixels: NDArray[Any]) -> None:
        """Measure the pixels, if they are a whole level that is wanted."""
        node = self._nodes.get(path)
        if node is None or node.shape != pixels.shape:
            return
        image = self._images[path]
        wanted = _unknown(image)
        samples = _Samples(pixels, node, _channel_axis(image), wanted)
        count = max(wanted, default=-1) + 1
        # What is known already is not asked for.
        self.shown[path] = [
            shown_part(samples.of(index)) if index in wanted else None
            for index in range(count)
        ]


class _Samples:
    """Pixels of one channel after the other, read for as many as there is room for.

    A stored object may hold several channels: it is decoded once for all of them.

    Parameters
    ----------
    array : WritableArray
        The coarsest level.
    node : ArrayNode
        Its shape and layout.
    axis : int
        Axis of the channels, or `WHOLE`.
    wanted : sequence of int
        Channels that will be asked for, from the first to the last.
    """

    def __init__(
        self,
        array: WritableArray | NDArray[Any],
        node: ArrayNode,
        axis: int,
        wanted: Sequence[int],
    ) -> None:
        self._array, self._axis, self._wanted = array, axis, wanted
        self._count = 1 if axis == WHOLE else node.shape[axis]
        self._shape = _plane(node.shape, axis)
        unit = _plane(node.layout.objects, axis)
        if math.prod(unit) > _SAMPLE_PIXELS:
            unit = _plane(node.layout.chunks, axis)
        whole = math.prod(self._shape) <= _SAMPLE_PIXELS
        self._unit = self._shape if whole else tuple(map(min, unit, self._shape))
        pixels = max(1, math.prod(self._unit), 0 if whole else _SAMPLE_PIXELS)
        self._dtype = node.dtype
        room = max(1, _SAMPLE_BYTES // (pixels * node.dtype.itemsize))
        together = 1 if axis == WHOLE else node.layout.objects[axis]
        # Groups of channels end where stored objects do, if there is room for those.
        self._step = room if room < together else room - room % together
        self._first = 0
        self._group: NDArray[Any] = np.empty((0, 0), node.dtype)

    def of(self, index: int) -> NDArray[Any]:
        """Pixels of a channel: all of them, or some from all over it."""
        if self._axis == WHOLE:
            index = 0
        if index >= self._count:
            # Channels that were put together with others have no pixels of their own.
            return np.empty(0, self._dtype)
        if not self._first <= index < self._first + len(self._group):
            start = index - index % self._step
            group = [n for n in self._wanted if start <= n < start + self._step]
            stop = min(max([index, *group]) + 1, self._count)
            # The last group goes before there is another.
            self._group = self._group[:0]
            self._first, self._group = index, self._read(index, stop)
        channel: NDArray[Any] = self._group[index - self._first]
        return channel

    def _read(self, start: int, stop: int) -> NDArray[Any]:
        """Array of shape (channel, pixel)."""
        grid = tuple(-(-n // u) for n, u in zip(self._shape, self._unit, strict=True))
        size = math.prod(self._unit)
        wanted = min(math.prod(grid), max(1, _SAMPLE_PIXELS // max(1, size)))
        thin = max(1, -(-size // _SAMPLE_PIXELS))
        made = np.empty((stop - start, wanted * -(-size // thin)), self._dtype)
        filled = 0
        for at in _spread(math.prod(grid), wanted):
            piece = self._piece(np.unravel_index(at, grid), start, stop)
            rows = piece.reshape(len(made), -1)[:, ::thin]
            made[:, filled : filled + rows.shape[1]] = rows
            filled += rows.shape[1]
        return made[:, :filled]

    def _piece(self, cell: Sequence[Any], start: int, stop: int) -> NDArray[Any]:
        """Pixels of a cell of the grid, channels first."""
        place = [
            slice(int(at) * u, min(int(at) * u + u, n))
            for at, u, n in zip(cell, self._unit, self._shape, strict=True)
        ]
        if self._axis == WHOLE:
            return np.asarray(self._array[tuple(place)])[np.newaxis]
        place[self._axis] = slice(start, stop)
        return np.moveaxis(np.asarray(self._array[tuple(place)]), self._axis, 0)


def _plane(shape: Sequence[int], axis: int) -> tuple[int, ...]:
    """The shape of one channel."""
    return tuple(1 if at == axis else n for at, n in enumerate(shape))


def _spread(count: int, wanted: int) -> Iterator[int]:
    """`wanted` of the first `count` numbers, one from each of as many equal stretches.

    Where in its stretch differs: otherwise all were of one column of the grid.
    """
    for at in range(wanted):
        yield int((at + (at + 0.5) * _GOLDEN % 1) * count / wanted)
