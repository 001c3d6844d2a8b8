"""Smooth methods: coarse pixels as weighted sums that reach beyond their bins.

A block is worked on in small parts, so that the doubles of the sums need little
memory. Every coarse pixel is made by the same operations in the same order, whatever
the part or the block: no seam can be seen, not in the last bit.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.pixels.bins import Block, fold
from xarray_omezarr.pixels.casting import to_pixels
from xarray_omezarr.pixels.filters import FILTERS, Filter, Taps
from xarray_omezarr.pixels.mean import mean_of_bins

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Floats: TypeAlias = NDArray[np.floating]

# Pixels of a part. What a part needs beside its own pixels is computed again in the
# next: smaller parts compute more twice, larger ones leave the cache.
_PIXELS_OF_PART = 1 << 18


class _Axis(NamedTuple):
    """One axis of a block: where its inner pixels are, and how far the sums reach."""

    length: int
    factor: int
    before: int
    bins: int
    add: Taps
    subtract: Taps | None

    @property
    def lead(self) -> int:
        """Pixels needed before the first bin of a part."""
        firsts = [taps.first for taps in (self.add, self.subtract) if taps is not None]
        return max(0, -min(firsts))

    @property
    def trail(self) -> int:
        """Pixels needed after the last bin of a part."""
        stops = [taps.stop for taps in (self.add, self.subtract) if taps is not None]
        return max(0, max(stops) - self.factor)


def smooth(
    block: Block,
    factors: Sequence[int],
    method: str,
    before: Sequence[int],
    after: Sequence[int],
) -> Block:
    """Coarse pixels of the inside of a block.

    Parameters
    ----------
    block : numpy.ndarray
        Booleans, integers or floats.
    factors : sequence of int
        Pixels of a bin along each axis; axes of factor 1 are not smoothed.
    method : str
        A name in `FILTERS`.
    before, after : sequence of int
        Pixels of `block` that only surround its inside. Fewer than the method needs
        tell that the array ends there.
    """
    chosen = FILTERS[method]
    axes = [
        _axis(chosen, *sizes)
        for sizes in zip(block.shape, factors, before, after, strict=True)
    ]
    coarse = np.empty([axis.bins for axis in axes], dtype=block.dtype)
    native = block.dtype.newbyteorder("=")
    # Infinities and NaN are pixels like others here, not accidents of arithmetic.
    with np.errstate(all="ignore"):
        for tile in _tiles(axes):
            pixels = _window(block, axes, tile, chosen)
            made = _sum_up(pixels, axes, [len(bins) for bins in tile], chosen)
            outside = tuple(slice(bins.start, bins.stop) for bins in tile)
            coarse[outside] = to_pixels(made, native)
    return coarse


def _axis(chosen: Filter, length: int, factor: int, before: int, after: int) -> _Axis:
    bins = -(-(length - before - after) // factor)
    if factor == 1:
        return _Axis(length, 1, before, bins, Taps(0, np.ones(1)), None)
    subtract = None if chosen.subtract is None else chosen.subtract(factor)
    return _Axis(length, factor, before, bins, chosen.add(factor), subtract)


def _tiles(axes: Sequence[_Axis]) -> Iterator[tuple[range, ...]]:
    """Ranges of bins that together are all of them."""
    ranges = [
        range(0, axis.bins, step) for axis, step in zip(axes, _steps(axes), strict=True)
    ]
    for starts in itertools.product(*ranges):
        yield tuple(
            range(start, min(start + along.step, along.stop))
            for start, along in zip(starts, ranges, strict=True)
        )


def _steps(axes: Sequence[_Axis]) -> list[int]:
    """Bins of a part along each axis: as cubic as can be, then many planes at once."""
    steps = [1] * len(axes)

    def pixels(index: int) -> int:
        return steps[index] * axes[index].factor

    def growing(smoothed: bool) -> list[int]:
        return [
            index
            for index, axis in enumerate(axes)
            if steps[index] < axis.bins and (axis.factor > 1) == smoothed
        ]

    while candidates := growing(smoothed=True) or growing(smoothed=False):
        # Of equals the last: its pixels are neighbours in memory.
        shortest = min(reversed(candidates), key=pixels)
        if 2 * math.prod(map(pixels, range(len(axes)))) > _PIXELS_OF_PART:
            break
        steps[shortest] *= 2
    return steps


def _window(
    block: Block, axes: Sequence[_Axis], tile: Sequence[range], chosen: Filter
) -> Floats:
    """The pixels that the bins of a part need, as doubles."""
    cut, turned = [], {}
    for index, (axis, bins) in enumerate(zip(axes, tile, strict=True)):
        start = axis.before + bins.start * axis.factor - axis.lead
        stop = axis.before + bins.stop * axis.factor + axis.trail
        if start < 0 or stop > axis.length:
            sources = _reflected(np.arange(start, stop), axis, chosen)
            start, stop = int(np.min(sources)), int(np.max(sources)) + 1
            turned[index] = sources - start
        cut.append(slice(start, stop))
    # Cut along all axes before anything is copied.
    pixels = block[tuple(cut)].astype(np.result_type(block.dtype, np.float64))
    for index, sources in turned.items():
        pixels = np.take(pixels, sources, axis=index)
    return pixels


def _reflected(at: NDArray[np.intp], axis: _Axis, chosen: Filter) -> NDArray[np.intp]:
    """Where in the block the pixels beyond the border of the array come from."""
    whole = -(-axis.length // axis.factor) * axis.factor
    if chosen.border == "symmetric":
        at = at % (2 * whole)
        at = np.minimum(at, 2 * whole - 1 - at)
    elif whole > 1:
        at = at % (2 * whole - 2)
        at = np.minimum(at, 2 * whole - 2 - at)
    else:
        at = np.zeros_like(at)
    # The last pixels are repeated up to whole bins.
    return np.minimum(at, axis.length - 1)


def _sum_up(
    pixels: Floats, axes: Sequence[_Axis], bins: Sequence[int], chosen: Filter
) -> Floats:
    """The coarse pixels of a part, as doubles."""
    absent = np.isfinite(pixels) if chosen.overshoots else ~np.isnan(pixels)
    np.logical_not(absent, out=absent)
    if not absent.any():
        made = _weigh(pixels, axes, bins, [axis.add for axis in axes])
        if chosen.subtract is not None:
            made -= _weigh(pixels, axes, bins, _subtracted(axes))
        return made
    inner = _inner(axes, bins)
    sizes = tuple(axis.factor for axis in axes)
    numbers = np.where(absent, 0, pixels)
    if chosen.overshoots:
        return _or_mean(pixels[inner], numbers, absent, axes, bins)
    made = _weigh_numbers(numbers, absent, axes, bins, [axis.add for axis in axes])
    if chosen.subtract is not None:
        made -= _weigh_numbers(numbers, absent, axes, bins, _subtracted(axes))
    made[fold(absent[inner], sizes, np.logical_and)] = np.nan
    return made


def _subtracted(axes: Sequence[_Axis]) -> list[Taps]:
    return [axis.subtract or axis.add for axis in axes]


def _inner(axes: Sequence[_Axis], bins: Sequence[int]) -> tuple[slice, ...]:
    """Where in the window of a part its own pixels are."""
    return tuple(
        slice(axis.lead, axis.lead + count * axis.factor)
        for axis, count in zip(axes, bins, strict=True)
    )


def _weigh_numbers(
    numbers: Floats,
    absent: NDArray[np.bool_],
    axes: Sequence[_Axis],
    bins: Sequence[int],
    rows: Sequence[Taps],
) -> Floats:
    """Weighted means of what is there; `numbers` are 0 where nothing is."""
    made = _weigh(numbers, axes, bins, rows)
    present = _weigh((~absent).astype(numbers.dtype), axes, bins, rows)
    # Only where something is absent: elsewhere the weights sum to nearly 1, and a
    # pixel must not depend on which others were computed with it.
    partly = _weigh(absent.astype(numbers.dtype), axes, bins, rows) > 0
    made[partly] /= present[partly]
    return made


def _or_mean(
    inner: Floats,
    numbers: Floats,
    absent: NDArray[np.bool_],
    axes: Sequence[_Axis],
    bins: Sequence[int],
) -> Floats:
    """Weighted sums, but means of the bins where one of the pixels is no number.

    Weights below zero cannot be made up for: what is left may sum to nothing.
    """
    rows = [axis.add for axis in axes]
    sizes = [Taps(taps.first, np.abs(taps.weights)) for taps in rows]
    made = _weigh(numbers, axes, bins, rows)
    partly = _weigh(absent.astype(numbers.dtype), axes, bins, sizes) > 0
    means = mean_of_bins(inner, tuple(axis.factor for axis in axes))
    made[partly] = means[partly]
    return made


def _weigh(
    pixels: Floats, axes: Sequence[_Axis], bins: Sequence[int], rows: Sequence[Taps]
) -> Floats:
    """Weighted sums along one axis after the other."""
    for index, (axis, count, taps) in enumerate(zip(axes, bins, rows, strict=True)):
        if axis.factor > 1:
            pixels = _weigh_along(pixels, index, axis, count, taps)
    return pixels


def _weigh_along(
    pixels: Floats, index: int, axis: _Axis, bins: int, taps: Taps
) -> Floats:
    before = (slice(None),) * index
    span = (bins - 1) * axis.factor + 1

    def below(weight: int) -> Floats:
        start = axis.lead + taps.first + weight
        return pixels[(*before, slice(start, start + span, axis.factor))]

    weights = taps.weights
    last = len(weights) - 1
    total = np.zeros_like(below(0), order="C")
    pair = np.empty_like(total)
    # Weights are symmetric, so two pixels share one multiplication.
    for first in range((last + 1) // 2):
        np.add(below(first), below(last - first), out=pair)
        pair *= weights[first]
        total += pair
    if last % 2 == 0:
        np.multiply(below(last // 2), weights[last // 2], out=pair)
        total += pair
    return total
