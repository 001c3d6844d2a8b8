"""Two folders trade places: at once where the system can, else in two steps.

Whoever is interrupted between the two steps leaves nothing at the place itself, so
that what stood there is looked for beside it the next time.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import shutil
import sys
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


def beside(folder: Path) -> Path:
    """A hidden place beside a folder, for what will take its place."""
    return folder.with_name(f".{folder.name}.upgrade.{secrets.token_hex(4)}.partial")


def exchange(new: Path, current: Path) -> None:
    """Put `new` in the place of `current`, and `current` in the place of `new`."""
    if _at_once(new, current):
        return
    aside = current.with_name(f".{current.name}.old.{secrets.token_hex(4)}.partial")
    os.rename(current, aside)
    try:
        os.rename(new, current)
    except BaseException:
        os.rename(aside, current)
        raise
    os.rename(aside, new)


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


def settle(folder: Path) -> None:
    """Put right what an interrupted exchange left, and remove what nobody works on."""
    made = sorted(_left(folder, "upgrade"))
    # What is gone, others have put right in the same moment.
    for left in sorted(_left(folder, "old")):
        with contextlib.suppress(FileNotFoundError), trial(left) as is_free:
            if is_free and not folder.exists():
                # Between the two steps: the old one is whole.
                os.rename(left, folder)
            elif is_free:
                remove(left)
    for left in made:
        with contextlib.suppress(FileNotFoundError), trial(left) as is_free:
            if is_free:
                remove(left)


def _left(folder: Path, word: str) -> Iterator[Path]:
    start, end = f".{folder.name}.{word}.", ".partial"
    with contextlib.suppress(OSError), os.scandir(folder.parent) as entries:
        for entry in entries:
            name = entry.name
            if (
                name.startswith(start)
                and name.endswith(end)
                and len(name) == len(start + end) + 8
            ):
                yield folder.with_name(name)


def remove(folder: Path) -> None:
    """Remove a hidden folder; one that cannot be is no failure of what was done."""
    try:
        # What was in folders that must not be changed is needed no more than the rest.
        for above, names, _ in os.walk(folder):
            for place in (Path(above, name) for name in names):
                if not place.is_symlink() and place.stat().st_mode & 0o700 != 0o700:
                    place.chmod(0o700)
        shutil.rmtree(folder)
    except OSError as error:
        warn(f"What is not needed any more is still at {folder}, delete it: {error}")


@contextlib.contextmanager
def trial(folder: Path) -> Iterator[bool]:
    """Whether nobody holds the lock of a folder; if so, it is held inside.

    Where there are no such locks nobody can know, and nobody is said to.
    """
    if fcntl is None:
        yield True
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:
            yield True
            return
        yield True
    finally:
        os.close(handle)
