"""Coordinate systems and the ways between them, while a program holds the picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from xarray_omezarr.errors import MetadataError, warn
from xarray_omezarr.ngff.axes import CoordinateSystem
from xarray_omezarr.ngff.multiscale import SYSTEM, Multiscale
from xarray_omezarr.ngff.named import named, within
from xarray_omezarr.ngff.transforms import Transformation, parse_transformation

_SYSTEMS = "coordinateSystems"
_WAYS = "coordinateTransformations"
_INTRINSIC = "intrinsic"


@dataclass(frozen=True, slots=True)
class Spaces:
    """The systems of a picture and the ways between them.

    Parameters
    ----------
    systems : tuple of CoordinateSystem
        At least one; the first is the one to show the picture in.
    ways : tuple of Transformation
        From one system to another, each by its name.
    intrinsic : str
        Name of the system that coordinates are positions in.
    """

    systems: tuple[CoordinateSystem, ...]
    ways: tuple[Transformation, ...]
    intrinsic: str

    @property
    def own(self) -> CoordinateSystem:
        """The system that coordinates are positions in."""
        found = (system for system in self.systems if system.name == self.intrinsic)
        return next(found, self.systems[0])

    def keys(self) -> dict[str, Any]:
        """As JSON, which `parse` reads."""
        told: dict[str, Any] = {_SYSTEMS: [system.to_json() for system in self.systems]}
        if self.own is not self.systems[0]:
            told[_INTRINSIC] = self.own.name
        if self.ways:
            told[_WAYS] = [way.to_json() for way in self.ways]
        return told


def parse(keys: Mapping[str, Any]) -> Spaces:
    """The systems and ways that `spaces` tells.

    Parameters
    ----------
    keys : mapping
        What is kept of a picture, for which `has_spaces` holds.

    Raises
    ------
    MetadataError
        If they break a MUST of the standard, or there is no system.

    Examples
    --------
    >>> x = {"name": "x", "type": "space"}
    >>> told = {"coordinateSystems": [{"name": "stage", "axes": [x]}]}
    >>> found = parse(told)
    >>> found.intrinsic, found.keys() == told
    ('stage', True)
    """
    systems = tuple(
        CoordinateSystem.parse(told, f"/{_SYSTEMS}/{number}")
        for number, told in enumerate(keys[_SYSTEMS])
    )
    if not systems:
        raise MetadataError(f"/{_SYSTEMS} is empty: give at least one")
    ways = tuple(
        _way(told, f"/{_WAYS}/{number}")
        for number, told in enumerate(keys.get(_WAYS) or ())
    )
    # A name that no system has is that of none: the first one is meant then.
    name = keys.get(_INTRINSIC)
    names = [system.name for system in systems]
    return Spaces(systems, ways, name if name in names else names[0])


def spaces(multiscale: Multiscale) -> dict[str, Any]:
    """What a program has no place for: systems, their names, ways between them.

    Empty where there is one system with the usual name, as axes tell all of it.
    """
    systems, ways = multiscale.coordinate_systems, multiscale.between_systems
    if len(systems) == 1 and systems[0].name == SYSTEM and not ways:
        return {}
    return Spaces(systems, ways, multiscale.system.name).keys()


def has_spaces(keys: object) -> bool:
    """Whether what is kept of a picture holds its coordinate systems."""
    return isinstance(keys, Mapping) and isinstance(keys.get(_SYSTEMS), list)


def holds_systems(keys: object) -> bool:
    """Whether what is kept of an image holds coordinate systems of a picture."""
    pictures = keys.get("multiscales") if isinstance(keys, Mapping) else None
    return isinstance(pictures, list) and any(map(has_spaces, pictures))


def with_spaces(
    multiscale: Multiscale, keys: Mapping[str, Any], arrays: Collection[str] = ()
) -> Multiscale:
    """The picture with systems and ways as `spaces` gives them.

    They lead from and to positions as the axes were: where axes were dropped, renamed,
    put into another order or have another unit, they are left out with a warning.

    Parameters
    ----------
    multiscale : Multiscale
        With one system.
    keys : mapping
        What is kept of a picture, for which `has_spaces` holds.
    arrays : collection of str
        Paths at which there will be matrices and fields. Transformations that name
        others are left out with a warning.

    Raises
    ------
    MetadataError
        If they break a MUST of the standard.
    """
    if not keys[_SYSTEMS]:
        return multiscale
    told = parse(keys)
    own = told.own
    now, then = _measures(multiscale.system), _measures(own)
    if now != then:
        others = [system.name for system in told.systems if system is not own]
        if others or told.ways:
            warn(
                f"Coordinate systems {others} and {len(told.ways)} transformations are "
                f"left out: they belong to axes {_told(then)}, and now there are "
                f"{_told(now)}"
            )
        return multiscale
    ways = _with_numbers(told.ways, arrays)
    linked = _linked(own.name, ways)
    kept = [system for system in told.systems if system.name in linked]
    if lost := [system.name for system in told.systems if system not in kept]:
        warn(f"Coordinate systems {lost} are left out: no transformation leads there")
    own_now = multiscale.system.model_copy(update={"name": own.name})
    return multiscale.model_copy(
        update={
            "coordinate_systems": tuple(
                own_now if system is own else system for system in kept
            ),
            "intrinsic": None if own is kept[0] else own.name,
            "coordinate_transformations": (*multiscale.applied_after_levels, *ways),
        }
    )


def _with_numbers(
    ways: tuple[Transformation, ...], arrays: Collection[str]
) -> list[Transformation]:
    """The transformations whose numbers stand in them, or are among the arrays."""
    missing = {
        index: [one.path for one in named(way) if not _is_among(one.path, arrays)]
        for index, way in enumerate(ways)
    }
    if lost := [path for paths in missing.values() for path in paths]:
        warn(
            "Transformations are left out whose numbers are arrays of the image that "
            f"was read, at {lost}; copy these arrays, and write the transformations "
            "with write_metadata"
        )
    return [way for index, way in enumerate(ways) if not missing[index]]


def _is_among(path: str, arrays: Collection[str]) -> bool:
    try:
        return path in arrays or within(path) in arrays
    except ValueError:
        return False


def _linked(name: str, ways: list[Transformation]) -> set[str]:
    """Names of the systems that ways lead to from one, in either direction."""
    beside: dict[str, set[str]] = {}
    for way in ways:
        ends = [end.name for end in (way.input, way.output) if end and not end.path]
        for one in filter(None, ends):
            beside.setdefault(one, set()).update(filter(None, ends))
    found, front = {name}, [name]
    while front:
        new = beside.get(front.pop(), set()) - found
        found |= new
        front += new
    return found


def _way(told: object, pointer: str) -> Transformation:
    way = parse_transformation(told, pointer)
    if way is None:
        raise MetadataError(f"{pointer} is {told!r:.80}: give an object with a type")
    return way


def _measures(system: CoordinateSystem) -> list[tuple[str, str | None]]:
    return [(axis.name, axis.unit) for axis in system.axes]


def _told(measures: list[tuple[str, str | None]]) -> str:
    return ", ".join(f"{name} ({unit or 'no unit'})" for name, unit in measures)
