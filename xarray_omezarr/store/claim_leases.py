"""Claims as objects, where there are no locks: renewed as long as a writer lives.

One thread renews all of them, and ends with the last.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from xarray_omezarr.errors import LockedError
from xarray_omezarr.store.claim_ticket import Ticket
from xarray_omezarr.store.conditional import creator_of

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

#: Seconds between renewals.
BEAT = 10.0

#: Seconds in which a claim of a living writer has been renewed for certain.
PATIENCE = 45.0

# Seconds in which others that take over at the same time have done so.
_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class LeaseSpot:
    """Where the object of a claim is; instances travel to other processes.

    Parameters
    ----------
    target : Target
        Whose store is used.
    key : str
        Of the object.
    """

    target: Target
    key: str

    is_dead_afterwards = True

    @property
    def trust(self) -> float:
        """Seconds in which what was seen last is relied on."""
        return BEAT

    @property
    def patience(self) -> float:
        """Seconds after which a claim that nobody renews is dead."""
        return PATIENCE

    def attempt(self, ticket: Ticket) -> LeaseHold | None:
        """Take the place, unless there is an object."""
        if not self._create(ticket):
            # It may have been stored though the answer was lost.
            if self.read() != ticket:
                return None
        return LeaseHold(self, ticket, is_alone=not _is_worker())

    def join(self, ticket: Ticket) -> LeaseHold:
        """Renew it in another process that takes part in the write.

        Raises
        ------
        LockedError
            If somebody else has taken the place.
        """
        there = self.read()
        if there.token != ticket.token:
            raise LockedError(f"{self.key!r} is of another write, or gone")
        return LeaseHold(self, there, is_alone=False)

    def read(self) -> Ticket:
        """What the object says."""
        creator = creator_of(self.target)
        if creator is not None:
            # One request; some clients ask first whether it is there.
            return Ticket.read(creator.read(self.key))
        found = sync(self.target.store.get(self.key, default_buffer_prototype()))
        return Ticket.read(None if found is None else found.to_bytes())

    def evict(self, ticket: Ticket) -> None:
        """Remove the object of a writer that is dead, if it is still that one."""
        if self.read() == ticket:
            self.remove()
        time.sleep(_PAUSE)

    def remove(self) -> None:
        """Remove the object."""
        sync(self.target.store.delete(self.key))

    def put(self, ticket: Ticket) -> None:
        """Put the object, whatever is there."""
        value = default_buffer_prototype().buffer.from_bytes(ticket.content)
        sync(self.target.store.set(self.key, value))

    def _create(self, ticket: Ticket) -> bool:
        # There are stores that ignore conditions, and would replace what is there.
        if self.read().token:
            return False
        creator = creator_of(self.target)
        if creator is not None:
            # Stores say in many ways that they know no conditions.
            with suppress(Exception):
                return creator.create(self.key, ticket.content)
        self.put(ticket)
        return self.read() == ticket


def _is_worker() -> bool:
    """Whether other processes may take part, and know more than this one."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    with suppress(ValueError):
        distributed.get_worker()
        return True
    return False


class LeaseHold:
    """An object that this process renews.

    Parameters
    ----------
    spot : LeaseSpot
        Where it is.
    ticket : Ticket
        What it says.
    is_alone : bool
        Whether no other process takes part, so that it is over when this one lets go.
    """

    def __init__(self, spot: LeaseSpot, ticket: Ticket, *, is_alone: bool) -> None:
        self._spot, self._ticket, self._is_alone = spot, ticket, is_alone
        self.is_again = False
        self._process = os.getpid()
        self._seen = time.monotonic()
        _PULSE.add(self, self.renew)

    @property
    def is_lost(self) -> bool:
        """Whether the object is not this one any more."""
        is_ours = self._spot.read().token == self._ticket.token
        self._seen = time.monotonic() if is_ours else -math.inf
        return not is_ours

    def renew(self) -> None:
        """Show that the writer lives."""
        if self.is_lost:
            _PULSE.forget(self)
            return
        self._ticket = self._ticket.renewed()
        self._spot.put(self._ticket)

    def release(self) -> None:
        """Remove the object, if it is still this one."""
        _PULSE.discard(self)
        # Nobody has taken it over that fast.
        # If it cannot be removed, it is taken over when nobody has renewed it; that is
        # no reason to call a write failed, nor to hide why it did.
        with suppress(Exception):
            if time.monotonic() - self._seen < BEAT or not self.is_lost:
                self._spot.remove()

    def drop(self) -> None:
        """Have the object removed soon, or renew it no more; nothing is waited for."""
        is_mine = self._process == os.getpid() and _PULSE.forget(self)
        if is_mine and self._is_alone:
            _PULSE.bury(self.release)


class _Pulse:
    """The thread that renews claims."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._beating = threading.RLock()
        self._renewals: dict[object, Callable[[], None]] = {}
        # Whoever collects garbage puts into it, in any thread at any moment.
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def add(self, hold: object, renew: Callable[[], None]) -> None:
        with self._guard:
            self._renewals[hold] = renew
            if self._thread is None:
                # A daemon: the interpreter ends without it, and nobody renews.
                self._thread = threading.Thread(
                    target=self._run, name="xarray_omezarr-claims", daemon=True
                )
                self._thread.start()

    def discard(self, hold: object) -> None:
        """Renew it no more; a renewal that is under way has ended."""
        with self._beating:
            self.forget(hold)

    def forget(self, hold: object) -> bool:
        """Renew it no more; whether it was renewed. Nothing is waited for."""
        known = self._renewals.pop(hold, None)
        self._jobs.put(None)
        return known is not None

    def bury(self, release: Callable[[], None]) -> None:
        """Release what nobody can wait for."""
        self._jobs.put(release)

    def _run(self) -> None:
        next_beat = time.monotonic() + BEAT
        while True:
            with suppress(Empty):
                job = self._jobs.get(timeout=max(0.0, next_beat - time.monotonic()))
                self._do(job)
            if time.monotonic() >= next_beat:
                for renew in list(self._renewals.values()):
                    self._do(renew)
                next_beat = time.monotonic() + BEAT
            with self._guard:
                if not self._renewals and self._jobs.empty():
                    self._thread = None
                    return

    def _do(self, job: Callable[[], None] | None) -> None:
        # What fails once may work the next time; the write itself tells of its own.
        with self._beating, suppress(Exception):
            if job is not None:
                job()


_PULSE = _Pulse()


def _anew() -> None:
    """In a process that was forked, nobody renews what the other one has."""
    global _PULSE
    _PULSE = _Pulse()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_anew)
