"""Records of a zip archive that is written: headers of entries, and what ends it."""

from __future__ import annotations

import struct
import time
import zipfile
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple, TypeAlias

Date: TypeAlias = tuple[int, int, int, int, int, int]

# Of the record that ends an archive, without its comment.
_END_BYTES = 22
# Of the record of ZIP64, and of what tells where that is.
_END_OF_ZIP64, _LOCATOR = struct.Struct("<4sQHHLLQQQQ"), struct.Struct("<4sLQL")
# Such archives need a reader that knows version 4.5 of the format.
_VERSION = 45
# A file that everybody may read, once it is unpacked.
_UNIX, _PERMISSIONS = 3, 0o644 << 16


class Entry(NamedTuple):
    """Where an entry of an archive is.

    Parameters
    ----------
    start : int
        Of its header.
    body : int
        Of its bytes.
    size : int
        Number of its bytes.
    crc : int
        Their checksum.
    """

    start: int
    body: int
    size: int
    crc: int

    @property
    def stop(self) -> int:
        """Where the next entry may start."""
        return self.body + self.size


def now() -> Date:
    """The time that entries tell; the format knows none before 1980."""
    year, *others = time.localtime()[:6]
    return (max(year, 1980), *others)  # type: ignore[return-value]


def header(name: str, size: int, crc: int, date: Date) -> bytes:
    r"""What stands before the bytes of an entry; sizes are told there, not behind.

    Parameters
    ----------
    name : str
        Of the entry.
    size : int
        Number of its bytes; of many, the header has the form of ZIP64.
    crc : int
        Their checksum.
    date : tuple of int
        Year, month, day, hour, minute, second.

    Examples
    --------
    >>> header("zarr.json", 2, 0, (2026, 1, 1, 0, 0, 0))[:4]
    b'PK\x03\x04'
    """
    return _info(name, Entry(0, 0, size, crc), date).FileHeader()


def _info(name: str, entry: Entry, date: Date) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date)
    info.create_system, info.external_attr = _UNIX, _PERMISSIONS
    info.file_size = info.compress_size = entry.size
    info.CRC, info.header_offset = entry.crc, entry.start
    return info


class _Infos:
    """What zipfile writes the central directory from, made while it is written."""

    def __init__(self, entries: Mapping[str, Entry], date: Date) -> None:
        self._entries, self._date = entries, date

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[zipfile.ZipInfo]:
        for name, entry in self._entries.items():
            yield _info(name, entry, self._date)


def write_end(
    file: BinaryIO, start: int, entries: Mapping[str, Entry], date: Date, comment: bytes
) -> None:
    """Write the central directory and what ends an archive, always with ZIP64.

    Parameters
    ----------
    file : binary file
        Of the archive, which ends at `start`.
    start : int
        Where the last entry ends.
    entries : mapping
        All of them by name, in the order of the directory.
    date : tuple of int
        As for `header`.
    comment : bytes
        Of the archive.
    """
    file.seek(start)
    with zipfile.ZipFile(file, "w") as archive:
        archive.filelist = _Infos(entries, date)  # type: ignore[assignment]
        archive.comment = comment
    # zipfile writes the records of ZIP64 only where nothing else would do.
    stop = file.seek(0, 2) - _END_BYTES - len(comment)
    file.seek(stop - _LOCATOR.size)
    if file.read(4) == b"PK\x06\x07":
        return
    end = file.read()[_LOCATOR.size - 4 :]
    count, size = len(entries), stop - start
    record = _END_OF_ZIP64.pack(
        *(b"PK\x06\x06", _END_OF_ZIP64.size - 12, _VERSION, _VERSION, 0, 0),
        *(count, count, size, start),
    )
    locator = _LOCATOR.pack(b"PK\x06\x07", 0, stop, 1)
    file.seek(stop)
    file.write(record + locator + end)
