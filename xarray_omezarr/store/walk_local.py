"""Files and folders of a local hierarchy, which may hold anything: pipes, loops."""

from __future__ import annotations

import errno
import os
import stat

# A plate of 100 000 wells has some 10 MB of metadata; consolidated ones a few times
# that.
_LARGEST = 1 << 28
_PIECE = 1 << 16
# A pipe would keep whoever opens it waiting.
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_NOT_THERE = (FileNotFoundError, NotADirectoryError)


def read_file(path: str) -> bytes | None | Exception:
    """The bytes of a file; None where there is none, or why it cannot be read."""
    try:
        file = os.open(path, _FLAGS)
    except (*_NOT_THERE, IsADirectoryError):
        return None
    # Names that no file can have (too long, not encodable) are those of no file.
    except ValueError:
        return None
    except OSError as error:
        return None if error.errno == errno.ENAMETOOLONG else error
    try:
        return _read(file)
    except OSError as error:
        return error
    finally:
        os.close(file)


def _read(file: int) -> bytes | None | Exception:
    told = os.fstat(file)
    if stat.S_ISDIR(told.st_mode):
        return None
    if not stat.S_ISREG(told.st_mode):
        return OSError("it is no regular file")
    if told.st_size > _LARGEST:
        return OSError(f"it has {told.st_size} bytes, which is no metadata")
    pieces = []
    while piece := os.read(file, _PIECE):
        pieces.append(piece)
    return b"".join(pieces)


def folders_in(path: str) -> list[str]:
    """Names of the folders in a folder, sorted; none where it cannot be read."""
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except (OSError, ValueError):
        return []
