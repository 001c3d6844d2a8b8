"""Levels that a plan would make, made as arrays: lazily where the pixels are lazy."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import dask
import dask.array
import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from xarray_omezarr.hierarchy import Downsampled, Given, Hierarchy, Readable
from xarray_omezarr.pixels.downsample import downsample, downsample_within
from xarray_omezarr.pixels.methods import overlap
from xarray_omezarr.write.metadata import measured
from xarray_omezarr.write.source import BlockSource, is_lazy

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import ArrayNode, BlockFunction

Place: TypeAlias = tuple[slice, ...]
Method: TypeAlias = "str | BlockFunction"

# Pixels of the finer level that are read at once to make those of a lazy one.
_TILE_PIXELS = 2**24

# Boxes that are read for one index of a lazy level; else it is one around them all.
_MOST_READS = 2**12


def with_pixels(hierarchy: Hierarchy) -> Hierarchy:
    """The hierarchy with given pixels at every level of the image at its root.

    Pixels in memory make levels in memory, and the contrast windows that are not
    known are measured. Those of dask make dask arrays, and those that are lazily
    opened make arrays that read and compute what they are indexed for.
    """
    made: dict[str, Any] = {}
    nodes = dict(hierarchy.nodes)
    for path, node in hierarchy.arrays.items():
        source = node.source
        if isinstance(source, Given):
            made[path] = _root(source.array, node)
        elif isinstance(source, Downsampled):
            made[path] = _derived(made[source.parent], source, node)
        else:
            continue
        nodes[path] = replace(node, source=Given(_shown(made[path])))
    image = hierarchy.image()
    paths = [level.path for level in image.multiscale.levels]
    finest, coarsest = made[paths[0]], made[paths[-1]]
    if isinstance(finest, np.ndarray) and isinstance(coarsest, np.ndarray):
        model = measured(image, finest, coarsest)
        nodes[""] = replace(hierarchy.group(""), model=model)
    return replace(hierarchy, nodes=nodes)


def _root(array: Readable, node: ArrayNode) -> Any:
    if isinstance(array, dask.array.Array):
        return array.astype(node.dtype, copy=False)
    if isinstance(array, BlockSource) and is_lazy(array.variable):
        return _LazyRoot(array, node.dtype)
    everything = (slice(None),) * len(node.shape)
    return np.asarray(array[everything]).astype(node.dtype, copy=False)


def _derived(parent: Any, source: Downsampled, node: ArrayNode) -> Any:
    if isinstance(parent, dask.array.Array):
        return _of_dask(parent, source.factors, source.method)
    if isinstance(parent, np.ndarray):
        return downsample(parent, source.factors, source.method)
    return _LazyLevel(parent, source, node.shape)


def _shown(made: Any) -> Readable:
    """What a variable of xarray holds."""
    if not isinstance(made, _Lazy):
        return cast("Readable", made)
    lazy: Any = indexing.LazilyIndexedArray(made)
    # As for files that xarray opens: read once, never written to.
    cached: Any = indexing.MemoryCachedArray(indexing.CopyOnWriteArray(lazy))
    return cast("Readable", cached)


def _of_dask(
    parent: dask.array.Array, factors: tuple[int, ...], method: Method
) -> dask.array.Array:
    """One task per chunk of `parent`, and chunks of the result about as large."""
    reach = overlap(method, factors)
    aligned = parent.rechunk(tuple(map(_aligned, parent.chunks, factors, reach)))
    coarse = tuple(
        tuple(-(-n // factor) for n in chunks)
        for chunks, factor in zip(aligned.chunks, factors, strict=True)
    )
    options = {
        "chunks": coarse,
        "dtype": parent.dtype,
        "meta": np.empty((0,) * parent.ndim, parent.dtype),
        "factors": factors,
        "method": method,
    }
    if any(reach):
        # A chunk that is all there is has no neighbours, and may be small.
        depth = {
            axis: depth if len(aligned.chunks[axis]) > 1 else 0
            for axis, depth in enumerate(reach)
        }
        grown = dask.array.overlap.overlap(
            aligned, depth, boundary="none", allow_rechunk=False
        )
        made = dask.array.map_blocks(_inside, grown, reach=reach, **options)
    else:
        made = dask.array.map_blocks(downsample, aligned, **options)
    merged = tuple(
        _merged(chunks, max(finer))
        for chunks, finer in zip(coarse, parent.chunks, strict=True)
    )
    return cast("dask.array.Array", made.rechunk(merged))


def _inside(
    block: NDArray[Any],
    factors: tuple[int, ...],
    method: Method,
    reach: tuple[int, ...],
    block_info: Any = None,
) -> NDArray[Any]:
    """The coarse pixels of a chunk that holds its surroundings as well."""
    at, count = block_info[0]["chunk-location"], block_info[0]["num-chunks"]
    before = [0 if i == 0 else n for i, n in zip(at, reach, strict=True)]
    after = [
        0 if i == last - 1 else n for i, last, n in zip(at, count, reach, strict=True)
    ]
    return downsample_within(block, factors, method, before, after)


def _aligned(chunks: Sequence[int], factor: int, reach: int) -> tuple[int, ...]:
    """Chunks whose borders are the nearest to those given that cut no bin."""
    size, least = sum(chunks), max(factor, reach)
    borders = [0]
    for border in np.cumsum(chunks[:-1]).tolist():
        moved = round(border / factor) * factor
        if moved - borders[-1] >= least and size - moved >= max(1, reach):
            borders.append(moved)
    return tuple(b - a for a, b in pairwise([*borders, size]))


def _merged(chunks: Sequence[int], target: int) -> tuple[int, ...]:
    """Neighbouring chunks put together while they are no larger than `target`."""
    merged = [chunks[0]]
    for size in chunks[1:]:
        if merged[-1] + size <= target:
            merged[-1] += size
        else:
            merged.append(size)
    return tuple(merged)


class _Lazy(BackendArray):
    """Pixels that are read or computed when they are indexed."""

    __slots__ = ("chunks", "dtype", "shape")

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...]

    def read(self, place: Place) -> NDArray[Any]:
        """Pixels of a box; its slices have no steps."""
        raise NotImplementedError

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._outer
        )

    async def async_getitem(self, key: indexing.ExplicitIndexer) -> Any:
        """As indexing, in a thread of its own."""
        return await asyncio.to_thread(self.__getitem__, key)

    def chosen(self, places: list[Any]) -> NDArray[Any]:
        """Pixels where sorted indices of each axis, or slices, meet."""
        raise NotImplementedError

    def _outer(self, key: tuple[Any, ...]) -> NDArray[Any]:
        boxes = list(map(_box, key, self.shape))
        block = self.chosen([box for box, _ in boxes])
        for axis in reversed(range(len(boxes))):
            block = block[(slice(None),) * axis + (boxes[axis][1],)]
        return block


class _LazyRoot(_Lazy):
    """Pixels of a lazily opened variable in stored order."""

    __slots__ = ("_data",)

    def __init__(self, source: BlockSource, dtype: np.dtype[Any]) -> None:
        self._data = source
        self.shape, self.dtype = source.shape, dtype
        self.chunks = source.chunks

    def chosen(self, places: list[Any]) -> NDArray[Any]:
        if self._data.variable.chunks is not None:
            # Not every library of chunks takes lists along several axes.
            boxes = [_enclosing(place) for place in places]
            block = self.read(tuple(boxes))
            within = (_within(p, b) for p, b in zip(places, boxes, strict=True))
            return block[np.ix_(*within)]
        # Such an index may be of an axis that the variable does not have.
        block = self._data[tuple(places)]
        return block.astype(self.dtype, copy=False)

    def read(self, place: Place) -> NDArray[Any]:
        return self._data[place].astype(self.dtype, copy=False)


class _LazyLevel(_Lazy):
    """Pixels that are made from those of a finer level, tile by tile."""

    __slots__ = ("_data", "_factors", "_method")

    def __init__(
        self, parent: _Lazy, source: Downsampled, shape: tuple[int, ...]
    ) -> None:
        self._data = parent
        self._factors, self._method = source.factors, source.method
        self.shape, self.dtype = shape, parent.dtype
        self.chunks = tuple(
            max(1, n // factor)
            for n, factor in zip(parent.chunks, self._factors, strict=True)
        )

    def chosen(self, places: list[Any]) -> NDArray[Any]:
        indices = [_indices(place) for place in places]
        runs = list(map(_runs, indices, self.chunks))
        if math.prod(map(len, runs)) > _MOST_READS:
            runs = [[slice(0, len(each))] for each in indices]
        made = np.empty([len(each) for each in indices], self.dtype)
        for parts in product(*runs):
            if any(part.start == part.stop for part in parts):
                continue
            some = [each[part] for each, part in zip(indices, parts, strict=True)]
            box = tuple(slice(int(each[0]), int(each[-1]) + 1) for each in some)
            within = (each - each[0] for each in some)
            made[parts] = self.read(box)[np.ix_(*within)]
        return made

    def read(self, place: Place) -> NDArray[Any]:
        origin = [part.start for part in place]
        made = np.empty([part.stop - part.start for part in place], self.dtype)
        for tile in _tiles(place, self._factors):
            at = tuple(
                slice(part.start - first, part.stop - first)
                for part, first in zip(tile, origin, strict=True)
            )
            made[at] = self._made(tile)
        return made

    def _made(self, tile: Place) -> NDArray[Any]:
        reach = overlap(self._method, self._factors)
        sizes = self._data.shape
        sides = list(map(_with_surroundings, tile, self._factors, reach, sizes))
        return downsample_within(
            self._data.read(tuple(place for place, _, _ in sides)),
            self._factors,
            self._method,
            [before for _, before, _ in sides],
            [after for _, _, after in sides],
        )


def _with_surroundings(
    part: slice, factor: int, reach: int, size: int
) -> tuple[slice, int, int]:
    """Where the pixels of a part lie in the finer level, with those around them."""
    first, last = part.start * factor, min(part.stop * factor, size)
    start, stop = max(0, first - reach), min(size, last + reach)
    return slice(start, stop), first - start, stop - last


def _tiles(place: Place, factors: Sequence[int]) -> Iterator[Place]:
    """`place` cut so that few enough finer pixels make each tile."""
    tile = [part.stop - part.start for part in place]
    while math.prod(tile) * math.prod(factors) > _TILE_PIXELS and max(tile) > 1:
        widest = tile.index(max(tile))
        tile[widest] = -(-tile[widest] // 2)
    ranges = (
        range(part.start, part.stop, max(1, size))
        for part, size in zip(place, tile, strict=True)
    )
    for origin in product(*ranges):
        yield tuple(
            slice(start, min(start + size, part.stop))
            for start, size, part in zip(origin, tile, place, strict=True)
        )


def _box(key: Any, size: int) -> tuple[Any, Any]:
    """The pixels of a key, from the first to the last, and the key among them."""
    if isinstance(key, slice):
        chosen = range(*key.indices(size))
        if not chosen:
            return slice(0, 0), slice(None)
        low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
        turn = slice(None, None, -1 if chosen.step < 0 else 1)
        return slice(low, high + 1, abs(chosen.step)), turn
    if np.ndim(key) == 0:
        index = int(key) % size
        return slice(index, index + 1), 0
    indices = np.asarray(key) % size
    if not indices.size:
        return slice(0, 0), slice(None)
    unique, within = np.unique(indices, return_inverse=True)
    if unique[-1] - unique[0] + 1 == unique.size:
        return slice(int(unique[0]), int(unique[-1]) + 1), within
    return unique, within


def _indices(place: Any) -> NDArray[np.intp]:
    if isinstance(place, slice):
        return np.arange(place.start, place.stop, place.step or 1, dtype=np.intp)
    return np.asarray(place, np.intp)


def _enclosing(place: Any) -> slice:
    indices = _indices(place)
    return slice(int(indices[0]), int(indices[-1]) + 1) if indices.size else slice(0, 0)


def _within(place: Any, box: slice) -> NDArray[np.intp]:
    within: NDArray[np.intp] = _indices(place) - box.start
    return within


def _runs(indices: NDArray[np.intp], chunk: int) -> list[slice]:
    """Parts of sorted indices between which whole chunks need not be read."""
    ends = np.flatnonzero(np.diff(indices) > chunk) + 1
    return [
        slice(start, stop)
        for start, stop in pairwise([0, *ends.tolist(), len(indices)])
    ]
