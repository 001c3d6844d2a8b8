"""Positions of fields on the stage: relative coordinates and an origin -> absolute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import CoordinateError
from xarray_omezarr.grid.coords import coordinates
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.grid.inspect import inspect
from xarray_omezarr.grid.names import LABEL_IMAGES
from xarray_omezarr.grid.units import in_unit, standard_unit
from xarray_omezarr.ngff.exact import plus
from xarray_omezarr.write.splitting import along

_PREFIX = "origin_"
_PLACED = ("t", "z", "y", "x")

# What a field has that was selected from a stacked plate.
_PRESENT = "present"
_OF_FIELDS = frozenset([_PRESENT, "row", "column", "well", "field"])
#: Attributes of the stack that are of the whole plate.
OF_PLATE = ("plate", "plate_map", "ome_xml", LABEL_IMAGES)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the fields begin along one dim.

    Parameters
    ----------
    axis : GridAxis
        The dim, with positions relative to the origin of each field.
    values : array
        The origins, along the dims that tell fields apart.
    unit : str, optional
        Theirs.
    attrs : mapping
        Attributes of the relative coordinate that its positions do not tell.
    """

    axis: GridAxis
    values: Any
    unit: str | None
    attrs: Mapping[Any, Any]

    def moved(self, index: tuple[int, ...]) -> xr.Variable:
        """The coordinate of the field at `index`, exact to the last decimal."""
        origin = float(self.values[index])
        dim = self.axis.name
        if not np.isfinite(origin):
            raise CoordinateError(
                f"The origin along {dim!r} is {origin}, and the field is present; give "
                f"it a number in {_PREFIX}{dim}, or mark the field as absent"
            )
        if self.unit is not None and self.unit != self.axis.unit:
            origin = in_unit(origin, self.unit, str(self.axis.unit), dim=dim)
        axis = replace(self.axis, translation=plus(self.axis.translation, origin))
        variable = coordinates(Grid((axis,)))[dim]
        variable.attrs = {**self.attrs, **variable.attrs}
        return variable


@dataclass(frozen=True, slots=True)
class Dates:
    """When the fields begin, as dates; durations count from there.

    Parameters
    ----------
    relative : Variable
        The durations.
    values : array
        The dates, along the dims that tell fields apart.
    """

    relative: xr.Variable
    values: Any

    def moved(self, index: tuple[int, ...]) -> xr.Variable:
        """The coordinate of the field at `index`."""
        start = self.values[index]
        if np.isnat(start):
            (dim,) = self.relative.dims
            raise CoordinateError(
                f"The origin along {dim!r} is {start}, and the field is present; give "
                f"it a date in {_PREFIX}{dim}, or mark the field as absent"
            )
        return self.relative.copy(data=start + self.relative.values)


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the fields begin along all dims that tell it."""

    by_dim: Mapping[str, Origin | Dates]

    def moved(self, image: xr.DataArray, index: tuple[int, ...]) -> xr.DataArray:
        """The field with its absolute positions."""
        if not self.by_dim:
            return image
        found = {dim: origin.moved(index) for dim, origin in self.by_dim.items()}
        return image.assign_coords(found)


def origin_names(da: xr.DataArray) -> dict[str, str]:
    """Names of the coordinates that hold origins, by dim."""
    own = {str(dim): f"{_PREFIX}{str(dim).lower()}" for dim in da.dims}
    return {
        dim: name
        for dim, name in own.items()
        if dim.lower() in _PLACED and name in da.coords
    }


def is_placed(da: xr.DataArray) -> bool:
    """Whether it is one field that was selected from a stacked plate."""
    names = origin_names(da)
    scalars = {name for name, coord in da.coords.items() if not coord.ndim}
    return bool(names and {*names.values()} <= scalars and scalars & _OF_FIELDS)


def placed(da: xr.DataArray) -> xr.DataArray:
    """One field that was selected from a stacked plate, where it lies on the stage.

    Anything else is given back as it is.

    Parameters
    ----------
    da : xarray.DataArray
        With scalar coordinates ``origin_y`` and the like, and one that tells that it
        is a field: ``present``, ``row``, ``column``, ``well`` or ``field``.

    Raises
    ------
    CoordinateError
        If there is no such field, so that its pixels are none.
    """
    if not is_placed(da):
        return da
    names = origin_names(da)
    if not bool(da.coords.get(_PRESENT, xr.DataArray(True)).all()):
        raise CoordinateError(
            f"Coordinate {_PRESENT!r} is False: the plate has no such field, and the "
            "pixels are none. Select another one"
        )
    moved = find_origins(da, ()).moved(da, ())
    moved = moved.drop_vars([*names.values(), _PRESENT], errors="ignore")
    plate = da.attrs.get("plate")
    of_plate = plate.get("name") if isinstance(plate, Mapping) else None
    moved.attrs = {
        key: value
        for key, value in da.attrs.items()
        if key not in OF_PLATE and not (key == "long_name" and value == of_plate)
    }
    moved.encoding = dict(da.encoding)
    return moved


def find_origins(da: xr.DataArray, dims: Sequence[str]) -> Origins:
    """The origins of all fields.

    Parameters
    ----------
    da : xarray.DataArray
        With coordinates ``origin_y`` and the like along some of `dims`.
    dims : sequence of str
        The dims that tell fields apart.

    Raises
    ------
    CoordinateError
        If an origin is along other dims, or in a unit where its dim has none.
    """
    return Origins(
        {dim: _origin(da, dims, dim, name) for dim, name in origin_names(da).items()}
    )


def _origin(
    da: xr.DataArray, dims: Sequence[str], dim: str, name: str
) -> Origin | Dates:
    given = da.coords[name]
    if _are_dates(da, dims, dim, given):
        return Dates(da.coords[dim].variable, along(da, dims, given))
    if not {*given.dims} <= {*dims} or given.dtype.kind not in "iuf":
        raise CoordinateError(
            f"Coordinate {name!r} is {given.dtype} along {given.dims}; it tells where "
            f"fields begin, as numbers along some of {tuple(dims)}. Rename or drop it"
        )
    axis = _axis(da, dim)
    told = given.attrs.get("units") or given.attrs.get("unit")
    kind = "time" if dim.lower() == "t" else "space"
    unit = standard_unit(told, axis_type=kind, dim=name)
    if unit is not None and axis.unit is None:
        raise CoordinateError(
            f"Coordinate {name!r} is in {unit}, and {dim!r} has no unit; give it one "
            f"with da.omezarr.assign_grid(scale={{{dim!r}: ...}}, "
            f"units={{{dim!r}: {unit!r}}})"
        )
    attrs = dict(da.coords[dim].attrs) if dim in da.coords else {}
    for derived in ("units", "unit", "spacing"):
        attrs.pop(derived, None)
    return Origin(axis, along(da, dims, given), unit, attrs)


def _are_dates(
    da: xr.DataArray, dims: Sequence[str], dim: str, given: xr.DataArray
) -> bool:
    """Whether dates, or durations, tell where durations along `dim` begin."""
    if given.dtype.kind not in "mM" or not {*given.dims} <= {*dims}:
        return False
    return dim in da.coords and da.coords[dim].dtype.kind == "m"


def _axis(da: xr.DataArray, dim: str) -> GridAxis:
    """The dim as the first image has it."""
    others = {other: 0 for other in da.dims if other != dim}
    line = da.isel(others)
    line.encoding = da.encoding
    return inspect(line)[dim]
