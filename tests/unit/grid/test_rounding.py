"""What each supposed way of rounding allows."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from xarray_omezarr.grid.points import Points
from xarray_omezarr.grid.rounding import Band, computed, looser, rounded_once


def allows(band: Band, values: NDArray[np.float64], exact: list[Fraction]) -> bool:
    return all(
        -Fraction(below.item()) <= position - Fraction(value.item()) <= above.item()
        for value, below, above, position in zip(
            values, band.below, band.above, exact, strict=True
        )
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rounding_once_allows_what_rounds_to_the_value(dtype: type) -> None:
    # 1 and 2 lie between numbers of different distances; -3 on the other side.
    values = np.array([-3.0, 0.0, 0.75, 1.0, 2.0, 2.5], dtype=dtype)
    band = rounded_once(Points(values))
    below = np.nextafter(values, dtype(-np.inf))
    above = np.nextafter(values, dtype(np.inf))
    nonzero = values != 0
    half = (values.astype(float) - below.astype(float)) / 2
    assert np.array_equal(band.below[nonzero], half[nonzero])
    half = (above.astype(float) - values.astype(float)) / 2
    assert np.array_equal(band.above[nonzero], half[nonzero])


def test_only_zero_rounds_to_zero() -> None:
    band = rounded_once(Points(np.array([0.0, 1.0])))
    assert (band.below[0], band.above[0]) == (0.0, 0.0)


@pytest.mark.parametrize("translation", ["0", "0.7", "-1000.1", "123456.789"])
@pytest.mark.parametrize("scale", ["0.1", "0.123456789012", "333.3"])
def test_products_and_sums_stay_within_the_loosest_computation(
    scale: str, translation: str
) -> None:
    values = np.arange(300) * float(scale) + float(translation)
    exact = [Fraction(translation) + i * Fraction(scale) for i in range(300)]
    *_, loosest = computed(Points(values))
    assert allows(loosest, values, exact)


@pytest.mark.parametrize("scale", ["0.1", "0.7", "1.3"])
def test_sums_of_steps_stay_within_one_of_the_suppositions(scale: str) -> None:
    summed = np.cumsum(np.full(1000, float(scale)))
    stepped = np.arange(1000, 1000 + 500 * float(scale), float(scale))
    for values, first in ((summed, Fraction(scale)), (stepped, Fraction(1000))):
        exact = [first + i * Fraction(scale) for i in range(values.size)]
        bands = [*looser(Points(values))]
        assert not allows(bands[0], values, exact)
        assert any(allows(band, values, exact) for band in bands)


def test_looser_suppositions_are_less_believed() -> None:
    points = Points(np.arange(9) * 0.1)
    strict = rounded_once(points)
    for band in looser(points):
        assert band.doubt > strict.doubt
        assert (band.below + band.above > strict.below + strict.above)[1:].all()
