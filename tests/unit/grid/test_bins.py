"""A level makes another where its whole bins are all pixels of that."""

from __future__ import annotations

import pytest

from xarray_omezarr.grid.bins import holds_bins


def covered(finest, level):
    """The pixels of level 0 that there are in those of another."""
    size, each = level
    return {pixel for pixel in range(finest) if pixel < size * each}


SIZES = [
    (finest, (fine, a), (coarse, a * b))
    for finest in range(1, 30)
    for a in (1, 2, 3)
    for b in (1, 2, 3)
    for fine in {finest // a, -(-finest // a)} - {0}
    for coarse in {finest // (a * b), -(-finest // (a * b))} - {0}
]


def test_it_has_every_pixel_that_the_other_is_of() -> None:
    for finest, fine, coarse in SIZES:
        # The only pixel of a level may be of fewer than it stands for.
        if coarse[0] > 1:
            expected = covered(finest, coarse) <= covered(finest, fine)
            assert holds_bins(finest, fine, coarse) is expected, (finest, fine, coarse)


def test_level_0_makes_every_level() -> None:
    assert all(holds_bins(n, (n, 1), coarse) for n, _, coarse in SIZES)


@pytest.mark.parametrize(("fine", "coarse"), [(2, 3), (4, 6), (3, 4), (4, 2)])
def test_bins_are_of_whole_pixels(fine, coarse) -> None:
    assert not holds_bins(36, (36 // fine, fine), (36 // coarse, coarse))


def test_the_only_pixel_is_made_of_the_only_one() -> None:
    # As programs do that halve a size until it is 1.
    assert holds_bins(5, (1, 4), (1, 8))
