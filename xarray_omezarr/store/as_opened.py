"""Whether the folder that pixels are read from is still the one that was opened."""

from __future__ import annotations

import ctypes
import itertools
import os
import struct
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias, TypeVar

from xarray_omezarr.errors import ReplacedError

T = TypeVar("T")
# Disk, number, and the nanosecond in which it was made, 0 if nobody knows: the number
# of a folder that is removed is given to the next one that is made.
_Identity: TypeAlias = tuple[int, int, int]

# Of Linux: AT_FDCWD, and which members of the answer are wanted, and where they are.
_HERE = -100
_NUMBER, _BORN = 0x100, 0x800
_ANSWER, _MASK, _INO, _BTIME, _DEV = 256, 0, 32, 80, 136

# Where folders cannot trade places at once there is none for a moment.
_ATTEMPTS, _PAUSE = 10, 0.002
# Files that are looked at: whoever was changed since shares few with what it was.
_MOST = 1000


class Opened:
    """The folder of an array, as it was when the array was opened.

    Parameters
    ----------
    folder : str
        Path of it.
    identity : tuple of int
        Of what stood there.
    """

    __slots__ = ("_folder", "_known", "_since")

    def __init__(self, folder: str, identity: _Identity) -> None:
        self._folder = folder
        self._known = identity
        self._since = time.time_ns()

    def read(self, get: Callable[[], T]) -> T:
        """What `get` reads, all of it from the folder that was opened.

        Raises
        ------
        ReplacedError
            If something else stands there now, or nothing.
        """
        while True:
            before = self._checked()
            try:
                found = get()
            except Exception:
                # What others have put there may not be readable as what was opened.
                if self._checked() == before:
                    raise
                continue
            if self._checked() == before:
                return found

    async def load(self, get: Callable[[], Awaitable[T]]) -> T:
        """As `read`, without blocking the event loop."""
        while True:
            before = self._checked()
            try:
                found = await get()
            except Exception:
                if self._checked() == before:
                    raise
                continue
            if self._checked() == before:
                return found

    def _checked(self) -> _Identity:
        """Identity of what stands there, which has the pixels that were opened."""
        for attempt in range(_ATTEMPTS):
            try:
                now = _identity(self._folder)
            except (FileNotFoundError, NotADirectoryError):
                if attempt + 1 < _ATTEMPTS:
                    time.sleep(_PAUSE)
                continue
            except OSError:
                # Whoever reads there is told the same.
                return self._known
            # Upgrades share files; they are looked for once.
            if now == self._known or self._has_old_files(now):
                self._known = now
                return now
            raise ReplacedError(
                f"{self._folder} was replaced after it was opened, and the pixels that "
                "were there cannot be read any more; open it again"
            )
        raise ReplacedError(
            f"{self._folder} is not there any more: it was removed, moved or replaced "
            "after it was opened; open it again"
        )

    def _has_old_files(self, now: _Identity) -> bool:
        """Whether files are older than the folder, and than the moment of opening.

        An upgrade puts links to the old files into new folders. Where nobody knows
        when a folder was made, the times at which files were written must do.
        """
        born = now[2] or self._since
        latest = min(born, self._since)
        try:
            files = itertools.islice(_files(self._folder), _MOST)
            return any(_time_of(file) < latest for file in files)
        except OSError:
            return False


def opened(folder: str) -> Opened | None:
    """The folder of an array that is being opened; None if there is none."""
    try:
        return Opened(folder, _identity(folder))
    except OSError:
        return None


def _files(folder: str) -> Iterator[str]:
    for above, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(above, name)


def _time_of(path: str) -> int:
    """Nanosecond in which a file was made, or else was written."""
    return _identity(path)[2] or os.stat(path).st_mtime_ns


def _by_python(path: str) -> _Identity:
    told: Any = os.stat(path)
    # Of macOS, and of Windows.
    return told.st_dev, told.st_ino, int(getattr(told, "st_birthtime", 0) * 10**9)


def _by_linux() -> Callable[[str], _Identity] | None:
    """As `_by_python`, with the time that Python does not tell of."""
    try:
        statx = ctypes.CDLL(None, use_errno=True).statx
    except (AttributeError, OSError, TypeError):
        return None

    def identity(path: str) -> _Identity:
        answer = ctypes.create_string_buffer(_ANSWER)
        if statx(_HERE, os.fsencode(path), 0, _NUMBER | _BORN, answer) != 0:
            # Sandboxes forbid it; otherwise this fails likewise.
            return _by_python(path)
        (mask,) = struct.unpack_from("I", answer, _MASK)
        (number,) = struct.unpack_from("Q", answer, _INO)
        seconds, rest = struct.unpack_from("qI", answer, _BTIME)
        device = os.makedev(*struct.unpack_from("II", answer, _DEV))
        return device, number, seconds * 10**9 + rest if mask & _BORN else 0

    return identity


_identity = (_by_linux() if sys.platform == "linux" else None) or _by_python
