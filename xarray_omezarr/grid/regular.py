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
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.grid.computed import computed_line
from xarray_omezarr.grid.points import Floats, Points
from xarray_omezarr.grid.rounding import Band, computed, looser, rounded_once
from xarray_omezarr.ngff.exact import decimal

#: How far, in pixels, coordinates may lie from an even spacing.
TOLERANCE = 1e-3

#: Rounding noise, in pixels, above which the scale cannot be known.
MOST_NOISE = 0.1

#: Positions beyond this have no use, and products of them would overflow.
LARGEST = 1e200

# Decimals are beyond doubt if chance would put one as short into fewer than one of
# 10**_CERTAIN intervals of the same width.
_CERTAIN = 4

# How much more surprising a round translation must be to be worth the last bit.
_NEAT = 2

# Anything is a multiple of a scale that is small enough.
_LONGEST_STRIDE = 10_000

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
        A scale to be taken if it, or a multiple, explains all values to their last
        bit; the translation is their first one then.

    Examples
    --------
    >>> fit(np.arange(3, 9) * 0.1)
    Fit(scale=0.1, translation=0.3, regular=True, noise=...)
    """
    if values.dtype.kind in "iu":
        return _fit_integers(values)
    points = Points(values)
    noise = points.noise()
    plain = computed_line(values) if values.dtype == np.float64 else None
    known = plain if hint is None else (hint, values[0])
    if plain is not None and noise <= MOST_NOISE and plain == known:
        return Fit(*plain, True, noise)
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
    return float(str(value)) + 0.0  # which makes -0.0 a plain zero


def _is_even(points: Points) -> bool:
    # Values that were rounded to a smaller type may be off by more.
    held = points.narrowed or points
    noise = held.noise() if held.noise() <= MOST_NOISE else points.noise()
    return points.residual() <= max(TOLERANCE, noise)


@dataclass(frozen=True, slots=True)
class _Line:
    """Scale and translation, and how surprising it is that each is so short."""

    scale: Fraction
    translation: Fraction
    surprises: tuple[float, float] = (0.0, 0.0)

    @property
    def credit(self) -> float:
        """How much the digits speak for this line, as a power of ten of the odds."""
        return sum(self.surprises)


def _meant_line(points: Points, hint: float | None = None) -> _Line:
    """The line of decimals that are least likely to be there by chance."""
    strict = rounded_once(points)
    if hint is not None:
        scale = Fraction(decimal(hint))
        line = _line_with(points, strict, scale * _stride(points, scale))
        if line is not None:
            return line
    exact = _shortest_line(points, strict)
    if exact is not None and min(exact.surprises) >= _CERTAIN:
        return exact
    if points.narrowed is not None and points.narrowed.noise() <= MOST_NOISE:
        return _meant_line(points.narrowed)
    if exact is not None and exact.surprises[0] >= _CERTAIN:
        return _from_round_number(points, exact)
    return _likeliest_line(points, exact)


def _stride(points: Points, scale: Fraction) -> int:
    """Of what was read with this scale, how many pixels further each point is."""
    end_to_end = (points[points.size - 1] - points[0]) / (points.size - 1)
    stride = round(end_to_end / scale)
    return stride if 1 <= stride <= _LONGEST_STRIDE else 1


def _likeliest_line(points: Points, exact: _Line | None) -> _Line:
    """The line whose digits speak most for it, `exact` or a looser one."""
    best, most = exact, -math.inf
    if exact is not None:
        most = exact.credit
        if exact.surprises[0] > 0:
            # Many numbers are hardly right to the last bit by chance.
            most += min(3.0, points.size / 100)
    for line, doubt in _looser_lines(points):
        if line.credit - doubt > most:
            best, most = line, line.credit - doubt
        if min(line.surprises) - doubt >= _CERTAIN:
            break
    return best or _jittered_line(points)


def _from_round_number(points: Points, exact: _Line) -> _Line:
    """The same line, from a round number if computing may have missed it by a bit."""
    least = max(exact.surprises[1], 0.0) + _NEAT
    for band in computed(points):
        line = _line_with(points, band, exact.scale)
        if line is not None and line.surprises[1] - band.doubt >= least:
            return line
    return exact


def _looser_lines(points: Points) -> Iterator[tuple[_Line, float]]:
    """The shortest line under each further supposition, and the doubt in that."""
    for band in looser(points):
        line = _shortest_line(points, band)
        if line is not None:
            yield line, band.doubt
    if points.dtype == np.float64:
        line = _single_precision_line(points)
        if line is not None:
            yield line, 1.0


def _shortest_line(points: Points, band: Band) -> _Line | None:
    """The line of fewest digits that passes within the band of all points.

    Starts from the scales that the two ends allow. Where the shortest of them
    misses points, the two that it misses most narrow the interval, and so on.
    """
    low, high = _ends(points, band)
    width, most = high - low, math.inf
    while 0 < low <= high:
        found = _shortest(low, high, most)
        if found is None:
            return None
        drift = points.drift(found.value)
        line = _line_with(points, band, found.value, drift)
        if line is not None:
            return replace(line, surprises=(found.surprise(width), line.surprises[1]))
        i = int(np.argmax(drift - band.below))
        j = int(np.argmin(drift + band.above))
        if i < j:
            high = _limit(points, band, i, j)
        elif i > j:
            low = _limit(points, band, i, j)
        if low <= found.value <= high:
            # It misses no point, but leaves too little room for a translation.
            most = found.exponent - 1
    return None


def _ends(points: Points, band: Band) -> tuple[Fraction, Fraction]:
    """The least and the greatest scale that the first and the last point allow."""
    last = points.size - 1
    return _limit(points, band, last, 0), _limit(points, band, 0, last)


def _limit(points: Points, band: Band, i: int, j: int) -> Fraction:
    """The scale at which a line touches the bands of `i` below and of `j` above."""
    below = points[i] - Fraction(float(band.below[i]))
    above = points[j] + Fraction(float(band.above[j]))
    return (above - below) / (j - i)


def _line_with(
    points: Points, band: Band, scale: Fraction, drift: Floats | None = None
) -> _Line | None:
    """The line of this scale with the shortest translation, if one fits the band."""
    if drift is None:
        drift = points.drift(scale)
    low = points[0] + Fraction(float(np.max(drift - band.below)))
    high = points[0] + Fraction(float(np.min(drift + band.above)))
    found = _shortest(low, high) if low <= high else None
    if found is None:
        return None
    width = Fraction(float(band.below[0])) + Fraction(float(band.above[0]))
    return _Line(scale, found.value, (0.0, found.surprise(width)))


@dataclass(frozen=True, slots=True)
class _Short:
    """A decimal and the exponent of the power of ten that it is a multiple of."""

    value: Fraction
    exponent: float

    def surprise(self, width: Fraction) -> float:
        """How surprising one as short is in an interval of this width.

        Chance would put one into an interval out of 10**surprise.
        """
        return min(_DIGITS, self.exponent - _log10(width)) if width else _DIGITS


def _log10(number: Fraction) -> float:
    # Of integers of any length, where a float would underflow.
    return math.log10(number.numerator) - math.log10(number.denominator)


def _shortest(low: Fraction, high: Fraction, most: float = math.inf) -> _Short | None:
    """The decimal of fewest digits in an interval; of several, the middle one.

    Only multiples of 10**`most` or less are looked for. None if it takes more
    digits than a double has.
    """
    if low <= 0 <= high:
        return _Short(Fraction(0), 0)
    power = math.floor(_log10(max(abs(low), abs(high)))) + 1
    exponent = _coarsest(low, high, int(min(power, most)), power - _DIGITS)
    if exponent is None:
        return None
    # Of 17 digits only those are known that a double is spelled with.
    quantum = Fraction(10) ** exponent
    multiple = round((low + high) / 2 / quantum) * quantum
    value = Fraction(decimal(float(multiple)))
    return _Short(value, exponent) if low <= value <= high else None


def _coarsest(low: Fraction, high: Fraction, most: int, least: int) -> int | None:
    """The largest exponent of ten of which an interval holds a multiple.

    In plain integers, for this is what fitting a line spends its time on.
    """
    if most < least:
        return None
    # Of the last power all are multiples: which of them are in the interval?
    unit = 10 ** abs(least)
    up, down = (1, unit) if least >= 0 else (unit, 1)
    first = -(-low.numerator * up // (low.denominator * down))
    last = high.numerator * up // (high.denominator * down)
    if first > last:
        return None
    found = least
    while found < most:
        first, last = -(-first // 10), last // 10
        if first > last:
            break
        found += 1
    return found


def _single_precision_line(points: Points) -> _Line | None:
    """The line whose scale was a float32 before it met doubles."""
    with np.errstate(over="ignore", under="ignore"):
        scale, first = np.float32(float(points.slope)), np.float32(points.values[0])
    if not (np.isfinite(scale) and scale > 0):
        return None
    *_, band = computed(points)
    line = _line_with(points, band, Fraction(float(scale)))
    if line is None:
        return None
    held = float(first) == points.values[0]
    translation = _as_spelled(first) if held else line.translation
    # A double is hardly a float32 by chance, so this one counts as short.
    short = _Short(_as_spelled(scale), math.log10(np.spacing(scale)))
    low, high = _ends(points, band)
    surprises = (short.surprise(high - low), line.surprises[1])
    return _Line(short.value, translation, surprises)


def _as_spelled(number: np.float32) -> Fraction:
    return Fraction(decimal(shortest_float(number)))


def _jittered_line(points: Points) -> _Line:
    """The shortest line that is at most twice as far off as that from end to end."""
    off = np.full(points.size, 2 * np.max(np.abs(points.drift(points.slope))))
    return _shortest_line(points, Band(off, off)) or _Line(points.slope, points[0])


def _fit_integers(values: NDArray[Any]) -> Fit:
    """Integers are exact; uneven ones may be even ones rounded to whole numbers."""
    first = float(int(values[0]))
    # Modulo 2**64, so that the difference of any two integers fits.
    offsets = values.astype(np.uint64) - values[:1].astype(np.uint64)
    step, rest = divmod(int(offsets[-1]), values.size - 1)
    even = np.arange(values.size, dtype=np.uint64) * np.uint64(step)
    if rest == 0 and np.array_equal(offsets, even):
        return Fit(float(step), first, True)
    points = Points(offsets.astype(np.float64))
    if points.residual() > TOLERANCE:
        return Fit(nominal_scale(values), first, False)
    half = np.full(values.size, 0.5)
    line = _shortest_line(points, Band(half, half))
    if line is None or line.surprises[0] < _CERTAIN:
        line = _jittered_line(points)
    return Fit(float(line.scale), first, True)
