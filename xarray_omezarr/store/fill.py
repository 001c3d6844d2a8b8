"""Fill the arrays of a hierarchy: read a block once, make its levels, write all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import dask
import dask.array
import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.hierarchy import ArrayNode, BlockFunction, Downsampled, Given
from xarray_omezarr.pixels.downsample import downsample
from xarray_omezarr.pixels.ranges import value_range

if TYPE_CHECKING:
    from xarray_omezarr.store.arrays import WritableArray
    from xarray_omezarr.store.blocks import Slices, Stage

#: In place of a channel axis: the whole array is one channel.
WHOLE = -1

#: Smallest and largest finite value by index along the channel axis.
Limits: TypeAlias = dict[int, tuple[float, float]]


class HasHandles(Protocol):
    """A write under way: it has the stored arrays by path."""

    @property
    def handles(self) -> Mapping[str, WritableArray]:
        """Stored arrays by path."""
        ...


@dataclass(frozen=True, slots=True)
class BlockWriter:
    """Writes one block of a stage and the levels made from it.

    Instances travel to other threads and processes, so they hold no pixels.

    Parameters
    ----------
    stage : Stage
        What is made from what.
    methods : mapping
        Downsampling method by path.
    channel_axis : int, optional
        Axis along which the limits of the values are measured, or `WHOLE`; None
        measures nothing.
    """

    stage: Stage
    methods: Mapping[str, str | BlockFunction]
    channel_axis: int | None

    def __call__(self, pixels: Any, place: Slices, begun: HasHandles) -> Limits:
        """Write `pixels`, the block of the root at `place`, and what is below it."""
        root = self.stage.root
        blocks: dict[str, NDArray[Any]] = {root: np.asarray(pixels)}
        limits = self._measure(blocks[root], place)
        if self.stage.writes_root:
            begun.handles[root][place] = blocks[root]
        for step in self.stage.steps:
            made = downsample(
                blocks[step.parent], step.factors, self.methods[step.path]
            )
            blocks[step.path] = made
            at = tuple(
                slice(part.start // total, part.start // total + size)
                for part, total, size in zip(place, step.total, made.shape, strict=True)
            )
            begun.handles[step.path][at] = made
        return limits

    def read_and_write(
        self, place: Slices, begun: HasHandles, _after: object = None
    ) -> Limits:
        """As calling, with the block read back from the store."""
        return self(begun.handles[self.stage.root][place], place, begun)

    def _measure(self, block: NDArray[Any], place: Slices) -> Limits:
        axis = self.channel_axis
        if axis is None or not self.stage.writes_root:
            return {}
        if axis == WHOLE:
            whole = value_range(block)
            return {} if whole is None else {0: whole}
        first = place[axis].start
        found = {}
        for index in range(block.shape[axis]):
            plane = block[(slice(None),) * axis + (index,)]
            limits = value_range(plane)
            if limits is not None:
                found[first + index] = limits
        return found


def writers(
    arrays: Mapping[str, ArrayNode],
    stages: Iterable[Stage],
    channel_axes: Mapping[str, int],
) -> list[BlockWriter]:
    """One `BlockWriter` per stage."""
    made = []
    for stage in stages:
        methods = {
            step.path: source.method
            for step in stage.steps
            if isinstance(source := arrays[step.path].source, Downsampled)
        }
        made.append(BlockWriter(stage, methods, channel_axes.get(stage.root)))
    return made


def is_dask(node: ArrayNode) -> bool:
    """Whether the pixels of a node are a dask array."""
    return isinstance(node.source, Given) and isinstance(
        node.source.array, dask.array.Array
    )


def fill_now(
    arrays: Mapping[str, ArrayNode],
    block_writers: Sequence[BlockWriter],
    begun: HasHandles,
) -> dict[str, Limits]:
    """Fill all arrays block by block in this thread; limits by path of the root."""
    limits: dict[str, Limits] = {}
    for writer in block_writers:
        stage = writer.stage
        for place in stage.blocks():
            if stage.writes_root:
                found = writer(_read(arrays[stage.root], place), place, begun)
            else:
                found = writer.read_and_write(place, begun)
            limits[stage.root] = merge_limits([limits.get(stage.root, {}), found])
    return limits


def fill_later(
    arrays: Mapping[str, ArrayNode],
    block_writers: Sequence[BlockWriter],
    begun: Any,
    finish: Callable[[dict[str, Limits], Any], Any],
) -> Any:
    """A Delayed that fills all arrays, then calls `finish` with the limits.

    One task per block reads, downsamples and writes, so no level is a graph of
    its own and no two tasks touch one stored object. Levels that are made from a
    stored level start when that level is complete.

    Parameters
    ----------
    arrays : mapping
        Nodes by path.
    block_writers : sequence of BlockWriter
        One per stage, in order.
    begun : dask.delayed.Delayed
        Gives the stored arrays; nothing is written before it.
    finish : callable
        ``(limits, begun) -> result``: the last task.
    """
    barriers: dict[str, Any] = {}
    stage_limits = []
    for writer in block_writers:
        stage = writer.stage
        if stage.writes_root:
            tasks = _given_tasks(writer, arrays[stage.root], begun)
        else:
            task = dask.delayed(writer.read_and_write, pure=False)
            after = barriers[stage.root]
            tasks = [task(place, begun, after) for place in stage.blocks()]
        merged = dask.delayed(merge_limits, pure=False)(tasks)
        for path in (stage.root, *(step.path for step in stage.steps)):
            barriers.setdefault(path, merged)
        stage_limits.append((stage.root, merged))
    return dask.delayed(_finish, pure=False)(finish, stage_limits, begun)


def _finish(
    finish: Callable[[dict[str, Limits], Any], Any],
    found: list[tuple[str, Limits]],
    begun: Any,
) -> Any:
    limits: dict[str, Limits] = {}
    for root, part in found:
        limits[root] = merge_limits([limits.get(root, {}), part])
    return finish(limits, begun)


def _given_tasks(writer: BlockWriter, node: ArrayNode, begun: Any) -> list[Any]:
    stage = writer.stage
    task = dask.delayed(writer, pure=False, traverse=False)
    array = node.given
    if not isinstance(array, dask.array.Array):
        read = dask.delayed(_read, pure=False)
        # Traversing a large numpy array to look for tasks in it would hash it.
        source = dask.delayed(node, pure=False, traverse=False)
        return [task(read(source, place), place, begun) for place in stage.blocks()]
    # dask reads each of its chunks once, however they lie, and hands every task
    # exactly its block.
    aligned = array.astype(node.dtype, copy=False).rechunk(stage.block)
    blocks = aligned.to_delayed().ravel()
    return [
        task(block, place, begun)
        for block, place in zip(blocks, stage.blocks(), strict=True)
    ]


def _read(node: ArrayNode, place: Slices) -> NDArray[Any]:
    return np.asarray(node.given[place]).astype(node.dtype, copy=False)


def merge_limits(parts: Iterable[Limits]) -> Limits:
    """Limits of the union of blocks."""
    merged: Limits = {}
    for part in parts:
        for index, (low, high) in part.items():
            known = merged.get(index, (low, high))
            merged[index] = (min(known[0], low), max(known[1], high))
    return merged
