"""Coordinates that were plainly computed from two short decimals, told at a glance."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# How many digits shorter than the rounding noise a decimal must be, so that no other
# of its length could be meant: chance would put one there once in a million times.
_SHORTER = 6

# Beyond, products that take part in rounding overflow or lose their digits.
_TINY = 1e-280
_MOST_DIGITS = 15

_EPSILON = 4 * float(np.finfo(np.float64).eps)


def computed_line(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """The short scale and translation that give `values` to the last bit, if any do.

    Most coordinates are made as ``index * scale + translation``, or are that, rounded
    to decimals. To find out by trying costs far less than to search for a line.

    Parameters
    ----------
    values : array of float64, shape (n,), n >= 2
        Finite, the last above the first.

    Examples
    --------
    >>> computed_line(0.65 * np.arange(512) + 332.8)
    (0.65, 332.8)
    >>> computed_line(np.array([0.0, 1 / 3, 2 / 3])) is None
    True
    """
    first, last = float(values[0]), float(values[-1])
    noise = _EPSILON * max(abs(first), abs(last))
    steps = values.size - 1
    slope = (last - first) / steps
    # Where even the scale drowns in noise, that is not for here to say.
    if not _TINY < noise * 1e3 < slope:
        return None
    scale = round(slope, _decimals(noise / steps))
    translation = round(first, _decimals(noise))
    if not scale > 0:
        return None
    rise = np.arange(values.size, dtype=np.float64) * scale
    # The first may be a product itself: 998.4000000000001 for 3 * 332.8.
    if np.array_equal(rise + first, values):
        for neat in (translation, _neat(first)):
            if abs(neat - first) <= _EPSILON * abs(first):
                return scale, neat + 0.0  # which makes -0.0 a plain zero
        # What was single before may have a shorter spelling.
        return None if float(np.float32(first)) == first else (scale, first)
    made = rise + translation
    shown = max(_digits(scale), _digits(translation))
    if shown <= _MOST_DIGITS and np.array_equal(np.round(made, shown), values):
        return scale, translation + 0.0
    return None


def _neat(number: float) -> float:
    """A decimal beside a number that is two digits shorter than chance would have it.

    ``nan`` if there is none.
    """
    mantissa, _, exponent = f"{number:.14e}".partition("e")
    return float(f"{mantissa}e{exponent}") if mantissa.endswith("00") else math.nan


def _decimals(noise: float) -> int:
    """Decimals of numbers that are beyond doubt where there is this noise."""
    return -(math.ceil(math.log10(noise)) + _SHORTER)


def _digits(number: float) -> int:
    """Decimals that a number is spelled with."""
    mantissa, _, exponent = repr(number).partition("e")
    _, _, behind = mantissa.partition(".")
    return max(0, len(behind.rstrip("0")) - int(exponent or 0))
