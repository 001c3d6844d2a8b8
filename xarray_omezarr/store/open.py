"""Store -> Hierarchy: metadata are read at once, pixels only when indexed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
import zarr.errors
from zarr.storage import MemoryStore

from xarray_omezarr.errors import (
    MetadataError,
    NotOmeZarrError,
    OptionError,
    TargetNotFoundError,
)
from xarray_omezarr.grid import kept
from xarray_omezarr.hierarchy import (
    ArrayNode,
    Given,
    GroupNode,
    Hierarchy,
    Layout,
    Node,
    join,
)
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.paths import DOCUMENTS
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.places import with_places
from xarray_omezarr.store.arrays import StoredArray, ZarrFormat
from xarray_omezarr.store.as_opened import Opened, opened
from xarray_omezarr.store.occupancy import UNFINISHED, group_inside, inspect_target

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.target import Target

_MISSING = (FileNotFoundError, zarr.errors.NodeTypeValidationError)
# What zarr runs into where its metadata are broken, or need codecs it does not have.
_UNREADABLE = (
    *_MISSING,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,
    RecursionError,
    NotImplementedError,
)


def open_hierarchy(target: Target, levels: Iterable[int] | None = None) -> Hierarchy:
    """What stands at `target`: an image with its levels.

    Parameters
    ----------
    target : Target
        Where the image is.
    levels : iterable of int, optional
        Which levels to open, 0 being the finest; negative ones count from the
        coarsest. All if None.

    Raises
    ------
    TargetNotFoundError
        If there is no Zarr group.
    NotOmeZarrError
        If the group is no OME-Zarr image.
    MetadataError
        If the metadata break the standard, or a level is missing.
    """
    group = open_group(target)
    attrs = dict(group.attrs)
    version = detect_image(attrs, target)
    image = version.from_attrs(attrs)
    assert isinstance(image, Image)  # as it has multiscales
    foreign = version.foreign(attrs)
    opened = level_paths(image, levels, target)
    arrays = {
        path: _array_node(target, group, path, _dims(image))
        for path in measured_levels(version, image, opened)
    }
    measured = Hierarchy(version, {"": GroupNode(image, foreign), **arrays})
    nodes: dict[str, Node] = {"": with_places(measured).group("")}
    nodes |= {path: arrays[path] for path in opened}
    for name in kept.array_names(foreign.get(kept.KEY)):
        path = join(kept.KEY, name)
        nodes[path] = _array_node(target, group, path, None)
    return Hierarchy(version, nodes)


def holds_ome_zarr(target: Target) -> bool:
    """Whether OME-Zarr of any version stands at a local or in-memory target."""
    if target.directory is None and not isinstance(target.store, MemoryStore):
        return False
    occupancy = inspect_target(target)
    return occupancy.kind == "group" and occupancy.has_ome_metadata


def open_group(target: Target) -> zarr.Group:
    """The Zarr group at `target`.

    Raises
    ------
    TargetNotFoundError
        If there is nothing.
    NotOmeZarrError
        If there is an array.
    MetadataError
        If its metadata cannot be read.
    """
    _refuse_no_files(target)
    try:
        return zarr.open_group(target.store, path=target.path, mode="r")
    except _UNREADABLE as error:
        found = inspect_target(target)
        if found.kind == "array":
            raise NotOmeZarrError(
                f"{target} is a Zarr array, and an OME-Zarr image is a group; open "
                "the folder above it"
            ) from error
        if isinstance(error, _MISSING):
            inside = group_inside(target, found.children)
            hint = f"; open the one inside with group={inside!r}" if inside else ""
            raise TargetNotFoundError(
                f"There is no Zarr group at {target}{hint}"
            ) from error
        raise MetadataError(
            f"The Zarr metadata of {target} cannot be read: {error!r}"
        ) from error


def _refuse_no_files(target: Target) -> None:
    """Raise for pipes and devices, which would keep zarr waiting."""
    if target.directory is None:
        return
    for name in DOCUMENTS:
        document = target.directory / name
        if document.exists() and not document.is_file():
            raise MetadataError(
                f"{document} is no regular file, and no document of metadata"
            )


def detect(attrs: Mapping[str, Any], target: Target) -> Version:
    """The version of the group with these attributes.

    Raises
    ------
    NotOmeZarrError
        If they are not of the standard.
    """
    version = registry.detect(attrs)
    if version is None:
        state = (
            "is an image whose writing was interrupted; write it again, "
            "or go on with resume=True"
            if UNFINISHED in attrs
            else "is a Zarr group without OME-Zarr metadata"
        )
        raise NotOmeZarrError(f"{target} {state}")
    return version


def detect_image(attrs: Mapping[str, Any], target: Target) -> Version:
    """The version of the image with these attributes.

    Raises
    ------
    NotOmeZarrError
        If they are not those of an image; the message tells what they hold.
    """
    version = detect(attrs, target)
    own = set(attrs) - set(version.foreign(attrs))
    keys = set(attrs["ome"]) if "ome" in own else own
    if "multiscales" not in keys:
        found = sorted(keys - {"version"})
        raise NotOmeZarrError(
            f"{target} holds {found}, not an image; open one of its images with "
            "group=, e.g. group='A/1/0' of a plate or group='0' of a collection"
        )
    return version


def _dims(image: Image) -> tuple[str, ...]:
    return tuple(axis.name for axis in image.multiscale.axes)


def level_paths(
    image: Image, levels: Iterable[int] | None, where: object = "it"
) -> list[str]:
    """Paths of the chosen levels of an image, each once; all if `levels` is None.

    Raises
    ------
    OptionError
        If it has no such level; `where` is what the message calls it.
    """
    paths = [level.path for level in image.multiscale.levels]
    if levels is None:
        return paths
    levels = [*levels]
    check_levels(levels)
    try:
        return [paths[level] for level in levels]
    except IndexError:
        raise OptionError(
            f"{where} has {len(paths)} level{'s' * (len(paths) != 1)} (0 is the "
            f"finest), and level {', '.join(map(str, levels))} was asked for"
        ) from None


def measured_levels(
    version: Version, image: Image, opened: Iterable[str]
) -> tuple[str, ...]:
    """Paths of the arrays that are needed where some levels are opened.

    Those of all levels, where nothing but their sizes tells how coarse they are.
    """
    if version.features.transformations:
        return tuple(opened)
    further = (level.path for entry in image.multiscales for level in entry.levels)
    return tuple(dict.fromkeys([*opened, *further]))


def check_levels(levels: object) -> None:
    """Refuse what numbers no level; None and "all" mean all of them.

    Raises
    ------
    OptionError
        Naming what was given.
    """
    if levels is None or levels == "all" or not isinstance(levels, Iterable):
        return
    odd = [n for n in levels if isinstance(n, bool) or not hasattr(n, "__index__")]
    if odd:
        raise OptionError(
            f"level is {odd[0]!r}; give a whole number: 0 is the finest level, -1 the "
            "coarsest"
        )


def _array_node(
    target: Target, group: zarr.Group, path: str, dims: tuple[str, ...] | None
) -> ArrayNode:
    array = _open_array(target, path, group.metadata.zarr_format)
    names = dims or tuple(f"dim_{axis}" for axis in range(array.ndim))
    if len(names) != array.ndim:
        raise MetadataError(
            f"Array {path!r} of {target} has shape {array.shape}, but there are "
            f"{len(names)} axes: {names}"
        )
    layout = Layout(
        chunks=array.chunks,
        shards=array.shards,
        compression=list(array.compressors),
        fill_value=_plain_fill_value(array),
    )
    return ArrayNode(
        dims=names,
        shape=array.shape,
        dtype=array.dtype,
        layout=layout,
        source=Given(StoredArray(array, _opened(target.child(path)))),
    )


def _opened(target: Target) -> Opened | None:
    return None if target.directory is None else opened(str(target.directory))


def _open_array(target: Target, path: str, zarr_format: ZarrFormat) -> zarr.Array[Any]:
    _refuse_no_files(target.child(path))
    try:
        array = zarr.open_array(
            target.store,
            path=join(target.path, path),
            mode="r",
            zarr_format=zarr_format,
        )
        # Newer versions of zarr know of chunks of uneven size, which have no shape.
        _ = array.chunks
    except _MISSING as error:
        raise MetadataError(
            f"{target} lists {path!r}, but there is no array of that name"
        ) from error
    except _UNREADABLE as error:
        raise MetadataError(
            f"Array {path!r} of {target} cannot be read: {error!r}"
        ) from error
    return array


def _plain_fill_value(array: zarr.Array[Any]) -> Any:
    value = array.fill_value
    return value.item() if isinstance(value, np.generic) else value
