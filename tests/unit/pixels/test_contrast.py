"""Contrast windows: something to see, whatever the pixels."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xarray_omezarr.pixels.contrast import contrast_window
from xarray_omezarr.pixels.ranges import value_range


def window(pixels):
    return contrast_window(value_range(pixels), pixels)


def test_the_window_reaches_over_the_data_and_shows_the_percentiles() -> None:
    pixels = np.arange(1001, dtype=np.uint16)
    assert window(pixels) == pytest.approx((0.0, 1000.0, 1.0, 999.0), abs=1e-9)


def test_limits_come_from_all_pixels_and_percentiles_from_the_sample() -> None:
    sample = np.arange(100, 200)
    low, high, start, end = contrast_window((0, 65535), sample)
    assert (low, high) == (0.0, 65535.0)
    assert 100 <= start < 101
    assert 198 < end <= 199


def test_a_hot_pixel_does_not_darken_the_picture() -> None:
    pixels = np.arange(10_000, dtype=np.uint16) % 200
    pixels[17] = 65535
    low, high, start, end = window(pixels)
    assert (low, high) == (0.0, 65535.0)
    assert (start, end) == (0.0, 199.0)


def test_a_dead_pixel_does_not_brighten_it() -> None:
    pixels = 1000 + np.arange(10_000, dtype=np.int32) % 200
    pixels[17] = -30000
    assert window(pixels)[2] == 1000.0


def test_a_picture_of_few_bright_spots_shows_its_whole_range() -> None:
    pixels = np.zeros(100_000, dtype=np.uint8)
    pixels[:5] = 200
    assert window(pixels) == (0.0, 200.0, 0.0, 200.0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, (0.0, 7.0, 0.0, 7.0)),
        (0, (0.0, 1.0, 0.0, 1.0)),
        (-3, (-6.0, -3.0, -6.0, -3.0)),
    ],
)
def test_a_constant_picture_is_bright_unless_it_is_zero(value, expected) -> None:
    assert window(np.full((4, 4), value, np.int16)) == expected


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_picture_without_a_number_has_the_window_of_nothing(value) -> None:
    assert window(np.full((4, 4), value)) == (0.0, 1.0, 0.0, 1.0)


def test_numbers_among_nan_and_infinity_are_all_that_counts() -> None:
    pixels = np.arange(1001, dtype=np.float32)
    dirty = np.concatenate([pixels, [np.nan, np.inf, -np.inf]] * 3)
    assert window(dirty)[:2] == (0.0, 1000.0)
    assert window(dirty)[2:] == pytest.approx((1.0, 999.0), abs=1)


def test_a_sample_without_a_number_shows_the_limits() -> None:
    assert contrast_window((2, 5), np.full(9, np.nan)) == (2.0, 5.0, 2.0, 5.0)


def test_an_empty_sample_shows_the_limits() -> None:
    assert contrast_window((2, 5), np.zeros(0, np.uint8)) == (2.0, 5.0, 2.0, 5.0)


def test_a_sample_beyond_the_limits_is_cut_to_them() -> None:
    # A user's own method may make pixels that the source has not.
    assert contrast_window((0, 10), np.arange(-50, 50)) == (0.0, 10.0, 0.0, 10.0)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        ([False, True] * 50, (0.0, 1.0, 0.0, 1.0)),
        ([False] * 9, (0.0, 1.0, 0.0, 1.0)),
        ([True] * 9, (0.0, 1.0, 0.0, 1.0)),
    ],
)
def test_black_and_white_pictures_have_a_window(pixels, expected) -> None:
    assert window(np.array(pixels)) == expected


def test_the_range_of_the_largest_integers_does_not_overflow() -> None:
    info = np.iinfo(np.int64)
    low, high, start, end = window(np.array([info.min, 0, info.max] * 10))
    assert (low, high) == (float(info.min), float(info.max))
    assert start < end


def test_half_floats_do_not_overflow_between_their_values() -> None:
    assert window(np.array([-60000, 60000] * 9, np.float16)) == (
        -60000.0,
        60000.0,
        -60000.0,
        60000.0,
    )


@pytest.mark.parametrize("value", [5e-324, -5e-324, 1.7e308, -1.7e308, 1e-320])
def test_a_constant_of_any_size_has_a_window_of_finite_numbers(value) -> None:
    low, high, start, end = window(np.full(9, value))
    assert np.isfinite([low, high, start, end]).all()
    assert low <= start < end <= high


@given(
    hnp.arrays(
        st.sampled_from(["bool", "uint8", "int16", "uint64", "float16", "float32"]),
        hnp.array_shapes(max_dims=2, max_side=20),
    )
)
def test_every_picture_has_an_ascending_window_inside_its_limits(pixels) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low, high, start, end = window(pixels)
    assert low <= start < end <= high
    assert {type(n) for n in (low, high, start, end)} == {float}
