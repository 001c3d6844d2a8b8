"""Transformations of groups above an image, which count in its systems."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import OmeZarrError, OmeZarrWarning
from xarray_omezarr.hierarchy import join
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.named import within
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.open_documents import (
    GROUP_NAMES,
    group_attrs,
    read_documents,
)
from xarray_omezarr.store.place import ancestors
from xarray_omezarr.store.target import open_target

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import SystemReference, Transformation
    from xarray_omezarr.ngff.versions.protocol import Metadata
    from xarray_omezarr.store.arrays import ZarrFormat
    from xarray_omezarr.store.target import Target


@dataclass(frozen=True, slots=True)
class Above:
    """A group above a place, and what it says of systems below it.

    Parameters
    ----------
    name : str
        What it is and where, for people.
    below : str
        The path from it to the place.
    ways : tuple of Transformation
        Its transformations.
    """

    name: str
    below: str
    ways: tuple[Transformation, ...]

    def of(self, path: str, system: str) -> list[Transformation]:
        """Those with an end at a system of the image at a path below the place."""
        wanted = join(self.below, path)
        return [
            way
            for way in self.ways
            if any(_is_at(end, wanted, system) for end in (way.input, way.output))
        ]


def _is_at(end: SystemReference | None, path: str, system: str) -> bool:
    if end is None or not end.path or end.name != system:
        return False
    try:
        return within(end.path) == path
    except ValueError:
        return False


def ways_above(target: Target, zarr_format: ZarrFormat) -> list[Above]:
    """The groups above a target that have transformations.

    They are looked for to the root of the store; if that is a local folder, also in
    those above it, as long as they are groups: an image of a scene is often given as
    a store of its own.

    Parameters
    ----------
    target : Target
        Of an image, a plate or a collection.
    zarr_format : int
        Of its store.
    """
    if zarr_format == 2:
        # No version that is stored so has systems.
        return []
    found = []
    for place, below, is_outside in _places(target):
        attrs = _attrs(place, zarr_format)
        if attrs is None:
            if is_outside:
                break
            continue
        if (told := _ways(attrs)) is not None:
            kind, ways = told
            found.append(Above(f"the {kind} {place}", below, ways))
    return found


def _places(target: Target) -> Iterator[tuple[Target, str, bool]]:
    """Groups that may be above, the nearest first.

    With the path down to the target, and whether they are outside of its store.
    """
    for place in reversed([*ancestors(target)]):
        yield place, target.path[len(place.path) :].strip("/"), False
    if target.directory is None:
        return
    depth = len(target.path.split("/")) if target.path else 0
    root = (target.directory, *target.directory.parents)[depth]
    for folder in root.parents:
        below = join(root.relative_to(folder).as_posix(), target.path)
        yield open_target(folder, read_only=True), below, True


def _attrs(place: Target, zarr_format: ZarrFormat) -> Mapping[str, Any] | None:
    """The attributes of a group; None if there is none that can be read."""
    name = GROUP_NAMES[zarr_format]
    try:
        documents = read_documents(place, [name])
        if name not in documents:
            return None
        return group_attrs(documents[name], zarr_format, str(place))
    except (OmeZarrError, OSError):
        return None


def _ways(attrs: Mapping[str, Any]) -> tuple[str, tuple[Transformation, ...]] | None:
    model = understood(attrs)
    if isinstance(model, Scene):
        return "scene", model.coordinate_transformations
    if isinstance(model, Image):
        pictures = model.multiscales
        return "image", tuple(way for one in pictures for way in one.between_systems)
    return None


def understood(attrs: Mapping[str, Any]) -> Metadata | None:
    """What attributes say, if it can be understood."""
    with warnings.catch_warnings():
        # Slips of others were said when it was opened, or are not at issue.
        warnings.simplefilter("ignore", OmeZarrWarning)
        try:
            version = registry.detect(attrs)
            return None if version is None else version.from_attrs(attrs)
        except OmeZarrError:
            return None
