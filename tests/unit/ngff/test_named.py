"""What transformations name by a path, and where such paths lead."""

from __future__ import annotations

from typing import Any

import pytest

from xarray_omezarr.ngff import (
    Affine,
    Bijection,
    ByDimension,
    Coordinates,
    Displacements,
    Rotation,
    Scale,
    Scene,
    Sequence,
    SystemReference,
)
from xarray_omezarr.ngff.named import image_paths, named, renamed, within
from xarray_omezarr.ngff.transforms import DimensionPart

THERE = Sequence(transformations=(Displacements(path="there"), Affine(path="m")))
BACK = Sequence(transformations=(Scale(scale=(2, 2)), Displacements(path="back")))
BOTH = Bijection(forward=THERE, inverse=BACK)
PARTS = ByDimension(
    transformations=(
        DimensionPart(
            transformation=Coordinates(path="z"), input_axes=(0,), output_axes=(0,)
        ),
        DimensionPart(
            transformation=Rotation(path="turn"), input_axes=(1, 2), output_axes=(1, 2)
        ),
    )
)


def test_paths_are_found_however_deep_they_are() -> None:
    assert [(one.path, one.is_matrix) for one in named(BOTH)] == [
        ("there", False),
        ("m", True),
        ("back", False),
    ]
    assert [(one.path, one.type) for one in named(PARTS)] == [
        ("z", "coordinates"),
        ("turn", "rotation"),
    ]
    assert [*named(Affine(affine=((1, 0),)))] == []


def test_ends_are_no_numbers() -> None:
    end = SystemReference(name="physical", path="tile_0")
    assert [*named(Scale(scale=(1, 1), input=end, output=end))] == []


@pytest.mark.parametrize("whole", [BOTH, PARTS, Affine(path="m")])
def test_all_of_them_are_renamed(whole: Any) -> None:
    moved = renamed(whole, lambda path: f"a/{path}")
    assert [one.path for one in named(moved)] == [
        f"a/{one.path}" for one in named(whole)
    ]
    assert renamed(moved, lambda path: path.removeprefix("a/")) == whole


def test_what_names_nothing_stays_itself() -> None:
    way = Sequence(transformations=(Scale(scale=(2,)),))
    assert renamed(way, str.upper) is way


@pytest.mark.parametrize("path", ["a/b", "/a/b", "a//b", "./a/b/", "a/./b"])
def test_one_place_has_many_spellings(path: str) -> None:
    assert within(path) == "a/b"


@pytest.mark.parametrize(
    "path",
    ["", "/", ".", "..", "a/../b", "/../a", "C:/a", "/C:/a", "s3://a/b", "a\\b", "a\0"],
)
def test_no_path_leads_out_of_the_group(path: str) -> None:
    with pytest.raises(ValueError, match="it "):
        within(path)


def test_images_of_a_scene_are_told_once() -> None:
    ends = [SystemReference(name="w", path=path) for path in ("/b", "b", "a", None)]
    ways = [Scale(scale=(1, 1), input=end, output=ends[-1]) for end in ends]
    found, elsewhere = image_paths(Scene(coordinate_transformations=tuple(ways)))
    assert [*found] == ["b", "a"]
    assert elsewhere == {}
