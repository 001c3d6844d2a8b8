"""How often a write asks for anything: pixels once, objects once, metadata in bulk."""

from __future__ import annotations

import math

import dask
import dask.array
import numpy as np
import pytest
import xarray as xr
from zarr.storage import LocalStore, MemoryStore

import xarray_omezarr  # noqa: F401 - registers the accessor
from tests.integration.operations import (
    CountingArray,
    CountingPixels,
    CountingStore,
    is_metadata,
)

SHAPE = (2, 3, 70, 90)
DIMS = ("c", "z", "y", "x")
RNG = np.random.default_rng(0)
# No pixel is the fill value, so every object is stored.
PIXELS = RNG.integers(1, 999, SHAPE, dtype="uint16")

LAYOUTS = {
    "0.4": {"version": "0.4", "chunks": (1, 1, 16, 16)},
    "0.5": {"version": "0.5", "chunks": (1, 1, 16, 16)},
    "0.5 sharded": {"chunks": (1, 1, 8, 8), "shards": (1, 2, 16, 32)},
    "0.5 mixed": {
        "chunks": [(1, 3, 16, 16), (1, 1, 20, 20), (2, 1, 7, 9)],
        "shards": [(1, 3, 32, 16), (1, 2, 20, 40), None],
    },
}
LEVELS = {"scale_factors": [2, 4]}
LIMITS = {"small": 1, "default": None}

threads = dask.config.set(scheduler="threads", num_workers=4)


@pytest.fixture(params=["memory", "disk"])
def store(request, tmp_path):
    if request.param == "memory":
        return CountingStore(MemoryStore())
    return CountingStore(LocalStore(tmp_path / "image.ome.zarr"))


def image(pixels=PIXELS, kind="numpy", blocks=(1, 2, 33, 41)):
    data = {
        "numpy": lambda: pixels,
        "dask": lambda: dask.array.from_array(pixels, blocks),
        "lazy": lambda: CountingArray(pixels).lazily(),
    }[kind]()
    return xr.DataArray(data, dims=DIMS[-pixels.ndim :])


def objects(group):
    """How many stored objects an image has when none is empty."""
    return sum(objects_of(group[level]) for level in group)


def objects_of(array):
    stored = array.shards or array.chunks
    return math.prod(
        -(-size // part) for size, part in zip(array.shape, stored, strict=True)
    )


# -- Pixels of the source ---------------------------------------------------------


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_pixels_that_are_opened_lazily_are_read_once(layout, limit):
    source = CountingArray(PIXELS)
    da = xr.DataArray(source.lazily(), dims=DIMS)
    da.omezarr.to_image(
        MemoryStore(), memory_limit=LIMITS[limit], **LEVELS, **LAYOUTS[layout]
    )
    assert source.times_read.min() == source.times_read.max() == 1


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_blocks_of_dask_are_computed_once(layout, limit):
    source = CountingPixels(PIXELS)
    array = dask.array.from_array(source, (1, 2, 33, 41), name=False)
    da = xr.DataArray(array, dims=DIMS)
    with threads:
        da.omezarr.to_image(
            MemoryStore(), memory_limit=LIMITS[limit], **LEVELS, **LAYOUTS[layout]
        )
    assert source.times_read.min() == source.times_read.max() == 1


def test_a_lazy_image_is_never_read_as_a_whole():
    source = CountingArray(np.ones((40, 64, 64), "uint8"))
    da = xr.DataArray(source.lazily(), dims=DIMS[1:])
    da.omezarr.to_image(MemoryStore(), chunks=(1, 32, 32), memory_limit=16 * 2**10)
    assert source.largest_read <= 16 * 2**10


# -- Stored objects ---------------------------------------------------------------


@pytest.mark.parametrize("kind", ["numpy", "dask", "lazy"])
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_object_is_put_once_and_no_other(store, layout, limit, kind):
    with threads:
        group = image(kind=kind).omezarr.to_image(
            store, memory_limit=LIMITS[limit], **LEVELS, **LAYOUTS[layout]
        )
    assert store.ledger.put_twice() == {}
    assert len(store.ledger.pixels_put) == objects(group)


@pytest.mark.parametrize("kind", ["numpy", "dask"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_where_memory_holds_all_levels_nothing_is_read_but_what_contrast_needs(
    store, layout, kind
):
    with threads:
        group = image(kind=kind).omezarr.to_image(store, **LEVELS, **LAYOUTS[layout])
    read = [*store.ledger.pixels_got, *store.ledger.partly_got]
    # Percentiles of channels are those of the coarsest level, each read on its own.
    assert all(key.startswith("2/") for key in read)
    coarsest = group["2"]
    indexes = objects_of(coarsest) if coarsest.shards else 0
    assert len(read) <= coarsest.chunks[0] * coarsest.nchunks + indexes


@pytest.mark.parametrize("layout", ["0.4", "0.5", "0.5 sharded"])
def test_a_stage_reads_the_level_it_goes_on_from_once(store, layout):
    group = image().omezarr.to_image(store, memory_limit=1, **LEVELS, **LAYOUTS[layout])
    whole = [key for key in store.ledger.pixels_got if not key.startswith("2/")]
    parts = [key for key in store.ledger.partly_got if not key.startswith("2/")]
    if not group["0"].shards:
        assert parts == []
        assert len(whole) == len(set(whole))
    else:
        # Chunks inside a shard are read one by one, after the index of the shard.
        chunks = group["0"].nchunks + group["1"].nchunks
        assert len(whole) + len(parts) <= 2 * chunks


@pytest.mark.parametrize("layout", LAYOUTS)
def test_objects_that_are_empty_are_neither_put_nor_asked_for(store, layout):
    pixels = np.zeros(SHAPE, "uint16")
    pixels[0, 0, :5, :5] = 7
    image(pixels).omezarr.to_image(store, **LEVELS, **LAYOUTS[layout])
    assert len(store.ledger.pixels_put) == 3
    assert not [key for key in store.ledger.asked if not is_metadata(key)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_empty_objects_are_put_once_where_they_are_wanted(store, layout):
    group = image(np.zeros(SHAPE, "uint16")).omezarr.to_image(
        store, write_empty_chunks=True, **LEVELS, **LAYOUTS[layout]
    )
    assert store.ledger.put_twice() == {}
    assert len(store.ledger.pixels_put) == objects(group)


# -- Metadata ---------------------------------------------------------------------


def metadata_requests(levels, version, kind="numpy"):
    store = CountingStore(MemoryStore())
    factors = [2**level for level in range(1, levels)] or None
    da = image(np.ones((64, 64), "uint8"), kind, blocks=(32, 32))
    with threads:
        da.omezarr.to_image(store, version=version, scale_factors=factors)
    ledger = store.ledger
    asked = [key for key in ledger.asked if is_metadata(key)]
    return len(ledger.metadata_put), len(ledger.metadata_got) + len(asked) + len(
        ledger.listed
    )


# Files of the metadata of a group, and of an array.
FILES = {"0.4": (2, 2), "0.5": (1, 1)}


@pytest.mark.parametrize("kind", ["numpy", "dask"])
@pytest.mark.parametrize("version", FILES)
def test_metadata_are_put_once_for_each_array_and_a_few_times_for_the_root(
    version, kind
):
    of_group, of_array = FILES[version]
    for levels in (1, 3, 6):
        put, _ = metadata_requests(levels, version, kind)
        # The group is marked as unfinished before, and described after.
        assert put <= 3 * of_group + levels * of_array


@pytest.mark.parametrize("kind", ["numpy", "dask"])
@pytest.mark.parametrize("version", FILES)
def test_no_more_is_asked_of_the_store_for_more_arrays(version, kind):
    _, few = metadata_requests(1, version, kind)
    _, many = metadata_requests(6, version, kind)
    assert many == few
    assert few <= 20


# -- The graph of dask ------------------------------------------------------------


def test_the_graph_of_the_user_is_handed_on_once_however_many_levels_there_are():
    blocks = dask.array.ones((320, 320), chunks=(1, 320), dtype="uint8")
    for _ in range(5):
        blocks = blocks + 1
    da = xr.DataArray(blocks, dims=("y", "x"))
    own = len(dict(blocks.__dask_graph__()))
    delayed = da.omezarr.to_image(
        MemoryStore(), scale_factors=[2, 4, 8], chunks=(40, 40), compute=False
    )
    with dask.config.set(scheduler="threads"):
        tasks = len(dict(delayed.__dask_graph__()))
    # Beside the tasks of the user: a few per block, and what brings their
    # blocks and ours together.
    assert tasks - own <= 320 * 2 + 20


def test_a_graph_of_a_hundred_thousand_tasks_gets_a_few_more():
    blocks = dask.array.ones((10_000, 16), chunks=(1, 16), dtype="uint8")
    for _ in range(9):
        blocks = blocks + 1
    da = xr.DataArray(blocks, dims=("y", "x"))
    own = len(dict(blocks.__dask_graph__()))
    assert own == 100_000
    delayed = da.omezarr.to_image(
        MemoryStore(), scale_factors=[2, 4, 8], chunks=(1000, 16), compute=False
    )
    tasks = len(dict(delayed.__dask_graph__()))
    assert tasks - own <= 2 * 10_000 + 200
