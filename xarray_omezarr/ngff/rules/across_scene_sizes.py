"""What must agree across nodes: transformations of scenes with the axes of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.across_scene import scene_sides
from xarray_omezarr.ngff.rules.dimensions import check_dimensions
from xarray_omezarr.ngff.rules.facts import objects, part
from xarray_omezarr.ngff.rules.spot import Log, Spot

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.across_scene import Side
    from xarray_omezarr.ngff.rules.finding import Finding
    from xarray_omezarr.ngff.versions.dialects import Dialect


def check_scene_sizes(
    attrs: object, images: Mapping[str, object], dialect: Dialect
) -> tuple[Finding, ...]:
    """Whether parameters fit the systems of images that they join (RULES C10).

    Parameters
    ----------
    attrs : object
        Of the scene.
    images : mapping
        Attributes of the images that it names, by path.
    dialect : Dialect
        Of its version.
    """
    log = Log(dialect, "standard")
    sizes = {("", name): size for name, size in _sizes(attrs, of_scene=True).items()}
    for path, held in images.items():
        sizes |= {(path, name): size for name, size in _sizes(held).items()}
    place: Spot | None = Spot(attrs, log)
    if part(attrs)[1]:
        place = place.child("ome") if place else None
    for key in ("scene", "coordinateTransformations"):
        place = place.child(key) if place else None
    transforms = [] if place is None else [*place.items()]
    told = [spot for spot in transforms if isinstance(spot.value, Mapping)]
    for spot, (start, end) in zip(told, scene_sides(attrs), strict=False):
        check_dimensions(spot, _size(start, sizes), _size(end, sizes))
    return tuple(log.findings)


def _size(side: Side | None, sizes: Mapping[tuple[str, str], int]) -> int | None:
    return None if side is None else sizes.get((side.path, side.name or ""))


def _sizes(attrs: object, *, of_scene: bool = False) -> dict[str, int]:
    """Number of axes of the systems of a group, by name."""
    block, _ = part(attrs)
    scene = block.get("scene")
    holders = [entry for _, entry in objects(block.get("multiscales"))]
    if of_scene:
        holders = [scene] if isinstance(scene, Mapping) else []
    found: dict[str, int] = {}
    for holder in holders:
        for _, system in objects(holder.get("coordinateSystems")):
            name, axes = system.get("name"), system.get("axes")
            if isinstance(name, str) and isinstance(axes, list):
                found.setdefault(name, len(axes))
    return found
