"""What is never removed, and links that nothing is written through."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zarr.storage import LocalStore

from xarray_omezarr.errors import OptionError, TargetExistsError
from xarray_omezarr.hierarchy import join

if TYPE_CHECKING:
    from xarray_omezarr.store.boxes import Box
    from xarray_omezarr.store.target import Target

_MOUNTS = Path("/proc/self/mountinfo")


def refuse_protected(folder: Path) -> None:
    """Raise if a folder is one that people stand on, and must not be replaced.

    Parameters
    ----------
    folder : pathlib.Path
        Which would be replaced, or removed with what is in it.

    Raises
    ------
    TargetExistsError
        If the current directory, the home of the user, or another disk is the folder
        or lies in it.
    """
    real = Path(os.path.realpath(folder))
    for what, place in _stood_on():
        if place == real or real in place.parents:
            where = "is" if place == real else "lies in"
            raise TargetExistsError(
                f"{what} {place} {where} {real}, which would be replaced, or removed, "
                "as a whole; choose another path, or another current directory"
            )
    if os.path.ismount(real):
        raise TargetExistsError(
            f"{real} is the root of a disk, which is never replaced or removed; choose "
            "a path in it, or group="
        )


def _stood_on() -> Iterator[tuple[str, Path]]:
    try:
        yield "The current directory", Path(os.path.realpath(os.getcwd()))
    except OSError:
        # It may be gone.
        pass
    try:
        yield "The home", Path(os.path.realpath(Path.home()))
    except RuntimeError:
        # There are users without one.
        pass
    try:
        mounts = _MOUNTS.read_text(errors="surrogateescape")
    except OSError:
        return
    for line in mounts.splitlines():
        place = line.split(" ")[4]
        for code, letter in ((r"\040", " "), (r"\011", "\t"), (r"\134", "\\")):
            place = place.replace(code, letter)
        yield "The root of a disk", Path(place)


def refuse_links(target: Target, keys: Iterable[str] = ()) -> None:
    """Raise if writing at a target would leave its store through a symbolic link.

    The folder of the store itself may be a link, and links to what is in the store
    lead nowhere else.

    Parameters
    ----------
    target : Target
        Where is written; nothing is looked at but on local disks.
    keys : iterable of str
        Folders below it that are written into.

    Raises
    ------
    OptionError
        Naming the first link.
    """
    links = _links_of(target)
    if links is not None:
        for key in ("", *keys):
            links.check(join(target.path, key))


def refuse_linked_chunks(target: Target, path: str, array: Any, box: Box) -> None:
    """Raise if pixels in a box of an array would be written outside of its store.

    Parameters
    ----------
    target : Target
        Where the image is.
    path : str
        Of the array, below it.
    array : zarr.Array
        What is stored.
    box : tuple of slice
        What is written.

    Raises
    ------
    OptionError
        Naming the first link.
    """
    links = _links_of(target)
    if links is None:
        return
    key = join(target.path, path)
    unit = array.shards or array.chunks
    parts = array.metadata.encode_chunk_key((0,) * len(unit)).split("/")
    if len(parts) < len(unit) or not links.check(key):
        # All chunks are files in the folder of the array.
        return
    ranges = [
        range(side.start // n, -(-side.stop // n))
        for side, n in zip(box, unit, strict=True)
    ]
    for part in parts[: len(parts) - len(unit)]:
        key = join(key, part)
        if not links.check(key):
            return
    links.check_below(key, ranges[:-1])


def _links_of(target: Target) -> _Links | None:
    if target.directory is None or not isinstance(target.store, LocalStore):
        return None
    depth = len(target.path.split("/")) if target.path else 0
    folder = target.directory
    return _Links(str(folder.parents[depth - 1] if depth else folder))


class _Links:
    """Looks for links below the root of a store, each folder once."""

    def __init__(self, root: str) -> None:
        self._root, self._real = root, os.path.realpath(root)
        self._known = {"": True}

    def check(self, key: str) -> bool:
        """Whether a folder is there."""
        if key not in self._known:
            above = key.rpartition("/")[0]
            self._known[key] = self.check(above) and self._is_there(key)
        return self._known[key]

    def check_below(self, key: str, ranges: list[range]) -> None:
        """Folders of chunks; there may be more than one wants to remember."""
        if not ranges:
            return
        for index in ranges[0]:
            below = f"{key}/{index}"
            if self._is_there(below):
                self.check_below(below, ranges[1:])

    def _is_there(self, key: str) -> bool:
        place = f"{self._root}/{key}"
        try:
            mode = os.lstat(place).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
        if stat.S_ISLNK(mode):
            real = os.path.realpath(place)
            if os.path.commonpath([real, self._real]) != self._real:
                raise OptionError(
                    f"{place} is a symbolic link to {real}, outside of the store, "
                    "where nothing is written or removed; write to that place itself, "
                    "or replace the link by a folder"
                )
        return True
