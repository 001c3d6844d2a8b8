"""Transformations between coordinate systems, as files tell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.base import listed
from xarray_omezarr.ngff.dimensions import fitting_problems
from xarray_omezarr.ngff.transforms import (
    SystemReference,
    UnknownTransformation,
    parse_transformation,
    unnamed_ends,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xarray_omezarr.ngff.axes import CoordinateSystem
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.ngff.versions.document import Place

_ENDS = ("input", "output")


def read_way(place: Place) -> Transformation:
    """A transformation; ends that drafts spelled as text become objects.

    Raises
    ------
    MetadataError
        If it breaks a MUST of the standard.
    """
    members = dict(place.members())
    for key in _ENDS:
        if isinstance(members.get(key), str):
            place[key].note("is read as the name of a coordinate system")
            members[key] = {"name": members[key]}
    found = parse_transformation(members, place.pointer)
    if found is None:
        raise place["type"].error("give the type of the transformation")
    if isinstance(found, UnknownTransformation):
        place["type"].note("is not known here: it is kept, and not applied")
    return found


def read_ways(
    place: Place, systems: Sequence[CoordinateSystem], intrinsic: str | None = None
) -> tuple[Transformation, ...]:
    """The transformations of a list that an image can do without.

    Parameters
    ----------
    place : Place
        The list, or nothing.
    systems : sequence of CoordinateSystem
        Of the same object.
    intrinsic : str, optional
        The system that all ways start from or lead to.
    """
    if place.value is None:
        return ()
    try:
        items = list(place.items())
    except MetadataError:
        place.note("is left out: it is a list")
        return ()
    sizes = {system.name: len(system.axes) for system in systems}
    ways = []
    for item in items:
        try:
            ways.append(_fitting(item, sizes))
        except MetadataError as error:
            place.notes.append(f"{error}; this transformation is left out")
        else:
            _note_no_intrinsic(item, ways[-1], intrinsic)
    return tuple(ways)


def _fitting(place: Place, sizes: Mapping[str, int]) -> Transformation:
    way = read_way(place)
    if ends := unnamed_ends(way):
        raise place.error(f"name the system that is its {' and its '.join(ends)}")
    if problems := fitting_problems(way, sizes):
        raise place.error(listed(problems))
    return way


def _note_no_intrinsic(place: Place, way: Any, intrinsic: str | None) -> None:
    # RULES C7: one side is the intrinsic system.
    here = [end.name for end in (way.input, way.output) if end.path is None]
    if intrinsic is not None and intrinsic not in here:
        place.note(f"has {intrinsic!r}, the system of the levels, at neither end")


def without_ends(place: Place) -> Place:
    """A transformation without what its place tells already."""
    return place.without(*_ENDS) if isinstance(place.value, Mapping) else place


def unknown_ends(places: Iterable[Place]) -> dict[str, SystemReference]:
    """What ends say beyond what their place tells: keys that nobody knows here.

    Parameters
    ----------
    places : iterable of Place
        Transformations that are read as one.
    """
    known = {*SystemReference.json_keys().values()}
    found: dict[str, SystemReference] = {}
    for place in places:
        for key in _ENDS:
            end = place[key]
            if isinstance(end.value, Mapping) and end.value.keys() - known:
                keys = {k: v for k, v in end.value.items() if k not in known}
                before = found[key].extras() if key in found else {}
                found[key] = SystemReference.parse({**keys, **before}, end.pointer)
    return found
