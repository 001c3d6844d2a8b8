from typing import Any

import numpy as np
import pytest

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff import (
    Affine,
    Bijection,
    ByDimension,
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
from xarray_omezarr.transforming.simplifying import simplify


def sequence(*parts: Any, **others: Any) -> Sequence:
    return Sequence(transformations=parts, **others)


def part(t: Any, start: tuple[int, ...], end: tuple[int, ...]) -> DimensionPart:
    return DimensionPart(transformation=t, input_axes=start, output_axes=end)


TURN = Rotation(rotation=((0.6, -0.8), (0.8, 0.6)))
FIELD = Displacements(path="f")
MOVED = Translation(translation=(1, 0))


@pytest.mark.parametrize(
    ("transformation", "expected"),
    [
        (sequence(Identity(), Identity()), {"type": "identity"}),
        (Scale(scale=(1, 1)), {"type": "identity"}),
        (Translation(translation=(0, 0)), {"type": "identity"}),
        (MapAxis(map_axis=(0, 1)), {"type": "identity"}),
        (Rotation(rotation=((1, 0), (0, 1))), {"type": "identity"}),
        (Affine(affine=((1, 0, 0), (0, 1, 0))), {"type": "identity"}),
        (
            Affine(affine=((1, 0, 5), (0, 1, 0))),
            {"type": "translation", "translation": [5, 0]},
        ),
        (
            sequence(Translation(translation=(0.1,)), Translation(translation=(0.2,))),
            {"type": "translation", "translation": [0.3]},
        ),
        (Affine(affine=((2, 0, 0), (0, 3, 0))), {"type": "scale", "scale": [2, 3]}),
        (
            sequence(Scale(scale=(0.1,)), Scale(scale=(3,))),
            {"type": "scale", "scale": [0.3]},
        ),
        (
            sequence(Translation(translation=(1,)), Scale(scale=(0.1,))),
            {
                "type": "sequence",
                "transformations": [
                    {"type": "scale", "scale": [0.1]},
                    {"type": "translation", "translation": [0.1]},
                ],
            },
        ),
        (
            Rotation(rotation=((0, 1, 0), (0, 0, 1), (1, 0, 0))),
            {"type": "mapAxis", "mapAxis": [1, 2, 0]},
        ),
        (
            Affine(affine=((0, 1, 0), (1, 0, 0))),
            {"type": "mapAxis", "mapAxis": [1, 0]},
        ),
        (
            Affine(affine=((0, 0, 0), (0, 1, 0))),
            {"type": "projectAxis", "droppedInputs": [0], "createdOutputs": [0]},
        ),
        (
            sequence(ProjectAxis(created_outputs=(0,)), MapAxis(map_axis=(2, 0, 1))),
            # (y, x) -> (0, y, x) -> (x, 0, y): no type but affine gives another order.
            {"type": "affine", "affine": [[0, 1, 0], [0, 0, 0], [1, 0, 0]]},
        ),
        # The schemas have no projectAxis of more than three axes.
        (
            Affine(affine=((0, 0, 1, 0, 0, 0),)),
            {"type": "affine", "affine": [[0, 0, 1, 0, 0, 0]]},
        ),
        (sequence(TURN, Identity()), TURN.to_json()),
        (
            Affine(affine=((0.6, -0.8, 0), (0.8, 0.6, 0))),
            {"type": "rotation", "rotation": [[0.6, -0.8], [0.8, 0.6]]},
        ),
        (
            sequence(TURN, TURN),
            # cos and sin of twice the angle: 0.36 - 0.64, and 2 * 0.48.
            {"type": "rotation", "rotation": [[-0.28, -0.96], [0.96, -0.28]]},
        ),
        # A reflection is none, and a scale of the standard is positive.
        (
            Affine(affine=((0.6, 0.8, 0), (0.8, -0.6, 0))),
            {"type": "affine", "affine": [[0.6, 0.8, 0], [0.8, -0.6, 0]]},
        ),
        (
            Scale(scale=(-2, 1)),
            {"type": "affine", "affine": [[-2, 0, 0], [0, 1, 0]]},
        ),
        (
            Scale(scale=(0, 1)),
            {"type": "projectAxis", "droppedInputs": [0], "createdOutputs": [0]},
        ),
        (
            sequence(TURN, Translation(translation=(1, 2))),
            {"type": "affine", "affine": [[0.6, -0.8, 1], [0.8, 0.6, 2]]},
        ),
        (
            ByDimension(
                transformations=(
                    part(Scale(scale=(2,)), (1,), (1,)),
                    part(Identity(), (0,), (0,)),
                )
            ),
            {"type": "scale", "scale": [1, 2]},
        ),
        (
            sequence(
                sequence(
                    Scale(scale=(2, 2)), sequence(Translation(translation=(1, 0)))
                ),
                FIELD,
                sequence(Identity(), Scale(scale=(2, 2)), Scale(scale=(0.5, 0.5))),
                FIELD,
                Scale(scale=(3, 1)),
                Identity(),
            ),
            {
                "type": "sequence",
                "transformations": [
                    {"type": "scale", "scale": [2, 2]},
                    {"type": "translation", "translation": [1, 0]},
                    {"type": "displacements", "path": "f"},
                    {"type": "displacements", "path": "f"},
                    {"type": "scale", "scale": [3, 1]},
                ],
            },
        ),
        (sequence(Identity(), FIELD), {"type": "displacements", "path": "f"}),
        (
            sequence(UnknownTransformation(type="spline"), Identity()),
            {"type": "spline"},
        ),
        (
            Bijection(forward=Scale(scale=(0.1,)), inverse=Scale(scale=(10,))),
            {"type": "scale", "scale": [0.1]},
        ),
        (
            Bijection(forward=Identity(), inverse=Identity()),
            {"type": "identity"},
        ),
        # Numbers that no float holds are not multiplied.
        (
            sequence(Scale(scale=(1e300,)), Identity(), Scale(scale=(1e300,))),
            {
                "type": "sequence",
                "transformations": [
                    {"type": "scale", "scale": [1e300]},
                    {"type": "scale", "scale": [1e300]},
                ],
            },
        ),
        (
            sequence(Scale(scale=(1e-300,)), Scale(scale=(1e-300,))),
            {
                "type": "sequence",
                "transformations": [
                    {"type": "scale", "scale": [1e-300]},
                    {"type": "scale", "scale": [1e-300]},
                ],
            },
        ),
        # Without the number of axes there is no matrix of these.
        (
            sequence(Identity(), ProjectAxis(dropped_inputs=(0,))),
            {"type": "projectAxis", "droppedInputs": [0]},
        ),
    ],
)
def test_the_least_expressive_type_that_does_the_same(
    transformation: Any, expected: Any
) -> None:
    assert simplify(transformation).to_json() == expected


@pytest.mark.parametrize(
    "transformation",
    [
        # Its products are beyond floats.
        Affine(affine=((1e-200, 1e200, 0), (0, 1e-200, 0))),
        Bijection(forward=Scale(scale=(2,)), inverse=Scale(scale=(0.4999,))),
        Bijection(forward=FIELD, inverse=FIELD),
        Bijection(
            forward=Translation(translation=(1e-9,)),
            inverse=Translation(translation=(0,)),
        ),
        Rotation(rotation=((0.866, -0.5), (0.5, 0.866))),
        UnknownTransformation(type="spline"),
        sequence(Scale(scale=(2, 2)), Translation(translation=(1, 1)), name="pixels"),
    ],
)
def test_what_is_the_least_already_stays(transformation: Any) -> None:
    assert simplify(transformation) == transformation


def test_an_inverse_that_leads_back_as_far_as_floats_do_is_redundant() -> None:
    there = Affine(affine=((0.3, 0.1, 1000), (0.2, 0.7, -5)))
    found = np.linalg.inv([[0.3, 0.1, 1000], [0.2, 0.7, -5], [0, 0, 1]])
    back = Affine(affine=tuple(map(tuple, found[:2].tolist())))
    assert simplify(Bijection(forward=there, inverse=back)) == there


def test_the_ends_and_the_name_of_the_whole_are_kept() -> None:
    ends: dict[str, Any] = {
        "input": SystemReference(path="s0"),
        "output": SystemReference(name="physical"),
    }
    inner = Scale(scale=(2,), name="pixels")
    for whole in (
        sequence(inner, Identity(), name="whole", **ends),
        sequence(inner, inner, name="whole", **ends),
        sequence(Identity(), name="whole", **ends),
        sequence(inner, Translation(translation=(1,)), name="whole", **ends),
    ):
        simple = simplify(whole)
        assert (simple.input, simple.output) == (ends["input"], ends["output"])
        assert simple.name == "whole"
    assert simplify(sequence(inner, Identity(), **ends)).name == "pixels"


def test_unknown_keys_of_what_stays_are_kept() -> None:
    noted = Scale.model_validate({"type": "scale", "scale": [2], "note": "by hand"})
    assert simplify(sequence(noted, Identity())).to_json()["note"] == "by hand"


def test_stored_matrices_become_numbers() -> None:
    arrays = {"m": np.array([[2.0, 0, 4], [0, 2, 0]]), "r": np.array([[0, -1], [1, 0]])}
    simple = simplify(sequence(Affine(path="m"), Rotation(path="r")), arrays)
    # (2 y + 4, 2 x) turned: (-2 x, 2 y + 4)
    assert simple.to_json() == {"type": "affine", "affine": [[0, -2, 0], [2, 0, 4]]}
    rounded = {"r": np.array([[0.866, -0.5], [0.5, 0.866]])}
    assert simplify(Rotation(path="r"), rounded).to_json() == {
        "type": "rotation",
        "rotation": [[0.866, -0.5], [0.5, 0.866]],
    }


def test_the_number_of_axes_may_be_told() -> None:
    short = ByDimension(transformations=(part(Scale(scale=(2,)), (0,), (0,)),))
    assert simplify(short, ndim=3).to_json() == {"type": "scale", "scale": [2, 1, 1]}
    one = sequence(ProjectAxis(dropped_inputs=(0,)), ProjectAxis(created_outputs=(0,)))
    assert simplify(one, ndim=2).to_json() == {
        "type": "projectAxis",
        "droppedInputs": [0],
        "createdOutputs": [0],
    }


def test_parts_told_as_drafts_of_the_standard_did_are_left_alone() -> None:
    old = Scale.model_validate(
        {"type": "scale", "scale": [1.0], "inputAxes": ["j"], "outputAxes": ["y"]}
    )
    whole = sequence(FIELD, old)
    assert simplify(whole) == whole


def test_a_missing_matrix_is_named() -> None:
    with pytest.raises(TransformationError, match="'gone'"):
        simplify(sequence(Affine(path="gone"), Scale(scale=(2, 2))))


def test_a_wrong_number_of_axes_is_told() -> None:
    with pytest.raises(TransformationError, match="of 2 axes, and is given 3"):
        simplify(Scale(scale=(2, 2)), ndim=3)
