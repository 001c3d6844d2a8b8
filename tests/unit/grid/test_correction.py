"""Changes of an axis of level 0, and what other levels and positions become."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xarray_omezarr.errors import CoordinateError
from xarray_omezarr.grid.correction import AxisChange, split_after
from xarray_omezarr.grid.grid import GridAxis

# Sizes of pixels as people write them, and as programs compute them.
SCALES = st.one_of(
    st.decimals("0.0001", "1000", places=4).map(float),
    st.floats(1e-4, 1e4),
)
PLACES = st.one_of(st.just(0.0), st.decimals("-5000", "5000", places=3).map(float))


def axis(scale: float, first: float) -> GridAxis:
    return GridAxis("x", "space", None, 64, scale, first)


@given(SCALES, SCALES, PLACES, PLACES, st.integers(1, 64))
def test_levels_become_what_a_grid_of_the_new_numbers_coarsens_to(
    old: float, new: float, first: float, moved: float, factor: int
) -> None:
    level = axis(old, first).coarsen(factor)
    expected = axis(new, moved).coarsen(factor)
    change = AxisChange(old, first, new, moved)
    scale, place = change.of(level.scale, level.translation)
    assert scale == expected.scale
    # Where the place is large the stored shift has lost digits.
    assert abs(place - expected.translation) <= 1e-9 * new + 1e-12 * abs(moved)
    if first == 0:
        assert place == expected.translation


def test_shifts_are_exact_at_large_places() -> None:
    change = AxisChange(0.1083, 98765.4321, 0.65, 98765.4321)
    level = axis(0.1083, 98765.4321).coarsen(4)
    expected = float(Decimal("98765.4321") + Decimal("0.65") * Decimal("1.5"))
    assert change.of(level.scale, level.translation) == (2.6, expected)


def test_sampled_levels_stay_without_a_shift() -> None:
    assert AxisChange(0.5, 3.0, 0.1, 3.0).of(2.0, 3.0) == (0.4, 3.0)


def test_factors_that_are_no_whole_numbers_are_kept() -> None:
    # 1001 pixels became 500.
    scale, _ = AxisChange(1.0, 0.0, 0.5, 0.0).of(1001 / 500, 0.0)
    assert scale == 1.001


def test_numbers_that_do_not_change_are_not_computed() -> None:
    change = AxisChange(0.1, 0.0, 0.1, 0.0, "nanometer", "micrometer")
    assert change.of(0.30000000000000004, 0.7) == (0.30000000000000004, 0.7)
    assert change.renames
    assert not change.moves


def test_a_scale_of_nothing_tells_no_factors() -> None:
    with pytest.raises(CoordinateError, match="write_metadata"):
        AxisChange(0.0, 0.0, 1.0, 0.0).of(2.0, 0.0)


def test_numbers_that_no_double_holds_are_refused() -> None:
    with pytest.raises(CoordinateError, match="cannot be stored"):
        AxisChange(1.0, 0.0, 1e308, 0.0).of(2.0, 0.5)
    with pytest.raises(CoordinateError, match="cannot be stored"):
        AxisChange(1.0, 0.0, 1e308, 0.0).position(7.0)


def test_positions_move_with_the_axis() -> None:
    change = AxisChange(1.0, 10.0, 0.5, 100.0)
    assert [change.position(p) for p in (10.0, 11.5, 14.0)] == [100.0, 100.75, 102.0]


def test_what_comes_before_another_transformation() -> None:
    both = {"x": (0.5, 10.0), "y": (0.3, 0.0)}
    after = {"x": (2.0, 4.0), "y": (0.1, 0.0)}
    assert split_after(both, after) == {"x": (0.25, 3.0), "y": (3.0, 0.0)}
    assert split_after({"x": (0.7, 0.0)}, {"x": (0.0, 0.0)}) is None


@given(SCALES, SCALES)
def test_both_parts_together_give_exactly_what_was_asked(
    total: float, by: float
) -> None:
    found = split_after({"x": (total, 0.0)}, {"x": (by, 0.0)})
    if found is not None:
        first = Decimal(repr(found["x"][0]))
        assert float(first * Decimal(repr(by))) == total
