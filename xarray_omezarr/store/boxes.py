"""Boxes of pixels: which coarser pixels a box reaches, and how it is cut."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import TypeAlias

#: Half-open ranges of indices, one per axis, both ends given.
Box: TypeAlias = tuple[slice, ...]


def whole(shape: Sequence[int]) -> Box:
    """The box of all pixels."""
    return tuple(slice(0, size) for size in shape)


def shape_of(box: Box) -> tuple[int, ...]:
    """Number of pixels along each axis."""
    return tuple(side.stop - side.start for side in box)


def reached(
    box: Box,
    factors: Sequence[int],
    shapes: tuple[Sequence[int], Sequence[int]],
    overlap: Sequence[int],
) -> Box:
    """The coarser pixels that pixels of `box` have a part in.

    Parameters
    ----------
    box : tuple of slice
        In the finer array.
    factors : sequence of int
        Finer pixels per coarser one.
    shapes : tuple of two shapes
        Of the finer and the coarser array. Where sizes were rounded down, the finer
        pixels beyond the last bin reach nothing, and the box is empty.
    overlap : sequence of int
        How many finer pixels around its bin a coarser pixel looks at.

    Examples
    --------
    >>> reached((slice(3, 5),), (2,), ((6,), (3,)), (0,))
    (slice(1, 3, None),)
    """
    made = []
    for side, factor, fine, size, more in zip(
        box, factors, *shapes, overlap, strict=True
    ):
        first = max(side.start - more, 0) // factor
        stop = min(-(-min(side.stop + more, fine) // factor), size)
        made.append(slice(min(first, stop), stop))
    return tuple(made)


def owned(
    box: Box,
    factors: Sequence[int],
    shapes: tuple[Sequence[int], Sequence[int]],
    overlap: Sequence[int],
) -> Box:
    """The coarser pixels that are made from nothing but pixels of `box`.

    Parameters as in `reached`.

    Examples
    --------
    >>> owned((slice(3, 6),), (2,), ((6,), (3,)), (0,))
    (slice(2, 3, None),)
    """
    made = []
    for side, factor, fine, size, more in zip(
        box, factors, *shapes, overlap, strict=True
    ):
        first = -(-(side.start + more) // factor) if side.start else 0
        stop = (side.stop - more) // factor if side.stop < fine else size
        made.append(slice(first, max(first, min(stop, size))))
    return tuple(made)


def footprint(
    box: Box, factors: Sequence[int], shape: Sequence[int], overlap: Sequence[int]
) -> tuple[Box, tuple[int, ...], tuple[int, ...]]:
    """The finer pixels, of an array of `shape`, that `box` is made from.

    Returns
    -------
    box : tuple of slice
        With the pixels around it.
    before, after : tuple of int
        How many of them are around it: the overlap, or what the array has.

    Examples
    --------
    >>> footprint((slice(1, 3),), (2,), (5,), (0,))
    ((slice(2, 5, None),), (0,), (0,))
    """
    made, before, after = [], [], []
    for side, factor, size, more in zip(box, factors, shape, overlap, strict=True):
        start, stop = side.start * factor, min(side.stop * factor, size)
        before.append(min(more, start))
        after.append(min(more, size - stop))
        made.append(slice(start - before[-1], stop + after[-1]))
    return tuple(made), tuple(before), tuple(after)


def is_within(box: Box, outer: Box) -> bool:
    """Whether all pixels of `box` are in `outer`."""
    return all(
        a.start >= b.start and a.stop <= b.stop for a, b in zip(box, outer, strict=True)
    )


def is_aligned(box: Box, unit: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether `box` consists of whole objects of `unit` pixels.

    The last object of an array may reach beyond its border.
    """
    return all(
        side.start % n == 0 and (side.stop % n == 0 or side.stop == size)
        for side, n, size in zip(box, unit, shape, strict=True)
    )


def lengths(side: slice, step: int) -> tuple[int, ...]:
    """Lengths of the pieces of a range that is cut at all multiples of `step`."""
    cuts = [
        side.start,
        *range(side.start // step * step + step, side.stop, step),
        side.stop,
    ]
    return tuple(b - a for a, b in pairwise(cuts) if b > a)


def cells(box: Box, unit: Sequence[int]) -> Iterator[Box]:
    """The pieces of `box` that cuts at all multiples of `unit` make, in C order."""
    sides = []
    for side, step in zip(box, unit, strict=True):
        at, pieces = side.start, []
        for length in lengths(side, step):
            pieces.append(slice(at, at + length))
            at += length
        sides.append(pieces)
    return product(*sides)


def grown(unit: Sequence[int], shape: Sequence[int], pixels: int) -> tuple[int, ...]:
    """`unit` doubled along the last axis, then the one before it, ...

    It stops before it holds more than `pixels`, and never shrinks below the unit.
    """
    block = list(unit)
    for axis in reversed(range(len(block))):
        while block[axis] < shape[axis]:
            if 2 * math.prod(block) > pixels:
                return tuple(block)
            block[axis] *= 2
    return tuple(block)


def shrunk(box: Box, factors: Sequence[int], pixels: int) -> tuple[int, ...]:
    """A unit that cuts `box` into pieces made from at most `pixels` finer ones.

    The first axes are halved first, so that rows stay whole; one pixel is the least.
    """
    unit = list(shape_of(box))
    bins = math.prod(factors)
    for axis in range(len(unit)):
        while unit[axis] > 1 and math.prod(unit) * bins > pixels:
            unit[axis] = -(-unit[axis] // 2)
    return tuple(max(1, size) for size in unit)
