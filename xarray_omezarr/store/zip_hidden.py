"""A hidden file beside a target: written by one, then the target, or removed."""

from __future__ import annotations

import contextlib
import os
import secrets
import weakref
from pathlib import Path

from xarray_omezarr.errors import TargetExistsError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_PARTIAL = ".partial"


class HiddenFile:
    """A file that is written beside its target, and put in its place at the end.

    While it is written it is locked, so that who comes later can tell it from one
    whose writer was killed.

    Parameters
    ----------
    target : pathlib.Path
        What it becomes; the folder is made if need be.

    Attributes
    ----------
    path : pathlib.Path
        Where it is until then.
    handle : int
        Its file descriptor.
    """

    def __init__(self, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.handle = _created(target)
        # Also of a write that is given up without a word.
        self._end = weakref.finalize(
            self, _abandon, self.handle, self.path, os.getpid()
        )

    def put_in_place(self, target: Path, *, replaces: bool) -> None:
        """Make it `target`, once all of it is on the disk.

        Raises
        ------
        TargetExistsError
            If there is a target that it does not replace.
        """
        os.fsync(self.handle)
        if fcntl is None and self._end.detach():
            # Windows renames nothing that is open; there, the lock is that it is.
            os.close(self.handle)
        try:
            if replaces:
                os.replace(self.path, target)
            else:
                _rename(self.path, target)
            _sync_folder(target.parent)
        finally:
            self.path.unlink(missing_ok=True)
            self._end()

    def remove(self) -> None:
        """Remove it, and let go of it."""
        self._end()


def _created(target: Path) -> tuple[Path, int]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        name = f".{target.name}.{secrets.token_hex(4)}{_PARTIAL}"
        path = target.with_name(name)
        handle = os.open(path, flags, 0o666)
        if not _lock(handle) or _is_there(path, handle):
            return path, handle
        # Before it was locked, somebody took it for left over.
        os.close(handle)


def _lock(handle: int) -> bool:
    """Lock a file until it is closed; False where that cannot be done."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_there(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


def _abandon(handle: int, path: Path, process: int) -> None:
    os.close(handle)
    # A process that was forked has the file, and not the right to remove it.
    if os.getpid() == process:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _rename(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except FileExistsError:
        raise TargetExistsError(
            f"{target} has been made by somebody else while this was written; "
            "mode='w' replaces it, or choose another path"
        ) from None
    except (AttributeError, NotImplementedError, OSError):
        # Not every file system has links.
        if os.path.lexists(target):
            raise TargetExistsError(
                f"{target} has been made by somebody else while this was written; "
                "mode='w' replaces it, or choose another path"
            ) from None
        os.replace(path, target)


def _sync_folder(folder: Path) -> None:
    """Make a new name outlive a loss of power, where folders can be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_left_over(target: Path) -> None:
    """Remove hidden files beside `target` whose writers are not alive any more."""
    with contextlib.suppress(OSError):
        for path in target.parent.iterdir():
            middle = path.name.removeprefix(f".{target.name}.")
            token = middle.removesuffix(_PARTIAL)
            if len(middle) + len(target.name) + 2 == len(path.name) and (
                middle.endswith(_PARTIAL) and _is_token(token)
            ):
                _remove_dead(path)


def _is_token(text: str) -> bool:
    return len(text) == 8 and all(letter in "0123456789abcdef" for letter in text)


def _remove_dead(path: Path) -> None:
    if fcntl is None:
        # Windows removes no file that somebody has open.
        with contextlib.suppress(OSError):
            path.unlink()
        return
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDWR)
        try:
            if _lock(handle):
                path.unlink()
        finally:
            os.close(handle)
