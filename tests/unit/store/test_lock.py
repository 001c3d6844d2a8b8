"""Locks: only one at a time, whatever they are made of."""

from __future__ import annotations

import importlib
import pickle
import threading

import pytest
import zarr
from zarr.storage import LocalStore, MemoryStore

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.conditional import FolderCreator, ObstoreCreator, creator_of
from xarray_omezarr.store.lease import Lease
from xarray_omezarr.store.lock import (
    FolderLock,
    NoLock,
    ProcessLock,
    check_lock,
    lock_of,
)
from xarray_omezarr.store.target import open_target


@pytest.fixture
def folder(tmp_path):
    zarr.open_group(tmp_path / "x.zarr", mode="w").create_array(
        "0", shape=(2,), dtype="u1"
    )
    return tmp_path / "x.zarr"


def locks(folder):
    obstore = importlib.import_module("obstore.store")
    return [
        FolderLock(folder),
        ProcessLock(),
        Lease(FolderCreator(folder), "0/.lock"),
        Lease(ObstoreCreator(obstore.MemoryStore()), "0/.lock"),
    ]


def test_only_one_thread_at_a_time_is_inside(folder) -> None:
    for lock in locks(folder):
        inside, most = [], []

        def work(lock=lock, inside=inside, most=most) -> None:
            for _ in range(5):
                with lock.held():
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == [1] * 20


def test_an_error_inside_lets_go(folder) -> None:
    for lock in locks(folder):
        with pytest.raises(KeyError), lock.held():
            raise KeyError
        with lock.held():
            pass


def test_a_folder_is_locked_without_a_file(folder) -> None:
    lock = lock_of(open_target(folder), "0", None)
    assert isinstance(lock, FolderLock)
    before = sorted(folder.rglob("*"))
    with lock.held():
        assert sorted(folder.rglob("*")) == before


def test_memory_needs_nothing_but_threads() -> None:
    assert lock_of(open_target(MemoryStore()), "0", 123) == ProcessLock()


def test_wrapped_stores_are_looked_into(folder) -> None:
    wrapped = zarr.storage.LoggingStore(LocalStore(folder))
    assert isinstance(creator_of(open_target(wrapped)), FolderCreator)


def test_a_store_that_can_serialise_nobody_is_refused_with_the_remedy() -> None:
    with pytest.raises(OptionError, match="pyramid=False"):
        check_lock(NoLock("where"))
    check_lock(ProcessLock())


def test_locks_travel(folder) -> None:
    for lock in (FolderLock(folder), Lease(FolderCreator(folder), "0/.lock")):
        with pickle.loads(pickle.dumps(lock)).held():
            pass


def test_the_refusal_tells_what_was_raised_when_it_was_tried() -> None:
    class Forbidden:
        def create(self, key, value) -> bool:
            raise PermissionError("no writing here")

        def put(self, key, value) -> None:
            return None

        def remove(self, key) -> None:
            return None

    fault = Lease(Forbidden(), "lock").fault()
    with pytest.raises(OptionError, match="PermissionError: no writing here") as told:
        check_lock(NoLock("where", fault))
    assert told.value.__cause__ is fault
    unpicklable = ValueError(threading.Lock())
    assert pickle.loads(pickle.dumps(NoLock("where", unpicklable))).uri == "where"


def test_a_thread_that_has_a_folder_does_not_wait_for_itself_and_keeps_it(
    folder,
) -> None:
    lock = FolderLock(folder)
    entered = threading.Event()

    def enter() -> None:
        with FolderLock(folder).held():
            entered.set()

    def twice() -> None:
        with lock.held():
            with FolderLock(folder).held():
                pass
            other = threading.Thread(target=enter, daemon=True)
            other.start()
            seen.append(entered.wait(0.2))

    seen: list[bool] = []
    thread = threading.Thread(target=twice, daemon=True)
    thread.start()
    thread.join(60)
    assert seen == [False]
    assert entered.wait(60)
