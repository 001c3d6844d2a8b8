"""Hierarchies of images whose pixels come later: through arrays, or as regions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from xarray_omezarr.hierarchy import Deferred, Hierarchy, join
from xarray_omezarr.stored_numbers import numbers_of
from xarray_omezarr.windows import with_default_windows

if TYPE_CHECKING:
    from xarray_omezarr.ngff.multiscale import Image


def awaiting_pixels(hierarchy: Hierarchy) -> Hierarchy:
    """The hierarchy with levels that somebody fills later, and windows for them.

    Parameters
    ----------
    hierarchy : Hierarchy
        With any number of images; what is kept beside their levels stays, and so do
        fields that transformations of them name.
    """
    nodes = dict(hierarchy.nodes)
    for path, image in _images(hierarchy).items():
        levels = [join(path, level.path) for level in image.multiscale.levels]
        for level in levels:
            nodes[level] = replace(hierarchy.array(level), source=Deferred())
        model = with_default_windows(image, hierarchy.array(levels[0]).dtype)
        nodes[path] = replace(hierarchy.group(path), model=model)
    return replace(hierarchy, nodes=nodes)


def level_paths(hierarchy: Hierarchy) -> list[str]:
    """Paths of the levels of all images, those of an image the finest first."""
    return [
        join(path, level.path)
        for path, image in _images(hierarchy).items()
        for level in image.multiscale.levels
    ]


def _images(hierarchy: Hierarchy) -> dict[str, Image]:
    numbers = numbers_of(hierarchy)
    return {p: image for p, image in hierarchy.images.items() if p not in numbers}
