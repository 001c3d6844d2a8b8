"""Who may write a new place: one at a time, and the others are told beforehand.

A claim is a small file or object in the root of what is written. On local disks its
holder has the lock of the file, so that a dead one is in nobody's way; elsewhere the
holder renews the object, and one that is not renewed is taken over. Stores in the
memory of one process are claimed there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zarr.storage import LocalStore, MemoryStore

from xarray_omezarr.errors import LockedError
from xarray_omezarr.hierarchy import join
from xarray_omezarr.store.claim_files import FileSpot, NoLocksError
from xarray_omezarr.store.claim_leases import BEAT, LeaseSpot
from xarray_omezarr.store.claim_memory import MemorySpot
from xarray_omezarr.store.claim_ticket import Ticket
from xarray_omezarr.store.claim_use import GUARD, USES, Spot, Use
from xarray_omezarr.store.claim_watch import Watch
from xarray_omezarr.store.occupancy import LEASE
from xarray_omezarr.store.reach import Reach
from xarray_omezarr.store.sessions import innermost
from xarray_omezarr.store.zip_target import OneFile

if TYPE_CHECKING:
    from types import TracebackType

    from xarray_omezarr.store.target import Target

#: Name of the file or object.
CLAIM = f"{LEASE}.write"

# Bytes that names of files may have everywhere.
_LONGEST = 255


class Claim:
    """The right to write a place; other processes can check it and take part.

    Parameters
    ----------
    uri : str
        What is claimed, for messages.
    use : Use, optional
        What happens under it in this process; None where nothing can be claimed.
    """

    def __init__(self, uri: str, use: Use | None) -> None:
        self._uri, self._use = uri, use
        self._process = os.getpid()

    @property
    def is_delayed(self) -> bool:
        """Whether whoever took it does not see the end of the write."""
        return self._use is not None and self._use.ticket.is_delayed

    @property
    def is_again(self) -> bool:
        """Whether the same write was begun before, and parts of it may be there."""
        return self._use is not None and self._use.is_again

    def check(self) -> None:
        """Raise if the place is not this writer's any more.

        Raises
        ------
        LockedError
            Saying so; nothing may be written then.
        """
        if self._use is not None and not self._use.is_held_now():
            raise self._lost()

    def check_lately(self) -> None:
        """Raise if the place was not this writer's any more some seconds ago.

        Between blocks of pixels, as most have no need to look each time: a computer
        that slept goes on with what others have taken over.
        """
        if self._use is not None and not self._use.is_held(BEAT):
            raise self._lost()

    def release(self) -> None:
        """Remove it: others may write now."""
        if self._use is not None and self._process == os.getpid():
            self._use.release()
            with GUARD:
                USES.pop(self._use.ticket.token, None)

    @contextmanager
    def running(self) -> Iterator[None]:
        """A context in which a task of the write runs.

        Raises
        ------
        LockedError
            If somebody else has taken the place over.
        """
        use = self._use
        if use is None:
            yield
            return
        is_failed = True
        use.begin()
        try:
            if not use.is_held():
                raise self._lost()
            yield
            is_failed = False
        finally:
            use.end(is_failed=is_failed)

    def _lost(self) -> LockedError:
        return LockedError(
            f"{self._uri} is not this writer's any more: it did nothing for too long "
            "and another one has begun there, or what it had written was removed. It "
            "writes nothing more; write again, to another place or with mode='w'"
        )

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._use is None:
            return Claim, (self._uri, None)
        return _elsewhere, (self._uri, self._use.spot, self._use.ticket)


def _elsewhere(uri: str, spot: Spot, ticket: Ticket) -> Claim:
    """A claim where it has travelled to."""
    with GUARD:
        use = USES.get(ticket.token)
        if use is None:
            use = USES[ticket.token] = Use(spot, ticket, None)
            # What was taken over meanwhile is told by the first task.
            with suppress(LockedError):
                use.join()
        return Claim(uri, use)


def under_way(begun: object) -> AbstractContextManager[None]:
    """A context in which a task of a write runs, whether that has a claim or not."""
    claim = getattr(begun, "claim", None)
    return nullcontext() if claim is None else claim.running()


def check_lately(begun: object) -> None:
    """Raise if a write has lost its claim, whether it has one or not."""
    claim = getattr(begun, "claim", None)
    if claim is not None:
        claim.check_lately()


def take(
    target: Target, token: str, *, is_delayed: bool = False, replaces: bool = True
) -> Claim:
    """Claim a place, before the first byte is written there.

    Parameters
    ----------
    target : Target
        Where to write.
    token : str
        What tells this write from others; one that has it already takes part.
    is_delayed : bool
        Whether the write goes on when this process has handed it over.
    replaces : bool
        Whether what is there may go: nobody puts anything into that meanwhile.

    Returns
    -------
    Claim
        To be released when the write is complete, or what it left is removed.

    Raises
    ------
    LockedError
        If somebody else is writing there, saying who and since when.

    Examples
    --------
    >>> from zarr.storage import MemoryStore
    >>> from xarray_omezarr.store.target import open_target
    >>> target = open_target(MemoryStore())
    >>> with take(target, "first") as claim:
    ...     take(target, "second")
    Traceback (most recent call last):
        ...
    xarray_omezarr.errors.LockedError: ... is being written by ...
    """
    ticket = Ticket.mine(token, is_delayed, replaces)
    spot = _spot_of(target)
    if spot is None:
        return Claim(target.uri, None)
    try:
        return Claim(target.uri, _taken(spot, target.uri, ticket))
    except NoLocksError:
        lease = LeaseSpot(*_place_of_lease(target))
        return Claim(target.uri, _taken(lease, target.uri, ticket))


def _taken(spot: Spot, uri: str, ticket: Ticket) -> Use:
    watch = Watch(spot)
    while True:
        hold = spot.attempt(ticket)
        if hold is not None:
            with GUARD:
                use = USES[ticket.token] = Use(spot, ticket, hold)
            use.is_again = hold.is_again
            return use
        other = spot.read()
        if other.token == ticket.token:
            return _shared(spot, uri, ticket)
        if watch.is_alive(other):
            raise _locked(uri, other)


def _shared(spot: Spot, uri: str, ticket: Ticket) -> Use:
    """Take part in a write that has been begun already."""
    with GUARD:
        use = USES.get(ticket.token)
        if use is None:
            use = USES[ticket.token] = Use(spot, ticket, None)
    if use.running:
        raise _locked(uri, use.ticket)
    use.join()
    use.is_again = True
    return use


def _locked(uri: str, other: Ticket) -> LockedError:
    return LockedError(
        f"{uri} is being written by {other}: wait until that is complete, or write to "
        "another place. Nothing was written"
    )


def _spot_of(target: Target) -> Spot | None:
    """Where the claim of a target is."""
    store: Any = innermost(target.store)
    if isinstance(store, OneFile):
        return FileSpot(_beside(Path(os.path.realpath(store.path))))
    if isinstance(store, LocalStore):
        return FileSpot(Path(store.root, target.path).resolve() / CLAIM)
    if isinstance(store, MemoryStore):
        return MemorySpot(store._store_dict, target.path)
    if Reach.from_here(target).process is None:
        return LeaseSpot(*_place_of_lease(target))
    if hasattr(store, "fs"):
        # All filesystems of that kind share what they hold.
        return MemorySpot("fsspec", join(store.path.strip("/"), target.path))
    return MemorySpot(getattr(store, "store", store), target.path)


def _beside(file: Path) -> Path:
    """Where the claim of one file is, which can hold none."""
    name = f"{CLAIM}.{file.name}"
    if len(os.fsencode(name)) > _LONGEST:
        name = f"{CLAIM}.{hashlib.sha256(os.fsencode(file.name)).hexdigest()}"
    return file.with_name(name)


def _place_of_lease(target: Target) -> tuple[Target, str]:
    return target, join(target.path, CLAIM)
