"""A crew of threads that encode and put, with a bound on the bytes they hold."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Condition
from typing import Any

from zarr.storage import LocalStore, MemoryStore

from xarray_omezarr.store.zip_target import OneFile
from xarray_omezarr.store.zip_writing import ZipWriting

# Puts in flight to a store that answers after a while; more gained nothing.
_REMOTE_THREADS = 48

_NAME = "xarray-omezarr"


def is_near(store: object) -> bool:
    """Whether a store answers at once, so that nobody waits for puts."""
    return isinstance(store, (LocalStore, MemoryStore, OneFile, ZipWriting))


def threads_for(store: object) -> int:
    """How many threads it is worth to have: cores, or more where they would wait."""
    cores = available_cores()
    return cores if is_near(store) else max(cores, _REMOTE_THREADS)


def available_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class DismissedError(Exception):
    """The write has been given up; seen by tasks that run on, and by nobody else."""


class Crew:
    """Runs jobs on threads; whoever hands one over waits while too much is held.

    Parameters
    ----------
    threads : int
        How many jobs run at the same time.
    limit : int
        Bytes of the jobs that run or wait, unless there are fewer than cores.
    """

    def __init__(self, threads: int, limit: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=_NAME)
        self._limit = limit
        # Every core has work, however large the objects.
        self._always = min(threads, available_cores())
        self._is_dismissed = False
        self._jobs = 0
        self._held = 0
        self._changed = Condition()
        self._failure: BaseException | None = None

    def __reduce__(self) -> tuple[type[Alone], tuple[()]]:
        # Threads stay at home: elsewhere, whoever has a job does it.
        return Alone, ()

    def hand_over(self, nbytes: int, job: Callable[[], None]) -> Future[None]:
        """Start `job`, which holds `nbytes`, as soon as there is room.

        Raises
        ------
        BaseException
            What an earlier job raised, or `DismissedError` after the end; no job is
            started then.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._failure is not None
                    or self._is_dismissed
                    or self._jobs < self._always
                    or self._held + nbytes <= self._limit
                )
            )
            self._raise_failure()
            if self._is_dismissed:
                raise DismissedError
            self._jobs += 1
            self._held += nbytes
            # Not outside: the crew could be dismissed before the job is known to it.
            future = self._pool.submit(job)
        future.add_done_callback(lambda done: self._finished(done, nbytes))
        return future

    def _finished(self, done: Future[None], nbytes: int) -> None:
        failure = None if done.cancelled() else done.exception()
        with self._changed:
            self._jobs -= 1
            self._held -= nbytes
            self._failure = self._failure or failure
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until all jobs are done; raise what one of them raised."""
        with self._changed:
            self._changed.wait_for(lambda: not self._jobs)
            self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def dismiss(self) -> None:
        """Drop the jobs that have not begun, and wait for those that have.

        Whoever waits to hand over, or comes later, is told.
        """
        with self._changed:
            self._is_dismissed = True
            self._changed.notify_all()
        self._pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def crew(threads: int, limit: int) -> Iterator[Crew]:
    """A crew that is gone at the end, also after Ctrl-C, and has finished by then."""
    made = Crew(threads, limit)
    try:
        yield made
        made.wait()
    finally:
        made.dismiss()


class Alone:
    """In place of a crew: every job is done at once by whoever hands it over."""

    threads = 1

    def hand_over(self, _nbytes: int, job: Callable[[], Any]) -> Future[None] | None:
        """Do `job`; nothing is left of it."""
        job()
        return None

    def wait(self) -> None:
        """Nothing is left to wait for."""


class Batch:
    """Hands over to others, and knows when just these jobs are done."""

    def __init__(self, hands: Crew | Alone) -> None:
        self._hands = hands
        self._changed = Condition()
        self._under_way = 0
        self._failure: BaseException | None = None

    def hand_over(self, nbytes: int, job: Callable[[], None]) -> None:
        """Hand over one job more."""
        with self._changed:
            self._under_way += 1
        try:
            future = self._hands.hand_over(nbytes, job)
        except BaseException:
            self._finished(None)
            raise
        if future is None:
            self._finished(None)
        else:
            # The future itself is not kept: there may be a million of them.
            future.add_done_callback(self._finished)

    def _finished(self, done: Future[None] | None) -> None:
        failure: BaseException | None = None
        if done is not None:
            failure = DismissedError() if done.cancelled() else done.exception()
        with self._changed:
            self._under_way -= 1
            self._failure = self._failure or failure
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until its jobs are done; raise what one of them raised."""
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way)
            if self._failure is not None:
                raise self._failure
