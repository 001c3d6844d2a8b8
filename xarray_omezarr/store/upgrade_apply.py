"""Carry out an upgrade so that at every moment the old version opens, or the new one.

docs/design/upgrading.md says why each step is where it is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import zarr

from xarray_omezarr.errors import LockedError, OptionError
from xarray_omezarr.store.consolidated import refresh_above
from xarray_omezarr.store.exchange import beside, exchange, remove, trial
from xarray_omezarr.store.presence import replacing
from xarray_omezarr.store.replaced import replace_files

if TYPE_CHECKING:
    from xarray_omezarr.store.arrays import ZarrFormat
    from xarray_omezarr.store.target import Target
    from xarray_omezarr.store.upgrade_plan import Upgrade


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock that writers of an image share.

    Raises
    ------
    LockedError
        If somebody else has it.
    """
    with trial(folder) as is_free:
        if not is_free:
            raise LockedError(
                f"{folder} is being written by somebody else; upgrade it when that "
                "has ended"
            )
    with replacing(folder, "upgraded"):
        yield


def apply(upgrade: Upgrade, folder: Path) -> None:
    """Do what is planned; the caller holds the lock of the folder.

    Raises
    ------
    OptionError
        If the file system has no hard links, the folder beside cannot be made, or a
        folder must not be written to.
    LockedError
        If somebody wrote there meanwhile. Nothing has changed then.
    """
    try:
        if upgrade.way == "in place":
            _in_place(upgrade, folder)
        elif upgrade.way == "beside":
            _beside(upgrade, folder)
    except PermissionError as error:
        raise OptionError(
            f"{error.filename} must not be written or removed, and what is at "
            f"{folder} opens as before; give yourself the right to, or write it anew "
            "with xarray_omezarr.convert(source, store, version=...)"
        ) from error


def reopened(target: Target, zarr_format: ZarrFormat) -> zarr.Group:
    """The group at a target, from its new documents."""
    refresh_above(target)
    # What was kept of the other format is passed over, which zarr would warn of.
    return zarr.open_group(
        target.store,
        path=target.path,
        mode="r+",
        zarr_format=zarr_format,
        use_consolidated=False,
    )


def _in_place(upgrade: Upgrade, folder: Path) -> None:
    made: list[Path] = []
    try:
        for key, content in upgrade.documents.items():
            file = folder / key
            if not file.exists():
                made.append(file)
            replace_files({file: content})
    except BaseException:
        # The root's comes last: without it the others are not looked at.
        with contextlib.suppress(OSError):
            for file in reversed(made):
                file.unlink(missing_ok=True)
        raise
    for key in upgrade.removed:
        (folder / key).unlink(missing_ok=True)


def _beside(upgrade: Upgrade, folder: Path) -> None:
    new = beside(folder)
    try:
        new.mkdir()
    except OSError as error:
        raise OptionError(
            f"No folder can be made beside {folder}, where the new version is put "
            f"together: {error}. Write it anew with "
            "xarray_omezarr.convert(source, store, version=...)"
        ) from error
    # Others see by it that this is no left-over.
    with trial(new):
        try:
            left_out = {*upgrade.documents, *upgrade.removed}
            linked = _link_all(folder, new, left_out)
            _write_all(new, folder, upgrade.documents)
            _check_unchanged(folder, linked)
            _like(folder, new)
            exchange(new, folder)
        except BaseException:
            with contextlib.suppress(OSError):
                shutil.rmtree(new)
            raise
        remove(new)


def _link_all(source: Path, copy: Path, left_out: Iterable[str]) -> dict[str, int]:
    """Link every file but those left out; their inodes by path."""
    skipped = frozenset(left_out)
    inodes: dict[str, int] = {}
    for prefix, entry in _walk(source, ""):
        key = f"{prefix}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            (copy / key).mkdir()
            continue
        inodes[key] = entry.inode()
        if key in skipped:
            # Documents that are links, too: new ones are not written through them.
            continue
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), copy / key)
        else:
            _link(entry.path, f"{copy}{os.sep}{key}")
    return inodes


def _like(source: Path, copy: Path) -> None:
    """Give folders the rights and the owners of others, as far as one may.

    Only when all is in them, for some may not be written to.
    """
    keys = [
        f"{prefix}{entry.name}"
        for prefix, entry in _walk(copy, "")
        if entry.is_dir(follow_symlinks=False)
    ]
    for key in ("", *keys):
        with contextlib.suppress(OSError):
            shutil.copystat(source / key, copy / key)
            if hasattr(os, "chown"):
                told = (source / key).stat()
                os.chown(copy / key, told.st_uid, told.st_gid)


def _walk(root: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Everything below a folder, each folder before what is in it."""
    with os.scandir(root / prefix) as entries:
        found = list(entries)
    for entry in found:
        yield prefix, entry
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, f"{prefix}{entry.name}/")


def _link(source: str, copy: str) -> None:
    try:
        os.link(source, copy)
    except OSError as error:
        raise OptionError(
            f"{source} cannot get a second name ({error.strerror}), and so the files "
            "cannot be shared by the old version and the new one; write it anew with "
            "xarray_omezarr.convert(source, store, version=...)"
        ) from error


def _write_all(folder: Path, source: Path, documents: Mapping[str, bytes]) -> None:
    for key, content in documents.items():
        (folder / key).write_bytes(content)
        if (source / key).exists():
            shutil.copymode(source / key, folder / key)
    if hasattr(os, "sync"):
        # Thousands of files are on the disk before they take the place of others.
        os.sync()


def _check_unchanged(source: Path, linked: Mapping[str, int]) -> None:
    """Whether nobody wrote while the files were linked."""
    now = {
        f"{prefix}{entry.name}": entry.inode()
        for prefix, entry in _walk(source, "")
        if not entry.is_dir(follow_symlinks=False)
    }
    if now != linked:
        changed = {key for key, _ in now.items() ^ linked.items()}
        raise LockedError(
            f"{source} was written to while it was upgraded: {sorted(changed)[:5]}; "
            "upgrade it when that has ended"
        )
