import math
from typing import Any

import numpy as np
import pytest

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff import (
    Affine,
    Bijection,
    ByDimension,
    Coordinates,
    DimensionPart,
    Displacements,
    Identity,
    MapAxis,
    ProjectAxis,
    Rotation,
    Scale,
    Sequence,
    SystemReference,
    Translation,
    UnknownTransformation,
)
from xarray_omezarr.transforming.applying import apply
from xarray_omezarr.transforming.inverting import invert

START, END = SystemReference(name="physical", path="a"), SystemReference(name="world")


def part(t: Any, start: tuple[int, ...], end: tuple[int, ...]) -> DimensionPart:
    return DimensionPart(transformation=t, input_axes=start, output_axes=end)


@pytest.mark.parametrize(
    ("transformation", "expected"),
    [
        (Identity(), {"type": "identity"}),
        (Scale(scale=(0.1, -4)), {"type": "scale", "scale": [10, -0.25]}),
        (
            Translation(translation=(0.5, -3, 0)),
            {"type": "translation", "translation": [-0.5, 3, 0]},
        ),
        (MapAxis(map_axis=(2, 0, 1)), {"type": "mapAxis", "mapAxis": [1, 2, 0]}),
        (
            Rotation(rotation=((0, -1), (1, 0))),
            {"type": "rotation", "rotation": [[0, 1], [-1, 0]]},
        ),
        (
            Affine(affine=((0.1, 0, 5), (0, 2, 1))),
            {"type": "affine", "affine": [[10, 0, -50], [0, 0.5, -0.5]]},
        ),
        (
            Affine(affine=((2, 1, 3), (1, 1, 4))),
            # The inverse of [[2, 1], [1, 1]] is [[1, -1], [-1, 2]].
            {"type": "affine", "affine": [[1, -1, 1], [-1, 2, -5]]},
        ),
        (
            Sequence(
                transformations=(Scale(scale=(2,)), Translation(translation=(3,)))
            ),
            {
                "type": "sequence",
                "transformations": [
                    {"type": "translation", "translation": [-3]},
                    {"type": "scale", "scale": [0.5]},
                ],
            },
        ),
        (
            ByDimension(
                transformations=(
                    part(Scale(scale=(4, 2)), (2, 0), (0, 1)),
                    part(Translation(translation=(1,)), (1,), (2,)),
                )
            ),
            {
                "type": "byDimension",
                "transformations": [
                    {
                        "transformation": {"type": "scale", "scale": [0.25, 0.5]},
                        "inputAxes": [0, 1],
                        "outputAxes": [2, 0],
                    },
                    {
                        "transformation": {"type": "translation", "translation": [-1]},
                        "inputAxes": [2],
                        "outputAxes": [1],
                    },
                ],
            },
        ),
        (
            Bijection(
                forward=Displacements(path="there"), inverse=Displacements(path="back")
            ),
            {
                "type": "bijection",
                "forward": {"type": "displacements", "path": "back"},
                "inverse": {"type": "displacements", "path": "there"},
            },
        ),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_the_inverse_of_each_type(transformation: Any, expected: Any) -> None:
    with_ends = transformation.model_copy(
        update={"input": START, "output": END, "name": "there"}
    )
    found = invert(with_ends).to_json()
    assert found.pop("input") == {"name": "world"}
    assert found.pop("output") == {"name": "physical", "path": "a"}
    # A name that tells the way there would be wrong.
    assert found == expected


def test_nothing_becomes_minus_zero() -> None:
    back = invert(Translation(translation=(0.0,)))
    assert isinstance(back, Translation)
    assert math.copysign(1, back.translation[0]) == 1


def test_a_rotation_with_three_decimals_is_inverted_by_what_leads_back() -> None:
    rounded = Rotation(rotation=((0.866, -0.5), (0.5, 0.866)))
    back = invert(rounded)
    assert back.type == "affine"
    points = np.array([[1000.0, -500.0]])
    np.testing.assert_allclose(apply(back, apply(rounded, points)), points, rtol=1e-12)


def test_stored_matrices_are_inverted_by_their_numbers() -> None:
    arrays = {"m": np.array([[2.0, 0, 4], [0, 1, 0]]), "r": np.array([[0, 1], [-1, 0]])}
    assert invert(Affine(path="m"), arrays).to_json() == {
        "type": "affine",
        "affine": [[0.5, 0, -2], [0, 1, 0]],
    }
    assert invert(Rotation(path="r"), arrays).to_json() == {
        "type": "rotation",
        "rotation": [[0, -1], [1, 0]],
    }


def test_parts_without_an_inverse_may_have_one_together() -> None:
    up_and_down = Sequence(
        transformations=(
            ProjectAxis(created_outputs=(1,)),
            Affine(affine=((2, 9, 0, 0), (0, 9, 1, 5))),
        )
    )
    assert invert(up_and_down).to_json() == {
        "type": "affine",
        "affine": [[0.5, 0, 0], [0, 1, -5]],
    }


def test_a_rotation_split_over_its_outputs_is_inverted_as_a_whole() -> None:
    split = ByDimension(
        transformations=(
            part(Affine(affine=((0, -1, 0),)), (0, 1), (0,)),
            part(Affine(affine=((1, 0, 0),)), (0, 1), (1,)),
        )
    )
    assert invert(split).to_json() == {
        "type": "affine",
        "affine": [[0, 1, 0], [-1, 0, 0]],
    }


def test_axes_that_a_by_dimension_leaves_out_stay_on_the_way_back() -> None:
    short = ByDimension(transformations=(part(Scale(scale=(2,)), (0,), (0,)),))
    for ndim in (None, 3):
        back = invert(short, ndim=ndim)
        np.testing.assert_array_equal(apply(back, [[2, 5, 7]]), [[1, 5, 7]])


def test_axes_of_very_different_units_do_not_make_a_matrix_singular() -> None:
    # Along one axis nanoseconds in seconds, along the other kilometers in nanometers.
    units = Affine(affine=((1e-9, 0, 0), (1e-9, 1e12, 0)))
    back = invert(units)
    points = np.array([[3.0, 4.0]])
    np.testing.assert_allclose(apply(back, apply(units, points)), points, rtol=1e-12)


@pytest.mark.parametrize(
    ("transformation", "says"),
    [
        (Scale(scale=(1, 0)), r"Scale \[1\.0, 0\.0\] has no inverse"),
        (Scale(scale=(1e-310,)), r"1\.8e308"),
        (ProjectAxis(dropped_inputs=(0,)), "dropped axes are lost.*'bijection'"),
        (ProjectAxis(created_outputs=(0,)), "few of all positions.*'bijection'"),
        (Affine(affine=((1, 2, 0), (2, 4, 0))), "determinant is 0"),
        # In decimals the rows are multiples, in floats they are not quite.
        (Affine(affine=((0.1, 0.2, 0), (0.3, 0.6, 0))), "determinant is 0"),
        (Affine(affine=((1, 1, 0), (1, 1 + 1e-15, 0))), r"determinant is 1\.11022e-15"),
        (Affine(affine=((1, 2, 0),)), "from 2 to 1 axes has no inverse"),
        (Displacements(path="f"), "'displacements' has no inverse.*'bijection'"),
        (Coordinates(path="f"), "'coordinates' has no inverse.*'bijection'"),
        (UnknownTransformation(type="spline"), "'spline' is none of the standard"),
        (
            Sequence(transformations=(Scale(scale=(1,)), Displacements(path="f"))),
            "'displacements' has no inverse",
        ),
        (
            ByDimension(transformations=(part(Scale(scale=(2,)), (1,), (0,)),)),
            r"inputAxes \[1\] in all.*each axis once",
        ),
        (Affine(path="gone"), "'gone'"),
    ],
)
def test_what_has_no_inverse_is_refused(transformation: Any, says: str) -> None:
    with pytest.raises(TransformationError, match=says):
        invert(transformation)
