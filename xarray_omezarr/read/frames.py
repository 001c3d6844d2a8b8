"""Frames of what was opened, and the matrices that are nodes of a tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import xarray as xr
from xarray.core import indexing

from xarray_omezarr.grid.names import KIND_KEY, PARAMETERS
from xarray_omezarr.hierarchy import ArrayNode, Hierarchy, LazyArray, join
from xarray_omezarr.ngff.named import image_paths, within
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.read.lazy import LazyPixels
from xarray_omezarr.stored_numbers import arrays_in, told_by
from xarray_omezarr.transforming.frames_of import (
    frame_of_image,
    frame_of_scene,
    has_frame,
    own_key,
)

if TYPE_CHECKING:
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.ngff.named import Named
    from xarray_omezarr.transforming.frame import Frame
    from xarray_omezarr.transforming.stored import Arrays, Stored

_LABELS = "labels"


def frames_in(hierarchy: Hierarchy, numbers: Mapping[str, Named]) -> dict[str, Frame]:
    """The frame of each image by its path, where there is more than its own grid.

    Parameters
    ----------
    hierarchy : Hierarchy
        As it was opened.
    numbers : mapping
        What transformations name, by path.

    Returns
    -------
    dict
        That of a scene under ``""``. Keys and paths in a frame count from the scene,
        or else from the image.
    """
    images = hierarchy.images
    model = hierarchy.group("").model
    if isinstance(model, Scene):
        return _of_scene(model, hierarchy, numbers)
    # Fields lead from systems of others; their own are of no use to those.
    told = [p for p, image in images.items() if has_frame(image) and p not in numbers]
    found: dict[str, Frame] = {}
    if not told:
        return found
    arrays = arrays_in(hierarchy, numbers)
    owners = {path: _owner(path, images) for path in images}
    labels: dict[str, dict[str, Image]] = {}
    for path, owner in owners.items():
        if owner is not None and path not in numbers:
            labels.setdefault(owner, {})[_under(path, owner)] = images[path]
    whole = [path if owners[path] is None else owners[path] for path in told]
    for path in dict.fromkeys(path for path in whole if path is not None):
        own = labels.get(path, {})
        frame = frame_of_image(
            images[path], _arrays(arrays, path, {"": images[path], **own}), own
        )
        found[path] = frame
        for below, label in own.items():
            key = own_key(frame, label, below, frame.own)
            found[join(path, below)] = replace(frame, own=key)
    return found


def _arrays(arrays: Arrays, path: str, images: Mapping[str, Image]) -> Arrays:
    """Those that an image and its labels name, by path from the image."""
    found: dict[str, Stored] = {}
    for below, image in images.items():
        for one in told_by(image):
            try:
                own = join(below, within(one.path))
            except ValueError:
                # Whoever opened it has told.
                continue
            if join(path, own) in arrays:
                found[own] = arrays[join(path, own)]
    return found


def _of_scene(
    scene: Scene, hierarchy: Hierarchy, numbers: Mapping[str, Named]
) -> dict[str, Frame]:
    placed, _ = image_paths(scene)
    images = {
        path: image
        for path, image in hierarchy.images.items()
        if path in placed or path not in numbers
    }
    frame = frame_of_scene(scene, images, arrays_in(hierarchy, numbers))
    found = {"": frame}
    for path, image in images.items():
        owner = _owner(path, images)
        above = None if owner is None else own_key(frame, images[owner], owner, None)
        found[path] = replace(frame, own=own_key(frame, image, path, above))
    return found


def _owner(path: str, images: Mapping[str, Image]) -> str | None:
    """Path of the image that a label image belongs to; None of other images."""
    parts = path.split("/")
    for at in range(len(parts) - 2, -1, -1):
        above = "/".join(parts[:at])
        if parts[at] == _LABELS and above in images:
            return above
    return None


def _under(path: str, above: str) -> str:
    return path[len(above) + 1 :] if above else path


def numbers_dataset(node: ArrayNode, source: str) -> xr.Dataset:
    """The node of a matrix, or of a field that is an array alone."""
    data: Any = node.given
    if isinstance(data, LazyArray):
        data = indexing.LazilyIndexedArray(LazyPixels(data))
    layout = node.layout
    encoding = {
        "source": source,
        "dtype": node.dtype,
        "chunks": layout.chunks,
        "shards": layout.shards,
        "compressors": layout.compression,
        "preferred_chunks": dict(zip(node.dims, layout.objects, strict=True)),
    }
    variable = xr.Variable(node.dims, data, {}, encoding)
    found = xr.Dataset({PARAMETERS: variable})
    found.encoding.update({KIND_KEY: PARAMETERS, "source": source})
    return found
