"""Claims as files: whoever holds the lock of the file has the place.

The system lets go of the lock when the process ends, however it ends.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xarray_omezarr.errors import LockedError
from xarray_omezarr.store.claim_ticket import Ticket

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# A file that is removed again and again in the moment in which it is opened.
_TRIES = 100

# Bytes of a ticket.
_LONGEST = 2**16

# Opening must not follow a link that somebody has put there.
_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class NoLocksError(Exception):
    """The file system knows no locks of files."""


class FileHold:
    """An open file, and its lock.

    Parameters
    ----------
    path : pathlib.Path
        Of the file.
    handle : int
        Of the open file, which this owns from now on.
    is_again : bool
        Whether the same write had it before.
    made_folder : bool
        Whether the folder was made for it; then it does not stay behind empty.
    """

    def __init__(
        self, path: Path, handle: int, *, is_again: bool, made_folder: bool = False
    ) -> None:
        self._path, self._handle, self.is_again = path, handle, is_again
        self._made_folder = made_folder
        self._guard = threading.Lock()
        _HOLDS.add(self)

    @property
    def is_lost(self) -> bool:
        """Whether the file is not in its place any more."""
        return self._handle < 0 or not _is_at(self._handle, self._path)

    def release(self) -> None:
        """Remove the file, if it is still there, and let go."""
        with self._guard:
            if self._handle >= 0 and _is_at(self._handle, self._path):
                # Nobody else can have got the lock of this very file.
                self._path.unlink(missing_ok=True)
                if self._made_folder:
                    # As a rule the image is in it now.
                    with suppress(OSError):
                        self._path.parent.rmdir()
        self.drop()

    def drop(self) -> None:
        """Let go, and leave the file to tell of the write."""
        with self._guard:
            handle, self._handle = self._handle, -1
            if handle >= 0:
                # A process that was forked in this moment may have the handle too.
                fcntl.flock(handle, fcntl.LOCK_UN)
                os.close(handle)

    def forget(self) -> None:
        """Close what a process got that was forked: the lock is not its own."""
        self._guard = threading.Lock()
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


_HOLDS: weakref.WeakSet[FileHold] = weakref.WeakSet()


def _forget_all() -> None:
    for hold in list(_HOLDS):
        hold.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


@dataclass(frozen=True, slots=True)
class FileSpot:
    """Where the file of a claim is; instances travel to other processes.

    Parameters
    ----------
    path : pathlib.Path
        Of the file. The folder is made where there is none.
    """

    path: Path

    #: Seconds after which a claim that lies idle in another hand is believed to live.
    patience = 3.0
    is_dead_afterwards = False

    #: Seconds in which what was seen last is relied on.
    trust = 0.0

    def attempt(self, ticket: Ticket) -> FileHold | None:
        """Take the place, unless somebody has it.

        Raises
        ------
        NoLocksError
            Where there are no locks.
        """
        if fcntl is None:
            raise NoLocksError
        made_folder = _made(self.path.parent)
        handle = self._locked(fcntl.LOCK_EX, os.O_CREAT)
        if handle is None:
            return None
        before = Ticket.read(os.pread(handle, _LONGEST, 0))
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, ticket.content, 0)
        except OSError:
            # The disk is full: nothing is left of it, least of all in an old image.
            FileHold(
                self.path, handle, is_again=False, made_folder=made_folder
            ).release()
            raise
        if ticket.is_delayed:
            # Other processes that take part will share it.
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                # The one lock is let go of before the other is got.
                os.close(handle)
                return None
        is_again = before.token == ticket.token
        return FileHold(self.path, handle, is_again=is_again, made_folder=made_folder)

    def join(self, ticket: Ticket) -> FileHold | None:
        """Share the lock in another process that takes part in the write.

        None where the one that took the place keeps it alone.

        Raises
        ------
        LockedError
            If somebody else has taken the place.
        """
        if self.read().token != ticket.token:
            raise LockedError(f"{self.path} is of another write, or gone")
        handle = self._locked(fcntl.LOCK_SH, 0)
        if handle is None:
            return None
        if Ticket.read(os.pread(handle, _LONGEST, 0)).token != ticket.token:
            os.close(handle)
            raise LockedError(f"{self.path} is of another write")
        return FileHold(self.path, handle, is_again=True)

    def read(self) -> Ticket:
        """What the file says."""
        try:
            return Ticket.read(self.path.read_bytes())
        except FileNotFoundError:
            return Ticket("")

    def evict(self, ticket: Ticket) -> None:
        """Nothing: the lock of the dead is free."""

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    def _locked(self, kind: int, flags: int) -> int | None:
        """The file, opened and locked; None where somebody else has it locked."""
        for _ in range(_TRIES):
            try:
                handle = os.open(self.path, _FLAGS | flags, 0o666)
            except FileNotFoundError:
                if not flags:
                    return None
                # Whoever had made the folder has removed it.
                _made(self.path.parent)
                continue
            try:
                fcntl.flock(handle, kind | fcntl.LOCK_NB)
                if _is_at(handle, self.path):
                    return handle
            except BlockingIOError:
                os.close(handle)
                return None
            except OSError as error:
                os.close(handle)
                raise NoLocksError from error
            # Whoever had it has removed it before letting go of it.
            os.close(handle)
        return None


def _made(folder: Path) -> bool:
    """Whether a folder was made; else it is there."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def _is_at(handle: int, path: Path) -> bool:
    """Whether an open file is the one at a path."""
    try:
        there = os.stat(path, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return os.path.samestat(os.fstat(handle), there)
