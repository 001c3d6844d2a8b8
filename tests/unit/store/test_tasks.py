"""Blocks put together from chunks of dask, and the tasks that write them."""

from __future__ import annotations

import subprocess
import sys

import dask.array
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xarray_omezarr.hierarchy import ArrayNode, Downsampled, Given, Layout
from xarray_omezarr.store.blocks import plan_stages
from xarray_omezarr.store.fill import block_writers
from xarray_omezarr.store.tasks import fill_later, overlapping, put_together


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.data())
def test_a_block_is_put_together_from_the_chunks_it_overlaps(sizes, data) -> None:
    edges = [0, *np.cumsum(sizes).tolist()]
    if edges[-1] == 0:
        return
    start = data.draw(st.integers(0, edges[-1] - 1))
    stop = data.draw(st.integers(start + 1, edges[-1]))
    whole = np.arange(edges[-1])
    chunks = np.split(whole, edges[1:-1])
    found = list(overlapping([edges], (slice(start, stop),)))
    block = put_together(
        [piece for _, piece in found],
        [chunks[index] for (index,), _ in found],
        (slice(start, stop),),
    )
    np.testing.assert_array_equal(block, whole[start:stop])


def test_a_chunk_that_is_the_block_is_not_copied() -> None:
    chunk = np.arange(4)
    block = put_together([((slice(0, 4),), (slice(0, 4),))], [chunk], (slice(8, 12),))
    assert np.shares_memory(block, chunk)


def tasks_of(array, objects, levels=3):
    shape = array.shape
    arrays = {"0": ArrayNode(("y", "x"), shape, array.dtype, objects, Given(array))}
    for level in range(1, levels):
        shape = tuple(-(-size // 2) for size in shape)
        source = Downsampled(str(level - 1), (2, 2), "mean")
        arrays[str(level)] = ArrayNode(("y", "x"), shape, array.dtype, objects, source)
    stages = plan_stages(arrays, 10**5)
    writers = block_writers(arrays, stages, {})
    begun = dask.delayed(object(), traverse=False)
    later = fill_later(arrays, writers, begun, lambda *_: None)
    blocks = sum(len(list(stage.blocks())) for stage in stages)
    return len(dict(later.__dask_graph__())), blocks


def test_the_graph_of_the_source_is_not_copied_for_each_level() -> None:
    array = dask.array.zeros((4000, 4000), chunks=(10, 1000), dtype="u1") + 1
    own = len(dict(array.__dask_graph__()))
    tasks, blocks = tasks_of(array, Layout((256, 256)), levels=5)
    assert tasks <= own + blocks + 10


@pytest.mark.parametrize("code", ["", "dask.config.set(scheduler='threads');"])
def test_without_a_client_distributed_is_imported_only_if_asked(code) -> None:
    program = (
        "import sys, dask; from xarray_omezarr.store.tasks import compute;"
        f"{code} print(compute(dask.delayed(int)(5)), 'distributed' in sys.modules)"
    )
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "5"
    if not code:
        assert done.stdout.split()[1] == "False"
