"""Channels of images that were read, made as whole as a writer must tell them."""

from __future__ import annotations

from dataclasses import replace

from xarray_omezarr.errors import warn
from xarray_omezarr.hierarchy import ArrayNode, Hierarchy, Node, join
from xarray_omezarr.ngff.colours import channel_colors
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.windows import with_default_windows

_SHOWN = 5


def with_whole_channels(hierarchy: Hierarchy) -> Hierarchy:
    """The images, with colours and windows of channels where a writer must tell them.

    Files without exist and are read. The windows are as wide as the type of the pixels.
    """
    nodes: dict[str, Node] = dict(hierarchy.nodes)
    completed = []
    for path, node in hierarchy.groups.items():
        model = node.model
        if not isinstance(model, Image) or model.omero is None:
            continue
        made = _whole(model, _level_0(hierarchy, path, model))
        if made is not model:
            nodes[path] = replace(node, model=made)
            completed.append(repr(path) if path else "the image")
    if completed:
        more = len(completed) - _SHOWN
        others = f" and {more} more" if more > 0 else ""
        warn(
            f"Channels of {', '.join(completed[:_SHOWN])}{others} tell no color or "
            "window, which OME-Zarr demands; they get usual colours, and windows as "
            "wide as the type of the pixels"
        )
    return replace(hierarchy, nodes=nodes)


def _level_0(hierarchy: Hierarchy, path: str, image: Image) -> ArrayNode | None:
    node = hierarchy.nodes.get(join(path, image.multiscale.levels[0].path))
    return node if isinstance(node, ArrayNode) else None


def _whole(image: Image, level: ArrayNode | None) -> Image:
    omero = image.omero
    if omero is None or level is None:
        return image
    if all(each.color and each.window for each in omero.channels):
        return image
    colors = channel_colors([each.label for each in omero.channels])
    channels = tuple(
        each if each.color is not None else each.model_copy(update={"color": color})
        for each, color in zip(omero.channels, colors, strict=True)
    )
    coloured = omero.model_copy(update={"channels": channels})
    made = image.model_copy(update={"omero": coloured})
    return with_default_windows(made, level.dtype)
