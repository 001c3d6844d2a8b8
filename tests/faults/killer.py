"""Ends this process, and those it works with, right before a change of the disk.

Every change counts, whichever thread or process makes it: the count is the size of a
file that each appends a byte to. A process group that was told to die at the n-th
change dies there, without a chance to clean up.
"""

from __future__ import annotations

import builtins
import io
import os
import signal
import sys
from pathlib import Path
from typing import Any

# What Python tells of before it happens. The exchange of two folders is made by a
# function of the C library; that it is looked up comes right before.
_CHANGES = frozenset(
    f"os.{name}"
    for name in "chmod link mkdir remove rename rmdir symlink truncate unlink".split()
)
_EXCHANGES = ("renameat2", "renamex_np")
_WRITING = os.O_WRONLY | os.O_RDWR

_open = io.open
_pwrite = getattr(os, "pwrite", None)


class Killer:
    """Counts the changes of a process group, and ends it at one of them.

    Parameters
    ----------
    folder : Path
        Changes in here count; those elsewhere are nobody's business.
    ledger : Path
        The file that counts.
    last : int
        Before which change the group dies; 0 lets it live.
    """

    def __init__(self, folder: Path, ledger: Path, last: int) -> None:
        self.folder, self.last = os.fsencode(folder), last
        self.ledger = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def install(self) -> None:
        """From here on all changes count."""
        sys.addaudithook(self._hook)
        io.open = self._opened  # type: ignore[assignment]
        builtins.open = self._opened  # type: ignore[assignment]
        if _pwrite is not None:
            os.pwrite = self._pwritten

    def is_last(self) -> bool:
        """Count a change; whether it is the one that shall not be survived."""
        os.write(self.ledger, b".")
        # Others may have counted in between: a change too late rather than never.
        return 0 < self.last <= os.lseek(self.ledger, 0, os.SEEK_CUR)

    def change(self) -> None:
        """Count a change, or die before it."""
        if self.is_last():
            die()

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _CHANGES:
            # Removing a tree names files by their folder's handle, not by their path.
            if isinstance(args[0], int) or self._is_ours(args[0]):
                self.change()
        elif event == "open":
            path, _, flags = args
            writes = isinstance(flags, int) and flags & _WRITING
            if writes and not isinstance(path, int) and self._is_ours(path):
                self.change()
        elif event == "ctypes.dlsym" and args[1] in _EXCHANGES:
            self.change()

    def _pwritten(self, handle: int, data: Any, offset: int, /) -> int:
        """Write into the middle of a file, or write half and die."""
        assert _pwrite is not None
        if self.is_last():
            view = memoryview(data).cast("B")
            _pwrite(handle, view[: len(view) // 2], offset)
            die()
        written: int = _pwrite(handle, data, offset)
        return written

    def _is_ours(self, path: Any) -> bool:
        path = os.fsencode(path)
        return not os.path.isabs(path) or path.startswith(self.folder)

    def _opened(
        self, file: Any, mode: str = "r", buffering: int = -1, *args: Any, **more: Any
    ) -> Any:
        """Open a file; where it is written in binary, so that half of it may be."""
        is_binary = "b" in mode and any(letter in mode for letter in "wxa+")
        if not is_binary or isinstance(file, int) or not self._is_ours(os.fspath(file)):
            return _open(file, mode, buffering, *args, **more)
        raw = Torn(file, mode.replace("b", ""), self)
        if buffering == 0:
            return raw
        return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)


class Torn(io.FileIO):
    """A file whose writer may die when half of something is in it."""

    def __init__(self, file: Any, mode: str, killer: Killer) -> None:
        super().__init__(file, mode)
        self.killer = killer

    def write(self, data: Any, /) -> int:
        """Write, or write half and die."""
        if self.killer.is_last():
            view = memoryview(data).cast("B")
            super().write(view[: len(view) // 2])
            die()
        return super().write(data)


def die() -> None:
    """End the process group here and now."""
    os.killpg(os.getpgrp(), signal.SIGKILL)
    # Signals to others may be quicker than the one to oneself.
    signal.pause()
