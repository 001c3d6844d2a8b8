"""Coarse pixels as weighted sums: borders, what is absent, memory."""

from __future__ import annotations

import tracemalloc
from typing import Any
from unittest import mock

import numpy as np
import pytest
from numpy.typing import NDArray

from xarray_omezarr.errors import DataTypeError, OptionError
from xarray_omezarr.pixels import smooth as smooth_module
from xarray_omezarr.pixels.downsample import downsample, downsample_within
from xarray_omezarr.pixels.filters import FILTERS
from xarray_omezarr.pixels.methods import overlap

Block = NDArray[Any]

# Their weights sum to one; those of the band-pass to nothing.
LOW_PASS = ("resize", "zoom", "gaussian")


def ramp(length: int, slope: float = 3.0, start: float = 7.0) -> Block:
    return start + slope * np.arange(length)


# -- Where values stand ---------------------------------------------------------------


@pytest.mark.parametrize("factor", [2, 3, 4, 5])
@pytest.mark.parametrize("method", LOW_PASS)
def test_a_ramp_stays_a_ramp_at_the_declared_coordinates(
    method: str, factor: int
) -> None:
    coarse = downsample(ramp(60 * factor), (factor,), method)
    centres = factor * np.arange(60) + (factor - 1) / 2
    inner = slice(24, -24)
    np.testing.assert_allclose(coarse[inner], (7 + 3 * centres)[inner], rtol=1e-9)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_ramp_has_no_detail(factor: int) -> None:
    coarse = downsample(ramp(60 * factor), (factor,), "laplacian")
    np.testing.assert_allclose(coarse[24:-24], 0, atol=1e-11)


def test_a_wave_that_is_as_long_as_two_coarse_pixels_is_detail() -> None:
    # Away from the borders, smoothing with weights w multiplies a wave by its
    # transform; the mean of two neighbours, a quarter of a period each, by cos(45°).
    angle = np.pi / 2
    pixels = np.cos(angle * (np.arange(400) - 0.5))
    bell = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (2 / 3) ** 2))
    bell /= bell.sum()
    first = (bell * np.cos(angle * np.arange(-3, 4))).sum() * np.cos(angle / 2)
    again = (bell * np.cos(2 * angle * np.arange(-3, 4))).sum()
    coarse = downsample(pixels, (2,), "laplacian")
    sign = (-1.0) ** np.arange(200)
    np.testing.assert_allclose(
        coarse[20:-20], (first * (1 - again) * sign)[20:-20], rtol=1e-9
    )


# -- Axes of factor 1 -----------------------------------------------------------------


@pytest.mark.parametrize("method", FILTERS)
def test_planes_are_not_blurred_into_each_other(method: str) -> None:
    rng = np.random.default_rng(0)
    block = rng.normal(size=(2, 3, 4, 30, 22))
    whole = downsample(block, (1, 1, 1, 2, 3), method)
    for index in np.ndindex(2, 3, 4):
        plane = downsample(block[index], (2, 3), method)
        assert plane.tobytes() == whole[index].tobytes()


def test_channels_in_the_last_axis_are_not_blurred_into_each_other() -> None:
    rng = np.random.default_rng(0)
    block = rng.integers(0, 255, (40, 31, 3)).astype(np.uint8)
    whole = downsample(block, (2, 2, 1), "resize")
    for index in range(3):
        plane = downsample(block[..., index], (2, 2), "resize")
        np.testing.assert_array_equal(plane, whole[..., index])


# -- Types ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["u1", ">u2", "u4", "u8", "i1", "i8", "f2", ">f4"])
@pytest.mark.parametrize("method", LOW_PASS)
def test_a_flat_picture_keeps_its_value_and_type(method: str, dtype: str) -> None:
    block = np.full((9, 14), 117, dtype=dtype)
    coarse = downsample(block, (2, 4), method)
    assert coarse.dtype == np.dtype(dtype)
    assert coarse.flags.c_contiguous
    assert (coarse == 117).all()


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4", "u8", "i8"])
def test_a_spline_that_overshoots_is_clipped(dtype: str) -> None:
    info = np.iinfo(dtype)
    edge = np.full(40, info.min, dtype=dtype)
    edge[20:] = info.max
    as_floats = downsample((edge > 0).astype(float), (2,), "zoom")
    assert as_floats[9] < 0
    assert as_floats[10] > 1
    coarse = downsample(edge, (2,), "zoom")
    assert coarse[9:11].tolist() == [info.min, info.max]


@pytest.mark.parametrize("method", LOW_PASS)
def test_the_edge_of_a_mask_in_the_middle_of_a_bin_is_true(method: str) -> None:
    mask = np.arange(40) >= 21
    coarse = downsample(mask, (2,), method)
    assert coarse.dtype == np.bool_
    np.testing.assert_array_equal(coarse, np.arange(20) >= 10)


@pytest.mark.parametrize("dtype", ["?", "u2"])
def test_a_band_pass_without_a_sign_is_refused(dtype: str) -> None:
    with pytest.raises(DataTypeError, match="method='gaussian'"):
        downsample(np.ones((4, 4), dtype=dtype), (2, 2), "laplacian")


# -- What is absent -------------------------------------------------------------------


@pytest.mark.parametrize("method", FILTERS)
def test_only_bins_of_nothing_but_nan_are_nan(method: str) -> None:
    rng = np.random.default_rng(4)
    block = rng.normal(size=(48, 60)).astype(np.float32)
    block[rng.random(block.shape) < 0.5] = np.nan
    block[10:20, 30:37] = np.nan
    bins = np.isnan(block).reshape(24, 2, 30, 2).all(axis=(1, 3))
    np.testing.assert_array_equal(np.isnan(downsample(block, (2, 2), method)), bins)


@pytest.mark.parametrize("method", LOW_PASS)
def test_nan_does_not_pull_its_neighbours(method: str) -> None:
    block = np.full((30, 40), 1e6)
    block[:, 15:] = np.nan
    block[3, 4] = np.nan
    coarse = downsample(block, (2, 2), method)
    np.testing.assert_allclose(coarse[:, :8], 1e6, rtol=1e-12)
    assert np.isnan(coarse[:, 8:]).all()


@pytest.mark.parametrize("method", FILTERS)
def test_far_from_nan_all_is_as_if_it_were_not_there(method: str) -> None:
    rng = np.random.default_rng(4)
    block = rng.normal(size=(100,))
    expected = downsample(block, (2,), method)
    block[0] = np.nan
    coarse = downsample(block, (2,), method)
    clear = 1 + overlap(method, (2,))[0] // 2
    assert coarse[clear:].tobytes() == expected[clear:].tobytes()


def test_an_infinity_does_not_ring() -> None:
    block = np.ones(200)
    block[100] = np.inf
    coarse = downsample(block, (2,), "zoom")
    expected = np.ones(100)
    expected[50] = np.inf
    np.testing.assert_allclose(coarse, expected, rtol=1e-12)


# -- Blocks ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", FILTERS)
def test_an_array_smaller_than_the_weights_is_reflected_more_than_once(
    method: str,
) -> None:
    # A picture that repeats its own reflections and one that is as long as they are
    # cannot be told apart in the middle.
    border = FILTERS[method].border
    block = np.array([1.0, 5.0, 2.0, 9.0])
    turned = block[::-1] if border == "symmetric" else block[-2:0:-1]
    period = np.concatenate([block, turned])
    many = np.tile(period, 21)
    at = 10 * len(period)
    coarse = downsample(block, (2,), method)
    np.testing.assert_allclose(
        coarse, downsample(many, (2,), method)[at // 2 : at // 2 + 2], atol=1e-10
    )


@pytest.mark.parametrize(
    ("length", "before", "after"),
    [(12, 1, 0), (12, 4, 0), (12, 0, 4), (11, 0, 2), (4, 2, 2), (12, -2, 0)],
)
def test_surroundings_that_do_not_fit_are_refused(
    length: int, before: int, after: int
) -> None:
    with pytest.raises(OptionError, match=r"axis 0 .*'resize' with a factor of 2"):
        downsample_within(np.zeros(length), (2,), "resize", (before,), (after,))


def test_methods_of_bins_take_no_surroundings() -> None:
    block = np.arange(12)
    inside = downsample_within(block, (2,), "max", (0,), (0,))
    np.testing.assert_array_equal(inside, block[1::2])
    with pytest.raises(OptionError, match="up to 0 pixels"):
        downsample_within(block, (2,), "max", (2,), (0,))


def test_doubles_are_made_in_small_parts() -> None:
    block = np.zeros((4, 2048, 2048), dtype=np.uint16)
    downsample(block[:1, :64, :64], (1, 2, 2), "resize")
    tracemalloc.start()
    downsample(block, (1, 2, 2), "resize")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The coarse pixels are 8 MiB, the block in doubles were 128 MiB.
    assert peak < 18 * 2**20


@pytest.mark.parametrize("pixels", [1, 100, 10_000])
@pytest.mark.parametrize("method", FILTERS)
def test_parts_of_any_size_make_the_same_pixels(method: str, pixels: int) -> None:
    rng = np.random.default_rng(1)
    block = rng.normal(size=(3, 33, 50))
    block[0, 3:9, 7] = np.nan
    whole = downsample(block, (2, 1, 3), method)
    with mock.patch.object(smooth_module, "_PIXELS_OF_PART", pixels):
        assert downsample(block, (2, 1, 3), method).tobytes() == whole.tobytes()
