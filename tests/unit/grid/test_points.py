"""Distances from a line, against fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from xarray_omezarr.grid.points import Points

CASES = {
    "tenths": np.arange(200) * 0.1,
    "far off": 1e6 + np.arange(100) * 0.325,
    "across zero": np.linspace(-123.4, 56.7, 91),
    "tiny": np.arange(50) * 1e-12 + 3e-7,
    "two": np.array([0.1, 0.4]),
}


def exact_drift(values: NDArray[np.float64], scale: Fraction) -> list[Fraction]:
    first = Fraction(values[0].item())
    return [Fraction(v) - first - i * scale for i, v in enumerate(values.tolist())]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("change", ["0", "1e-13", "-1e-9"])
def test_the_drift_is_known_far_below_the_last_bit(name: str, change: str) -> None:
    points = Points(CASES[name])
    scale = points.slope * (1 + Fraction(change))
    exact = exact_drift(CASES[name], scale)
    last_bit = Fraction(np.spacing(np.abs(CASES[name]).max()).item())
    for found, expected in zip(points.drift(scale).tolist(), exact, strict=True):
        tolerance = (last_bit + abs(expected)) / 2**50
        assert abs(Fraction(found) - expected) <= tolerance


def test_the_slope_is_that_from_end_to_end() -> None:
    points = Points(np.array([1.0, 5.0, 2.0]))
    assert points.slope == Fraction(1, 2)
    assert points.residual() == 3.5 / 0.5


def test_noise_grows_with_the_distance_from_zero() -> None:
    near = np.arange(5, dtype=np.float32)
    assert Points(near).noise() == 4 * 2.0**-23 * 4
    assert Points(near + 1000).noise() == 4 * 2.0**-23 * 1004


class TestTypes:
    def test_doubles_that_were_singles_are_told(self) -> None:
        singles = (np.arange(9) * 0.325).astype(np.float32)
        narrowed = Points(singles.astype(np.float64)).narrowed
        assert narrowed is not None
        assert narrowed.dtype == np.float32
        assert narrowed.slope == Points(singles).slope

    @pytest.mark.parametrize(
        ("values", "dtype"),
        [
            ([0.0, 1.0, 2.0], np.float16),
            ([0.0, 2.0**17], np.float32),
            ([0.0, 2.0**100], np.float32),
        ],
    )
    def test_they_were_of_the_smallest_type_that_holds_them(
        self, values: list[float], dtype: type
    ) -> None:
        narrowed = Points(np.array(values)).narrowed
        assert narrowed is not None
        assert narrowed.dtype == dtype

    @pytest.mark.parametrize(
        "values",
        [np.arange(9) * 0.325, np.arange(9, dtype=np.float32), np.array([0.0, 1e200])],
        ids=["doubles", "singles", "too large"],
    )
    def test_others_were_not(self, values: NDArray[np.floating]) -> None:
        assert Points(values).narrowed is None

    def test_long_doubles_are_taken_for_doubles(self) -> None:
        points = Points(np.arange(3, dtype=np.longdouble) / 2)
        assert points.dtype == np.float64
        assert points.values.dtype == np.float64
