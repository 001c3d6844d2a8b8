"""Which nodes below an image hold matrices and fields."""

from __future__ import annotations

import numpy as np
import xarray as xr

from xarray_omezarr.grid.names import KIND_KEY
from xarray_omezarr.write.number_nodes import (
    is_matrix,
    level_children,
    node_at,
    number_nodes,
)

LEVEL = xr.Dataset({"image": (("y", "x"), np.zeros((4, 4)))})
MATRIX = xr.Dataset({"parameters": (("output", "input"), np.eye(2, 3))})
WAYS = [
    {"type": "affine", "path": "/numbers//stage/"},
    {"type": "bijection", "forward": {"type": "displacements", "path": "warp"}},
    {"type": "affine", "path": "../elsewhere"},
    {"type": "identity", "input": {"path": "0"}},
]


def tree(**attrs: object) -> xr.DataTree:
    return xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs=attrs),
            "/0": LEVEL,
            "/labels/cells/0": LEVEL,
            "/numbers/stage": MATRIX,
            "/warp/0": LEVEL,
        }
    )


def told() -> xr.DataTree:
    return tree(ome={"multiscales": [{"coordinateTransformations": WAYS}]})


def test_those_are_found_that_transformations_name() -> None:
    assert [*number_nodes(told())] == ["numbers/stage", "warp"]
    assert [*number_nodes(tree(), ["warp", "missing"])] == ["warp"]
    assert number_nodes(tree(ome=3)) == {}


def test_they_are_no_levels() -> None:
    assert level_children(told()) == ["0", "labels"]
    assert level_children(tree(), ["warp"]) == ["0", "labels"]


def test_matrices_are_no_levels_though_nothing_names_them() -> None:
    assert {*level_children(tree())} == {"0", "labels", "warp"}


def test_images_inside_of_an_image_that_was_read_are_no_levels() -> None:
    read = tree()
    read.encoding[KIND_KEY] = read["warp"].encoding[KIND_KEY] = "image"
    assert level_children(read) == ["0", "labels"]


def test_a_matrix_is_known_by_its_kind_or_by_its_dims() -> None:
    node = tree()["numbers/stage"]
    assert is_matrix(node)
    other = xr.DataTree(MATRIX.rename(output="a", input="b"))
    assert not is_matrix(other)
    other.encoding[KIND_KEY] = "parameters"
    assert is_matrix(other)


def test_nodes_that_are_not_there_are_none() -> None:
    assert node_at(tree(), "numbers/other/deep") is None
