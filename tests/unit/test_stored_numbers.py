"""Matrices and fields told from nodes of a hierarchy."""

from __future__ import annotations

import numpy as np
import pytest

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.hierarchy import ArrayNode, Deferred, Given, GroupNode, Hierarchy
from xarray_omezarr.hierarchy import Layout as Cut
from xarray_omezarr.ngff import (
    Affine,
    Axis,
    Image,
    Level,
    Multiscale,
    Scale,
    Scene,
    SystemReference,
    Translation,
)
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.stored_numbers import array_of, arrays_in, field_of, numbers_of

VERSION = registry.get(registry.SUPPORTED[-1])
VECTORS = np.arange(24.0).reshape(2, 3, 4)
AXES = (
    Axis(name="d", type="displacement"),
    Axis(name="y", type="space"),
    Axis(name="x", type="space"),
)


def node(values: np.ndarray) -> ArrayNode:
    dims = tuple(f"dim_{n}" for n in range(values.ndim))
    return ArrayNode(dims, values.shape, values.dtype, Cut(values.shape), Given(values))


def hierarchy(*after: object, scale: tuple[float, ...] = (1.0, 2.0, 3.0)) -> Hierarchy:
    multiscale = Multiscale.of(AXES, [Level.of("s0", scale, (0.0, 4.0, 5.0))])
    multiscale = multiscale.model_copy(update={"coordinate_transformations": after})
    image = GroupNode(Image(multiscales=(multiscale,)))
    return Hierarchy(VERSION, {"f": image, "f/s0": node(VECTORS)})


def test_a_field_lies_where_its_finest_level_does() -> None:
    field = field_of(hierarchy(), "f")
    assert (field.scale, field.translation) == ((2.0, 3.0), (4.0, 5.0))
    assert field.component == 0
    assert field.vectors is VECTORS


def test_what_moves_the_whole_image_moves_the_field() -> None:
    moves = Scale(scale=(1, 0.1, 0.1)), Translation(translation=(0, 1, 2))
    field = field_of(hierarchy(*moves), "f")
    # Decimals stay what they are: 0.1 * 3 is 0.3.
    assert (field.scale, field.translation) == ((0.2, 0.3), (1.4, 2.5))


def test_without_its_finest_level_it_is_none() -> None:
    nodes = {"f": hierarchy()["f"]}
    with pytest.raises(MetadataError, match="finest level 's0' is not there"):
        field_of(Hierarchy(VERSION, nodes), "f")


def test_pixels_that_come_later_are_no_numbers() -> None:
    later = ArrayNode(("a", "b"), (2, 3), np.dtype(float), Cut((2, 3)), Deferred())
    with pytest.raises(MetadataError, match="numbers are wanted"):
        array_of(later, is_matrix=True)


def test_what_is_named_counts_from_the_group_that_names_it() -> None:
    there = SystemReference(name="physical")
    way = Affine(path="m", input=there, output=there)
    multiscale = Multiscale.of(AXES, [Level.of("s0", (1.0,) * 3)])
    multiscale = multiscale.model_copy(update={"coordinate_transformations": (way,)})
    out = way.model_copy(update={"path": "../m"})
    nodes = {
        "": GroupNode(Scene(coordinate_transformations=(way, out))),
        "a": GroupNode(Image(multiscales=(multiscale,))),
        "m": node(np.eye(3)),
        "a/m": node(np.eye(4)),
    }
    whole = Hierarchy(VERSION, nodes)
    numbers = numbers_of(whole)
    assert [*numbers] == ["m", "a/m"]
    found = arrays_in(whole, numbers)
    assert {path: array.shape for path, array in found.items()} == {
        "m": (3, 3),
        "a/m": (4, 4),
    }
