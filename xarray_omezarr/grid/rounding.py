"""Ways in which the coordinates of one dim may have been rounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from xarray_omezarr.grid.points import Floats, Points


@dataclass(frozen=True, slots=True)
class Band:
    """How far below and above its coordinate each exact position may lie.

    Parameters
    ----------
    below, above : array of float, shape (n,)
        Distances, not negative.
    doubt : float
        How much less this rounding is believed than the strictest, as a power of
        ten of the odds.
    """

    below: Floats
    above: Floats
    doubt: float = 0.0


def rounded_once(points: Points) -> Band:
    """Exact decimals, each rounded to the nearest number of the type."""
    # Below a power of two the numbers lie closer than above it.
    inward = np.nextafter(points.values.astype(points.dtype), points.dtype.type(0))
    inner = np.abs(points.values - inward.astype(np.float64)) / 2
    outer = _spacing(np.abs(points.values), points.dtype) / 2
    positive = points.values > 0
    return Band(np.where(positive, inner, outer), np.where(positive, outer, inner))


def computed(points: Points) -> Iterator[Band]:
    """``index * scale + translation``, where each operation rounds; strict first."""
    spacing = _spacing(points.reach, points.dtype)
    for units in (1, 2, 4):
        yield _off_by(units * spacing, doubt=1.0)
    # A crop may begin near zero, at a difference of two large numbers.
    yield _off_by(np.full_like(spacing, 4 * np.max(spacing)), doubt=3.0)


def looser(points: Points) -> Iterator[Band]:
    """Further ways, from strict to loose."""
    yield from computed(points)
    spacing = _spacing(points.reach, points.dtype)
    # ``np.arange(first, last, step)`` and sums of steps: each step is off a bit.
    yield _off_by((points.index + 8) / 2 * spacing, doubt=2.0)
    # And then a crop, that left out as many again, with a stride.
    yield _off_by((points.index + points.size) * 2 * spacing, doubt=3.0)


def _off_by(error: Floats, doubt: float) -> Band:
    return Band(error, error, doubt)


def _spacing(magnitude: Floats, dtype: np.dtype[Any]) -> Floats:
    """Distance of the neighbours of each number in `dtype`; 0 for 0."""
    epsilon = float(np.finfo(dtype).eps)
    spacing = np.ldexp(epsilon, np.frexp(magnitude)[1] - 1)
    return np.where(magnitude > 0, spacing, 0.0)
