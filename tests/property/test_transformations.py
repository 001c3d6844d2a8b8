"""Laws of transformations, for every type in two to five dimensions.

Plain numpy, and scipy's rotations, tell independently what positions become.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.spatial.transform
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.transformations import (
    fields,
    homogeneous,
    linear,
    moved,
    of_fields,
    points,
    rows,
    size,
    square,
)
from xarray_omezarr.ngff import Affine, Rotation, Scale, Sequence, Translation
from xarray_omezarr.transforming.applying import apply
from xarray_omezarr.transforming.composing import compose
from xarray_omezarr.transforming.dependence import depends
from xarray_omezarr.transforming.inverting import invert
from xarray_omezarr.transforming.linear import aligned, matrix
from xarray_omezarr.transforming.simplifying import simplify

NDIMS = (2, 3, 4, 5)
#: Of the standard, in the order of how much they can express.
PREFERRED = (
    "identity",
    "translation",
    "scale",
    "sequence",
    "mapAxis",
    "projectAxis",
    "rotation",
    "affine",
)
kinds = pytest.mark.parametrize("kind", sorted(linear(2)))
square_kinds = pytest.mark.parametrize("kind", sorted(square(2)))
#: Of each of forty pairs of type and number of axes.
few = settings(max_examples=20)
dimensions = pytest.mark.parametrize("ndim", NDIMS)


def close(found: Any, expected: Any, scale: float = 1.0) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * scale)


@kinds
@dimensions
@few
@given(data=st.data())
def test_positions_are_those_of_the_matrix(
    kind: str, ndim: int, data: st.DataObject
) -> None:
    t = data.draw(linear(ndim)[kind])
    positions = data.draw(points(ndim))
    close(apply(t, positions), moved(t, positions), size(t, positions))


@kinds
@dimensions
@few
@given(data=st.data())
def test_the_matrix_is_that_of_the_parts(
    kind: str, ndim: int, data: st.DataObject
) -> None:
    t = data.draw(linear(ndim)[kind])
    expected = homogeneous(t, ndim)[:-1]
    found = matrix(t, ndim)
    assert found is not None and found.shape == expected.shape
    close(found, expected, np.abs(expected).max())


@square_kinds
@dimensions
@few
@given(data=st.data())
def test_the_inverse_leads_back(kind: str, ndim: int, data: st.DataObject) -> None:
    t = data.draw(square(ndim)[kind])
    positions = data.draw(points(ndim))
    back = invert(t)
    there = apply(t, positions)
    tolerance = size(back, there) + size(t, positions)
    close(apply(back, there), positions, tolerance)
    again = apply(t, apply(back, positions))
    close(again, positions, size(t, apply(back, positions)) + tolerance)


@square_kinds
@few
@given(data=st.data())
def test_the_inverse_of_the_inverse_does_the_same(
    kind: str, data: st.DataObject
) -> None:
    t = data.draw(square(3)[kind])
    positions = data.draw(points(3))
    twice = invert(invert(t))
    close(apply(twice, positions), apply(t, positions), 10 * size(t, positions))


@dimensions
@few
@given(data=st.data())
def test_a_composition_applies_one_after_the_other(
    ndim: int, data: st.DataObject
) -> None:
    first = data.draw(st.one_of(*linear(ndim).values()))
    middle = len(homogeneous(first, ndim)) - 1
    second = (
        data.draw(st.one_of(*linear(middle).values()))
        if middle > 1
        else Scale(scale=(2,))
    )
    positions = data.draw(points(ndim))
    whole = compose(first, second)
    np.testing.assert_array_equal(
        apply(whole, positions), apply(second, apply(first, positions))
    )


@dimensions
@few
@given(data=st.data())
def test_composition_is_associative(ndim: int, data: st.DataObject) -> None:
    a, b, c = (data.draw(st.one_of(*square(ndim).values())) for _ in range(3))
    assert compose(compose(a, b), c) == compose(a, compose(b, c)) == compose(a, b, c)
    positions = data.draw(points(ndim))
    expected = apply(c, apply(b, apply(a, positions)))
    np.testing.assert_array_equal(apply(compose(a, b, c), positions), expected)


@kinds
@dimensions
@few
@given(data=st.data())
def test_what_is_simple_does_the_same(
    kind: str, ndim: int, data: st.DataObject
) -> None:
    t = data.draw(linear(ndim)[kind])
    simple = simplify(t, ndim=ndim)
    positions = data.draw(points(ndim))
    expected = apply(t, positions)
    close(apply(simple, positions), expected, size(t, positions))
    assert simple.type in PREFERRED
    assert simplify(simple, ndim=ndim) == simple


@dimensions
@few
@given(data=st.data())
def test_an_affine_is_its_parts(ndim: int, data: st.DataObject) -> None:
    parts = (
        data.draw(square(ndim)["rotation"]),
        data.draw(square(ndim)["scale"]),
        data.draw(square(ndim)["translation"]),
    )
    turned, stretched, shifted = parts
    whole = np.diag(stretched.scale) @ np.array(turned.rotation)
    numbers = np.column_stack([whole, shifted.translation])
    positions = data.draw(points(ndim))
    expected = apply(Affine(affine=rows(numbers)), positions)
    found = apply(Sequence(transformations=parts), positions)
    close(found, expected, size(Affine(affine=rows(numbers)), positions))


@kinds
@dimensions
@few
@given(data=st.data())
def test_outputs_depend_on_the_inputs_that_change_them(
    kind: str, ndim: int, data: st.DataObject
) -> None:
    t = data.draw(linear(ndim)[kind])
    factors = homogeneous(t, ndim)[:-1, :-1]
    largest = np.abs(factors).max(initial=1)
    for row, inputs in zip(factors, depends(t, ndim), strict=True):
        # Numpy's product leaves noise where decimals cancel.
        used = set(np.flatnonzero(np.abs(row) > 1e-12 * largest).tolist())
        assert used <= inputs


@kinds
@dimensions
@few
@given(data=st.data())
def test_aligned_axes_give_the_positions(
    kind: str, ndim: int, data: st.DataObject
) -> None:
    t = data.draw(linear(ndim)[kind])
    axes = aligned(t, ndim)
    if axes is None:
        assert any(len(inputs) > 1 for inputs in depends(t, ndim))
        return
    positions = data.draw(points(ndim))
    expected = apply(t, positions)
    for column, axis in zip(expected.T, axes, strict=True):
        source = 0.0 if axis.input is None else positions[:, axis.input]
        found = np.broadcast_to(axis.scale * source + axis.translation, column.shape)
        close(found, column, size(t, positions))


@pytest.mark.parametrize("kind", sorted(of_fields()))
@pytest.mark.parametrize("ndim", (2, 3))
@few
@given(data=st.data())
def test_what_lies_around_fields_is_simplified(
    kind: str, ndim: int, data: st.DataObject
) -> None:
    arrays = fields(ndim)
    before = data.draw(square(ndim)["sequence"])
    field = of_fields()[kind]
    count = ndim if kind == "displacements" else 3
    after = data.draw(square(count)["sequence"])
    whole = compose(before, field, after)
    simple = simplify(whole, arrays)
    # Away from the border of the field, where rounding decides what is outside.
    inside = np.linspace(-300, 260, 5 * ndim).reshape(5, ndim) + 1.23
    start = apply(invert(before), inside)
    expected = apply(whole, start, arrays)
    close(apply(simple, start, arrays), expected, 10 * size(after, expected))
    assert len(depends(whole, ndim, arrays)) == count


@few
@given(angles=st.tuples(*(st.floats(-360, 360),) * 3), data=st.data())
def test_rotations_turn_as_those_of_scipy(
    angles: tuple[float, float, float], data: st.DataObject
) -> None:
    turn = scipy.spatial.transform.Rotation.from_euler("zyx", angles, degrees=True)
    positions = data.draw(points(3))
    ours = Rotation(rotation=rows(turn.as_matrix()))
    close(apply(ours, positions), turn.apply(positions), 2e3)
    close(apply(invert(ours), positions), turn.inv().apply(positions), 2e3)


@few
@given(
    angles=st.tuples(*(st.floats(-360, 360),) * 3),
    move=st.tuples(*(st.floats(-100, 100),) * 3),
    data=st.data(),
)
def test_rigid_motions_compose_and_invert_as_matrices_of_numpy(
    angles: tuple[float, ...], move: tuple[float, ...], data: st.DataObject
) -> None:
    turn = scipy.spatial.transform.Rotation.from_euler("xyz", angles, degrees=True)
    theirs = np.vstack([np.column_stack([turn.as_matrix(), move]), [0, 0, 0, 1]])
    positions = data.draw(points(3))
    ours = compose(
        Rotation(rotation=rows(turn.as_matrix())), Translation(translation=move)
    )
    close(apply(ours, positions), by_matrix(theirs, positions), 3e3)
    back = invert(simplify(ours))
    close(apply(back, positions), by_matrix(np.linalg.inv(theirs), positions), 3e3)
    twice = simplify(compose(ours, ours))
    close(apply(twice, positions), by_matrix(theirs @ theirs, positions), 5e3)


def by_matrix(matrix: Any, positions: Any) -> Any:
    return positions @ matrix[:-1, :-1].T + matrix[:-1, -1]
