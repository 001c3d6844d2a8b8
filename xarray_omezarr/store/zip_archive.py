"""An archive that many threads write: bytes are appended, documents put in front."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from xarray_omezarr.hierarchy import natural_order
from xarray_omezarr.store.zip_hidden import HiddenFile, remove_left_over
from xarray_omezarr.store.zip_records import Entry, header, now, write_end

_DOCUMENT = "zarr.json"
# Documents of groups grow when all is stored; so many bytes more than expected fit.
_SPARE = 512
# Bytes that are copied at once.
_PIECE = 1 << 24


def is_document(name: str) -> bool:
    """Whether an entry is the metadata of a node."""
    return name.rpartition("/")[2] == _DOCUMENT


def breadth_first(name: str) -> tuple[int, list[tuple[int, int, str]]]:
    """Sorts documents: the root's, then those of the groups in it, and so on."""
    return name.count("/"), natural_order(name)


class Archive:
    """An archive of entries without compression, written in one go.

    Documents stand first in it, and are complete last: they are kept in memory, and
    when the first bytes of something else come, room is left for them. What does not
    fit there costs a copy of the archive, at the end.

    Parameters
    ----------
    target : pathlib.Path
        What it becomes in the end; until then it is a hidden file beside that.
    expected : mapping
        Bytes that documents of groups will have, by name of the entry.

    Attributes
    ----------
    copies : int
        How many times it had to be copied.
    """

    def __init__(self, target: Path, expected: Mapping[str, int]) -> None:
        self.target = target
        self.copies = 0
        self._expected = expected
        self._date = now()
        self._documents: dict[str, bytes] = {}
        self._entries: dict[str, Entry] = {}
        self._rooms: dict[str, Entry] | None = None
        self._end = 0
        # Bytes that belong to nothing: an archive with such is copied.
        self._dead = 0
        self._hidden: HiddenFile | None = None
        self._changed = threading.Condition()
        self._under_way = 0
        self._is_over = False

    def put(self, name: str, value: bytes | memoryview) -> None:
        """Store an entry; of two with the same name the later one counts."""
        if is_document(name):
            with self._changed:
                self._documents[name] = bytes(value)
            return
        crc, size = zlib.crc32(value), len(value)
        before = header(name, size, crc, self._date)
        with self._use() as handle:
            with self._changed:
                start = self._end
                self._end += len(before) + size
            entry = Entry(start, start + len(before), size, crc)
            try:
                _write(handle, before, entry.start)
                _write(handle, value, entry.body)
            except BaseException:
                with self._changed:
                    self._dead += entry.stop - entry.start
                raise
            with self._changed:
                self._drop(name)
                self._entries[name] = entry

    def delete(self, name: str) -> None:
        """Remove an entry, if it is there."""
        with self._changed:
            self._documents.pop(name, None)
            self._drop(name)

    def _drop(self, name: str) -> None:
        old = self._entries.pop(name, None)
        self._dead += 0 if old is None else old.stop - old.start

    def size(self, name: str) -> int | None:
        """Number of bytes of an entry; None if it is not there."""
        with self._changed:
            if name in self._documents:
                return len(self._documents[name])
            entry = self._entries.get(name)
        return None if entry is None else entry.size

    def get(self, name: str, start: int, stop: int) -> bytes | None:
        """Bytes of an entry, both ends within its size; None if it is not there."""
        with self._changed:
            if name in self._documents:
                return self._documents[name][start:stop]
            entry = self._entries.get(name)
        if entry is None:
            return None
        with self._use() as handle:
            return _read(handle, entry.body + start, stop - start)

    def names(self) -> list[str]:
        """Names of all entries."""
        with self._changed:
            return [*self._documents, *self._entries]

    @contextmanager
    def _use(self) -> Iterator[int]:
        """The file, which is not closed meanwhile: its number may be another's then."""
        with self._changed:
            if self._is_over:
                raise ValueError(f"{self.target} is complete, or has been given up")
            if self._hidden is None:
                remove_left_over(self.target)
                self._hidden = HiddenFile(self.target)
                self._leave_room()
            handle = self._hidden.handle
            self._under_way += 1
        try:
            yield handle
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _leave_room(self) -> None:
        self._rooms = {}
        for name in sorted(self._documents, key=breadth_first):
            size = len(self._documents[name])
            if name in self._expected:
                wanted = self._expected[name]
                size = max(size, wanted + wanted // 8 + _SPARE)
            self._place(name, size)

    def _place(self, name: str, size: int) -> None:
        assert self._rooms is not None
        before = header(name, size, 0, self._date)
        entry = Entry(self._end, self._end + len(before), size, 0)
        self._rooms[name] = entry
        self._end = entry.stop

    def _stop(self) -> HiddenFile | None:
        """Let nobody in, and wait for those inside."""
        with self._changed:
            self._is_over = True
            self._changed.wait_for(lambda: not self._under_way)
            hidden, self._hidden = self._hidden, None
        return hidden

    def discard(self) -> None:
        """Leave nothing of it."""
        hidden = self._stop()
        if hidden is not None:
            hidden.remove()

    def finish(self, comment: bytes, *, replaces: bool) -> None:
        """Complete it, and make it the target, which is as it was until then.

        Parameters
        ----------
        comment : bytes
            Of the archive.
        replaces : bool
            Whether it takes the place of a file.

        Raises
        ------
        TargetExistsError
            If there is a file, and it does not take its place.
        """
        with self._use():
            pass  # Of nothing but documents there is no file yet.
        hidden = self._stop()
        assert hidden is not None
        try:
            if not self._is_in_order():
                hidden = self._copied(hidden)
            with os.fdopen(os.dup(hidden.handle), "r+b") as file:
                entries = self._with_documents(file)
                write_end(file, self._end, entries, self._date, comment)
            hidden.put_in_place(self.target, replaces=replaces)
        finally:
            hidden.remove()

    def _is_in_order(self) -> bool:
        rooms = self._rooms or {}
        return (
            not self._dead
            and rooms.keys() == self._documents.keys()
            and all(len(self._documents[name]) <= rooms[name].size for name in rooms)
        )

    def _with_documents(self, file: BinaryIO) -> dict[str, Entry]:
        """Put the documents into their rooms; all entries in their order."""
        entries: dict[str, Entry] = {}
        for name, room in (self._rooms or {}).items():
            # White space behind a document means nothing.
            value = self._documents[name].ljust(room.size)
            crc = zlib.crc32(value)
            file.seek(room.start)
            file.write(header(name, room.size, crc, self._date) + value)
            entries[name] = room._replace(crc=crc)
        in_order = sorted(self._entries.items(), key=lambda item: item[1].start)
        return entries | dict(in_order)

    def _copied(self, old: HiddenFile) -> HiddenFile:
        """The same entries in order, with nothing between them."""
        self.copies += 1
        new = HiddenFile(self.target)
        try:
            self._rooms, self._end = {}, 0
            for name in sorted(self._documents, key=breadth_first):
                self._place(name, len(self._documents[name]))
            for name, entry in sorted(self._entries.items(), key=lambda item: item[1]):
                _copy(old.handle, new.handle, entry, self._end)
                by = self._end - entry.start
                self._entries[name] = entry._replace(
                    start=entry.start + by, body=entry.body + by
                )
                self._end += entry.stop - entry.start
        except BaseException:
            new.remove()
            raise
        finally:
            old.remove()
        return new


def _copy(old: int, new: int, entry: Entry, start: int) -> None:
    for at in range(entry.start, entry.stop, _PIECE):
        piece = _read(old, at, min(_PIECE, entry.stop - at))
        _write(new, piece, start + at - entry.start)


# Windows has no way to read and write without moving a place in the file.
_MOVING = threading.Lock()


def _write(handle: int, value: bytes | memoryview, at: int) -> None:
    left = memoryview(value)
    while left:
        if hasattr(os, "pwrite"):
            done = os.pwrite(handle, left, at)
        else:
            with _MOVING:
                os.lseek(handle, at, os.SEEK_SET)
                done = os.write(handle, left)
        left, at = left[done:], at + done


def _read(handle: int, at: int, size: int) -> bytes:
    pieces = []
    while size > 0:
        if hasattr(os, "pread"):
            piece = os.pread(handle, size, at)
        else:
            with _MOVING:
                os.lseek(handle, at, os.SEEK_SET)
                piece = os.read(handle, size)
        if not piece:
            raise EOFError(f"An archive that is written ends at byte {at}")
        pieces.append(piece)
        at, size = at + len(piece), size - len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
