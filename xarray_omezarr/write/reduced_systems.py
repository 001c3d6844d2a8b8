"""The systems that an object was read with, of the axes that it has now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import CoordinateError, OmeZarrError, warn
from xarray_omezarr.grid.dims import is_axis, roles
from xarray_omezarr.grid.inspect import inspect
from xarray_omezarr.grid.numbered import numbers
from xarray_omezarr.grid.units import in_unit, split_quantity
from xarray_omezarr.hierarchy import Hierarchy
from xarray_omezarr.ngff.named import named
from xarray_omezarr.ngff.spaces import parse
from xarray_omezarr.transforming.dependence import depends
from xarray_omezarr.transforming.spaces_reduced import spaces_reduced, spaces_rescaled
from xarray_omezarr.transforming.stored import Field
from xarray_omezarr.write.numbers import matrix

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import Axis, CoordinateSystem
    from xarray_omezarr.ngff.named import Named
    from xarray_omezarr.ngff.spaces import Spaces
    from xarray_omezarr.ngff.transforms import SystemReference, Transformation

_SPACES = ("coordinateSystems", "coordinateTransformations", "intrinsic")


def as_stored(
    keys: Mapping[str, Any],
    now: CoordinateSystem,
    da: xr.DataArray,
    known: Mapping[str, Any],
) -> Mapping[str, Any]:
    """What is kept of a picture, of the axes and in the units that are stored.

    Parameters
    ----------
    keys : mapping
        What was kept of the picture; may be empty.
    now : CoordinateSystem
        Of the image, as it is planned.
    da : xarray.DataArray
        Level 0, whose coordinates without a dim tell what was selected.
    known : mapping
        Matrices and fields by path, as read, given or planned.

    Returns
    -------
    mapping
        The same if no axis was dropped and units are what they were; see
        `transforming.spaces_reduced`.
    """
    if not keys.get("coordinateSystems"):
        return keys
    told = parse(keys)
    names, then = [axis.name for axis in now.axes], told.own.axes
    dropped = {axis.name: axis for axis in then if axis.name not in names}
    left = [axis.name for axis in then if axis.name in names]
    if left != names:
        return keys
    arrays = _readable([one for way in told.ways for one in named(way)], known)
    factors = _factors(told.own, now)
    whole, told = told, _of_channels(told, da, arrays)
    if not dropped and not factors and told is whole:
        return keys
    if factors:
        try:
            told = spaces_rescaled(told, factors, arrays)
        except OmeZarrError:
            # They are left out then, with a warning.
            return keys
    found = told
    if dropped:
        places = {name: _position(da, axis) for name, axis in dropped.items()}
        found = spaces_reduced(told, places, arrays)
    others = {key: value for key, value in keys.items() if key not in _SPACES}
    return {**others, **found.keys()}


def _factors(
    then: CoordinateSystem, now: CoordinateSystem
) -> dict[str, tuple[str, float]]:
    """The unit of each axis that is stored in another one, and its length in that."""
    units = {axis.name: axis.unit for axis in now.axes}
    found = {}
    for axis in then.axes:
        unit = units.get(axis.name)
        if unit is None or axis.unit is None or unit == axis.unit:
            continue
        try:
            found[axis.name] = unit, in_unit(1.0, unit, axis.unit, dim=axis.name)
        except OmeZarrError:
            # Lengths that are no such: nobody knows what the numbers count then.
            return {}
    return found


def _position(da: xr.DataArray, axis: Axis) -> float | None:
    """Where an object was selected along an axis, in its unit; None if nobody tells."""
    wanted = _canonical(axis.name)
    scalars = [str(key) for key, coord in da.coords.items() if not coord.ndim]
    names = [name for name in scalars if name == axis.name]
    names += [name for name in scalars if _canonical(name) == wanted]
    if not names:
        return None
    if axis.type == "channel":
        # A channel has a number in its image, which its coordinate does not tell.
        try:
            known = numbers(da, names[0], is_read=True)
        except CoordinateError:
            return None
        return None if known is None else float(known[0])
    line_up = da.coords[names[0]].variable.expand_dims(names[0])
    only = xr.DataArray(np.zeros(1, np.uint8), {names[0]: line_up}, (names[0],))
    values, _ = split_quantity(line_up.data)
    if np.asarray(values).dtype.kind not in "iufm":
        return None
    try:
        line = inspect(only)[names[0]]
        if line.unit is None or axis.unit is None or line.unit == axis.unit:
            return line.translation
        return in_unit(line.translation, line.unit, axis.unit, dim=axis.name)
    except OmeZarrError:
        return None


def _canonical(name: str) -> str:
    return roles([name], {name: 1})[name].name


def _readable(wanted: list[Named], known: Mapping[str, Any]) -> dict[str, Any]:
    """Matrices and fields as transformations are computed with."""
    found: dict[str, Any] = {}
    for one in wanted:
        array = known.get(one.path)
        try:
            if one.is_matrix and array is not None:
                found[one.path] = matrix(array, one.type)
            elif isinstance(array, Hierarchy):
                found[one.path] = _outline(array)
            elif isinstance(array, Field):
                found[one.path] = array
        except OmeZarrError:
            # What cannot be stored is told where it is planned.
            continue
    return found


def _outline(planned: Hierarchy) -> Field:
    """A planned field, of which only its sizes count here."""
    picture = planned.image().multiscale
    node: Any = planned.array(picture.levels[0].path)
    kinds = [axis.type for axis in picture.axes]
    component = next(n for n, kind in enumerate(kinds) if kind not in _PLACES)
    ones = (1.0,) * (len(kinds) - 1)
    return Field(node, component, ones, (0.0,) * len(ones))


_PLACES = ("time", "space")


def _of_channels(told: Spaces, da: xr.DataArray, arrays: Mapping[str, Any]) -> Spaces:
    """Without ways that shift channels apart, where others have their numbers now."""
    own = told.own
    name = renumbered(da, own)
    if name is None:
        return told
    at = [axis.type for axis in own.axes].index("channel")
    lost = [
        way
        for way in told.ways
        if _depends_on(way, own, at, _is_to(way.output, own.name), arrays)
    ]
    if not lost:
        return told
    ends = [end.name for way in lost for end in (way.input, way.output) if end]
    warn(
        f"Transformations between {[*dict.fromkeys(ends)]} are left out: in them "
        f"positions depend on the numbers of channels along {name!r}, and those "
        "that are written have others, or were computed, which drops them; write all "
        "channels, in their order, as they were read, or give transforms="
    )
    return replace(told, ways=tuple(way for way in told.ways if way not in lost))


def renumbered(da: xr.DataArray, own: CoordinateSystem) -> str | None:
    """The dim of channels that have other numbers than where they were read.

    Parameters
    ----------
    da : xarray.DataArray
        Of an image.
    own : CoordinateSystem
        Its own, as it was read.
    """
    kinds = [axis.type for axis in own.axes]
    if "channel" not in kinds:
        return None
    axis = own.axes[kinds.index("channel")].name
    name = next((str(dim) for dim in da.dims if is_axis(str(dim), axis)), None)
    if name is None:
        return None
    try:
        known = numbers(da, name, is_read=True)
    except CoordinateError:
        known = ()
    return None if known == tuple(range(da.sizes[name])) else name


def shifts_channels(
    way: Transformation, own: CoordinateSystem, known: Mapping[str, Any], *, leads: bool
) -> bool:
    """Whether positions depend on channels and other axes together.

    Parameters
    ----------
    way : Transformation
        From or to the system.
    own : CoordinateSystem
        With an axis of channels.
    known : mapping
        Matrices and fields by path, as read, given or planned.
    leads : bool
        Whether it leads to the system.
    """
    at = [axis.type for axis in own.axes].index("channel")
    return _depends_on(way, own, at, leads, _readable([*named(way)], known))


def _is_to(end: SystemReference | None, name: str) -> bool:
    return end is not None and end.name == name


def _depends_on(
    way: Transformation,
    own: CoordinateSystem,
    at: int,
    leads: bool,
    arrays: Mapping[str, Any],
) -> bool:
    """Whether a way mixes an axis of the own system with others."""
    try:
        needed = depends(way, len(own.axes), arrays)
    except OmeZarrError:
        return True
    used = needed[at] if leads and at < len(needed) else frozenset({at})
    return any(len(inputs) > 1 and inputs & used for inputs in needed)
