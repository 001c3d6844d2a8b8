"""One-file hierarchies, to be looked at: opened for reading, the archive checked."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

from zarr.storage import ZipStore

from xarray_omezarr.errors import OptionError, TargetNotFoundError
from xarray_omezarr.store.target import ONE_FILE, Target, opened
from xarray_omezarr.store.walk import Trouble
from xarray_omezarr.store.walk_json import parse

_DOCUMENTS = ("zarr.json", ".zattrs", ".zgroup", ".zarray")
# Documents are read whole; a small archive can hold one that is not.
_LARGEST = 1 << 28
_END_OF_ZIP64 = b"PK\x06\x07"
# A comment has 64 KiB at most, and what ends an archive stands before it.
_TAIL = (1 << 16) + 256


def is_one_file(store: Any) -> bool:
    """Whether it is the path of an archive: a local one that is no folder."""
    if not isinstance(store, str | os.PathLike):
        return False
    path = os.fspath(store)
    return (
        isinstance(path, str)
        and path.endswith(ONE_FILE)
        and "://" not in path
        and not Path(path).is_dir()
    )


def open_zip(store: Any) -> tuple[Target, list[Trouble]]:
    """The hierarchy in an archive, and what is wrong with the archive itself.

    Raises
    ------
    TargetNotFoundError
        If there is no such file.
    OptionError
        If the file is no zip archive.
    """
    path = Path(os.path.abspath(Path(store).expanduser()))
    if not path.exists():
        raise TargetNotFoundError(f"There is no file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            troubles = _troubles(path, archive)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise OptionError(f"{path} is no zip archive: {error}") from error
    target = Target(opened(ZipStore(path, mode="r")), "", None, str(path))
    return target, troubles


def _troubles(path: Path, archive: zipfile.ZipFile) -> list[Trouble]:
    entries = archive.infolist()
    found = []
    for entry in entries:
        if entry.filename.endswith(_DOCUMENTS) and entry.file_size > _LARGEST:
            words = (
                f"{entry.filename} has {entry.file_size} bytes, which is no metadata"
            )
            raise ValueError(words)
    names = [entry.filename for entry in entries]
    if repeated := len(names) - len({*names}):
        words = f"{repeated} of its entries have a name that another one has"
        found.append(_trouble(words))
    if path.suffix == ".ozx":
        found += _one_file_troubles(path, archive, names)
    return found


def _trouble(words: str, *, is_error: bool = False) -> Trouble:
    return Trouble("", words, is_error, "pack the archive again")


def _one_file_troubles(
    path: Path, archive: zipfile.ZipFile, names: list[str]
) -> list[Trouble]:
    """What the text about one-file hierarchies wants of an archive."""
    found = []
    if "zarr.json" not in names:
        words = "there is no zarr.json at the root of the archive"
        found.append(_trouble(words, is_error=True))
    compressed = [
        entry.filename
        for entry in archive.infolist()
        if entry.compress_type != zipfile.ZIP_STORED
    ]
    if compressed:
        words = (
            f"{len(compressed)} entries are compressed by zip, {compressed[0]!r} first"
        )
        found.append(_trouble(words))
    if not _is_zip64(path):
        words = "the archive is not of the form ZIP64"
        found.append(_trouble(words))
    documents = [name for name in names if name.rpartition("/")[2] == "zarr.json"]
    in_order = sorted(documents, key=lambda name: name.count("/"))
    if names[: len(documents)] != documents or documents != in_order:
        words = "zarr.json files are not first, the root's before those further down"
        found.append(_trouble(words))
    return [*found, *_comment_troubles(archive)]


def _comment_troubles(archive: zipfile.ZipFile) -> list[Trouble]:
    if not archive.comment:
        words = "the archive has no comment that tells the version of OME-Zarr"
        return [_trouble(words)]
    found = parse(archive.comment).value
    ome = found.get("ome") if isinstance(found, dict) else None
    told = ome.get("version") if isinstance(ome, dict) else None
    if isinstance(told, str):
        return []
    words = f"the comment of the archive tells no ome.version: {archive.comment[:80]!r}"
    return [_trouble(words)]


def comment_version(target: Target) -> str | None:
    """The version that the comment of an archive tells, if the target is in one."""
    if not isinstance(target.store, ZipStore):
        return None
    try:
        with zipfile.ZipFile(target.store.path) as archive:
            found = parse(archive.comment).value
    except (OSError, zipfile.BadZipFile):
        return None
    ome = found.get("ome") if isinstance(found, dict) else None
    told = ome.get("version") if isinstance(ome, dict) else None
    return told if isinstance(told, str) else None


def _is_zip64(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _TAIL))
        return _END_OF_ZIP64 in file.read()
