"""Images as versions before coordinate systems spell them: axes and datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import MetadataError, NotInVersionError
from xarray_omezarr.ngff.axes import Axis, CoordinateSystem
from xarray_omezarr.ngff.base import Model, given, listed
from xarray_omezarr.ngff.multiscale import (
    Image,
    Level,
    Multiscale,
    check_for_writing,
)
from xarray_omezarr.ngff.transforms import (
    Identity,
    Scale,
    Sequence,
    Transformation,
    Translation,
)
from xarray_omezarr.ngff.versions.fitted import refuse_lost, without_systems
from xarray_omezarr.ngff.versions.lengths import check_lengths
from xarray_omezarr.ngff.versions.omero import read_omero, spell_omero

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.document import Place

_IMAGE = frozenset({"multiscales", "omero", "version"})
_MULTISCALE = frozenset(
    {
        "axes",
        "datasets",
        "coordinateTransformations",
        "name",
        "type",
        "metadata",
        # Would be stale when the image is written in another version: it is not kept,
        # and the file of the version that wants it writes it.
        "version",
    }
)
_DATASET = frozenset({"path", "coordinateTransformations"})
_TYPES: dict[str, type[Scale | Translation]] = {
    "scale": Scale,
    "translation": Translation,
}
# These versions have no names for coordinate systems.
_SYSTEM = "physical"


def read_image(place: Place) -> Image:
    """The image of an object with ``multiscales`` and perhaps ``omero``."""
    parts = {
        **place.unknown(_IMAGE, Image),
        "multiscales": tuple(map(_read_multiscale, place["multiscales"].entries())),
        "omero": read_omero(place["omero"]),
    }
    return Image.parse(parts, place.pointer)


def _read_multiscale(place: Place) -> Multiscale:
    axes = tuple(
        Axis.parse(axis.value, axis.pointer) for axis in place["axes"].entries()
    )
    system = CoordinateSystem.parse({"name": _SYSTEM, "axes": axes}, place.pointer)
    # RULES T8: optional, and applied after those of the datasets.
    after = place["coordinateTransformations"]
    chain = _scale_and_translation(after, len(axes)) if after.value else ()
    parts = {
        **place.unknown(_MULTISCALE, Multiscale),
        "coordinate_systems": (system,),
        "levels": tuple(
            _read_level(level, len(axes)) for level in place["datasets"].entries()
        ),
        "coordinate_transformations": chain,
        **{key: place[key].value for key in ("name", "type", "metadata")},
    }
    return Multiscale.parse(parts, place.pointer)


def _read_level(place: Place, ndim: int) -> Level:
    chain = _scale_and_translation(place["coordinateTransformations"], ndim)
    one = len(chain) == 1
    parts = {
        **place.unknown(_DATASET, Level),
        "path": place["path"].value,
        "transformation": chain[0] if one else Sequence(transformations=chain),
    }
    return Level.parse(parts, place.pointer)


def _scale_and_translation(place: Place, ndim: int) -> tuple[Scale | Translation, ...]:
    chain = [_read_transformation(entry) for entry in place.items()]
    check_lengths(place.items(), ndim)
    kinds = [transformation.type for transformation in chain]
    # RULES T2 and T3: exactly one scale, and after it at most one translation.
    if kinds == ["translation", "scale"]:
        place.note("is read as a scale and then a translation")
        return (chain[1], chain[0])
    if kinds not in (["scale"], ["scale", "translation"]):
        raise place.error("give one scale, and after it at most one translation")
    return tuple(chain)


def _read_transformation(place: Place) -> Scale | Translation:
    members = place.members()
    kind = members.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:  # RULES T1
        raise place.error("give a transformation of type 'scale' or 'translation'")
    if kind not in members and "path" in members:  # RULES T7
        raise place.error("give the numbers; those in a file of their own are not read")
    return _TYPES[kind].parse(members, place.pointer)


def spell_image(image: Image, version: str) -> dict[str, Any]:
    """The object with ``multiscales`` and perhaps ``omero``, not yet plain JSON.

    Raises
    ------
    NotInVersionError
        If an image has what only coordinate systems can say.
    MetadataError
        If it breaks a MUST that readers forgive and writers may not.
    """
    if not isinstance(image, Image):
        raise NotInVersionError(
            f"OME-Zarr {version} has no place for {type(image).__name__} here"
        )
    refuse_lost(image, without_systems(image)[1], version)
    if problems := check_for_writing(image):
        raise MetadataError(f"{image.summary()} cannot be written: {listed(problems)}")
    omero = None if image.omero is None else spell_omero(image.omero, version)
    pictures = [_spell(entry) for entry in image.multiscales]
    return joined({"multiscales": pictures, "omero": omero}, image)


def _spell(multiscale: Multiscale) -> dict[str, Any]:
    ndim = len(multiscale.axes)
    after = _flat(multiscale.coordinate_transformations, ndim)
    members = {
        "name": multiscale.name,
        # With the keys that only later versions know, which do no harm.
        "axes": multiscale.axes,
        "datasets": [_spell_level(level, ndim) for level in multiscale.levels],
        "coordinateTransformations": after or None,
        "type": multiscale.type,
        "metadata": multiscale.metadata,
    }
    return joined(members, multiscale)


def joined(members: dict[str, Any], model: Model) -> dict[str, Any]:
    """What a version says of a model, then the unknown keys, which change nothing."""
    known = given(members)
    extras = {k: v for k, v in model.extras().items() if k != "version"}
    return {**known, **extras, **known}


def _spell_level(level: Level, ndim: int) -> dict[str, Any]:
    chain = _flat((level.transformation,), ndim)
    return joined({"path": level.path, "coordinateTransformations": chain}, level)


def _flat(
    transformations: tuple[Transformation, ...], ndim: int
) -> list[Transformation]:
    """One after the other, with scales for identities (RULES T1)."""
    chain: list[Transformation] = []
    for transformation in transformations:
        if isinstance(transformation, Sequence):
            chain += _flat(transformation.transformations, ndim)
        elif isinstance(transformation, Identity):
            chain.append(Scale(scale=(1.0,) * ndim))
        else:
            chain.append(transformation)
    return chain
