"""Several writers of one new path: all is of one of them, and the others are told."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import dask
import dask.array
import numpy as np
import obstore.store
import pytest
import xarray as xr
import zarr
from distributed import Client, LocalCluster
from zarr.storage import MemoryStore, ObjectStore

import xarray_omezarr as xo
from xarray_omezarr.store.claim import CLAIM

SPAWN = multiprocessing.get_context("spawn")
KINDS = ("image", "plate", "labels", "series")
SHAPE = (48, 64)
OPTIONS = {"scale_factors": [2], "chunks": (16, 16)}

# Those who lose are told that somebody is writing, or that something is there already.
LOST = (xo.LockedError, xo.TargetExistsError)


def image(number, kind="numpy"):
    pixels = np.full(SHAPE, number + 1, "uint16")
    data = dask.array.from_array(pixels, (16, 64)) if kind == "dask" else pixels
    return xr.DataArray(data, dims=("y", "x"))


def write(kind, path, number):
    da = image(number)
    if kind == "image":
        xo.write_image(da, path, **OPTIONS)
    elif kind == "plate":
        fields = {f"A/{column}/0": da for column in (1, 2, 3)}
        tree = xr.DataTree.from_dict(
            {k: v.to_dataset(name="image") for k, v in fields.items()}
        )
        tree.omezarr.to_plate(path, **OPTIONS)
    elif kind == "labels":
        # The levels are those of the image.
        da.omezarr.to_labels(path, "cells", chunks=OPTIONS["chunks"])
    else:
        da.omezarr.to_series(path, "0", **OPTIONS)


def prepare(kind, path):
    """What the writers add to, if they add to something."""
    if kind == "labels":
        xo.write_image(image(99), path, **OPTIONS)


def nodes(kind, path):
    group = zarr.open_group(path, mode="r")
    if kind == "plate":
        return [group[f"A/{column}/0"] for column in (1, 2, 3)]
    return [group[{"image": "/", "labels": "labels/cells", "series": "0"}[kind]]]


def assert_is_of_one(kind, path, winner):
    """All levels of all images hold the pixels of one writer, and nothing is left."""
    for node in nodes(kind, path):
        assert node.attrs["ome"]["multiscales"]
        for level in ("0", "1"):
            assert set(np.unique(node[level][...])) == {winner + 1}
    names = [name for _, _, files in os.walk(path) for name in files]
    assert not [name for name in names if "lock" in name]


def take_part(kind, path, number, barrier, results):
    barrier.wait()
    try:
        write(kind, path, number)
    except LOST as error:
        results.put((number, str(error)))
    else:
        results.put((number, None))


def race_of_processes(kind, path, count):
    barrier, results = SPAWN.Barrier(count), SPAWN.Queue()
    workers = [
        SPAWN.Process(target=take_part, args=(kind, path, n, barrier, results))
        for n in range(count)
    ]
    for worker in workers:
        worker.start()
    told = dict(results.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join()
    return told


@pytest.mark.parametrize(("kind", "count"), [("image", 4), ("plate", 2)])
def test_of_processes_that_write_one_new_path_one_wins(tmp_path, kind, count):
    path = str(tmp_path / "new.ome.zarr")
    prepare(kind, path)
    told = race_of_processes(kind, path, count)
    (winner,) = [number for number, error in told.items() if error is None]
    assert_is_of_one(kind, path, winner)


@pytest.mark.parametrize("kind", KINDS)
def test_of_threads_that_write_one_new_path_one_wins(tmp_path, kind):
    for turn in range(3):
        path = str(tmp_path / f"{turn}.ome.zarr")
        prepare(kind, path)
        barrier = threading.Barrier(8)

        def attempt(number, path=path, barrier=barrier):
            barrier.wait()
            try:
                write(kind, path, number)
            except LOST:
                return None
            return number

        with ThreadPoolExecutor(8) as pool:
            won = [n for n in pool.map(attempt, range(8)) if n is not None]
        assert len(won) == 1
        assert_is_of_one(kind, path, won[0])


def waiting(release, begun):
    """A method that makes a level when it is told to, and not before."""

    def method(block, factors):
        begun.set()
        assert release.wait(60)
        return block[::2, ::2]

    return method


PLACES = {
    "folder": lambda tmp_path: tmp_path / "new.ome.zarr",
    "group": lambda tmp_path: zarr.open_group(tmp_path / "all.zarr").create_group("a"),
    "one file": lambda tmp_path: tmp_path / "new.ozx",
    "memory": lambda tmp_path: MemoryStore(),
    "fsspec": lambda tmp_path: f"memory://{tmp_path.name}/new.ome.zarr",
    "obstore memory": lambda tmp_path: obstore.store.MemoryStore(),
    "obstore": lambda tmp_path: ObjectStore(
        obstore.store.LocalStore(tmp_path / "objects", mkdir=True)
    ),
}


class Slowly:
    """A write in another thread that waits in the middle."""

    def __init__(self, place, **options):
        self.go_on, begun = threading.Event(), threading.Event()
        method = waiting(self.go_on, begun)
        self._pool = ThreadPoolExecutor(1)
        self.done = self._pool.submit(
            xo.write_image, image(0), place, method=method, **OPTIONS, **options
        )
        assert begun.wait(60)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.go_on.set()
        self._pool.shutdown()


@pytest.mark.parametrize("name", PLACES)
def test_the_second_writer_is_told_before_its_first_byte(tmp_path, name):
    place = PLACES[name](tmp_path)
    with Slowly(place) as first:
        for mode in (None, "w"):
            with pytest.raises(
                xo.LockedError, match=f"is being written.*{os.getpid()}"
            ):
                xo.write_image(image(1), place, mode=mode, **OPTIONS)
    first.done.result()
    assert (xo.open_image(place) == 1).all()
    assert (xo.open_image(place, level=1) == 1).all()


@pytest.mark.filterwarnings("ignore:.*has no rename")
@pytest.mark.parametrize("name", PLACES)
def test_two_that_replace_one_image_do_not_undo_each_other(tmp_path, name):
    place = PLACES[name](tmp_path)
    xo.write_image(image(5), place, **OPTIONS)
    with (
        Slowly(place, mode="w") as first,
        pytest.raises(xo.LockedError, match="is being written"),
    ):
        xo.write_image(image(1), place, mode="w", **OPTIONS)
    first.done.result()
    assert (xo.open_image(place) == 1).all()
    xo.write_image(image(2), place, mode="w", **OPTIONS)
    assert (xo.open_image(place) == 3).all()
    names = [name for _, _, files in os.walk(tmp_path) for name in files]
    assert not [name for name in names if "lock" in name]


@pytest.mark.parametrize("name", PLACES)
def test_a_write_that_failed_leaves_no_claim_and_no_image(tmp_path, name):
    place = PLACES[name](tmp_path)

    def broken(block, factors):
        raise RuntimeError("no more light")

    with pytest.raises(RuntimeError, match="no more light"):
        xo.write_image(image(0), place, method=broken, **OPTIONS)
    names = [name for _, _, files in os.walk(tmp_path) for name in files]
    assert set(names) <= {"zarr.json"}
    xo.write_image(image(1), place, **OPTIONS)
    assert (xo.open_image(place) == 2).all()


def hold(path, begun):
    def method(block, factors):
        begun.set()
        time.sleep(600)

    xo.write_image(image(0), path, method=method, **OPTIONS)


@pytest.mark.parametrize("is_object_store", [False, True])
def test_after_a_killed_writer_the_next_goes_ahead_at_once(tmp_path, is_object_store):
    path, begun = str(tmp_path / "new.ome.zarr"), SPAWN.Event()
    place = path
    if is_object_store:
        # Its claims are files that nobody locks.
        place = ObjectStore(obstore.store.LocalStore(path, mkdir=True))
    worker = SPAWN.Process(target=hold, args=(place, begun))
    worker.start()
    assert begun.wait(60)
    with pytest.raises(xo.LockedError, match=f":{worker.pid} since"):
        xo.write_image(image(1), place, **OPTIONS)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert (tmp_path / "new.ome.zarr" / CLAIM).exists()
    xo.write_image(image(1), place, **OPTIONS)
    assert_is_of_one("image", path, 1)


# -- Delayed ----------------------------------------------------------------------


def failing(block):
    raise RuntimeError("no more light")


def test_a_delayed_that_failed_is_in_nobodys_way(tmp_path):
    path = str(tmp_path / "new.ome.zarr")
    # The error comes from the source, of which the writer is not told.
    broken = image(0, "dask").copy(
        data=image(0, "dask").data.map_blocks(failing, dtype="uint16")
    )
    delayed = xo.write_image(broken, path, compute=False, **OPTIONS)
    try:
        delayed.compute(scheduler="threads")
    except RuntimeError:
        # While the error is looked at, what it holds is still there.
        xo.write_image(image(1, "dask"), path, compute=False, **OPTIONS).compute(
            scheduler="threads"
        )
    assert_is_of_one("image", path, 1)


def test_the_same_delayed_can_be_computed_again_when_it_failed(tmp_path):
    path, light = str(tmp_path / "new.ome.zarr"), []

    def method(block, factors):
        if not light:
            raise RuntimeError("no more light")
        return block[::2, ::2]

    delayed = xo.write_image(
        image(1, "dask"), path, compute=False, method=method, **OPTIONS
    )
    with pytest.raises(RuntimeError, match="no more light"):
        delayed.compute(scheduler="threads")
    light.append(True)
    delayed.compute(scheduler="threads")
    assert_is_of_one("image", path, 1)


def test_of_two_delayeds_one_wins(tmp_path):
    path = str(tmp_path / "new.ome.zarr")
    plans = [
        xo.write_image(image(n, "dask"), path, compute=False, **OPTIONS)
        for n in range(2)
    ]

    def attempt(number):
        try:
            plans[number].compute(scheduler="threads")
        except LOST:
            return None
        return number

    with ThreadPoolExecutor(2) as pool:
        (winner,) = [n for n in pool.map(attempt, range(2)) if n is not None]
    assert_is_of_one("image", path, winner)


# -- Clusters ---------------------------------------------------------------------


@pytest.mark.filterwarnings("default")
def test_writers_on_a_cluster_claim_too(tmp_path):
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        now, later = str(tmp_path / "now.ome.zarr"), str(tmp_path / "later.ome.zarr")
        xo.write_image(image(1, "dask"), now, **OPTIONS)
        assert_is_of_one("image", now, 1)
        delayed = xo.write_image(image(1, "dask"), later, compute=False, **OPTIONS)
        client.compute(delayed).result()
        assert_is_of_one("image", later, 1)

        broken = str(tmp_path / "broken.ome.zarr")
        source = image(0, "dask").copy(
            data=image(0, "dask").data.map_blocks(failing, dtype="uint16")
        )
        delayed = xo.write_image(source, broken, compute=False, **OPTIONS)
        future = client.compute(delayed)
        with pytest.raises(RuntimeError, match="no more light"):
            future.result()
        del future
        xo.write_image(image(1, "dask"), broken, **OPTIONS)
        assert_is_of_one("image", broken, 1)
