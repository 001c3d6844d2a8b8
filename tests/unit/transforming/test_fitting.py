from typing import Any

import numpy as np
import pytest

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff import (
    Axis,
    ByDimension,
    CoordinateSystem,
    DimensionPart,
    Displacements,
    Scale,
    Sequence,
    SystemReference,
    Translation,
)
from xarray_omezarr.transforming.applying import apply
from xarray_omezarr.transforming.chains import between
from xarray_omezarr.transforming.fitting import fitted
from xarray_omezarr.transforming.frame import Frame, Way

START = SystemReference(name="physical")
SHORT = ByDimension(
    transformations=(
        DimensionPart(
            transformation=Scale(scale=(2,)), input_axes=(0,), output_axes=(0,)
        ),
    ),
    input=START,
)


@pytest.mark.parametrize(("outputs", "expected"), [(3, [[2, 2, 3]]), (1, [[2]])])
def test_the_system_it_leads_to_tells_whether_axes_stay(
    outputs: int, expected: Any
) -> None:
    whole = fitted(SHORT, 3, outputs)
    np.testing.assert_array_equal(apply(whole, [[1, 2, 3]]), expected)
    assert whole.input == START


def test_inside_a_sequence_what_follows_tells_as_well() -> None:
    first = Scale(scale=(1, 1, 1))
    chain = Sequence(transformations=(first, SHORT, Translation(translation=(5,))))
    np.testing.assert_array_equal(apply(fitted(chain, 3, 1), [[1, 2, 3]]), [[7]])
    moved = Translation(translation=(5, 0, 0))
    same = Sequence(transformations=(first, SHORT, moved))
    np.testing.assert_array_equal(apply(fitted(same, 3, 3), [[1, 2, 3]]), [[7, 2, 3]])


@pytest.mark.parametrize(
    "transformation",
    [
        Scale(scale=(2, 2)),
        Displacements(path="f"),
        Sequence(transformations=(Scale(scale=(2, 2)), Displacements(path="f"))),
    ],
)
def test_what_leaves_nothing_open_stays(transformation: Any) -> None:
    assert fitted(transformation, 2, 2) is transformation


def test_a_transformation_that_leads_elsewhere_is_told() -> None:
    with pytest.raises(TransformationError, match=r"gives 2 axes for 2, and .* has 3"):
        fitted(Scale(scale=(2, 2)), 2, 3)
    with pytest.raises(TransformationError, match=r"gives 3 axes for 3, and .* has 2"):
        fitted(SHORT, 3, 2)
    with pytest.raises(TransformationError, match="of 2 axes, and is given 3"):
        first, last = Scale(scale=(1, 1, 1)), Scale(scale=(1, 2))
        fitted(Sequence(transformations=(first, SHORT, last)), 3, 2)


def frame_of(*ways: Way) -> Frame:
    counts = {"physical": 3, "same": 3, "flat": 1, "world": 3}
    systems = {
        name: CoordinateSystem(
            name=name, axes=tuple(Axis(name=f"{name}_{n}") for n in range(count))
        )
        for name, count in counts.items()
    }
    return Frame("physical", systems, ways)


def test_between_systems_their_axes_tell() -> None:
    moved = Translation(translation=(1, 10, 100))
    frame = frame_of(
        Way("physical", "same", SHORT),
        Way("same", "world", moved),
        Way("physical", "flat", SHORT),
    )
    point = [[1, 2, 3]]
    found = apply(between(frame, "physical", "world"), point)
    np.testing.assert_array_equal(found, [[3, 12, 103]])
    np.testing.assert_array_equal(
        apply(between(frame, "world", "physical"), found), point
    )
    np.testing.assert_array_equal(
        apply(between(frame, "physical", "flat"), point), [[2]]
    )


def test_a_way_between_systems_of_other_numbers_of_axes_is_not_walked() -> None:
    frame = frame_of(Way("physical", "flat", Scale(scale=(2, 2, 2))))
    with pytest.raises(TransformationError, match=r"gives 3 axes for 3, and .* has 1"):
        between(frame, "physical", "flat")
