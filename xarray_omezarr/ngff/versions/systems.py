"""Images as versions with coordinate systems spell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.axes import Axis, CoordinateSystem
from xarray_omezarr.ngff.base import listed
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale, check_for_writing
from xarray_omezarr.ngff.transforms import Scale, Sequence, unnamed_ends
from xarray_omezarr.ngff.versions.datasets import joined
from xarray_omezarr.ngff.versions.fitted import refuse_lost
from xarray_omezarr.ngff.versions.lengths import check_lengths
from xarray_omezarr.ngff.versions.omero import read_omero, spell_omero
from xarray_omezarr.ngff.versions.systems_fitted import with_systems
from xarray_omezarr.ngff.versions.ways import (
    read_way,
    read_ways,
    unknown_ends,
    without_ends,
)

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import SystemReference, Transformation
    from xarray_omezarr.ngff.versions.document import Place

_IMAGE = frozenset({"multiscales", "omero", "version"})
_MULTISCALE = frozenset(
    {
        "coordinateSystems",
        "datasets",
        "coordinateTransformations",
        "name",
        "type",
        "metadata",
        # Of other versions: stale here.
        "version",
    }
)
_DATASET = frozenset({"path", "coordinateTransformations"})


def read_image(place: Place) -> Image:
    """The image of an object with ``multiscales`` and perhaps ``omero``."""
    parts = {
        **place.unknown(_IMAGE, Image),
        "multiscales": tuple(map(_read_multiscale, place["multiscales"].entries())),
        "omero": read_omero(place["omero"]),
    }
    return Image.parse(parts, place.pointer)


def _read_multiscale(place: Place) -> Multiscale:
    systems = tuple(map(read_system, place["coordinateSystems"].entries()))
    datasets = list(place["datasets"].entries())
    intrinsic = _intrinsic(datasets, systems)
    is_first = intrinsic == systems[0].name
    ndim = next(len(system.axes) for system in systems if system.name == intrinsic)
    parts = {
        **place.unknown(_MULTISCALE, Multiscale),
        "coordinate_systems": systems,
        "intrinsic": None if is_first else intrinsic,
        "levels": tuple(_read_level(dataset, ndim) for dataset in datasets),
        "coordinate_transformations": read_ways(
            place["coordinateTransformations"], systems, intrinsic
        ),
        **{key: place[key].value for key in ("name", "type", "metadata")},
    }
    return Multiscale.parse(parts, place.pointer)


def read_system(place: Place) -> CoordinateSystem:
    """A coordinate system."""
    axes = tuple(
        Axis.parse(axis.value, axis.pointer) for axis in place["axes"].entries()
    )
    members = {k: v for k, v in place.members().items() if k != "axes"}
    return CoordinateSystem.parse({**members, "axes": axes}, place.pointer)


def _intrinsic(datasets: list[Place], systems: tuple[CoordinateSystem, ...]) -> str:
    """The name of the system that all levels lead to (RULES C6)."""
    names = [system.name for system in systems]
    told = []
    for dataset in datasets:
        for transformation in dataset["coordinateTransformations"].items():
            output = transformation["output"]
            name = output.value
            name = name.get("name") if isinstance(name, dict) else name
            if name not in names:
                output.note(f"is none of the systems {names} and read as {names[0]!r}")
                name = names[0]
            told.append(name)
            if name != told[0]:
                raise output.error(
                    f"lead to {told[0]!r}, as the first level does: all levels lead "
                    "to one coordinate system"
                )
    return str(told[0]) if told else names[0]


def _read_level(place: Place, ndim: int) -> Level:
    entries = list(place["coordinateTransformations"].entries())
    check_lengths(entries, ndim)
    path = place["path"].value
    for entry in entries:
        _note_input(entry, path)
    parts = [read_way(without_ends(entry)) for entry in entries]
    if len(parts) > 1:  # RULES C5
        place["coordinateTransformations"].note("is read as a sequence")
    whole = parts[0] if len(parts) == 1 else Sequence(transformations=tuple(parts))
    whole = _in_order(whole, entries[0])
    if ends := unknown_ends(entries):
        whole = whole.model_copy(update=ends)
    members = {
        **place.unknown(_DATASET, Level),
        "path": path,
        "transformation": whole,
    }
    return Level.parse(members, place.pointer)


def _note_input(place: Place, path: object) -> None:
    told = place["input"].value
    if told is None:
        place["input"].note("is missing, and read as the path of the level")
    elif not isinstance(told, dict):
        place["input"].note("is read as an object with the path of the level")
    elif told.get("path") != path:
        place["input"].note(f"is read as {path!r}, the path of the level")


def _in_order(transformation: Transformation, place: Place) -> Transformation:
    if not isinstance(transformation, Sequence):
        return transformation
    kinds = [part.type for part in transformation.transformations]
    if kinds != ["translation", "scale"]:
        return transformation
    place.note("is read as a scale and then a translation")
    swapped = transformation.transformations[::-1]
    return transformation.model_copy(update={"transformations": swapped})


def spell_image(image: Image, version: str) -> dict[str, Any]:
    """The object with ``multiscales`` and perhaps ``omero``, not yet plain JSON.

    Raises
    ------
    NotInVersionError
        If something moves the picture that is neither scale nor translation.
    MetadataError
        If it breaks a MUST that readers forgive and writers may not.
    """
    fitted, lost = with_systems(image)
    refuse_lost(image, lost, version)
    problems = [
        *check_for_writing(fitted),
        *(text for entry in fitted.multiscales for text in _problems(entry)),
    ]
    if problems:
        raise MetadataError(f"{image.summary()} cannot be written: {listed(problems)}")
    omero = None if fitted.omero is None else spell_omero(fitted.omero, version)
    pictures = [_spell(entry) for entry in fitted.multiscales]
    return joined({"multiscales": pictures, "omero": omero}, fitted)


def _problems(multiscale: Multiscale) -> list[str]:
    found = []
    names = [axis.name for axis in multiscale.axes]
    for level in multiscale.levels:
        for name, scale in zip(names, level.scale, strict=False):
            # RULES 11: only positive ones.
            if scale <= 0:
                found.append(
                    f"level {level.path!r} has scale {scale:g} along {name!r}, and "
                    "scales are positive: turn the pixels round"
                )
    for way in multiscale.coordinate_transformations:
        if ends := unnamed_ends(way):  # RULES C4 and C7
            found.append(
                f"transformation {way.type!r} names no system as its {ends}: both "
                "ends have a name"
            )
        if isinstance(way, Scale) and min(way.scale) <= 0:
            found.append(
                f"a transformation has the scale {list(way.scale)}, and scales are "
                "positive: give an affine"
            )
    return found


def _spell(multiscale: Multiscale) -> dict[str, Any]:
    name = multiscale.system.name
    members = {
        "name": multiscale.name,
        "coordinateSystems": multiscale.coordinate_systems,
        "datasets": [_spell_level(level, name) for level in multiscale.levels],
        "coordinateTransformations": multiscale.coordinate_transformations or None,
        "type": multiscale.type,
        "metadata": multiscale.metadata,
    }
    return joined(members, multiscale)


def _spell_level(level: Level, system: str) -> dict[str, Any]:
    whole: Transformation = level.transformation
    spelled = whole.members()
    if isinstance(whole, Sequence) and len(whole.transformations) == 1:
        del spelled["type"], spelled["transformations"]
        spelled = {**whole.transformations[0].members(), **spelled}
    # RULES C6
    spelled["input"] = {"path": level.path, **_unknown(whole.input)}
    spelled["output"] = {"name": system, **_unknown(whole.output)}
    return joined({"path": level.path, "coordinateTransformations": [spelled]}, level)


def _unknown(end: SystemReference | None) -> dict[str, Any]:
    return {} if end is None else end.extras()
