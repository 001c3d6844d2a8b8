"""Filling: every block once, limits of all of them."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import ClassVar

import dask
import dask.array
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xarray_omezarr.errors import LockedError
from xarray_omezarr.hierarchy import ArrayNode, Downsampled, Given, Layout
from xarray_omezarr.store.blocks import plan_stages
from xarray_omezarr.store.crew import Alone, crew
from xarray_omezarr.store.fill import WHOLE, block_writers, merge_limits
from xarray_omezarr.store.sinks import HandleSink
from xarray_omezarr.store.stored import NOTHING, Stored
from xarray_omezarr.store.tasks import fill_later, is_dask
from xarray_omezarr.store.visit import fill_now

PIXELS = np.arange(2 * 10 * 12, dtype=np.int32).reshape(2, 10, 12)


class Unwatched:
    """Looks at nothing."""

    def see(self, path, pixels) -> None:
        pass


@dataclass(frozen=True)
class Begun:
    """A write under way: arrays by path."""

    handles: dict
    hands: Alone = field(default_factory=Alone)
    stored: Stored = NOTHING

    @property
    def sinks(self):
        return {path: HandleSink(handle) for path, handle in self.handles.items()}


class Noting:
    """An array in memory that notes the blocks it was given."""

    def __init__(self, shape, dtype):
        self.pixels = np.zeros(shape, dtype)
        self.blocks = []

    def __setitem__(self, key, value):
        self.blocks.append(tuple((part.start, part.stop) for part in key))
        self.pixels[key] = value

    def __getitem__(self, key):
        return self.pixels[key]


def nodes(array):
    def node(shape, source):
        return ArrayNode(("c", "y", "x"), shape, array.dtype, Layout((1, 4, 4)), source)

    return {
        "0": node((2, 10, 12), Given(array)),
        "1": node((2, 5, 6), Downsampled("0", (1, 2, 2), "max")),
        "2": node((2, 3, 3), Downsampled("1", (1, 2, 2), "max")),
    }


def filled(array, budget, axis=0):
    arrays = nodes(array)
    handles = {path: Noting(node.shape, node.dtype) for path, node in arrays.items()}
    stages = plan_stages(arrays, budget)
    writers = block_writers(arrays, stages, {"0": axis})
    begun = Begun(handles)
    if not is_dask(arrays["0"]):
        with crew(2, 1000) as hands:
            return handles, fill_now(arrays, writers, begun, hands, Unwatched())
    later = fill_later(
        arrays,
        writers,
        dask.delayed(begun, traverse=False),
        lambda limits, begun: (begun.handles, limits),
    )
    return later.compute(scheduler="synchronous")


# Pixels grow along y and x, so the largest of a block is its last one.
Y1, X1 = [1, 3, 5, 7, 9], [1, 3, 5, 7, 9, 11]
Y2, X2 = [3, 7, 9], [3, 7, 11]
WRAPS = pytest.mark.parametrize(
    "wrap", [np.asarray, lambda a: dask.array.from_array(a, chunks=(2, 3, 5))]
)
BUDGETS = pytest.mark.parametrize("budget", [1, 500, 10**6])


@WRAPS
@BUDGETS
def test_every_level_is_filled(wrap, budget) -> None:
    handles, _ = filled(wrap(PIXELS), budget)
    np.testing.assert_array_equal(handles["0"].pixels, PIXELS)
    np.testing.assert_array_equal(handles["1"].pixels, PIXELS[:, Y1][:, :, X1])
    np.testing.assert_array_equal(handles["2"].pixels, PIXELS[:, Y2][:, :, X2])


@WRAPS
@BUDGETS
def test_no_chunk_is_written_by_two_blocks(wrap, budget) -> None:
    handles, _ = filled(wrap(PIXELS), budget)
    for handle in handles.values():
        assert len(set(handle.blocks)) == len(handle.blocks)
        for block in handle.blocks:
            for (start, stop), chunk, size in zip(
                block, (1, 4, 4), handle.pixels.shape, strict=True
            ):
                assert start % chunk == 0
                assert stop % chunk == 0 or stop == size


@WRAPS
@BUDGETS
def test_limits_are_those_of_each_channel_at_the_finest_level(wrap, budget) -> None:
    _, limits = filled(wrap(PIXELS), budget)
    assert {i: limits["0"][i] for i in (0, 1)} == {0: (0, 119), 1: (120, 239)}


def test_without_a_channel_axis_the_whole_is_one_channel() -> None:
    _, limits = filled(PIXELS, 500, WHOLE)
    assert limits["0"] == {0: (0, 239)}


def test_nothing_is_measured_where_nobody_asks() -> None:
    _, limits = filled(PIXELS, 500, None)
    assert limits["0"] == {}


def test_pixels_take_the_type_of_the_array() -> None:
    arrays = {
        "0": ArrayNode(
            ("x",), (4,), np.dtype("u1"), Layout((4,)), Given(np.arange(4.0))
        )
    }
    handle = Noting((4,), "u1")
    writers = block_writers(arrays, plan_stages(arrays, 10**6), {})
    fill_now(arrays, writers, Begun({"0": handle}), Alone(), Unwatched())
    assert handle.pixels.tolist() == [0, 1, 2, 3]


def test_no_block_is_stored_when_the_place_is_of_another_writer() -> None:
    class Claimed(Begun):
        claim: ClassVar = SimpleNamespace()

    def lost_after_the_first() -> None:
        if handle.blocks:
            raise LockedError("not this writer's any more")

    arrays = {
        "0": ArrayNode(
            ("x",), (8,), np.dtype("u1"), Layout((2,)), Given(np.arange(8, dtype="u1"))
        )
    }
    handle = Noting((8,), "u1")
    Claimed.claim.check_lately = lost_after_the_first
    writers = block_writers(arrays, plan_stages(arrays, 4), {})
    with pytest.raises(LockedError):
        fill_now(arrays, writers, Claimed({"0": handle}), Alone(), Unwatched())
    assert len(handle.blocks) == 1


def test_a_writer_travels_without_pixels() -> None:
    arrays = nodes(np.zeros((2, 1000, 1200), np.int32))
    for writer in block_writers(arrays, plan_stages(arrays, 10**6), {"0": 0}):
        assert len(pickle.dumps(writer)) < 2000


@given(
    st.lists(
        st.dictionaries(
            st.integers(0, 3),
            st.tuples(st.integers(-9, 9), st.integers(-9, 9)).map(
                lambda pair: tuple(sorted(pair))
            ),
        )
    )
)
def test_limits_of_blocks_are_merged_by_channel(parts) -> None:
    merged = merge_limits(parts)
    assert set(merged) == {index for part in parts for index in part}
    for index, (low, high) in merged.items():
        found = [part[index] for part in parts if index in part]
        assert low == min(pair[0] for pair in found)
        assert high == max(pair[1] for pair in found)
