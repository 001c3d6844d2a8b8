"""Files that are replaced: written beside, on the disk, and only then renamed."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

# So many files and more are put on the disk together, with all that waits for it: one
# by one would take minutes for a plate.
_MANY = 64

_LEFT = re.compile(r"(.+)\.[0-9a-f]{16}\.partial")


def partial_of(file: Path, token: str) -> Path:
    """The file that is written first, beside the one that it shall replace."""
    return file.with_name(f"{file.name}.{token}.partial")


def replace_files(contents: Mapping[Path, bytes], token: str = "") -> None:
    """Give files new contents: each is at every moment the old or the new one.

    All of them are on the disk, beside, before the first is renamed, and the renames
    are on the disk when this returns. Files keep their rights. What somebody who was
    killed had written beside them goes: callers hold a lock, so that nobody else is
    about to rename it.

    Parameters
    ----------
    contents : mapping
        What shall be in each file. They are renamed in this order.
    token : str
        In the names of the files beside; a new one if empty.

    Raises
    ------
    OSError
        If one cannot be written or renamed. What was written beside is removed.
    """
    token = token or secrets.token_hex(8)
    _remove_left(contents)
    together = len(contents) >= _MANY and sys.platform == "linux"
    made: dict[Path, Path] = {}
    try:
        for file, content in contents.items():
            partial = partial_of(file, token)
            with partial.open("xb") as stream:
                made[file] = partial
                stream.write(content)
                stream.flush()
                if not together:
                    os.fsync(stream.fileno())
            with contextlib.suppress(FileNotFoundError):
                shutil.copymode(file, partial)
        if together:
            os.sync()
        for file, partial in made.items():
            os.replace(partial, file)
    finally:
        with contextlib.suppress(OSError):
            for partial in made.values():
                partial.unlink(missing_ok=True)
    if together:
        os.sync()
    else:
        _sync_folders(dict.fromkeys(file.parent for file in contents))


def _remove_left(files: Iterable[Path]) -> None:
    """Remove what was written beside files and never renamed."""
    wanted = {(os.fspath(file.parent), file.name) for file in files}
    for folder in {place for place, _ in wanted}:
        # Nothing that is left over is a reason not to write.
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                left = _LEFT.fullmatch(entry.name)
                if left is not None and (folder, left[1]) in wanted:
                    os.unlink(entry.path)


def _sync_folders(folders: Iterable[Path]) -> None:
    """Put the names in folders on the disk, where the system has a way to."""
    for folder in folders:
        # Windows opens no folders, and some file systems sync none.
        with contextlib.suppress(OSError):
            opened = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)
