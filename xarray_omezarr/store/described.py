"""Metadata for arrays that somebody else has written: what they must be, their dims."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from xarray_omezarr.errors import (
    MetadataError,
    OptionError,
    Problems,
    TargetExistsError,
)
from xarray_omezarr.hierarchy import join
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.occupancy import inspect_target
from xarray_omezarr.store.standing import standing

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Model
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.target import Target


def version_for(target: Target, asked: str | None) -> Version:
    """The version of what is to be put at `target`: as asked, as there, or as stored.

    Raises
    ------
    OptionError
        If what stands there is of another version, or of another format of Zarr.
    TargetExistsError
        If it is no group.
    """
    found = inspect_target(target)
    known = standing(target).version
    wanted = None if asked is None else registry.get(asked)
    fitting = [v for v in map(registry.get, registry.SUPPORTED) if _fits(v, found)]
    chosen = wanted or known or registry.get(registry.DEFAULT)
    if wanted is None and chosen not in fitting:
        chosen = fitting[-1]
    if chosen not in fitting or known not in (None, chosen):
        what = "" if known is None else f" in OME-Zarr {known.name}"
        raise OptionError(
            f"version is {asked!r}, and {target} is a group of Zarr "
            f"v{found.zarr_format}{what}; a store is of one version. Leave version out"
        )
    return chosen


def _fits(version: Version, found: Any) -> bool:
    return found.zarr_format in (None, version.features.zarr_format)


def check_described(target: Target, model: Model, version: Version) -> None:
    """Raise if `model` cannot be what the group at `target` says of itself.

    Raises
    ------
    TargetExistsError
        If the group says that it is something else.
    OmeZarrErrorGroup, MetadataError
        If levels of an image are not there, or not as the image says, all together.
    """
    known = standing(target).model
    if known is not None and not _is_alike(known, model):
        raise TargetExistsError(
            f"{target} says that it is {known.summary()}, and what is given is "
            f"{model.summary()}; nothing is replaced by metadata of another kind"
        )
    # What breaks a MUST of the standard cannot be spelled.
    version.to_attrs(model)
    if isinstance(model, Image):
        problems = Problems()
        for path, names in _levels(model):
            with problems.collected():
                _check_level(target.child(path), names, version)
        problems.raise_all(f"These metadata do not describe what {target} holds")
    elif isinstance(model, Scene):
        _check_scene(target, model)


def _check_scene(target: Target, scene: Scene) -> None:
    """Raise if an image is not there, or has no system that the scene names."""
    problems = Problems()
    names: dict[str, dict[str, None]] = {}
    for way in scene.coordinate_transformations:
        for end in (way.input, way.output):
            if end is not None and end.path and end.name:
                names.setdefault(end.path, {})[end.name] = None
    for path, wanted in names.items():
        with problems.collected():
            _check_systems(target.child(path), wanted)
    problems.raise_all(f"This scene does not describe what {target} holds")


def _check_systems(target: Target, wanted: Iterable[str]) -> None:
    image = standing(target).model
    if not isinstance(image, Image):
        what = "nothing" if image is None else image.summary()
        raise MetadataError(
            f"There is {what} at {target}, and the scene names a coordinate system of "
            "an image there; write the image first, or leave out what names it"
        )
    known = [system.name for system in image.multiscale.coordinate_systems]
    if missing := [name for name in wanted if name not in known]:
        raise MetadataError(
            f"The scene names the coordinate systems {missing} of {target}, which has "
            f"{known}; name one of these"
        )


def _is_alike(known: Model, model: Model) -> bool:
    if isinstance(known, Image):
        return isinstance(model, type(known))
    return type(known) is type(model)


def _levels(image: Image) -> Iterator[tuple[str, list[str]]]:
    for multiscale in image.multiscales:
        names = [axis.name for axis in multiscale.axes]
        yield from ((level.path, names) for level in multiscale.levels)


def _check_level(target: Target, names: list[str], version: Version) -> None:
    if inspect_target(target).kind != "array":
        raise MetadataError(
            f"There is no array at {target}, and it is a level of the image; write the "
            "pixels first, or make metadata and arrays with prepare_image"
        )
    array = _array(target)
    told = _dimension_names(array)
    if array.metadata.zarr_format != version.features.zarr_format:
        raise MetadataError(
            f"{target} is an array of Zarr v{array.metadata.zarr_format}, and OME-Zarr "
            f"{version.name} has arrays of Zarr v{version.features.zarr_format}"
        )
    if array.ndim != len(names):
        raise MetadataError(
            f"{target} has {array.ndim} dims, and the image has the axes {names}"
        )
    if told is not None and list(told) != names:
        raise MetadataError(
            f"{target} has the dims {list(told)}, and the image the axes {names}; "
            "name the axes so, in this order"
        )


def name_dimensions(target: Target, model: Model) -> None:
    """Give the levels of an image their dims, where arrays of Zarr v3 tell none."""
    if not isinstance(model, Image):
        return
    for path, names in _levels(model):
        level = target.child(path)
        array = _array(level)
        if array.metadata.zarr_format == 3 and _dimension_names(array) is None:
            _name(level, names)


def _name(target: Target, names: list[str]) -> None:
    key = join(target.path, "zarr.json")
    prototype = default_buffer_prototype()
    found = sync(target.store.get(key, prototype))
    # It was read as an array just now.
    members = json.loads(found.to_bytes() if found is not None else b"{}")
    text = json.dumps({**members, "dimension_names": names}, indent=2)
    sync(target.store.set(key, prototype.buffer.from_bytes(text.encode())))


def _array(target: Target) -> zarr.Array[Any]:
    return zarr.open_array(target.store, path=target.path, mode="r")


def _dimension_names(array: zarr.Array[Any]) -> tuple[str | None, ...] | None:
    """As the array tells them; None where it names no dim."""
    told = getattr(array.metadata, "dimension_names", None)
    return None if told is None or not any(told) else tuple(told)
