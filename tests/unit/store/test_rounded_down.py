"""Levels whose sizes were rounded down, as many programs do."""

from __future__ import annotations

from dataclasses import replace

import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr

from xarray_omezarr.hierarchy import Downsampled
from xarray_omezarr.options import complete
from xarray_omezarr.store.engine import write
from xarray_omezarr.store.target import open_target
from xarray_omezarr.write.multiscale import plan_multiscale

PIXELS = np.random.default_rng(4).integers(0, 999, (65, 131), dtype="uint16")


def rounded_down(da, chunks):
    """A plan of three levels of the first pixels of 2 x 2, sizes rounded down."""
    options = complete(
        {"scale_factors": [2, 4, 8], "method": "nearest", "chunks": chunks}
    )
    plan = plan_multiscale(da, options)
    nodes, shape = dict(plan.nodes), da.shape
    for path in ("1", "2", "3"):
        shape = tuple(size // 2 for size in shape)
        assert isinstance(nodes[path].source, Downsampled)
        cut = tuple(min(c, n) for c, n in zip((chunks, chunks), shape, strict=True))
        layout = replace(nodes[path].layout, chunks=cut)
        nodes[path] = replace(nodes[path], shape=shape, layout=layout)
    return replace(plan, nodes=nodes)


@pytest.mark.parametrize("chunks", [8, 16, 32, 64, 131])
@pytest.mark.parametrize("blocks", [None, 16, 50])
@pytest.mark.parametrize("limit", [None, 4096])
def test_the_last_pixels_make_nothing(chunks, blocks, limit) -> None:
    pixels = PIXELS if blocks is None else dask.array.from_array(PIXELS, blocks)
    plan = rounded_down(xr.DataArray(pixels, dims=("y", "x")), chunks)
    target = open_target(zarr.storage.MemoryStore())
    group = write(plan, target, mode=None, compute=True, memory_limit=limit)
    expected = PIXELS
    for path in ("0", "1", "2", "3"):
        np.testing.assert_array_equal(group[path][:], expected)
        height, width = expected.shape
        expected = expected[: height // 2 * 2 : 2, : width // 2 * 2 : 2]
