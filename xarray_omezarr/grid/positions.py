"""Numbers or dates along one dim -> scale and translation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import CoordinateError, warn
from xarray_omezarr.grid.regular import (
    LARGEST,
    MOST_NOISE,
    Fit,
    fit,
    nominal_scale,
    shortest_float,
)
from xarray_omezarr.ngff.exact import EXACT, times

# Seconds per tick of dates and durations; those of longer ticks become seconds.
_TICKS: Mapping[str, Decimal] = {
    "s": Decimal(1),
    "ms": Decimal("1e-3"),
    "us": Decimal("1e-6"),
    "ns": Decimal("1e-9"),
    "ps": Decimal("1e-12"),
    "fs": Decimal("1e-15"),
    "as": Decimal("1e-18"),
}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else matters to understand the values along a dim, or to refuse them.

    Parameters
    ----------
    dim : str
        Its name.
    axis_type : str
        ``"space"``, ``"time"`` or another word.
    irregular : {"auto", "raise", "keep"}
        What to do with uneven values: a nominal scale and a warning, or an error;
        ``"auto"`` raises along space only.
    unit : str, optional
        Of numbers, for messages.
    spacing : float
        Scale of a single pixel, which has no neighbour to tell it by.
    hint : float, optional
        A scale that is taken if it explains all values to their last bit.
    """

    dim: str
    axis_type: str
    irregular: str = "auto"
    unit: str | None = None
    spacing: float = 1.0
    hint: float | None = None


def place_numbers(values: NDArray[Any], about: Circumstances) -> Fit:
    """The line through positions in ascending order, shape ``(n,)``, n >= 1.

    Raises
    ------
    CoordinateError
        For positions that are not finite, descend, are all the same, are uneven
        where that is not accepted, or are rounded so much that no scale is sure.
    """
    _refuse_infinite(values, about)
    first = shortest_float(values[0])
    if values.size == 1:
        return Fit(about.spacing, first, True)
    _refuse_descending(values, about)
    line = fit(values, hint=about.hint) if values[-1] > values[0] else None
    if line is not None and values.dtype.kind in "iu":
        line = _in_doubles(line, values)
    if line is None or not line.regular:
        if line is not None and line.noise > MOST_NOISE and about.irregular != "keep":
            raise CoordinateError(_about_noise(values, line.noise, about))
        steps = np.diff(values.astype(np.float64))
        _accept_uneven(steps, about.unit, about)
        return Fit(nominal_scale(values), first, False)
    return line


def _in_doubles(line: Fit, values: NDArray[Any]) -> Fit:
    """What remains of a line through integers for readers, who compute in doubles."""
    largest = max(abs(int(values[0])), abs(int(values[-1])))
    noise = 4 * float(np.finfo(np.float64).eps) * largest / line.scale
    return replace(line, regular=line.regular and noise <= MOST_NOISE, noise=noise)


def _refuse_infinite(values: NDArray[Any], about: Circumstances) -> None:
    if not np.isfinite(values).all():
        raise CoordinateError(
            f"Coordinate {about.dim!r} holds NaN or infinity, and every pixel needs a "
            f"position; fill it, or select with .dropna({about.dim!r})"
        )
    largest = values[np.argmax(np.abs(values.astype(np.float64)))]
    if abs(float(largest)) > LARGEST:
        raise CoordinateError(
            f"Coordinate {about.dim!r} holds {largest}, which is no position in any "
            "unit; correct it"
        )


def _refuse_descending(values: NDArray[Any], about: Circumstances) -> None:
    if (values == values[0]).all():
        raise CoordinateError(
            f"Coordinate {about.dim!r} is {values[0]} everywhere, so it has no scale; "
            "set one with .omezarr.assign_grid(), or drop the coordinate with "
            f".drop_vars({about.dim!r})"
        )
    if (values[1:] <= values[:-1]).all():
        raise CoordinateError(
            f"Coordinate {about.dim!r} descends, from {values[0]} to {values[-1]}, and "
            f"positions in OME-Zarr ascend; turn the image: da.sortby({about.dim!r})"
        )


def _about_noise(values: NDArray[Any], noise: float, about: Circumstances) -> str:
    largest = values[np.argmax(np.abs(values))]
    if values.dtype.kind in "iu":
        return (
            f"Coordinate {about.dim!r} reaches to {largest}, where float64, in which "
            f"positions are read, may round by {noise:.2g} pixels; count from a nearer "
            "origin, or in a larger unit"
        )
    remedy = (
        "Count from a nearer origin"
        if values.dtype.itemsize >= 8
        else "Make the coordinate float64 where it comes from"
    )
    return (
        f"Coordinate {about.dim!r} is of type {values.dtype}, which near {largest} may "
        f"round by {noise:.2g} pixels: its scale cannot be known. {remedy}, or set it "
        "with .omezarr.assign_grid()"
    )


def _accept_uneven(
    steps: NDArray[np.float64], unit: str | None, about: Circumstances
) -> None:
    """Raise or warn, as the write option ``irregular`` says."""
    seen = f"{np.min(steps):.6g} to {np.max(steps):.6g} {unit or ''}".rstrip()
    start = (
        f"Coordinate {about.dim!r} is not evenly spaced: steps range from {seen}. "
        "OME-Zarr stores one scale per axis"
    )
    tolerated = about.irregular == "auto" and about.axis_type != "space"
    if not (tolerated or about.irregular == "keep"):
        raise CoordinateError(
            f'{start}; resample, or pass irregular="keep" to write a nominal scale and '
            "keep the exact values beside"
        )
    warn(
        f"{start}: a nominal one stands for all steps. Writing keeps the exact values "
        "beside it, where other readers do not see them"
    )


def place_dates(values: NDArray[Any], about: Circumstances) -> Fit:
    """The line in seconds through dates or durations, of any resolution.

    Dates count from their first, for OME-Zarr has no epoch: translation 0.

    Raises
    ------
    CoordinateError
        As `place_numbers`, and for NaT.
    """
    if np.isnat(values).any():
        raise CoordinateError(
            f"Coordinate {about.dim!r} holds NaT, and every pixel needs a position; "
            f"fill it, or select with .dropna({about.dim!r})"
        )
    ticks, tick = _ticks(values)
    start = Decimal(0 if values.dtype.kind == "M" else int(ticks[0]))
    first = float(EXACT.multiply(start, tick))
    if values.size == 1:
        return Fit(about.spacing, first, True)
    _refuse_descending(values, about)
    line = fit(ticks) if ticks[-1] > ticks[0] else None
    regular = line is not None and line.regular
    if line is None or not line.regular:
        steps = np.diff(ticks)
        _accept_uneven(steps * float(tick), "second", about)
        line = Fit(nominal_scale(ticks - ticks[0]), 0.0, False)
    scale = times(line.scale, tick)
    return Fit(scale, first, regular)


def _ticks(values: NDArray[Any]) -> tuple[NDArray[np.int64], Decimal]:
    """Integers, and how many seconds each unit of them is."""
    unit = np.datetime_data(values.dtype)[0]
    if unit not in _TICKS:
        unit = "s"
    # Spells out types that count, say, ten milliseconds per tick.
    plain = values.astype(f"{values.dtype.kind}8[{unit}]")
    return plain.astype(np.int64), _TICKS[unit]
