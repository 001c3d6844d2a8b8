"""Matrices and fields by their paths, opened from stores that zarr alone wrote."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.storage import LocalStore, MemoryStore

from tests.integration.scenes import AFFINE, VECTORS, Rounds, image, matrix, registered
from xarray_omezarr.errors import OmeZarrWarning, TargetNotFoundError
from xarray_omezarr.ngff.named import Named
from xarray_omezarr.store.open_arrays import read_arrays
from xarray_omezarr.transforming.stored import Field

FIELD = "numbers/field"


@pytest.fixture
def root() -> zarr.Group:
    return zarr.create_group(MemoryStore())


def field(found: Any) -> tuple[tuple[int, ...], int, Any, Any]:
    assert isinstance(found, Field)
    return found.vectors.shape, found.component, found.scale, found.translation


def test_they_are_known_by_the_paths_as_told() -> None:
    store = MemoryStore()
    registered(store)
    paths = ["numbers/affine", "/numbers/./affine", FIELD]
    counting = Rounds(store)
    found = read_arrays(counting, paths)
    assert [*found] == paths
    assert counting.pixels == []
    # The group, what stands at the paths, and the levels of the field.
    assert counting.rounds == 3
    np.testing.assert_array_equal(found["/numbers/./affine"][:, :], AFFINE)
    assert field(found[FIELD]) == ((2, 4, 4), 0, (2.0, 3.0), (3.0, 4.0))


def test_paths_count_from_the_group(tmp_path: Path) -> None:
    registered(LocalStore(tmp_path))
    found = read_arrays(tmp_path, ["affine"], group="numbers")
    travelled = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(travelled["affine"][0:1, :], AFFINE[:1])


@pytest.mark.parametrize(
    ("shape", "names", "component"),
    [
        ((2, 5, 7), None, 0),
        ((5, 7, 2), None, 2),
        # Where both ends could be, the first is as the standard has it.
        ((2, 5, 2), None, 0),
        ((2, 5, 2), ["y", "x", "displacement"], 2),
        ((5, 3, 6, 7), ["t", "coordinate", "y", "x"], 1),
    ],
)
def test_an_array_alone_is_a_field_of_indices(
    root: zarr.Group, shape: tuple[int, ...], names: Any, component: int
) -> None:
    root.create_array("f", data=np.zeros(shape), dimension_names=names)
    ndim = len(shape) - 1
    found = read_arrays(root, [Named("f", "displacements", False)])["f"]
    assert field(found) == (shape, component, (1.0,) * ndim, (0.0,) * ndim)


def test_numbers_along_one_axis_are_vectors_of_one_entry(root: zarr.Group) -> None:
    root.create_array("line", data=np.arange(7.0) ** 2)
    found = read_arrays(root, ["line"])["line"]
    assert field(found) == ((1, 7), 0, (1.0,), (0.0,))
    np.testing.assert_array_equal(found.vectors[:, 2:5], [[4.0, 9.0, 16.0]])
    np.testing.assert_array_equal(found.vectors[0:0, :], np.zeros((0, 7)))


def test_two_dims_are_a_matrix_unless_a_field_is_named(root: zarr.Group) -> None:
    root.create_array("both", data=np.zeros((1, 5)))
    assert read_arrays(root, ["both"])["both"].shape == (1, 5)
    found = read_arrays(root, [Named("both", "coordinates", False)])["both"]
    assert field(found) == ((1, 5), 0, (1.0,), (0.0,))


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        ("gone", "there is nothing of that name"),
        ("../a", "it leads out of the group"),
        ("C:/a", "a drive or a protocol"),
        ("group", "a Zarr group without OME-Zarr metadata"),
        ("odd", "none of whose ends is 2"),
        ("empty", "it is empty"),
        (Named("cube", "affine", True), "a matrix has two dims"),
        (Named("image", "affine", True), "a matrix is an array"),
        ("image", "'displacement' or 'coordinate'"),
        ("half", "there is no array of that name"),
    ],
)
def test_what_cannot_be_used_is_told_and_left_out(
    root: zarr.Group, one: Any, reason: str
) -> None:
    root.create_group("group")
    root.create_array("odd", data=np.zeros((4, 5, 7)))
    root.create_array("empty", data=np.zeros((0, 3)))
    root.create_array("cube", data=np.zeros((2, 2, 2)))
    image(root, "image")
    image(
        root,
        "half",
        told=VECTORS,
        scale=(1.0,) * 3,
        translation=(0.0,) * 3,
        sizes=(2, 4, 4),
    )
    del root["half/s0"]
    matrix(root, "fine")
    with pytest.warns(OmeZarrWarning, match="cannot be applied") as seen:
        found = read_arrays(root, [one, "fine"])
    assert [*found] == ["fine"]
    path = one if isinstance(one, str) else one.path
    assert f"{path!r} (" in str(seen[0].message)
    assert reason in str(seen[0].message)


def test_a_store_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TargetNotFoundError):
        read_arrays(tmp_path / "nowhere", ["a"])
