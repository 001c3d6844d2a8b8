"""Values that were computed, cast to the type of the pixels."""

from __future__ import annotations

import numpy as np
import pytest

from xarray_omezarr.pixels.casting import to_pixels

INTEGERS = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8")


def test_values_of_the_right_type_are_not_copied() -> None:
    values = np.array([1.5])
    assert to_pixels(values, values.dtype) is values


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "g"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_halves_become_even_integers(dtype: str, kind: str) -> None:
    values = np.array([0.5, 1.5, 2.5, 3.5, 4.25], dtype=kind)
    cast = to_pixels(values, np.dtype(dtype))
    assert cast.dtype == dtype
    assert cast.tolist() == [0, 2, 2, 4, 4]


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "g"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_the_limits_of_integers_stand_for_what_is_beyond(dtype: str, kind: str) -> None:
    info = np.iinfo(dtype)
    values = np.array([-np.inf, np.inf], dtype=kind)
    assert to_pixels(values, np.dtype(dtype)).tolist() == [info.min, info.max]
    if kind in "f8":
        above = np.array([-(2.0**70), 2.0**70])
        assert to_pixels(above, np.dtype(dtype)).tolist() == [info.min, info.max]


def test_integers_are_clipped_without_a_detour_over_floats() -> None:
    values = np.array([2**63 - 1, -1])
    assert to_pixels(values, np.dtype("u8")).tolist() == [2**63 - 1, 0]
    assert to_pixels(values, np.dtype("u1")).tolist() == [255, 0]


def test_booleans_are_true_from_a_half_on() -> None:
    # What ten weights of 0.1 would sum to, half of them.
    nearly_half = 0.3 + 0.1 + 0.1 - 1e-16
    values = np.array([0.0, 0.49, nearly_half, 0.5, 1.0, np.inf])
    expected = [False, False, True, True, True, True]
    assert to_pixels(values, np.dtype("?")).tolist() == expected


def test_floats_too_large_for_the_type_become_infinite_in_silence() -> None:
    with np.errstate(all="raise"):
        cast = to_pixels(np.array([1e300, np.nan]), np.dtype("f4"))
    np.testing.assert_array_equal(cast, np.array([np.inf, np.nan], dtype="f4"))
