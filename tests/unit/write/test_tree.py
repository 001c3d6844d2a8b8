"""Which nodes of a tree are levels of one image."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.write.tree import is_as_large


def level(shape, spacing=None, scale=None):
    dims = ("t", "y", "x")[-len(shape) :]
    coords = {} if spacing is None else {"x": ("x", [0.0], {"spacing": spacing})}
    da = xr.DataArray(np.zeros(shape), coords, dims)
    da.encoding = {} if scale is None else {"omezarr_scale": {"x": scale}}
    return da


def test_nodes_of_one_size_are_images_of_their_own() -> None:
    assert is_as_large(level((4, 6)), level((4, 6)))
    assert is_as_large(level((2, 4, 6)), level((2, 4, 6)))


@pytest.mark.parametrize("finer", [(8, 6), (4, 12), (2, 4, 6)])
def test_smaller_ones_are_levels(finer) -> None:
    assert not is_as_large(level((4, 6)), level(finer))


def test_single_pixels_cannot_get_fewer() -> None:
    assert not is_as_large(level((1, 1)), level((1, 1)))
    assert not is_as_large(level((5, 1, 1)), level((5, 1, 1)))


@pytest.mark.parametrize("told", ["spacing", "scale"])
def test_a_single_pixel_stands_for_more_if_its_scale_says_so(told) -> None:
    assert not is_as_large(level((4, 1), **{told: 2.0}), level((4, 1), **{told: 1.0}))
    assert is_as_large(level((4, 1), **{told: 2.0}), level((4, 1), **{told: 2.0}))
