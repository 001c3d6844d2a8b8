"""Kernels that compare the pixels of a bin: max, min, median, mode.

Each gets a part of an array in native byte order and the sizes of its bins, all of
which are whole (see `bins`) and of two pixels at least; it returns one value per
bin. NaN is skipped and remains only where there is nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xarray_omezarr.pixels.bins import Block, fold, members
from xarray_omezarr.pixels.mean import majority_of_bins, mean_of_floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Up to so many pixels a bin, swapping whole rows is faster than np.sort, which
# calls its sort once per bin.
_MOST_SWAPPED = 16

# Bins of 2 x 2 pixels, by far the most frequent.
_FOUR = 4


def max_of_bins(part: Block, sizes: tuple[int, ...]) -> Block:
    """Largest pixel of every bin."""
    skips_nan = part.dtype.kind == "f"
    return _one_zero(fold(part, sizes, np.fmax if skips_nan else np.maximum))


def min_of_bins(part: Block, sizes: tuple[int, ...]) -> Block:
    """Smallest pixel of every bin."""
    skips_nan = part.dtype.kind == "f"
    return _one_zero(fold(part, sizes, np.fmin if skips_nan else np.minimum))


def median_of_bins(part: Block, sizes: tuple[int, ...]) -> Block:
    """Median of every bin; of an even number, the mean of the two in the middle."""
    if part.dtype.kind == "b":
        return majority_of_bins(part, sizes)
    values = np.stack(members(part, sizes))
    numbers = _sort(values)
    lower = _pick(values, (numbers - 1) // 2)
    upper = _pick(values, numbers // 2)
    if part.dtype.kind == "f":
        median: Block = _one_zero(mean_of_floats([lower, upper]))
        median[np.broadcast_to(numbers == 0, median.shape)] = np.nan
        return median
    # The floor of the mean without an overflow, then half to even.
    median = (lower & upper) + ((lower ^ upper) >> 1)
    median += (lower ^ upper) & median & 1
    return median


def _pick(values: Block, rank: NDArray[np.intp]) -> Block:
    picked: Block
    if rank.ndim == 0:
        picked = values[rank]
    else:
        # A bin without numbers has no rank: any value will do.
        rank = np.clip(rank, 0, len(values) - 1)
        picked = np.take_along_axis(values, rank[np.newaxis], axis=0)[0]
    return picked


def mode_of_bins(part: Block, sizes: tuple[int, ...]) -> Block:
    """Most frequent pixel of every bin; of equals the smallest that is not zero."""
    if part.dtype.kind == "b":
        return majority_of_bins(part, sizes)
    pixels = members(part, sizes)
    whole = part.dtype.kind in "iu"
    if len(pixels) == _FOUR and whole and (part.dtype.kind == "u" or part.min() >= 0):
        unsigned = f"u{part.itemsize}"
        four = _mode_of_four([pixel.view(unsigned) for pixel in pixels])
        return four.view(part.dtype)
    mode = pixels[0].copy()
    # Most bins of a label image lie within one object: only the rest needs work.
    mixed = np.zeros(mode.shape, dtype=np.bool_)
    for pixel in pixels[1:]:
        mixed |= pixel != mode
    if mixed.any():
        mode[mixed] = _most_frequent(np.stack([pixel[mixed] for pixel in pixels]))
    return _one_zero(mode)


def _mode_of_four(pixels: list[Block]) -> Block:
    """Mode of four unsigned integers, without a look at how many are equal.

    Less by one, zero is the largest of all: the smallest wins every tie.
    """
    a, b, c, d = (pixel - 1 for pixel in pixels)
    first: Block
    lower, higher = np.minimum(a, b), np.maximum(a, b, out=b)
    low, high = np.minimum(c, d, out=a), np.maximum(c, d, out=d)
    first, second = np.minimum(lower, low, out=c), np.maximum(lower, low, out=lower)
    third, last = np.minimum(higher, high, out=a), np.maximum(higher, high, out=d)
    # Between the first and the last, in order.
    second, third = np.minimum(second, third, out=b), np.maximum(second, third)
    # The first is it, unless it is alone and two of the others are equal: then the
    # third is one of those two.
    others = second == third
    others |= third == last
    others &= first != second
    np.copyto(first, third, where=others)
    first += 1
    return first


def _most_frequent(values: Block) -> Block:
    """Mode along the first axis of a table; sorts the table in place."""
    numbers = _sort(values)
    mode: Block = values[0].copy()
    small = np.int8 if len(values) <= _MOST_SWAPPED else np.int32
    best = np.zeros(mode.shape, dtype=small)
    run = np.zeros(mode.shape, dtype=small)
    for rank, value in enumerate(values):
        run *= value == values[rank - 1]
        run += 1
        # Twice the length of the run, so that a zero can count half a pixel less:
        # it loses ties but no majority. Among others the first, smallest, wins.
        score = 2 * run
        score -= value == 0
        score *= rank < numbers
        np.copyto(mode, value, where=score > best)
        np.maximum(best, score, out=best)
    if mode.dtype.kind == "f":
        mode[best == 0] = np.nan
    return mode


def _sort(values: Block) -> NDArray[np.intp]:
    """Sort along the first axis in place and count the numbers that are not NaN.

    The count is a scalar where there is no NaN. Otherwise every NaN becomes an
    infinity, which comes after the numbers, or among its like.
    """
    numbers = np.asarray(len(values))
    if values.dtype.kind == "f":
        absent = np.isnan(values)
        if absent.any():
            numbers = len(values) - absent.sum(axis=0)
            values[absent] = np.inf
    if len(values) > _MOST_SWAPPED:
        values.sort(axis=0)
    else:
        _swap_into_order(values)
    return numbers


def _swap_into_order(values: Block) -> None:
    """Odd-even transposition: as many rounds of swapping neighbours as rows."""
    for turn in range(len(values)):
        lower = values[turn % 2 : -1 : 2]
        upper = values[turn % 2 + 1 :: 2]
        smaller = np.minimum(lower, upper)
        np.maximum(lower, upper, out=upper)
        lower[...] = smaller


def _one_zero(values: Block) -> Block:
    """Make every -0.0 a 0.0.

    Both compare equal, so which of them is found would depend on how numpy walks
    through an array.
    """
    if values.dtype.kind == "f":
        values += 0.0
    return values
