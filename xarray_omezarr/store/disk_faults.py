"""What is left where a disk fails in the middle of a write, told with its error.

The error of the system goes on as it is, so that nobody has to learn another: its
note says what has become of the data, and what to do.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING

from xarray_omezarr.errors import OmeZarrError
from xarray_omezarr.store.occupancy import inspect_target
from xarray_omezarr.store.sessions import session_of

if TYPE_CHECKING:
    from xarray_omezarr.store.place import Place

_FULL = "free some space, or write to another disk"
_FORBIDDEN = "give yourself the right to write there, or choose another place"

# What to do about errors of the system, by their number.
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: "free some of your quota, or write to another disk",
    errno.EFBIG: "allow larger files (ulimit -f), or choose smaller chunks or shards",
    errno.EROFS: "the disk is read-only: choose another place",
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.ENAMETOOLONG: "choose shorter names",
    errno.EIO: "the disk reports that it is failing: save what is on it",
    errno.ENOTDIR: "a file is where a folder should be: move it, or choose another "
    "place",
    errno.EMFILE: "allow more open files (ulimit -n)",
}


@contextlib.contextmanager
def told_with(left: str) -> Iterator[None]:
    """Add to errors of the system what is left.

    Parameters
    ----------
    left : str
        One sentence on the data, without a full stop.

    Examples
    --------
    >>> try:
    ...     with told_with("The image is as it was"):
    ...         raise OSError(errno.ENOSPC, "No space left on device")
    ... except OSError as error:
    ...     print(*error.__notes__)
    The image is as it was. To go on, free some space, or write to another disk.
    """
    try:
        yield
    except OSError as error:
        tell(error, left)
        raise


@contextlib.contextmanager
def told_of(place: Place) -> Iterator[None]:
    """Add to an error, also of a source, what is left of a write that is cleaned up."""
    try:
        yield
    except OmeZarrError:
        # Those say what to do.
        raise
    except Exception as error:
        with contextlib.suppress(Exception):
            # The error that is under way matters more than what can be said of it.
            if isinstance(error, OSError):
                tell(error, _left_at(place))
            elif session_of(place.final.store) is None:
                error.add_note(f"{_left_at(place)}.")
        raise


def _left_at(place: Place) -> str:
    final, found = place.final, place.found
    if place.is_beside and not found.is_free:
        hidden = place.working.directory
        kept = f"What was at {final} is there as it was"
        if hidden is None or not hidden.exists():
            return kept
        return f"{kept}, and what was to replace it is left at {hidden}: delete that"
    now = inspect_target(final)
    gone = "" if found.is_free else "What was there before is gone. "
    if now.is_unfinished:
        return (
            f"{gone}What was begun at {final} is marked as unfinished: nobody takes it "
            "for an image. The same call with resume=True goes on with what is stored, "
            "and one without begins anew"
        )
    if now.is_free:
        return f"{gone}Nothing is left of what was begun at {final}"
    return (
        f"What is at {final} is complete, and the groups above it may not list it yet: "
        "write it again with mode='w'"
    )


def tell(error: BaseException, left: str) -> None:
    """Add to an error of the system what is left; others are left alone.

    Parameters
    ----------
    error : BaseException
        What was raised.
    left : str
        One sentence on the data, without a full stop.
    """
    if not isinstance(error, OSError) or isinstance(error, OmeZarrError):
        # Those of ours say what to do.
        return
    remedy = _REMEDIES.get(error.errno or 0)
    error.add_note(f"{left}." if remedy is None else f"{left}. To go on, {remedy}.")
