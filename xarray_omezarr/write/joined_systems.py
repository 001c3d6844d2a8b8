"""Further coordinate systems and transformations, joined to those of an image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import MetadataError, OmeZarrError, raise_together, warn
from xarray_omezarr.ngff.axes import Axis, CoordinateSystem, check_axes
from xarray_omezarr.ngff.dimensions import fitting_problems
from xarray_omezarr.ngff.rules.graph import Graph
from xarray_omezarr.ngff.transforms import Identity, Scale, Sequence, Translation
from xarray_omezarr.write.unit_slips import REMEDY, jumps, unlike

if TYPE_CHECKING:
    from xarray_omezarr.ngff.multiscale import Multiscale
    from xarray_omezarr.ngff.transforms import SystemReference, Transformation
    from xarray_omezarr.write.systems import Transforms

_COMPOSE = "compose it with the way there, with xarray_omezarr.transforms.compose"


def joined_systems(
    multiscale: Multiscale,
    transforms: Transforms,
    shown: Mapping[int, Transformation],
) -> Multiscale:
    """A picture with further systems, and the ways from its own to them.

    Parameters
    ----------
    multiscale : Multiscale
        As it is planned: with the one system that its levels lead to.
    transforms : Transforms
        What is asked for.
    shown : mapping
        Transformations with their numbers in them, by their place in `transforms`,
        where these are elsewhere: they tell how many axes they take and give.

    Raises
    ------
    MetadataError
        All that breaks a MUST, together.
    """
    own = multiscale.system
    problems: list[OmeZarrError] = []

    def note(text: str) -> None:
        problems.append(MetadataError(text))

    described = _own(own, transforms.systems, note)
    systems = tuple(
        described if system.name == own.name else system
        for system in transforms.systems
    )
    if described not in systems:
        systems = (described, *systems)
    for system in systems:
        if system is not described:
            for text in check_axes(system.axes):  # RULES C2
                note(f"Coordinate system {system.name!r} {text}")
    sizes = {system.name: len(system.axes) for system in systems}
    for number, way in enumerate(transforms.transformations):
        where = f"/coordinateTransformations/{number}"
        whole = shown.get(number, way)
        for text in _faults(whole, own.name, sizes):
            note(f"{where}, of type {way.type!r}, {text}")
    if not problems:
        for text in _apart(own.name, systems, transforms.transformations):
            note(text)
    raise_together(problems, "transforms do not fit this image")
    _warn_of_sizes(own, systems)
    for text in told_jumps(transforms.transformations, systems):
        warn(text)
    first = systems[0].name == own.name
    return multiscale.model_copy(
        update={
            "coordinate_systems": systems,
            "intrinsic": None if first else own.name,
            "coordinate_transformations": (
                *multiscale.applied_after_levels,
                *transforms.transformations,
            ),
        }
    )


def _own(own: CoordinateSystem, given: tuple[CoordinateSystem, ...], note: Any) -> Any:
    """The system of the image, with what is told of it besides."""
    told = next((system for system in given if system.name == own.name), None)
    if told is None:
        return own
    names = [axis.name for axis in own.axes]
    theirs = [axis.name for axis in told.axes]
    if names != theirs:
        note(
            f"Coordinate system {own.name!r} is that of the image, whose axes are "
            f"{names}, and it is told with {theirs}: name the system differently, or "
            "leave it out of 'coordinateSystems', as the image tells it"
        )
        return own
    axes = []
    for axis, other in zip(own.axes, told.axes, strict=True):
        for key in ("type", "unit"):
            mine, wanted = getattr(axis, key), getattr(other, key)
            if None not in (mine, wanted) and mine != wanted:
                note(unlike(axis.name, own.name, key, wanted, mine))
        axes.append(_completed(axis, other))
    fields = {"name": own.name, "axes": tuple(axes)}
    return CoordinateSystem(**{**told.extras(), **own.extras(), **fields})


def _completed(axis: Axis, other: Axis) -> Axis:
    known = {name: getattr(axis, name) for name in Axis.model_fields}
    more = {name: getattr(other, name) for name in Axis.model_fields}
    fields = {name: more[name] if v is None else v for name, v in known.items()}
    return Axis(**{**other.extras(), **axis.extras(), **fields})


def _faults(way: Transformation, own: str, sizes: Mapping[str, int]) -> Iterator[str]:
    """What is wrong with the ends of a transformation (RULES C6, C7, C10, B13)."""
    ends = [end for end in (way.input, way.output) if end is not None]
    here = [end.name for end in ends if end.path is None]
    unknown = [name for name in here if name not in sizes]
    for name in unknown:
        yield (
            f"names the system {name!r}, which is none of {[*sizes]}: add it to "
            "'coordinateSystems'"
        )
    if unknown:
        return
    if own not in here:
        yield (
            f"leads from {_told(way.input)} to {_told(way.output)}, and in an image "
            f"one of them is its own system, {own!r}: {_COMPOSE}; or write a scene"
        )
    elif here == [own, own]:
        yield f"leads from {own!r} to itself: leave it out"
    if len(here) < len(ends) and not _is_simple(way):
        yield (
            "leads to a label image, which only 'identity', 'scale', 'translation' and "
            "sequences of them do: use these, or write a scene"
        )
    for text in fitting_problems(way, sizes):
        yield f"does not fit: {text}"


def _is_simple(way: Transformation) -> bool:
    if isinstance(way, Sequence):
        return all(map(_is_simple, way.transformations))
    return isinstance(way, Identity | Scale | Translation)


def _told(end: SystemReference | None) -> str:
    if end is None:
        return "nowhere"
    return f"{end.name!r}" if end.path is None else f"{end.name!r} of {end.path!r}"


def _apart(
    own: str,
    systems: tuple[CoordinateSystem, ...],
    ways: tuple[Transformation, ...],
) -> Iterator[str]:
    """Systems that nothing leads to (RULES C9)."""
    graph = Graph(system.name for system in systems)
    for way in ways:
        names = [end.name for end in (way.input, way.output) if end and not end.path]
        if len(names) == 2:
            graph.join(*names)
    for name in graph.apart_from(own):
        yield (
            f"Coordinate system {name!r} is not joined to {own!r}, that of the image: "
            "add a transformation between them, or leave the system out"
        )


def told_jumps(
    ways: Iterable[Transformation], systems: Iterable[CoordinateSystem]
) -> Iterator[str]:
    """What is to be said of units between systems of an image that differ."""
    known = {system.name: system for system in systems}
    for way in ways:
        ends = [
            known.get(end.name)
            for end in (way.input, way.output)
            if end and end.name and not end.path
        ]
        if len(ends) == 2 and ends[0] is not None and ends[1] is not None:
            if slips := jumps(way, ends[0], ends[1]):
                yield f"{_told(way.input)}: {'; '.join(slips)}{REMEDY}"


def _warn_of_sizes(
    own: CoordinateSystem, systems: tuple[CoordinateSystem, ...]
) -> None:
    others = [s.name for s in systems if len(s.axes) != len(own.axes)]
    if others:
        # RULES C2: the text forbids what projections of the same text need.
        warn(
            f"Coordinate systems {others} have another number of axes than the image, "
            f"{len(own.axes)}; readers may refuse them, and know them in scenes"
        )
