"""The coordinates of one dim against their index, in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


class Points:
    """Ascending coordinates: ``values[i]`` lies at about ``translation + i * scale``.

    Parameters
    ----------
    values : array of float, shape (n,), n >= 2
        Finite, the last above the first.
    dtype : numpy.dtype, optional
        Type to which they were rounded; that of `values` if None.
    """

    def __init__(
        self, values: NDArray[Any], dtype: np.dtype[Any] | None = None
    ) -> None:
        self.values: Floats = values.astype(np.float64)
        self.size = values.size
        # Longer floats than doubles are taken for doubles.
        own = values.dtype if values.itemsize < 8 else self.values.dtype
        self.dtype = own if dtype is None else dtype
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
        values, rise = np.abs(self.values), np.abs(self.rise)
        reach: Floats = np.maximum(np.maximum(values, rise), values[0])
        return reach

    @cached_property
    def narrowed(self) -> Points | None:
        """The same as what they were before they became doubles, if that is seen."""
        if self.dtype != np.float64:
            return None
        for dtype in (np.dtype(np.float16), np.dtype(np.float32)):
            with np.errstate(over="ignore", under="ignore"):
                held = self.values.astype(dtype)
            if np.array_equal(held, self.values):
                return Points(self.values, dtype)
        return None

    def drift(self, scale: Fraction) -> Floats:
        """``values - values[0] - index * scale``, far below the last bit of `values`.

        The terms are close to each other, so their difference is exact; what the
        terms themselves had to round off is added to it.
        """
        head = float(scale)
        tail = float(scale - Fraction(head))
        product, error = _exact_product(self.index, head)
        return (self.rise - product) + (self._rise_error - error - self.index * tail)

    def residual(self) -> float:
        """How far a coordinate lies from the line through both ends, in pixels."""
        return float(np.max(np.abs(self.drift(self.slope)))) / float(self.slope)

    def noise(self) -> float:
        """Rounding noise in pixels: four times that of the largest coordinate."""
        epsilon = 4 * float(np.finfo(self.dtype).eps)
        return epsilon * float(np.max(np.abs(self.values))) / float(self.slope)


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
