"""The mean of bins: exact for integers, in double precision for floats.

Each kernel gets a part of an array in native byte order and the sizes of its bins,
all of which are whole (see `bins`) and of two pixels at least; it returns one value
per bin. Infinities and NaN are among the pixels, so the caller silences numpy's
warnings of them.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.pixels.bins import Block, fold, members, paired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def mean_of_bins(part: Block, sizes: tuple[int, ...]) -> Block:
    """Mean of every bin: integers round half to even, NaN does not count."""
    if part.dtype.kind == "b":
        return majority_of_bins(part, sizes)
    if part.dtype.kind == "f":
        return mean_of_floats(members(part, sizes))
    return _mean_of_integers(part, sizes)


def majority_of_bins(part: Block, sizes: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell for every bin of booleans whether at least half of them are True."""
    count = math.prod(sizes)
    bits = part.view(np.uint8)
    total = fold(bits, sizes, np.add, _accumulator(bits.dtype, count))
    majority: NDArray[np.bool_] = 2 * total >= count
    return majority


def mean_of_floats(values: Sequence[Block]) -> NDArray[np.floating[Any]]:
    """Mean of arrays of one shape, summed in double precision in the given order.

    NaN is skipped and remains only where there is nothing else.
    """
    wide = np.result_type(values[0].dtype, np.float64)
    mean = values[0].astype(wide)
    for value in values[1:]:
        mean += value
    mean /= len(values)
    unsure = ~np.isfinite(mean)
    if unsure.any():
        again = np.stack([value[unsure] for value in values]).astype(wide)
        mean[unsure] = _mean_of_rare_floats(again)
    return mean


def _mean_of_rare_floats(values: Block) -> Block:
    """Mean along the first axis where NaN, infinity or an overflow is involved."""
    absent = np.isnan(values)
    count = len(values) - absent.sum(axis=0)
    values[absent] = 0
    mean: Block = _sum_in_order(values) / count
    overflow = np.isinf(mean) & np.isfinite(values).all(axis=0)
    if overflow.any():
        # Fill values such as -1.8e308 are common in data from elsewhere: a mean
        # cannot lie outside its values, so it must not become infinite.
        shrink = 0.5 ** len(values).bit_length()
        small = _sum_in_order(values[:, overflow] * shrink) / count[overflow]
        mean[overflow] = small / shrink
    return mean


def _sum_in_order(values: Block) -> Block:
    # np.sum adds pairwise or not depending on the shape; a mean must not depend on
    # how many neighbours are computed with it.
    total: Block = values[0].copy()
    for value in values[1:]:
        total += value
    return total


def _mean_of_integers(part: Block, sizes: tuple[int, ...]) -> Block:
    count = math.prod(sizes)
    accumulator = _accumulator(part.dtype, count)
    if accumulator is None:
        return _mean_of_wide_integers(part, sizes)
    pairs = paired(part, sizes)
    if pairs is None or accumulator.itemsize > 2 * part.itemsize:
        return _rounded_quotient(fold(part, sizes, np.add, accumulator), count)
    # Signed integers are counted from the smallest: an even number away from zero,
    # so that half to even stays what it is.
    offset = -np.iinfo(part.dtype).min
    total = _sum_of_pairs(members(pairs, (*sizes[:-1], 1)), offset)
    mean = _rounded_quotient(total, count)
    return mean.view(f"i{mean.itemsize}") - offset if offset else mean


def _sum_of_pairs(pairs: Sequence[Block], offset: int) -> Block:
    """Sum of the integers that are read two at a time (see `bins.paired`)."""
    bits = 4 * pairs[0].itemsize
    low = (1 << bits) - 1
    total = np.empty_like(pairs[0], order="C")
    half = np.empty_like(total)
    for index, pair in enumerate(pairs):
        if offset:
            pair = pair ^ (offset << bits | offset)
        if index == 0:
            np.bitwise_and(pair, low, out=total)
        else:
            total += np.bitwise_and(pair, low, out=half)
        total += np.right_shift(pair, bits, out=half)
    return total


def _rounded_quotient(total: Block, count: int) -> Block:
    """Divide sums of `count` integers, in place."""
    # Half to even in one division: adding just under a half rounds a tie down, and
    # one more rounds it up, which is wanted where the quotient is odd. Means of an
    # odd number of integers have no ties.
    if count % 2 == 0:
        odd = total // count
        odd &= 1
        total += odd
    total += (count - 1) // 2
    total //= count
    return total


@functools.cache
def _accumulator(dtype: np.dtype[Any], count: int) -> np.dtype[Any] | None:
    """The narrowest type that holds the sum of `count` values and some to round."""
    info = np.iinfo(dtype)
    largest = max(-info.min, info.max)
    for size in (2, 4, 8):
        candidate = np.dtype(f"{dtype.kind}{size}")
        if count * (largest + 1) <= np.iinfo(candidate).max:
            return candidate
    return None


def _mean_of_wide_integers(part: Block, sizes: tuple[int, ...]) -> Block:
    """Mean of 64-bit integers, whose sums no type holds.

    High and low halves of the words are summed apart and divided as in long
    division; exact for bins of less than 2**31 pixels.
    """
    count = math.prod(sizes)
    high = fold(part >> 32, sizes, np.add)
    low = fold(part & 0xFFFFFFFF, sizes, np.add)
    quotient: Block
    quotient, rest = np.divmod(high, count)
    more, rest = np.divmod((rest << 32) + low, count)
    quotient = (quotient << 32) + more
    # More than a half rounds up; exactly a half does so from an odd quotient.
    quotient += 2 * rest + (quotient & 1) > count
    return quotient
