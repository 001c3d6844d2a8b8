"""Fill the arrays of a hierarchy: read a block once, make its levels, write all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.hierarchy import ArrayNode, BlockFunction, Downsampled
from xarray_omezarr.pixels.downsample import downsample_within
from xarray_omezarr.pixels.given import as_promised
from xarray_omezarr.pixels.ranges import value_range
from xarray_omezarr.store.stored import cut

if TYPE_CHECKING:
    from xarray_omezarr.store.arrays import WritableArray
    from xarray_omezarr.store.blocks import Slices, Stage, Step
    from xarray_omezarr.store.sinks import Sink
    from xarray_omezarr.store.stored import Stored

Pixels: TypeAlias = NDArray[Any]

#: In place of a channel axis: the whole array is one channel.
WHOLE = -1

#: Smallest and largest finite value by index along the channel axis.
Limits: TypeAlias = dict[int, tuple[float, float]]

#: Called with the bytes of a piece that is stored, and what tells it from others.
Report: TypeAlias = Callable[[int, tuple[str | int, ...]], None]


class HasArrays(Protocol):
    """A write under way: it has the arrays by path, and knows what they hold."""

    @property
    def handles(self) -> Mapping[str, WritableArray]:
        """Stored arrays, to read from."""
        ...

    @property
    def sinks(self) -> Mapping[str, Sink]:
        """Stored arrays, to write to."""
        ...

    @property
    def stored(self) -> Stored:
        """What an earlier write has stored, which was interrupted."""
        ...


class Hands(Protocol):
    """Whoever does the jobs of encoding and putting: a crew, or the caller."""

    def hand_over(self, nbytes: int, job: Callable[[], None], /) -> object:
        """Do `job`, now or soon; it holds `nbytes` until it is done."""
        ...

    def wait(self) -> None:
        """Return when all jobs are done."""
        ...


class Extent:
    """Smallest and largest value by channel, of pieces seen by many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.limits: Limits = {}

    def __reduce__(self) -> tuple[Callable[[Limits], Extent], tuple[Limits]]:
        return _extent_of, (self.limits,)

    def include(self, found: Limits) -> None:
        """Widen the limits."""
        with self._lock:
            self.limits = merge_limits([self.limits, found])


def _extent_of(limits: Limits) -> Extent:
    extent = Extent()
    extent.include(limits)
    return extent


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
    report : callable, optional
        Told of the bytes of every block that is written.
    """

    stage: Stage
    methods: Mapping[str, str | BlockFunction]
    channel_axis: int | None
    report: Report | None = None

    def write(
        self,
        pixels: Pixels,
        place: Slices,
        begun: HasArrays,
        hands: Hands,
        extent: Extent,
        pass_on: Callable[[str, Slices, Pixels], None] = lambda *_: None,
    ) -> None:
        """Write `pixels`, the block of the root at `place`, and what is below it.

        Parameters
        ----------
        pixels : array
            The block, with the halo of the stage as far as the array reaches.
        place : tuple of slice
            Of the block, without its halo.
        begun : HasArrays
            Where to.
        hands : Hands
            Who encodes and puts.
        extent : Extent
            Takes the limits of the values.
        pass_on : callable
            ``(path, place, pixels)``: given what each level got.
        """
        blocks = {self.stage.root: pixels}
        if self.stage.writes_root:
            self._store(self.stage.root, place, pixels, begun, hands, extent)
        for step in self.stage.steps:
            parent = blocks[step.parent]
            # Where sizes are rounded down, the last pixels make nothing.
            at, made = self._make(step, parent, place) if parent.size else ((), parent)
            blocks[step.path] = made
            if not made.size:
                continue
            self._store(step.path, at, made, begun, hands, extent)
            pass_on(step.path, at, made)

    def skip(
        self, place: Slices, begun: HasArrays, hands: Hands, extent: Extent
    ) -> None:
        """Pass over a block that is stored: only its limits are measured."""
        if self.report is not None:
            nbytes = begun.stored.nbytes(self.stage, place)
            self.report(nbytes, (*self.stage.paths, *(part.start for part in place)))
        if not self.stage.writes_root or self.channel_axis is None:
            return
        objects = begun.stored.objects[self.stage.root]
        nbytes = math.prod(objects.unit) * objects.itemsize
        for piece in cut(place, objects.unit):
            hands.hand_over(nbytes, partial(self._remeasure, begun, piece, extent))

    def _remeasure(self, begun: HasArrays, place: Slices, extent: Extent) -> None:
        pixels = np.asarray(begun.handles[self.stage.root][place])
        extent.include(self._measure(pixels, place))

    def _make(self, step: Step, parent: Pixels, place: Slices) -> tuple[Slices, Pixels]:
        stage = self.stage
        before = tuple(min(h, p.start) for h, p in zip(stage.halo, place, strict=True))
        after = tuple(
            min(h, n - p.stop)
            for h, n, p in zip(stage.halo, stage.shape, place, strict=True)
        )
        method = self.methods[step.path]
        made = downsample_within(parent, step.factors, method, before, after)
        starts = [part.start // n for part, n in zip(place, step.total, strict=True)]
        at = tuple(
            slice(start, max(start, min(start + size, whole)))
            for start, size, whole in zip(starts, made.shape, step.shape, strict=True)
        )
        return at, made[tuple(slice(side.stop - side.start) for side in at)]

    def _store(
        self,
        path: str,
        place: Slices,
        pixels: Pixels,
        begun: HasArrays,
        hands: Hands,
        extent: Extent,
    ) -> None:
        measures = self.stage.writes_root and path == self.stage.root
        sink = begun.sinks[path]
        for piece in sink.pieces(place):
            inside = tuple(
                slice(p.start - b.start, p.stop - b.start)
                for p, b in zip(piece, place, strict=True)
            )
            part = pixels[inside]
            job = partial(
                self._write_piece,
                sink,
                path,
                piece,
                part,
                extent if measures else None,
            )
            hands.hand_over(part.nbytes, job)

    def _write_piece(
        self,
        sink: Sink,
        path: str,
        place: Slices,
        pixels: Pixels,
        extent: Extent | None,
    ) -> None:
        sink.write(place, pixels)
        if extent is not None:
            extent.include(self._measure(pixels, place))
        if self.report is not None:
            self.report(pixels.nbytes, (path, *(part.start for part in place)))

    def _measure(self, piece: Pixels, place: Slices) -> Limits:
        axis = self.channel_axis
        if axis is None:
            return {}
        if axis == WHOLE:
            whole = value_range(piece)
            return {} if whole is None else {0: whole}
        first = place[axis].start
        found = {}
        for index in range(piece.shape[axis]):
            plane = piece[(slice(None),) * axis + (index,)]
            limits = value_range(plane)
            if limits is not None:
                found[first + index] = limits
        return found


def block_writers(
    arrays: Mapping[str, ArrayNode],
    stages: Iterable[Stage],
    channel_axes: Mapping[str, int],
    report: Report | None = None,
) -> list[BlockWriter]:
    """One `BlockWriter` per stage."""
    made = []
    for stage in stages:
        methods = {
            step.path: source.method
            for step in stage.steps
            if isinstance(source := arrays[step.path].source, Downsampled)
        }
        axis = channel_axes.get(stage.root)
        made.append(BlockWriter(stage, methods, axis, report))
    return made


def chains(writers: Sequence[BlockWriter]) -> Iterator[list[BlockWriter]]:
    """Writers whose stages nest, the innermost first, in the order they must run."""
    chain: list[BlockWriter] = []
    for writer in writers:
        if chain and not writer.stage.nests:
            yield chain
            chain = []
        chain.append(writer)
    if chain:
        yield chain


def totals(stages: Iterable[Stage]) -> dict[str, tuple[int, ...]]:
    """Pixels of the first root per pixel of each array of stages that nest."""
    found: dict[str, tuple[int, ...]] = {}
    for stage in stages:
        here = found.setdefault(stage.root, (1,) * len(stage.shape))
        for step in stage.steps:
            found[step.path] = tuple(
                a * b for a, b in zip(here, step.total, strict=True)
            )
    return found


def seen_from(
    inner: Stage, outer: Stage, place: Slices, of: Mapping[str, tuple[int, ...]]
) -> Slices:
    """A block of an outer stage, as a place in the root of an inner one."""
    return tuple(
        slice(
            part.start * out // own,
            # What reaches the border there does so here, partial pixels included.
            size if part.stop == whole else part.stop * out // own,
        )
        for part, whole, size, out, own in zip(
            place, outer.shape, inner.shape, of[outer.root], of[inner.root], strict=True
        )
    )


def read_block(
    stage: Stage, place: Slices, node: ArrayNode | None, begun: HasArrays
) -> Pixels:
    """A block of the root of a stage with its halo: as given, or as stored."""
    wide = tuple(
        slice(max(part.start - halo, 0), min(part.stop + halo, size))
        for part, halo, size in zip(place, stage.halo, stage.shape, strict=True)
    )
    if stage.writes_root and node is not None:
        shape = tuple(part.stop - part.start for part in wide)
        return as_promised(node.given[wide], node.dtype, shape)
    return np.asarray(begun.handles[stage.root][wide])


def merge_limits(parts: Iterable[Limits]) -> Limits:
    """Limits of the union of blocks."""
    merged: Limits = {}
    for part in parts:
        for index, (low, high) in part.items():
            known = merged.get(index, (low, high))
            merged[index] = (min(known[0], low), max(known[1], high))
    return merged
