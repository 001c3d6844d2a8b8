"""Stored objects go from one store to another as they are, many at a time."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.hierarchy import join
from xarray_omezarr.store.crew import Crew, crew, threads_for
from xarray_omezarr.store.in_flight import Room, each
from xarray_omezarr.store.nodes import put
from xarray_omezarr.store.occupancy import METADATA, is_litter
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.zip_writing import ZipWriting

if TYPE_CHECKING:
    import zarr
    from zarr.abc.store import Store
    from zarr.core.buffer import Buffer

    from xarray_omezarr.store.progress import Report
    from xarray_omezarr.store.target import Target
    from xarray_omezarr.store.transfer_arrays import Copied

# Bytes of objects under way, unless the user says more.
_LIMIT = 128 * 2**20
# Copies of files hold nothing, but they wait for their turn.
_LEAST = 2**16
# Arrays whose objects are listed at the same time, and names that are taken at once.
_LISTED = 16
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Transfer:
    """What is copied of a store, by path below its group.

    Parameters
    ----------
    source : Target
        Where from.
    arrays : mapping
        Arrays whose objects are copied.
    files : tuple of str
        Keys of objects that are neither nodes nor chunks.
    lists : bool
        Whether the source can list what it holds; else it is asked for every chunk
        that could be there.
    limit : int
        Bytes of objects that may be under way.
    """

    source: Target
    arrays: Mapping[str, Copied] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    lists: bool = True
    limit: int = _LIMIT

    @property
    def nbytes(self) -> int:
        """Bytes of the pixels, uncompressed."""
        return sum(array.nbytes for array in self.arrays.values())

    def __call__(self, root: zarr.Group, report: Report) -> None:
        """Copy all of it below `root`, whose groups are there."""
        target = open_target(root)
        documents = {
            join(target.path, path, name): _buffer(document)
            for path, array in self.arrays.items()
            for name, document in array.documents.items()
        }
        put(target.store, documents)
        copy = _copier(self.source, target)
        threads = max(threads_for(self.source.store), threads_for(target.store))
        with crew(threads, self.limit) as hands:
            for key in self.files:
                hands.hand_over(_LEAST, partial(copy, key, key))
            self._copy_arrays(copy, hands, report)

    def _copy_arrays(
        self, copy: Callable[[str, str], None], hands: Crew, report: Report
    ) -> None:
        for path, key in self._objects():
            array = self.arrays[path]
            new, nbytes = array.renamed(key)

            def job(
                old: str = join(path, key),
                new: str = join(path, new),
                nbytes: int = nbytes,
            ) -> None:
                copy(old, new)
                report(nbytes, (old,))

            hands.hand_over(max(_LEAST, array.object_nbytes), job)

    def _objects(self) -> Iterator[tuple[str, str]]:
        """Paths of arrays, and keys of their objects below them."""
        if not self.lists:
            for path, array in self.arrays.items():
                yield from ((path, key) for key in array.keys())
        elif _folder(self.source) is not None:
            for path in self.arrays:
                yield from ((path, key) for key in files_below(self.source, path))
        else:
            yield from _listed(self.source, [*self.arrays])


def _buffer(document: Mapping[str, object]) -> Buffer:
    text = json.dumps(document, indent=2).encode()
    return default_buffer_prototype().buffer.from_bytes(text)


def _folder(target: Target) -> Path | None:
    """The folder of a target that is one of this machine, and nothing more."""
    return target.directory if type(target.store) is LocalStore else None


def is_no_object(key: str) -> bool:
    """Whether what is below an array belongs to its metadata, or to nobody."""
    first, _, rest = key.partition("/")
    return (not rest and first in METADATA) or is_litter(key.rsplit("/", 1)[-1])


def files_below(target: Target, path: str) -> Iterator[str]:
    """Keys of the files in a folder and below it, counted from there."""
    top = target.directory / path if target.directory is not None else Path(path)
    for folder, _, names in os.walk(top, followlinks=True):
        below = Path(folder).relative_to(top).as_posix()
        for name in names:
            key = name if below == "." else f"{below}/{name}"
            if not is_no_object(key):
                yield key


def _listed(source: Target, paths: list[str]) -> Iterator[tuple[str, str]]:
    """As `_objects`, of a store that is asked for a page of each of some arrays."""
    for start in range(0, len(paths), _LISTED):
        names = {
            path: keys_below(source, path) for path in paths[start : start + _LISTED]
        }
        while names:
            pages = sync(_pages(source.store, [*names.values()]))
            for path, page in zip([*names], pages, strict=True):
                if len(page) < _PAGE:
                    del names[path]
                yield from ((path, key) for key in page)


async def _pages(store: Store, names: list[AsyncIterator[str]]) -> list[list[str]]:
    room = Room(store, _LISTED)

    async def page_of(one: AsyncIterator[str]) -> list[str]:
        return await _page(one)

    return await each(page_of, names, room.request)


async def _page(names: AsyncIterator[str]) -> list[str]:
    page: list[str] = []
    async for name in names:
        page.append(name)
        if len(page) == _PAGE:
            break
    return page


async def keys_below(source: Target, path: str) -> AsyncIterator[str]:
    """Keys of all objects below a path, counted from there.

    Raises
    ------
    MetadataError
        If a key leads elsewhere, as archives and object stores may have them.
    """
    prefix = join(source.path, path)
    async for key in source.store.list_prefix(f"{prefix}/" if prefix else ""):
        below = key.strip("/").removeprefix(f"{prefix}/")
        if below and not is_no_object(below):
            check_key(source, key)
            yield below


def check_key(source: Target, key: str) -> None:
    """Refuse what would be written outside of the folder that it is copied to.

    Raises
    ------
    MetadataError
        Naming it.
    """
    if {"..", "."} & set(key.replace("\\", "/").split("/")):
        raise MetadataError(
            f"{source} has an object that is called {key!r}, which leads elsewhere "
            "when it is copied to a folder; remove it from there"
        )


def _copier(source: Target, target: Target) -> Callable[[str, str], None]:
    """What copies an object: a file where both are, else a get and a put."""
    old, new = _folder(source), _folder(target)
    if old is not None and new is not None:
        return _FileCopier(old, new)
    if old is not None and isinstance(target.store, ZipWriting):
        return partial(_pack, old, target.store, target.path)
    return partial(_get_and_put, source, target, Room(source.store))


@dataclass(frozen=True, slots=True)
class _FileCopier:
    source: Path
    target: Path
    made: set[str] = field(default_factory=set)

    def __call__(self, old: str, new: str) -> None:
        path = self.target / new
        folder = str(path.parent)
        if folder not in self.made:
            os.makedirs(folder, exist_ok=True)
            self.made.add(folder)
        try:
            _copy_file(self.source / old, path)
        except FileNotFoundError:
            # Removed since it was listed: a chunk that is missing stays missing.
            if (self.source / old).exists():
                raise


def _copy_file(old: Path, new: Path) -> None:
    """Copy bytes inside the kernel; file systems that share blocks copy none."""
    if not hasattr(os, "copy_file_range"):
        shutil.copyfile(old, new)
        return
    with open(old, "rb") as source, open(new, "wb") as target:
        left = os.fstat(source.fileno()).st_size
        try:
            while left > 0:
                done = os.copy_file_range(source.fileno(), target.fileno(), left)
                if not done:
                    raise OSError("nothing is copied")
                left -= done
        except OSError:
            # Not between all file systems, nor of files that tell no size.
            source.seek(0)
            target.seek(0)
            target.truncate()
            shutil.copyfileobj(source, target)


def _pack(folder: Path, store: ZipWriting, path: str, old: str, new: str) -> None:
    """Put a file into an archive, without an event loop."""
    try:
        value = (folder / old).read_bytes()
    except FileNotFoundError:
        # Removed since it was listed: a chunk that is missing stays missing.
        if (folder / old).exists():
            raise
        return
    buffer = default_buffer_prototype().buffer.from_bytes(value)
    store.set_sync(join(path, new), buffer)


def _get_and_put(
    source: Target, target: Target, room: Room, old: str, new: str
) -> None:
    sync(_moved(source.store, join(source.path, old), target, new, room))


async def _moved(store: Store, key: str, target: Target, new: str, room: Room) -> None:
    async with room.request():
        value = await store.get(key, default_buffer_prototype())
    if value is not None:
        await target.store.set(join(target.path, new), value)
