"""Who is writing into what exists, so that nobody replaces it meanwhile.

Writers of regions share the lock of the folder of the finest level, who appends or
makes other levels has it alone, and who replaces something puts a mark beside it,
then tries all locks in it. One of the two always sees the other.
docs/design/replacing.md says more.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Container, Iterator
from pathlib import Path

from xarray_omezarr.errors import LockedError
from xarray_omezarr.store.claim import CLAIM
from xarray_omezarr.store.claim_others import refuse_claimed_folders
from xarray_omezarr.store.exchange import mark_of, trial
from xarray_omezarr.store.occupancy import LEASE

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: Seconds that one waits for what takes milliseconds.
PATIENCE = 30.0
_PAUSE = 0.005

# Folders above an array that may be what is replaced: those of the deepest plates of
# scenes, and some more.
_ABOVE = 10

_IS_ARRAY = re.compile(rb'"node_type"\s*:\s*"array"')


@contextlib.contextmanager
def writing(array: Path, *, alone: bool = False) -> Iterator[bool]:
    """Be seen as a writer by those who would replace what an array is part of.

    Parameters
    ----------
    array : pathlib.Path
        Folder of the finest level.
    alone : bool
        Whether no other writer may be there.

    Yields
    ------
    bool
        Whether it took a while, so that things may have changed since one looked.

    Raises
    ------
    LockedError
        If somebody does not come to an end with replacing it, or is writing what is
        to take its place.
    """
    if fcntl is None:
        yield False
        return
    ends, waited = time.monotonic() + PATIENCE, False
    while True:
        handle, had_to_wait = _locked(array, alone)
        waited |= had_to_wait
        if handle is not None:
            break
        if time.monotonic() > ends:
            raise LockedError(
                f"{array} is part of something that is being replaced; write again "
                "when that has ended"
            )
        time.sleep(_PAUSE)
    try:
        refuse_claimed_folders([array])
        yield waited
    finally:
        _unlock(handle)


def _locked(array: Path, alone: bool) -> tuple[int | None, bool]:
    """A locked handle, None if one must be made anew; whether that took a while."""
    handle, waited = os.open(array, os.O_RDONLY), False
    kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    try:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            fcntl.flock(handle, kind)
    except OSError:
        # Not every file system has such locks.
        return handle, waited
    with contextlib.suppress(FileNotFoundError):
        is_there = os.path.samestat(os.stat(array), os.fstat(handle))
        if is_there and not is_being_replaced(array):
            return handle, waited
    _unlock(handle)
    return None, True


def _unlock(handle: int) -> None:
    with contextlib.suppress(OSError):
        # Closing is not enough: a process that was forked meanwhile has it, too.
        fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)


def is_being_replaced(folder: Path) -> bool:
    """Whether somebody is about to replace a folder, or one that it lies in."""
    place = Path(os.path.realpath(folder))
    for above in (place, *place.parents[:_ABOVE]):
        if not above.name:
            return False
        with contextlib.suppress(OSError), trial(mark_of(above)) as is_dead:
            if not is_dead:
                return True
    return False


@contextlib.contextmanager
def replacing(
    folder: Path, doing: str = "replaced", *, is_claimed: bool = False
) -> Iterator[None]:
    """Keep writers out of a folder that is about to be replaced.

    Parameters
    ----------
    folder : pathlib.Path
        No link.
    doing : str
        What happens to it, for messages.
    is_claimed : bool
        Whether the claim in its root is that of the caller.

    Raises
    ------
    LockedError
        If somebody is writing there, or replacing it.
    """
    if fcntl is None:
        yield
        return
    with _mark(folder, doing), _root(folder, doing):
        refuse_claimed_folders([folder.parent], new_too=True)
        refuse_writers(folder, doing, is_claimed=is_claimed)
        yield


def refuse_writers(folder: Path, doing: str = "replaced", *, is_claimed: bool) -> None:
    """Raise if somebody is writing into a folder; parameters as of `replacing`.

    Raises
    ------
    LockedError
        Naming what is written.
    """
    for busy in _busy(folder, CLAIM if is_claimed else ""):
        raise LockedError(
            f"{busy} is being written by somebody else, so that {folder} cannot be "
            f"{doing}; nothing has changed, do it when that has ended"
        )


@contextlib.contextmanager
def _mark(folder: Path, doing: str) -> Iterator[None]:
    mark, ends = mark_of(folder), time.monotonic() + PATIENCE
    while True:
        handle = os.open(mark, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            if time.monotonic() > ends:
                raise _held(folder, doing) from None
            time.sleep(_PAUSE)
            continue
        except OSError:
            # No such locks: nobody would see it.
            break
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(mark), os.fstat(handle)):
                break
        os.close(handle)
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)
        _unlock(handle)


@contextlib.contextmanager
def _root(folder: Path, doing: str) -> Iterator[None]:
    """The lock under which metadata are revised, and pixels that several share."""
    ends = time.monotonic() + PATIENCE
    while True:
        with trial(folder) as is_free:
            if is_free:
                yield
                return
        # Those who list something have it for milliseconds.
        if time.monotonic() > ends:
            raise _held(folder, doing)
        time.sleep(_PAUSE)


def _held(folder: Path, doing: str) -> LockedError:
    return LockedError(
        f"{folder} is being written by somebody else, so that it cannot be {doing}; "
        "nothing has changed, do it when that has ended"
    )


def _busy(folder: Path, own: str) -> Iterator[Path]:
    """Groups, arrays and claims below a folder that somebody has locked.

    The claim called `own` in the folder itself is not looked at.
    """
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        with os.scandir(here) as entries:
            found = {entry.name: entry for entry in entries}
        for name in found:
            is_own = here == folder and name == own
            if name.startswith(LEASE) and not is_own and _is_locked(here / name):
                yield here
        if here != folder and _is_locked(here):
            yield here
        if ".zarray" not in found and not _is_array(here, found):
            waiting += [
                here / name
                for name, entry in found.items()
                if entry.is_dir(follow_symlinks=False)
            ]


def _is_array(folder: Path, names: Container[str]) -> bool:
    if "zarr.json" not in names:
        return False
    document = folder / "zarr.json"
    try:
        # A pipe would keep whoever opens it waiting.
        is_file = document.is_file()
        return is_file and _IS_ARRAY.search(document.read_bytes()) is not None
    except OSError:
        return False


def _is_locked(path: Path) -> bool:
    try:
        with trial(path) as is_free:
            return not is_free
    except OSError as error:
        # What cannot be opened by us may be somebody's.
        return error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES)
