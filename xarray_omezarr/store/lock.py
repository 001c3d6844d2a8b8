"""Locks that writers of one image share: threads, processes, machines.

On local disks it is ``flock`` on the folder of the image, which needs no file and
ends with its process. Where there is no ``flock``, and on object stores, it is a
lease (lease.py): a small object that only one writer at a time can create.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.conditional import creator_of
from xarray_omezarr.store.exchange import restored
from xarray_omezarr.store.lease import Lease
from xarray_omezarr.store.occupancy import LEASE

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_IN_THIS_PROCESS = threading.RLock()


class _Held(threading.local):
    """Folders that this thread has locked."""

    def __init__(self) -> None:
        self.folders: set[Path] = set()


_HELD = _Held()


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
    """``flock`` on a folder; the system lets go of it when its process ends.

    A thread that has it does not wait for itself.
    """

    folder: Path

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for other threads, which open the folder themselves, and processes."""
        if self.folder in _HELD.folders:
            yield
            return
        handle = self._locked()
        _HELD.folders.add(self.folder)
        try:
            yield
        finally:
            _HELD.folders.discard(self.folder)
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
