"""Documents that are read one after the other, and were all there at one moment."""

from __future__ import annotations

import contextvars
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from zarr.storage import MemoryStore

from xarray_omezarr.errors import LockedError, OmeZarrError, OmeZarrWarning
from xarray_omezarr.hierarchy import join
from xarray_omezarr.ngff.paths import DOCUMENTS
from xarray_omezarr.store.copies import copies_used

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

T = TypeVar("T")
_Identity: TypeAlias = tuple[int, ...] | None

# Replacing something takes longer than reading it; so often in a row it is not done.
_ATTEMPTS = 20
_PAUSE = 0.002


@dataclass(slots=True)
class _Seen:
    """What was read: files, and the folders that they are in if that is asked for."""

    with_folders: bool
    by_name: bool
    files: dict[str, _Identity] = field(default_factory=dict)
    folders: dict[str, _Identity] = field(default_factory=dict)

    def is_current(self) -> bool:
        return all(_of_file(path) == told for path, told in self.files.items())

    def is_in_place(self) -> bool:
        """Whether what changed was revised where it is, and nothing was replaced."""
        return self.with_folders and all(
            _of_folder(path) == told for path, told in self.folders.items()
        )


_SEEN: contextvars.ContextVar[_Seen | None] = contextvars.ContextVar(
    "xarray_omezarr_seen", default=None
)


def note_folder(path: str) -> None:
    """Note which folder is at a path, before a document in it is read."""
    seen = _SEEN.get()
    if seen is not None and seen.with_folders and path not in seen.folders:
        seen.folders[path] = _of_folder(path)


def note_file(path: str, handle: int) -> None:
    """Note which file was read at a path."""
    seen = _SEEN.get()
    if seen is not None:
        told = _of_file(path) if seen.by_name else _identity(os.fstat(handle))
        seen.files[path] = told


def _identity(told: os.stat_result) -> _Identity:
    # The number of a file that is gone may be given to another one.
    return told.st_dev, told.st_ino, told.st_mtime_ns, told.st_size


def _of_file(path: str) -> _Identity:
    try:
        return _identity(os.stat(path))
    except OSError:
        return None


def _of_folder(path: str) -> _Identity:
    try:
        told = os.stat(path)
    except OSError:
        return None
    return told.st_dev, told.st_ino


def at_one_moment(target: Target, read: Callable[[], T]) -> T:
    """What `read` gives, of documents none of which was replaced while they were read.

    On local disks something else may take the place of an image between two of its
    documents; then all are read again.

    Parameters
    ----------
    target : Target
        What is opened.
    read : callable
        Opens it.

    Raises
    ------
    LockedError
        If it is replaced all the time.
    """
    if isinstance(target.store, MemoryStore):
        return _in_memory(target, read)
    if target.directory is None:
        with copies_used(target):
            return read()
    for attempt in range(_ATTEMPTS):
        # Some file systems number what is open otherwise than what has a name.
        seen = _Seen(with_folders=attempt > 0, by_name=attempt > 1)
        token = _SEEN.set(seen)
        try:
            found = read()
        except (OmeZarrError, OmeZarrWarning, OSError):
            if seen.is_current():
                raise
        else:
            # Whoever revises it all the time, such as one who appends, does so in an
            # order that readers do not mind.
            if seen.is_current() or seen.is_in_place():
                return found
        finally:
            _SEEN.reset(token)
        time.sleep(attempt * _PAUSE)
    raise LockedError(f"{target} is being replaced again and again; open it later")


def _in_memory(target: Target, read: Callable[[], T]) -> T:
    """As `at_one_moment`, where another thread may replace what is in memory."""
    held = getattr(target.store, "_store_dict", {})
    keys = [join(target.path, name) for name in DOCUMENTS]
    for _ in range(_ATTEMPTS):
        before = [held.get(key) for key in keys]

        def is_current(known: list[object] = before) -> bool:
            return all(a is held.get(k) for a, k in zip(known, keys, strict=True))

        try:
            with copies_used(target):
                found = read()
        except (OmeZarrError, OmeZarrWarning):
            if is_current():
                raise
        else:
            if is_current():
                return found
        time.sleep(_PAUSE)
    raise LockedError(f"{target} is being replaced again and again; open it later")
