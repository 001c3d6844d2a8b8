"""What happens under a claim in one process, and when that is over."""

from __future__ import annotations

import math
import threading
import time
import weakref
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from xarray_omezarr.store.claim_files import FileSpot
    from xarray_omezarr.store.claim_leases import LeaseSpot
    from xarray_omezarr.store.claim_memory import MemorySpot
    from xarray_omezarr.store.claim_ticket import Ticket

Spot: TypeAlias = "FileSpot | LeaseSpot | MemorySpot"


class Hold(Protocol):
    """What a process has of a claim."""

    @property
    def is_again(self) -> bool:
        """Whether the same write had it before."""
        ...

    @property
    def is_lost(self) -> bool:
        """Whether somebody else has it now."""
        ...

    def release(self) -> None:
        """Leave nothing of the claim, unless it is of somebody else."""
        ...

    def drop(self) -> None:
        """Let others take the place over; nothing is waited for."""
        ...


class Use:
    """What happens under a claim in this process.

    Once nobody in this process knows of it any more, others may have the place.
    """

    def __init__(self, spot: Spot, ticket: Ticket, hold: Hold | None) -> None:
        self.spot, self.ticket = spot, ticket
        #: Whether the same write was begun before.
        self.is_again = False
        self.guard = threading.RLock()
        self.running = self.count = 0
        self.is_failed = self.is_evicted = False
        self._hold: Hold | None = None
        self._seen = -math.inf if hold is None else time.monotonic()
        if hold is not None:
            self._keep(hold)

    def is_over(self) -> bool | None:
        """Whether nothing more will come; None if that cannot be known."""
        with self.guard:
            if self.running or not self.ticket.is_delayed:
                return False
            return True if self.is_failed else None

    def evict(self) -> bool:
        """Let somebody else have the place, unless a task runs."""
        with self.guard:
            if self.running:
                return False
            self.is_evicted = True
            self._drop()
            return True

    def begin(self) -> None:
        """Note that a task begins."""
        with self.guard:
            self.running, self.count = self.running + 1, self.count + 1
            if self.is_failed and not self.is_evicted:
                # A scheduler tries again.
                self.join()

    def end(self, *, is_failed: bool) -> None:
        """Note that a task has ended."""
        with self.guard:
            self.running -= 1
            self.is_failed = self.is_failed or is_failed
            if self.is_failed and self.ticket.is_delayed and not self.running:
                # Nobody tells when the rest is given up.
                self._drop()

    def join(self) -> None:
        """Take part in what another process, or an earlier task, has begun."""
        self.is_failed = False
        if self._hold is None:
            hold = self.spot.join(self.ticket)
            if hold is not None:
                self._keep(hold)

    def is_held(self, trust: float | None = None) -> bool:
        """Whether the place is still this writer's, as seen `trust` seconds ago."""
        trust = self.spot.trust if trust is None else trust
        with self.guard:
            if self.is_evicted:
                return False
            if time.monotonic() - self._seen < trust:
                return True
            return self.is_held_now()

    def is_held_now(self) -> bool:
        """Whether the place is still this writer's."""
        with self.guard:
            if self.is_evicted:
                return False
            if self._hold is not None:
                is_held = not self._hold.is_lost
            else:
                is_held = self.spot.read().token == self.ticket.token
            self._seen = time.monotonic() if is_held else -math.inf
            return is_held

    def release(self) -> None:
        """Leave nothing of the claim, unless it is of somebody else."""
        with self.guard:
            if self._hold is not None:
                self._hold.release()
            elif self.is_held_now():
                self.spot.remove()
            self._hold = None

    def _keep(self, hold: Hold) -> None:
        self._hold = hold
        weakref.finalize(self, hold.drop)

    def _drop(self) -> None:
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.drop()


#: Of the claims that this process knows, by token.
USES: weakref.WeakValueDictionary[str, Use] = weakref.WeakValueDictionary()
GUARD = threading.RLock()
