"""A store that is written into one archive, in its place once it is complete."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.zip_archive import Archive

if TYPE_CHECKING:
    from typing import Self


class ZipWriting(Store):
    """A store that collects what is put into it, and becomes one file at the end.

    Reading back what was put works at any time. Nothing is at `path`, or what was
    there, until `finish`; no file at all is made until the first chunk comes.

    Parameters
    ----------
    path : pathlib.Path
        Of the file that it becomes.
    version : str
        Of OME-Zarr, which the comment of the archive tells.
    expected : mapping, optional
        Bytes that documents of groups will have in the end, by key. Those that get
        much larger cost a copy of the archive.
    replaces : bool
        Whether a file that is there is replaced; else it is an error at the end.

    Examples
    --------
    >>> import tempfile, zipfile, numpy as np, zarr
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "image.ozx"
    >>> store = ZipWriting(file, "0.6")
    >>> group = zarr.create_group(store)
    >>> array = group.create_array("0", data=np.eye(4), chunks=(2, 4))
    >>> file.exists()
    False
    >>> store.finish()
    >>> first, second, *chunks = zipfile.ZipFile(file).namelist()
    >>> first, second, sorted(chunks)
    ('zarr.json', '0/zarr.json', ['0/c/0/0', '0/c/1/0'])
    >>> folder.cleanup()
    """

    supports_writes = True
    supports_deletes = True
    supports_listing = True

    def __init__(
        self,
        path: Path,
        version: str,
        expected: Mapping[str, int] | None = None,
        *,
        replaces: bool = False,
    ) -> None:
        super().__init__(read_only=False)
        self._replaces = replaces
        self._is_open = True
        self.path, self.version = path, version
        self._archive = Archive(path, expected or {})

    @property
    def copies(self) -> int:
        """How often the archive was copied, as its documents did not fit."""
        return self._archive.copies

    def finish(self) -> None:
        """Complete the archive and put it in its place; see `Archive.finish`."""
        told = {
            "version": self.version,
            "zipFile": {"centralDirectory": {"jsonFirst": True}},
        }
        comment = json.dumps({"ome": told}).encode()
        self._archive.finish(comment, replaces=self._replaces)

    def discard(self) -> None:
        """Leave nothing of it."""
        self._archive.discard()

    def with_read_only(self, read_only: bool = False) -> Self:
        """The same archive, to be read only or not."""
        made = type(self).__new__(type(self))
        # Not by copying, which is what sends to other processes.
        made.__dict__ = {**self.__dict__, "_read_only": read_only}
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ZipWriting) and other._archive is self._archive

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise OptionError(
            f"{self.path} is one file, which only one process can write; write to a "
            "folder, and make one file of that with xarray_omezarr.convert"
        )

    def __str__(self) -> str:
        return f"zip://{self.path}"

    def __repr__(self) -> str:
        return f"ZipWriting({str(self.path)!r})"

    # What does not wait for other threads; zarr finds these by their names, too.

    def set_sync(self, key: str, value: Buffer) -> None:
        """Store an object."""
        self._check_writable()
        self._archive.put(key, memoryview(value.as_buffer_like()))

    def get_sync(
        self,
        key: str,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """An object, or a part of it; None if it is not there."""
        size = self._archive.size(key)
        found = (
            None if size is None else self._archive.get(key, *bounds(byte_range, size))
        )
        if found is None:
            return None
        return (prototype or default_buffer_prototype()).buffer.from_bytes(found)

    def delete_sync(self, key: str) -> None:
        """Remove an object, if it is there."""
        self._check_writable()
        self._archive.delete(key)

    async def set(self, key: str, value: Buffer) -> None:
        """Store an object."""
        await asyncio.to_thread(self.set_sync, key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Store an object unless there is one; nobody else writes here."""
        if not await self.exists(key):
            await self.set(key, value)

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """An object, or a part of it; None if it is not there."""
        return await asyncio.to_thread(
            self.get_sync, key, prototype=prototype, byte_range=byte_range
        )

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Parts of objects."""
        parts = (self.get(key, prototype, wanted) for key, wanted in key_ranges)
        return [*await asyncio.gather(*parts)]

    async def exists(self, key: str) -> bool:
        """Whether an object is there."""
        return self._archive.size(key) is not None

    async def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        self.delete_sync(key)

    async def list(self) -> AsyncIterator[str]:
        """Keys of all objects."""
        for key in self._archive.names():
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Keys that begin so."""
        for key in self._archive.names():
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Names right below a path."""
        for name in names_in(prefix, self._archive.names()):
            yield name


def names_in(path: str, keys: Iterable[str]) -> Iterable[str]:
    """Names right below a path, of the keys of a store."""
    above = f"{path.rstrip('/')}/" if path else ""
    below = (key.removeprefix(above) for key in keys if key.startswith(above))
    return dict.fromkeys(key.partition("/")[0] for key in below)


def bounds(wanted: ByteRequest | None, size: int) -> tuple[int, int]:
    """The part of an object that is asked for, as far as the object has it."""
    match wanted:
        case RangeByteRequest(start, end):
            return min(start, size), min(end, size)
        case OffsetByteRequest(offset):
            return min(offset, size), size
        case SuffixByteRequest(suffix):
            return max(0, size - suffix), size
        case _:
            return 0, size
