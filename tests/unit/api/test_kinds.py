"""What the nodes of a tree are, told by what they hold."""

from __future__ import annotations

import numpy as np
import xarray as xr

from xarray_omezarr.api.kinds import field_levels, node_kind, node_levels


def held(size=8, name="image") -> xr.Dataset:
    return xr.Dataset({name: (("y", "x"), np.ones((size, size), "uint8"))})


def tree(**nodes) -> xr.DataTree:
    return xr.DataTree.from_dict({k.replace("_", "/"): v for k, v in nodes.items()})


def kinds(found: xr.DataTree, *paths: str) -> list[str | None]:
    return [node_kind(found[path]) for path in paths]


def test_fields_that_hold_their_variable_are_images_of_one_level() -> None:
    one = tree(A_1_0=held(), B_2_0=held())
    assert kinds(one, "/", "A", "A/1", "A/1/0") == ["plate", None, "well", "image"]
    (level,) = node_levels(one["A/1/0"])
    assert level.identical(held())
    assert field_levels(one["A/1/0"]) == [one["A/1/0"]]


def test_fields_of_other_sizes_are_no_levels_of_their_well() -> None:
    one = tree(A_1_0=held(), A_1_1=held(4))
    assert kinds(one, "/", "A/1", "A/1/0", "A/1/1") == [
        *("plate", "well", "image", "image")
    ]


def test_levels_of_fields_are_no_images() -> None:
    one = tree(A_1_0_0=held(), A_1_0_1=held(4), A_2_0_0=held(), A_2_0_1=held(4))
    assert kinds(one, "/", "A/1", "A/1/0", "A/1/0/0") == [
        *("plate", "well", "image", None)
    ]
    assert [level.sizes["x"] for level in node_levels(one["A/1/0"])] == [8, 4]
    assert node_levels(one["A/1/0/0"]) == ()


def test_a_tree_of_levels_is_an_image_and_its_levels_are_none() -> None:
    one = xr.DataTree.from_dict({"0": held(), "1": held(4)})
    assert kinds(one, "/", "0", "1") == ["image", None, None]


def test_a_root_that_holds_its_variable_is_an_image_of_one_level() -> None:
    one = xr.DataTree(held())
    assert node_kind(one) == "image"
    assert [level.sizes["x"] for level in node_levels(one)] == [8]


def test_label_images_that_hold_their_variable_are_labels() -> None:
    nodes = {"0": held(), "1": held(4), "labels/cells": held(name="labels")}
    one = xr.DataTree.from_dict(nodes)
    assert kinds(one, "/", "labels", "labels/cells") == ["image", "labels", "labels"]
    assert len(node_levels(one["labels/cells"])) == 1


def test_what_a_collection_tells_beside_its_images_is_none_of_them() -> None:
    nodes = {"0/0": held(), "0/1": held(4), "1/0": held(), "1/1": held(4)}
    one = xr.DataTree.from_dict({**nodes, "OME": xr.Dataset(attrs={"a": 1})})
    assert kinds(one, "/", "0", "0/0") == ["bioformats2raw", "image", None]


def test_a_group_of_nothing_is_of_no_kind() -> None:
    one = xr.DataTree.from_dict({"a/b": xr.Dataset()})
    assert kinds(one, "/", "a", "a/b") == [None, None, None]
    assert node_levels(one) == ()
