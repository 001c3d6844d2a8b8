"""What lies in the leftover of an interrupted write, and is none of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from xarray_omezarr.store.occupancy import METADATA, is_litter

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

_TEXT = "METADATA.ome.xml"
# So many are enough to refuse.
_MOST = 100


def strangers_in(target: Target) -> tuple[str, ...]:
    """Paths of what no write of this package has put below an unfinished group.

    A group that says of itself that it is unfinished is removed by the next write.
    Whoever has put files of his own into it, or was handed such a group with them,
    keeps them. Arrays are not looked into. Folders of a local disk are, others hold
    nothing but objects.
    """
    if target.directory is None:
        return ()
    found: list[str] = []
    for path in _strangers(target.directory):
        found.append(path.relative_to(target.directory).as_posix())
        if len(found) == _MOST:
            break
    return tuple(sorted(found))


def _strangers(folder: Path) -> Iterator[Path]:
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.name in METADATA or is_litter(entry.name):
                    continue
                if not entry.is_dir(follow_symlinks=False):
                    if entry.name != _TEXT:
                        yield path
                elif not _is_array(path):
                    waiting.append(path)


def _is_array(folder: Path) -> bool:
    if (folder / ".zarray").is_file():
        return True
    document = folder / "zarr.json"
    try:
        # A pipe would keep whoever opens it waiting.
        told = json.loads(document.read_bytes()) if document.is_file() else {}
        return bool(told["node_type"] == "array")
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False
