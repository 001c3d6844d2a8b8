"""What the nodes of a tree are in a scene: images, matrices, fields of vectors."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import xarray as xr

from xarray_omezarr.errors import OptionError, some, warn
from xarray_omezarr.grid.names import OME
from xarray_omezarr.hierarchy import GroupNode, Node, join
from xarray_omezarr.write.by_path import (
    ImageObject,
    Images,
    Places,
    images_below,
    images_of_mapping,
    in_natural_order,
)
from xarray_omezarr.write.keeping import computed_coords, plain_attrs
from xarray_omezarr.write.number_nodes import is_matrix, node_at
from xarray_omezarr.write.tree import LABELS


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to write.

    Parameters
    ----------
    images : mapping
        Images by path, in natural order.
    stored : mapping
        Matrices and fields that transformations name, by path.
    """

    images: Images
    stored: Mapping[str, Any] = field(default_factory=dict)


def members_of(
    obj: xr.DataTree | Mapping[Any, Any],
    *,
    ends: Collection[str],
    named: Collection[str],
    problem: str,
) -> Found:
    """The images of a tree or mapping, and the matrices and fields in it.

    Parameters
    ----------
    obj : xarray.DataTree or mapping
        Images at any depth; or by path.
    ends : collection of str
        Paths of images that transformations start from or lead to, which tells
        images below a group from levels of one.
    named : collection of str
        Paths of matrices and fields that transformations name, and nobody gave.
    problem : str
        What cannot be done where something is wrong.

    Raises
    ------
    OptionError
        If there is no image, or the root is one.
    """
    found = (
        _in_tree(obj, ends, named)
        if isinstance(obj, xr.DataTree)
        else _in_mapping(images_of_mapping(obj, problem), named)
    )
    if not found.images:
        raise OptionError(
            "The scene has no images; give a tree whose nodes are images, e.g. "
            "xr.DataTree.from_dict({'tile_0': dataset, 'tile_1': dataset})"
        )
    images = {path: without_computed(image) for path, image in found.images.items()}
    return Found(in_natural_order(images), found.stored)


def without_computed(image: ImageObject) -> ImageObject:
    """An image without coordinates that transformations of the scene tell anew."""
    if isinstance(image, xr.DataArray):
        names = computed_coords(image)
        return image.drop_vars(names) if names else image
    parts = [node for node in image.children.values() if node.data_vars]
    if not any(computed_coords(node.dataset) for node in (image, *parts)):
        return image
    found = image.copy(deep=False)
    for node in found.subtree:
        if names := computed_coords(node.dataset):
            node.dataset = node.to_dataset(inherit=False).drop_vars(names)
    return found


def _in_mapping(images: dict[str, ImageObject], named: Collection[str]) -> Found:
    stored = {path: images.pop(path) for path in named if path in images}
    return Found(images, stored)


def _in_tree(tree: xr.DataTree, ends: Collection[str], named: Collection[str]) -> Found:
    if tree.data_vars:
        raise OptionError(
            f"Node {tree.path!r} holds the variables {[*tree.data_vars]}, and the root "
            "of a scene holds images in nodes of their own; write one image with "
            "to_image, or move it to a node: xr.DataTree.from_dict({'tile_0': dataset})"
        )
    stored = {path: at for path in named if (at := node_at(tree, path)) is not None}
    matrices = [*_matrices(tree, "")]
    # A label image lies in its image.
    outer = {path.partition(f"/{LABELS}/")[0] for path in ends}
    known = {path for path in outer if node_at(tree, path) is not None}
    groups = {group for path in (*known, *stored) for group in above(path)}
    places = Places(known, groups, {*stored, *matrices})
    images: dict[str, xr.DataTree] = {}
    for name, child in tree.children.items():
        if name not in places.others:
            images |= images_below(child, name, places)
    for path in stored:
        for owner in above(path):
            if owner in images:
                images[owner] = _without(images[owner], path[len(owner) + 1 :])
    _warn_of_loose([*matrices], stored, images)
    return Found(images, stored)


def with_attrs(obj: object, groups: Mapping[str, Node]) -> dict[str, Node]:
    """Groups between a scene and its images, with the attributes that nodes have.

    What they say as part of something else, such as a plate, is no longer true of
    images alone: it is left out, with a warning.
    """
    found, lost = dict(groups), []
    if not isinstance(obj, xr.DataTree):
        return found
    for path in groups:
        node = node_at(obj, path)
        if node is None or not node.attrs:
            continue
        attrs = plain_attrs(node.attrs)
        told = attrs.pop(OME, None)
        keys = [*told] if isinstance(told, Mapping) else []
        lost += [f"{key!r} of {path!r}" for key in keys if key != "version"]
        found[path] = GroupNode(None, attrs)
    if lost:
        warn(
            f"A scene has images and what lies between them: {some(lost)} is left out, "
            "with all images that the scene does not name; xarray_omezarr.convert "
            "copies a scene with all that is in it"
        )
    return found


def _matrices(node: xr.DataTree, path: str) -> Iterator[str]:
    if is_matrix(node):
        yield path
    for name, child in node.children.items():
        yield from _matrices(child, join(path, name))


def above(path: str) -> list[str]:
    """The groups that a path lies in, but for the root."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _without(node: xr.DataTree, path: str) -> xr.DataTree:
    """A copy of an image without a node that is none of its levels."""
    copied = node.copy(deep=False)
    group, _, name = path.rpartition("/")
    parent = copied if not group else node_at(copied, group)
    if parent is not None:
        del parent[name]
    return copied


def _warn_of_loose(
    matrices: Collection[str], stored: Collection[str], images: Collection[str]
) -> None:
    """Tell of matrices that nothing names, of the scene or of an image."""
    loose = [
        path
        for path in matrices
        if path not in stored and not any(group in images for group in above(path))
    ]
    if loose:
        warn(
            f"Matrices at {some([*map(repr, loose)])} are left out: no transformation "
            "of the scene names them"
        )
