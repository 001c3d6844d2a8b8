"""Claims: one holder at a time, dead ones in nobody's way, nothing left behind."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import obstore.store
import pytest
from zarr.storage import MemoryStore, ObjectStore

from xarray_omezarr.errors import LockedError
from xarray_omezarr.store import claim_leases
from xarray_omezarr.store.claim import CLAIM, take
from xarray_omezarr.store.claim_leases import LeaseSpot
from xarray_omezarr.store.claim_ticket import Ticket
from xarray_omezarr.store.target import Target, open_target


def folder(tmp_path: Path) -> Target:
    return open_target(tmp_path / "new.zarr")


def objects(tmp_path: Path) -> Target:
    place = obstore.store.LocalStore(tmp_path / "objects", mkdir=True)
    return open_target(ObjectStore(place), group="new.zarr")


def memory(tmp_path: Path) -> Target:
    return open_target(MemoryStore(), group="new.zarr")


EVERYWHERE = pytest.mark.parametrize("make", [folder, objects, memory])


def pulse() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "xarray_omezarr-claims"]


class TestAlone:
    def test_a_store_that_ignores_conditions_keeps_the_claim_of_the_first(
        self, tmp_path, monkeypatch
    ) -> None:
        class Ignoring:
            def __init__(self, target: Target) -> None:
                self.target = target

            def create(self, key: str, content: bytes) -> bool:
                (tmp_path / "objects" / key).parent.mkdir(exist_ok=True)
                (tmp_path / "objects" / key).write_bytes(content)
                return True

            def read(self, key: str) -> bytes | None:
                file = tmp_path / "objects" / key
                return file.read_bytes() if file.exists() else None

        monkeypatch.setattr(claim_leases, "creator_of", Ignoring)
        target = objects(tmp_path)
        with take(target, "a") as first:
            with pytest.raises(LockedError, match="is being written"):
                take(target, "b")
            first.check()

    def test_between_blocks_a_claim_that_was_lost_is_noticed(
        self, tmp_path, monkeypatch
    ) -> None:
        target = objects(tmp_path)
        claim = take(target, "a")
        LeaseSpot(target, f"new.zarr/{CLAIM}").put(Ticket.mine("b", False))
        claim.check_lately()
        monkeypatch.setattr("xarray_omezarr.store.claim.BEAT", 0.0)
        with pytest.raises(LockedError, match="not this writer's any more"):
            claim.check_lately()
        claim.release()

    @EVERYWHERE
    def test_the_second_is_told_who_writes(self, tmp_path, make) -> None:
        target = make(tmp_path)
        with take(target, "a") as first:
            with pytest.raises(LockedError, match=f":{os.getpid()} since 20"):
                take(target, "b")
            first.check()

    @EVERYWHERE
    def test_the_next_may_write_when_it_is_released(self, tmp_path, make) -> None:
        target = make(tmp_path)
        take(target, "a").release()
        with take(target, "b") as second:
            second.check()

    def test_nothing_is_left_of_it(self, tmp_path) -> None:
        with take(folder(tmp_path), "a"):
            told = json.loads((tmp_path / "new.zarr" / CLAIM).read_text())
            assert {"token", "writer", "since"} <= set(told)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_was_there_stays(self, tmp_path) -> None:
        (tmp_path / "new.zarr").mkdir()
        take(folder(tmp_path), "a").release()
        assert list(tmp_path.rglob("*")) == [tmp_path / "new.zarr"]

    def test_a_claim_that_is_a_link_is_not_followed(self, tmp_path) -> None:
        (tmp_path / "mine").write_text("mine")
        (tmp_path / "new.zarr").mkdir()
        (tmp_path / "new.zarr" / CLAIM).symlink_to(tmp_path / "mine")
        with pytest.raises(OSError, match="symbolic links"):
            take(folder(tmp_path), "a")
        assert (tmp_path / "mine").read_text() == "mine"


class TestLost:
    def test_when_the_folder_was_made_anew(self, tmp_path) -> None:
        first = take(folder(tmp_path), "a")
        shutil.rmtree(tmp_path / "new.zarr")
        with take(folder(tmp_path), "b") as second:
            with pytest.raises(LockedError, match="not this writer's"):
                first.check()
            # Neither does the first remove what is not its own.
            first.release()
            second.check()

    def test_when_the_object_is_of_another(self, tmp_path) -> None:
        target = objects(tmp_path)
        first = take(target, "a")
        LeaseSpot(target, f"new.zarr/{CLAIM}").put(Ticket.mine("b", False))
        with pytest.raises(LockedError, match="not this writer's"):
            first.check()
        first.release()
        left = Ticket.read((tmp_path / "objects/new.zarr" / CLAIM).read_bytes())
        assert left.token == "b"


class TestDead:
    def left_by(self, tmp_path: Path, ticket: Ticket) -> Target:
        target = objects(tmp_path)
        LeaseSpot(target, f"new.zarr/{CLAIM}").put(ticket)
        return target

    def test_of_this_machine_are_taken_over_at_once(self, tmp_path) -> None:
        gone = replace(Ticket.mine("a", False), process=2**22 + 1)
        with take(self.left_by(tmp_path, gone), "b") as claim:
            claim.check()

    def test_of_this_process_are_taken_over_at_once(self, tmp_path) -> None:
        with take(self.left_by(tmp_path, Ticket.mine("a", False)), "b") as claim:
            claim.check()

    def test_of_another_machine_when_nobody_renews_them(
        self, tmp_path, monkeypatch
    ) -> None:
        monkeypatch.setattr(claim_leases, "PATIENCE", 0.3)
        far = replace(Ticket.mine("a", False), machine="elsewhere")
        with take(self.left_by(tmp_path, far), "b") as claim:
            claim.check()

    def test_not_of_another_machine_where_somebody_renews_them(self, tmp_path) -> None:
        far = replace(Ticket.mine("a", False), machine="elsewhere", writer="far:1")
        target = self.left_by(tmp_path, far)
        timer = threading.Timer(
            0.5, LeaseSpot(target, f"new.zarr/{CLAIM}").put, [far.renewed()]
        )
        timer.start()
        with pytest.raises(LockedError, match="far:1"):
            take(target, "b")
        timer.join()

    def test_a_number_of_a_process_that_is_used_again_is_not_taken_for_it(self) -> None:
        mine = Ticket.mine("a", False)
        assert mine.verdict() == "alive"
        assert replace(mine, started="1").verdict() == "dead"

    @pytest.mark.parametrize(
        "content", [b"", b"{", b"[]", b'{"token": 3}', b'{"token": "a", "beat": "x"}']
    )
    def test_what_cannot_be_read_says_nothing(self, content) -> None:
        assert Ticket.read(content) == Ticket("")


class TestTasks:
    def test_elsewhere_it_is_checked_by_what_it_says(self, tmp_path) -> None:
        with take(folder(tmp_path), "a", is_delayed=True) as claim:
            with pickle.loads(pickle.dumps(claim)).running():
                pass
            (tmp_path / "new.zarr" / CLAIM).unlink()
            with (
                pytest.raises(LockedError, match="not this writer's"),
                pickle.loads(pickle.dumps(claim)).running(),
            ):
                pytest.fail("the task has begun")

    @EVERYWHERE
    def test_one_that_failed_lets_others_write(self, tmp_path, make) -> None:
        target = make(tmp_path)
        first = take(target, "a", is_delayed=True)
        with pytest.raises(RuntimeError), first.running():
            raise RuntimeError
        with take(target, "b"), pytest.raises(LockedError), first.running():
            pytest.fail("the task has begun")

    @EVERYWHERE
    def test_one_that_nobody_knows_any_more_does_too(self, tmp_path, make) -> None:
        target = make(tmp_path)
        take(target, "a", is_delayed=True)
        with take(target, "b") as claim:
            claim.check()

    @EVERYWHERE
    def test_one_that_runs_does_not(self, tmp_path, make) -> None:
        target = make(tmp_path)
        first = take(target, "a", is_delayed=True)
        with first.running(), pytest.raises(LockedError):
            take(target, "b")
        first.release()

    def test_the_same_write_goes_on_with_its_own(self, tmp_path) -> None:
        first = take(folder(tmp_path), "a", is_delayed=True)
        assert not first.is_again
        with pytest.raises(RuntimeError), first.running():
            raise RuntimeError
        with take(folder(tmp_path), "a", is_delayed=True) as second:
            assert second.is_again


class TestRenewal:
    def test_one_thread_renews_all_and_ends_with_them(
        self, tmp_path, monkeypatch
    ) -> None:
        monkeypatch.setattr(claim_leases, "BEAT", 0.05)
        spots = [LeaseSpot(objects(tmp_path), name) for name in "abc"]
        holds = [spot.attempt(Ticket.mine("x", False)) for spot in spots]
        assert len(pulse()) == 1
        assert pulse()[0].daemon
        before, waited = spots[0].read(), threading.Event()
        for _ in range(200):
            if spots[0].read().beat > before.beat:
                break
            waited.wait(0.05)
        assert spots[0].read().beat > before.beat
        (thread,) = pulse()
        for hold in holds:
            hold.release()
        thread.join(10)
        assert not thread.is_alive()

    def test_folders_need_no_thread(self, tmp_path) -> None:
        with take(folder(tmp_path), "a"):
            assert pulse() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_process_that_was_forked_does_not_keep_the_place(tmp_path) -> None:
    claim = take(folder(tmp_path), "a")
    ready, go_on = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        os.write(ready[1], b"x")
        os.read(go_on[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    claim.release()
    with take(folder(tmp_path), "b") as second:
        second.check()
    os.write(go_on[1], b"x")
    os.waitpid(child, 0)
