"""A scene: its images, and what its transformations name, in the rounds of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xarray_omezarr.hierarchy import ArrayNode
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.named import image_paths
from xarray_omezarr.ngff.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xarray_omezarr.hierarchy import GroupNode
    from xarray_omezarr.store.open_images import Opening

_BELOW = "it is below an array, where no other node can be"


def open_scene(group: GroupNode, opening: Opening, *, labels: bool) -> Sequence[str]:
    """Open the images of a scene, and what its transformations name; their paths."""
    scene = group.model
    if not isinstance(scene, Scene):
        raise TypeError(f"{scene!r} is no scene")
    images, elsewhere = image_paths(scene)
    opening.left_out |= elsewhere
    numbers = opening.numbers.wanted({"": group})
    above = dict.fromkeys(group for path in images for group in _above(path))
    opening.images(
        dict.fromkeys(images),
        labels=labels,
        required=False,
        numbers=numbers,
        above=[path for path in above if path not in images],
    )
    return [*images]


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def check_numbers(group: GroupNode, opening: Opening) -> None:
    """Forget what metadata place below arrays; tell what of numbers is of no use."""
    if opening.numbers.named or isinstance(group.model, Scene):
        _forget_below_arrays(opening)
    opening.numbers.check({"": group, **opening.nodes})


def _forget_below_arrays(opening: Opening) -> None:
    nodes = opening.nodes
    arrays = {path for path, node in nodes.items() if isinstance(node, ArrayNode)}
    for path in [*nodes]:
        parts = path.split("/")
        if any("/".join(parts[:at]) in arrays for at in range(1, len(parts))):
            node = nodes.pop(path)
            if path in opening.numbers.named:
                opening.numbers.unusable[path] = _BELOW
            elif not isinstance(node, ArrayNode) and isinstance(node.model, Image):
                opening.left_out[path] = _BELOW
