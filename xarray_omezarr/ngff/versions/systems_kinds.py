"""Kinds of groups in versions with coordinate systems, and scenes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.base import listed
from xarray_omezarr.ngff.labels import LabelImage
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.plate import Well
from xarray_omezarr.ngff.scene import Scene, check_scene
from xarray_omezarr.ngff.versions.kinds import (
    read_metadata,
    spell_metadata,
    tells_a_kind,
)
from xarray_omezarr.ngff.versions.labels import read_label_image, spell_label_image
from xarray_omezarr.ngff.versions.plate import spell_well
from xarray_omezarr.ngff.versions.systems import read_image, read_system, spell_image
from xarray_omezarr.ngff.versions.ways import read_way

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.document import Place
    from xarray_omezarr.ngff.versions.protocol import Metadata

_SCENE = frozenset({"coordinateSystems", "coordinateTransformations"})
# Objects that told the version in versions before these.
_TOLD = ("plate", "well", "image-label")


def read_kind(place: Place, version: str) -> Metadata:
    """What an object of the standard says, whatever it is about."""
    members = place.members()
    if members.get("multiscales") is not None:
        if members.get("image-label") is not None:
            return read_label_image(place, version, read_image)
        return read_image(place)
    if members.get("scene") is not None:
        return _read_scene(place)
    return read_metadata(place, version) if tells_a_kind(place) else read_image(place)


def _read_scene(place: Place) -> Scene:
    scene = place["scene"]
    beside = ("scene", "version")
    systems = scene["coordinateSystems"]
    parts = {
        **scene.unknown(_SCENE, Scene),
        "coordinate_systems": ()
        if systems.value is None
        else tuple(map(read_system, systems.items())),
        "coordinate_transformations": tuple(
            map(read_way, scene["coordinateTransformations"].entries())
        ),
        "beside": {k: v for k, v in place.members().items() if k not in beside},
    }
    return Scene.parse(parts, scene.pointer)


def spell_kind(model: Metadata, version: str) -> dict[str, Any]:
    """The object of a group, not yet plain JSON.

    Raises
    ------
    NotInVersionError
        If there is no place for it in these versions.
    MetadataError
        If it breaks a MUST that readers forgive and writers may not.
    """
    if isinstance(model, LabelImage):
        spelled = spell_label_image(model, version, spell_image)
    elif isinstance(model, Image):
        spelled = spell_image(model, version)
    elif isinstance(model, Well):
        spelled = spell_well(model, version, systems=True)
    elif isinstance(model, Scene):
        return _spell_scene(model)
    else:
        spelled = spell_metadata(model, version)
    # RULES P10, W5 and B12: the version stands at one place.
    return {key: _untold(key, value) for key, value in spelled.items()}


def _untold(key: str, value: Any) -> Any:
    if key not in _TOLD or not isinstance(value, dict):
        return value
    return {inner: what for inner, what in value.items() if inner != "version"}


def _spell_scene(scene: Scene) -> dict[str, Any]:
    if problems := check_scene(scene):
        raise MetadataError(f"{scene.summary()} cannot be written: {listed(problems)}")
    members = {k: v for k, v in scene.members().items() if k != "beside"}
    return {**scene.beside, "scene": members}
