"""Units in which the numbers of the option `transforms` count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xarray_omezarr.errors import MetadataError, raise_together
from xarray_omezarr.write.unit_slips import refuse_converted, units_of, unlike

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.ngff.axes import CoordinateSystem
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.write.systems import Transforms


def check_units(
    da: xr.DataArray,
    own: CoordinateSystem,
    asked: Transforms,
    *,
    counted: CoordinateSystem | None = None,
) -> None:
    """Refuse numbers that would count in another unit than the coordinates are in.

    Parameters
    ----------
    da : xarray.DataArray
        The image.
    own : CoordinateSystem
        That of its coordinates.
    asked : Transforms
        What is to be written, or placed by.
    counted : CoordinateSystem, optional
        The own system with the units in which numbers count, where that is not how
        the coordinates are stored.

    Raises
    ------
    UnitError
        If coordinates are stored in the unit of another axis, and a transformation
        changes them; see `unit_slips.refuse_converted`. Where the own system is told
        with its units, these are agreed upon.
    """
    if not asked.transformations:
        return
    told = {
        axis.name: axis.unit
        for system in asked.systems
        if system.name == own.name
        for axis in system.axes
    }
    counts = {} if counted is None else {a.name: a.unit for a in counted.axes}
    units = [
        (name, counts.get(name, now), stored)
        for name, (now, stored) in units_of(da).items()
        if told.get(name) is None
    ]
    systems = {system.name: system for system in asked.systems}
    ways: list[tuple[Transformation, bool, CoordinateSystem | None]] = []
    for way in asked.transformations:
        for end, other in ((way.input, way.output), (way.output, way.input)):
            if end is not None and not end.path and end.name == own.name:
                name = None if other is None or other.path else other.name
                ways.append((way, end is way.input, systems.get(name or "")))
    refuse_converted(own, units, ways)


def check_told(da: xr.DataArray, own: CoordinateSystem, asked: Transforms) -> None:
    """Refuse the own system of mixed units told with others than would be stored.

    Coordinates of one unit are converted to what is told.

    Parameters
    ----------
    da : xarray.DataArray
        The image. Parts of it that lack axes are told of as a whole.
    own : CoordinateSystem
        That of its coordinates.
    asked : Transforms
        What it is to be placed by.

    Raises
    ------
    MetadataError
        As it is raised where the same is written.
    """
    told = [
        axis
        for system in asked.systems
        if system.name == own.name
        for axis in system.axes
    ]
    units = units_of(da)
    stored = {name: unit for name, (_, unit) in units.items()}
    is_mixed = any(now != unit for now, unit in units.values())
    if not is_mixed or not all(axis.name in stored for axis in told):
        return
    problems = [
        MetadataError(unlike(axis.name, own.name, "unit", axis.unit, stored[axis.name]))
        for axis in told
        if None not in (axis.unit, stored[axis.name]) and axis.unit != stored[axis.name]
    ]
    raise_together(problems, "transforms do not fit this image")
