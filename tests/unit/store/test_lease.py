"""Leases: only one has it, and those of dead writers are nobody's."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

import pytest

from xarray_omezarr.errors import LockedError, OmeZarrWarning
from xarray_omezarr.store.claim_ticket import Ticket
from xarray_omezarr.store.conditional import FolderCreator
from xarray_omezarr.store.lease import Lease


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "0").mkdir()
    return tmp_path


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


class Expired(FolderCreator):
    """Whose credentials last for a while."""

    may_remove = False

    def remove(self, key) -> None:
        if not self.may_remove:
            raise PermissionError("expired")
        super().remove(key)


def test_what_a_thread_could_not_give_back_keeps_its_own_process_no_second(
    folder, monkeypatch
) -> None:
    lease = Lease(Expired(folder), "0/.lock", patience=0.05)
    with pytest.raises(KeyError), lease.held():
        raise KeyError
    assert (folder / "0" / ".lock").exists()
    monkeypatch.setattr(Expired, "may_remove", True)
    with lease.held():
        pass
    assert [*(folder / "0").iterdir()] == []


def _hold(folder, held) -> None:
    with Lease(FolderCreator(folder), "0/.lock").held():
        held.set()
        time.sleep(60)


def test_what_a_killed_process_of_this_machine_had_is_taken_over(folder) -> None:
    spawn = multiprocessing.get_context("spawn")
    held = spawn.Event()
    process = spawn.Process(target=_hold, args=(folder, held))
    process.start()
    assert held.wait(60)
    lease = Lease(FolderCreator(folder), "0/.lock", patience=0.05)
    with pytest.raises(LockedError, match=f":{process.pid} since"), lease.held():
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with lease.held():
        pass
    assert [*(folder / "0").iterdir()] == []


def test_of_many_that_find_a_dead_one_only_one_at_a_time_is_inside(folder) -> None:
    class Slow(FolderCreator):
        def remove(self, key) -> None:
            time.sleep(0.02)
            super().remove(key)

    for _ in range(3):
        with pytest.raises(KeyError), Lease(Expired(folder), "0/.lock").held():
            raise KeyError
        inside, most = [], []

        def work(inside=inside, most=most) -> None:
            with Lease(Slow(folder), "0/.lock").held():
                inside.append(1)
                time.sleep(0.01)
                most.append(len(inside))
                inside.pop()

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == [1] * 6
        assert [*(folder / "0").iterdir()] == []


@pytest.mark.parametrize("token", ["../0", "a/b", "", "a" * 300])
def test_a_lease_that_others_made_names_no_objects(folder, token) -> None:
    there = Ticket.mine("x", is_delayed=False).content.decode()
    told = there.replace('"x"', f'"{token}"').encode()
    (folder / "0" / ".lock").write_bytes(told)
    with (
        pytest.raises(LockedError),
        Lease(FolderCreator(folder), "0/.lock", patience=0.05).held(),
    ):
        pass
    assert (folder / "0" / ".lock").read_bytes() == told
