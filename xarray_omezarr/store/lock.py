"""Locks that writers of one image share: threads, processes, machines.

On local disks it is ``flock`` on the folder of the image, which needs no file and
ends with its process. Where there is no ``flock``, and on object stores, it is a
lease: a small object that only one writer at a time can create.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from xarray_omezarr.errors import LockedError, OptionError, warn
from xarray_omezarr.store.conditional import Creator, creator_of
from xarray_omezarr.store.exchange import restored
from xarray_omezarr.store.occupancy import LEASE

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: Seconds after which a lease that nobody gave back is reported.
PATIENCE = 300.0

_IN_THIS_PROCESS = threading.RLock()


class Lock(Protocol):
    """What serialises writers of one image; instances travel to other processes."""

    def held(self) -> contextlib.AbstractContextManager[None]:
        """A context in which nobody else is in such a context."""
        ...


@dataclass(frozen=True, slots=True)
class ProcessLock:
    """For stores in the memory of one process."""

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the other threads."""
        with _IN_THIS_PROCESS:
            yield


@dataclass(frozen=True, slots=True)
class FolderLock:
    """``flock`` on a folder; the system lets go of it when its process ends."""

    folder: Path

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for other threads, which open the folder themselves, and processes."""
        handle = self._locked()
        try:
            yield
        finally:
            self._unlock(handle)

    def _locked(self) -> int:
        while True:
            handle = os.open(self.folder, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                # While this waited, another folder may have taken its place.
                if os.path.samestat(os.stat(self.folder), os.fstat(handle)):
                    return handle
            except FileNotFoundError:
                # The next look waits for a moment, or tells that it is gone.
                if not restored(self.folder):
                    os.close(handle)
                    raise
            except BaseException:
                os.close(handle)
                raise
            self._unlock(handle)

    def _unlock(self, handle: int) -> None:
        # Closing is not enough: a process that was forked meanwhile has the handle too.
        fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)

    def works(self) -> bool:
        """Whether the file system has such locks on folders; network ones may not."""
        if fcntl is None:
            return False
        try:
            handle = os.open(self.folder, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(handle)
        return True


@dataclass(frozen=True, slots=True)
class Lease:
    """An object that only one writer can create, and removes when it is done.

    A writer that was killed leaves it. Nobody can know that from afar, so after
    `patience` seconds in which nothing changed, the others stop and name the object.
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
        token = self._acquire()
        try:
            yield
        except BaseException as failure:
            # It says more than what giving back may fail with, most likely the same.
            try:
                self._give_back(token)
            except Exception:
                failure.add_note(self._left())
            raise
        try:
            self._give_back(token)
        except Exception as error:
            # What was to be done is done.
            warn(f"{self._left()}: {error}")

    def _give_back(self, token: bytes) -> None:
        # Whoever lost patience may have removed it, and another created it anew.
        if self.creator.read(self.key) == token:
            self.creator.remove(self.key)

    def _left(self) -> str:
        return (
            f"The lock of {self.creator}, the object {self.key!r}, could not be "
            "removed; delete it, or other writers wait for it in vain"
        )

    def _acquire(self) -> bytes:
        token = json.dumps(
            {
                "writer": f"{socket.gethostname()}:{os.getpid()}",
                "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "token": secrets.token_hex(8),
            }
        ).encode()
        holder, patience_ends, pause = None, 0.0, 0.01
        while not self.creator.create(self.key, token):
            seen = self.creator.read(self.key)
            if seen == token:
                # It was stored, but the answer got lost, and the client asked again.
                return token
            if seen != holder:
                holder, patience_ends = seen, time.monotonic() + self.patience
            elif seen is not None and time.monotonic() > patience_ends:
                raise LockedError(
                    f"{self.creator} is locked by {seen.decode(errors='replace')}. If "
                    f"that writer is not alive any more, delete the object {self.key!r}"
                )
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 1.5, 0.5)
        return token

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


@dataclass(frozen=True, slots=True)
class NoLock:
    """For stores that can serialise nobody.

    Parameters
    ----------
    uri : str
        Of the store.
    reason : Exception, optional
        What was raised when it was tried.
    """

    uri: str
    reason: Exception | None = None

    def __reduce__(self) -> tuple[type[NoLock], tuple[str]]:
        # Whatever was raised may hold clients, which do not travel.
        return NoLock, (self.uri,)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Refuse.

        Raises
        ------
        OptionError
            Saying how to do without.
        """
        tried = ""
        if self.reason is not None:
            kind = type(self.reason).__name__
            tried = f" (a trial ended with {kind}: {self.reason})"
        raise OptionError(
            f"{self.uri} can neither lock nor create objects on condition{tried}, and "
            "this write shares stored objects with others: pixels of theirs could be "
            "lost. Write regions of whole chunks (shards) with pyramid=False, and "
            "finish with build_pyramid(store)"
        ) from self.reason
        yield


def lock_of(target: Target, array: str, process: int | None) -> Lock:
    """The lock that all writers of the image at `target` share.

    Parameters
    ----------
    target : Target
        Where the image is.
    array : str
        Path of one of its arrays, beside whose objects a lease is put.
    process : int, optional
        The only process that has the store; None where all do.
    """
    if process is not None:
        return ProcessLock()
    if target.directory is not None:
        folder = FolderLock(target.directory.resolve())
        if folder.works():
            return folder
    creator = creator_of(target)
    if creator is not None:
        lease = Lease(creator, "/".join(filter(None, (target.path, array, LEASE))))
        fault = lease.fault()
        return lease if fault is None else NoLock(target.uri, fault)
    return NoLock(target.uri)


@contextlib.contextmanager
def documents_alone(target: Target) -> Iterator[None]:
    """Keep all others on this disk from changing documents of one hierarchy.

    A plate may be opened by itself, or inside of what it is part of: the outermost
    group is locked, and then the one at hand, which others look at who replace it.
    Stores that are no folders are left to the locks that they have.
    """
    with contextlib.ExitStack() as held:
        if target.directory is not None:
            folder = target.directory.resolve()
            for each in dict.fromkeys((_outermost(folder), folder)):
                lock = FolderLock(each)
                if lock.works():
                    held.enter_context(lock.held())
        yield


def _outermost(folder: Path) -> Path:
    """The last of the groups that a folder lies in, one in the other."""
    for above in folder.parents:
        if not any((above / name).is_file() for name in ("zarr.json", ".zgroup")):
            break
        folder = above
    return folder


def check_lock(lock: Any) -> None:
    """Raise, before the first byte, if the lock cannot be held by anybody."""
    if isinstance(lock, NoLock):
        with lock.held():
            pass
