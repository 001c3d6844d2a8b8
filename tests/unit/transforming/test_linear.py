from fractions import Fraction
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
    Translation,
)
from xarray_omezarr.transforming.linear import AlignedAxis, aligned, exact, matrix
from xarray_omezarr.transforming.stored import Field

FIELD = Field(np.zeros((2, 4, 4)), 0, (1.0, 1.0), (0.0, 0.0))


@pytest.mark.parametrize(
    ("transformation", "expected"),
    [
        (Identity(), [[1, 0, 0], [0, 1, 0]]),
        (Scale(scale=(2, -3)), [[2, 0, 0], [0, -3, 0]]),
        (Translation(translation=(2, 3)), [[1, 0, 2], [0, 1, 3]]),
        (MapAxis(map_axis=(1, 0)), [[0, 1, 0], [1, 0, 0]]),
        (ProjectAxis(dropped_inputs=(0,)), [[0, 1, 0]]),
        (ProjectAxis(created_outputs=(1,)), [[1, 0, 0], [0, 0, 0], [0, 1, 0]]),
        (Rotation(rotation=((0, 1), (-1, 0))), [[0, 1, 0], [-1, 0, 0]]),
        (Affine(affine=((1, 2, 3),)), [[1, 2, 3]]),
        (
            Sequence(
                transformations=(
                    Translation(translation=(1, 1)),
                    Affine(affine=((1, 2, 3), (4, 5, 6))),
                )
            ),
            # (y + 1) + 2 (x + 1) + 3, and 4 (y + 1) + 5 (x + 1) + 6
            [[1, 2, 6], [4, 5, 15]],
        ),
        (
            ByDimension(
                transformations=(
                    DimensionPart(
                        transformation=Scale(scale=(5,)),
                        input_axes=(1,),
                        output_axes=(0,),
                    ),
                )
            ),
            [[0, 5, 0]],
        ),
        (Bijection(forward=Scale(scale=(2, 2)), inverse=Identity()), np.eye(3)[:2] * 2),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_the_matrix_of_each_type(transformation: Any, expected: Any) -> None:
    found = matrix(transformation, 2)
    assert found is not None
    np.testing.assert_array_equal(found, expected)


def test_a_field_has_no_matrix() -> None:
    both = Sequence(transformations=(Identity(), Displacements(path="f")))
    for arrays in ({}, {"f": FIELD}):
        assert matrix(both, 2, arrays) is None
        assert aligned(both, 2, arrays) is None


def test_products_are_those_of_the_decimals_in_the_file() -> None:
    both = Sequence(
        transformations=(
            Scale(scale=(0.1, 1)),
            Translation(translation=(0.1, 0)),
            Scale(scale=(3, 1)),
        )
    )
    # Floats make 0.30000000000000004 of it.
    assert aligned(both, 2) == (AlignedAxis(0, 0.3, 0.3), AlignedAxis(1, 1, 0))
    third, one, nothing = Fraction(3, 10), Fraction(1), Fraction(0)
    assert exact(both, 2) == ((third, nothing, third), (nothing, one, nothing))


def test_axes_are_aligned_through_other_orders_and_projections() -> None:
    chain = Sequence(
        transformations=(
            MapAxis(map_axis=(2, 0, 1)),
            Scale(scale=(2, 3, 4)),
            ProjectAxis(dropped_inputs=(1,), created_outputs=(0,)),
            Translation(translation=(7, 8, 9)),
        )
    )
    assert aligned(chain, 3) == (
        AlignedAxis(None, 0.0, 7.0),
        AlignedAxis(2, 2.0, 8.0),
        AlignedAxis(1, 4.0, 9.0),
    )


def test_an_affine_is_aligned_where_each_row_has_one_factor() -> None:
    assert aligned(Affine(affine=((0, -2, 5), (3, 0, 0))), 2) == (
        AlignedAxis(1, -2.0, 5.0),
        AlignedAxis(0, 3.0, 0.0),
    )
    assert aligned(Affine(affine=((1, 1e-300, 0), (0, 1, 0))), 2) is None


def test_shears_that_cancel_are_aligned() -> None:
    there = Affine(affine=((1, 0.1, 0), (0, 1, 0)))
    back = Affine(affine=((1, -0.1, 0), (0, 1, 0)))
    assert aligned(Sequence(transformations=(there, back)), 2) == (
        AlignedAxis(0, 1.0, 0.0),
        AlignedAxis(1, 1.0, 0.0),
    )


def test_numbers_beyond_floats_are_told() -> None:
    huge = Sequence(transformations=(Scale(scale=(1e300,)), Scale(scale=(1e300,))))
    with pytest.raises(TransformationError, match=r"1\.8e308"):
        matrix(huge, 1)


def test_a_wrong_number_of_axes_is_told() -> None:
    with pytest.raises(TransformationError, match="of 2 axes, and is given 3"):
        matrix(Scale(scale=(1, 2)), 3)
