"""The same work as tasks of dask: one per block, wherever a scheduler runs them."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import dask
import dask.array
from dask import threaded
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from xarray_omezarr.hierarchy import Given, Part
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
from xarray_omezarr.store.pieces import Piece, overlapping, put_together
from xarray_omezarr.store.progress import Tally

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import ArrayNode, Readable
    from xarray_omezarr.store.blocks import Slices

Key: TypeAlias = "str | tuple[Any, ...]"


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

    def given(
        self, pieces: Sequence[Piece], chunks: Sequence[Pixels], at: Slices, begun: Any
    ) -> Written:
        """Write the block `at`, put together from chunks of dask."""
        return self._write(put_together(pieces, chunks, at), at, begun, [])

    def read(self, node: ArrayNode, at: Slices, begun: Any) -> Written:
        """Write the block `at`, read from the pixels of `node`."""
        pixels = read_block(self.writer.stage, at, node, begun)
        return self._write(pixels, at, begun, [])

    def stored(self, at: Slices, begun: Any, inside: Sequence[Written]) -> Written:
        """Write what is made of the block `at`, which tasks `inside` have stored."""
        found = [part.limits() for part in inside]
        pixels = read_block(self.writer.stage, at, None, begun)
        return self._write(pixels, at, begun, found)

    def _write(
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
        return Written(extent, None)


class Written:
    """What a task gives: limits of values, once everything it began is stored."""

    def __init__(self, extent: Extent, under_way: Batch | None) -> None:
        self._extent = extent
        self._under_way = under_way

    def __reduce__(self) -> tuple[type[Written], tuple[Extent, None]]:
        self.limits()
        return Written, (self._extent, None)

    def limits(self) -> Limits:
        """The limits, when all is stored."""
        if self._under_way is not None:
            self._under_way.wait()
            self._under_way = None
        return self._extent.limits


def gathered(parts: Sequence[Written]) -> Limits:
    """The limits of many tasks, when all of them have stored everything."""
    return merge_limits(part.limits() for part in parts)


def fill_later(
    arrays: Mapping[str, ArrayNode],
    writers: Sequence[BlockWriter],
    begun: Any,
    finish: Callable[[dict[str, Limits], Any], Any],
    *,
    threads: int = 1,
    limit: int = 0,
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
    """
    layer = Layer([begun])
    chunks = Chunks(layer)
    limits: list[Key] = []
    stored_by: dict[str, Key] = {}
    for chain in chains(writers):
        tasks = [BlockTask(writer, threads, limit) for writer in chain]
        root = chain[0].stage.root
        if chain[0].stage.writes_root:
            first = _given_tasks(tasks[0], arrays[root], begun.key, layer, chunks)
        else:
            first = [
                layer.add(_Stored(tasks[0], at), begun.key, [], stored_by[root])
                for at in chain[0].stage.blocks()
            ]
        outermost = _nested_tasks(tasks, first, begun.key, layer)
        done = layer.add(gathered, outermost)
        limits.append(done)
        stored_by |= {path: done for writer in chain for path in writer.stage.paths}
    roots = tuple(chain[0].stage.root for chain in chains(writers))
    return layer.delayed(layer.add(_Finish(finish, roots), limits, begun.key))


class Layer:
    """Tasks that are added to a graph of dask, all as one layer.

    A `dask.delayed` call per block would go through all tasks each time.
    """

    def __init__(self, dependencies: list[Any]) -> None:
        self._name = f"write-block-{uuid.uuid4().hex}"
        self._tasks: dict[Key, tuple[Any, ...]] = {}
        self.dependencies = dependencies

    def add(self, function: Callable[..., Any], *arguments: Any) -> Key:
        """Add a task; keys among its arguments, or in lists, stand for results."""
        key = (self._name, len(self._tasks))
        self._tasks[key] = (function, *arguments)
        return key

    def delayed(self, key: Key) -> Any:
        """A Delayed that gives the result of one of the tasks."""
        tasks = cast("dict[Any, Any]", self._tasks)
        graph = HighLevelGraph.from_collections(
            self._name, tasks, dependencies=self.dependencies
        )
        # The key of a Delayed is its name; those of the blocks are numbered.
        return dask.delayed(_same, pure=False)(Delayed(key, graph, layer=self._name))


def _same(result: Any) -> Any:
    return result


@dataclass(frozen=True, slots=True)
class _Finish:
    """The last task."""

    finish: Callable[[dict[str, Limits], Any], Any]
    roots: tuple[str, ...]

    def __call__(self, found: Sequence[Limits], begun: Any) -> Any:
        limits: dict[str, Limits] = {}
        for root, part in zip(self.roots, found, strict=True):
            limits[root] = merge_limits([limits.get(root, {}), part])
        return self.finish(limits, begun)


@dataclass(frozen=True, slots=True)
class _Given:
    """Writes a block that is put together from chunks of dask."""

    task: BlockTask
    pieces: Sequence[Piece]
    at: Slices

    def __call__(self, chunks: Sequence[Pixels], begun: Any) -> Written:
        return self.task.given(self.pieces, chunks, self.at, begun)


@dataclass(frozen=True, slots=True)
class _Read:
    """Writes a block that is read from the pixels of a node."""

    task: BlockTask
    at: Slices

    def __call__(self, node: ArrayNode, begun: Any) -> Written:
        return self.task.read(node, self.at, begun)


@dataclass(frozen=True, slots=True)
class _Stored:
    """Writes what is made of a block that other tasks have stored."""

    task: BlockTask
    at: Slices

    def __call__(
        self, begun: Any, inside: Sequence[Written], _after: object = None
    ) -> Written:
        return self.task.stored(self.at, begun, inside)


def _nested_tasks(
    tasks: Sequence[BlockTask], first: list[Key], begun: Key, layer: Layer
) -> list[Key]:
    """Tasks of the outermost stage, each waiting for those inside its block."""
    stages = [task.writer.stage for task in tasks]
    total = totals(stages)
    made = first
    for inner, task in zip(stages, tasks[1:], strict=False):
        outer = task.writer.stage
        by_place = dict(zip(map(_origin, inner.blocks()), made, strict=True))
        made = []
        for at in outer.blocks():
            inside = inner.blocks(seen_from(inner, outer, at, total))
            before = [by_place[_origin(place)] for place in inside]
            made.append(layer.add(_Stored(task, at), begun, before))
    return made


def _origin(place: Slices) -> tuple[int, ...]:
    return tuple(part.start for part in place)


class Chunks:
    """Chunks of arrays of dask by place, each array taken apart only once."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._found: dict[tuple[int, str], tuple[Any, list[list[int]]]] = {}
        # An identity tells arrays apart only as long as they live.
        self._alive: list[object] = []

    def of(self, pixels: Any, dtype: Any) -> tuple[Any, list[list[int]]]:
        """The chunks as Delayed, and where they begin along each axis."""
        key = (id(pixels), str(dtype))
        if key not in self._found:
            array = pixels.astype(dtype, copy=False)
            # The graph of the source is shared by all tasks: none copies it.
            chunks = array.to_delayed()
            self._layer.dependencies += list(chunks.flat[:1])
            starts = [[0, *accumulate(sizes)] for sizes in array.chunks]
            self._found[key] = chunks, starts
            self._alive.append(pixels)
        return self._found[key]


def _given_tasks(
    task: BlockTask, node: ArrayNode, begun: Key, layer: Layer, known: Chunks
) -> list[Key]:
    places = task.writer.stage.blocks()
    if not is_dask(node):
        # Traversing a large numpy array to look for tasks in it would hash it.
        source = dask.delayed(node, pure=False, traverse=False)
        layer.dependencies.append(source)
        return [layer.add(_Read(task, at), source.key, begun) for at in places]
    chunks, starts = known.of(_whole(node.given), node.dtype)
    index = node.given.index if isinstance(node.given, Part) else ()
    tasks = []
    for at in places:
        found = list(overlapping(starts, at, index))
        block = _Given(task, [piece for _, piece in found], at)
        keys = [chunks[place].key for place, _ in found]
        tasks.append(layer.add(block, keys, begun))
    return tasks
