"""What replaces something: at every moment the old one opens, or the new one, whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.store import exchange, presence
from xarray_omezarr.store.exchange import Hold
from xarray_omezarr.store.presence import replacing, writing

fcntl = pytest.importorskip("fcntl")

OLD = xr.DataArray(np.arange(64, dtype="uint16").reshape(8, 8), dims=("y", "x"))
NEW = xr.DataArray(
    np.arange(100, 400, dtype="uint16").reshape(3, 10, 10), dims=("z", "y", "x")
)
LEVELS = {"scale_factors": [2], "chunks": 16}


@pytest.fixture(params=["at once", "in two steps"])
def steps(request, monkeypatch) -> str:
    if request.param == "in two steps":
        monkeypatch.setattr(exchange, "_system_call", lambda: None)
    elif exchange._system_call() is None:
        pytest.skip("no system call")
    return str(request.param)


def write(folder: Path, image: xr.DataArray = OLD, **options: Any) -> None:
    image.omezarr.to_image(folder, **LEVELS, **options)


# -- Killed at every change of the disk -------------------------------------------


class Killed(BaseException):
    """The process ends here."""


CALLS = (
    *((os, name) for name in ("replace", "rename", "link", "mkdir", "unlink")),
    *((os, name) for name in ("remove", "rmdir", "fsync")),
    *((Path, name) for name in ("replace", "unlink", "mkdir", "chmod")),
    (shutil, "rmtree"),
    (exchange, "_at_once"),
    (exchange, "sync_all"),
)


class Killer:
    """Ends the process at one of its changes of the disk: nothing changes after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, last: int) -> None:
        self.count, self.last = 0, last
        two_steps = exchange._system_call() is None
        for owner, name in CALLS:
            if not (name == "_at_once" and two_steps):
                monkeypatch.setattr(owner, name, self.counted(getattr(owner, name)))

    def counted(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            self.count += 1
            if self.count > self.last:
                raise Killed
            return change(*args, **options)

        return wrapped


def kept_at_every_change(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], None],
    replace: Callable[[Path], None],
    place: str,
    steps: str,
) -> None:
    """Replace, killed at each change; look at what is there as others do and as we."""
    given, store = tmp_path / "given", tmp_path / "in" / "cells.ome.zarr"
    make(given)
    ends, holes = [], 0

    for last in range(2000):
        shutil.rmtree(store.parent, ignore_errors=True)
        shutil.copytree(given, store)
        with monkeypatch.context() as patched:
            killer = Killer(patched, last)
            try:
                replace(store)
                is_done = True
            except Killed:
                is_done = False
        if is_done and killer.count <= last:
            break
        if not (store / place).exists():
            holes += 1
            assert steps == "in two steps"
        else:
            # As others see it, who know of no recovery.
            assert zarr.open_group(store / place, mode="r")["0"].shape in (
                OLD.shape,
                NEW.shape,
            )
        ends.append(which(store, place))
        assert zarr.open_group(store / place, mode="r")["0"].ndim in (2, 3)
    # Threads make their changes in any order, but the first and the last are known.
    assert (ends[0], ends[-1]) == (0, 1)
    assert (holes > 0) == (steps == "in two steps")
    # The next write removes whatever was left.
    replace(store)
    assert which(store, place) == 1
    assert not [*store.parent.rglob("*.partial")]


def which(store: Path, place: str = "") -> int:
    """0 for the old one, 1 for the new one, all of it."""
    found = xo.open_image(store, group=place or None)
    coarse = xo.open_image(store, group=place or None, level=1)
    is_new = found.ndim == 3
    expected = NEW if is_new else OLD
    np.testing.assert_array_equal(found.values, expected.values)
    assert coarse.shape[-2:] == tuple(-(-n // 2) for n in expected.shape[-2:])
    return int(is_new)


@pytest.mark.filterwarnings("ignore:Replacing")
@pytest.mark.filterwarnings("ignore:What is not needed")
def test_an_image_is_the_old_one_or_the_new_one_whenever_its_writer_is_killed(
    tmp_path, monkeypatch, steps
) -> None:
    kept_at_every_change(
        tmp_path, monkeypatch, write, lambda s: write(s, NEW, mode="w"), "", steps
    )


@pytest.mark.filterwarnings("ignore:What is not needed")
def test_a_field_is_the_old_one_or_the_new_one_whenever_its_writer_is_killed(
    tmp_path, monkeypatch, steps
) -> None:
    def make(store: Path) -> None:
        OLD.omezarr.to_field(store, "A/1/0", **LEVELS)

    def replace(store: Path) -> None:
        NEW.omezarr.to_field(store, "A/1/0", mode="w", **LEVELS)

    kept_at_every_change(tmp_path, monkeypatch, make, replace, "A/1/0", steps)


# -- Leftovers ---------------------------------------------------------------------


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(tmp_path) -> None:
    dead, living = (tmp_path / f".a.{n}1234567.partial" for n in "ab")
    file, other = tmp_path / ".a.01234567.partial", tmp_path / ".b.01234567.partial"
    dead.mkdir()
    other.mkdir()
    file.write_text("dead")
    hold = Hold(living)
    write(tmp_path / "a")
    assert not dead.exists()
    assert not file.exists()
    assert living.exists()
    assert other.exists()
    hold.release()
    write(tmp_path / "a", NEW, mode="w")
    assert not living.exists()
    assert sorted(os.listdir(tmp_path)) == [other.name, "a"]


def test_what_two_renames_left_is_found_by_whoever_opens_it(tmp_path) -> None:
    for number, opened in enumerate(
        [
            lambda path: xo.open_image(path).shape,
            lambda path: xr.open_datatree(path, engine="omezarr")["0"].image.shape,
            lambda path: xo.read_metadata(path) and OLD.shape,
            lambda path: (write(path, OLD, mode="w"), OLD.shape)[1],
            lambda path: (xo.update(path, scale={"x": 2.0}), OLD.shape)[1],
        ]
    ):
        store = tmp_path / f"{number}.ome.zarr"
        write(store)
        store.rename(exchange._aside(store))
        assert opened(store) == OLD.shape
        assert store.is_dir()
        assert [p for p in os.listdir(tmp_path) if p.startswith(".")] == []


def test_a_field_between_two_renames_is_there_for_who_opens_the_plate(tmp_path) -> None:
    store = tmp_path / "plate.ome.zarr"
    OLD.omezarr.to_field(store, "A/1/0", **LEVELS)
    field = store / "A" / "1" / "0"
    field.rename(exchange._aside(field))
    tree = xr.open_datatree(store, engine="omezarr")
    assert tree["A/1/0/0"].image.shape == OLD.shape
    assert field.is_dir()


# -- Who stands on it --------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "0", "0/c"])
def test_the_current_directory_is_not_replaced_nor_what_it_lies_in(
    tmp_path, monkeypatch, below
) -> None:
    store = tmp_path / "a.ome.zarr"
    write(store)
    monkeypatch.chdir(store / below)
    with pytest.raises(xo.TargetExistsError, match="The current directory"):
        write(store, NEW, mode="w")
    assert which(store) == 0
    assert os.listdir(tmp_path) == [store.name]
    # Beside it, by a name that counts from there.
    monkeypatch.chdir(tmp_path)
    write(Path("a.ome.zarr"), NEW, mode="w")
    assert which(store) == 1


def test_the_home_is_not_replaced(tmp_path, monkeypatch) -> None:
    store = tmp_path / "a.ome.zarr"
    write(store)
    monkeypatch.setenv("HOME", str(store))
    with pytest.raises(xo.TargetExistsError, match="The home"):
        write(store, NEW, mode="w")
    assert which(store) == 0


def test_a_disk_is_not_replaced_nor_what_it_is_mounted_in(
    tmp_path, monkeypatch
) -> None:
    store = tmp_path / "a.ome.zarr"
    write(store)
    mounts = tmp_path / "mounts"
    mounts.write_text(f"1 2 0:3 / {store / '0'} rw - tmpfs tmpfs rw\n")
    monkeypatch.setattr("xarray_omezarr.store.protected._MOUNTS", mounts)
    with pytest.raises(xo.TargetExistsError, match="The root of a disk"):
        write(store, NEW, mode="w")
    assert which(store) == 0


# -- Others at the same time -------------------------------------------------------


def test_what_came_while_it_was_written_is_not_lost(tmp_path) -> None:
    store = tmp_path / "a.ome.zarr"
    write(store)

    def late(block: Any, factors: Any) -> Any:
        if not (store / "tables").exists():
            zarr.create_group(store / "tables", attributes={"mine": True})
        return block[:, ::2, ::2]

    with pytest.raises(xo.TargetExistsError, match="tables"):
        NEW.omezarr.to_image(store, mode="w", scale_factors=[2], method=late)
    assert which(store) == 0
    assert zarr.open_group(store / "tables", mode="r").attrs["mine"]
    assert os.listdir(tmp_path) == [store.name]


def test_who_writes_a_region_keeps_others_from_replacing_it(tmp_path) -> None:
    store = tmp_path / "a.ome.zarr"
    write(store)
    with writing(store / "0"), pytest.raises(xo.LockedError, match=r"a\.ome\.zarr/0"):
        write(store, NEW, mode="w")
    assert which(store) == 0
    assert os.listdir(tmp_path) == [store.name]
    write(store, NEW, mode="w")
    assert which(store) == 1


@pytest.mark.parametrize("way", ["region", "append", "build_pyramid"])
def test_regions_and_appends_and_pyramids_are_seen_by_who_replaces(
    tmp_path, monkeypatch, way
) -> None:
    store = tmp_path / "a.ome.zarr"
    write(store, NEW)
    told: list[bool] = []

    def progress(*_: Any) -> None:
        with pytest.raises(xo.LockedError), replacing(store):
            pass
        told.append(True)

    if way == "region":
        part = NEW.isel(z=[0])
        part.omezarr.to_image(store, region={"z": slice(0, 1)}, progress=progress)
    elif way == "append":
        NEW.omezarr.to_image(store, append_dim="z", progress=progress)
    else:
        xo.build_pyramid(store, scale_factors=[4], progress=progress)
    assert told
    with replacing(store):
        pass


def test_who_would_write_waits_for_the_end_of_an_exchange(tmp_path) -> None:
    store = tmp_path / "a.ome.zarr"
    write(store)
    order = []

    def region() -> None:
        OLD.omezarr.to_image(store, region={"y": slice(0, 8), "x": slice(0, 8)})
        order.append("written")

    with replacing(store):
        thread = threading.Thread(target=region)
        thread.start()
        time.sleep(0.2)
        order.append("replaced")
    thread.join()
    assert order == ["replaced", "written"]


def test_who_does_not_come_to_an_end_is_told(tmp_path, monkeypatch) -> None:
    store = tmp_path / "a.ome.zarr"
    write(store)
    monkeypatch.setattr(presence, "PATIENCE", 0.05)
    with replacing(store):
        with (
            pytest.raises(xo.LockedError, match="is being replaced"),
            writing(store / "0"),
        ):
            pass
        with pytest.raises(xo.LockedError), replacing(store):
            pass


HAMMER = """
import sys, numpy as np, xarray as xr, xarray_omezarr as xo
from xarray_omezarr.store import exchange
store, steps, times = sys.argv[1:]
if steps == "in two steps":
    exchange._system_call = lambda: None
old = xr.DataArray(np.arange(64, dtype="uint16").reshape(8, 8), dims=("y", "x"))
new = xr.DataArray(
    np.arange(100, 400, dtype="uint16").reshape(3, 10, 10), dims=("z", "y", "x")
)
for n in range(int(times)):
    image = old if n % 2 else new
    image.omezarr.to_image(store, mode="w", scale_factors=[2], chunks=8)
"""


def test_who_opens_it_meanwhile_sees_the_old_one_or_the_new_one(
    tmp_path, steps
) -> None:
    store = tmp_path / "a.ome.zarr"
    write(store)
    process = subprocess.Popen(
        [sys.executable, "-c", HAMMER, str(store), steps, "20"],
        cwd=Path(__file__).parents[2],
    )
    opened: set[tuple[int, ...]] = set()
    try:
        while process.poll() is None:
            tree = xr.open_datatree(store, engine="omezarr")
            shapes = [tree[level].image.shape for level in ("0", "1")]
            assert shapes in ([(8, 8), (4, 4)], [(3, 10, 10), (3, 5, 5)])
            assert xo.open_image(store).shape in (OLD.shape, NEW.shape)
            opened.add(shapes[0])
            if steps == "at once":
                # Others have no recovery, and need none.
                zarr.open_group(store, mode="r")
    finally:
        assert process.wait(120) == 0
    assert opened == {OLD.shape, NEW.shape}


def test_readers_in_threads_never_miss_an_image_in_memory() -> None:
    store = MemoryStore()
    write(store)
    ended = threading.Event()
    found: list[Any] = []

    def read() -> None:
        while not ended.is_set():
            try:
                found.append(xo.open_image(store).ndim)
            except xo.OmeZarrError as error:
                found.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(30):
        write(store, OLD if number % 2 else NEW, mode="w")
    ended.set()
    thread.join()
    assert [one for one in found if isinstance(one, Exception)] == []
    assert which(store) == 0


def test_a_delayed_replacement_is_put_in_its_place_when_it_runs(tmp_path) -> None:
    store = tmp_path / "a.ome.zarr"
    write(store)
    later = NEW.omezarr.to_image(store, mode="w", compute=False, **LEVELS)
    assert which(store) == 0
    dask.compute(later, scheduler="threads")
    assert which(store) == 1
    assert os.listdir(tmp_path) == [store.name]
    # Nobody holds it any more.
    with replacing(store):
        pass
