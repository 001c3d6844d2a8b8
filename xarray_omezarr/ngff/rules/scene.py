"""Scene: what the standard demands of several images placed in one space."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from xarray_omezarr.errors import some
from xarray_omezarr.ngff.rules.dimensions import check_dimensions
from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.graph import Graph
from xarray_omezarr.ngff.rules.spot import Spot, text
from xarray_omezarr.ngff.rules.systems import check_systems
from xarray_omezarr.ngff.rules.transforms import check_transform

_SCENE = "scene"


def check_scene(scene: Spot) -> None:
    """Measure the object ``scene`` (RULES C8, C9)."""
    if not scene.is_object(f"{_SCENE}: an object"):
        return
    sizes: dict[str, int | None] = {}
    systems = scene.child("coordinateSystems")
    demand = f"{_SCENE}: coordinate systems are a list of different objects"
    if systems is not None and systems.is_list(demand, unique=True):
        sizes = check_systems(systems)
    demand = f"{_SCENE}: has transformations, at least one"
    transforms = scene.need("coordinateTransformations", demand)
    if transforms is None or not transforms.is_list(demand, 1):
        return
    nodes: list[Hashable] = list(sizes)
    graph = Graph(nodes)
    for transform in transforms.items():
        check_transform(transform)
        _check_ends(transform, sizes, graph)
    first = graph.first
    if scene.follows_text and first is not None:
        apart = [_named(system) for system in graph.apart_from(first)]
        if apart:  # RULES C9
            scene.must(
                f"has {some(apart)}, which no transformation joins to {_named(first)}",
                f"{_SCENE}: transformations join all systems",
                "add transformations between them",
            )


def _named(system: Hashable) -> str:
    if isinstance(system, tuple):
        return f"the systems of {seen(system[0])}"
    return f"the system {seen(system)}"


def _check_ends(transform: Spot, sizes: Mapping[str, int | None], graph: Graph) -> None:
    if not isinstance(transform.value, dict):
        return
    joined: list[Hashable] = []
    counts: list[int | None] = []
    for key in ("input", "output"):
        end = transform.need(key, f"{_SCENE}: transformations have input and output")
        node = None if end is None else _check_end(end, sizes)
        counts.append(sizes.get(node) if isinstance(node, str) else None)
        if node is not None:
            joined.append(node)
    if transform.follows_text:
        check_dimensions(transform, counts[0], counts[1])  # RULES C10
        if len(joined) == 2:
            graph.join(*joined)


def _check_end(end: Spot, sizes: Mapping[str, int | None]) -> Hashable | None:
    """What it stands for: the name of an own system, or the path of an image."""
    demand = f"{_SCENE}: input and output are objects with name, and path if below"
    if not end.is_object(demand):
        return None
    for key in end.value:
        if key not in ("name", "path"):
            Spot(end.value[key], end.log, end, key).error(
                "is another key than name and path", demand, "remove it"
            )
    name, path = end.need("name", demand), end.child("path")
    if name is not None:
        name.is_text(demand)
    if path is not None and path.value is None and end.follows_text:
        # RULES 11: the text takes a null, the schema does not.
        path.should("is null", demand, "leave it out")
    elif path is not None:
        path.is_text(demand)
    told, place = text(end.value, "name"), text(end.value, "path")
    if told is None:
        return None
    if place:
        # Systems of one image are joined by the image itself.
        return (place.strip("/"),)
    if told not in sizes:
        end.must(
            f"names the system {seen(told)}, which the scene has not",
            f"{_SCENE}: a name without path is of a system of the scene",
            "add the system, or the path of its image",
        )
    return told
