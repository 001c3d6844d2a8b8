"""Smooth methods against scikit-image and scipy, and against themselves cut up."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage import transform

from xarray_omezarr.pixels.downsample import downsample, downsample_within
from xarray_omezarr.pixels.methods import overlap

SMOOTH = ("resize", "zoom", "gaussian", "laplacian")
UNSIGNED = ("?", "u1", ">u2", "u4")
SIGNED = ("i1", "i2", ">i4", "f2", "f4", ">f8")

Block = NDArray[Any]


@st.composite
def cases(
    draw: st.DrawFn, most: int = 40, with_nan: bool = False
) -> tuple[str, Block, tuple[int, ...]]:
    """A method, an array of up to three dimensions that suits it, and factors."""
    method = draw(st.sampled_from(SMOOTH))
    dtypes = SIGNED if method == "laplacian" else (*UNSIGNED, *SIGNED)
    dtype: np.dtype[Any] = np.dtype(draw(st.sampled_from(dtypes)))
    ndim = draw(st.integers(1, 3))
    shape = [draw(st.integers(1, most)) for _ in range(ndim)]
    factors = tuple(draw(st.integers(1, 4)) for _ in range(ndim))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    block: Block
    if dtype.kind == "f":
        block = rng.normal(size=shape).astype(dtype)
        if with_nan:
            share = draw(st.sampled_from([0, 0.02, 0.5]))
            block[rng.random(shape) < share] = np.nan
    elif dtype.kind == "b":
        block = rng.random(shape) < 0.5
    else:
        info = np.iinfo(dtype)
        numbers = rng.integers(info.min, info.max, shape, endpoint=True)
        block = numbers.astype(dtype)
    return method, block, factors


# -- The same with the packages --------------------------------------------------------


def by_package(block: Block, factors: tuple[int, ...], method: str) -> Block:
    """Coarse pixels as doubles; each axis of factor 1 is left alone."""
    missing = [(0, -n % f) for n, f in zip(block.shape, factors, strict=True)]
    padded = np.pad(block.astype(float), missing, mode="edge")
    shape = tuple(n // f for n, f in zip(padded.shape, factors, strict=True))
    if method == "resize":
        resized: Block = transform.resize(
            padded,
            shape,
            order=1,
            mode="reflect",
            anti_aliasing=True,
            preserve_range=True,
        )
        return resized
    if method == "zoom":
        inverse = [1 / f for f in factors]
        zoomed: Block = ndimage.zoom(padded, inverse, mode="mirror", grid_mode=True)
        return zoomed
    sigmas = [0 if f == 1 else f / 3 for f in factors]
    reduced: Block = transform.resize(
        ndimage.gaussian_filter(padded, sigmas, mode="reflect"),
        shape,
        order=1,
        anti_aliasing=False,
        preserve_range=True,
    )
    if method == "gaussian":
        return reduced
    band: Block = reduced - ndimage.gaussian_filter(reduced, sigmas, mode="reflect")
    return band


@given(case=cases())
@settings(max_examples=200, deadline=None)
def test_pixels_are_those_of_the_package(
    case: tuple[str, Block, tuple[int, ...]],
) -> None:
    method, block, factors = case
    coarse = downsample(block, factors, method)
    assert coarse.dtype == block.dtype
    if all(f == 1 for f in factors):
        np.testing.assert_array_equal(coarse, block)
        return
    expected = by_package(block, factors, method)
    if block.dtype.kind == "b":
        sure = np.abs(expected - 0.5) > 1e-6
        np.testing.assert_array_equal(coarse[sure], (expected >= 0.5)[sure])
    elif block.dtype.kind == "f":
        close = 2 * float(np.finfo(block.dtype).eps)
        np.testing.assert_allclose(coarse, expected, rtol=close, atol=1e-9 + close)
    else:
        info = np.iinfo(block.dtype)
        clipped = np.clip(np.rint(expected), info.min, info.max)
        # Where the exact value lies near a half, either neighbour is right.
        assert np.abs(coarse.astype(float) - clipped).max() <= 1


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_planes_are_those_of_the_pyramids_of_scikit_image(factor: int) -> None:
    plane = np.random.default_rng(5).normal(size=(12 * factor, 17 * factor))
    low = transform.pyramid_reduce(plane, downscale=factor)
    _, band, *_ = transform.pyramid_laplacian(plane, downscale=factor, max_layer=1)
    factors = (factor, factor)
    np.testing.assert_allclose(downsample(plane, factors, "gaussian"), low, atol=1e-12)
    np.testing.assert_allclose(
        downsample(plane, factors, "laplacian"), band, atol=1e-12
    )


# -- Blocks with what surrounds them ---------------------------------------------------


@given(case=cases(most=90, with_nan=True), data=st.data())
@settings(max_examples=200, deadline=None)
def test_no_block_can_be_told_from_the_whole(
    case: tuple[str, Block, tuple[int, ...]], data: st.DataObject
) -> None:
    method, block, factors = case
    whole = downsample(block, factors, method)
    around = overlap(method, factors)
    cuts = [
        sorted(data.draw(st.sets(st.sampled_from(range(0, n, f)), max_size=2)) | {0})
        for n, f in zip(block.shape, factors, strict=True)
    ]
    pieces = np.empty_like(whole)
    spans = [
        list(itertools.pairwise([*starts, n]))
        for starts, n in zip(cuts, block.shape, strict=True)
    ]
    for box in itertools.product(*spans):
        before = [min(o, a) for o, (a, _) in zip(around, box, strict=True)]
        after = [
            min(o, n - b) for o, (_, b), n in zip(around, box, block.shape, strict=True)
        ]
        cut = tuple(
            slice(a - f, b + t) for (a, b), f, t in zip(box, before, after, strict=True)
        )
        outside = tuple(
            slice(a // f, math.ceil(b / f))
            for (a, b), f in zip(box, factors, strict=True)
        )
        pieces[outside] = downsample_within(block[cut], factors, method, before, after)
    assert pieces.tobytes() == whole.tobytes()
