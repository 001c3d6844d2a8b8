"""The mean of bins, in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from xarray_omezarr.pixels.mean import mean_of_bins, mean_of_floats

INTEGERS = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8")


def mean_of(values: list[Any], dtype: str) -> NDArray[Any]:
    """The mean of a single bin along one axis."""
    # Silencing numpy is left to the caller of the kernels.
    with np.errstate(all="ignore"):
        return mean_of_bins(np.array(values, dtype=dtype), (len(values),))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1], 0),
        ([1, 2], 2),
        ([2, 3], 2),
        ([3, 4], 4),
        ([0, 0, 0, 2], 0),
        ([1, 1, 1, 3], 2),
        ([0, 0, 1], 0),
        ([0, 1, 1], 1),
        ([0, 0, 0, 0, 0, 3], 0),
        ([1, 1, 1, 1, 1, 4], 2),
    ],
)
def test_halves_round_to_even(dtype: str, values: list[int], expected: int) -> None:
    assert mean_of(values, dtype).tolist() == [expected]


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [([-1, 0], 0), ([-2, -1], -2), ([-3, -2], -2), ([-1, -1, 0], -1), ([-4, 3], 0)],
)
def test_negative_halves_round_to_even(
    dtype: str, values: list[int], expected: int
) -> None:
    assert mean_of(values, dtype).tolist() == [expected]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("count", [2, 3, 4, 250, 300, 70_000])
def test_the_limits_of_a_type_are_their_own_mean(dtype: str, count: int) -> None:
    info = np.iinfo(dtype)
    for limit in (info.min, info.max):
        assert mean_of([limit] * count, dtype).tolist() == [limit]


def test_means_of_64_bits_are_exact() -> None:
    # (2**63 - 1) + (2**63 - 3) = 2 * (2**63 - 2), which no double holds.
    assert mean_of([2**63 - 1, 2**63 - 3], "i8").tolist() == [2**63 - 2]
    assert mean_of([2**64 - 1, 2**64 - 1, 2**64 - 4], "u8").tolist() == [2**64 - 2]
    assert mean_of([-(2**63), 2**63 - 1], "i8").tolist() == [0]
    assert mean_of([-(2**63), -(2**63) + 1], "i8").tolist() == [-(2**63)]
    assert mean_of([-(2**63) + 1, -(2**63) + 2], "i8").tolist() == [-(2**63) + 2]


def test_the_majority_of_booleans_wins_and_a_tie_is_true() -> None:
    assert mean_of([True, False], "?").tolist() == [True]
    assert mean_of([True, False, False], "?").tolist() == [False]
    assert mean_of([True] * 200 + [False] * 201, "?").tolist() == [False]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_nan_does_not_count(dtype: str) -> None:
    assert mean_of([1, np.nan, 5], dtype).tolist() == [3]
    assert np.isnan(mean_of([np.nan, np.nan], dtype)).all()


def test_small_numbers_are_summed_in_double_precision() -> None:
    # Single precision has no 2**24 + 1: a sum of float32 would stop at 2**24.
    assert mean_of([2**24, 1, 1, 1, 1], "f4").tolist() == [(2**24 + 4) / 5]
    assert mean_of([60000, 60000, 60000, 60000], "f2").tolist() == [60000]


def test_infinities_are_values() -> None:
    infinity = np.inf
    assert mean_of([1, infinity], "f4").tolist() == [infinity]
    assert mean_of([-infinity, np.nan], "f8").tolist() == [-infinity]
    assert np.isnan(mean_of([infinity, -infinity], "f8")).all()


@pytest.mark.parametrize("count", [2, 3, 4, 5, 27, 1000])
def test_the_mean_of_the_largest_doubles_is_finite(count: int) -> None:
    largest = np.finfo("f8").max
    mean = mean_of([-largest] * count, "f8")
    mixed = mean_of([largest, largest, np.nan, 0, 0], "f8")
    np.testing.assert_allclose(mean, [-largest], rtol=1e-15)
    np.testing.assert_allclose(mixed, [largest / 2], rtol=1e-15)


def test_the_smallest_doubles_are_not_lost() -> None:
    smallest = 5e-324
    assert mean_of([smallest, smallest, np.nan], "f8").tolist() == [smallest]


def test_a_mean_beside_nan_does_not_depend_on_its_neighbours() -> None:
    part = np.random.default_rng(5).normal(size=(6, 200))
    part[:, 77] = np.nan
    together = mean_of_bins(part, (1, 200))
    alone = [mean_of_bins(part[row : row + 1], (1, 200)) for row in range(6)]
    assert together.tobytes() == np.concatenate(alone).tobytes()


def test_sums_run_in_the_given_order() -> None:
    # 1 is lost beside 2**53, unless it comes when the large ones have gone.
    values = [np.array([v]) for v in (2.0**53, 1.0, -(2.0**53), 1.0)]
    assert mean_of_floats(values).tolist() == [0.25]
