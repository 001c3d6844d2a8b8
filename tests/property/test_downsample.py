"""Downsampling against plain loops, against tensorstore, and against itself cut up."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any
from unittest import mock

import hypothesis.extra.numpy as nps
import numpy as np
import pytest
import tensorstore
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from xarray_omezarr.pixels import bins
from xarray_omezarr.pixels.downsample import downsample

INTEGERS = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8")
FLOATS = ("f2", "f4", "f8")
NUMBERS = ("?", *INTEGERS, *FLOATS, ">u2", ">i8", ">f4")

Block = NDArray[Any]


# -- Arrays ----------------------------------------------------------------------------


def values(dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    """Any value of a type, its extremes and small numbers more often."""
    if dtype.kind == "b":
        return st.booleans()
    if dtype.kind == "f":
        # Sums of doubles near the largest overflow in the loops below.
        largest = min(float(np.finfo(dtype).max), 1e300)
        special = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0])
        bounded = nps.from_dtype(dtype, min_value=-largest, max_value=largest)
        return special | bounded
    info = np.iinfo(dtype)
    extremes = [info.min, info.min + 1, info.max - 1, info.max]
    return st.sampled_from([0, 1, 2, *extremes]) | nps.from_dtype(dtype)


@st.composite
def cases(
    draw: st.DrawFn, dtypes: tuple[str, ...] = NUMBERS
) -> tuple[Block, tuple[int, ...]]:
    """A block of up to five dimensions with few different values, and factors."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    shape = draw(nps.array_shapes(min_dims=1, max_dims=5, min_side=1, max_side=7))
    factors = draw(st.tuples(*(st.integers(1, 5) for _ in shape)))
    palette = draw(st.lists(values(dtype), min_size=1, max_size=6))
    seed = draw(st.integers(0, 2**32 - 1))
    chosen = np.random.default_rng(seed).integers(len(palette), size=shape)
    block = np.array(palette, dtype=dtype)[chosen]
    return draw(st.sampled_from(LAYOUTS))(block), factors


def _as_it_is(block: Block) -> Block:
    return block


def _fortran(block: Block) -> Block:
    return np.asfortranarray(block)


def _every_other_backwards(block: Block) -> Block:
    spread = np.repeat(block, 2, axis=0)
    return np.ascontiguousarray(spread[::-1])[::-2]


def _between_pixels(block: Block) -> Block:
    # Rows that begin an odd number of pixels after a multiple of all sizes.
    wide = np.pad(block, [(0, 0)] * (block.ndim - 1) + [(1, 2)], mode="edge")
    return wide[..., 1:-2]


def _read_only(block: Block) -> Block:
    block.flags.writeable = False
    return block


LAYOUTS: tuple[Callable[[Block], Block], ...] = (
    _as_it_is,
    _fortran,
    _every_other_backwards,
    _between_pixels,
    _read_only,
)


# -- The same in plain Python ----------------------------------------------------------


def plain(block: Block, factors: tuple[int, ...], method: str) -> Block:
    """Downsample bin by bin, with Python's own numbers."""
    shape = tuple(math.ceil(n / f) for n, f in zip(block.shape, factors, strict=True))
    coarse = np.empty(shape, dtype=block.dtype)
    for index in np.ndindex(shape):
        corner = [i * f for i, f in zip(index, factors, strict=True)]
        inside = tuple(slice(c, c + f) for c, f in zip(corner, factors, strict=True))
        pixels = block[inside].ravel().tolist()
        coarse[index] = PLAIN[method](pixels)
    return coarse


def _numbers(pixels: list[Any]) -> list[Any]:
    return [p for p in pixels if not math.isnan(p)] or [math.nan]


def _plain_mean(pixels: list[Any]) -> Any:
    if isinstance(pixels[0], bool):
        return 2 * sum(pixels) >= len(pixels)
    if isinstance(pixels[0], int):
        return round(Fraction(sum(pixels), len(pixels)))
    total = 0.0
    for number in _numbers(pixels):
        total += number
    return total / len(_numbers(pixels))


def _plain_median(pixels: list[Any]) -> Any:
    ordered = sorted(_numbers(pixels))
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return _plain_mean(ordered[middle - 1 : middle + 1])


def _plain_mode(pixels: list[Any]) -> Any:
    counts = Counter(_numbers(pixels))
    return max(counts, key=lambda value: (counts[value], value != 0, -value))


PLAIN: dict[str, Callable[[list[Any]], Any]] = {
    "mean": _plain_mean,
    "local_mean": _plain_mean,
    "median": _plain_median,
    "mode": _plain_mode,
    "max": lambda pixels: max(_numbers(pixels)),
    "min": lambda pixels: min(_numbers(pixels)),
    "nearest": lambda pixels: pixels[0],
}


# -- Properties ------------------------------------------------------------------------


@pytest.mark.parametrize("method", PLAIN)
@given(case=cases(), bytes_of_part=st.sampled_from([1, 64, 1 << 20]))
@settings(max_examples=300)
def test_every_bin_is_what_plain_python_makes_of_it(
    method: str, case: tuple[Block, tuple[int, ...]], bytes_of_part: int
) -> None:
    block, factors = case
    before = block.copy()
    # Blocks as small as these would always be one part.
    with mock.patch.multiple(bins, _PART_BYTES=bytes_of_part, _FEWEST_BINS=1):
        coarse = downsample(block, factors, method)
    np.testing.assert_array_equal(coarse, plain(block, factors, method), strict=True)
    assert coarse.dtype == block.dtype
    assert coarse.flags.c_contiguous
    np.testing.assert_array_equal(block, before)


@pytest.mark.parametrize("method", PLAIN)
@given(case=cases(), data=st.data())
@settings(max_examples=60)
def test_pixels_do_not_depend_on_how_the_array_is_cut(
    method: str, case: tuple[Block, tuple[int, ...]], data: st.DataObject
) -> None:
    block, factors = case
    whole = downsample(block, factors, method)
    cuts = [
        sorted(data.draw(st.sets(st.sampled_from(range(0, n, f)), max_size=2)) | {0})
        for n, f in zip(block.shape, factors, strict=True)
    ]
    pieces = np.empty_like(whole)
    for inside in _boxes(cuts, block.shape):
        outside = tuple(
            slice(s.start // f, math.ceil(s.stop / f))
            for s, f in zip(inside, factors, strict=True)
        )
        pieces[outside] = downsample(block[inside], factors, method)
    assert pieces.tobytes() == whole.tobytes()


def _boxes(
    cuts: list[list[int]], shape: tuple[int, ...]
) -> Iterator[tuple[slice, ...]]:
    spans = [
        [slice(a, b) for a, b in itertools.pairwise([*starts, n])]
        for starts, n in zip(cuts, shape, strict=True)
    ]
    return itertools.product(*spans)


@pytest.mark.parametrize("method", ["mode", "nearest", "max", "min"])
@given(case=cases(dtypes=INTEGERS))
@settings(max_examples=60)
def test_no_label_appears_that_was_not_there(
    method: str, case: tuple[Block, tuple[int, ...]]
) -> None:
    block, factors = case
    coarse = downsample(block, factors, method)
    assert set(coarse.ravel().tolist()) <= set(block.ravel().tolist())


@given(case=cases(dtypes=INTEGERS), method=st.sampled_from(["mean", "median"]))
@settings(max_examples=60)
def test_a_mean_lies_between_the_smallest_and_the_largest(
    case: tuple[Block, tuple[int, ...]], method: str
) -> None:
    block, factors = case
    coarse = downsample(block, factors, method)
    assert (coarse >= downsample(block, factors, "min")).all()
    assert (coarse <= downsample(block, factors, "max")).all()


# -- Tensorstore -----------------------------------------------------------------------


def by_tensorstore(block: Block, factors: tuple[int, ...], method: str) -> Block:
    store = tensorstore.array(np.ascontiguousarray(block))
    result = tensorstore.downsample(store, factors, method).read().result()
    return np.asarray(result)


@st.composite
def arrays(
    draw: st.DrawFn,
    dtypes: tuple[str, ...],
    low: int | None = None,
    high: int | None = None,
    odd: bool = False,
) -> tuple[Block, tuple[int, ...]]:
    """A block of evenly spread numbers; `odd` has no bin of an even number."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    if odd:
        factors = draw(st.lists(st.sampled_from([1, 3, 5]), min_size=1, max_size=5))
        shape = [f * draw(st.integers(1, 3)) for f in factors]
    else:
        factors = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
        shape = [draw(st.integers(1, 9)) for _ in factors]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if dtype.kind == "f":
        block = rng.normal(size=shape).astype(dtype)
    elif dtype.kind == "b":
        block = rng.random(shape) < 0.5
    else:
        info = np.iinfo(dtype)
        low = info.min if low is None else low
        high = info.max if high is None else high
        block = rng.integers(low, high, shape, dtype=dtype, endpoint=True)
    return block, tuple(factors)


# Tensorstore sums float32 in single precision, so its means of them differ.
@given(case=arrays(dtypes=(*INTEGERS, "f8")))
@settings(max_examples=100)
def test_means_equal_those_of_tensorstore(case: tuple[Block, tuple[int, ...]]) -> None:
    block, factors = case
    expected = by_tensorstore(block, factors, "mean")
    np.testing.assert_array_equal(downsample(block, factors, "mean"), expected)


# Tensorstore prefers False on a tie, so only bins of an odd number can agree.
@given(
    case=arrays(dtypes=("?",), odd=True),
    method=st.sampled_from(["mean", "median", "mode"]),
)
@settings(max_examples=40)
def test_majorities_equal_those_of_tensorstore(
    case: tuple[Block, tuple[int, ...]], method: str
) -> None:
    block, factors = case
    expected = by_tensorstore(block, factors, method)
    np.testing.assert_array_equal(downsample(block, factors, method), expected)


# Tensorstore takes the lower of the two in the middle, we take their mean.
@given(case=arrays(dtypes=(*INTEGERS, *FLOATS), odd=True))
@settings(max_examples=60)
def test_medians_of_odd_numbers_equal_those_of_tensorstore(
    case: tuple[Block, tuple[int, ...]],
) -> None:
    block, factors = case
    expected = by_tensorstore(block, factors, "median")
    np.testing.assert_array_equal(downsample(block, factors, "median"), expected)


# Tensorstore lets the smallest of equals win, also zero; we do so among the others.
@given(case=arrays(dtypes=INTEGERS, low=1, high=4))
@settings(max_examples=60)
def test_modes_of_labels_without_background_equal_those_of_tensorstore(
    case: tuple[Block, tuple[int, ...]],
) -> None:
    block, factors = case
    expected = by_tensorstore(block, factors, "mode")
    np.testing.assert_array_equal(downsample(block, factors, "mode"), expected)


@given(
    case=arrays(dtypes=("?", *INTEGERS, *FLOATS)),
    methods=st.sampled_from([("max", "max"), ("min", "min"), ("nearest", "stride")]),
)
@settings(max_examples=100)
def test_extremes_and_samples_equal_those_of_tensorstore(
    case: tuple[Block, tuple[int, ...]], methods: tuple[str, str]
) -> None:
    block, factors = case
    ours, theirs = methods
    expected = by_tensorstore(block, factors, theirs)
    np.testing.assert_array_equal(downsample(block, factors, ours), expected)
