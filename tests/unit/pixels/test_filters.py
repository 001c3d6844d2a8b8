"""The weights of the smooth methods, in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from xarray_omezarr.pixels.filters import FILTERS, Taps, overlap_of

FACTORS = (2, 3, 4, 5, 8, 13)


def taps_of(method: str, factor: int) -> list[Taps]:
    chosen = FILTERS[method]
    rows = [chosen.add(factor)]
    return rows if chosen.subtract is None else [*rows, chosen.subtract(factor)]


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("method", FILTERS)
def test_weights_lie_evenly_around_the_centre_of_the_bin(
    method: str, factor: int
) -> None:
    for taps in taps_of(method, factor):
        assert taps.first + taps.stop == factor
        np.testing.assert_array_equal(taps.weights, taps.weights[::-1])


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("method", FILTERS)
def test_a_flat_picture_keeps_its_value(method: str, factor: int) -> None:
    for taps in taps_of(method, factor):
        assert math.isclose(math.fsum(taps.weights), 1, rel_tol=1e-14)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("method", FILTERS)
def test_only_splines_have_weights_below_zero(method: str, factor: int) -> None:
    negative = any((taps.weights < 0).any() for taps in taps_of(method, factor))
    # At odd factors a spline goes through the pixel in the middle of the bin.
    assert negative == (method == "zoom" and factor % 2 == 0)
    assert FILTERS[method].overshoots >= negative


def test_weights_of_a_bilinear_half_are_those_of_its_definition() -> None:
    # A Gaussian of sigma 1/2 cut at 2 pixels, then the mean of the two in the middle.
    bell = np.exp(-2.0 * np.arange(-2, 3) ** 2)
    bell /= bell.sum()
    expected = (np.append(bell, 0) + np.append(0, bell)) / 2
    taps = FILTERS["resize"].add(2)
    assert taps.first == -2
    np.testing.assert_allclose(taps.weights, expected, rtol=1e-12)


def test_weights_of_a_gaussian_third_are_those_of_its_definition() -> None:
    # A Gaussian of sigma 1 cut at 4 pixels, around the middle pixel of the bin.
    bell = np.exp(-0.5 * np.arange(-4, 5) ** 2)
    taps = FILTERS["gaussian"].add(3)
    assert taps.first == -3
    np.testing.assert_allclose(taps.weights, bell / bell.sum(), rtol=1e-12)


def test_the_spline_between_two_pixels_is_that_of_the_textbook() -> None:
    # B-splines at 1/2 and 3/2 are 23/48 and 1/48; the coefficients of the spline are
    # a sum over all pixels with weights sqrt(3) z^|n|, z = sqrt(3) - 2.
    z = math.sqrt(3) - 2
    far = 40
    inverse = math.sqrt(3) * z ** np.abs(np.arange(-far, far + 1))
    expected = np.convolve(np.array([1, 23, 23, 1]) / 48, inverse)
    taps = FILTERS["zoom"].add(2)
    middle = len(expected) // 2
    half = len(taps.weights) // 2
    np.testing.assert_allclose(
        taps.weights, expected[middle - half : middle + half], atol=1e-11
    )
    assert np.abs(expected[: middle - half]).sum() < 1e-11


@pytest.mark.parametrize("method", FILTERS)
def test_no_weight_lies_beyond_the_overlap(method: str) -> None:
    for factor in FACTORS:
        (reach,) = overlap_of(method, (factor,))
        for taps in taps_of(method, factor):
            assert taps.first >= -reach
            assert taps.stop <= factor + reach


def test_weights_cannot_be_changed_by_accident() -> None:
    for method in FILTERS:
        for taps in taps_of(method, 2):
            assert not taps.weights.flags.writeable
