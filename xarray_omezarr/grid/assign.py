"""Give a DataArray coordinates from scale, translation and units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import AxisError, CoordinateError, OptionError
from xarray_omezarr.grid.coords import coordinates
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.grid.inspect import inspect
from xarray_omezarr.grid.units import split_quantity, standard_unit


def assign_grid(
    obj: xr.DataArray,
    scale: Mapping[str, Any] | None = None,
    translation: Mapping[str, Any] | None = None,
    units: Mapping[str, str | None] | None = None,
) -> xr.DataArray:
    """A new object whose coordinates say where its pixel centres lie.

    Parameters
    ----------
    obj : xarray.DataArray
        The object; dims that are not mentioned keep their coordinates.
    scale : mapping, optional
        Distance between neighbouring pixel centres by dim; numbers or quantities.
    translation : mapping, optional
        Centre of the first pixel by dim; numbers or quantities.
    units : mapping, optional
        Unit by dim, in any spelling pint knows; None takes the unit away.

    Returns
    -------
    xarray.DataArray
        Coordinates are float64 pixel centres with ``attrs["units"]``, a name of
        the standard. What is not given stays as the present coordinate has it,
        else it is scale 1, translation 0 and no unit.

    Raises
    ------
    AxisError
        If a mapping names a dim that the object lacks.
    CoordinateError
        If a scale is not above zero, or not a finite number.
    UnitError
        If the standard has no such unit.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((2, 3)), dims=("y", "x"))
    >>> xo.assign_grid(da, scale={"x": 0.5}, units={"x": "um"})["x"]
    <xarray.DataArray 'x' (x: 3)> Size: 24B
    array([0. , 0.5, 1. ])
    Coordinates:
      * x        (x) float64 24B 0.0 0.5 1.0
    Attributes:
        units:    micrometer
    """
    given = {
        "scale": scale or {},
        "translation": translation or {},
        "units": units or {},
    }
    _check(obj, given)
    dims = [str(dim) for dim in obj.dims if any(dim in part for part in given.values())]
    axes = tuple(_axis(obj, dim, given) for dim in dims)
    assigned = {}
    for dim, variable in coordinates(Grid(axes)).items():
        kept = dict(obj.coords[dim].attrs) if dim in obj.coords else {}
        for derived in ("units", "unit", "spacing"):
            kept.pop(derived, None)
        assigned[dim] = variable.copy(deep=False)
        assigned[dim].attrs = {**kept, **variable.attrs}
    return obj.assign_coords(assigned)


def _check(obj: xr.DataArray, given: Mapping[str, Mapping[str, Any]]) -> None:
    for name, part in given.items():
        if not isinstance(part, Mapping):
            raise OptionError(f"{name} is {part!r}; give a mapping by dim")
        unknown = [dim for dim in part if dim not in obj.dims]
        if unknown:
            raise AxisError(f"{name} names {unknown}; the object has dims {obj.dims}")


def _axis(
    obj: xr.DataArray, dim: str, given: Mapping[str, Mapping[str, Any]]
) -> GridAxis:
    present = _present(obj, dim, replaced=dim in given["scale"])
    numbers = {"scale": present.scale, "translation": present.translation}
    unit = present.unit
    for name in ("scale", "translation"):
        if dim in given[name]:
            magnitude, own_unit = split_quantity(given[name][dim])
            numbers[name] = _number(magnitude, name, dim)
            if own_unit is not None:
                unit = standard_unit(own_unit, axis_type=present.type, dim=dim)
    if dim in given["units"]:
        unit = standard_unit(given["units"][dim], axis_type=present.type, dim=dim)
    if numbers["scale"] <= 0:
        raise CoordinateError(
            f"scale of {dim!r} is {numbers['scale']}; it must be above zero"
        )
    return replace(
        present,
        unit=unit,
        scale=numbers["scale"],
        translation=numbers["translation"],
        labels=None,
    )


def _present(obj: xr.DataArray, dim: str, *, replaced: bool) -> GridAxis:
    """The axis as the object has it; a scale that is replaced may be anything."""
    bare = xr.DataArray(
        np.broadcast_to(np.uint8(0), (obj.sizes[dim],)), dims=(dim,), attrs=obj.attrs
    )
    if dim in obj.coords:
        bare = bare.assign_coords({dim: obj.coords[dim].variable})
        if replaced and obj.sizes[dim] > 1:
            first = bare.isel({dim: [0]})
            size = obj.sizes[dim]
            return replace(inspect(first)[dim], size=size, scale=1.0, labels=None)
    return inspect(bare)[dim]


def _number(value: Any, name: str, dim: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise CoordinateError(f"{name} of {dim!r} is {value!r}; give a finite number")
    return number
