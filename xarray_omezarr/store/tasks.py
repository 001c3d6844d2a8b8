"""The same work as tasks of dask: one per block, wherever a scheduler runs them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import dask
import dask.array
from dask import threaded

from xarray_omezarr.hierarchy import Given, Part
from xarray_omezarr.store.claim import under_way
from xarray_omezarr.store.crew import Alone, Batch, Crew, crew
from xarray_omezarr.store.fill import (
    BlockWriter,
    Extent,
    Hands,
    Limits,
    Pixels,
    chains,
    merge_limits,
    read_block,
    seen_from,
    totals,
)
from xarray_omezarr.store.forked import after, changes_of, for_task
from xarray_omezarr.store.layers import Chunks, Key, Layer
from xarray_omezarr.store.pieces import Piece, overlapping, put_together
from xarray_omezarr.store.progress import Tally
from xarray_omezarr.store.sessions import Changes
from xarray_omezarr.store.stored import NOTHING, Stored

if TYPE_CHECKING:
    import numpy as np

    from xarray_omezarr.hierarchy import ArrayNode, Readable
    from xarray_omezarr.store.blocks import Slices

Index: TypeAlias = tuple[int, ...]

_NOTHING = Changes()


def is_dask(node: ArrayNode) -> bool:
    """Whether the pixels of a node are a dask array."""
    if not isinstance(node.source, Given):
        return False
    return isinstance(_whole(node.source.array), dask.array.Array)


def _whole(pixels: Readable) -> Readable:
    """What the pixels are computed with."""
    return pixels.whole if isinstance(pixels, Part) else pixels


def compute(later: Any) -> Any:
    """The result of a Delayed, computed by the scheduler that is active."""
    # To look for a Client, dask imports all of distributed, half a second of work;
    # without that import there is none, and dask would take threads.
    has_choice = "distributed" in sys.modules or dask.config.get("scheduler", None)
    return later.compute() if has_choice else later.compute(scheduler=threaded.get)


@dataclass(frozen=True, slots=True)
class BlockTask:
    """Writes one block in the thread, or on the worker, that calls it.

    Parameters
    ----------
    writer : BlockWriter
        What is done.
    threads : int
        How many puts a task has in flight; 1 where the store answers at once.
    limit : int
        Bytes that the puts in flight may hold.
    """

    writer: BlockWriter
    threads: int
    limit: int

    @property
    def measures(self) -> bool:
        """Whether limits of the values are to be known."""
        return self.writer.stage.writes_root and self.writer.channel_axis is not None

    def given(
        self,
        pieces: Sequence[Piece],
        chunks: Sequence[Any],
        at: Slices,
        dtype: np.dtype[Any],
        begun: Any,
    ) -> Written:
        """Write the block `at`, put together from chunks of dask."""
        pixels = put_together(pieces, chunks, at, dtype)
        return self._write(pixels, at, for_task(begun), [])

    def read(self, node: ArrayNode, at: Slices, begun: Any) -> Written:
        """Write the block `at`, read from the pixels of `node`."""
        pixels = read_block(self.writer.stage, at, node, begun)
        return self._write(pixels, at, for_task(begun), [])

    def stored(
        self,
        at: Slices,
        begun: Any,
        inside: Sequence[Written],
        before: Written | None = None,
    ) -> Written:
        """Write what is made of the block `at`, which tasks `inside` have stored.

        Or all tasks `before` this one.
        """
        found = [part.limits() for part in inside]
        parts = [*inside, *([] if before is None else [before])]
        begun = for_task(begun, [part.changes for part in parts])
        pixels = read_block(self.writer.stage, at, None, begun)
        return self._write(pixels, at, begun, found)

    def skip(self, at: Slices, begun: Any) -> Written:
        """Measure the block `at`, which is stored already."""
        extent = Extent()
        silent = replace(self.writer, report=None)
        silent.skip(at, for_task(begun), Alone(), extent)
        return Written(extent, None)

    def _write(
        self, pixels: Pixels, at: Slices, begun: Any, inside: Sequence[Limits]
    ) -> Written:
        with under_way(begun):
            return self._write_now(pixels, at, begun, inside)

    def _write_now(
        self, pixels: Pixels, at: Slices, begun: Any, inside: Sequence[Limits]
    ) -> Written:
        extent = Extent()
        extent.include(merge_limits(inside))
        if isinstance(begun.hands, Crew):
            # Nobody waits here: the next block is read while this one is encoded.
            batch = Batch(begun.hands)
            self.writer.write(pixels, at, begun, batch, extent)
            return Written(extent, batch)
        tally = Tally()
        # One message of a task to a cluster is enough, and only the thread that runs
        # it knows the worker it is on.
        writer = replace(self.writer, report=tally)
        hands: AbstractContextManager[Hands] = (
            nullcontext(Alone())
            if self.threads == 1
            else crew(self.threads, self.limit)
        )
        with hands as helpers:
            writer.write(pixels, at, begun, helpers, extent)
        if self.writer.report is not None:
            self.writer.report(tally.nbytes, (*writer.stage.paths, *_origin(at)))
        return Written(extent, None, changes_of(begun))


class Written:
    """What a task gives: limits of values, once everything it began is stored.

    And where it stored in a fork of a session, what that is.
    """

    def __init__(
        self, extent: Extent, under_way: Batch | None, changes: Changes = _NOTHING
    ) -> None:
        self._extent = extent
        self._under_way = under_way
        self.changes = changes

    def __reduce__(self) -> tuple[type[Written], tuple[Extent, None, Changes]]:
        self.limits()
        return Written, (self._extent, None, self.changes)

    def limits(self) -> Limits:
        """The limits, when all is stored."""
        if self._under_way is not None:
            self._under_way.wait()
            self._under_way = None
        return self._extent.limits


def gathered(parts: Sequence[Written]) -> Written:
    """The limits of many tasks, when all of them have stored everything."""
    extent = Extent()
    extent.include(merge_limits(part.limits() for part in parts))
    return Written(extent, None, Changes.merged(part.changes for part in parts))


def fill_later(
    arrays: Mapping[str, ArrayNode],
    writers: Sequence[BlockWriter],
    begun: Any,
    finish: Callable[[dict[str, Limits], Any], Any],
    *,
    threads: int = 1,
    limit: int = 0,
    stored: Stored = NOTHING,
) -> Any:
    """A Delayed that fills all arrays, then calls `finish` with the limits.

    One task per block reads, downsamples and writes, so no level is a graph of
    its own and no two tasks touch one stored object. A block that is made from a
    stored level waits for the blocks inside it, no others, where stages nest.

    Parameters
    ----------
    arrays : mapping
        Nodes by path.
    writers : sequence of BlockWriter
        One per stage, in order.
    begun : dask.delayed.Delayed
        Gives the stored arrays; nothing is written before it.
    finish : callable
        ``(limits, begun) -> result``: the last task.
    threads, limit : int
        See `BlockTask`.
    stored : Stored
        What an earlier write has stored: no task reads or makes it.
    """
    layer = Layer([begun])
    chunks = Chunks(layer)
    limits: list[Key] = []
    stored_by: dict[str, Key] = {}
    for chain in chains(writers):
        tasks = [BlockTask(writer, threads, limit) for writer in chain]
        root = chain[0].stage.root
        first, skipped = _parted(tasks[0], stored)
        if chain[0].stage.writes_root:
            made = _given_tasks(tasks[0], first, arrays[root], begun.key, layer, chunks)
        else:
            made = {
                _origin(at): layer.add(
                    _Stored(tasks[0], at), begun.key, [], stored_by[root]
                )
                for at in first
            }
        if tasks[0].measures:
            made |= {
                _origin(at): layer.add(_Skip(tasks[0], at), begun.key) for at in skipped
            }
        outermost = _nested_tasks(tasks, made, begun.key, layer, stored)
        done = layer.add(gathered, list(outermost.values()))
        limits.append(done)
        stored_by |= {path: done for writer in chain for path in writer.stage.paths}
    roots = tuple(chain[0].stage.root for chain in chains(writers))
    return layer.delayed(layer.add(_Finish(finish, roots), limits, begun.key))


@dataclass(frozen=True, slots=True)
class _Finish:
    """The last task."""

    finish: Callable[[dict[str, Limits], Any], Any]
    roots: tuple[str, ...]

    def __call__(self, found: Sequence[Written], begun: Any) -> Any:
        limits: dict[str, Limits] = {}
        for root, part in zip(self.roots, found, strict=True):
            limits[root] = merge_limits([limits.get(root, {}), part.limits()])
        return self.finish(limits, after(begun, [part.changes for part in found]))


@dataclass(frozen=True, slots=True)
class _Given:
    """Writes a block that is put together from chunks of dask."""

    task: BlockTask
    pieces: Sequence[Piece]
    at: Slices
    dtype: np.dtype[Any]

    def __call__(self, chunks: Sequence[Any], begun: Any) -> Written:
        return self.task.given(self.pieces, chunks, self.at, self.dtype, begun)


@dataclass(frozen=True, slots=True)
class _Read:
    """Writes a block that is read from the pixels of a node."""

    task: BlockTask
    at: Slices

    def __call__(self, node: ArrayNode, begun: Any) -> Written:
        return self.task.read(node, self.at, begun)


@dataclass(frozen=True, slots=True)
class _Skip:
    """Measures a block that is stored."""

    task: BlockTask
    at: Slices

    def __call__(self, begun: Any) -> Written:
        return self.task.skip(self.at, begun)


@dataclass(frozen=True, slots=True)
class _Stored:
    """Writes what is made of a block that other tasks have stored."""

    task: BlockTask
    at: Slices

    def __call__(
        self, begun: Any, inside: Sequence[Written], before: Written | None = None
    ) -> Written:
        return self.task.stored(self.at, begun, inside, before)


def _nested_tasks(
    tasks: Sequence[BlockTask],
    first: dict[Index, Key],
    begun: Key,
    layer: Layer,
    stored: Stored,
) -> dict[Index, Key]:
    """Tasks of the outermost stage, each waiting for those inside its block."""
    stages = [task.writer.stage for task in tasks]
    total = totals(stages)
    made = first
    for inner, task in zip(stages, tasks[1:], strict=False):
        outer = task.writer.stage
        by_place, made = made, {}
        for at in outer.blocks():
            inside = map(_origin, inner.blocks(seen_from(inner, outer, at, total)))
            before = [by_place[place] for place in inside if place in by_place]
            if not stored.has(outer, at):
                made[_origin(at)] = layer.add(_Stored(task, at), begun, before)
            elif before:
                made[_origin(at)] = layer.add(gathered, before)
    return made


def _parted(task: BlockTask, stored: Stored) -> tuple[list[Slices], list[Slices]]:
    """Blocks of the first of the stages that nest: to write, and stored already."""
    stage = task.writer.stage
    places: tuple[list[Slices], list[Slices]] = [], []
    for at in stage.blocks():
        places[stored.has(stage, at)].append(at)
    return places


def _origin(place: Slices) -> Index:
    return tuple(part.start for part in place)


def _given_tasks(
    task: BlockTask,
    places: Sequence[Slices],
    node: ArrayNode,
    begun: Key,
    layer: Layer,
    known: Chunks,
) -> dict[Index, Key]:
    if not places:
        return {}
    if not is_dask(node):
        # Traversing a large numpy array to look for tasks in it would hash it.
        source = dask.delayed(node, pure=False, traverse=False)
        layer.dependencies.append(source)
        return {
            _origin(at): layer.add(_Read(task, at), source.key, begun) for at in places
        }
    chunks, starts = known.of(_whole(node.given))
    index = node.given.index if isinstance(node.given, Part) else ()
    tasks = {}
    for at in places:
        found = list(overlapping(starts, at, index))
        block = _Given(task, [piece for _, piece in found], at, node.dtype)
        keys = [chunks[place].key for place, _ in found]
        tasks[_origin(at)] = layer.add(block, keys, begun)
    return tasks
