"""What must agree across nodes: scenes with images, transformations with parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xarray_omezarr.errors import some
from xarray_omezarr.ngff.rules.across import clause
from xarray_omezarr.ngff.rules.facts import objects, part
from xarray_omezarr.ngff.rules.finding import Finding

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.demands import Demands

_DEEPEST = 32
_MATRICES = ("affine", "rotation")
_FIELDS = ("displacements", "coordinates")


@dataclass(frozen=True, slots=True)
class Side:
    """The input or output of a transformation.

    Parameters
    ----------
    path : str
        The group that has the system; empty for the one that tells of it.
    name : str, optional
        Of the system; None where a level stands for it.
    pointer : str
        To the side.
    """

    path: str
    name: str | None
    pointer: str


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of a transformation that are stored as a node.

    Parameters
    ----------
    path : str
        Below the group that tells of it.
    type : str
        Of the transformation.
    pointer : str
        To the path.
    """

    path: str
    type: str
    pointer: str

    @property
    def is_array(self) -> bool:
        """Whether the node is an array; otherwise it is an image."""
        return self.type in _MATRICES


def scene_sides(attrs: object) -> list[tuple[Side | None, Side | None]]:
    """Input and output of each transformation of a scene."""
    block, above = part(attrs)
    return _sides(block.get("scene"), f"{above}/scene")


def image_sides(attrs: object) -> list[tuple[Side | None, Side | None]]:
    """Input and output of the transformations of an image, those of levels aside."""
    block, above = part(attrs)
    found = []
    for number, entry in objects(block.get("multiscales")):
        found += _sides(entry, f"{above}/multiscales/{number}")
    return found


def _sides(holder: object, pointer: str) -> list[tuple[Side | None, Side | None]]:
    if not isinstance(holder, Mapping):
        return []
    here = f"{pointer}/coordinateTransformations"
    return [
        (
            _side(one, f"{here}/{number}", "input"),
            _side(one, f"{here}/{number}", "output"),
        )
        for number, one in objects(holder.get("coordinateTransformations"))
    ]


def _side(transform: Mapping[str, object], pointer: str, key: str) -> Side | None:
    side = transform.get(key)
    if isinstance(side, str):
        return Side("", side, f"{pointer}/{key}")
    if not isinstance(side, Mapping):
        return None
    path, name = side.get("path"), side.get("name")
    return Side(
        path if isinstance(path, str) else "",
        name if isinstance(name, str) else None,
        f"{pointer}/{key}",
    )


def systems(attrs: object) -> tuple[str, ...]:
    """Names of the coordinate systems that an image has."""
    block, _ = part(attrs)
    found = []
    for _, entry in objects(block.get("multiscales")):
        for _, system in objects(entry.get("coordinateSystems")):
            name = system.get("name")
            if isinstance(name, str):
                found.append(name)
    return tuple(found)


def stored_parameters(attrs: object) -> list[Parameters]:
    """Parameters of transformations that are stored beside, of images and scenes."""
    block, above = part(attrs)
    found: list[Parameters] = []
    scene = block.get("scene")
    if isinstance(scene, Mapping):
        found += _parameters(scene, f"{above}/scene", 0)
    for number, entry in objects(block.get("multiscales")):
        here = f"{above}/multiscales/{number}"
        found += _parameters(entry, here, 0)
        for at, dataset in objects(entry.get("datasets")):
            found += _parameters(dataset, f"{here}/datasets/{at}", 0)
    return found


def _parameters(holder: object, pointer: str, depth: int) -> Iterator[Parameters]:
    """Those of all transformations below an object, nested ones too."""
    if depth > _DEEPEST or not isinstance(holder, Mapping):
        return
    kind, path = holder.get("type"), holder.get("path")
    if isinstance(path, str) and kind in (*_MATRICES, *_FIELDS):
        yield Parameters(path, str(kind), f"{pointer}/path")
    for key in ("coordinateTransformations", "transformations"):
        for number, inner in objects(holder.get(key)):
            yield from _parameters(inner, f"{pointer}/{key}/{number}", depth + 1)
    for key in ("transformation", "forward", "inverse"):
        yield from _parameters(holder.get(key), f"{pointer}/{key}", depth + 1)


def check_scene(
    attrs: object, images: Mapping[str, object], wanted: Demands
) -> Iterator[Finding]:
    """Whether a scene refers to systems that are there.

    Whether it joins them, its own attributes tell.

    Parameters
    ----------
    attrs : object
        Of the scene.
    images : mapping
        Attributes of the groups that it refers to, by path; those that are there.
    wanted : Demands
        What the version demands.
    """
    known = {path: {*systems(found)} for path, found in images.items()}
    for side in [side for pair in scene_sides(attrs) for side in pair]:
        # Systems of the scene itself are looked for in its own attributes.
        if side is None or side.name is None or side.path not in known:
            continue
        if side.name not in known[side.path]:
            yield no_system(side, known[side.path], wanted)


def no_system(side: Side, known: set[str], wanted: Demands) -> Finding:
    """The finding that a side of a transformation names a system that is not there."""
    where = f"the image at {side.path!r}" if side.path else "the scene"
    return Finding(
        "error",
        "",
        f"{side.pointer}/name",
        f"there is no coordinate system {side.name!r:.80} in {where}; it has "
        f"{some(sorted(known)) or 'none'}",
        clause(wanted, "transformations: systems of input and output exist", "error"),
        seen=(side.name or "")[:80],
        remedy="name a system that the group at path has",
    )
