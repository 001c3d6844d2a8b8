"""Where levels lie that do not say it, each group being asked for its own version."""

from __future__ import annotations

import numpy as np
import pytest

from xarray_omezarr.hierarchy import ArrayNode, Deferred, GroupNode, Hierarchy, Layout
from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.places import level_sizes, with_places

EARLY, LATER = registry.get("0.3"), registry.get("0.4")
SHAPES = {"0": (8, 6), "1": (4, 3)}


def image() -> Image:
    axes = [Axis(name=name, type="space") for name in "yx"]
    levels = [Level.of(path, (1, 1)) for path in SHAPES]
    return Image(multiscales=(Multiscale.of(axes, levels),))


def arrays(below: str = "") -> dict[str, ArrayNode]:
    return {
        below + path: ArrayNode(
            ("y", "x"), shape, np.dtype("uint8"), Layout(shape), Deferred()
        )
        for path, shape in SHAPES.items()
    }


def coarser(hierarchy: Hierarchy, path: str = "") -> Level:
    return with_places(hierarchy).image(path).multiscale.levels[1]


def test_levels_of_early_versions_lie_where_their_sizes_say() -> None:
    level = coarser(Hierarchy(EARLY, {"": GroupNode(image()), **arrays()}))
    assert (level.scale, level.translation) == ((2.0, 2.0), (0.5, 0.5))


def test_where_the_version_tells_it_nothing_changes() -> None:
    same = Hierarchy(LATER, {"": GroupNode(image()), **arrays()})
    assert with_places(same) is same


@pytest.mark.parametrize(
    ("whole", "part", "scales"),
    [(LATER, EARLY, (1.0, 2.0)), (EARLY, LATER, (2.0, 1.0))],
)
def test_each_group_is_asked_for_its_own_version(whole, part, scales) -> None:
    mixed = Hierarchy(
        whole,
        {
            "": GroupNode(image()),
            **arrays(),
            "labels/a": GroupNode(image(), {}, part),
            **arrays("labels/a/"),
        },
    )
    assert mixed.version_of("") == whole
    assert mixed.version_of("labels/a") == part
    found = (coarser(mixed), coarser(mixed, "labels/a"))
    assert tuple(level.scale[0] for level in found) == scales


def test_sizes_are_those_of_the_levels_that_are_there() -> None:
    nodes = {"a": GroupNode(image()), **arrays("a/")}
    del nodes["a/1"]
    found = level_sizes(Hierarchy(EARLY, nodes), "a", image())
    assert found == {"0": {"y": 8, "x": 6}}
