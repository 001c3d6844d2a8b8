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
    near, far = np.arange(5.0), np.arange(5.0) + 1e6
    single = np.dtype(np.float32)
    assert Points(near).noise(single) == 4 * 2.0**-23 * 4
    assert Points(far).noise(single) == pytest.approx(4 * 2.0**-23 * 1e6, rel=1e-5)


class TestTypes:
    def test_doubles_that_were_singles_are_told(self) -> None:
        singles = (np.arange(9) * 0.325).astype(np.float32)
        assert Points(singles.astype(np.float64)).narrower == (np.float32,)
        assert Points(singles).narrower == ()
        assert Points(np.arange(9) * 0.325).narrower == ()

    def test_whole_numbers_fit_all_types(self) -> None:
        assert Points(np.arange(9.0)).narrower == (np.float32, np.float16)

    def test_numbers_too_large_for_a_type_do_not_fit(self) -> None:
        assert Points(np.array([0.0, 2.0**100])).narrower == (np.float32,)

    def test_long_doubles_are_taken_for_doubles(self) -> None:
        points = Points(np.arange(3, dtype=np.longdouble) / 2)
        assert points.dtype == np.float64
        assert points.values.dtype == np.float64
