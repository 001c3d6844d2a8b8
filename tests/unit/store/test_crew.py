"""A crew: bounded, prompt to stop, gone at the end."""

from __future__ import annotations

import pickle
import threading
from functools import partial

import pytest
from zarr.storage import LocalStore, MemoryStore, WrapperStore

from xarray_omezarr.store.crew import (
    Alone,
    Batch,
    Crew,
    DismissedError,
    available_cores,
    crew,
    threads_for,
)


def ours():
    return [t for t in threading.enumerate() if t.name.startswith("xarray-omezarr")]


def test_all_jobs_are_done_at_the_end() -> None:
    done = []
    with crew(3, 10) as hands:
        for number in range(50):
            hands.hand_over(4, partial(done.append, number))
    assert sorted(done) == list(range(50))
    assert ours() == []


def test_bytes_that_are_held_are_bounded() -> None:
    lock, held, most = threading.Lock(), 0, 0

    def job() -> None:
        nonlocal held, most
        with lock:
            held += 4
            most = max(most, held)
        threading.Event().wait(0.001)
        with lock:
            held -= 4

    with crew(8, 4 * available_cores() + 3) as hands:
        for _ in range(40):
            hands.hand_over(4, job)
    assert most == 4 * available_cores()


def test_every_core_has_work_however_large_the_jobs() -> None:
    together = threading.Barrier(available_cores(), timeout=30)
    with crew(8, 10) as hands:
        for _ in range(2 * available_cores()):
            hands.hand_over(1000, together.wait)


def test_an_error_of_a_job_reaches_whoever_hands_over() -> None:
    begun = []

    def fail() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), crew(1, 100) as hands:
        hands.hand_over(1, fail)
        for _ in range(1000):
            hands.hand_over(50, partial(begun.append, 1))
    assert len(begun) < 1000
    assert ours() == []


def test_an_error_of_the_last_job_is_not_lost() -> None:
    def fail() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), crew(1, 100) as hands:
        hands.hand_over(1, fail)


def test_an_interrupt_leaves_no_thread_and_begins_no_further_job() -> None:
    done = []
    gate = threading.Event()

    def slow() -> None:
        gate.wait(5)
        done.append(1)

    with pytest.raises(KeyboardInterrupt), crew(1, 100) as hands:
        for _ in range(5):
            hands.hand_over(1, slow)
        gate.set()
        raise KeyboardInterrupt
    assert len(done) < 5
    assert ours() == []


def test_whoever_waits_for_room_is_told_that_the_crew_is_dismissed() -> None:
    gate, told = threading.Event(), []
    hands = Crew(1, 1)

    def late() -> None:
        try:
            for _ in range(10):
                hands.hand_over(100, lambda: None)
        except DismissedError:
            told.append(1)

    for _ in range(available_cores()):
        hands.hand_over(100, partial(gate.wait, 30))
    waiting = [threading.Thread(target=late) for _ in range(4)]
    for thread in waiting:
        thread.start()
    threading.Timer(0.1, gate.set).start()
    hands.dismiss()
    for thread in waiting:
        thread.join(30)
    assert told == [1] * 4
    with pytest.raises(DismissedError):
        hands.hand_over(1, lambda: None)


def test_waiting_is_for_what_was_handed_over() -> None:
    done = []
    with crew(2, 100) as hands:
        hands.hand_over(1, partial(done.append, 1))
        hands.wait()
        assert done == [1]


def test_alone_does_everything_at_once() -> None:
    done = []
    hands = Alone()
    hands.hand_over(1, partial(done.append, 1))
    assert done == [1]
    hands.wait()


def test_stores_that_answer_late_get_many_threads(tmp_path) -> None:
    assert threads_for(LocalStore(tmp_path)) == available_cores()
    assert threads_for(MemoryStore()) == available_cores()
    assert threads_for(WrapperStore(MemoryStore())) >= 32


def test_a_crew_that_travels_is_alone() -> None:
    with crew(2, 100) as hands:
        assert isinstance(pickle.loads(pickle.dumps(hands)), Alone)


def test_a_batch_waits_for_its_own_jobs_only() -> None:
    others = threading.Event()
    done = []
    with crew(2, 100) as hands:
        hands.hand_over(1, partial(others.wait, 30))
        batch = Batch(hands)
        batch.hand_over(1, partial(done.append, 1))
        batch.wait()
        assert done == [1]
        others.set()


def test_a_batch_raises_what_a_job_of_it_raised() -> None:
    def fail() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), crew(2, 100) as hands:
        batch = Batch(hands)
        batch.hand_over(1, fail)
        batch.wait()
