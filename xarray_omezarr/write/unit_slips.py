"""Where numbers of transformations count in another unit than was meant."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import OmeZarrError, TransformationError, UnitError
from xarray_omezarr.grid.dims import roles
from xarray_omezarr.grid.inspect import inspect, labelled_dims
from xarray_omezarr.ngff.named import named
from xarray_omezarr.transforming.linear import exact

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import Axis, CoordinateSystem
    from xarray_omezarr.ngff.transforms import Transformation

_KEEP_LENGTHS = ("identity", "translation", "rotation")
#: What follows the slips that `jumps` tells.
REMEDY = (
    ". Positions are moved, but not scaled: put a scale in front, or give both systems "
    "the same unit"
)


def jumps(
    way: Transformation, start: CoordinateSystem, end: CoordinateSystem
) -> list[str]:
    """Axes whose unit another one follows, though nothing is scaled.

    Parameters
    ----------
    way : Transformation
        Of any type.
    start, end : CoordinateSystem
        At its ends.
    """
    if not _keeps_lengths(way):
        return []
    return [
        f"axis {before.name!r} has the unit {before.unit}, and the axis of "
        f"{end.name!r} that it leads to {after.unit}"
        for before, after in zip(start.axes, end.axes, strict=False)
        if before.unit and after.unit and before.unit != after.unit
    ]


def unlike(axis: str, system: str, key: str, told: object, own: object) -> str:
    """What is wrong with an axis of an image that is told of in another way."""
    return (
        f"Axis {axis!r} of {system!r} has the {key} {told!r}, and that of the image "
        f"is {own!r}: change one of them"
    )


def _keeps_lengths(way: Any) -> bool:
    """Whether nothing is done to positions but moving and turning all of them."""
    if way.type == "sequence":
        return all(map(_keeps_lengths, way.transformations))
    return way.type in _KEEP_LENGTHS


def units_of(da: xr.DataArray) -> dict[str, tuple[str | None, str | None]]:
    """Units of the coordinates along each axis: as they are, and as they are stored.

    Parameters
    ----------
    da : xarray.DataArray
        Its pixels are not touched.
    """
    dims = [str(dim) for dim in da.dims]
    found = roles(dims, {d: da.sizes[d] for d in dims}, labelled_dims(da))
    first = {dim: slice(0, 1) for dim in dims}
    coords = {d: da.coords[d].isel({d: first[d]}) for d in dims if d in da.coords}
    bare = xr.DataArray(np.zeros((1,) * len(dims)), coords, dims, attrs=da.attrs)
    with warnings.catch_warnings():
        # Whatever is to be said of coordinates is said where they are written.
        warnings.simplefilter("ignore")
        try:
            stored = {axis.name: axis.unit for axis in inspect(bare)}
            own = {
                dim: inspect(bare.isel({d: 0 for d in dims if d != dim}, drop=True))
                for dim in dims
            }
        except OmeZarrError:
            return {}
    return {found[dim].name: (own[dim][dim].unit, stored[dim]) for dim in dims}


def refuse_converted(
    own: CoordinateSystem,
    units: Iterable[tuple[str, str | None, str | None]],
    ways: Sequence[tuple[Transformation, bool, CoordinateSystem | None]],
    *,
    is_tellable: bool = True,
) -> None:
    """Refuse numbers along axes whose coordinates are stored in another unit.

    Parameters
    ----------
    own : CoordinateSystem
        That of the coordinates.
    units : iterable
        Name, unit of the coordinate, and unit that is stored, of axes about whose
        unit nothing was said.
    ways : sequence
        Transformations from it (True) or to it (False), and the systems at their
        other ends.
    is_tellable : bool
        Whether the system can be told with its units; a scene has no place for that.

    Raises
    ------
    UnitError
        If a transformation changes positions along one of them.
    """
    names = [axis.name for axis in own.axes]
    slips = {
        name: (now, stored)
        for name, now, stored in units
        if None not in (now, stored) and now != stored and name in names
        for way, forward, other in ways
        if not _is_untouched(way, names.index(name), len(names), forward, other, stored)
    }
    if not slips:
        return
    said = " and ".join(
        f"are in {now} along {name!r}, and stored in {stored}"
        for name, (now, stored) in slips.items()
    )
    name, (_, stored) = next(iter(slips.items()))
    agreed = (
        f"; if they are so already, tell the system {own.name!r} in "
        f"transforms['coordinateSystems'] with the unit {stored!r} of {name!r}"
    )
    raise UnitError(
        f"The coordinates {said}, the unit of x, in which the numbers of transforms "
        f"would count. Convert the coordinates first, e.g. with .assign_coords({name}="
        f"...) in {stored}, and give the numbers in that unit"
        + (agreed if is_tellable else "")
    )


def _is_untouched(
    way: Transformation,
    at: int,
    ndim: int,
    forward: bool,
    other: CoordinateSystem | None,
    unit: str | None,
) -> bool:
    """Whether positions along an axis are the same in both systems, in its unit."""
    if other is None or next(named(way), None) is not None:
        return False
    try:
        rows = exact(way, ndim if forward else len(other.axes))
    except TransformationError:
        return False
    if rows is None:
        return False
    if not forward:
        pairs = [(rows[at], axis) for axis in _sources(rows[at], other.axes)]
    else:
        pairs = [
            (row, axis) for row, axis in zip(rows, other.axes, strict=False) if row[at]
        ]
    return all(
        sorted(row) == [*[0] * (len(row) - 1), 1]
        and not row[-1]
        and axis.unit in (None, unit)
        for row, axis in pairs
    )


def _sources(row: Any, axes: Sequence[Axis]) -> Iterator[Axis]:
    for factor, axis in zip(row[:-1], axes, strict=False):
        if factor:
            yield axis
