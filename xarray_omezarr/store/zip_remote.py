"""An archive far away, read by ranges: its directory once, then one request a chunk."""

from __future__ import annotations

import asyncio
import struct
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from zarr.abc.store import ByteRequest, RangeByteRequest, Store
from zarr.core.buffer import default_buffer_prototype

from xarray_omezarr.errors import OptionError, TargetNotFoundError
from xarray_omezarr.store.zip_reading import check_document, damaged
from xarray_omezarr.store.zip_writing import bounds, names_in

if TYPE_CHECKING:
    from typing import Self

    from zarr.core.buffer import Buffer, BufferPrototype

# A comment has 64 KiB at most; with these bytes the directory of most archives comes.
_TAIL = 1 << 17
# Of the header of an entry, up to its name; what stands behind that is rarely longer.
_HEADER, _EXTRA = 30, 64
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class _Listed(NamedTuple):
    """What the directory tells of an entry."""

    start: int
    packed: int
    size: int
    crc: int
    method: int
    name: int


class _NeededError(Exception):
    """Bytes before those that are here are needed."""

    def __init__(self, start: int) -> None:
        self.start = start


class _Tail:
    """The end of a file, as zipfile reads files."""

    def __init__(self, value: bytes, start: int) -> None:
        self._value, self._start = value, start
        self._size = start + len(value)
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, self._size)[whence]
        if base + offset < 0:
            raise OSError("before the first byte")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        stop = self._size if size < 0 else min(self._at + size, self._size)
        if self._at < self._start and stop > self._at:
            raise _NeededError(self._at)
        found = self._value[self._at - self._start : stop - self._start]
        self._at = max(self._at, stop)
        return found


class ZipInside(Store):
    """An archive that is an object of another store, to be read.

    Parameters
    ----------
    store : zarr.abc.store.Store
        Where it is; it gives ranges of its objects.
    key : str
        Of the archive.
    uri : str
        Of the archive, for messages.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = True

    def __init__(self, store: Store, key: str, uri: str) -> None:
        super().__init__(read_only=True)
        self._is_open = True
        self._store, self._key, self.path = store, key, uri
        self._size = 0
        self._entries: dict[str, _Listed] | None = None
        self._bodies: dict[str, int] = {}
        self._loading: dict[object, asyncio.Task[dict[str, _Listed]]] = {}

    def with_read_only(self, read_only: bool = False) -> Self:
        """The same; it cannot be written to."""
        if not read_only:
            self._refuse()
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ZipInside):
            return False
        return self._store == other._store and self._key == other._key

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type[ZipInside], tuple[Store, str, str]]:
        return ZipInside, (self._store, self._key, self.path)

    def __str__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"ZipInside({self.path!r})"

    async def entries(self) -> dict[str, _Listed]:
        """The directory, read once.

        Raises
        ------
        TargetNotFoundError
            If there is no such object.
        OptionError
            If it is no archive.
        """
        if self._entries is None:
            # Many chunks may be asked for at once, by the loops of several threads.
            loop = asyncio.get_running_loop()
            task = self._loading.get(loop) or loop.create_task(self._load())
            self._loading[loop] = task
            try:
                self._entries = await task
            finally:
                self._loading.pop(loop, None)
        return self._entries

    async def _load(self) -> dict[str, _Listed]:
        try:
            self._size = await self._store.getsize(self._key)
        except FileNotFoundError:
            raise TargetNotFoundError(f"There is no file {self.path}") from None
        start = max(0, self._size - _TAIL)
        tail = await self._range(start, self._size)
        while True:
            try:
                archive = zipfile.ZipFile(_Tail(tail, start))
            except _NeededError as needed:
                tail = await self._range(needed.start, start) + tail
                start = needed.start
            except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
                raise OptionError(f"{self.path} is no zip archive: {error}") from error
            else:
                return {
                    info.filename: _Listed(
                        *(info.header_offset, info.compress_size, info.file_size),
                        *(info.CRC, info.compress_type, len(info.orig_filename)),
                    )
                    for info in archive.infolist()
                    if not info.is_dir()
                }

    async def _range(self, start: int, stop: int) -> bytes:
        if stop <= start:
            return b""
        wanted = RangeByteRequest(start, stop)
        prototype = default_buffer_prototype()
        found = await self._store.get(self._key, prototype, wanted)
        if found is None:
            raise TargetNotFoundError(f"There is no file {self.path} any more")
        if len(found) != stop - start:
            # Not every server knows ranges; it sends all of the file instead.
            raise OptionError(
                f"{self.path}: {stop - start} bytes were asked for, and {len(found)} "
                "came, so the server gives no parts of files, or the file has changed; "
                "open it once more, or download it"
            )
        return found.to_bytes()

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """An entry, or a part of it; None if it is not there."""
        entry = (await self.entries()).get(key)
        if entry is None:
            return None
        if byte_range is None:
            value = await self._whole(key, entry)
        else:
            start, stop = bounds(byte_range, entry.size)
            if entry.method == zipfile.ZIP_STORED:
                body = await self._body(key, entry)
                value = await self._range(body + start, body + stop)
            else:
                value = (await self._whole(key, entry))[start:stop]
        return (prototype or default_buffer_prototype()).buffer.from_bytes(value)

    async def _body(self, key: str, entry: _Listed) -> int:
        """Where the bytes of an entry begin, which its own header alone tells."""
        if key not in self._bodies:
            header = await self._range(entry.start, entry.start + _HEADER)
            self._bodies[key] = entry.start + self._header_bytes(key, header)
        return self._bodies[key]

    def _header_bytes(self, key: str, header: bytes) -> int:
        if header[:4] != b"PK\x03\x04" or len(header) < _HEADER:
            self._damaged(key)
        name, extra = struct.unpack_from("<HH", header, 26)
        return _HEADER + int(name) + int(extra)

    async def _whole(self, key: str, entry: _Listed) -> bytes:
        """All bytes of an entry, in one request where its header is of usual length."""
        if entry.method not in _METHODS:
            raise OptionError(
                f"{self.path}: entry {key!r} is compressed by zip in a way that is not "
                "read from afar; download the archive, or pack it without compression"
            )
        check_document(self.path, key, entry.size)
        stop = entry.start + _HEADER + 4 * entry.name + _EXTRA + entry.packed
        found = await self._range(entry.start, min(stop, self._size))
        first = self._header_bytes(key, found)
        value = found[first : first + entry.packed]
        if len(value) < entry.packed:
            at = entry.start + first
            value += await self._range(at + len(value), at + entry.packed)
        if entry.method == zipfile.ZIP_DEFLATED:
            try:
                # No more than the directory tells, and one byte that tells of more.
                inflated = zlib.decompressobj(-zlib.MAX_WBITS)
                value = inflated.decompress(value, entry.size + 1)
            except zlib.error:
                self._damaged(key)
        if len(value) != entry.size or zlib.crc32(value) != entry.crc:
            self._damaged(key)
        return value

    def _damaged(self, key: str) -> NoReturn:
        raise damaged(self.path, key, "its bytes are others than were stored")

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Parts of entries."""
        parts = (self.get(key, prototype, wanted) for key, wanted in key_ranges)
        return [*await asyncio.gather(*parts)]

    async def exists(self, key: str) -> bool:
        """Whether there is an entry."""
        return key in await self.entries()

    async def getsize(self, key: str) -> int:
        """Bytes of an entry."""
        entries = await self.entries()
        if key not in entries:
            raise FileNotFoundError(key)
        return entries[key].size

    async def list(self) -> AsyncIterator[str]:
        """Names of all entries."""
        for key in await self.entries():
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Names that begin so."""
        for key in await self.entries():
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Names right below a path."""
        for name in names_in(prefix, await self.entries()):
            yield name

    async def set(self, key: str, value: Buffer) -> None:
        """Refuse."""
        self._refuse()

    async def delete(self, key: str) -> None:
        """Refuse."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise OptionError(f"{self.path} is an archive on a server, which is only read")
