"""Levels of images whose version does not tell where they lie: their sizes tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from xarray_omezarr.grid.implied import placed
from xarray_omezarr.hierarchy import ArrayNode, Hierarchy, Node, join

if TYPE_CHECKING:
    from xarray_omezarr.grid.implied import Sizes
    from xarray_omezarr.ngff.multiscale import Image


def with_places(hierarchy: Hierarchy) -> Hierarchy:
    """The images with their levels where they lie, where the version does not say it.

    Each group is asked for its own version: parts of one store may be of several.
    """
    nodes: dict[str, Node] = dict(hierarchy.nodes)
    changed = False
    for path, image in hierarchy.images.items():
        if hierarchy.version_of(path).features.transformations:
            continue
        told = placed(image, level_sizes(hierarchy, path, image))
        if told is not image:
            nodes[path] = replace(hierarchy.group(path), model=told)
            changed = True
    return replace(hierarchy, nodes=nodes) if changed else hierarchy


def level_sizes(hierarchy: Hierarchy, path: str, image: Image) -> Sizes:
    """Pixels by axis of the levels of an image that are there, by path below it."""
    sizes: dict[str, Mapping[str, int]] = {}
    for picture in image.multiscales:
        for level in picture.levels:
            node = hierarchy.nodes.get(join(path, level.path))
            if isinstance(node, ArrayNode):
                sizes[level.path] = dict(zip(node.dims, node.shape, strict=True))
    return sizes
