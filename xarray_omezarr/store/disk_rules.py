"""What a disk does not allow, told before the first byte: names, lengths, rights."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from xarray_omezarr.errors import (
    NotWritableError,
    OptionError,
    TargetExistsError,
    some,
    warn,
)
from xarray_omezarr.ngff.plate import Plate
from xarray_omezarr.store.exchange import beside
from xarray_omezarr.store.zip_target import OneFile

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import ArrayNode, Hierarchy
    from xarray_omezarr.store.place import Place
    from xarray_omezarr.store.target import Target

# A stored object is a file of another name until it is whole: so much longer.
_PARTIAL = len(f".{'0' * 32}.partial")

# Where the system does not say: nearly all disks, and Linux.
_LONGEST = {"PC_NAME_MAX": 255, "PC_PATH_MAX": 4096}

# Names that Windows keeps for devices, whatever comes behind a dot, and signs that it
# allows in no name.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_SIGN = re.compile(r'[<>:"\\|?*\x00-\x1f]|[. ]$')

# Entries of a folder that are tried to find out whether it ignores case.
_TRIED = 8

# In the longest of the names beside what is replaced.
_WORD = "replacing."

_SHOWN = 5


def check_names(target: Target, hierarchy: Hierarchy) -> None:
    """Raise for names that a disk does not hold or would mix up; warn of others.

    Raises
    ------
    OptionError
        For names or paths that are too long, names that the disk takes for one, or
        that the system does not allow.
    """
    if isinstance(target.store, OneFile):
        check_path(target)
    elif target.directory is not None:
        _check_lengths(target.directory, target.uri, hierarchy.arrays.items())
        _check_alike_beside(target)
    _check_names(target, hierarchy)


def check_path(target: Target) -> None:
    """Raise for a place whose names are too long for its disk.

    Raises
    ------
    OptionError
        Saying which.
    """
    if isinstance(target.store, OneFile):
        file = target.store.path
        _check_lengths(file, target.uri, ())
        # It is made beside, under such a name.
        _check_beside(file.with_name(f".{file.name}.{'0' * 8}.partial"), target.uri)
    elif target.directory is not None:
        _check_lengths(target.directory, target.uri, ())


def check_rights(place: Place, hierarchy: Hierarchy) -> None:
    """Raise if nothing may be written at a place on a disk.

    Raises
    ------
    NotWritableError
        Saying which folder is in the way.
    TargetExistsError
        If a file is where a folder would have to be.
    OptionError
        If names are too long for the hidden folder that is written first.
    """
    target, folder = place.final, place.working.directory
    if isinstance(target.store, OneFile):
        refuse_unwritable([target.store.path.parent], target.uri)
    if folder is None:
        return
    if place.is_beside:
        mark = folder if target.directory is None else beside(target.directory, _WORD)
        _check_beside(max(folder, mark, key=lambda each: len(each.name)), target.uri)
        _check_lengths(folder, target.uri, hierarchy.arrays.items())
    above = [group for group in _groups_above(target) if group.exists()]
    # What is replaced is locked by a file in it.
    here = [] if target.directory is None else [target.directory]
    refuse_unwritable([folder, *here, *above], target.uri)


def refuse_unwritable(folders: Iterable[Path], shown: str) -> None:
    """Raise if something in the way of folders is none, or must not be written to.

    Parameters
    ----------
    folders : iterable of pathlib.Path
        Those that are not there would be made in the nearest one that is.
    shown : str
        Where the write goes, for messages.

    Raises
    ------
    TargetExistsError
        If something is no folder.
    NotWritableError
        If one must not be written to.
    """
    for there in dict.fromkeys(_nearest(folder) for folder in folders):
        if not there.is_dir():
            raise TargetExistsError(
                f"{there} is no folder, so nothing can be written at {shown}; move it, "
                "or choose another place"
            )
        if not _may_write(there):
            why = "is on a disk that is read-only" if _is_read_only(there) else ""
            raise NotWritableError(
                f"{there} {why or 'must not be written to'}, so nothing can be "
                f"written at {shown}; nothing was changed. Give yourself the right to, "
                "or choose another place"
            )


def ignores_case(folder: Path) -> bool:
    """Whether names in a folder that exists are found whatever their case."""
    with os.scandir(folder) as entries:
        names = [entry.name for _, entry in zip(range(_TRIED), entries, strict=False)]
    places = [folder / name for name in names]
    for there in (*places, folder, *folder.parents):
        other = there.name.swapcase()
        if other != there.name and other.swapcase() == there.name:
            try:
                return there.with_name(other).samefile(there)
            except OSError:
                return False
    return False


def meaning(name: str) -> str:
    """What names share that some disk takes for one: case, and how accents are spelled.

    Examples
    --------
    >>> meaning("Cells") == meaning("cells"), meaning("cells") == meaning("cell")
    (True, False)
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_windows_name(name: str) -> bool:
    """Whether Windows allows a name.

    Examples
    --------
    >>> [name for name in ("nuclei", "CON", "a:b", "b.") if not is_windows_name(name)]
    ['CON', 'a:b', 'b.']
    """
    return not (_DEVICE.fullmatch(name) or _SIGN.search(name))


def _check_names(target: Target, hierarchy: Hierarchy) -> None:
    paths = [*hierarchy.groups, *hierarchy.arrays]
    names = {*target.path.split("/"), *chain.from_iterable(p.split("/") for p in paths)}
    refused = sorted(name for name in names if not is_windows_name(name))
    if refused and os.name == "nt":
        raise OptionError(
            f"Windows allows no folders called {some([*map(repr, refused)])}, which "
            f"what goes to {target} would have; rename them"
        )
    if refused:
        warn(
            f"What is written to {target} has folders called "
            f"{some([*map(repr, refused)])}, which Windows does not allow: it cannot "
            "be copied to such disks"
        )
    alike = [*_alike(paths)]
    if not alike:
        return
    shown = some([f"{one!r} and {other!r}" for one, other in alike], _SHOWN)
    if target.directory is not None and ignores_case(_nearest_folder(target.directory)):
        raise OptionError(
            f"{shown} are one and the same to the disk of {target}, so that one would "
            "overwrite the other; rename one of them"
        )
    if not isinstance(hierarchy.group("").model, Plate):
        # Plans of plates say so.
        warn(
            f"{shown} differ by case or accents alone: on disks that do not tell them "
            "apart, one overwrites the other"
        )


def _alike(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Paths of which a disk that ignores case would make one."""
    seen: dict[str, str] = {}
    for path in sorted(paths):
        other = seen.setdefault(meaning(path), path)
        above = path.rpartition("/")[0]
        # What is below two such folders is not told again.
        if other != path and above == other.rpartition("/")[0]:
            yield other, path


def _check_alike_beside(target: Target) -> None:
    """Raise if a new node would go into one of another spelling; else warn of both."""
    folder = target.directory
    for name in reversed(target.path.split("/") if target.path else []):
        if folder is None:
            return
        inner, folder = folder, folder.parent
        names = _names_in(folder)
        near = [n for n in names if n != name and meaning(n) == meaning(name)]
        if not near or name in names:
            continue
        if ignores_case(folder):
            raise OptionError(
                f"{target} would go into {near[0]!r}, which is there and is the "
                f"same as {name!r} to this disk; choose another name"
            )
        if inner == target.directory:
            # Plans say so of rows and columns.
            warn(
                f"{target} differs by case or accents alone from {near[0]!r} beside "
                "it: on disks that do not tell them apart, one overwrites the other"
            )


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _check_lengths(
    folder: Path, shown: str, arrays: Iterable[tuple[str, ArrayNode]]
) -> None:
    """Raise for names, and for paths as a whole, that the disk does not hold."""
    there = _nearest(folder)
    longest, most = (_limit(there, which) for which in _LONGEST)
    known = [(path, _key_length(node)) for path, node in arrays]
    names = {*folder.parts[len(there.parts) :]}
    names |= set(chain.from_iterable(path.split("/") for path, _ in known))
    for name in names:
        if _length(name) > longest:
            raise OptionError(
                f"A folder of what goes to {_short(shown)} would be called "
                f"{_short(name)!r}, {_length(name)} bytes, and the disk allows "
                f"{longest}; choose a shorter name"
            )
    root = _length(str(folder))
    deepest = max((_length(path) + key for path, key in known), default=0)
    if root + 1 + deepest >= most:
        raise OptionError(
            f"Paths of files at {_short(shown)} would have up to {root + 1 + deepest} "
            f"bytes, and the system allows {most - 1}; choose a place that is less "
            "deep, or shorter names"
        )


def _check_beside(hidden: Path, shown: str) -> None:
    longest = _limit(_nearest(hidden), "PC_NAME_MAX")
    if _length(hidden.name) > longest:
        raise OptionError(
            f"The name of {_short(shown)} is too long for the hidden one beside it "
            f"that is written first: that has {_length(hidden.name)} bytes, and the "
            f"disk allows {longest}. Choose a shorter name, or, where something is "
            "replaced, delete it yourself"
        )


def _key_length(node: ArrayNode) -> int:
    """The longest name of a stored object of an array, below it and in the making."""
    sides = zip(node.shape, node.layout.objects, strict=True)
    numbers = sum(1 + len(str(-(-n // unit))) for n, unit in sides)
    return len("/c") + max(numbers, len("/zarr")) + _PARTIAL


def _length(name: str) -> int:
    try:
        return len(os.fsencode(name))
    except UnicodeEncodeError:
        raise OptionError(
            f"{name!r} has signs that no name of a file can have; choose another name"
        ) from None


def _limit(folder: Path, which: str) -> int:
    try:
        return os.pathconf(folder, which)
    except (AttributeError, OSError, ValueError):
        return _LONGEST[which]


def _short(name: str, most: int = 80) -> str:
    return name if len(name) <= most else f"{name[:most]}..."


def _groups_above(target: Target) -> Iterator[Path]:
    """Folders of the groups above a target, as far as its store goes."""
    if target.directory is not None and target.path:
        yield from list(target.directory.parents)[: target.path.count("/") + 1]


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest thing above it that is there."""
    for there in (folder, *folder.parents):
        try:
            if there.exists():
                return there
        except OSError:
            # Of names that are too long nothing is there.
            continue
    return folder


def _nearest_folder(folder: Path) -> Path:
    there = _nearest(folder)
    return there if there.is_dir() else there.parent


def _may_write(folder: Path) -> bool:
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)


def _is_read_only(folder: Path) -> bool:
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except (AttributeError, OSError):
        return False
