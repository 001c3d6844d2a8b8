"""Contrast windows: what a viewer should show of a channel at first sight."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# A thousandth of the pixels may be clipped at each end, so
# that one hot pixel does not darken the picture.
_PERCENTILES = (0.1, 99.9)


class Shown(NamedTuple):
    """The part of the values that a viewer should show."""

    start: float
    end: float


def shown_part(sample: NDArray[Any]) -> Shown | None:
    """The 0.1 and 99.9 percentiles of the finite pixels; None where there are none."""
    values = sample.ravel()
    if values.dtype.kind == "b":
        # Percentiles are differences, which older numpy refuses to take of booleans.
        values = values.astype(np.uint8)
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)].astype(np.float64)
    if not values.size:
        return None
    start, end = np.percentile(values, _PERCENTILES)
    return Shown(float(start), float(end))


def contrast_window(
    limits: tuple[float, float] | None, sample: NDArray[Any] | Shown | None
) -> tuple[float, float, float, float]:
    """Window ``(min, max, start, end)`` of one channel.

    Parameters
    ----------
    limits : tuple of float, optional
        Smallest and largest finite value of the channel; None where it has none.
    sample : array or Shown, optional
        Pixels of the coarsest level, any shape; or their `shown_part`.

    Returns
    -------
    tuple of float
        `limits`, then the 0.1 and 99.9 percentiles of `sample`. ``start < end``
        always, so that no viewer divides by zero or opens on a black picture.
    """
    if limits is None:
        return (0.0, 1.0, 0.0, 1.0)
    low, high = float(limits[0]), float(limits[1])
    shown = shown_part(sample) if isinstance(sample, np.ndarray) else sample
    start, end = shown or (low, high)
    start, end = max(start, low), min(end, high)
    if not start < end:
        # A channel that is nearly everywhere the same: show its whole range.
        start, end = low, high
    if not start < end:
        start, end = _around(low)
        low, high = min(low, start), max(high, end)
    return (low, high, start, end)


def _around(value: float) -> tuple[float, float]:
    """Window of a constant picture: bright, unless it is zero."""
    if value > 0:
        return (0.0, value)
    if value < 0:
        # The double of the most negative floats, which mark missing data, is infinite.
        return (2 * value, value) if math.isfinite(2 * value) else (value, 0.0)
    return (0.0, 1.0)
