"""Everything of a hierarchy -> Datasets by path: the tree mirrors the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xarray_omezarr.grid.names import FRAME_KEY, KIND_KEY
from xarray_omezarr.hierarchy import ArrayNode, GroupNode, Hierarchy, Node, join
from xarray_omezarr.ngff.bioformats2raw import Bioformats2Raw
from xarray_omezarr.ngff.labels import LabelImage, LabelsGroup
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.named import tidied
from xarray_omezarr.ngff.plate import Plate, Well, acquisition_of
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.ngff.unknown import unknown, unknown_beside
from xarray_omezarr.read.frames import frames_in, numbers_dataset
from xarray_omezarr.read.multiscale import OpenImage, open_image
from xarray_omezarr.read.sharing import Shared, assembled
from xarray_omezarr.stored_numbers import numbers_of

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Model

#: Attribute of the root of a plate: its metadata as the standard spells them, but for
#: what the tree tells.
PLATE = "plate"
#: Key of the attribute ``ome`` of the root of a scene: its metadata.
SCENE = "scene"
#: Attribute of the root of a collection: the text of its OME-XML.
OME_XML = "ome_xml"
#: Coordinate of the levels of a field: the acquisition that it belongs to.
ACQUISITION = "acquisition"

_KINDS: dict[type[object], str] = {
    Plate: "plate",
    Well: "well",
    Bioformats2Raw: "bioformats2raw",
    LabelsGroup: "labels",
    LabelImage: "labels",
    Image: "image",
    Scene: "scene",
}
_XML = "OME/METADATA.ome.xml"
# What the tree tells, and what stands elsewhere or belongs to the version.
_NOT_KEPT = ("wells", "beside", "version", "bioformats2raw.layout")


def tree_datasets(hierarchy: Hierarchy, source: str) -> dict[str, xr.Dataset]:
    """The Dataset of each node, by path in a tree that mirrors the store.

    Parameters
    ----------
    hierarchy : Hierarchy
        As it was opened: an image, labels, a plate, a well, a collection or a scene.
    source : str
        Where the store is, for ``encoding["source"]``.

    Returns
    -------
    dict
        ``"/"`` first. Groups have attributes; levels of images the variable
        ``image``, those of label images the variable ``labels``, and matrices that
        transformations name the variable ``parameters``.
    """
    shared = Shared()
    images = images_of(hierarchy)
    acquisitions = _acquisitions(hierarchy)
    numbers = numbers_of(hierarchy)
    frames = frames_in(hierarchy, numbers)
    found: dict[str, xr.Dataset] = {"/": _group(hierarchy, hierarchy.group(""))}
    for path, node in hierarchy.nodes.items():
        if isinstance(node, ArrayNode):
            continue
        if path in images:
            uri, frame = join_uri(source, path), frames.get(path)
            image = open_image(images[path], uri, shared, frame)
            found |= _image(image, path, acquisitions.get(path))
        elif path:
            found[f"/{path}"] = _group(hierarchy, node)
    for path in numbers:
        array = hierarchy.nodes.get(path)
        # Metadata may name a level, which stays one.
        if isinstance(array, ArrayNode) and f"/{path}" not in found:
            found[f"/{path}"] = numbers_dataset(array, join_uri(source, path))
    found["/"].encoding["source"] = source
    if "" in frames:
        found["/"].encoding[FRAME_KEY] = frames[""]
    return found


def images_of(hierarchy: Hierarchy) -> dict[str, Hierarchy]:
    """Each image of a hierarchy with the arrays below it, by path."""
    nodes: dict[str, dict[str, Node]] = {
        path: {"": node}
        for path, node in hierarchy.nodes.items()
        if isinstance(node, GroupNode) and isinstance(node.model, Image)
    }
    for path, node in hierarchy.nodes.items():
        if not isinstance(node, ArrayNode):
            continue
        owner, below = path, ""
        while owner and (owner not in nodes or not below):
            owner, _, last = owner.rpartition("/")
            below = join(last, below)
        if owner in nodes:
            nodes[owner][below] = node
    return {path: Hierarchy(hierarchy.version, own) for path, own in nodes.items()}


def join_uri(source: str, path: str) -> str:
    """Where a node is, written as people would."""
    return f"{source.rstrip('/')}/{path}" if path else source


def _image(
    image: OpenImage, path: str, acquisition: int | None
) -> dict[str, xr.Dataset]:
    root = assembled({}, {}, {}, image.attrs)
    root.encoding.update(source=image.source, **_kind(image.image))
    if image.frame is not None:
        root.encoding[FRAME_KEY] = image.frame
    further = {}
    if acquisition is not None:
        further[ACQUISITION] = _scalar(image.shared, acquisition)
    levels = image.paths().items()
    return {
        f"/{path}": root,
        **{f"/{join(path, p)}": image.level(n, further) for n, p in levels},
    }


def _scalar(shared: Shared, value: int) -> xr.Variable:
    return shared.once((ACQUISITION, value), lambda: xr.Variable((), np.int64(value)))


def _acquisitions(hierarchy: Hierarchy) -> dict[str, int]:
    """The acquisition of each field of which one is known, by path of the field."""
    root = hierarchy.group("").model
    found = {}
    for path, node in hierarchy.nodes.items():
        if isinstance(node, GroupNode) and isinstance(node.model, Well):
            for entry in node.model.images:
                run = entry.acquisition
                if isinstance(root, Plate):
                    run = acquisition_of(entry, root)
                if run is not None:
                    found[join(path, entry.path)] = run
    return found


def _group(hierarchy: Hierarchy, node: GroupNode) -> xr.Dataset:
    attrs = group_attrs(node)
    if node is hierarchy.nodes[""] and _XML in hierarchy.files:
        attrs[OME_XML] = hierarchy.files[_XML].decode("utf-8", errors="replace")
    found = xr.Dataset(attrs=attrs)
    found.encoding.update(_kind(node.model))
    return found


def _kind(model: Model | None) -> dict[str, str]:
    kind = _KINDS.get(type(model))
    return {} if kind is None else {KIND_KEY: kind}


def group_attrs(node: GroupNode) -> dict[str, Any]:
    """Attributes of a group: those of others, unknown keys, those of a plate."""
    attrs = dict(node.attrs)
    if keys := _unknown(node.model):
        attrs["ome"] = keys
    if isinstance(node.model, Scene):
        attrs["ome"] = scene_attrs(node.model)
    if isinstance(node.model, Plate):
        attrs[PLATE] = plate_attrs(node.model)
    return attrs


def scene_attrs(scene: Scene) -> dict[str, Any]:
    """The metadata of a scene as the standard spells them, and keys beside them."""
    ways = tuple(map(tidied, scene.coordinate_transformations))
    scene = scene.model_copy(update={"coordinate_transformations": ways})
    told = {key: value for key, value in scene.to_json().items() if key != "beside"}
    return {**scene.beside, SCENE: told}


def plate_attrs(plate: Plate) -> dict[str, Any]:
    """The metadata of a plate as the standard spells them, but for its wells."""
    told = plate.to_json()
    return {key: value for key, value in told.items() if key not in _NOT_KEPT}


def _unknown(model: Model | None) -> Mapping[str, Any]:
    """Keys of a group that the standard does not know."""
    if model is None or isinstance(model, Image | Scene):
        return {}
    if isinstance(model, Plate | Well):
        return unknown_beside(model)
    return unknown(model)
