"""The tasks that write blocks of arrays of dask."""

from __future__ import annotations

import subprocess
import sys

import dask.array
import numpy as np
import pytest

from xarray_omezarr.hierarchy import ArrayNode, Downsampled, Given, Layout, Part
from xarray_omezarr.store.blocks import plan_stages
from xarray_omezarr.store.fill import block_writers
from xarray_omezarr.store.tasks import fill_later


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


def test_parts_of_one_array_share_its_graph_and_its_chunks() -> None:
    def make(block):
        return block + 1

    # Each chunk holds four parts.
    whole = dask.array.zeros((8, 20, 20), chunks=(4, 20, 20), dtype="u1").map_blocks(
        make, dtype="u1", meta=np.empty((0, 0, 0), "u1")
    )
    arrays = {
        str(n): ArrayNode(
            ("y", "x"),
            (20, 20),
            np.dtype("u1"),
            Layout((20, 20)),
            Given(Part(whole, (n,))),
        )
        for n in range(8)
    }
    writers = block_writers(arrays, plan_stages(arrays, 10**5), {})
    begun = dask.delayed(object(), traverse=False)
    later = fill_later(arrays, writers, begun, lambda *_: None)
    graph = later.__dask_graph__()
    # The source as one layer, not one for each part.
    assert len(graph.layers) < 8
    assert len(dict(graph)) < 8 + 2 * 4 + 8 + 8
