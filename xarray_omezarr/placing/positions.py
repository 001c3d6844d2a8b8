"""Place: where the pixels of an object lie along each axis of its own system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import CoordinateError, TransformationError, UnitError
from xarray_omezarr.grid.dims import Role, check_texts, roles
from xarray_omezarr.grid.grid import GridAxis
from xarray_omezarr.grid.inspect import inspect, labelled_dims
from xarray_omezarr.grid.names import SCALE_KEY
from xarray_omezarr.grid.numbered import numbers
from xarray_omezarr.grid.units import conversion_factor, in_unit, split_quantity
from xarray_omezarr.placing.along import Along, Floats
from xarray_omezarr.transforming.linear import fraction

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import Axis, CoordinateSystem


@dataclass(frozen=True, slots=True)
class Place:
    """Where pixels lie along one axis, in the unit of the axis.

    Parameters
    ----------
    axis : Axis
        Of the object's own system.
    dim : str, optional
        The dim that it is; None where it was selected away or is missing.
    along : Along, optional
        The positions; one where it was selected away. None where they are not known.
    line : GridAxis, optional
        The same in exact decimals, where the spacing is even.
    problem : str
        Why positions are not known, and what to do.
    """

    axis: Axis
    dim: str | None = None
    along: Along | None = None
    line: GridAxis | None = None
    problem: str = ""

    @property
    def is_missing(self) -> bool:
        """Whether the object lacks the axis."""
        return self.dim is None and self.along is None

    @property
    def known(self) -> Along:
        """The positions.

        Raises
        ------
        TransformationError
            If they are not known.
        """
        if self.along is None:
            raise TransformationError(self.problem)
        return self.along


def own_roles(obj: xr.DataArray) -> dict[str, Role]:
    """What each dim of an object is, by its name."""
    check_texts(obj.dims)
    sizes = {str(dim): size for dim, size in obj.sizes.items()}
    return roles([*sizes], sizes, labelled_dims(obj))


def dim_of(axis: str, found: Mapping[str, Role]) -> str | None:
    """The dim that is an axis of this name, whatever its case; None if none is."""
    if axis in found:
        return axis
    wanted = _canonical(axis)
    return next((dim for dim, role in found.items() if role.name == wanted), None)


def _canonical(name: str) -> str:
    return roles([name], {name: 1})[name].name


def same_axis(one: str, other: str) -> bool:
    """Whether two names are of the same axis, whatever their case."""
    return one == other or _canonical(one) == _canonical(other)


def places(
    obj: xr.DataArray, system: CoordinateSystem, *, is_read: bool = False
) -> tuple[Place, ...]:
    """Where the pixels of an object lie, by the coordinates it has now.

    Parameters
    ----------
    obj : xarray.DataArray
        Any dims and order, sliced, turned, coarsened.
    system : CoordinateSystem
        Its own; coordinates are converted to the units of its axes.
    is_read : bool
        Whether it is of an image that told of its systems, whose channels have numbers
        that a part of them does not tell.

    Returns
    -------
    tuple of Place
        One for each axis of the system. What is wrong with one is raised where its
        positions are needed.
    """
    found = own_roles(obj)
    return tuple(_place(obj, axis, found, is_read) for axis in system.axes)


def missing_axes(obj: xr.DataArray, system: CoordinateSystem) -> list[str]:
    """Names of the axes of a system that an object has neither as dim nor selected."""
    return [place.axis.name for place in places(obj, system) if place.is_missing]


def _place(
    obj: xr.DataArray, axis: Axis, found: Mapping[str, Role], is_read: bool
) -> Place:
    dim = dim_of(axis.name, found)
    try:
        if dim is None:
            return _selected(obj, axis, is_read)
        if found[dim].type == "channel" and axis.type in (None, "channel"):
            return _channels(obj, axis, dim, numbers(obj, dim, is_read=is_read))
        return _along(obj, axis, dim)
    except (CoordinateError, UnitError) as error:
        return Place(axis, dim, problem=str(error))


def _channels(
    obj: xr.DataArray, axis: Axis, dim: str | None, known: tuple[int, ...] | None
) -> Place:
    """Channels: their positions are their numbers."""
    if known is None:
        return _counted(obj, axis, str(dim))
    values = np.array(known, dtype=np.float64)
    steps = {after - before for before, after in pairwise(known)} or {1}
    line = None
    if known and len(steps) == 1 and 0 not in steps:
        line = GridAxis(axis.name, axis.type or "", axis.unit, len(known))
        line = replace(line, scale=float(*steps), translation=float(known[0]))
    return Place(axis, dim, Along(values, unit=axis.unit), line)


def _counted(obj: xr.DataArray, axis: Axis, dim: str) -> Place:
    size = obj.sizes[dim]
    line = GridAxis(axis.name, axis.type or "", axis.unit, size)
    return Place(axis, dim, Along(line.coordinates(), unit=axis.unit), line)


def _selected(obj: xr.DataArray, axis: Axis, is_read: bool) -> Place:
    """An axis that is no dim: it has one position, if a coordinate tells it."""
    scalars = [str(name) for name, coord in obj.coords.items() if not coord.ndim]
    wanted = _canonical(axis.name)
    names = [name for name in scalars if name == axis.name]
    names += [name for name in scalars if _canonical(name) == wanted]
    if not names:
        return Place(
            axis,
            problem=f"The object has neither a dim nor a coordinate {axis.name!r}, and "
            f"positions depend on it; select with .isel({axis.name}=...) without "
            f"drop=True, or set it with .assign_coords({axis.name}=...)",
        )
    if axis.type == "channel":
        known = numbers(obj, names[0], is_read=is_read)
        if known is not None:
            return _channels(obj, axis, None, known)
        return Place(
            axis,
            problem=f"One channel was selected along {axis.name!r}, and positions "
            "depend on its number, which is not known any more: place the image first",
        )
    line_up = obj.coords[names[0]].variable.expand_dims(names[0])
    only = xr.DataArray(np.zeros(1, np.uint8), {names[0]: line_up}, (names[0],))
    only.encoding = obj.encoding
    return replace(_along(only, axis, names[0]), dim=None)


def _along(obj: xr.DataArray, axis: Axis, dim: str) -> Place:
    bare = _bare(obj, dim)
    if dim not in bare.coords:
        return _without_coordinate(bare, axis, dim)
    problem = _unusable(bare, dim)
    if problem:
        return Place(axis, dim, problem=problem)
    if not obj.sizes[dim]:
        return Place(axis, dim, Along(np.zeros(0)))
    line = _line(bare, dim)
    if line is not None:
        line = in_unit_of(line, axis)
        if "transform" in bare.attrs:
            # Spatialdata keeps beside the coordinates what they mean.
            return Place(axis, dim, Along(line.coordinates(), unit=axis.unit), line)
        return Place(axis, dim, _positions(bare, dim, line, axis), line)
    first = inspect(bare.isel({dim: [0]}))[dim]
    return Place(axis, dim, _positions(bare, dim, first, axis))


def _bare(obj: xr.DataArray, dim: str) -> xr.DataArray:
    """One dim of the object, without its pixels."""
    bare = xr.DataArray(
        np.broadcast_to(np.uint8(0), (obj.sizes[dim],)), dims=(dim,), attrs=obj.attrs
    )
    if dim in obj.coords:
        bare = bare.assign_coords({dim: obj.coords[dim].variable})
    bare.encoding = obj.encoding
    return bare


def _without_coordinate(bare: xr.DataArray, axis: Axis, dim: str) -> Place:
    scale = (bare.encoding.get(SCALE_KEY) or {}).get(dim, 1.0)
    if axis.unit is not None or scale != 1.0:
        return Place(
            axis,
            dim,
            problem=f"Dim {dim!r} has no coordinate, so where its pixels lie is not "
            "known; set it with .omezarr.assign_grid(), or place the image before "
            "the coordinate is dropped",
        )
    return _counted(bare, axis, dim)


def _unusable(bare: xr.DataArray, dim: str) -> str:
    """Why the coordinate of a dim tells no positions; empty if it does."""
    magnitude, _ = split_quantity(bare.coords[dim].data)
    kind = np.dtype(magnitude.dtype).kind
    if isinstance(bare.xindexes.get(dim), xr.indexes.PandasMultiIndex):
        return f"Dim {dim!r} has a MultiIndex: replace it with .reset_index({dim!r})"
    if kind == "M":
        return (
            f"Coordinate {dim!r} holds dates, and positions are counted from the first "
            f"one: subtract it, as in da.assign_coords({dim}=da.{dim} - da.{dim}[0])"
        )
    if kind not in "iufm":
        return (
            f"Coordinate {dim!r} holds {magnitude.dtype}, and positions are numbers: "
            "convert it, or set positions with .omezarr.assign_grid()"
        )
    return ""


def _line(bare: xr.DataArray, dim: str) -> GridAxis | None:
    """Scale and translation in exact decimals; None where the spacing is uneven."""
    values, _ = split_quantity(bare.coords[dim].data)
    values = np.asarray(values)
    descends = values.size > 1 and values[0] > values[-1]
    if descends:
        # Grids ascend, and a turned image is as even as it was.
        bare = bare.isel({dim: slice(None, None, -1)})
    try:
        line = inspect(bare, irregular="raise")[dim]
    except CoordinateError:
        return None
    if not descends:
        return line
    last = fraction(line.translation) + fraction(line.scale) * (line.size - 1)
    return replace(line, scale=-line.scale, translation=float(last))


def in_unit_of(line: GridAxis, axis: Axis) -> GridAxis:
    """A line in the unit of an axis."""
    if line.unit is None or axis.unit is None:
        # What has no unit is meant in that of the axis.
        return replace(line, unit=axis.unit)
    scale, translation = (
        in_unit(number, line.unit, axis.unit, dim=line.name)
        for number in (line.scale, line.translation)
    )
    return replace(line, scale=scale, translation=translation, unit=axis.unit)


def _positions(bare: xr.DataArray, dim: str, line: GridAxis, axis: Axis) -> Along:
    magnitude, _ = split_quantity(bare.coords[dim].data)
    values = np.asarray(magnitude)
    unit = line.unit
    if values.dtype.kind == "m":
        values, unit = values / np.timedelta64(1, "s"), "second"
        if axis.unit is not None and axis.unit != unit:
            values = values * float(conversion_factor(unit, axis.unit))
        return Along(_floats(values), abs(line.scale), axis.unit)
    own = _unit_now(bare, dim, line)
    values = _floats(values)
    if own is not None and axis.unit is not None and own != axis.unit:
        in_unit(1.0, own, axis.unit, dim=dim)
        values = values * float(conversion_factor(own, axis.unit))
    return Along(values, abs(line.scale), axis.unit)


def _unit_now(bare: xr.DataArray, dim: str, line: GridAxis) -> str | None:
    """The unit that the coordinate is in."""
    return inspect(bare.isel({dim: [0]}))[dim].unit


def _floats(values: Any) -> Floats:
    return np.array(values, dtype=np.float64)
