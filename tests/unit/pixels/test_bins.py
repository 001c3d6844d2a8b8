"""Cutting arrays into bins and parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from xarray_omezarr.pixels.bins import coarse_shape, fold, members, paired, parts


def test_sizes_are_rounded_up() -> None:
    assert coarse_shape((1, 7, 8, 9), (3, 2, 2, 4)) == (1, 4, 4, 3)


def test_an_empty_axis_stays_empty() -> None:
    assert coarse_shape((0, 4), (2, 2)) == (0, 2)
    assert list(parts((0, 4), (2, 2), 1)) == []


@pytest.mark.parametrize(
    ("shape", "factors"),
    [
        ((7,), (2,)),
        ((3, 1201, 1303), (2, 2, 2)),
        ((2, 3, 5, 501, 499), (1, 1, 2, 3, 4)),
        ((1_500_007,), (3,)),
        ((5, 5), (7, 1)),
    ],
)
def test_parts_cover_every_pixel_and_every_bin_once(
    shape: tuple[int, ...], factors: tuple[int, ...]
) -> None:
    pixels = np.zeros(shape, dtype=np.uint8)
    found = np.zeros(coarse_shape(shape, factors), dtype=np.uint8)
    for part in parts(shape, factors, itemsize=2):
        pixels[part.inside] += 1
        found[part.outside] += 1
        # As many pixels as the bins hold, which begin where the first bin begins.
        for inside, outside, size, factor in zip(
            part.inside, part.outside, part.sizes, factors, strict=True
        ):
            assert inside.stop - inside.start == size * (outside.stop - outside.start)
            assert inside.start == outside.start * factor
    assert (pixels == 1).all()
    assert (found == 1).all()


def test_parts_stay_small_and_are_whole_rows() -> None:
    shape = (4, 6, 4096, 4096)
    whole = [
        part
        for part in parts(shape, (1, 2, 2, 2), itemsize=2)
        if part.sizes == (1, 2, 2, 2)
    ]
    nbytes = [2 * math.prod(s.stop - s.start for s in p.inside) for p in whole]
    assert max(nbytes) <= 2**20
    assert min(nbytes) >= 2**19
    assert all(part.inside[-1] == slice(0, 4096) for part in whole)


def test_members_come_in_the_order_of_memory() -> None:
    part = np.arange(16).reshape(4, 4)
    first, second, third, fourth = members(part, (2, 2))
    assert first.tolist() == [[0, 2], [8, 10]]
    assert second.tolist() == [[1, 3], [9, 11]]
    assert third.tolist() == [[4, 6], [12, 14]]
    assert fourth.tolist() == [[5, 7], [13, 15]]


def test_members_share_the_memory_of_the_part() -> None:
    part = np.zeros((4, 6))
    assert all(np.shares_memory(view, part) for view in members(part, (2, 3)))


def test_fold_combines_all_pixels_of_a_bin_in_the_type_asked_for() -> None:
    part = np.full((4, 6), 200, dtype=np.uint8)
    total = fold(part, (2, 3), np.add, np.dtype(np.uint16))
    assert total.dtype == np.uint16
    assert total.tolist() == [[1200, 1200], [1200, 1200]]


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4"])
def test_two_neighbours_are_read_as_one_number(dtype: str) -> None:
    part = np.arange(2 * 6, dtype=dtype).reshape(2, 6)
    pairs = paired(part, (1, 2))
    assert pairs is not None
    assert pairs.shape == (2, 3)
    assert pairs.dtype == f"u{2 * part.itemsize}"
    np.testing.assert_array_equal(pairs.view(dtype), part)


@pytest.mark.parametrize(
    ("part", "sizes"),
    [
        (np.zeros((4, 6), dtype="u8"), (2, 2)),
        (np.zeros((4, 6), dtype="f4"), (2, 2)),
        (np.zeros((4, 6), dtype="u2"), (2, 3)),
        (np.zeros((4, 6), dtype="u2"), (2, 1)),
        (np.zeros((4, 6), dtype="u2").T, (2, 2)),
        (np.zeros((4, 12), dtype="u2")[:, ::2], (2, 2)),
        (np.zeros((4, 8), dtype="u4")[:, 1:7], (2, 2)),
    ],
    ids=["wide", "floats", "three", "one", "turned", "apart", "between"],
)
def test_what_does_not_lie_side_by_side_is_not_read_as_one(
    part: np.ndarray[Any, Any], sizes: tuple[int, ...]
) -> None:
    assert paired(part, sizes) is None
