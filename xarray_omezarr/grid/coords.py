"""Grid -> xarray coordinates: float64 pixel centres, decimals as written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from xarray_omezarr.grid.grid import Grid, GridAxis


def coordinates(grid: Grid) -> dict[str, xr.Variable]:
    """One coordinate per axis that has positions or labels, by dim.

    Positions are float64 pixel centres with ``attrs["units"]``, the name of the
    unit in the standard. A channel axis has a coordinate only if it has labels.
    """
    return {
        axis.name: variable
        for axis in grid.axes
        if (variable := _coordinate(axis)) is not None
    }


def _coordinate(axis: GridAxis) -> xr.Variable | None:
    if axis.labels is not None:
        return xr.Variable((axis.name,), np.asarray(axis.labels, dtype=np.str_))
    if axis.type == "channel":
        return None
    attrs: dict[str, Any] = {}
    if axis.unit is not None:
        attrs["units"] = axis.unit
    # One pixel has no neighbour to tell its size by, so the size rides along.
    if axis.size == 1 and axis.scale != 1.0:
        attrs["spacing"] = axis.scale
    return xr.Variable((axis.name,), axis.coordinates(), attrs)
