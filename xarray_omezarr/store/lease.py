"""Leases: objects that lock, where the system has no locks."""

from __future__ import annotations

import contextlib
import random
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xarray_omezarr.errors import LockedError, warn
from xarray_omezarr.store.claim_ticket import Ticket

if TYPE_CHECKING:
    from xarray_omezarr.store.conditional import Creator

#: Seconds after which a lease that nobody gave back is reported.
PATIENCE = 300.0

# Characters of a token that names of objects are made of.
_LONGEST = 64

# Tokens of leases that this process has, or is about to have.
_HELD: set[str] = set()


@contextlib.contextmanager
def _known_to_be_held(token: str) -> Iterator[None]:
    _HELD.add(token)
    try:
        yield
    finally:
        _HELD.discard(token)


def _is_dead(content: bytes) -> bool:
    """Whether nobody has the lease that says so, as far as this machine can tell."""
    ticket = Ticket.read(content)
    if not (ticket.token.isalnum() and len(ticket.token) <= _LONGEST):
        return False
    if ticket.is_of_this_process:
        return ticket.token not in _HELD
    return ticket.verdict() == "dead"


@dataclass(frozen=True, slots=True)
class Lease:
    """An object that only one writer can create, and removes when it is done.

    A writer that was killed leaves it, and so does one that may not remove it any
    more. On its own machine that is known, and the next removes it. Nobody can know
    it from afar, so after `patience` seconds in which nothing changed, the others stop
    and name the object.
    """

    creator: Creator
    key: str
    patience: float = PATIENCE

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait until the object is gone, then create it.

        Raises
        ------
        LockedError
            If the same writer has it for longer than `patience`.
        """
        ticket = Ticket.mine(secrets.token_hex(8), is_delayed=False)
        with _known_to_be_held(ticket.token):
            self._acquire(ticket)
            try:
                yield
            except BaseException as failure:
                # It says more than what giving back may fail with, likely the same.
                try:
                    self._give_back(ticket)
                except Exception:
                    failure.add_note(self._left())
                raise
            try:
                self._give_back(ticket)
            except Exception as error:
                # What was to be done is done.
                warn(f"{self._left()}: {error}")

    def _give_back(self, ticket: Ticket) -> None:
        # Whoever lost patience may have removed it, and another created it anew.
        if self.creator.read(self.key) == ticket.content:
            self.creator.remove(self.key)

    def _left(self) -> str:
        return (
            f"The lock of {self.creator}, the object {self.key!r}, could not be "
            "removed; it is passed over on this machine, and if others are to write, "
            "delete it, or they wait for it in vain"
        )

    def _acquire(self, ticket: Ticket) -> None:
        holder, patience_ends, pause = None, 0.0, 0.01
        while not self.creator.create(self.key, ticket.content):
            seen = self.creator.read(self.key)
            if seen == ticket.content:
                # It was stored, but the answer got lost, and the client asked again.
                return
            if seen is not None and _is_dead(seen) and self._evict(seen):
                continue
            if seen != holder:
                holder, patience_ends = seen, time.monotonic() + self.patience
            elif seen is not None and time.monotonic() > patience_ends:
                raise LockedError(
                    f"{self.creator} is locked by {Ticket.read(seen)}. If that writer "
                    f"is not alive any more, delete the object {self.key!r}"
                )
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 1.5, 0.5)

    def _evict(self, dead: bytes) -> bool:
        """Remove the lease of a dead writer, unless somebody else is about to.

        Only one can create the object that allows it, which is called after the dead
        one's token: the lease of whoever comes next is never removed instead.
        """
        right = f"{self.key}.{Ticket.read(dead).token}"
        mine = secrets.token_bytes(8)
        if not self.creator.create(right, mine) and self.creator.read(right) != mine:
            return False
        try:
            if self.creator.read(self.key) == dead:
                self.creator.remove(self.key)
        finally:
            self.creator.remove(right)
        return True

    def fault(self) -> Exception | None:
        """What keeps the store from creating on condition; None if nothing does.

        What is raised is that the store takes no objects at all. Stores say in many
        ways that they know no conditions, and some of those are no different from a
        lack of permission: whoever refuses can show it.
        """
        key = f"{self.key}.{secrets.token_hex(4)}"
        first, second = b'{"is": 1}', b'{"is": 2}'
        try:
            # An answer that got lost does not mean that it was not created.
            if not self.creator.create(key, first) and self.creator.read(key) != first:
                return ValueError(f"what is not there, {key!r}, cannot be created")
            try:
                if self.creator.create(key, second):
                    return ValueError("what is there is created once more")
            finally:
                self.creator.remove(key)
        except Exception as error:
            # A store that takes nothing at all is out of order, or not ours to write.
            self.creator.put(key, first)
            self.creator.remove(key)
            return error
        return None
