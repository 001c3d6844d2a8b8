"""Coordinate systems and the ways between them, while a program holds the picture."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from xarray_omezarr.errors import MetadataError, warn
from xarray_omezarr.ngff.axes import CoordinateSystem
from xarray_omezarr.ngff.multiscale import SYSTEM, Multiscale
from xarray_omezarr.ngff.named import named
from xarray_omezarr.ngff.transforms import (
    Transformation,
    parse_transformation,
)

_SYSTEMS = "coordinateSystems"
_WAYS = "coordinateTransformations"
_INTRINSIC = "intrinsic"


def spaces(multiscale: Multiscale) -> dict[str, Any]:
    """What a program has no place for: systems, their names, ways between them.

    Empty where there is one system with the usual name, as axes tell all of it.
    """
    systems, ways = multiscale.coordinate_systems, multiscale.between_systems
    if len(systems) == 1 and systems[0].name == SYSTEM and not ways:
        return {}
    found: dict[str, Any] = {_SYSTEMS: [system.to_json() for system in systems]}
    if multiscale.system is not systems[0]:
        found[_INTRINSIC] = multiscale.system.name
    if ways:
        found[_WAYS] = [way.to_json() for way in ways]
    return found


def has_spaces(keys: object) -> bool:
    """Whether what is kept of a picture holds its coordinate systems."""
    return isinstance(keys, Mapping) and isinstance(keys.get(_SYSTEMS), list)


def holds_systems(keys: object) -> bool:
    """Whether what is kept of an image holds coordinate systems of a picture."""
    pictures = keys.get("multiscales") if isinstance(keys, Mapping) else None
    return isinstance(pictures, list) and any(map(has_spaces, pictures))


def with_spaces(
    multiscale: Multiscale, keys: Mapping[str, Any], available: Container[str] = ()
) -> Multiscale:
    """The picture with systems and ways as `spaces` gives them.

    They lead from and to positions as the axes were: where axes were dropped, renamed,
    put into another order or have another unit, they are left out with a warning. So
    are ways whose numbers are arrays that are not at hand.

    Parameters
    ----------
    multiscale : Multiscale
        With one system.
    keys : mapping
        As `spaces` gives them.
    available : container of str
        Paths of the arrays that will be stored with the image.

    Raises
    ------
    MetadataError
        If they break a MUST of the standard.
    """
    systems = [CoordinateSystem.model_validate(told) for told in keys[_SYSTEMS]]
    ways = [_way(told) for told in keys.get(_WAYS, [])]
    if not systems:
        return multiscale
    name = keys.get(_INTRINSIC, systems[0].name)
    own = next((system for system in systems if system.name == name), systems[0])
    now, then = _measures(multiscale.system), _measures(own)
    if now != then:
        others = [system.name for system in systems if system is not own]
        if others or ways:
            warn(
                f"Coordinate systems {others} and {len(ways)} transformations are left "
                f"out: they belong to axes {_told(then)}, and now there are "
                f"{_told(now)}"
            )
        return multiscale
    ways = _without_files(ways, available)
    kept = [system for system in systems if system.name in _linked(own.name, ways)]
    if lost := [system.name for system in systems if system not in kept]:
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


def _without_files(
    ways: list[Transformation], available: Container[str]
) -> list[Transformation]:
    """The transformations whose numbers are at hand."""
    kept, lost = [], []
    for way in ways:
        missing = [path for path in _paths(way) if _plain(path) not in available]
        lost += missing
        if not missing:
            kept.append(way)
    if lost:
        warn(
            "Transformations are left out whose numbers are arrays of the image that "
            f"was read, at {lost}; give these arrays with transforms=, or write the "
            "tree that was opened, which has them"
        )
    return kept


def _plain(path: str) -> str:
    """A path as it counts from the image."""
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def _paths(way: Transformation) -> list[str]:
    """Paths of arrays with numbers, of a transformation and those in it."""
    return [one.path for one in named(way)]


def _linked(name: str, ways: list[Transformation]) -> set[str]:
    """Names of the systems that ways lead to from one, in either direction."""
    pairs = [
        {end.name for end in (way.input, way.output) if end and end.path is None}
        for way in ways
    ]
    found: set[str | None] = {name}
    for _ in pairs:
        found = found.union(*(pair for pair in pairs if pair & found))
    return {linked for linked in found if linked is not None}


def _way(told: object) -> Transformation:
    way = parse_transformation(told, f"/{_WAYS}")
    if way is None:
        raise MetadataError(f"/{_WAYS} has {told!r:.80}: give an object with a type")
    return way


def _measures(system: CoordinateSystem) -> list[tuple[str, str | None]]:
    return [(axis.name, axis.unit) for axis in system.axes]


def _told(measures: list[tuple[str, str | None]]) -> str:
    return ", ".join(f"{name} ({unit or 'no unit'})" for name, unit in measures)
