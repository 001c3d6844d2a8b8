"""Bins: the groups of neighbouring pixels that each become one coarse pixel.

A bin holds ``factors`` pixels, fewer at the far border of the array. Bins are
counted from the first pixel, so an array that is cut at multiples of the factors
has the same bins as the whole.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

Block: TypeAlias = NDArray[Any]

# A part and what is computed from it should stay in the cache of one core: larger
# parts made the mean of a big array up to twice as slow, smaller ones pay for calls.
_PART_BYTES = 1 << 19

# Large bins make many passes over few numbers: keep each pass worth its call.
_FEWEST_BINS = 256


class Part(NamedTuple):
    """A piece of an array whose bins all have the same size.

    Parameters
    ----------
    inside : tuple of slice
        Where its pixels are in the array.
    outside : tuple of slice
        Where its bins are in the coarse array.
    sizes : tuple of int
        Pixels of one bin along each axis.
    """

    inside: tuple[slice, ...]
    outside: tuple[slice, ...]
    sizes: tuple[int, ...]


def coarse_shape(shape: Sequence[int], factors: Sequence[int]) -> tuple[int, ...]:
    """Number of bins along each axis; a partial bin at the far border counts.

    Examples
    --------
    >>> coarse_shape((1, 5, 6), (1, 2, 2))
    (1, 3, 3)
    """
    return tuple(-(-n // f) for n, f in zip(shape, factors, strict=True))


def parts(
    shape: Sequence[int], factors: Sequence[int], itemsize: int
) -> Iterator[Part]:
    """Cut an array into small parts, each with bins of one size only.

    Separating whole bins from those cut off by the border means that nobody who
    computes on a part has to think of borders.
    """
    runs = [list(_runs(n, f)) for n, f in zip(shape, factors, strict=True)]
    for region in itertools.product(*runs):
        yield from _cut(region, factors, itemsize)


class _Run(NamedTuple):
    """Bins of one size that follow each other along one axis."""

    first: int
    bins: int
    size: int


def _runs(length: int, factor: int) -> Iterator[_Run]:
    whole, rest = divmod(length, factor)
    if whole:
        yield _Run(0, whole, factor)
    if rest:
        yield _Run(whole, 1, rest)


def _cut(
    region: Sequence[_Run], factors: Sequence[int], itemsize: int
) -> Iterator[Part]:
    sizes = tuple(run.size for run in region)
    ranges = [
        range(run.first, run.first + run.bins, step)
        for run, step in zip(region, _steps(region, itemsize), strict=True)
    ]
    for starts in itertools.product(*ranges):
        inside, outside = [], []
        for start, along, factor, size in zip(
            starts, ranges, factors, sizes, strict=True
        ):
            bins = min(along.step, along.stop - start)
            outside.append(slice(start, start + bins))
            inside.append(slice(start * factor, start * factor + bins * size))
        yield Part(tuple(inside), tuple(outside), sizes)


def _steps(region: Sequence[_Run], itemsize: int) -> list[int]:
    """Bins of a part along each axis: whole planes first, then rows, then less."""
    bytes_of_bin = itemsize * math.prod(run.size for run in region)
    room = max(_PART_BYTES // bytes_of_bin, _FEWEST_BINS)
    steps = []
    for run in reversed(region):
        step = min(run.bins, room)
        room //= step
        steps.append(step)
    return steps[::-1]


def members(part: Block, sizes: Sequence[int]) -> list[Block]:
    """Views of the first pixel of every bin, of the second, and so on.

    The order is that of the memory (the last axis runs fastest), whatever the
    layout of the part: sums of floats depend on it.
    """
    offsets = itertools.product(*(range(size) for size in sizes))
    return [
        part[tuple(slice(o, None, s) for o, s in zip(offset, sizes, strict=True))]
        for offset in offsets
    ]


def paired(part: Block, sizes: tuple[int, ...]) -> Block | None:
    """Bins of two pixels along the last axis, each read as one unsigned integer.

    To read every second pixel of a row takes longer than to read all of them.

    Returns
    -------
    numpy.ndarray or None
        A view of `part`; None where the last bins are others, the two pixels do not
        lie side by side, or no integer is large enough.
    """
    whole = part.dtype.kind in "iu" and part.itemsize <= 4
    if not whole or sizes[-1] != 2 or part.strides[-1] != part.itemsize:
        return None
    pairs = part.view(f"u{2 * part.itemsize}")
    # Of an array that starts within a pair numpy would make aligned copies.
    return pairs if pairs.flags.aligned else None


def fold(
    part: Block,
    sizes: Sequence[int],
    ufunc: np.ufunc,
    dtype: np.dtype[Any] | None = None,
) -> Block:
    """Combine the pixels of every bin by `ufunc`, one axis after the other.

    Faster than a loop over `members`, as the first axes are read in whole rows, but
    the order of the operations differs: not for sums of floats.
    """
    result = part
    for axis, size in enumerate(sizes):
        if size == 1:
            continue
        before = (slice(None),) * axis
        first, second, *others = (
            result[(*before, slice(offset, None, size))] for offset in range(size)
        )
        result = ufunc(first, second, dtype=dtype)
        for other in others:
            ufunc(result, other, out=result, dtype=dtype)
    return result
