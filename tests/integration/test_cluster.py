"""However dask's chunks lie and whoever computes them, what is stored is right."""

from __future__ import annotations

import os
import signal
import time

import dask
import dask.array
import fsspec
import numpy as np
import obstore.store
import pytest
import xarray as xr
import zarr
from distributed import Client, LocalCluster
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from tests.property.test_engine_reference import plain_pyramid

# Clusters warn of what machines do: slow starts, workers that were killed on purpose.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes of two threads each."""
    with (
        dask.config.set({"distributed.worker.daemon": True}),
        LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None
        ) as made,
    ):
        yield made


@pytest.fixture
def client(cluster):
    with Client(cluster) as made:
        # A test before may have killed one.
        made.wait_for_workers(2, timeout=60)
        yield made


class Cut:
    """An image whose dask chunks have nothing to do with how it is stored."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.shape = (int(rng.integers(1, 4)), *map(int, rng.integers(20, 80, 2)))
        self.pixels = rng.integers(1, 2**16, self.shape, "uint16")
        step = [tuple(map(int, rng.integers(1, 4, 3))) for _ in range(3)]
        # The last grows, so that no level is as large as the one before.
        self.factors = np.cumprod([(a, b, c + 1) for a, b, c in step], axis=0).tolist()
        self.chunks = [tuple(map(int, rng.integers(3, 30, 3))) for _ in range(4)]
        self.shards = None
        if rng.random() < 0.5:
            sizes = [self.shape] + [
                tuple(-(-n // f) for n, f in zip(self.shape, fs, strict=True))
                for fs in self.factors
            ]
            self.chunks = [
                tuple(map(min, chunk, size))
                for chunk, size in zip(self.chunks, sizes, strict=True)
            ]
            by = rng.integers(1, 4, (4, 3)).tolist()
            self.shards = [
                tuple(a * b for a, b in zip(chunk, times, strict=True))
                for chunk, times in zip(self.chunks, by, strict=True)
            ]
        self.blocks = tuple(random_cuts(rng, n) for n in self.shape)
        self.memory_limit = int(rng.choice([1, 5_000, 50_000, 10_000_000]))

    def image(self):
        array = dask.array.from_array(self.pixels, self.blocks)
        return xr.DataArray(array, dims=("z", "y", "x"))

    def options(self):
        return {
            "scale_factors": [dict(zip("zyx", f, strict=True)) for f in self.factors],
            "chunks": self.chunks,
            "shards": self.shards,
            "memory_limit": self.memory_limit,
        }

    def check(self, group):
        levels = plain_pyramid(self.pixels, self.factors, "mean")
        for level, pixels in enumerate(levels):
            np.testing.assert_array_equal(group[str(level)][...], pixels)


def random_cuts(rng, size):
    cuts = {int(cut) for cut in rng.integers(1, size + 1, rng.integers(0, 8))}
    return tuple(np.diff([0, *sorted(cuts - {size}), size]).tolist())


# -- Threads ----------------------------------------------------------------------


@pytest.mark.parametrize("part", range(4))
def test_two_hundred_cuts_on_threads(tmp_path, part):
    with dask.config.set(scheduler="threads", num_workers=8):
        for seed in range(50 * part, 50 * part + 50):
            cut = Cut(seed)
            store = MemoryStore() if seed % 5 else tmp_path / f"{seed}.ome.zarr"
            cut.check(cut.image().omezarr.to_image(store, **cut.options()))


@pytest.mark.parametrize("scheduler", ["threads", "synchronous", "processes"])
def test_whatever_scheduler_is_chosen_is_used(tmp_path, scheduler):
    cut = Cut(1)
    with dask.config.set(scheduler=scheduler, num_workers=2):
        group = cut.image().omezarr.to_image(tmp_path / "a.ome.zarr", **cut.options())
    cut.check(group)


# -- Processes --------------------------------------------------------------------


def test_forty_cuts_on_two_worker_processes(client, tmp_path):
    for seed in range(1000, 1040):
        cut = Cut(seed)
        path = tmp_path / f"{seed}.ome.zarr"
        version = "0.5" if cut.shards or seed % 2 else "0.4"
        cut.image().omezarr.to_image(path, version=version, **cut.options())
        cut.check(zarr.open_group(path, mode="r"))


def test_workers_run_what_was_put_off(client, tmp_path):
    cut = Cut(7)
    path = tmp_path / "later.ome.zarr"
    delayed = cut.image().omezarr.to_image(path, compute=False, **cut.options())
    assert not path.exists()
    delayed.compute()
    cut.check(zarr.open_group(path, mode="r"))
    assert xo.open_image(path, level=1).ndim == 3


def test_several_images_are_written_by_one_compute(client, tmp_path):
    cuts = {tmp_path / f"{seed}.ome.zarr": Cut(seed) for seed in range(4)}
    dask.compute(
        *(
            cut.image().omezarr.to_image(path, compute=False, **cut.options())
            for path, cut in cuts.items()
        )
    )
    for path, cut in cuts.items():
        cut.check(zarr.open_group(path, mode="r"))


def test_pixels_in_memory_and_lazily_opened_are_written_beside_a_cluster(
    client, tmp_path
):
    pixels = Cut(3).pixels
    da = xr.DataArray(pixels, dims=("z", "y", "x"))
    da.omezarr.to_image(tmp_path / "numpy.ome.zarr", scale_factors=[2])
    opened = xo.open_image(tmp_path / "numpy.ome.zarr")
    group = opened.omezarr.to_image(tmp_path / "lazy.ome.zarr", scale_factors=[2])
    np.testing.assert_array_equal(group["0"][...], pixels)


@pytest.mark.parametrize("name", ["zarr", "fsspec", "obstore"])
@pytest.mark.parametrize("compute", [True, False])
def test_a_store_in_memory_is_refused_before_anything_is_written(client, name, compute):
    store = {
        "zarr": MemoryStore(),
        "fsspec": "memory://cluster/image.ome.zarr",
        "obstore": obstore.store.MemoryStore(),
    }[name]
    # A Delayed may be run by anyone, so it is refused where it is run; but what
    # cannot be pickled, such as a store of obstore, does not even get there.
    is_stuck = name == "obstore" and not compute
    error, match = (TypeError, "serialize") if is_stuck else (xo.OptionError, "memory")
    with pytest.raises(error, match=match):
        made = Cut(0).image().omezarr.to_image(store, compute=compute)
        made.compute()
    assert not fsspec.filesystem("memory").exists("cluster")
    if name == "zarr":
        assert store._store_dict == {}
    if name == "obstore":
        assert list(store.list()) == []


def test_a_store_in_memory_is_fine_where_threads_are_configured(client):
    data = np.arange(64, dtype="u1").reshape(8, 8)
    da = xr.DataArray(dask.array.from_array(data, chunks=3), dims=("y", "x"))
    store = MemoryStore()
    with dask.config.set(scheduler="threads"):
        da.omezarr.to_image(store)
    np.testing.assert_array_equal(zarr.open_group(store)["0"][...], data)


def test_a_store_in_memory_is_fine_once_the_cluster_is_gone():
    cut = Cut(0)
    cut.check(cut.image().omezarr.to_image(MemoryStore(), **cut.options()))


# -- Workers that die -------------------------------------------------------------


def killing(array, flag, *, at):
    """The array, the block at `at` of which kills who first computes it.

    By then other blocks have been written, so that their results are lost too.
    """

    def kill_once(block, block_info=None):
        if block_info and block_info[0]["chunk-location"] == at:
            time.sleep(0.3)
            try:
                os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return block
            os.kill(os.getpid(), signal.SIGKILL)
        return block

    return array.map_blocks(kill_once, dtype=array.dtype)


@pytest.mark.parametrize("compute", [True, False])
@pytest.mark.parametrize("limit", [None, 20_000])
def test_a_worker_that_is_killed_does_not_spoil_the_image(
    client, tmp_path, compute, limit
):
    pixels = np.random.default_rng(0).integers(1, 2**16, (8, 96, 96), "uint16")
    array = dask.array.from_array(pixels, (1, 48, 96))
    flag = tmp_path / "killed"
    da = xr.DataArray(killing(array, flag, at=(5, 0, 0)), dims=("z", "y", "x"))
    path = tmp_path / "image.ome.zarr"
    made = da.omezarr.to_image(
        path,
        scale_factors=[2, 4],
        chunks=(1, 16, 16),
        memory_limit=limit,
        compute=compute,
    )
    if not compute:
        made.compute()
    assert flag.exists()
    levels = plain_pyramid(pixels, [(1, 2, 2), (1, 4, 4)], "mean")
    group = zarr.open_group(path, mode="r")
    for level, expected in enumerate(levels):
        np.testing.assert_array_equal(group[str(level)][...], expected)


def test_the_image_is_right_whichever_worker_is_killed_at_whatever_time(
    client, tmp_path
):
    pixels = np.random.default_rng(0).integers(1, 2**16, (16, 64, 64), "uint16")
    array = dask.array.from_array(pixels, (1, 64, 64))
    levels = plain_pyramid(pixels, [(1, 2, 2)], "mean")
    for block in (0, 9):
        flag = tmp_path / f"killed {block}"
        da = xr.DataArray(killing(array, flag, at=(block, 0, 0)), dims=("z", "y", "x"))
        path = tmp_path / f"{block}.ome.zarr"
        da.omezarr.to_image(
            path, scale_factors=[2], chunks=(1, 64, 64), memory_limit=1, compute=False
        ).compute()
        group = zarr.open_group(path, mode="r")
        for level, expected in enumerate(levels):
            np.testing.assert_array_equal(group[str(level)][...], expected)


def test_workers_do_not_write_one_file(client, tmp_path) -> None:
    pixels = np.arange(64 * 64, dtype="uint16").reshape(64, 64)
    eager = xr.DataArray(pixels, dims=("y", "x"))
    lazy = eager.chunk({"y": 16})
    with pytest.raises(xo.OptionError, match=r"one file.*folder.*convert"):
        lazy.omezarr.to_image(tmp_path / "lazy.ozx")
    later = lazy.omezarr.to_image(tmp_path / "later.ozx", compute=False)
    with pytest.raises(xo.OptionError, match=r"one file.*folder.*convert"):
        later.compute()
    assert os.listdir(tmp_path) == []
    later.compute(scheduler="threads")
    # What is in memory is written by this process.
    eager.omezarr.to_image(tmp_path / "eager.ozx")
    with dask.config.set(scheduler="threads"):
        lazy.omezarr.to_image(tmp_path / "lazy.ozx")
    for name in ("later", "eager", "lazy"):
        # Workers open it themselves to read.
        opened = xr.open_dataset(
            tmp_path / f"{name}.ozx", engine="omezarr", chunks={"y": 8}
        )
        found = next(iter(opened.data_vars.values()))
        np.testing.assert_array_equal(client.compute(found.data).result(), pixels)
        opened.close()
