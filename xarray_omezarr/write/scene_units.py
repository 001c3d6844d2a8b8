"""Units in which the numbers between images of a scene count."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import xarray as xr

from xarray_omezarr.errors import MetadataError, OmeZarrError
from xarray_omezarr.write.number_nodes import node_at
from xarray_omezarr.write.tree import tree_levels
from xarray_omezarr.write.unit_slips import refuse_converted, units_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xarray_omezarr.ngff.axes import CoordinateSystem
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.write.by_path import Images
    from xarray_omezarr.write.scene_graph import Members
    from xarray_omezarr.write.several import Said

    # A transformation, whether it starts from the image, and what it leads to.
    _Way = tuple[Transformation, bool, CoordinateSystem | None]


def check_scene_units(
    ways: Iterable[Transformation], images: Images, members: Members, said: Said
) -> None:
    """Refuse numbers that would count in another unit than coordinates are in.

    Parameters
    ----------
    ways : iterable of Transformation
        Between images and systems of the scene, as they were asked for.
    images : mapping
        Images by path.
    members : Members
        The same as they are planned.
    said : Said
        Is told of each image whose coordinates are stored in the unit of another
        axis, where a transformation changes them.
    """
    for path, found in _by_image(ways, members).items():
        own, image = members.own(path), _image_at(path, images, members)
        if own is None or image is None:
            continue
        units = [(name, *both) for name, both in units_of(image).items()]
        # Other systems of an image have units that it tells.
        known = [way for name, way in found if name == own.name]
        with said.about(path):
            refuse_converted(own, units, known, is_tellable=False)


def _by_image(
    ways: Iterable[Transformation], members: Members
) -> dict[str, list[tuple[str | None, _Way]]]:
    """Ways by the path of the image: its system, and where they lead."""
    found: dict[str, list[tuple[str | None, _Way]]] = {}
    for way in ways:
        for end, other in ((way.input, way.output), (way.output, way.input)):
            if end is None or end.path is None:
                continue
            # Ends that are not there are told where the graph is measured.
            with suppress(MetadataError):
                there = None if other is None else members.system(other)
                entry = (way, end is way.input, there)
                found.setdefault(end.path, []).append((end.name, entry))
    return found


def _image_at(path: str, images: Images, members: Members) -> xr.DataArray | None:
    """The finest level of an image or label image; None where that is not plain."""
    owner = members.owner(path) or ""
    image = images.get(owner)
    if image is None or isinstance(image, xr.DataArray):
        return image
    inside = path[len(owner) + 1 :]
    node = node_at(image, inside) if inside else image
    with suppress(OmeZarrError):
        return None if node is None else tree_levels(node, None)[0].da
    return None
