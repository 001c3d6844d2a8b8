"""Locks: only one at a time, whatever they are made of."""

from __future__ import annotations

import importlib
import pickle
import threading

import pytest
import zarr
from zarr.storage import LocalStore, MemoryStore

from xarray_omezarr.errors import LockedError, OmeZarrWarning, OptionError
from xarray_omezarr.store.conditional import FolderCreator, ObstoreCreator, creator_of
from xarray_omezarr.store.lock import (
    FolderLock,
    Lease,
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


def test_a_lease_that_nobody_gives_back_is_named(folder) -> None:
    lease = Lease(FolderCreator(folder), "0/.lock", patience=0.05)
    with (
        lease.held(),
        pytest.raises(LockedError, match=r"'0/\.lock'"),
        lease.held(),
    ):
        pass
    assert not (folder / "0" / ".lock").exists()


def test_a_lease_of_another_is_not_removed(folder) -> None:
    lease = Lease(FolderCreator(folder), "0/.lock")
    with lease.held():
        (folder / "0" / ".lock").write_bytes(b"another")
    assert (folder / "0" / ".lock").read_bytes() == b"another"


def test_a_store_that_ignores_conditions_has_no_leases() -> None:
    class Ignorant:
        def create(self, key, value) -> bool:
            return True

        def read(self, key) -> None:
            return None

        def remove(self, key) -> None:
            return None

    assert isinstance(Lease(Ignorant(), "lock").fault(), ValueError)


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


class Repeating:
    """Puts twice, as clients do when the first answer got lost."""

    def __init__(self) -> None:
        self.objects = {}

    def create(self, key, value) -> bool:
        if key in self.objects:
            return False
        self.objects[key] = value
        return False

    def read(self, key):
        return self.objects.get(key)

    def remove(self, key) -> None:
        self.objects.pop(key, None)


def test_a_lease_whose_answer_got_lost_is_ones_own() -> None:
    creator = Repeating()
    lease = Lease(creator, "lock", patience=0.05)
    assert lease.fault() is None
    with lease.held():
        assert list(creator.objects) == ["lock"]
        with pytest.raises(LockedError), lease.held():
            pass
    assert creator.objects == {}


def test_the_refusal_tells_what_was_raised_when_it_was_tried() -> None:
    class Forbidden(Repeating):
        def create(self, key, value) -> bool:
            raise PermissionError("no writing here")

        def put(self, key, value) -> None:
            self.objects[key] = value

    fault = Lease(Forbidden(), "lock").fault()
    with pytest.raises(OptionError, match="PermissionError: no writing here") as told:
        check_lock(NoLock("where", fault))
    assert told.value.__cause__ is fault
    unpicklable = ValueError(threading.Lock())
    assert pickle.loads(pickle.dumps(NoLock("where", unpicklable))).uri == "where"


def test_a_store_that_takes_nothing_is_told_from_one_without_conditions() -> None:
    class OutOfOrder(Repeating):
        def create(self, key, value) -> bool:
            raise OSError("slow down")

        def put(self, key, value) -> None:
            raise OSError("slow down")

    with pytest.raises(OSError, match="slow down"):
        Lease(OutOfOrder(), "lock").fault()


class Unreachable(Repeating):
    """Whose lease cannot be given back."""

    def remove(self, key) -> None:
        raise OSError("gone away")


def test_a_lease_that_cannot_be_given_back_is_told_and_what_was_done_is_done() -> None:
    with (
        pytest.warns(OmeZarrWarning, match="'lock', could not be removed"),
        Lease(Unreachable(), "lock").held(),
    ):
        pass


def test_a_lease_that_cannot_be_given_back_does_not_hide_why_a_write_failed() -> None:
    with (
        pytest.raises(ValueError, match="the reason") as told,
        Lease(Unreachable(), "lock").held(),
    ):
        raise ValueError("the reason")
    assert "'lock', could not be removed" in told.value.__notes__[0]
