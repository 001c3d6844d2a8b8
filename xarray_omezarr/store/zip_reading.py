"""An archive on this machine, to be read: what cannot be read in it says why."""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from zarr.core.buffer import default_buffer_prototype
from zarr.storage import ZipStore

from xarray_omezarr.errors import OptionError
from xarray_omezarr.ngff.paths import DOCUMENTS
from xarray_omezarr.store.zip_writing import bounds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

#: Bytes of the largest document; a small archive can hold one that is not.
LARGEST = 1 << 28
# Of the header of an entry, up to its name; and a flag in it.
_HEADER, _ENCRYPTED = 30, 1
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError)


class ArchiveStore(ZipStore):
    """An archive that is read, as zarr does it; of what is not packed, only the part.

    Raises
    ------
    OptionError
        On reading an entry that is damaged, encrypted, or packed in a way that nobody
        here knows.
    """

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """An entry, or a part of it; None if it is not there."""
        wanted: Any = prototype or default_buffer_prototype()
        archive = getattr(self, "_zf", None)
        known = None if archive is None else archive.NameToInfo.get(key)
        if known is not None:
            check_document(self.path, key, known.file_size)
        try:
            stored = None if byte_range is None else self._stored(key)
            if stored is None:
                return await super().get(key, wanted, byte_range)
            part = self._part(stored, *bounds(byte_range, stored.file_size))
            return wanted.buffer.from_bytes(part)  # type: ignore[no-any-return]
        except _DAMAGED as error:
            raise damaged(self.path, key, error) from error
        except (NotImplementedError, RuntimeError) as error:
            raise OptionError(
                f"{self.path}: entry {key!r} cannot be read, for it is encrypted or "
                f"packed in an unusual way ({error}); unpack the archive and pack it "
                "again without compression"
            ) from error

    def _stored(self, key: str) -> zipfile.ZipInfo | None:
        """What is known of an entry whose bytes stand in the file as they are."""
        archive = getattr(self, "_zf", None)
        if archive is None or archive.fp is None:
            # Not open; zarr knows what to do.
            return None
        known: zipfile.ZipInfo | None = archive.NameToInfo.get(key)
        if known is None or known.flag_bits & _ENCRYPTED:
            return None
        return known if known.compress_type == zipfile.ZIP_STORED else None

    def _part(self, entry: zipfile.ZipInfo, start: int, stop: int) -> bytes:
        """Some bytes of an entry; zipfile would read all that stand before them."""
        # The file that was opened: another may have taken its place since.
        file: Any = self._zf.fp
        with self._lock:
            file.seek(entry.header_offset)
            header = file.read(_HEADER)
            if len(header) < _HEADER or header[:4] != b"PK\x03\x04":
                raise zipfile.BadZipFile("its header is none")
            name, extra = struct.unpack_from("<HH", header, _HEADER - 4)
            file.seek(entry.header_offset + _HEADER + name + extra + start)
            found: bytes = file.read(stop - start)
        if len(found) < stop - start:
            raise EOFError("the file ends before it does")
        return found

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Parts of entries."""
        return [await self.get(key, prototype, part) for key, part in key_ranges]


def check_document(path: object, key: str, size: int) -> None:
    """Raise for a document that a small archive has made huge.

    Raises
    ------
    OptionError
        If it is larger than any metadata.
    """
    if size > LARGEST and key.endswith(DOCUMENTS):
        raise OptionError(f"{path}: {key!r} has {size} bytes, which is no metadata")


def damaged(path: object, key: str, reason: object) -> OptionError:
    """What to raise for an entry whose bytes are not those that were stored."""
    return OptionError(
        f"{path}: entry {key!r} is damaged ({reason}); get another copy of the archive"
    )
