"""Evenly spaced numbers -> the shortest scale and translation that explain them.

A coordinate holds rounded numbers, so many scales explain it equally well: 0.1 and
0.10000000000000003 may differ by less than the rounding. The one that was meant has
the fewest decimal digits. `fit` supposes ways in which the numbers may have been
rounded, from strict to loose, finds the shortest decimals under each, and takes
those that are least likely to be there by chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.grid.grid import decimal

Floats: TypeAlias = NDArray[np.float64]

#: How far, in pixels, coordinates may lie from an even spacing.
TOLERANCE = 1e-3

#: Rounding noise, in pixels, above which the scale cannot be known.
MOST_NOISE = 0.1

#: Positions beyond this have no use, and products of them would overflow.
LARGEST = 1e200

# Decimals are beyond doubt if chance would put one as short into fewer than one of
# 10**_CERTAIN intervals of the same width.
_CERTAIN = 4

# How much less a looser line is believed that has the scale of one which is right to
# the last bit, and so can only have a translation of fewer digits.
_SAME_SCALE_DOUBT = 3

# A double has at most 17 significant digits.
_DIGITS = 17


@dataclass(frozen=True, slots=True)
class Fit:
    """The line ``translation + i * scale`` through the coordinates of one dim.

    Parameters
    ----------
    scale : float
        Distance of neighbours; a nominal one where they are uneven.
    translation : float
        Position of the first.
    regular : bool
        Whether the line passes through all coordinates.
    noise : float
        How much the type of the coordinates may have rounded away, in pixels. Above
        `MOST_NOISE` the scale cannot be known.
    """

    scale: float
    translation: float
    regular: bool
    noise: float = 0.0


def fit(values: NDArray[Any], *, hint: float | None = None) -> Fit:
    """Find the line through ascending `values`, in decimals as short as possible.

    Parameters
    ----------
    values : array of int or float, shape (n,), n >= 2
        Finite, the last above the first, none beyond `LARGEST`.
    hint : float, optional
        A scale to be taken if it explains all values to their last bit.

    Examples
    --------
    >>> fit(np.arange(3, 9) * 0.1)
    Fit(scale=0.1, translation=0.3, regular=True, noise=...)
    """
    if values.dtype.kind in "iu":
        return _fit_integers(values)
    points = _Points(values)
    noise = points.noise(points.dtype)
    if noise > MOST_NOISE or not _is_even(points):
        return Fit(nominal_scale(values), shortest_float(values[0]), False, noise)
    line = _meant_line(points, hint)
    return Fit(float(line.scale), float(line.translation), True, noise)


def nominal_scale(values: NDArray[Any]) -> float:
    """The mean step end to end; if not positive, the median positive step; else 1."""
    steps = np.diff(values.astype(np.float64))
    mean = float(steps.mean())
    if not mean > 0:
        rising = steps[steps > 0]
        mean = float(np.median(rising)) if rising.size else 1.0
    digits = np.finfo(values.dtype).precision if values.dtype.kind == "f" else 15
    return float(f"{mean:.{digits}g}")


def shortest_float(value: Any) -> float:
    """The double that is spelled like `value`: 0.325 for float32(0.325)."""
    return float(str(value))


class _Points:
    """Coordinates against their index, with exact arithmetic where it matters."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values.astype(np.float64)
        self.dtype = min(values.dtype, self.values.dtype, key=lambda d: d.itemsize)
        self.size = values.size
        self.index = np.arange(values.size, dtype=np.float64)
        self.rise, self._rise_error = _exact_sum(self.values, -self.values[0])

    def __getitem__(self, index: int) -> Fraction:
        return Fraction(float(self.values[index]))

    @cached_property
    def slope(self) -> Fraction:
        """The mean step from end to end."""
        return (self[-1] - self[0]) / (self.size - 1)

    @cached_property
    def reach(self) -> Floats:
        """The largest number that each coordinate may have been computed from."""
        far = np.maximum(np.abs(self.values), np.abs(self.rise))
        return np.maximum(far, abs(self.values[0]))

    @cached_property
    def dtypes(self) -> tuple[np.dtype[Any], ...]:
        """The type of the coordinates, and smaller ones that hold them as well."""
        return (self.dtype, *self._narrower())

    def _narrower(self) -> Iterator[np.dtype[Any]]:
        for dtype in (np.dtype(np.float32), np.dtype(np.float16)):
            if dtype.itemsize < self.dtype.itemsize:
                with np.errstate(over="ignore", under="ignore"):
                    held = self.values.astype(dtype)
                if np.array_equal(held, self.values):
                    yield dtype

    def drift(self, scale: Fraction) -> Floats:
        """``values - values[0] - index * scale``, exact but for one last rounding.

        The terms are close to each other, so their difference is exact; what the
        terms themselves had to round off is added to it.
        """
        head = float(scale)
        tail = float(scale - Fraction(head))
        product, error = _exact_product(self.index, head)
        return (self.rise - product) + (self._rise_error - error - self.index * tail)

    def noise(self, dtype: np.dtype[Any]) -> float:
        """Rounding noise in pixels: four times that of the largest coordinate."""
        epsilon = 4 * float(np.finfo(dtype).eps)
        return epsilon * float(np.abs(self.values).max()) / float(self.slope)


def _exact_sum(a: Floats, b: np.float64) -> tuple[Floats, Floats]:
    """``a + b`` and what rounding took from it (Knuth)."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def _exact_product(index: Floats, factor: float) -> tuple[Floats, Floats]:
    """``index * factor`` and what rounding took from it (Dekker).

    An index has at most 26 bits, so its products with halves of `factor` are exact.
    """
    shifted = factor * 134217729.0  # 2**27 + 1
    high = shifted - (shifted - factor)
    low = factor - high
    product = index * factor
    return product, (index * high - product) + index * low


def _is_even(points: _Points) -> bool:
    """Whether no coordinate is off the line from end to end by a visible part."""
    residual = float(np.abs(points.drift(points.slope)).max()) / float(points.slope)
    # Values that were rounded to a smaller type may be off by more.
    noises = [points.noise(dtype) for dtype in points.dtypes]
    noise = max(noise for noise in noises if noise <= MOST_NOISE)
    return residual <= max(TOLERANCE, noise)


@dataclass(frozen=True, slots=True)
class _Band:
    """How far below and above its coordinate each exact position may lie."""

    below: Floats
    above: Floats


@dataclass(frozen=True, slots=True)
class _Line:
    """Scale and translation, and how surprising their shortness is (see `_Short`)."""

    scale: Fraction
    translation: Fraction
    surprises: tuple[float, float] = (0.0, 0.0)


def _meant_line(points: _Points, hint: float | None) -> _Line:
    """The line of decimals that are least likely to be there by chance."""
    strict = _rounded_once(points, points.dtype)
    if hint is not None:
        line = _line_with(points, strict, Fraction(decimal(hint)))
        if line is not None:
            return line
    best = exact = _shortest_line(points, strict)
    most = -math.inf if best is None else _total(best) + min(3, points.size / 100)
    if best is not None and min(best.surprises) >= _CERTAIN:
        return best
    for line, doubt in _looser_lines(points):
        if exact is not None and line.scale == exact.scale:
            doubt += _SAME_SCALE_DOUBT
        if _total(line) - doubt > most:
            best, most = line, _total(line) - doubt
        if min(line.surprises) - doubt >= _CERTAIN:
            break
    return best or _jittered_line(points)


def _total(line):
    return line.surprises[0]+max(line.surprises[1],0)


def _looser_lines(points: _Points) -> Iterator[tuple[_Line, float]]:
    """The shortest line under each further supposition, and the doubt in that."""
    for band, doubt in _looser_bands(points):
        line = _shortest_line(points, band)
        if line is not None:
            yield line, doubt
    line = _single_precision_line(points) if points.dtype == np.float64 else None
    if line is not None:
        yield line, 1.0


def _looser_bands(points: _Points) -> Iterator[tuple[_Band, float]]:
    """Further ways in which the coordinates may have been rounded."""
    own, *narrower = points.dtypes
    for ulps in (1, 2, 4):
        yield _computed(points, own, ulps), 0.5
    for dtype in narrower:
        yield _rounded_once(points, dtype), 1.0
        yield _computed(points, dtype, 2), 1.5
    yield _accumulated(points, roundings=0.5, before=0), 2.0
    # After a crop that left out as many again, with a stride.
    yield _accumulated(points, roundings=2.0, before=points.size), 3.0


def _rounded_once(points: _Points, dtype: np.dtype[Any]) -> _Band:
    """Exact decimals, each rounded to the nearest number of `dtype`."""
    # Below a power of two the numbers lie closer than above it.
    inward = np.nextafter(points.values.astype(dtype), dtype.type(0))
    inner = np.abs(points.values - inward.astype(np.float64)) / 2
    outer = _spacing(np.abs(points.values), dtype) / 2
    positive = points.values > 0
    return _Band(np.where(positive, inner, outer), np.where(positive, outer, inner))


def _computed(points: _Points, dtype: np.dtype[Any], ulps: int) -> _Band:
    """``index * scale + translation`` in `dtype`: each operation rounds."""
    error = ulps * _spacing(points.reach, dtype)
    return _Band(error, error)


def _accumulated(points: _Points, roundings: float, before: int) -> _Band:
    """``np.arange(first, last, step)`` and sums of steps: each step is off a bit."""
    steps = points.index + before + 8
    error = roundings * steps * _spacing(points.reach, points.dtype)
    return _Band(error, error)


def _spacing(magnitude: Floats, dtype: np.dtype[Any]) -> Floats:
    """Distance of the neighbours of each number in `dtype`; 0 for 0."""
    epsilon = float(np.finfo(dtype).eps)
    return np.where(magnitude > 0, np.ldexp(epsilon, np.frexp(magnitude)[1] - 1), 0.0)


def _shortest_line(points: _Points, band: _Band) -> _Line | None:
    """The line of fewest digits that passes within the band of all points.

    Starts from the scales that the two ends allow. Where the shortest of them
    misses points, the two that it misses most narrow the interval, and so on.
    """
    low, high = _ends(points, band)
    width = high - low
    while 0 < low <= high:
        found = _shortest(low, high)
        if found is None:
            return None
        drift = points.drift(found.value)
        line = _line_with(points, band, found.value, drift)
        if line is not None:
            surprises = (found.surprise(width), line.surprises[1])
            return _Line(line.scale, line.translation, surprises)
        i = int(np.argmax(drift - band.below))
        j = int(np.argmin(drift + band.above))
        if i < j:
            high = _limit(points, band, i, j)
        elif i > j:
            low = _limit(points, band, i, j)
        if low <= found.value <= high:
            return None  # what is left is finer than doubles are
    return None


def _ends(points: _Points, band: _Band) -> tuple[Fraction, Fraction]:
    """The least and the greatest scale that the first and the last point allow."""
    last = points.size - 1
    return _limit(points, band, last, 0), _limit(points, band, 0, last)


def _limit(points: _Points, band: _Band, i: int, j: int) -> Fraction:
    """The scale at which a line touches the bands of `i` below and of `j` above."""
    below = points[i] - Fraction(float(band.below[i]))
    above = points[j] + Fraction(float(band.above[j]))
    return (above - below) / (j - i)


def _line_with(
    points: _Points, band: _Band, scale: Fraction, drift: Floats | None = None
) -> _Line | None:
    """The line of this scale with the shortest translation, if one fits the band."""
    if drift is None:
        drift = points.drift(scale)
    low = points[0] + Fraction(float((drift - band.below).max()))
    high = points[0] + Fraction(float((drift + band.above).min()))
    found = _shortest(low, high) if low <= high else None
    if found is None:
        return None
    width = Fraction(float(band.below[0])) + Fraction(float(band.above[0]))
    return _Line(scale, found.value, (0.0, found.surprise(width)))


@dataclass(frozen=True, slots=True)
class _Short:
    """A decimal and the power of ten that it is a multiple of."""

    value: Fraction
    quantum: Fraction

    def surprise(self, width: Fraction) -> float:
        """How surprising one as short is in an interval of this width.

        Chance would put one into an interval out of 10**surprise.
        """
        if width == 0:
            return _DIGITS
        return min(_DIGITS, math.log10(self.quantum / width))


def _shortest(low: Fraction, high: Fraction) -> _Short | None:
    """The decimal of fewest digits in an interval; of several, the middle one.

    None if it takes more digits than a double has.
    """
    if low <= 0 <= high:
        return _Short(Fraction(0), Fraction(1))
    middle = (low + high) / 2
    power = math.floor(math.log10(max(abs(low), abs(high)))) + 1
    for exponent in range(power, power - _DIGITS - 1, -1):
        quantum = Fraction(10) ** exponent
        multiple = round(middle / quantum) * quantum
        if low <= multiple <= high:
            # Of 17 digits only those are known that a double is spelled with.
            value = Fraction(decimal(float(multiple)))
            return _Short(value, quantum) if low <= value <= high else None
    return None


def _single_precision_line(points: _Points) -> _Line | None:
    """The line whose scale was a float32 before it met doubles."""
    scale = np.float32(float(points.slope))
    band = _computed(points, points.dtype, 4)
    line = _line_with(points, band, Fraction(float(scale)))
    if line is None:
        return None
    first = np.float32(points.values[0])
    held = float(first) == points.values[0]
    # A double is hardly a float32 by chance, so it counts as short.
    low, high = _ends(points, band)
    short = _Short(_as_spelled(scale), Fraction(float(np.spacing(scale))))
    return _Line(
        short.value,
        _as_spelled(first) if held else line.translation,
        (short.surprise(high - low), line.surprises[1]),
    )


def _as_spelled(number: np.float32) -> Fraction:
    return Fraction(decimal(shortest_float(number)))


def _jittered_line(points: _Points) -> _Line:
    """The shortest line that is no further off than the one from end to end."""
    off = np.abs(points.drift(points.slope)).max() * np.ones_like(points.values)
    line = _shortest_line(points, _Band(off, off))
    return line or _Line(points.slope, points[0])


def _fit_integers(values: NDArray[Any]) -> Fit:
    """Integers are exact; uneven ones may be even ones rounded to whole numbers."""
    first = float(int(values[0]))
    # Modulo 2**64, so that the difference of any two integers fits.
    offsets = values.astype(np.uint64) - values[:1].astype(np.uint64)
    step, rest = divmod(int(offsets[-1]), values.size - 1)
    even = np.arange(values.size, dtype=np.uint64) * np.uint64(step)
    if rest == 0 and np.array_equal(offsets, even):
        return Fit(float(step), first, True)
    points = _Points(offsets.astype(np.float64))
    residual = np.abs(points.drift(points.slope)).max() / float(points.slope)
    if residual > TOLERANCE:
        return Fit(nominal_scale(values), first, False)
    half = np.full(values.size, 0.5)
    line = _shortest_line(points, _Band(half, half))
    if line is None or line.surprises[0] < _CERTAIN:
        line = _jittered_line(points)
    return Fit(float(line.scale), first, True)
