"""Coordinates that were kept beside an image, put back where they still fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xarray_omezarr.errors import warn
from xarray_omezarr.grid.inspect import channel_texts
from xarray_omezarr.grid.names import VARIABLE

if TYPE_CHECKING:
    from xarray_omezarr.grid.grid import Grid, GridAxis
    from xarray_omezarr.grid.kept import Kept, KeptCoordinate


def restore(
    kept: Kept, coords: Mapping[str, xr.Variable], grid: Grid, finest: Grid
) -> dict[str, xr.Variable]:
    """The coordinates of a level with what was kept of the original's.

    Parameters
    ----------
    kept : Kept
        Coordinates of level 0, as they were.
    coords : mapping
        Coordinates from the metadata of the standard, by name.
    grid : Grid
        Of the level.
    finest : Grid
        Scale and translation of level 0 (its sizes are not used).
    """
    restored = dict(coords)
    for name, coordinate in kept.coords.items():
        if name == VARIABLE or _takes_the_place_of_another(name, coordinate, coords):
            continue
        variable = _variable(name, coordinate, restored.get(name), grid, finest)
        if variable is not None:
            restored[name] = variable
    return restored


def _takes_the_place_of_another(
    name: str, kept: KeptCoordinate, coords: Mapping[str, xr.Variable]
) -> bool:
    """Whether it has the name of an axis or a field of channels that it is not."""
    return name in coords and kept.dims is not None and kept.dims != (name,)


def _variable(
    name: str,
    kept: KeptCoordinate,
    known: xr.Variable | None,
    grid: Grid,
    finest: Grid,
) -> xr.Variable | None:
    if kept.values is None or kept.dims is None:
        if known is None:
            return None
        return xr.Variable(known.dims, known.values, {**known.attrs, **kept.attrs})
    values = _at_level(name, kept.values, kept.dims, grid, finest)
    if values is None:
        return None
    attrs = dict(kept.attrs)
    if name in grid:
        axis = grid[name]
        if axis.type == "channel" and not _same_names(axis, values):
            return None
        # Dates have no unit of their own: xarray would take it for an encoding.
        if axis.unit is not None and values.dtype.kind not in "mMU":
            attrs = {"units": axis.unit, **attrs}
    return xr.Variable(kept.dims, values, attrs)


def _same_names(axis: GridAxis, values: NDArray[Any]) -> bool:
    """Whether nobody renamed the channels since the values were kept."""
    return axis.labels is not None and channel_texts(values) == axis.labels


def _at_level(
    name: str,
    values: NDArray[Any],
    dims: tuple[str, ...],
    grid: Grid,
    finest: Grid,
) -> NDArray[Any] | None:
    """The values at a level; None where they cannot be known there."""
    if any(dim not in grid for dim in dims):
        return None
    shape = tuple(grid.sizes[dim] for dim in dims)
    factors = {dim: round(grid[dim].scale / finest[dim].scale) for dim in dims}
    if all(factor == 1 for factor in factors.values()):
        if values.shape == shape:
            return values
        warn(
            f"Coordinate {name!r} was kept with shape {values.shape}, and the image "
            f"now has {shape} along {dims}; it is left out",
        )
        return None
    if dims != (name,) or values.dtype.kind not in "biufmM":
        return None
    sampled = grid[name].translation == finest[name].translation
    coarse = _coarsened(values, factors[name], sampled=sampled)
    return coarse if coarse.shape == shape else None


def _coarsened(values: NDArray[Any], factor: int, *, sampled: bool) -> NDArray[Any]:
    """Values of blocks of `factor` pixels: the first, or the mean of all."""
    if sampled or factor < 1:
        return values[:: max(factor, 1)]
    starts = np.arange(0, values.size, factor)
    counts = np.diff(np.append(starts, values.size))
    if values.dtype.kind in "mM":
        # Means of dates: of the distances to the first, which cannot overflow.
        first = values[0]
        distances = values - first
        sums = np.add.reduceat(distances.astype(np.int64), starts)
        means = np.rint(sums / counts).astype(np.int64).view(distances.dtype)
        return np.asarray(first + means)
    return np.asarray(np.add.reduceat(values.astype(np.float64), starts) / counts)
