"""Boxes: what depends on what, and how it is cut."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from xarray_omezarr.store import boxes


def marked(size: int, side: slice):
    line = np.zeros(size, bool)
    line[side] = True
    return line


SIDES = [slice(a, b) for a, b in itertools.combinations(range(12), 2)]


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize("floor", [True, False])
@pytest.mark.parametrize("more", [0, 1])
def test_what_a_change_reaches_is_what_sees_it(factor, floor, more) -> None:
    fine = 11
    coarse = fine // factor if floor else -(-fine // factor)
    overlap = more * factor
    for side in SIDES:
        seen = []
        for index in range(coarse):
            first = max(index * factor - overlap, 0)
            last = min((index + 1) * factor + overlap, fine)
            seen.append(marked(fine, side)[first:last])
        shapes = (fine,), (coarse,)
        (reached,) = boxes.reached((side,), (factor,), shapes, (overlap,))
        (owned,) = boxes.owned((side,), (factor,), shapes, (overlap,))
        np.testing.assert_array_equal(
            marked(coarse, reached), [part.any() for part in seen]
        )
        # A border that is cut off belongs to its last bin here, to be safe.
        alone = marked(coarse, owned)
        assert not (alone & ~np.array([part.all() for part in seen], bool)).any()


def test_the_footprint_of_the_last_bin_ends_with_the_array() -> None:
    box, before, after = boxes.footprint((slice(1, 3),), (2,), (5,), (2,))
    assert box == (slice(0, 5),)
    assert (before, after) == ((2,), (0,))


@pytest.mark.parametrize("unit", [1, 2, 5, 20])
def test_pieces_cover_a_box_once_and_end_at_multiples(unit) -> None:
    for side in SIDES:
        pieces = [piece for (piece,) in boxes.cells((side,), (unit,))]
        covered = [i for piece in pieces for i in range(piece.start, piece.stop)]
        assert covered == list(range(side.start, side.stop))
        assert all(piece.stop % unit == 0 for piece in pieces[:-1])
        assert boxes.lengths(side, unit) == tuple(p.stop - p.start for p in pieces)


def test_whole_objects_may_end_at_the_border_of_the_array() -> None:
    assert boxes.is_aligned((slice(4, 7),), (4,), (7,))
    assert not boxes.is_aligned((slice(4, 6),), (4,), (7,))
    assert not boxes.is_aligned((slice(2, 7),), (4,), (7,))


def test_a_unit_grows_along_the_last_axis_first() -> None:
    assert boxes.grown((1, 4, 4), (9, 16, 16), 64) == (1, 4, 16)
    assert boxes.grown((1, 4, 4), (9, 16, 16), 1) == (1, 4, 4)


def test_pieces_shrink_to_what_may_be_read_at_once() -> None:
    unit = boxes.shrunk((slice(0, 8), slice(3, 11)), (2, 2), 64)
    assert unit == (2, 8)
    assert boxes.shrunk((slice(0, 8),), (2,), 0) == (1,)
