"""Stages and blocks: every pixel once, no stored object shared."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xarray_omezarr.hierarchy import ArrayNode, Downsampled, Given, Layout
from xarray_omezarr.store.blocks import Stage, plan_stages

U2 = np.dtype("uint16")


def level(shape, chunks, *, parent=None, factors=None, shards=None):
    dims = tuple("tczyx"[-len(shape) :])
    source = (
        Given(np.broadcast_to(np.uint16(0), shape))
        if parent is None
        else Downsampled(parent, factors, "mean")
    )
    return ArrayNode(dims, shape, U2, Layout(chunks, shards), source)


def pyramid(shape, chunks, count, factor=2):
    arrays = {"0": level(shape, chunks)}
    for index in range(1, count):
        shape = tuple(-(-n // factor) for n in shape)
        arrays[str(index)] = level(
            shape,
            tuple(min(a, b) for a, b in zip(chunks, shape, strict=True)),
            parent=str(index - 1),
            factors=(factor,) * len(shape),
        )
    return arrays


def objects_touched(stage: Stage, arrays, path, total, place):
    """Indices of stored objects of one level that a block of the root covers."""
    size = arrays[path].layout.objects
    shape = arrays[path].shape
    ranges = []
    for part, factor, n, whole in zip(place, total, size, shape, strict=True):
        first = part.start // factor
        last = min(-(-part.stop // factor), whole) - 1
        ranges.append(range(first // n, last // n + 1))
    return set(itertools.product(*ranges))


@st.composite
def pyramids(draw):
    ndim = draw(st.integers(2, 3))
    shape = tuple(draw(st.integers(1, 60)) for _ in range(ndim))
    arrays = {}
    totals = [(1,) * ndim]
    for index in range(draw(st.integers(1, 4))):
        total = totals[-1]
        if index:
            step = tuple(draw(st.integers(1, 3)) for _ in range(ndim))
            total = tuple(a * b for a, b in zip(totals[-1], step, strict=True))
            totals.append(total)
        size = tuple(-(-n // f) for n, f in zip(shape, total, strict=True))
        chunks = tuple(draw(st.integers(1, n)) for n in size)
        arrays[str(index)] = level(
            size,
            chunks,
            parent=str(index - 1) if index else None,
            factors=step if index else None,
        )
    return arrays


@given(arrays=pyramids(), budget=st.integers(1, 20_000))
def test_no_two_blocks_of_a_stage_touch_one_stored_object(arrays, budget):
    for stage in plan_stages(arrays, budget):
        written = [(step.path, step.total) for step in stage.steps]
        if stage.writes_root:
            written.append((stage.root, (1,) * len(stage.shape)))
        for path, total in written:
            seen = set()
            for place in stage.blocks():
                touched = objects_touched(stage, arrays, path, total, place)
                assert not touched & seen
                seen |= touched


@given(arrays=pyramids(), budget=st.integers(1, 20_000))
def test_blocks_cover_every_pixel_once_and_every_level_is_made_once(arrays, budget):
    made = []
    for stage in plan_stages(arrays, budget):
        count = np.zeros(stage.shape, dtype=int)
        for place in stage.blocks():
            count[place] += 1
        assert (count == 1).all()
        made += [step.path for step in stage.steps]
        made += [stage.root] if stage.writes_root else []
    assert sorted(made) == sorted(arrays)


@given(arrays=pyramids(), budget=st.integers(1, 20_000))
def test_a_stage_reads_only_levels_that_earlier_stages_have_stored(arrays, budget):
    stored: set[str] = set()
    for stage in plan_stages(arrays, budget):
        assert stage.writes_root or stage.root in stored
        stored |= {stage.root, *(step.path for step in stage.steps)}


def test_one_stage_makes_all_levels_where_the_budget_allows():
    (stage,) = plan_stages(pyramid((64, 64), (16, 16), 3), 10**6)
    assert stage.writes_root
    assert [step.path for step in stage.steps] == ["1", "2"]


def test_a_small_budget_goes_on_from_a_stored_level():
    stages = plan_stages(pyramid((256, 256), (16, 16), 5), 16 * 16 * 2 * 6)
    assert [stage.root for stage in stages][:2] == ["0", "1"]
    assert [stage.writes_root for stage in stages][:2] == [True, False]


def test_a_block_holds_no_more_than_the_budget_where_objects_allow():
    budget = 64 * 2**20
    for stage in plan_stages(pyramid((16, 40000, 40000), (4, 256, 256), 8), budget):
        pixels = math.prod(stage.block)
        made = sum(pixels / math.prod(step.total) for step in stage.steps)
        assert (pixels + made) * U2.itemsize <= budget


def test_one_stored_object_larger_than_the_budget_is_still_written():
    (stage,) = plan_stages({"0": level((100, 100), (100, 100))}, 1)
    assert list(stage.blocks()) == [(slice(0, 100), slice(0, 100))]


def test_shards_are_the_stored_objects():
    arrays = {"0": level((64, 64), (8, 8), shards=(32, 32))}
    (stage,) = plan_stages(arrays, 1)
    assert stage.block == (32, 32)


def test_levels_with_one_parent_are_made_from_it_in_one_stage():
    arrays = {
        "0": level((36, 36), (6, 6)),
        "1": level((18, 18), (6, 6), parent="0", factors=(2, 2)),
        "2": level((12, 12), (6, 6), parent="0", factors=(3, 3)),
        "3": level((6, 6), (6, 6), parent="2", factors=(2, 2)),
    }
    (stage,) = plan_stages(arrays, 10**6)
    totals = {step.path: step.total for step in stage.steps}
    assert totals == {"1": (2, 2), "2": (3, 3), "3": (6, 6)}
    assert stage.block == (36, 36)
