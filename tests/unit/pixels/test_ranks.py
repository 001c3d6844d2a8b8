"""Max, min, median and mode of bins, in closed form."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from xarray_omezarr.pixels.ranks import (
    max_of_bins,
    median_of_bins,
    min_of_bins,
    mode_of_bins,
)

Block = NDArray[Any]
Kernel = Callable[[Block, tuple[int, ...]], Block]


def of(kernel: Kernel, values: list[Any], dtype: str) -> Any:
    """What a kernel makes of a single bin along one axis."""
    # Silencing numpy is left to the caller of the kernels.
    with np.errstate(all="ignore"):
        (result,) = kernel(np.array(values, dtype=dtype), (len(values),)).tolist()
    return result


# Fewer pixels than the limit are swapped into order, more are sorted by numpy.
@pytest.mark.parametrize("more", [0, 10])
@pytest.mark.parametrize("dtype", ["u1", "u8", "i2", "f4"])
def test_equals_of_a_mode_go_to_the_smallest_that_is_not_zero(
    dtype: str, more: int
) -> None:
    # Each as often as the others, and once more for some of them.
    base = [0, 1, 2, 3] * (1 + more)
    assert of(mode_of_bins, base, dtype) == 1
    assert of(mode_of_bins, [*base, 3, 2], dtype) == 2
    assert of(mode_of_bins, [*base, 0, 3], dtype) == 3
    assert of(mode_of_bins, [*base, 0], dtype) == 0


@pytest.mark.parametrize(
    "dtype", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4"]
)
def test_modes_of_all_fours_there_are(dtype: str) -> None:
    fours = list(itertools.product([0, 1, 2, 100], repeat=4))
    expected = [
        max(four, key=lambda value: (four.count(value), value != 0, -value))
        for four in fours
    ]
    part = np.array(fours, dtype=dtype)
    found = mode_of_bins(part, (1, 4))
    assert found.dtype == part.dtype
    assert found[:, 0].tolist() == expected


@pytest.mark.parametrize("dtype", ["u1", "u8", "i1", "i8"])
def test_modes_of_four_among_the_extremes_of_a_type(dtype: str) -> None:
    info = np.iinfo(dtype)
    values = {0, 1, int(info.min), int(info.max), int(info.max) - 1}
    fours = list(itertools.product(sorted(values), repeat=4))
    expected = [
        max(four, key=lambda value: (four.count(value), value != 0, -value))
        for four in fours
    ]
    part = np.array(fours, dtype=dtype).reshape(-1, 2, 2)
    assert mode_of_bins(part, (1, 2, 2)).ravel().tolist() == expected
    # Of signed integers those without a negative one take another way.
    positive = part[(part >= 0).all(axis=(1, 2))]
    wanted = [e for e, four in zip(expected, fours, strict=True) if min(four) >= 0]
    assert mode_of_bins(positive, (1, 2, 2)).ravel().tolist() == wanted


def test_a_thin_line_in_the_background_remains() -> None:
    labels = np.zeros((6, 6), dtype=np.uint32)
    labels[:, 3] = 7
    assert mode_of_bins(labels, (2, 2)).tolist() == [[0, 7, 0]] * 3


def test_negative_labels_are_the_smallest() -> None:
    assert of(mode_of_bins, [5, -3, 0, 5, -3, 0], "i4") == -3
    assert of(mode_of_bins, [0, -1], "i1") == -1
    assert of(mode_of_bins, [0, 0, -1], "i1") == 0


def test_a_mode_is_found_among_the_extremes_of_64_bits() -> None:
    largest = 2**64 - 1
    assert of(mode_of_bins, [largest, largest - 1, largest, 0], "u8") == largest
    assert of(mode_of_bins, [-(2**63), 2**63 - 1], "i8") == -(2**63)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_nan_is_no_mode(dtype: str) -> None:
    nan = np.nan
    assert of(mode_of_bins, [nan, nan, nan, 2], dtype) == 2
    assert of(mode_of_bins, [nan, nan, 0, np.inf], dtype) == np.inf
    assert of(mode_of_bins, [nan, nan, 0, -np.inf], dtype) == -np.inf
    assert of(mode_of_bins, [nan, 0], dtype) == 0
    assert np.isnan(of(mode_of_bins, [nan, nan], dtype))


@pytest.mark.parametrize("dtype", ["u1", "i1", "u4", "i8"])
def test_medians_of_even_numbers_round_half_to_even(dtype: str) -> None:
    assert of(median_of_bins, [9, 0, 2, 1], dtype) == 2
    assert of(median_of_bins, [9, 0, 2, 3], dtype) == 2
    assert of(median_of_bins, [100, 1], dtype) == 50
    assert of(median_of_bins, [7, 1, 100], dtype) == 7


def test_medians_of_64_bits_are_exact() -> None:
    assert of(median_of_bins, [2**64 - 1, 2**64 - 3], "u8") == 2**64 - 2
    assert of(median_of_bins, [2**63 - 1, 2**63 - 2], "i8") == 2**63 - 2
    assert of(median_of_bins, [-(2**63), -(2**63) + 1], "i8") == -(2**63)
    assert of(median_of_bins, [-(2**63), 2**63 - 1], "i8") == 0
    assert of(median_of_bins, [-2, -1], "i8") == -2
    assert of(median_of_bins, [-4, -3, -2, -1], "i8") == -2


@pytest.mark.parametrize("more", [0, 20])
def test_medians_skip_nan_bin_by_bin(more: int) -> None:
    nan, infinity = np.nan, np.inf
    rows = [
        [1.0, 2.0, 4.0, 9.0],
        [nan, 2.0, 4.0, 9.0],
        [nan, nan, 4.0, 9.0],
        [nan, infinity, infinity, 9.0],
        [nan, nan, nan, -infinity],
        [nan, nan, nan, nan],
    ]
    part = np.array([row + [nan] * more for row in rows])
    median = median_of_bins(part, (1, 4 + more))
    expected = [3.0, 4.0, 6.5, infinity, -infinity, nan]
    np.testing.assert_array_equal(median[:, 0], expected)


def test_the_median_of_the_largest_doubles_is_finite() -> None:
    largest = np.finfo("f8").max
    assert of(median_of_bins, [largest, largest], "f8") == largest


def test_medians_and_modes_of_booleans_are_majorities() -> None:
    for kernel in (median_of_bins, mode_of_bins):
        assert of(kernel, [True, False], "?") is True
        assert of(kernel, [True, False, False], "?") is False


def test_extremes_are_exact_in_64_bits() -> None:
    assert of(max_of_bins, [2**63 - 2, 2**63 - 1, 0], "i8") == 2**63 - 1
    assert of(min_of_bins, [2**64 - 1, 2**64 - 2], "u8") == 2**64 - 2


def test_extremes_of_booleans_are_any_and_all() -> None:
    assert of(max_of_bins, [False, True], "?") is True
    assert of(min_of_bins, [False, True], "?") is False


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_extremes_skip_nan(dtype: str) -> None:
    nan = np.nan
    assert of(max_of_bins, [nan, -5, -7], dtype) == -5
    assert of(min_of_bins, [-5, nan, -np.inf], dtype) == -np.inf
    assert np.isnan(of(max_of_bins, [nan, nan], dtype))
    assert np.isnan(of(min_of_bins, [nan, nan], dtype))


@pytest.mark.parametrize(
    "kernel", [max_of_bins, min_of_bins, median_of_bins, mode_of_bins]
)
@pytest.mark.parametrize("values", [[0.0, -0.0, -0.0], [-0.0, 0.0], [-0.0, -0.0]])
def test_zeros_have_no_sign(kernel: Kernel, values: list[float]) -> None:
    assert not np.signbit(of(kernel, values, "f4"))
