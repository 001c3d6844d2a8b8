"""The option `transforms`: further coordinate systems, and the ways between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from xarray_omezarr.errors import (
    MetadataError,
    OptionError,
    Problems,
    raise_together,
)
from xarray_omezarr.ngff.axes import CoordinateSystem, repeated_names
from xarray_omezarr.ngff.base import Model
from xarray_omezarr.ngff.paths import below
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.ngff.transforms import (
    Affine,
    Coordinates,
    Displacements,
    MapAxis,
    Rotation,
    Scale,
    SystemReference,
    Transformation,
    UnknownTransformation,
    parse_transformation,
    unnamed_ends,
)

_SYSTEMS = "coordinateSystems"
_WAYS = "coordinateTransformations"
_ARRAYS = "arrays"
_KEYS = (_SYSTEMS, _WAYS, _ARRAYS)

#: What text and schemas of the standard agree on.
INTERPOLATIONS = ("nearest", "linear")

#: Transformations whose numbers may be, or are, in an array of their own.
ByPath = Affine | Rotation | Displacements | Coordinates


@dataclass(frozen=True, slots=True)
class Transforms:
    """Coordinate systems, transformations between them, and the numbers of these.

    Parameters
    ----------
    systems : tuple of CoordinateSystem
        The first is the one to show things in.
    transformations : tuple of Transformation
        Each with a name at both ends.
    arrays : mapping
        By the path that transformations name: matrices as anything numpy reads, or
        DataArrays, and fields as DataArrays or `transforming.stored.Field`.
    """

    systems: tuple[CoordinateSystem, ...] = ()
    transformations: tuple[Transformation, ...] = ()
    arrays: Mapping[str, Any] = field(default_factory=dict)

    @property
    def paths(self) -> dict[str, ByPath]:
        """The transformations with numbers elsewhere, by the path of these."""
        return {str(way.path): way for way in by_path(self.transformations)}


def parse_transforms(value: object) -> Transforms:
    """The option `transforms`, checked as far as that is possible without an image.

    Parameters
    ----------
    value : mapping, Scene, Transforms or None
        ``coordinateSystems``, ``coordinateTransformations`` and ``arrays``, as JSON or
        as models; None for nothing.

    Raises
    ------
    OmeZarrError
        All that is wrong together: members that are not known, axes, names and types
        that break a MUST, ends without a name, paths that lead elsewhere, and arrays
        that nothing names.

    Examples
    --------
    >>> turned = {
    ...     "type": "affine",
    ...     "path": "coordinateTransformations/stage",
    ...     "input": {"name": "physical"},
    ...     "output": {"name": "stage"},
    ... }
    >>> found = parse_transforms({"coordinateTransformations": [turned]})
    >>> [*found.paths]
    ['coordinateTransformations/stage']
    """
    if value is None or isinstance(value, Transforms):
        return value or Transforms()
    if isinstance(value, Scene):
        return parse_transforms(
            {
                _SYSTEMS: value.coordinate_systems,
                _WAYS: value.coordinate_transformations,
            }
        )
    members = _members(value)
    problems = Problems()
    systems: tuple[CoordinateSystem, ...] = ()
    ways: tuple[Transformation, ...] = ()
    arrays: dict[str, Any] = {}
    with problems.collected():
        systems = _systems(members.get(_SYSTEMS))
    with problems.collected():
        ways = _ways(members.get(_WAYS))
    with problems.collected():
        arrays = _arrays(members.get(_ARRAYS))
    if not problems:
        with problems.collected():
            _check_named(ways, arrays)
    problems.raise_all("transforms cannot be written")
    return Transforms(systems, ways, arrays)


def by_path(value: Any) -> Iterator[ByPath]:
    """Transformations with numbers elsewhere, those inside others too, in order."""
    if isinstance(value, tuple | list):
        for part in value:
            yield from by_path(part)
    elif isinstance(value, Model) and not isinstance(value, SystemReference):
        if isinstance(value, ByPath) and value.path is not None:
            yield value
        for name in type(value).model_fields:
            yield from by_path(getattr(value, name))


def _parts(value: Any) -> Iterator[Any]:
    """A transformation and all inside it."""
    if isinstance(value, tuple | list):
        for part in value:
            yield from _parts(part)
    elif isinstance(value, Model) and not isinstance(value, SystemReference):
        if hasattr(value, "type"):
            yield value
        for name in type(value).model_fields:
            yield from _parts(getattr(value, name))


def _members(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise OptionError(
            f"transforms is {value!r:.80}; give a mapping with {', '.join(_KEYS)}"
        )
    unknown = [key for key in value if key not in _KEYS]
    if unknown:
        raise OptionError(
            f"transforms has {unknown}; there are {', '.join(_KEYS)}"
            + (" (give what is under 'scene')" if "scene" in unknown else "")
        )
    return value


def _entries(value: object, key: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str | Mapping | Model) or not isinstance(value, Iterable):
        raise OptionError(f"transforms[{key!r}] is {value!r:.80}; give a list")
    return list(value)


def _systems(value: object) -> tuple[CoordinateSystem, ...]:
    problems = Problems()
    found: list[CoordinateSystem] = []
    for number, told in enumerate(_entries(value, _SYSTEMS)):
        with problems.collected():
            found.append(CoordinateSystem.parse(told, f"/{_SYSTEMS}/{number}"))
    with problems.collected():
        if twice := repeated_names(found):  # RULES C1
            raise MetadataError(
                f"There are several coordinate systems called {twice}; rename them, "
                "each name is told once"
            )
    problems.raise_all("transforms has systems that cannot be written")
    return tuple(found)


def _ways(value: object) -> tuple[Transformation, ...]:
    problems = Problems()
    found: list[Transformation] = []
    for number, told in enumerate(_entries(value, _WAYS)):
        with problems.collected():
            found.append(_way(told, f"/{_WAYS}/{number}"))
    problems.raise_all("transforms has transformations that cannot be written")
    return tuple(found)


def _way(told: object, pointer: str) -> Transformation:
    way = parse_transformation(told, pointer)
    if way is None:
        raise MetadataError(f"{pointer} is {told!r:.80}: give an object with a type")
    ends = unnamed_ends(way)
    if ends:  # RULES C4
        raise MetadataError(
            f"{pointer}, of type {way.type!r}, names no system as its "
            f"{' and its '.join(ends)}: give "
            + ", ".join(f"{end!r}: {{'name': ...}}" for end in ends)
            + "; that of an image is called 'physical', or as it was read"
        )
    faults = [MetadataError(f"{pointer} {text}") for text in _faults(way)]
    raise_together(faults, f"{pointer} cannot be written")
    return way


def _faults(way: Transformation) -> Iterator[str]:
    """What readers forgive and writers may not."""
    for part in _parts(way):
        if isinstance(part, UnknownTransformation):
            yield f"has the type {part.type!r}, which the standard does not know"
        if isinstance(part, Scale) and min(part.scale) <= 0:
            yield (
                f"has the scale {list(part.scale)}, and scales are positive: give an "
                "affine"
            )
        if _is_of_one_axis(part):
            yield (
                f"has {part.type!r} of one axis, and the standard has it of two or "
                "more: give an identity, or for a reflection an affine"
            )
        if isinstance(part, Displacements | Coordinates):
            told = part.interpolation
            if told is not None and told not in INTERPOLATIONS:
                yield (
                    f"has the interpolation {told!r}, for which the standard has no "
                    f"one word: give one of {list(INTERPOLATIONS)}"
                )
    for way_by_path in by_path(way):
        try:
            below(str(way_by_path.path))
        except ValueError as error:
            yield f"has a path that {error}"
    for end in (way.input, way.output):
        if end is not None and end.path is not None:
            try:
                below(end.path)
            except ValueError as error:
                yield f"has an end whose path {error}"


def _is_of_one_axis(part: object) -> bool:
    if isinstance(part, MapAxis):
        return len(part.map_axis) == 1
    return isinstance(part, Rotation) and len(part.rotation or (0, 0)) == 1


def _arrays(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise OptionError(
            f"transforms['arrays'] is {value!r:.80}; give a mapping of arrays by path"
        )
    return {str(path): array for path, array in value.items()}


def _check_named(ways: Iterable[Transformation], arrays: Mapping[str, Any]) -> None:
    problems = Problems()
    kinds: dict[str, set[str]] = {}
    for way in by_path(tuple(ways)):
        kinds.setdefault(str(way.path), set()).add(way.type)
    for path, types in kinds.items():
        if len(types) > 1:
            with problems.collected():
                raise MetadataError(
                    f"Transformations of the types {sorted(types)} have the path "
                    f"{path!r}: give each an array of its own"
                )
    for path in arrays:
        if path not in kinds:
            with problems.collected():
                raise OptionError(
                    f"transforms['arrays'] has {path!r}, which no transformation names "
                    f"as its path; they name {[*kinds]}"
                )
    problems.raise_all("transforms has arrays that cannot be written")
