"""What is left when a write is stopped: no image, no threads, no way blocked."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import dask.array
import numpy as np
import pytest
import xarray as xr
from zarr.storage import LocalStore, MemoryStore

import xarray_omezarr as xo
from tests.integration.operations import CountingStore, FailingStore

PIXELS = np.random.default_rng(0).integers(1, 999, (4, 64, 64), dtype="uint16")
LEVELS = {"scale_factors": [2, 4], "chunks": (1, 16, 16)}


def image(kind="numpy", pixels=PIXELS):
    data = dask.array.from_array(pixels, (1, 30, 40)) if kind == "dask" else pixels
    return xr.DataArray(data, dims=("c", "y", "x"))


def assert_no_image(store):
    with pytest.raises(xo.OmeZarrError):
        xo.open_image(store)


# -- Stores that fail -------------------------------------------------------------


@pytest.mark.parametrize("kind", ["numpy", "dask"])
@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("fails_at", [1, 2, 50, 84])
def test_a_put_that_fails_is_told_and_leaves_no_image(kind, version, fails_at):
    store = FailingStore(MemoryStore())
    store.fails_at = fails_at
    with pytest.raises(OSError, match="the disk is full"):
        image(kind).omezarr.to_image(store, version=version, **LEVELS)
    assert_no_image(store)


@pytest.mark.parametrize("kind", ["numpy", "dask"])
def test_after_a_failed_put_the_place_is_free_again(tmp_path, kind):
    folder = tmp_path / "image.ome.zarr"
    store = FailingStore(LocalStore(folder))
    store.fails_at = 30
    with pytest.raises(OSError, match="the disk is full"):
        image(kind).omezarr.to_image(store, **LEVELS)
    group = image(kind).omezarr.to_image(folder, **LEVELS)
    np.testing.assert_array_equal(group["0"][...], PIXELS)


@pytest.mark.parametrize("kind", ["numpy", "dask"])
def test_the_old_image_is_there_after_its_replacement_failed(tmp_path, kind):
    folder = tmp_path / "image.ome.zarr"
    image().omezarr.to_image(folder, **LEVELS)

    def broken(block, factors):
        raise RuntimeError("no more light")

    with pytest.raises(RuntimeError, match="no more light"):
        image(kind, PIXELS + 1).omezarr.to_image(
            folder, mode="w", method=broken, **LEVELS
        )
    np.testing.assert_array_equal(xo.open_image(folder).values, PIXELS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["image.ome.zarr"]


def test_a_failed_write_leaves_no_request_under_way():
    store = FailingStore(MemoryStore(), latency=0.005)
    store.fails_at = 20
    with pytest.raises(OSError, match="the disk is full"):
        image().omezarr.to_image(store, **LEVELS)
    assert store.ledger.in_flight == 0
    puts = len(store.ledger.put)
    time.sleep(0.1)
    assert len(store.ledger.put) == puts


def test_tasks_that_still_run_when_another_fails_write_nothing_afterwards(tmp_path):
    running = threading.Semaphore(0)

    def method(block, factors):
        if block.max() == 1000:
            # Not before others are at work.
            for _ in range(3):
                running.acquire(timeout=5)
            raise RuntimeError("no more light")
        running.release()
        time.sleep(0.3)
        return block[:, ::2, ::2]

    pixels = PIXELS.copy()
    pixels[0, 0, 0] = 1000
    folder = tmp_path / "image.ome.zarr"
    with (
        dask.config.set(scheduler="threads", num_workers=4),
        pytest.raises(RuntimeError, match="no more light"),
    ):
        image("dask", pixels).omezarr.to_image(
            folder, scale_factors=[2], method=method, chunks=(1, 64, 64), memory_limit=1
        )
    time.sleep(1)
    assert not folder.exists()


# -- Ctrl-C and kill --------------------------------------------------------------

WRITER = """
import os, sys, threading, time
import numpy as np, xarray as xr
import dask, dask.array
import xarray_omezarr as xo

kind, folder, flag, limit = sys.argv[1:]
before = set(threading.enumerate())

def slowly(block, factors):
    open(flag, "w").close()
    time.sleep(0.02)
    return block[:, ::2, ::2]

pixels = np.random.default_rng(0).integers(1, 999, (64, 128, 128), dtype="uint16")
if kind == "dask":
    pixels = dask.array.from_array(pixels, (1, 128, 128))
da = xr.DataArray(pixels, dims=("z", "y", "x"))
try:
    da.omezarr.to_image(
        folder, scale_factors=[2], method=slowly, chunks=(1, 64, 64),
        memory_limit=int(limit),
    )
except KeyboardInterrupt:
    # What the interpreter keeps: zarr's event loop, and the pools of both.
    deadline = time.monotonic() + 5
    def ours():
        left = set(threading.enumerate()) - before
        return [t.name for t in left if "omezarr" in t.name]
    while ours() and time.monotonic() < deadline:
        time.sleep(0.01)
    print("interrupted", ours(), flush=True)
    raise
print("finished", flush=True)
"""


def start(kind, tmp_path, limit):
    """A process in the middle of a write, and where it writes."""
    folder, flag = tmp_path / "image.ome.zarr", tmp_path / "flag"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, kind, str(folder), str(flag), str(limit)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    deadline = time.monotonic() + 60
    while not flag.exists() and process.poll() is None:
        assert time.monotonic() < deadline, "the write did not begin"
        time.sleep(0.01)
    time.sleep(0.1)
    return process, folder


@pytest.mark.parametrize(("kind", "limit"), [("numpy", 2**15), ("dask", 2**17)])
def test_control_c_ends_the_process_and_leaves_nothing(tmp_path, kind, limit):
    process, folder = start(kind, tmp_path, limit)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert out.strip() == "interrupted []", err
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode != 0
    assert not folder.exists()


@pytest.mark.parametrize(("kind", "mode"), [("numpy", "w"), ("dask", None)])
def test_what_a_killed_process_leaves_is_no_image_and_in_nobodys_way(
    tmp_path, kind, mode
):
    process, folder = start(kind, tmp_path, 2**15)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert folder.exists()
    assert_no_image(folder)
    group = image().omezarr.to_image(folder, mode=mode, **LEVELS)
    np.testing.assert_array_equal(group["0"][...], PIXELS)
    # Nothing of the larger image that was begun is left among the new one's objects.
    stored = [part.name for part in (folder / "0" / "c").iterdir()]
    assert len(stored) == len(PIXELS)


# -- Threads and event loops of others --------------------------------------------


@pytest.mark.parametrize("kind", ["numpy", "dask"])
def test_threads_of_python_write_images_at_the_same_time(tmp_path, kind):
    def write(number):
        place = tmp_path / f"{number}.ome.zarr" if number % 2 else MemoryStore()
        return image(kind, PIXELS + number).omezarr.to_image(place, **LEVELS)

    with ThreadPoolExecutor(8) as pool:
        groups = list(pool.map(write, range(16)))
    for number, group in enumerate(groups):
        np.testing.assert_array_equal(group["0"][...], PIXELS + number)


@pytest.mark.parametrize("kind", ["numpy", "dask"])
def test_a_running_event_loop_does_not_mind(kind):
    async def notebook():
        return image(kind).omezarr.to_image(MemoryStore(), **LEVELS)

    group = asyncio.run(notebook())
    np.testing.assert_array_equal(group["0"][...], PIXELS)


def test_threads_do_not_pile_up_from_write_to_write():
    image().omezarr.to_image(MemoryStore(), **LEVELS)
    before = threading.active_count()
    for _ in range(20):
        image().omezarr.to_image(MemoryStore(), **LEVELS)
    # Pools that the interpreter keeps may grow to their size, but not with each.
    assert threading.active_count() <= before + 4 * (os.cpu_count() or 1)


def test_a_read_only_store_is_refused_before_the_first_request():
    store = CountingStore(MemoryStore()).with_read_only(True)
    with pytest.raises(xo.OptionError, match="read-only"):
        image().omezarr.to_image(store)
    assert store.ledger.put == []
