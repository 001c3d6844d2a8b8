"""Why unevenly spaced coordinates are kept beside, and not written as `coordinates`.

The standard shows a `byDimension` of one-dimensional `coordinates`. A field is an
image, and images of the standard have two or three axes of space: what holds one axis
is none. When this fails, the decision in docs/design/transformations.md is made anew.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import xarray_omezarr as xo
from tests.conformance.cases import SPEC
from xarray_omezarr.ngff.transforms import parse_transformation
from xarray_omezarr.transforming.applying import apply
from xarray_omezarr.transforming.stored import Field

FRAGMENTS = SPEC / "0.6" / "tests" / "fragment" / "spec" / "valid" / "transforms"
VECTOR = {"name": "v", "type": "coordinate", "discrete": True}


def field(*axes: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a field with these axes beside that of its vectors."""
    scale = {
        "type": "scale",
        "scale": [1.0] * (len(axes) + 1),
        "input": {"path": "0"},
        "output": {"name": "physical"},
    }
    entry = {
        "coordinateSystems": [{"name": "physical", "axes": [VECTOR, *axes]}],
        "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
    }
    return {"ome": {"version": "0.6", "multiscales": [entry]}}


def space(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "type": "space", "unit": "micrometer"} for name in names]


TIME = {"name": "t", "type": "time", "unit": "second"}


@pytest.mark.parametrize("version", ["0.6rc0", "0.6"])
@pytest.mark.parametrize(
    ("axes", "is_valid"),
    [(space("x"), False), ([TIME], False), (space("y", "x"), True)],
    ids=["x", "t", "yx"],
)
def test_a_field_of_one_axis_is_no_image_of_the_standard(
    schema_errors, version, axes, is_valid
) -> None:
    attributes = field(*axes)
    attributes["ome"]["version"] = version
    assert (schema_errors(version, "image", attributes) == []) == is_valid
    assert xo.validate_attributes(attributes).ok == is_valid
    assert xo.validate_attributes(attributes, level="schema").ok == is_valid


def transforms(name: str) -> list[Any]:
    text = (FRAGMENTS / f"example_{name}.json").read_text("utf-8")
    return json.loads(text)["coordinateTransformations"]


def test_of_the_two_examples_one_has_the_form_of_a_draft(schema_errors) -> None:
    (draft,) = transforms("byDimensionXarray")
    part = draft["transformations"][0]
    assert "transformation" not in part
    (example,) = transforms("xarrayLike")
    assert "transformation" in example["transformations"][0]
    scene = {"coordinateSystems": [], "coordinateTransformations": [draft]}
    attributes = {"ome": {"version": "0.6", "scene": scene}}
    assert schema_errors("0.6", "scene", attributes)
    scene["coordinateTransformations"] = [example]
    assert not schema_errors("0.6", "scene", attributes)


def test_the_example_is_applied_where_fields_of_one_axis_are_given() -> None:
    (example,) = transforms("xarrayLike")
    uneven = {"/xCoordinates": [0.0, 1.0, 4.0], "/yCoordinates": [10.0, 30.0, 31.0]}
    arrays = {
        path: Field(np.array([values]), 0, (1.0,), (0.0,))
        for path, values in uneven.items()
    }
    points = np.array([[0.0, 0.0], [1.0, 2.0], [1.5, 0.5]])
    told = parse_transformation(example, "")
    assert told is not None
    found = apply(told, points, arrays)
    np.testing.assert_array_equal(found, [[0.0, 10.0], [1.0, 31.0], [2.5, 20.0]])
