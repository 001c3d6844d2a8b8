"""One-file hierarchies, to be looked at: opened for reading, the archive checked."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zarr.storage import ZipStore

from xarray_omezarr.errors import OptionError, TargetNotFoundError
from xarray_omezarr.ngff.paths import DOCUMENTS
from xarray_omezarr.ngff.rules.one_file import Archive, Entry, check_archive, told
from xarray_omezarr.store.target import ONE_FILE, Target, absolute, opened
from xarray_omezarr.store.zip_reading import ArchiveStore

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.finding import Finding

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


def open_zip(store: Any) -> tuple[Target, list[Finding]]:
    """The hierarchy in an archive, and what is wrong with the archive itself.

    Raises
    ------
    TargetNotFoundError
        If there is no such file.
    OptionError
        If the file is no zip archive.
    """
    path = absolute(store)
    if not path.exists():
        raise TargetNotFoundError(f"There is no file {path}")
    try:
        with zipfile.ZipFile(path) as file:
            findings = [*check_archive(_archive(path, file))]
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise OptionError(f"{path} is no zip archive: {error}") from error
    target = Target(opened(ArchiveStore(path, mode="r")), "", None, str(path))
    return target, findings


def _archive(path: Path, file: zipfile.ZipFile) -> Archive:
    """What is known of an archive.

    Raises
    ------
    ValueError
        If a document in it is much larger than any.
    """
    entries = file.infolist()
    for entry in entries:
        if entry.filename.endswith(DOCUMENTS) and entry.file_size > _LARGEST:
            words = (
                f"{entry.filename} has {entry.file_size} bytes, which is no metadata"
            )
            raise ValueError(words)
    return Archive(
        tuple(
            Entry(
                entry.filename,
                entry.header_offset,
                entry.compress_type != zipfile.ZIP_STORED,
            )
            for entry in entries
        ),
        file.comment,
        _is_zip64(path),
        path.suffix == ".ozx",
    )


def comment_version(target: Target) -> str | None:
    """The version that the comment of an archive tells, if the target is in one."""
    if not isinstance(target.store, ZipStore):
        return None
    try:
        with zipfile.ZipFile(target.store.path) as archive:
            version = told(archive.comment).get("version")
    except (OSError, zipfile.BadZipFile):
        return None
    return version if isinstance(version, str) else None


def _is_zip64(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _TAIL))
        return _END_OF_ZIP64 in file.read()
