"""Claims of places in the memory of one process."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable
from dataclasses import dataclass

from xarray_omezarr.store.claim_ticket import Ticket

_GUARD = threading.RLock()

# By what tells memories apart, and the path inside: what was taken, and the memory, so
# that no other gets its identity meanwhile.
_TAKEN: dict[tuple[Hashable, str], tuple[Ticket, object]] = {}


@dataclass(frozen=True, slots=True)
class MemorySpot:
    """A place in memory.

    Parameters
    ----------
    memory : object
        What holds the stored objects, or the name of one that all share.
    path : str
        Inside of it.
    """

    memory: object
    path: str

    patience = 3.0
    is_dead_afterwards = False
    trust = 0.0

    @property
    def key(self) -> tuple[Hashable, str]:
        """What tells this place from all others."""
        memory = self.memory if isinstance(self.memory, str) else id(self.memory)
        return memory, self.path

    def attempt(self, ticket: Ticket) -> MemoryHold | None:
        """Take the place, unless somebody has it."""
        with _GUARD:
            # A process that was forked has memory of its own.
            if self.key in _TAKEN and self.read().process == os.getpid():
                return None
            _TAKEN[self.key] = ticket, self.memory
        return MemoryHold(self, ticket)

    def join(self, ticket: Ticket) -> None:
        """Nothing: no other process takes part."""

    def read(self) -> Ticket:
        """Who has the place."""
        return _TAKEN.get(self.key, (Ticket(""), None))[0]

    def evict(self, ticket: Ticket) -> None:
        """Make the place free, if it is still of that one."""
        with _GUARD:
            if self.read() == ticket:
                self.remove()

    def remove(self) -> None:
        """Make the place free."""
        _TAKEN.pop(self.key, None)


@dataclass(frozen=True, slots=True)
class MemoryHold:
    """A place in memory that was taken."""

    spot: MemorySpot
    ticket: Ticket

    is_again = False

    @property
    def is_lost(self) -> bool:
        """Whether somebody else has it now."""
        return self.spot.read() != self.ticket

    def release(self) -> None:
        """Make the place free."""
        self.spot.evict(self.ticket)

    def drop(self) -> None:
        """Make the place free."""
        self.release()
