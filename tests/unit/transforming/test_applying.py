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
    Translation,
    UnknownTransformation,
)
from xarray_omezarr.transforming.applying import apply
from xarray_omezarr.transforming.stored import Field

POINTS = [[1.0, 2.0, 3.0], [-4.0, 0.5, 10.0]]


def by_dimension(*parts: tuple[Any, tuple[int, ...], tuple[int, ...]]) -> ByDimension:
    return ByDimension(
        transformations=tuple(
            DimensionPart(transformation=t, input_axes=start, output_axes=end)
            for t, start, end in parts
        )
    )


# By hand: what each type makes of the two points above.
@pytest.mark.parametrize(
    ("transformation", "expected"),
    [
        (Identity(), [[1, 2, 3], [-4, 0.5, 10]]),
        (Scale(scale=(2, 0.5, -1)), [[2, 1, -3], [-8, 0.25, -10]]),
        (Translation(translation=(10, 20, -3)), [[11, 22, 0], [6, 20.5, 7]]),
        (MapAxis(map_axis=(2, 0, 1)), [[3, 1, 2], [10, -4, 0.5]]),
        (ProjectAxis(dropped_inputs=(1,)), [[1, 3], [-4, 10]]),
        (ProjectAxis(created_outputs=(0, 2)), [[0, 1, 0, 2, 3], [0, -4, 0, 0.5, 10]]),
        (
            ProjectAxis(dropped_inputs=(0,), created_outputs=(2,)),
            [[2, 3, 0], [0.5, 10, 0]],
        ),
        (
            Affine(affine=((1, 1, 0, 5), (0, 0, 2, -1))),
            [[1 + 2 + 5, 6 - 1], [-4 + 0.5 + 5, 20 - 1]],
        ),
        (
            Rotation(rotation=((0, -1, 0), (1, 0, 0), (0, 0, 1))),
            [[-2, 1, 3], [-0.5, -4, 10]],
        ),
        (
            Sequence(
                transformations=(
                    Translation(translation=(1, 1, 1)),
                    Scale(scale=(2, 2, 2)),
                    MapAxis(map_axis=(2, 1, 0)),
                )
            ),
            [[8, 6, 4], [22, 3, -6]],
        ),
        (
            by_dimension(
                (Scale(scale=(10, 100)), (2, 0), (0, 2)),
                (Translation(translation=(7,)), (1,), (1,)),
            ),
            [[30, 9, 100], [100, 7.5, -400]],
        ),
        (
            Bijection(
                forward=Scale(scale=(2, 2, 2)), inverse=Scale(scale=(0.5, 0.5, 0.5))
            ),
            [[2, 4, 6], [-8, 1, 20]],
        ),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_each_type_moves_positions_as_the_standard_says(
    transformation: Any, expected: list[list[float]]
) -> None:
    np.testing.assert_array_equal(apply(transformation, POINTS), expected)


# A field of 3 x 2 pixels, at y = 10, 12, 14 and x = 0, 1.
VECTORS = np.stack(
    [
        np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]),  # along y
        np.array([[10.0, 20.0], [30.0, 40.0], [50.0, 60.0]]),  # along x
    ]
)
FIELD = Field(VECTORS, component=0, scale=(2.0, 1.0), translation=(10.0, 0.0))


def test_displacements_are_added_to_positions() -> None:
    moved = apply(Displacements(path="warp"), [[12, 1], [11, 0]], {"warp": FIELD})
    # At (12, 1) the vector is (3, 40); half way between (0, 10) and (2, 30) at (11, 0).
    np.testing.assert_array_equal(moved, [[12 + 3, 1 + 40], [11 + 1, 0 + 20]])


def test_coordinates_are_looked_up() -> None:
    found = apply(
        Coordinates(path="there", interpolation="nearest"),
        [[12.9, 0.4], [13.1, 0.6]],
        {"there": FIELD},
    )
    np.testing.assert_array_equal(found, [[2, 30], [5, 60]])


def test_a_field_of_other_coordinates_may_give_more_axes_than_it_takes() -> None:
    three = Field(np.stack([*VECTORS, VECTORS[0]]), 0, (2.0, 1.0), (10.0, 0.0))
    found = apply(Coordinates(path="there"), [[10, 0]], {"there": three})
    np.testing.assert_array_equal(found, [[0, 10, 0]])


def test_numbers_of_matrices_may_be_in_arrays() -> None:
    arrays: dict[str, Any] = {
        "stage": np.array([[0, 2, 5], [1, 0, 7]], dtype=np.int16),
        "turn": np.array([[0, -1], [1, 0]], dtype=np.float32),
    }
    both = Sequence(transformations=(Affine(path="stage"), Rotation(path="turn")))
    # (3, 4) -> (2 * 4 + 5, 3 + 7) = (13, 10) -> (-10, 13)
    np.testing.assert_array_equal(apply(both, [3, 4], arrays), [-10, 13])


class Counted:
    """A matrix that counts how often it is read."""

    shape = (2, 3)
    dtype = np.dtype(np.float64)

    def __init__(self) -> None:
        self.reads = 0

    def __getitem__(self, key: Any) -> Any:
        self.reads += 1
        return np.array([[1.0, 0, 5], [0, 1, 7]])[key]


def test_a_stored_matrix_is_read_once() -> None:
    stored = Counted()
    twice = Sequence(transformations=(Affine(path="m"), Affine(path="m")))
    np.testing.assert_array_equal(apply(twice, [0, 0], {"m": stored}), [10, 14])
    assert stored.reads == 1


def test_a_large_array_is_refused_as_a_matrix_before_it_is_read() -> None:
    class Pixels(Counted):
        shape = (100_000, 100_000)

    pixels = Pixels()
    with pytest.raises(TransformationError, match=r"\(100000, 100000\)"):
        apply(Affine(path="0"), [1, 2], {"0": pixels})
    assert pixels.reads == 0


def test_a_single_point_gives_a_single_point() -> None:
    np.testing.assert_array_equal(apply(Scale(scale=(2, 3)), (1, 1)), [2, 3])


def test_shapes_before_the_last_are_kept() -> None:
    points = np.arange(24.0).reshape(2, 2, 2, 3)
    moved = apply(ProjectAxis(dropped_inputs=(2,)), points)
    np.testing.assert_array_equal(moved, points[..., :2])
    assert apply(Scale(scale=(1, 1)), np.empty((0, 2))).shape == (0, 2)


def test_the_result_is_of_float64_and_a_copy() -> None:
    points = np.array([[1.0, 2.0]])
    moved = apply(Identity(), points)
    moved[:] = 0
    assert points.tolist() == [[1.0, 2.0]]
    assert apply(Identity(), np.array([[3]], np.uint8)).dtype == np.float64


def test_nan_and_infinity_stay_along_the_axes_that_they_concern() -> None:
    sheared = Affine(affine=((1, 0, 1), (2, 1, 0)))
    moved = apply(sheared, [[5, math.nan], [math.inf, 0], [math.nan, 1]])
    np.testing.assert_array_equal(
        moved, [[6, math.nan], [math.inf, math.inf], [math.nan, math.nan]]
    )


def test_what_infinity_makes_undefined_is_nan_without_a_warning() -> None:
    both = Affine(affine=((1, 1, 0),))
    found = apply(both, [[math.inf, -math.inf], [math.inf, 1]])
    np.testing.assert_array_equal(found, [[math.nan], [math.inf]])
    np.testing.assert_array_equal(apply(Scale(scale=(0,)), [[math.inf]]), [[math.nan]])


def test_scale_and_translation_give_the_very_numbers_of_numpy() -> None:
    points = np.random.default_rng(7).normal(size=(1000, 2)) * 1e3
    scale, move = np.array([0.325, 1.7]), np.array([-0.1, 1e-3])
    both = Sequence(
        transformations=(
            Scale(scale=tuple(scale)),
            Translation(translation=tuple(move)),
        )
    )
    same = Affine(affine=((0.325, 0, -0.1), (0, 1.7, 1e-3)))
    np.testing.assert_array_equal(apply(both, points), points * scale + move)
    np.testing.assert_array_equal(apply(same, points), points * scale + move)


def test_axes_at_the_end_that_no_part_names_stay_what_they_are() -> None:
    short = by_dimension((Scale(scale=(2,)), (1,), (0,)), (Identity(), (0,), (1,)))
    np.testing.assert_array_equal(apply(short, [[1, 2, 3]]), [[4, 1, 3]])


def test_other_axes_that_no_part_takes_are_dropped() -> None:
    fewer = by_dimension((Scale(scale=(2,)), (2,), (0,)))
    np.testing.assert_array_equal(apply(fewer, [[1, 2, 3]]), [[6]])


def test_an_axis_may_be_taken_by_several_parts() -> None:
    twice = by_dimension(
        (Scale(scale=(2,)), (0,), (0,)), (Translation(translation=(5,)), (0,), (1,))
    )
    np.testing.assert_array_equal(apply(twice, [[3]]), [[6, 8]])


@pytest.mark.parametrize(
    ("transformation", "points", "says"),
    [
        (Scale(scale=(1, 2)), [[1, 2, 3]], "'scale' takes positions of 2 axes, and is"),
        (Translation(translation=(1,)), [[1, 2]], "of 1 axes, and is given 2"),
        (MapAxis(map_axis=(1, 0)), [1.0], "of 2 axes, and is given 1"),
        (Affine(affine=((1, 0, 0),)), [1.0], "of 2 axes, and is given 1"),
        (Rotation(rotation=((0, -1), (1, 0))), [[1.0]], "of 2 axes, and is given 1"),
        (ProjectAxis(dropped_inputs=(2,)), [[1, 2]], r"droppedInputs \[2\]"),
        (ProjectAxis(dropped_inputs=(0, 1)), [[1, 2]], "drops all 2 axes"),
        (ProjectAxis(created_outputs=(4,)), [[1, 2]], r"createdOutputs \[4\]"),
        (
            Sequence(transformations=(Identity(), Scale(scale=(1, 2)))),
            [1.0],
            "of 2 axes, and is given 1",
        ),
        (
            by_dimension((Identity(), (3,), (0,))),
            [[1, 2]],
            r"inputAxes \[3\], and is given positions of 2 axes",
        ),
        (Identity(), 5, r"shape \(\)"),
        (Identity(), [], r"shape \(0,\)"),
        (Identity(), [["a"]], "no real numbers"),
        (Identity(), [[1j]], "no real numbers"),
        (Identity(), [[1, 2], [3]], "no real numbers"),
        (Identity(), np.array(["2026-01-01"], "M8[s]"), "no real numbers"),
        (UnknownTransformation(type="spline"), [1.0], "'spline' is none of the stand"),
        (Affine(path="gone"), [1.0], r"'gone', which is not among .* \(there are none"),
        (Displacements(path="gone"), [1.0], "'gone'"),
    ],
)
def test_what_does_not_fit_is_refused(
    transformation: Any, points: Any, says: str
) -> None:
    with pytest.raises(TransformationError, match=says):
        apply(transformation, points)


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        (np.zeros((2, 3, 1)), r"shape \(2, 3, 1\): a matrix has two"),
        (np.array([[math.nan, 0, 0]]), "holds NaN"),
        (np.zeros((2, 3), complex), "holds complex128"),
        (np.zeros((2, 1)), "one row for each output axis"),
        (np.zeros((0, 3)), "one row for each output axis"),
        (FIELD, "holds a vector per pixel"),
    ],
)
def test_arrays_that_are_no_matrix_are_refused(stored: Any, says: str) -> None:
    with pytest.raises(TransformationError, match=says):
        apply(Affine(path="m"), [1.0, 2.0], {"m": stored})


def test_a_stored_rotation_that_is_none_is_refused() -> None:
    with pytest.raises(TransformationError, match=r"'m' of 'rotation' .*reflection"):
        apply(Rotation(path="m"), [1.0, 2.0], {"m": np.array([[0, 1], [1, 0]])})


def test_a_plain_array_is_refused_as_a_field() -> None:
    with pytest.raises(TransformationError, match="'f' is a plain array"):
        apply(Coordinates(path="f"), [1.0], {"f": np.zeros((1, 5))})


def test_a_field_with_too_few_entries_cannot_displace() -> None:
    one = Field(VECTORS[:1], 0, (2.0, 1.0), (10.0, 0.0))
    with pytest.raises(TransformationError):
        apply(Displacements(path="f"), [[10.0, 0.0]], {"f": one})


def test_axes_told_as_drafts_of_the_standard_did_are_refused() -> None:
    old = {"type": "scale", "scale": [2.0], "inputAxes": ["j"], "outputAxes": ["y"]}
    sequence = Sequence(transformations=(Scale.model_validate(old),))
    with pytest.raises(TransformationError, match="inputAxes, outputAxes"):
        apply(sequence, [1.0])
