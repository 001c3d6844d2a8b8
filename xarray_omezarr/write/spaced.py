"""A planned image with its coordinate systems: asked for, or as they were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from xarray_omezarr.errors import (
    MetadataError,
    NotInVersionError,
    OmeZarrError,
    Problems,
    raise_together,
    warn,
)
from xarray_omezarr.grid.kept import KEY
from xarray_omezarr.hierarchy import Hierarchy
from xarray_omezarr.ngff.labels import LabelImage
from xarray_omezarr.ngff.multiscale import Image, Multiscale
from xarray_omezarr.ngff.named import within
from xarray_omezarr.ngff.paths import DOCUMENTS
from xarray_omezarr.ngff.rules.check import check_attributes
from xarray_omezarr.ngff.spaces import has_spaces, with_spaces
from xarray_omezarr.ngff.transforms import (
    Affine,
    Bijection,
    ByDimension,
    Rotation,
    Sequence,
    Transformation,
    Translation,
    parse_transformation,
)
from xarray_omezarr.ngff.unknown import with_unknown
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import truth
from xarray_omezarr.write.asked_units import check_units
from xarray_omezarr.write.field_boxes import warn_of_boxes
from xarray_omezarr.write.field_ends import Ends, fields_in
from xarray_omezarr.write.framed import arrays_of, keys_of
from xarray_omezarr.write.joined_systems import joined_systems
from xarray_omezarr.write.numbers import groups_above, paths_of, plan_numbers
from xarray_omezarr.write.reduced_systems import as_stored
from xarray_omezarr.write.systems import Transforms, parse_transforms

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.hierarchy import Node
    from xarray_omezarr.options import WriteOptions
    from xarray_omezarr.write.numbers import Plan

I = TypeVar("I", bound=Image)  # noqa: E741

# Groups and files beside the levels.
_OTHERS = ("labels", KEY, *DOCUMENTS)
_SPACES = ("coordinateSystems", "coordinateTransformations", "intrinsic")


@dataclass(frozen=True, slots=True)
class Spaced:
    """What an image says of its coordinate systems.

    Parameters
    ----------
    model : Image
        Its metadata.
    nodes : mapping
        The arrays that its transformations name, and the groups above them, by path.
    """

    model: Any
    nodes: Mapping[str, Node] = field(default_factory=dict)


def with_systems(
    model: I,
    da: xr.DataArray,
    keys: Any,
    options: WriteOptions,
    plan: Plan,
    known: Mapping[str, Any] | None,
) -> Spaced:
    """A planned image with its coordinate systems, and the keys nobody knows.

    Those of the option ``transforms`` take the place of those that were read.

    Parameters
    ----------
    model : Image
        As it is planned, with one system.
    da : xarray.DataArray
        Level 0.
    keys : mapping, optional
        What was kept of the metadata that were read; see `ngff.unknown`. Where that
        tells no systems, the frame of `da` does.
    options : WriteOptions
        All of them.
    plan : callable
        `plan_multiscale`, for fields.
    known : mapping, optional
        Matrices and fields in nodes below the image, by path; over those that `da`
        was read with.

    Raises
    ------
    OmeZarrError
        All that is wrong with `transforms`, together.
    """
    picture_keys, others = _parted(keys)
    is_label = isinstance(model, LabelImage)
    if not picture_keys:
        picture_keys, _ = _parted(keys_of(da, is_label=is_label))
    known = {**arrays_of(da, is_label=is_label), **(known or {})}
    asked = _asked(options)
    if asked is None:
        system = model.multiscale.system
        picture_keys = as_stored(picture_keys, system, da, known)
    picture, parts = (
        _as_read(model.multiscale, picture_keys, known, options, plan)
        if asked is None
        else _as_asked(model.multiscale, picture_keys, asked, known, options, plan, da)
    )
    if picture is not model.multiscale:
        model = model.model_copy(update={"multiscales": (picture,)})
    model = with_unknown(model, others)
    if not parts or not registry.get(_version(options)).features.systems:
        # Where transformations have no place, that is said of all nodes together.
        return Spaced(model)
    whole = Hierarchy(registry.get(_version(options)), dict(groups_above(parts)))
    return Spaced(model, whole.around(parts).nodes)


def _as_read(
    picture: Multiscale,
    keys: Mapping[str, Any],
    known: Mapping[str, Any],
    options: WriteOptions,
    plan: Plan,
) -> tuple[Multiscale, dict[str, Hierarchy]]:
    """The picture with the systems that were read, and their arrays as planned."""
    if not keys:
        return picture, {}
    arrays = _storable(keys, known, options, plan)
    picture = with_spaces(picture, keys, arrays)
    ways = picture.between_systems
    starts = _starts(ways, picture, ())
    parts = plan_numbers(paths_of(ways), arrays, options, plan, starts)
    _check_places(parts, picture)
    return picture, parts


def _as_asked(
    picture: Multiscale,
    keys: Mapping[str, Any],
    asked: Transforms,
    known: Mapping[str, Any],
    options: WriteOptions,
    plan: Plan,
    da: xr.DataArray,
) -> tuple[Multiscale, dict[str, Hierarchy]]:
    """The picture with the systems that are asked for, and their arrays as planned."""
    name = _own_name(keys)
    if name is not None:
        system = picture.system.model_copy(update={"name": name})
        picture = picture.model_copy(update={"coordinate_systems": (system,)})
    ways, arrays = asked.transformations, {**known, **asked.arrays}
    parts: dict[str, Hierarchy] = {}
    problems = Problems()
    with problems.collected():
        starts = _starts(ways, picture, asked.systems)
        parts = plan_numbers(paths_of(ways), arrays, options, plan, starts)
    with problems.collected():
        _check_places(parts, picture)
    with problems.collected():
        check_units(da, picture.system, asked)
    shown: dict[int, Transformation] = {}
    for number, way in enumerate(ways):
        with problems.collected():
            shown[number] = with_numbers(way, parts)
    with problems.collected():
        picture = joined_systems(picture, asked, shown)
    if not problems:
        with problems.collected():
            _check_rules(picture, options)
    problems.raise_all("transforms cannot be written with this image")
    warn_of_boxes(da, picture, ways, parts)
    return picture, parts


def _storable(
    keys: Mapping[str, Any], known: Mapping[str, Any], options: WriteOptions, plan: Plan
) -> dict[str, Any]:
    """Of the arrays that were read, those that can be stored again."""
    told = keys.get("coordinateTransformations", [])
    ways: list[Any] = [
        parse_transformation(way, "/coordinateTransformations") for way in told
    ]
    found: dict[str, Any] = {}
    for way in filter(None, ways):
        for one in paths_of((way,)):
            if within(one.path) not in known:
                continue
            try:
                found |= plan_numbers((one,), known, options, plan)
            except OmeZarrError as error:
                warn(f"Of the transformations that were read: {error}")
    return found


def _check_rules(picture: Multiscale, options: WriteOptions) -> None:
    """Refuse what the schemas of the standard do, and no model does."""
    attrs = registry.get(_version(options)).to_attrs(Image(multiscales=(picture,)))
    findings = check_attributes(attrs).findings
    problems = [
        MetadataError(f"{one.pointer} {one.message}: {one.remedy or one.clause}")
        for one in findings
        if one.severity == "error"
    ]
    raise_together(problems, "transforms break the rules of the standard")


def _version(options: WriteOptions) -> str:
    return options["version"] or registry.DEFAULT


def _asked(options: WriteOptions) -> Transforms | None:
    """The option, where the version has a place for it."""
    if options["transforms"] is None:
        return None
    asked = parse_transforms(options["transforms"])
    version = registry.get(_version(options))
    if version.features.systems:
        return asked
    able = [n for n in registry.SUPPORTED if registry.get(n).features.systems]
    message = f"OME-Zarr {version.name} has no place for transforms"
    if not truth(options, "lossy"):
        raise NotInVersionError(
            f"{message}; give version={able[0]!r}, or leave them out with lossy=True"
        )
    warn(f"Left out, as {message}")
    return Transforms()


def _parted(keys: Any) -> tuple[Mapping[str, Any], Any]:
    """What is kept of the systems of the picture, and what is kept besides."""
    pictures = keys.get("multiscales") if isinstance(keys, Mapping) else None
    if not isinstance(pictures, list):
        return {}, keys
    told: Mapping[str, Any] = {}
    others = []
    for picture in pictures:
        if not has_spaces(picture):
            others.append(picture)
            continue
        if picture.get("index", 0) == 0:
            told = picture
        others.append({k: v for k, v in picture.items() if k not in _SPACES})
    return told, {**keys, "multiscales": others}


def _check_places(parts: Mapping[str, Hierarchy], picture: Multiscale) -> None:
    """Refuse paths of arrays where something else is."""
    taken = {level.path: "a level" for level in picture.levels}
    taken |= dict.fromkeys(_OTHERS, "something else")
    problems = Problems()
    for path in parts:
        known = {**taken, **{p: "another array" for p in parts if p != path}}
        for other, what in known.items():
            if (path + "/").startswith(other + "/") or other.startswith(path + "/"):
                with problems.collected():
                    raise MetadataError(
                        f"Path {path!r} of a transformation leads where {what} of the "
                        f"image is, {other!r}: choose another, such as "
                        f"'coordinateTransformations/{path.rpartition('/')[2]}'"
                    )
    problems.raise_all("Paths of transformations cannot be used")


def _own_name(keys: Mapping[str, Any]) -> str | None:
    """What the system of the image was called when it was read."""
    name = keys.get("intrinsic")
    if isinstance(name, str):
        return name
    for system in keys.get("coordinateSystems", [])[:1]:
        name = system.get("name") if isinstance(system, Mapping) else None
    return name if isinstance(name, str) else None


def _starts(
    ways: tuple[Transformation, ...], picture: Multiscale, more: Any
) -> dict[str, Ends]:
    """Axes at both ends of fields, where that is plain."""
    axes = {system.name: system.axes for system in (*more, *picture.coordinate_systems)}
    found: dict[str, Ends] = {}
    for way in ways:
        ends = [
            None if end is None or end.path else axes.get(end.name or "")
            for end in (way.input, way.output)
        ]
        for path, known in fields_in(way, ends[0], ends[1]):
            found.setdefault(path, known)
    return found


def with_numbers(way: Any, parts: Mapping[str, Hierarchy]) -> Any:
    """The transformation with numbers in it, which tell how many axes it has.

    In place of a field there is something that takes and gives as many axes.
    """
    if not paths_of((way,)):
        return way
    if isinstance(way, Sequence):
        inner = tuple(with_numbers(part, parts) for part in way.transformations)
        return way.model_copy(update={"transformations": inner})
    if isinstance(way, ByDimension):
        inner = tuple(
            part.model_copy(
                update={"transformation": with_numbers(part.transformation, parts)}
            )
            for part in way.transformations
        )
        return way.model_copy(update={"transformations": inner})
    if isinstance(way, Bijection):
        both = {
            key: with_numbers(getattr(way, key), parts)
            for key in ("forward", "inverse")
        }
        return way.model_copy(update=both)
    (one,) = paths_of((way,))
    part = parts.get(within(one.path))
    if part is None:
        return way
    ends = {"input": way.input, "output": way.output}
    if one.is_matrix:
        rows = tuple(map(tuple, np.asarray(part.array("").given[:, :]).tolist()))
        if one.type == "affine":
            return Affine(affine=rows, **ends)
        return Rotation(rotation=rows, **ends)
    picture = part.image().multiscale
    sizes = part.array(picture.levels[0].path).shape
    places = len(sizes) - 1
    if one.type == "displacements":
        return Translation(translation=(0.0,) * places, **ends)
    kinds = [axis.type for axis in picture.axes]
    count = sizes[kinds.index("coordinate")]
    return Affine(affine=((0.0,) * (places + 1),) * count, **ends)
