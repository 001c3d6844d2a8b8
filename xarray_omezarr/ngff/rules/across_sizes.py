"""What must agree across nodes: transformations with the axes at both of their ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xarray_omezarr.ngff.rules.across_scene import image_sides, scene_sides
from xarray_omezarr.ngff.rules.dimensions import check_dimensions
from xarray_omezarr.ngff.rules.facts import objects, part
from xarray_omezarr.ngff.rules.spot import Log, Spot

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.across_scene import Side
    from xarray_omezarr.ngff.rules.finding import Finding
    from xarray_omezarr.ngff.rules.parameters import Known
    from xarray_omezarr.ngff.versions.dialects import Dialect


@dataclass(frozen=True, slots=True)
class Pair:
    """A bijection: two transformations that are said to undo each other.

    Parameters
    ----------
    value : mapping
        As it stands in the document.
    pointer : str
        To it.
    axes : int, optional
        How many it takes, where that is known.
    """

    value: Mapping[str, Any]
    pointer: str
    axes: int | None


def check_sizes(
    attrs: object, images: Mapping[str, object], stored: Known, dialect: Dialect
) -> tuple[tuple[Finding, ...], tuple[Pair, ...]]:
    """Whether parameters fit the systems that they join (RULES C10).

    What the attributes alone tell is found again, in the same words.

    Parameters
    ----------
    attrs : object
        Of a scene, or of an image.
    images : mapping
        Attributes of the images below that it names, by path.
    stored : mapping
        What is known of the matrices and fields that it names, by path.
    dialect : Dialect
        Of its version.

    Returns
    -------
    tuple
        Findings; and the bijections, which are for somebody who can compute.
    """
    log = Log(dialect, "standard")
    log.stored = stored
    # Systems of a scene and of an image in one group do not know each other.
    for key, sides in (("scene", scene_sides), ("multiscales", image_sides)):
        own = _sizes(attrs, of_scene=key == "scene")
        sizes = {("", name): size for name, size in own.items()}
        for path, held in images.items():
            sizes |= {(path, name): size for name, size in _sizes(held).items()}
        told = _transforms(attrs, key, log)
        for spot, (start, end) in zip(told, sides(attrs), strict=False):
            check_dimensions(spot, _size(start, sizes), _size(end, sizes))
    pairs = [Pair(spot.value, spot.pointer, n) for spot, n in log.bijections]
    return tuple(log.findings), tuple(pairs)


def _transforms(attrs: object, key: str, log: Log) -> Iterator[Spot]:
    """The transformations of a scene, or of all entries of an image."""
    place: Spot | None = Spot(attrs, log)
    if part(attrs)[1]:
        place = place.child("ome") if place else None
    place = place.child(key) if place else None
    if place is None:
        return
    for holder in [place] if key == "scene" else place.items():
        transforms = holder.child("coordinateTransformations")
        if transforms is not None and isinstance(transforms.value, list):
            for spot in transforms.items():
                if isinstance(spot.value, Mapping):
                    yield spot


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
