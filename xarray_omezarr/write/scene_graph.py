"""What the transformations of a scene refer to: measured before anything is stored."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xarray_omezarr.errors import (
    MetadataError,
    TransformationError,
    some,
    warn,
)
from xarray_omezarr.ngff.dimensions import homogeneous, outputs
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.named import named
from xarray_omezarr.ngff.rules.graph import Graph
from xarray_omezarr.write.field_ends import Ends, fields_in
from xarray_omezarr.write.spaced import with_numbers
from xarray_omezarr.write.unit_slips import REMEDY, jumps

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.ngff.axes import CoordinateSystem
    from xarray_omezarr.ngff.scene import Scene
    from xarray_omezarr.ngff.transforms import SystemReference, Transformation
    from xarray_omezarr.write.several import Said


@dataclass(frozen=True, slots=True)
class Members:
    """What a scene holds that its transformations can name.

    Parameters
    ----------
    systems : mapping
        The systems of the scene itself, by name.
    images : mapping
        Its images with their labels, as they are planned, by path; None where that
        failed.
    """

    systems: Mapping[str, CoordinateSystem]
    images: Mapping[str, Hierarchy | None]

    def system(self, end: SystemReference) -> CoordinateSystem | None:
        """The system that an end names; None of an image that could not be planned.

        Raises
        ------
        MetadataError
            If there is none; it says which there are.
        """
        if end.path is not None and self._owned(end.path)[0] is None:
            return None
        if end.path is None:
            known, where = self.systems, "the scene itself has"
            remedy = "add it to coordinateSystems, or give the path of its image"
        else:
            known = {s.name: s for s in self._systems_at(end.path)}
            where, remedy = f"{end.path!r} has", "name one that it has"
        if end.name not in known:
            raise MetadataError(
                f"names the system {end.name!r}, and {where} "
                f"{some([*map(repr, known)]) or 'none'}; {remedy}"
            )
        return known[str(end.name)]

    def own(self, path: str) -> CoordinateSystem | None:
        """The system of the coordinates of the image or label image at a path."""
        if self.owner(path) is None:
            return None
        plan, inside = self._owned(path)
        node = None if plan is None else plan.groups.get(inside)
        if node is None or not isinstance(node.model, Image):
            return None
        return node.model.multiscale.system

    def _systems_at(self, path: str) -> Iterator[CoordinateSystem]:
        plan, inside = self._owned(path)
        node = None if plan is None else plan.groups.get(inside)
        if node is None or not isinstance(node.model, Image):
            raise self._no_image(path)
        for picture in node.model.multiscales:
            yield from picture.coordinate_systems

    def _owned(self, path: str) -> tuple[Hierarchy | None, str]:
        """The image that is at a path or above it, and the rest of the path."""
        owner = self.owner(path)
        if owner is None:
            raise self._no_image(path)
        return self.images[owner], path[len(owner) :].lstrip("/")

    def _no_image(self, path: str) -> MetadataError:
        return MetadataError(
            f"names the path {path!r}, where no image is; there are "
            f"{some([*map(repr, self.images)])}"
        )

    def owner(self, path: str) -> str | None:
        """The path of the image that is at a path, or has a label image there."""
        while path and path not in self.images:
            path = path.rpartition("/")[0]
        return path or None


def starts_of(scene: Scene, members: Members) -> dict[str, Ends]:
    """Axes at both ends of fields of vectors, by path of the field."""
    found: dict[str, Ends] = {}
    for way in scene.coordinate_transformations:
        if not any(True for _ in named(way)):
            continue
        with suppress(MetadataError):
            start, end = _ends(way, members)
            axes = [None if system is None else system.axes for system in (start, end)]
            for path, known in fields_in(way, *axes):
                found.setdefault(path, known)
    return found


def check_graph(
    scene: Scene, members: Members, numbers: Mapping[str, Hierarchy], said: Said
) -> None:
    """Measure the transformations of a scene with the images in it.

    Parameters
    ----------
    scene : Scene
        The metadata.
    members : Members
        What they can name.
    numbers : mapping
        Matrices and fields as they are planned, by path.
    said : Said
        Is told where an end names no system that is there, numbers of axes do not
        fit, or an image hangs loose.
    """
    for number, way in enumerate(scene.coordinate_transformations):
        with said.about(_place(number, way)):
            start, end = _ends(way, members)
            if start is None or end is None:
                continue
            sized = with_numbers(way, numbers)
            _check_sizes(sized, len(start.axes), len(end.axes))
            if slips := jumps(way, start, end):
                with said.about(_named(way.input)):
                    warn("; ".join(slips) + REMEDY)
    with said.about("coordinateTransformations"):
        _check_joined(scene, members)


def _place(number: int, way: Transformation) -> str:
    name = "" if way.name is None else f" ({way.name})"
    return f"coordinateTransformations/{number}{name}"


def _named(end: SystemReference | None) -> str:
    if end is None:
        return ""
    return f"{end.path}/{end.name}" if end.path else str(end.name)


def _ends(
    way: Transformation, members: Members
) -> tuple[CoordinateSystem | None, CoordinateSystem | None]:
    """The systems at both ends (RULES C8)."""
    found = []
    for key, end in (("input", way.input), ("output", way.output)):
        if end is None or end.name is None:
            raise MetadataError(
                f"{way.type!r} names no system as its {key}; give both ends, such as "
                "{'path': 'tile_0', 'name': 'physical'} for an image and "
                "{'name': 'world'} for a system of the scene"
            )
        try:
            found.append(members.system(end))
        except MetadataError as error:
            raise MetadataError(f"{key} {error}") from None
    return found[0], found[1]


def _check_sizes(way: Transformation, inputs: int, wanted: int) -> None:
    """Refuse a transformation that does not fit the systems at its ends (RULES C10)."""
    try:
        given = outputs(way, inputs)
    except ValueError as error:
        raise TransformationError(str(error)) from None
    if given is not None and given != wanted:
        raise TransformationError(
            f"{way.type!r} gives {given} axes, and the system that it leads to has "
            f"{wanted}; give it as many{homogeneous(way)}"
        )


def _check_joined(scene: Scene, members: Members) -> None:
    """Refuse images and systems that hang loose (RULES C9)."""
    nodes: list[Hashable] = [*members.systems, *((path,) for path in members.images)]
    graph = Graph(nodes)
    for way in scene.coordinate_transformations:
        ends = [_node(end, members) for end in (way.input, way.output)]
        if ends[0] is not None and ends[1] is not None:
            graph.join(ends[0], ends[1])
    first = graph.first
    apart = [_told(node) for node in graph.apart_from(first)]
    if apart:
        raise TransformationError(
            f"No transformation joins {some(apart)} to {_told(first)}; add one for "
            "each, or leave it out of what is written"
        )


def _node(end: SystemReference | None, members: Members) -> Hashable:
    """The image that has the system, whose own systems are joined, or its name."""
    if end is None or end.path is None:
        return None if end is None else end.name
    owner = members.owner(end.path)
    return None if owner is None else (owner,)


def _told(node: Hashable) -> str:
    return f"image {node[0]!r}" if isinstance(node, tuple) else f"system {node!r}"
