"""Scale and translation that were meant, from numbers that were rounded."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from xarray_omezarr.grid.grid import GridAxis
from xarray_omezarr.grid.regular import (
    MOST_NOISE,
    TOLERANCE,
    fit,
    nominal_scale,
    shortest_float,
)


def line(values: Any, **kwargs: Any) -> tuple[float, float]:
    found = fit(np.asarray(values), **kwargs)
    assert found.regular
    return found.scale, found.translation


def exact(scale: float, translation: float, size: int) -> NDArray[np.float64]:
    """The doubles nearest to the decimals."""
    positions = (
        Decimal(repr(translation)) + i * Decimal(repr(scale)) for i in range(size)
    )
    return np.array([float(position) for position in positions])


class TestDoubles:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (np.arange(64) * 0.1, (0.1, 0.0)),
            (np.arange(3, 9) * 0.1, (0.1, 0.3)),
            (np.array([0.30000000000000004, 0.6000000000000001]), (0.3, 0.3)),
            (np.arange(0, 1, 0.1), (0.1, 0.0)),
            (np.arange(1000, 1010, 0.1), (0.1, 1000.0)),
            (np.arange(-1000.3, -999, 0.0125), (0.0125, -1000.3)),
            (np.linspace(0, 1, 11), (0.1, 0.0)),
            (np.linspace(-3.7, 12.9, 167), (0.1, -3.7)),
            (np.linspace(0, 10, 20, endpoint=False) + 0.25, (0.5, 0.25)),
            (np.cumsum(np.full(1000, 0.1)), (0.1, 0.1)),
            (np.arange(-100, 100) * 0.1, (0.1, -10.0)),
            (np.arange(10) * 0.325 + 1e6, (0.325, 1e6)),
            (np.arange(7) * 1e-9 + 1e-6, (1e-9, 1e-6)),
            (np.arange(7) * 1e199, (1e199, 0.0)),
            (np.arange(7) * 1e-300, (1e-300, 0.0)),
            (np.arange(5.0), (1.0, 0.0)),
        ],
    )
    def test_the_decimals_that_were_typed_are_found(
        self, values: NDArray[np.float64], expected: tuple[float, float]
    ) -> None:
        assert line(values) == expected

    @pytest.mark.parametrize("size", [2, 3, 10, 1000])
    @pytest.mark.parametrize(
        ("scale", "translation"),
        [(0.123456789012, 0.0), (987.654321098, -0.5), (0.00123456789012, 7.25)],
    )
    def test_twelve_digits_are_found(
        self, scale: float, translation: float, size: int
    ) -> None:
        assert line(exact(scale, translation, size)) == (scale, translation)
        assert line(np.arange(size) * scale + translation) == (scale, translation)

    def test_a_crop_with_a_stride_is_found(self) -> None:
        values = exact(0.1625, -431.05, 2048)[301::3]
        assert line(values) == (0.4875, -382.1375)

    @pytest.mark.parametrize("size", [2, 64, 1000])
    def test_a_quotient_is_found_as_far_as_the_coordinates_tell(
        self, size: int
    ) -> None:
        # 6.5 micrometers of a camera behind a lens that magnifies 60 times.
        scale, _ = line(np.arange(size) * (6.5 / 60))
        assert scale == pytest.approx(6.5 / 60, rel=1e-15)


@pytest.mark.parametrize("size", [2, 7, 100])
@pytest.mark.parametrize("scale", [1e-320, 1e-310, 1e-200, 1e-40, 1e40, 1e150, 1e197])
def test_numbers_of_any_size_are_read(scale: float, size: int) -> None:
    found = fit(np.arange(size) * (scale / 3))
    assert found.regular
    assert found.scale == pytest.approx(scale / 3, rel=1e-3)


class TestHint:
    def test_a_scale_that_explains_the_last_bit_is_taken(self) -> None:
        scale = 6.5 / 60
        values = exact(scale, 12345.678, 5)
        assert line(values) != (scale, 12345.678)
        assert line(values, hint=scale) == (scale, 12345.678)

    @pytest.mark.parametrize("stride", [1, 2, 3, 100])
    def test_of_a_stride_a_multiple_explains_it(self, stride: int) -> None:
        scale, first = 4.9834865e-05, 0.0009468624349999999
        values = exact(scale, first, 1000)[::stride]
        found = line(values, hint=scale)
        assert found == (float(f"{scale * stride:.12g}"), first)

    @pytest.mark.parametrize("size", [2, 3, 5, 50])
    def test_the_first_stays_as_it_was_read_however_few_there_are(
        self, size: int
    ) -> None:
        scale, first = 4.9834865e-05, 0.0009468624349999999
        values = exact(scale, first, size)
        assert line(values, hint=scale) == (scale, first)

    @pytest.mark.parametrize("hint", [0.1, 0.2, 0.32500000001, 1e-300])
    def test_one_that_does_not_is_ignored(self, hint: float) -> None:
        assert line(exact(0.325, 1.0, 50), hint=hint) == (0.325, 1.0)


class TestSingles:
    @pytest.mark.parametrize("size", [2, 16, 1024])
    @pytest.mark.parametrize("scale", [0.325, 0.1, 6.5, 0.10833])
    def test_the_decimals_that_were_typed_are_found(
        self, scale: float, size: int
    ) -> None:
        single = np.float32(scale)
        assert line((np.arange(size) * scale).astype(np.float32))[0] == scale
        assert line(np.arange(size, dtype=np.float32) * single)[0] == scale

    def test_they_are_found_after_the_values_became_doubles(self) -> None:
        values = (np.arange(64) * 0.325).astype(np.float32).astype(np.float64)
        assert line(values) == (0.325, 0.0)

    def test_they_are_found_if_only_the_scale_was_a_single(self) -> None:
        scale = float(np.float32(0.325))
        assert scale == 0.32499998807907104
        assert line(np.arange(64) * scale) == (0.325, 0.0)
        first = float(np.float32(12.7))
        assert line(np.arange(64) * scale + first) == (0.325, 12.7)

    def test_half_precision_is_read_too(self) -> None:
        assert line(np.arange(10, dtype=np.float16) * np.float16(0.1))[0] == 0.1


class TestIntegers:
    @pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "u8", "i8"])
    def test_they_are_exact(self, dtype: str) -> None:
        assert line(np.arange(3, 100, 7).astype(dtype)) == (7.0, 3.0)

    def test_they_may_span_all_of_their_type(self) -> None:
        values = np.array([-(2**63), -1, 2**63 - 2], dtype=np.int64)
        assert line(values) == (2.0**63, -(2.0**63))

    def test_large_ones_do_not_lose_their_differences(self) -> None:
        # Nanoseconds since 1970 do not fit into doubles.
        values = 1_700_000_000_000_000_001 + np.arange(50) * 100_000_001
        assert line(values)[0] == 100_000_001.0

    def test_rounded_thirds_are_even(self) -> None:
        nanoseconds = np.round(np.arange(90) * 1e9 / 30).astype(np.int64)
        scale, translation = line(nanoseconds)
        assert scale == pytest.approx(1e9 / 30, rel=1e-9)
        assert translation == 0.0

    def test_small_ones_may_not_be_rounded(self) -> None:
        assert not fit(np.array([0, 3, 7, 10])).regular


class TestUneven:
    @pytest.mark.parametrize(
        "values",
        [
            [0.0, 1.0, 4.0, 9.0],
            [0.0, 0.0, 1.0, 1.0, 2.0],
            [0.0, 1.0, 2.0, 0.5, 1.5, 2.5],
            [0, 1, 2, 0, 1, 2],
            np.arange(100) + 0.002 * np.sin(np.arange(100)),
            # Drifts slowly: no two neighbouring steps differ visibly.
            (np.arange(1000) * 0.1) * (1 + np.arange(1000) * 1e-7),
        ],
    )
    def test_they_are_told(self, values: Any) -> None:
        assert not fit(np.asarray(values)).regular

    def test_jitter_below_the_tolerance_is_none(self) -> None:
        rng = np.random.default_rng(0)
        noise = rng.uniform(-1, 1, 500) * TOLERANCE / 4
        assert line((np.arange(500) + noise) * 0.1) == (0.1, 0.0)

    def test_the_nominal_line_runs_from_end_to_end(self) -> None:
        found = fit(np.array([1.0, 2.0, 4.0]))
        assert (found.scale, found.translation, found.regular) == (1.5, 1.0, False)


class TestNoise:
    @pytest.mark.parametrize(
        ("first", "dtype", "known"),
        [
            (0.0, np.float32, True),
            (1e4, np.float32, True),
            (1e6, np.float32, False),
            (1e6, np.float64, True),
            (1e16, np.float64, False),
        ],
    )
    def test_a_scale_that_rounding_hides_is_told(
        self, first: float, dtype: type, known: bool
    ) -> None:
        found = fit((np.arange(8) * 0.325 + first).astype(dtype))
        assert (found.noise <= MOST_NOISE) == known
        assert found.regular == known

    def test_it_is_four_units_of_the_largest_coordinate(self) -> None:
        values = (np.arange(5) * 0.5 + 100).astype(np.float32)
        assert fit(values).noise == 4 * 2.0**-23 * 102 / 0.5


class TestNominal:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([0.0, 0.2, 0.9], 0.45),
            ([0.0, 0.5, 0.9], 0.45),
            ([0, 1, 5], 2.5),
            # A clock that was set back: 0, 1, 2 and again.
            ([0.0, 1.0, 2.0, 0.0, 1.0, 2.0, -1.0], 1.0),
            ([3.0, 2.0, 1.0], 1.0),
        ],
    )
    def test_it_is_the_mean_step_or_the_usual_one(
        self, values: list[float], expected: float
    ) -> None:
        assert nominal_scale(np.array(values)) == expected

    def test_it_has_no_more_digits_than_the_values(self) -> None:
        values = np.array([0, 0.3, 0.7], dtype=np.float32)
        assert nominal_scale(values) == 0.35


def test_a_single_is_spelled_as_it_was_typed() -> None:
    assert shortest_float(np.float32(0.325)) == 0.325
    assert shortest_float(np.float64(0.1)) == 0.1
    assert shortest_float(7) == 7.0


def test_zero_has_no_sign() -> None:
    assert str(shortest_float(-0.0)) == "0.0"
    assert str(fit(np.array([-0.0, 1.0])).translation) == "0.0"


@pytest.mark.parametrize(
    "values",
    [
        np.arange(100_000) * 0.1 + 123.4,
        np.arange(100_000) * (6.5 / 60),
        (np.arange(100_000) * 0.325).astype(np.float32),
        np.cumsum(np.full(100_000, 0.1)),
    ],
    ids=["short", "quotient", "singles", "sums"],
)
def test_a_hundred_thousand_coordinates_take_no_time(values: NDArray[Any]) -> None:
    fit(values)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        fit(values)
        times.append(time.perf_counter() - start)
    # A twentieth of a second on an idle machine; others may be working on this one.
    assert min(times) < 0.5


def test_what_was_read_is_found_again() -> None:
    axis = GridAxis("x", "space", None, 777, 0.1625, -431.05)
    assert line(axis.coordinates()) == (axis.scale, axis.translation)
