"""Units in which the numbers of the option `transforms` count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xarray_omezarr.write.unit_slips import refuse_converted, units_of

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
