"""Transformations as values."""

from __future__ import annotations

from typing import Any

import pytest

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff import (
    Identity,
    Scale,
    Sequence,
    Translation,
    UnknownTransformation,
)
from xarray_omezarr.ngff.base import Model
from xarray_omezarr.ngff.dimensions import outputs

CHAIN = {
    "type": "sequence",
    "transformations": [
        {"type": "scale", "scale": [2, 3]},
        {"type": "sequence", "transformations": [{"type": "identity"}]},
        {"type": "translation", "translation": [0.5, -1]},
    ],
}


def test_each_object_becomes_the_model_of_its_type() -> None:
    chain = Sequence.model_validate(CHAIN)
    assert chain == Sequence(
        transformations=(
            Scale(scale=(2.0, 3.0)),
            Sequence(transformations=(Identity(),)),
            Translation(translation=(0.5, -1.0)),
        )
    )
    assert chain.to_json() == CHAIN


def test_the_type_cannot_be_another() -> None:
    with pytest.raises(MetadataError, match="/type is 'translation'"):
        Scale.model_validate({"type": "translation", "scale": [1, 1]})


def test_an_unknown_type_is_kept_with_all_it_says() -> None:
    json = {
        "type": "sequence",
        "transformations": [{"type": "shear", "shear": [[0, 1]], "name": "s"}],
    }
    chain = Sequence.model_validate(json)
    (shear,) = chain.transformations
    assert isinstance(shear, UnknownTransformation)
    assert shear.name == "s"
    assert chain.to_json() == json


def test_an_error_inside_an_unknown_type_is_told_where_it_stands() -> None:
    broken = {"transformations": [{"type": "shear", "input": 3}]}
    with pytest.raises(MetadataError, match="/transformations/0/input is 3"):
        Sequence.model_validate(broken)


def test_a_missing_type_is_told() -> None:
    with pytest.raises(MetadataError, match="/transformations/0 "):
        Sequence.model_validate({"transformations": [{"scale": [1, 1]}]})


def test_both_ends_and_the_name_are_kept() -> None:
    json = {
        "type": "scale",
        "name": "calibration",
        "input": {"path": "0"},
        "output": {"name": "physical"},
        "scale": [1.0, 2.0],
    }
    scale = Scale.model_validate(json)
    assert scale.input is not None
    assert scale.input.path == "0"
    assert scale.to_json() == json


def test_an_end_that_is_null_is_no_end() -> None:
    scale = Scale.model_validate(
        {"scale": [1], "input": None, "output": {"name": None}}
    )
    assert scale.input is None
    assert scale.to_json() == {"type": "scale", "output": {}, "scale": [1.0]}


@pytest.mark.parametrize("empty", [(), []])
def test_a_vector_has_entries(empty: object) -> None:
    with pytest.raises(MetadataError, match=r"/scale is .*: give at least one entry"):
        Scale.model_validate({"scale": empty})
    with pytest.raises(MetadataError, match="/translation is "):
        Translation.model_validate({"translation": empty})
    with pytest.raises(MetadataError, match="/transformations is "):
        Sequence.model_validate({"transformations": empty})


TURN = [[0.0, -1.0], [1.0, 0.0]]
PARTS = {
    "identity": {},
    "scale": {"scale": [2.0, 3.0]},
    "translation": {"translation": [2.0, -3.0]},
    "mapAxis": {"mapAxis": [1, 0]},
    "projectAxis": {"droppedInputs": [0], "createdOutputs": [1]},
    "affine": {"affine": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]},
    "rotation": {"rotation": TURN},
    "sequence": {"transformations": [{"type": "identity"}]},
    "byDimension": {
        "transformations": [
            {
                "transformation": {"type": "scale", "scale": [2.0]},
                "inputAxes": [at],
                "outputAxes": [1 - at],
            }
            for at in (0, 1)
        ]
    },
    "bijection": {
        "forward": {"type": "scale", "scale": [2.0, 4.0]},
        "inverse": {"type": "scale", "scale": [0.5, 0.25]},
    },
    "displacements": {"path": "field", "interpolation": "linear"},
    "coordinates": {"path": "field"},
}


@pytest.mark.parametrize("kind", PARTS)
def test_each_type_of_the_standard_is_read_and_written_alike(kind: str) -> None:
    json = {"type": kind, **PARTS[kind]}
    (read,) = Sequence.model_validate({"transformations": [json]}).transformations
    assert type(read).__name__.lower() == kind.lower()
    assert isinstance(read, Model)
    assert read.to_json() == json


@pytest.mark.parametrize(
    ("kind", "parts", "message"),
    [
        ("mapAxis", {"mapAxis": [0, 2]}, "give each of 0 to 1 once"),
        ("mapAxis", {"mapAxis": [1, 1]}, "give each of 0 to 1 once"),
        ("mapAxis", {"mapAxis": [-1, 0]}, "counted from 0"),
        ("mapAxis", {"mapAxis": [0.5, 0]}, "whole number"),
        ("projectAxis", {}, "neither droppedInputs nor createdOutputs"),
        ("projectAxis", {"droppedInputs": [1, 1]}, "each axis once"),
        ("projectAxis", {"createdOutputs": []}, "at least one entry"),
        ("affine", {}, "neither of 'affine' and 'path'"),
        ("affine", {"affine": [[1, 2]], "path": "a"}, "both of 'affine' and 'path'"),
        ("affine", {"affine": [[1, 2], [1]]}, "rows of lengths"),
        ("affine", {"affine": [[1], [2]]}, "one column"),
        ("rotation", {"rotation": [[1, 0], [0, -1]]}, "determinant -1"),
        ("rotation", {"rotation": [[2, 0], [0, 0.5]]}, "product 4"),
        ("rotation", {"rotation": [[1, 0, 0], [0, 1, 0]]}, "2 rows and 3 columns"),
        (
            "sequence",
            {
                "transformations": [
                    {"type": "scale", "scale": [1]},
                    {"type": "translation", "translation": [1, 2]},
                ]
            },
            "of 2 axes, and is given 1",
        ),
        (
            "byDimension",
            {
                "transformations": [
                    {
                        "transformation": {"type": "scale", "scale": [1, 2]},
                        "inputAxes": [0],
                        "outputAxes": [0],
                    }
                ]
            },
            "of 2 axes, and is given 1",
        ),
        (
            "byDimension",
            {
                "transformations": [
                    {
                        "transformation": {"type": "identity"},
                        "inputAxes": [0],
                        "outputAxes": [1],
                    }
                ]
            },
            "give each of 0 to 0 once",
        ),
        (
            "bijection",
            {
                "forward": {"type": "affine", "affine": [[1, 2, 3]]},
                "inverse": {"type": "identity"},
            },
            "there and back",
        ),
        ("displacements", {}, "path is missing"),
    ],
)
def test_what_a_type_demands_is_told(
    kind: str, parts: dict[str, Any], message: str
) -> None:
    json = {"transformations": [{"type": kind, **parts}]}
    with pytest.raises(MetadataError, match=message):
        Sequence.model_validate(json)


def test_numbers_of_axes_follow_from_the_type() -> None:
    def given(kind: str, inputs: int | None) -> int | None:
        json = {"transformations": [{"type": kind, **PARTS[kind]}]}
        return outputs(Sequence.model_validate(json), inputs)

    for kind in ("scale", "translation", "mapAxis", "rotation", "byDimension"):
        assert given(kind, None) == given(kind, 2) == 2
    assert given("affine", 2) == 2
    assert given("identity", 4) == given("displacements", 4) == 4
    assert given("projectAxis", 3) == 3
    assert given("coordinates", 3) is None
    for kind in ("scale", "affine", "rotation", "bijection"):
        with pytest.raises(ValueError, match="3"):
            given(kind, 3)


def test_axes_that_are_not_there_cannot_be_dropped() -> None:
    dropped = Sequence.model_validate(
        {"transformations": [{"type": "projectAxis", "droppedInputs": [2]}]}
    )
    assert outputs(dropped, 3) == 2
    with pytest.raises(ValueError, match=r"droppedInputs \[2\]"):
        outputs(dropped, 2)
