"""Where a store is: paths, URLs and store objects become one `Target`."""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

import zarr
from zarr.abc.store import Store
from zarr.core.sync import sync
from zarr.storage import LocalStore, StorePath, ZipStore

from xarray_omezarr.errors import (
    MissingDependencyError,
    OptionError,
    TargetNotFoundError,
)
from xarray_omezarr.store.exchange import restored
from xarray_omezarr.store.sessions import said
from xarray_omezarr.store.steady import steady
from xarray_omezarr.store.zip_reading import ArchiveStore
from xarray_omezarr.store.zip_remote import ZipInside
from xarray_omezarr.store.zip_target import OneFile

Group: TypeAlias = zarr.Group
StoreLike: TypeAlias = str | os.PathLike[str] | Store | zarr.Group | StorePath | Any

# Endings that say "this is an image" and are not part of its name.
_SUFFIXES = (".ome.zarr", ".zarr")
#: Endings of archives that hold a whole store; of the last one they are written, too.
ONE_FILE = (".zip", ".ozx")


@dataclass(frozen=True, slots=True)
class Target:
    """A place inside a store.

    Parameters
    ----------
    store : zarr.abc.store.Store
        The store.
    path : str
        Path of the node inside it; empty for its root.
    directory : pathlib.Path, optional
        Folder of the node, where the store is a folder of a local disk.
    uri : str
        The place as people would write it.
    """

    store: Store
    path: str
    directory: Path | None
    uri: str

    @property
    def stem(self) -> str | None:
        """Last part of the place without its endings, to name an image by.

        None for the root of a store that has no name, such as one in memory.
        """
        folder = None if self.directory is None else self.directory.name
        named = self.path or folder or str(getattr(self.store, "path", ""))
        last = named.rstrip("/").rsplit("/", 1)[-1].removesuffix(ONE_FILE[-1])
        for suffix in _SUFFIXES:
            last = last.removesuffix(suffix)
        return last or None

    def child(self, path: str) -> Target:
        """The place further down."""
        path = _checked_path(path)
        if not path:
            return self
        return Target(
            store=self.store,
            path=f"{self.path}/{path}" if self.path else path,
            directory=None if self.directory is None else self.directory / path,
            uri=f"{self.uri.rstrip('/')}/{path}",
        )

    def __str__(self) -> str:
        return self.uri


def open_target(
    store: StoreLike,
    *,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    read_only: bool = False,
) -> Target:
    """The place that `store` and `group` name; nothing in it is read or written.

    Parameters
    ----------
    store : str, path, zarr store, zarr.Group or obstore store
        Where the root is. URLs need the extra ``remote``.
    group : str, optional
        Path inside it.
    storage_options : mapping, optional
        For URLs: passed to fsspec.
    read_only : bool
        Whether writing through the target must fail.

    Raises
    ------
    OptionError
        For a `store` of another type, a kind of store that is not supported, a file
        that is an archive, if it is to be written, or a `group` that leaves the store.
    TargetNotFoundError
        If an archive is not there.
    MissingDependencyError
        If the URL needs a package that is not installed.
    """
    root = _root_target(store, storage_options, read_only)
    target = root if group is None else root.child(group)
    if target.directory is not None and not os.path.lexists(target.directory):
        # Somebody may have been interrupted between two renames.
        restored(target.directory)
    return target


def _root_target(
    store: StoreLike, storage_options: Mapping[str, Any] | None, read_only: bool
) -> Target:
    if isinstance(store, (str, os.PathLike)) or _is_upath(store):
        url, options = _as_url(store, storage_options)
        scheme, _, path = url.rpartition("://")
        if scheme in ("file", "local"):
            return _local(Path(unquote(path)), read_only)
        if "://" in url:
            return _remote(url, options, read_only)
        return _local(Path(url), read_only)
    if storage_options:
        raise OptionError(
            f"storage_options are for URLs, and the store is a {type(store).__name__}"
        )
    if isinstance(store, zarr.Group):
        return _inside(store.store, store.path)
    if isinstance(store, StorePath):
        return _inside(opened(store.store), store.path)
    if isinstance(store, Store):
        return _inside(opened(store), "")
    if type(store).__module__.startswith("obstore"):
        return _inside(_wrap_obstore(store), "")
    kind = f"{type(store).__module__}.{type(store).__qualname__}"
    remedy = ""
    if kind.startswith("icechunk") and "Session" in kind:
        remedy = "; give session.store"
    elif kind.startswith("icechunk") and "Repository" in kind:
        remedy = "; give session.store of session = repo.writable_session('main')"
    raise OptionError(
        f"A store is a path, a URL, a zarr store, a zarr.Group or an obstore store, "
        f"not a {kind}{remedy}"
    )


def opened(store: Store) -> Store:
    """The store; an archive that is read is open, as some releases of zarr want it.

    Raises
    ------
    TargetNotFoundError
        If there is no such file.
    """
    if isinstance(store, ZipStore) and (store.read_only or _is_there(store)):
        try:
            sync(store._ensure_open())
        except FileNotFoundError:
            raise TargetNotFoundError(f"There is no file {store.path}") from None
    return store


def _is_there(store: ZipStore) -> bool:
    """Whether it is an archive that is not made anew when it is opened."""
    return store._zmode == "a" and zipfile.is_zipfile(store.path)


def _is_upath(store: object) -> bool:
    """Whether it is a path of universal_pathlib, which is no `os.PathLike`."""
    return hasattr(store, "protocol") and hasattr(store, "joinpath")


def _as_url(
    store: Any, storage_options: Mapping[str, Any] | None
) -> tuple[str, dict[str, Any]]:
    """The path or URL as text; objects of universal_pathlib bring options along."""
    own = getattr(store, "storage_options", None) or {}
    options = {**own, **(storage_options or {})}
    remote = getattr(store, "protocol", "") not in ("", "file", "local")
    text = str(store) if remote else os.fspath(store)
    if not isinstance(text, str):
        raise OptionError(f"A path is text, not bytes: {text!r}")
    if not text:
        raise OptionError("The path of the store is empty")
    return text, options


def absolute(path: str | os.PathLike[str]) -> Path:
    """A local path as an absolute one; ``~`` is the folder of a user that is known.

    Examples
    --------
    >>> absolute("~nobody_of_that_name/cells.ome.zarr").parts[-2:]
    ('~nobody_of_that_name', 'cells.ome.zarr')
    """
    told = Path(path)
    # A name may begin with it, too: there need be no such user.
    with contextlib.suppress(RuntimeError):
        told = told.expanduser()
    return Path(os.path.abspath(told))


def _local(path: Path, read_only: bool) -> Target:
    directory = absolute(path)
    if directory.name.endswith(ONE_FILE) and not directory.is_dir():
        if read_only:
            return Target(_archive(directory), "", None, str(directory))
        if directory.suffix != ONE_FILE[-1]:
            raise _one_file(str(directory))
        return Target(OneFile(directory), "", None, str(directory))
    return Target(
        store=LocalStore(directory, read_only=read_only),
        path="",
        directory=directory,
        uri=str(directory),
    )


def _one_file(place: str) -> OptionError:
    return OptionError(
        f"{place} is a one-file store of a kind that is only read; write to a local "
        "path that ends in .ozx (and upload the file), or to a folder, such as a path "
        "that ends in .ome.zarr"
    )


def _archive(path: Path) -> Store:
    try:
        return opened(ArchiveStore(path, mode="r"))
    except zipfile.BadZipFile as error:
        raise OptionError(f"{path} is no zip archive: {error}") from error


def _remote(url: str, options: dict[str, Any], read_only: bool) -> Target:
    if url.rstrip("/").endswith(ONE_FILE):
        return _remote_archive(url, options, read_only)
    store = _remote_store(url, options, read_only)
    return Target(store=store, path="", directory=None, uri=url)


def _remote_archive(url: str, options: dict[str, Any], read_only: bool) -> Target:
    if not read_only:
        raise _one_file(url)
    above, _, name = url.rstrip("/").rpartition("/")
    archive = ZipInside(_remote_store(above, options, read_only=True), name, url)
    # What is no archive is told when it is opened.
    sync(archive.entries())
    return Target(store=archive, path="", directory=None, uri=url)


def _remote_store(url: str, options: dict[str, Any], read_only: bool) -> Store:
    protocol = url.split("://", 1)[0]
    try:
        made = zarr.storage.FsspecStore.from_url(
            url, storage_options=options or None, read_only=read_only
        )
    except (ImportError, ValueError) as error:
        if isinstance(error, ValueError) and "rotocol not known" not in str(error):
            raise
        raise MissingDependencyError(
            f"Reading and writing {protocol}:// needs a package that is not "
            f"installed ({error}); pip install 'xarray-omezarr[remote]'"
        ) from error
    return steady(made)


def _inside(store: Store, path: str) -> Target:
    store = steady(store)
    root = Path(store.root).absolute() if isinstance(store, LocalStore) else None
    directory = None if root is None else (root / path if path else root)
    base = str(root) if root is not None else said(store)
    return Target(
        store=store,
        path=path,
        directory=directory,
        uri=f"{base.rstrip('/')}/{path}" if path else base,
    )


def _wrap_obstore(store: Any) -> Store:
    return zarr.storage.ObjectStore(store)


def _checked_path(path: str) -> str:
    if not isinstance(path, str):
        raise OptionError(f"group is {path!r}; give a path inside the store as text")
    parts = [part for part in path.split("/") if part]
    if "\\" in path or "\0" in path or any(part in (".", "..") for part in parts):
        raise OptionError(
            f"group is {path!r}: a path inside the store has no '.', '..' or backslash"
        )
    return "/".join(parts)
