"""Metadata documents of many nodes, read together: a few rounds for a whole plate."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore

from xarray_omezarr.errors import MetadataError, NotOmeZarrError
from xarray_omezarr.hierarchy import join
from xarray_omezarr.ngff.plain import endless_number, shown
from xarray_omezarr.store.copies import (
    COPIES,
    from_copies,
    note_copies,
    wants_copies,
)
from xarray_omezarr.store.exchange import restored
from xarray_omezarr.store.in_flight import Room, each
from xarray_omezarr.store.one_moment import note_file, note_folder
from xarray_omezarr.store.sessions import holds_key

if TYPE_CHECKING:
    from zarr.abc.store import Store

    from xarray_omezarr.store.arrays import ZarrFormat
    from xarray_omezarr.store.target import Target

# Metadata of images fit; longer documents are read in several pieces.
_PIECE = 1 << 15
# Those of a plate of 100 000 wells have some 10 MB, consolidated ones a few times that.
_LARGEST = 1 << 28
# A pipe would keep whoever opens it waiting.
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_NOT_THERE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)

# Names that are too long, and links that go round in a circle.
_NO_NAMES = (errno.ENAMETOOLONG, errno.ELOOP)

GROUP_NAMES: Mapping[int, str] = {2: ".zattrs", 3: "zarr.json"}
ARRAY_NAMES: Mapping[int, str] = {2: ".zarray", 3: "zarr.json"}


@dataclass(frozen=True, slots=True)
class Root:
    """The group at a target: its Zarr format and its attributes."""

    zarr_format: ZarrFormat
    attrs: Mapping[str, Any]


def read_documents(target: Target, keys: Iterable[str]) -> dict[str, bytes]:
    """The documents that are there, by key below `target`.

    Parameters
    ----------
    target : Target
        Where the keys count from.
    keys : iterable of str
        Such as ``"A/1/zarr.json"``.

    Raises
    ------
    OSError
        If something is there that cannot be read, or a server fails: what may be
        there after all must not count as missing.
    """
    wanted = dict.fromkeys(keys)
    if target.directory is not None and type(target.store) is LocalStore:
        return _read_files(str(target.directory), wanted)
    found, left = from_copies(target, wanted)
    asked = [key for key in left if holds_key(target.store, key)]
    return {**found, **_get(target.store, target.path, asked)} if asked else found


def read_root(target: Target) -> Root | None:
    """The group at a target; None where no document tells of one.

    Raises
    ------
    MetadataError
        If there are documents that cannot be understood.
    """
    copies = (COPIES,) if wants_copies(target) else ()
    found = read_documents(target, ("zarr.json", ".zattrs", ".zgroup", *copies))
    note_copies(target, found)
    if "zarr.json" in found:
        return Root(3, group_attrs(found["zarr.json"], 3, str(target)))
    if ".zgroup" in found:
        return Root(2, group_attrs(found.get(".zattrs", b"{}"), 2, str(target)))
    return None


def group_attrs(document: bytes, zarr_format: int, where: str) -> Mapping[str, Any]:
    """The attributes of a group in its document.

    Raises
    ------
    MetadataError
        If it is no JSON object.
    NotOmeZarrError
        If it is that of an array.
    """
    found = _json(document, where)
    if zarr_format == 2:
        return found
    if found.get("node_type", "group") != "group":
        raise NotOmeZarrError(
            f"{where} is a Zarr array, and OME-Zarr is made of groups; open the one "
            "above it"
        )
    attrs = found.get("attributes", {})
    if not isinstance(attrs, Mapping):
        raise MetadataError(f"The attributes of {where} are {shown(attrs)}, no object")
    return attrs


def _json(document: bytes, where: str) -> Mapping[str, Any]:
    try:
        found = json.loads(document)
    except ValueError as error:
        number = endless_number(error)
        problem = f"hold {number}" if number else f"are no JSON: {error}"
        raise MetadataError(f"The metadata of {where} {problem}") from None
    except RecursionError:
        raise MetadataError(f"The metadata of {where} are nested too deeply") from None
    if not isinstance(found, Mapping):
        raise MetadataError(f"The metadata of {where} are {shown(found)}, no object")
    return found


def _read_files(folder: str, keys: Iterable[str]) -> dict[str, bytes]:
    """Documents of a local folder, without the detour by an event loop."""
    found = {}
    for key in keys:
        path = f"{folder}/{key}"
        above = path.rpartition("/")[0]
        note_folder(above)
        try:
            file = _opened(path, above)
        except _NOT_THERE:
            continue
        # Names that no file can have (too long, not encodable) are those of no file.
        except ValueError:
            continue
        except OSError as error:
            if error.errno in _NO_NAMES:
                continue
            raise
        try:
            found[key] = _read_file(file, key)
            note_file(path, file)
        except IsADirectoryError:
            continue
        finally:
            os.close(file)
    return found


def _opened(path: str, above: str) -> int:
    try:
        return os.open(path, _FLAGS)
    except FileNotFoundError:
        # The folder may be about to take the place of another, or was when that was
        # interrupted.
        if os.path.isdir(above) or not restored(Path(above)):
            raise
    return os.open(path, _FLAGS)


def _read_file(file: int, key: str) -> bytes:
    piece = os.read(file, _PIECE)
    # Whether it is a file is asked of few: nearly all documents are short ones.
    if 0 < len(piece) < _PIECE:
        return piece
    told = os.fstat(file)
    if not stat.S_ISREG(told.st_mode):
        raise MetadataError(f"{key!r} is no regular file, and no document of metadata")
    if told.st_size > _LARGEST:
        raise MetadataError(f"{key!r} has {told.st_size} bytes, which is no metadata")
    pieces = [piece]
    while piece := os.read(file, _PIECE):
        pieces.append(piece)
    return b"".join(pieces)


def _get(store: Store, path: str, keys: Iterable[str]) -> dict[str, bytes]:
    prototype = default_buffer_prototype()

    async def get_all() -> dict[str, bytes]:
        room = Room(store)

        async def get_one(key: str) -> tuple[str, bytes | None]:
            value = await store.get(join(path, key), prototype)
            return key, None if value is None else value.to_bytes()

        got = await each(get_one, keys, room.request)
        return {key: value for key, value in got if value is not None}

    return sync(get_all())
