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
    Scale,
    Sequence,
    UnknownTransformation,
)
from xarray_omezarr.transforming.dependence import depends
from xarray_omezarr.transforming.stored import Field

LINE = Field(np.zeros((1, 4)), 0, (1.0,), (0.0,))
PLANE = Field(np.zeros((3, 4, 4)), 0, (1.0, 1.0), (0.0, 0.0))


def part(t: Any, start: tuple[int, ...], end: tuple[int, ...]) -> DimensionPart:
    return DimensionPart(transformation=t, input_axes=start, output_axes=end)


@pytest.mark.parametrize(
    ("transformation", "ndim", "expected"),
    [
        (Identity(), 2, [{0}, {1}]),
        (MapAxis(map_axis=(2, 0, 1)), 3, [{2}, {0}, {1}]),
        (ProjectAxis(dropped_inputs=(0,), created_outputs=(0,)), 2, [set(), {1}]),
        (Affine(affine=((1, 0, 0), (2, 3, 0), (0, 0, 5))), 2, [{0}, {0, 1}, set()]),
        (Displacements(path="any"), 2, [{0, 1}, {0, 1}]),
        (Coordinates(path="plane"), 2, [{0, 1}, {0, 1}, {0, 1}]),
        (
            ByDimension(
                transformations=(
                    part(Coordinates(path="line"), (2,), (0,)),
                    part(Displacements(path="any"), (1, 0), (1, 2)),
                )
            ),
            3,
            [{2}, {0, 1}, {0, 1}],
        ),
        (
            ByDimension(transformations=(part(Displacements(path="any"), (0,), (0,)),)),
            3,
            [{0}, {1}, {2}],
        ),
        (
            Sequence(
                transformations=(
                    MapAxis(map_axis=(1, 0)),
                    ByDimension(
                        transformations=(
                            part(Coordinates(path="line"), (0,), (0,)),
                            part(Identity(), (1,), (1,)),
                        )
                    ),
                    Scale(scale=(2, 2)),
                )
            ),
            2,
            [{1}, {0}],
        ),
        (
            Bijection(
                forward=Displacements(path="any"), inverse=Displacements(path="any")
            ),
            2,
            [{0, 1}, {0, 1}],
        ),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_outputs_depend_on_inputs(
    transformation: Any, ndim: int, expected: list[set[int]]
) -> None:
    found = depends(transformation, ndim, {"line": LINE, "plane": PLANE})
    assert [set(inputs) for inputs in found] == expected


def test_what_cancels_is_no_dependence() -> None:
    there = Affine(affine=((1, 0.1, 0), (0, 1, 0)))
    back = Affine(affine=((1, -0.1, 0), (0, 1, 0)))
    line = ByDimension(
        transformations=(
            part(Coordinates(path="line"), (0,), (0,)),
            part(Identity(), (1,), (1,)),
        )
    )
    chain = Sequence(transformations=(there, back, line))
    assert depends(chain, 2, {"line": LINE}) == (frozenset({0}), frozenset({1}))


def test_a_field_that_is_missing_is_named() -> None:
    with pytest.raises(TransformationError, match="'gone', which is not given"):
        depends(Coordinates(path="gone"), 2)


def test_types_that_are_not_known_are_refused() -> None:
    with pytest.raises(TransformationError, match="'spline'"):
        depends(UnknownTransformation(type="spline"), 2)
