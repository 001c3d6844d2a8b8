"""Fields side by side: what is read, and that it is what numpy gives."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from xarray.core import indexing

from xarray_omezarr.read.stacked import StackedPixels, VariableMember

SHAPE = (2, 3, 4, 5)


class Counted:
    """A field that knows how often it was read."""

    def __init__(self, values) -> None:
        self.inner = VariableMember(xr.Variable(("y", "x"), values))
        self.reads = 0

    def outer(self, key):
        self.reads += 1
        return self.inner.outer(key)

    def points(self, key):
        self.reads += 1
        return self.inner.points(key)


@pytest.fixture
def stack():
    """Fields at two rows and three columns, and one place without a field."""
    expected = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype("u2")
    expected[1, 2] = 0
    members = np.full(SHAPE[:2], None, dtype=object)
    for index in np.ndindex(SHAPE[:2]):
        if index != (1, 2):
            members[index] = Counted(expected[index])
    pixels = StackedPixels(members, SHAPE[2:], expected.dtype)
    lazy = xr.Variable("row column y x".split(), indexing.LazilyIndexedArray(pixels))
    return lazy, expected, members


@pytest.mark.parametrize(
    "key",
    [
        (0, 1),
        (-1, -1),
        (slice(None), 2),
        (slice(None, None, -1), [2, 0], slice(3, 1, -1)),
        ([1, 0, 1], slice(None), [3, 0], 2),
        (slice(0, 0),),
        (1, slice(None), slice(0, 0)),
        (..., -1),
    ],
)
def test_any_part_is_what_numpy_gives(stack, key) -> None:
    lazy, expected, _ = stack
    whole = xr.Variable(lazy.dims, expected)
    xr.testing.assert_equal(lazy[key], whole[key])


def test_points_are_what_numpy_gives(stack) -> None:
    lazy, expected, _ = stack
    at = ([0, 1, 1, -1], [0, 2, 1, -2], [1, 1, -1, 0], [4, 0, 2, -5])
    found = lazy[tuple(xr.Variable("point", index) for index in at)]
    np.testing.assert_array_equal(found.values, expected[at])


def test_fields_that_are_not_used_are_not_read(stack) -> None:
    lazy, _, members = stack
    lazy[0, 1].load()
    lazy[1, [0, 2], 0].load()
    reads = [0 if one is None else one.reads for one in members.ravel()]
    assert reads == [0, 1, 0, 1, 0, 0]


def test_where_no_pixels_are_wanted_no_field_is_read(stack) -> None:
    lazy, _, members = stack
    assert lazy[:, :, :0].load().shape == (2, 3, 0, 5)
    assert not any(one.reads for one in members.ravel() if one is not None)
