"""Ranges of grey values."""

from __future__ import annotations

import numpy as np
import pytest

from xarray_omezarr.pixels.ranges import default_window, value_range


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("uint8", (0.0, 255.0)),
        ("int16", (-32768.0, 32767.0)),
        (">u2", (0.0, 65535.0)),
        ("uint64", (0.0, 2.0**64)),
        ("bool", (0.0, 1.0)),
        ("float16", (0.0, 1.0)),
        ("float64", (0.0, 1.0)),
    ],
)
def test_default_window_is_what_the_type_can_show(
    dtype: str, expected: tuple[float, float]
) -> None:
    window = default_window(np.dtype(dtype))
    assert window == expected
    assert all(type(limit) is float for limit in window)


@pytest.mark.parametrize("dtype", ["uint64", "int64", "uint8", "int8", ">i4"])
def test_ranges_of_integers_are_exact_python_integers(dtype: str) -> None:
    info = np.iinfo(dtype)
    found = value_range(np.array([[info.max, 3], [info.min, 0]], dtype=dtype))
    assert found == (info.min, info.max)
    assert found is not None and all(type(limit) is int for limit in found)


def test_range_of_booleans_is_zero_and_one() -> None:
    found = value_range(np.array([True, False]))
    assert found == (0, 1)
    assert found is not None and all(type(limit) is int for limit in found)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
def test_nan_and_infinity_are_not_in_the_range(dtype: str) -> None:
    nan, infinity = np.nan, np.inf
    for extra in ([], [nan], [infinity], [-infinity], [nan, infinity, -infinity]):
        found = value_range(np.array([0.25, -2.5, *extra], dtype=dtype))
        assert found == (-2.5, 0.25)
        assert found is not None and all(type(limit) is float for limit in found)


@pytest.mark.parametrize("values", [[], [np.nan], [np.inf, -np.inf, np.nan]])
def test_there_is_no_range_where_nothing_is_finite(values: list[float]) -> None:
    assert value_range(np.array(values)) is None


def test_there_is_no_range_of_no_integers() -> None:
    assert value_range(np.empty((0, 3), dtype=np.uint16)) is None


def test_the_largest_finite_number_is_in_the_range() -> None:
    largest = np.finfo(np.float32).max
    found = value_range(np.array([largest, np.inf, -largest], dtype=np.float32))
    assert found == (-float(largest), float(largest))


def test_the_range_of_many_parts_is_that_of_the_array() -> None:
    block = np.full((3, 700, 800), np.nan, dtype=np.float32)
    assert value_range(block) is None
    block[2, 650, 3], block[0, 9, 700] = -4, 6
    block[1] = np.inf
    assert value_range(block[:, ::-1, 1:]) == (-4.0, 6.0)


def test_a_single_number_is_its_own_range() -> None:
    assert value_range(np.array(7)) == (7, 7)
