"""What is left where a disk fails in the middle of a write, told with its error.

The error of the system goes on as it is, so that nobody has to learn another: its
note says what has become of the data, and what to do.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from xarray_omezarr.errors import OmeZarrError

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
