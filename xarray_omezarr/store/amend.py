"""Write a box of level 0 of an image that exists, and what depends on it.

Level by level: pixels of a coarser level are made from those of the stored finer
one, old or new. A stored object that other writers may share is read, changed and
written while the image is locked; whoever comes last has everybody's pixels before
them, since each writes a level before it takes the lock for the next.
docs/design/amending.md says more.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dask.array
import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.hierarchy import ArrayNode, Downsampled, Readable
from xarray_omezarr.pixels.downsample import downsample_within
from xarray_omezarr.pixels.given import as_promised
from xarray_omezarr.pixels.methods import overlap
from xarray_omezarr.store.boxes import (
    Box,
    cells,
    footprint,
    grown,
    is_aligned,
    is_within,
    owned,
    reached,
    shape_of,
    shrunk,
)

if TYPE_CHECKING:
    from xarray_omezarr.store.arrays import WritableArray
    from xarray_omezarr.store.lock import Lock
    from xarray_omezarr.store.progress import Report


@dataclass(frozen=True, slots=True)
class Round:
    """What changes in one array.

    Parameters
    ----------
    path : str
        The array.
    box : tuple of slice
        Its pixels that change.
    owned : tuple of slice
        Its pixels that depend on this write alone.
    unit : tuple of int
        Cuts at its multiples make the pieces that are written at once: whole
        stored objects, so that no two pieces share one.
    """

    path: str
    box: Box
    owned: Box
    unit: tuple[int, ...]

    def cells(self) -> Iterator[Box]:
        """The pieces, in C order."""
        return cells(self.box, self.unit)


@dataclass(frozen=True, slots=True)
class Amendment:
    """One change of an image; travels to other threads and processes.

    Parameters
    ----------
    arrays : mapping
        Nodes of the levels by path, level 0 first, as they will be; the others are
        `Downsampled`.
    handles : mapping
        The stored arrays by path.
    rounds : tuple of Round
        What changes, parents first.
    lock : Lock
        Shared by all writers of the image.
    budget : int
        Bytes of a finer level that may be read at once.
    report : Report
        Told of every piece that is written.
    """

    arrays: Mapping[str, ArrayNode]
    handles: Mapping[str, WritableArray]
    rounds: tuple[Round, ...]
    lock: Lock
    budget: int
    report: Report

    def nbytes(self, *, remakes_only: bool = False) -> int:
        """Uncompressed bytes that are written."""
        return sum(
            math.prod(shape_of(each.box)) * self.arrays[each.path].dtype.itemsize
            for each in self.rounds[1 if remakes_only else 0 :]
        )

    @property
    def shares_objects(self) -> bool:
        """Whether other writers may have pixels in the objects that are written."""
        return any(not self._is_alone(each, each.box) for each in self.rounds)

    def _is_alone(self, each: Round, cell: Box) -> bool:
        node = self.arrays[each.path]
        whole_objects = is_aligned(cell, node.layout.objects, node.shape)
        return whole_objects and is_within(cell, each.owned)

    def store(self, pixels: Any, cell: Box, each: Round) -> None:
        """Write given pixels to a piece of level 0."""
        node = self.arrays[each.path]
        block = as_promised(pixels, node.dtype, shape_of(cell))
        with self._held_for(each, cell):
            self.handles[each.path][cell] = block
        self._tell(block, cell, each)

    def remake(self, cell: Box, each: Round, _after: object = None) -> None:
        """Make a piece of a coarser level from the stored finer one."""
        with self._held_for(each, cell):
            made = self._made(cell, each.path)
            self.handles[each.path][cell] = made
        self._tell(made, cell, each)

    def _held_for(
        self, each: Round, cell: Box
    ) -> contextlib.AbstractContextManager[None]:
        """The lock, unless nobody else has pixels in what is written."""
        if self._is_alone(each, cell):
            return contextlib.nullcontext()
        return self.lock.held()

    def _tell(self, block: NDArray[Any], cell: Box, each: Round) -> None:
        self.report(block.nbytes, (each.path, *(side.start for side in cell)))

    def _made(self, cell: Box, path: str) -> NDArray[Any]:
        node, source = self.arrays[path], downsampled(self.arrays[path])
        parent = self.arrays[source.parent]
        around = overlap(source.method, source.factors)
        made = np.empty(shape_of(cell), node.dtype)
        room = self.budget // parent.dtype.itemsize
        for part in cells(cell, shrunk(cell, source.factors, room)):
            fine, before, after = footprint(part, source.factors, parent.shape, around)
            block = np.asarray(self.handles[source.parent][fine])
            at = tuple(
                slice(a.start - b.start, a.stop - b.start)
                for a, b in zip(part, cell, strict=True)
            )
            made[at] = downsample_within(
                block, source.factors, source.method, before, after
            )
        return made


def downsampled(node: ArrayNode) -> Downsampled:
    """The source of a coarser level."""
    if not isinstance(node.source, Downsampled):
        raise TypeError(f"Pixels of this array are {node.source}, not made of others")
    return node.source


def plan_rounds(
    arrays: Mapping[str, ArrayNode], box: Box, budget: int
) -> tuple[Round, ...]:
    """What changes when the pixels in `box` of the first array do, array by array.

    Parameters
    ----------
    arrays : mapping
        Nodes by path, level 0 first, parents before children.
    box : tuple of slice
        In level 0.
    budget : int
        Bytes that a piece and what it is made from may hold.
    """
    first, *others = arrays
    boxes, own = {first: box}, {first: box}
    rounds = [Round(first, box, box, _unit(arrays[first], 1, budget))]
    for path in others:
        node, source = arrays[path], downsampled(arrays[path])
        shapes = arrays[source.parent].shape, node.shape
        around = overlap(source.method, source.factors)
        boxes[path] = reached(boxes[source.parent], source.factors, shapes, around)
        own[path] = owned(own[source.parent], source.factors, shapes, around)
        unit = _unit(node, math.prod(source.factors), budget)
        rounds.append(Round(path, boxes[path], own[path], unit))
    return tuple(rounds)


def _unit(node: ArrayNode, bins: int, budget: int) -> tuple[int, ...]:
    # The piece, what it is made from, and as much again for the codecs.
    pixels = budget // (2 * node.dtype.itemsize * (bins + 1))
    return grown(node.layout.objects, node.shape, pixels)


@dataclass(frozen=True, slots=True)
class Pixels:
    """Pixels for a box of level 0, in stored order."""

    array: Readable
    box: Box

    @property
    def is_dask(self) -> bool:
        """Whether dask computes them."""
        return isinstance(self.array, dask.array.Array)

    def seen_from_array(self, cell: Box) -> Box:
        """Where a piece of the box is in the array."""
        return tuple(
            slice(a.start - b.start, a.stop - b.start)
            for a, b in zip(cell, self.box, strict=True)
        )

    def read(self, cell: Box) -> Any:
        """Those of a piece of the box."""
        return self.array[self.seen_from_array(cell)]


def amend_now(amendment: Amendment, pixels: Pixels | None) -> None:
    """Make the change piece by piece in this thread.

    `pixels` None: level 0 is right already, and the others are remade from it.
    """
    first, *others = amendment.rounds
    if pixels is not None:
        for cell in first.cells():
            amendment.store(pixels.read(cell), cell, first)
    for each in others:
        for cell in each.cells():
            amendment.remake(cell, each)
