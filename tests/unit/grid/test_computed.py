"""Coordinates that were plainly computed."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from xarray_omezarr.grid.computed import computed_line

INDEX = np.arange(257)


@pytest.mark.parametrize("scale", [0.1, 0.65, 3.0, 1e-6, 123.456])
@pytest.mark.parametrize("translation", [0.0, 0.325, -332.8, 45001.25])
def test_decimals_are_found_again(scale, translation):
    assert computed_line(INDEX * scale + translation) == (scale, translation)


@pytest.mark.parametrize("field", range(1, 40))
def test_positions_of_a_stage_that_were_multiplied_lose_their_last_bit(field):
    scale, translation = computed_line(INDEX * 0.65 + field * 332.8)

    assert scale == 0.65
    assert translation == round(field * 332.8, 1)


@pytest.mark.parametrize("index", [19, 3, 7])
@pytest.mark.parametrize("scale", [4.9834865e-05, 2.27861559, 0.67108862])
def test_a_product_of_many_digits_is_the_decimal_it_was_meant_to_be(scale, index):
    first = index * scale
    meant = float(Decimal(str(scale)) * index)

    assert computed_line(scale * np.arange(6) + first) in (None, (scale, meant))
    assert computed_line(scale * np.arange(6) + meant) in (None, (scale, meant))


def test_rounded_coordinates_are_found_again():
    assert computed_line(np.round(INDEX * 0.1 + 0.3, 1)) == (0.1, 0.3)


def test_a_first_position_of_many_digits_stays():
    first = 1234.56789012345

    assert computed_line(INDEX * 0.5 + first) == (0.5, first)


@pytest.mark.parametrize(
    "values",
    [
        INDEX / 3,
        np.sqrt(INDEX),
        (INDEX * 0.65 + 332.8).astype(np.float32).astype(np.float64),
        INDEX * 1e-14 + 1e5,
        INDEX * 1e-320,
        np.append(INDEX[:-1] * 0.65, 1e3),
    ],
)
def test_what_is_not_plain_is_left_to_others(values):
    assert computed_line(np.asarray(values, dtype=np.float64)) is None
