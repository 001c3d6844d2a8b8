"""Two folders trade places: at once where the system can, else in two steps.

Whoever is interrupted between the two steps leaves nothing at the place itself, and
what stood there under one known name beside it, where the next who looks finds it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import secrets
import shutil
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

from xarray_omezarr.errors import warn

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_HERE = -100  # AT_FDCWD
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux, and RENAME_SWAP of macOS
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)

# In the names of folders that nobody else makes; the first is of what is written.
_WORDS = ("", "upgrade.", "replacing.")
_END = ".partial"
# The name of what stood there is known, so that one look tells whether it is there.
_KNOWN = "00000000"
_HEX = frozenset("0123456789abcdef")
# Bytes that names of files may have everywhere.
_LONGEST = 255
# Seconds in which two renames of somebody who is alive are done.
_PATIENCE = 5.0


def beside(folder: Path, word: str = "upgrade.", token: str = "") -> Path:
    """A hidden place beside a folder, for what will take its place.

    The same one for the same `token`, which are digits as `secrets.token_hex` gives.
    """
    digits = token[:8] or secrets.token_hex(4)
    return folder.with_name(f".{folder.name}.{word}{digits}{_END}")


def mark_of(folder: Path) -> Path:
    """The file that tells writers that a folder is about to be replaced."""
    name = f".{folder.name}.replacing.{_KNOWN}{_END}"
    if len(os.fsencode(name)) > _LONGEST:
        # What nobody can replace may still be written to, or upgraded in place.
        told = hashlib.sha256(os.fsencode(folder.name)).hexdigest()
        name = f".{told}.replacing.{_KNOWN}{_END}"
    return folder.with_name(name)


def exchange(new: Path, current: Path) -> None:
    """Put `new` in the place of `current`, and `current` in the place of `new`.

    All of `new` should be on the disk before; that they traded places is on the disk
    when this returns, so that the old one can be removed.
    """
    if not _at_once(new, current):
        aside = _aside(current)
        os.rename(current, aside)
        try:
            os.rename(new, current)
        except BaseException:
            os.rename(aside, current)
            raise
        os.rename(aside, new)
    sync_folder(current.parent)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old.{_KNOWN}{_END}")


def _at_once(first: Path, second: Path) -> bool:
    """Let two folders trade places in one step; False where nobody can."""
    rename = _system_call()
    if rename is None:
        return False
    if rename(os.fsencode(first), os.fsencode(second)) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), str(second))


def _system_call() -> Callable[[bytes, bytes], int] | None:
    try:
        system = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            swap = system.renamex_np
            return lambda a, b: int(swap(a, b, ctypes.c_uint(_EXCHANGE)))
        rename = system.renameat2
    except (AttributeError, OSError, TypeError):
        return None
    return lambda a, b: int(rename(_HERE, a, _HERE, b, ctypes.c_uint(_EXCHANGE)))


def restored(folder: Path) -> bool:
    """Whether something stands at a place after all where nothing did just now.

    What stood there before an exchange that was interrupted is put back. Of one that
    is under way, the end is waited for: it is two renames.
    """
    aside, ends = _aside(folder), time.monotonic() + _PATIENCE
    # What is gone meanwhile, others have put back; what must not be changed stays.
    with contextlib.suppress(OSError):
        while time.monotonic() < ends:
            with trial(aside) as is_free:
                if is_free and not os.path.lexists(folder):
                    os.rename(aside, folder)
                if is_free:
                    break
            time.sleep(0.002)
    return os.path.lexists(folder)


def settle(folder: Path) -> None:
    """Put right what an interrupted exchange left, and remove what nobody works on."""
    left = sorted(_left(folder))
    start = f".{folder.name}.old."
    # Those that stood there come first: the place must not be found free.
    for path in sorted(left, key=lambda path: not path.name.startswith(start)):
        # What is gone, others have put right in the same moment.
        with contextlib.suppress(FileNotFoundError), trial(path) as is_free:
            if is_free and path.name.startswith(start) and not folder.exists():
                # Between the two steps: the old one is whole.
                os.rename(path, folder)
            elif is_free:
                remove(path)


def _left(folder: Path) -> Iterator[Path]:
    starts = [f".{folder.name}.{word}" for word in (*_WORDS, "old.")]
    with contextlib.suppress(OSError), os.scandir(folder.parent) as entries:
        for entry in entries:
            name = entry.name
            if not name.endswith(_END):
                continue
            tokens = [name[len(s) : -len(_END)] for s in starts if name.startswith(s)]
            if any(len(t) == 8 and not set(t) - _HEX for t in tokens):
                yield folder.with_name(name)


def remove(folder: Path) -> None:
    """Remove a hidden folder; one that cannot be is no failure of what was done."""
    try:
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink()
            return
        with contextlib.suppress(PermissionError):
            shutil.rmtree(folder)
            return
        # What was in folders that must not be changed is needed no more than the rest.
        for above, names, _ in os.walk(folder):
            for place in (Path(above, name) for name in names):
                if not place.is_symlink() and place.stat().st_mode & 0o700 != 0o700:
                    place.chmod(0o700)
        shutil.rmtree(folder)
    except OSError as error:
        warn(f"What is not needed any more is still at {folder}, delete it: {error}")


def remove_all(folder: Path, but: str = "/") -> None:
    """Remove what is in a folder, or in the one that a link leads to, and not that.

    Names that begin with `but` stay.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(but):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk, where the system has a way to."""
    # Windows opens no folders, and some file systems sync none.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sync_all(folder: Path) -> None:
    """Put everything in a folder on the disk, with what else waits for that disk.

    File by file would take minutes for a plate.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            handle = os.open(folder, os.O_RDONLY)
            try:
                if ctypes.CDLL(None, use_errno=True).syncfs(handle) == 0:
                    return
            finally:
                os.close(handle)
        os.sync()
        return
    # Elsewhere `sync` returns before all is written.
    for above, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(above, name), "rb+") as stream:
                os.fsync(stream.fileno())
        sync_folder(Path(above))


@contextlib.contextmanager
def trial(folder: Path) -> Iterator[bool]:
    """Whether nobody holds the lock of a folder; if so, it is held inside.

    Where there are no such locks nobody can know, and nobody is said to.
    """
    if fcntl is None:
        if not os.path.lexists(folder):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)
        yield True
        return
    # A pipe of that name would keep whoever opens it waiting.
    handle = os.open(folder, os.O_RDONLY | os.O_NONBLOCK)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:
            yield True
            return
        try:
            yield True
        finally:
            # Closing is not enough: a process that was forked meanwhile has it, too.
            fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)


class Hold:
    """A new folder that others can tell from one whose writer was killed.

    Until it is released, or forgotten, it is locked. It holds nothing in other
    processes that it is sent to.

    Parameters
    ----------
    folder : pathlib.Path, optional
        Is made; None holds nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        handle = None if folder is None else _made_and_locked(folder)
        self._end = weakref.finalize(self, _let_go, handle, os.getpid())

    def release(self) -> None:
        """Let go of it."""
        self._end()

    def __reduce__(self) -> tuple[type[Hold], tuple[()]]:
        return Hold, ()


def _made_and_locked(folder: Path) -> int | None:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        if fcntl is None:
            return None
        # Before it is locked, somebody may take it for left over.
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(folder, os.O_RDONLY)
            try:
                # Shared: a task that is run again on another worker has it, too.
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                if os.path.samestat(os.stat(folder), os.fstat(handle)):
                    return handle
            except FileNotFoundError:
                pass
            except BlockingIOError:
                time.sleep(0.002)
            except OSError:
                # No such locks here.
                return handle
            os.close(handle)


def _let_go(handle: int | None, process: int) -> None:
    if handle is None:
        return
    # A process that was forked has the file, and not the right to unlock it.
    if os.getpid() == process:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)
