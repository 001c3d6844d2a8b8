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
from xarray_omezarr.grid.names import SCALE_KEY
from xarray_omezarr.grid.units import in_unit, split_quantity, standard_unit


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
        If a mapping names a dim that the object lacks, or gives a position to
        channels.
    CoordinateError
        If a scale is not above zero, or not a finite number.
    UnitError
        If the standard has no such unit, or two units do not measure the same.

    Notes
    -----
    Each dim gets one unit: that of `units`, else that of the quantity in `scale`,
    else that of the quantity in `translation`, else the one it has.

    - Quantities are converted to it, and plain numbers are meant in it.
    - Where a number or a quantity is given for a dim, what is not given is converted
      too: ``scale={"x": 500 nm}`` turns a first centre at 10 um into 10000 nm.
    - Where `units` alone names a dim, the numbers stay and their unit is corrected.

    Conversions are exact: 500 nm are 0.5 um, to the last bit.

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
    scales = {axis.name: axis.scale for axis in axes}
    for dim, variable in coordinates(Grid(axes)).items():
        kept = dict(obj.coords[dim].attrs) if dim in obj.coords else {}
        for derived in ("units", "unit", "spacing"):
            kept.pop(derived, None)
        assigned[dim] = variable.copy(deep=False)
        assigned[dim].attrs = {**kept, **variable.attrs}
        if variable.size == 1:
            # Nothing else tells the size of a single pixel.
            assigned[dim].attrs["spacing"] = scales[dim]
    result = obj.assign_coords(assigned)
    # So that a slice of one pixel still knows its size, as after reading.
    known = obj.encoding.get(SCALE_KEY, {})
    result.encoding = {**obj.encoding, SCALE_KEY: {**known, **scales}}
    return result


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
    numbers = {
        name: _measure(given[name][dim], name, present)
        for name in ("scale", "translation")
        if dim in given[name]
    }
    asked = standard_unit(
        given["units"].get(dim), axis_type=present.type, dim=dim, asked=True
    )
    units = (asked, *(own for _, own in numbers.values()), present.unit)
    unit = next(filter(None, units), None)
    scale, translation = present.scale, present.translation
    if numbers:
        scale, translation = (
            _converted(*numbers.get(name, (old, present.unit)), unit, dim)
            for name, old in (("scale", scale), ("translation", translation))
        )
    if scale <= 0:
        raise CoordinateError(f"scale of {dim!r} is {scale}; it must be above zero")
    if present.type == "channel" and (scale, translation) != (1.0, 0.0):
        raise AxisError(
            f"Dim {dim!r} is the channels, which have names and no positions; leave it "
            "out of scale and translation"
        )
    return replace(
        present,
        unit=asked if dim in given["units"] else unit,
        scale=scale,
        translation=translation,
        labels=None,
    )


def _measure(value: Any, name: str, axis: GridAxis) -> tuple[float, str | None]:
    """Number and unit; no unit for a plain number."""
    magnitude, unit = split_quantity(value)
    number = _number(magnitude, name, axis.name)
    if unit is None:
        return number, None
    return number, standard_unit(unit, axis_type=axis.type, dim=axis.name, asked=True)


def _converted(number: float, own: str | None, unit: str | None, dim: str) -> float:
    if own is None or unit is None:
        return number
    return in_unit(number, own, unit, dim=dim)


def _present(obj: xr.DataArray, dim: str, *, replaced: bool) -> GridAxis:
    """The axis as the object has it; a scale that is replaced may be anything."""
    bare = xr.DataArray(
        np.broadcast_to(np.uint8(0), (obj.sizes[dim],)), dims=(dim,), attrs=obj.attrs
    )
    if dim in obj.coords:
        bare = bare.assign_coords({dim: obj.coords[dim].variable})
        bare.encoding = obj.encoding
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
