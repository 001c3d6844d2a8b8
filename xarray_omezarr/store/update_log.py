"""Several documents replaced together: a log of them, and what finishes it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore

from xarray_omezarr.errors import LockedError, some, warn
from xarray_omezarr.hierarchy import join
from xarray_omezarr.ngff.rules.inside import inside
from xarray_omezarr.store.occupancy import LEASE
from xarray_omezarr.store.open_documents import read_documents
from xarray_omezarr.store.replaced import partial_of, replace_files
from xarray_omezarr.store.sessions import session_of

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

#: Old and new content by key.
Changes: TypeAlias = Mapping[str, tuple[bytes, bytes]]

#: Name of a log, beside the documents of a group; it says that nothing of it is data.
LOG = f"{LEASE}.update"
_FORMAT = 1
_SHOWN = 4
# What an update replaces: documents of groups, and the text of a collection.
_TEXT = "METADATA.ome.xml"
_REPLACED = frozenset({"zarr.json", ".zattrs", ".zmetadata", _TEXT})
_TOKEN = re.compile(r"[0-9a-f]{16}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# Those whose errors are none of the operating system's.
_LIBRARIES = ("aiohttp", "httpx", "requests")
# Puts in flight.
_IN_FLIGHT = 64


def log_key(path: str) -> str:
    """Where the log of an update of the group at `path` is."""
    return join(path, LOG)


def half_updated(where: object) -> LockedError:
    """What to raise where a log is, and documents are partly old and partly new."""
    return LockedError(
        f"The metadata of {where} are being updated, or that was interrupted half way; "
        "wait for it, or make the same update again, which finishes it"
    )


def keeps_log(target: Target) -> bool:
    """Whether updates of the store can be interrupted half way.

    A session of icechunk is a transaction, and takes only keys of Zarr.
    """
    return session_of(target.store) is None


def commit(root: Target, path: str, changes: Changes) -> None:
    """Replace documents: all, or none.

    If replacing one fails, those that were replaced get their old content back. If
    that fails too, or the process is killed, the log stays, and the next update of
    the same groups finishes this one first.

    Parameters
    ----------
    root : Target
        The root of the store.
    path : str
        Of the group that is updated; the log is put there.
    changes : mapping
        Old and new content by key below `root`.
    """
    new = {key: contents[1] for key, contents in changes.items()}
    if len(new) < 2 or not keeps_log(root):
        _replace(root, new)
        return
    token = secrets.token_hex(8)
    _replace(root, {log_key(path): _log(changes, token)})
    try:
        _replace(root, new, token)
    except BaseException as error:
        _take_back(root, path, changes, error)
        raise
    _remove(root, log_key(path))


def _take_back(root: Target, path: str, changes: Changes, error: BaseException) -> None:
    """Give documents their old content, and say in the error what state that left."""
    try:
        there = read_documents(root, changes)
        done = {k: old for k, (old, new) in changes.items() if there.get(k) == new}
        _replace(root, done)
        _remove(root, log_key(path))
    except Exception as second:
        error.add_note(
            f"Of {len(changes)} documents of {root.child(path)} some have the new "
            f"content and some the old, as putting back failed too ({second!r}). "
            f"The log {log_key(path)!r} tells them: any update of the same group "
            "finishes this one first"
        )
    else:
        error.add_note(f"All metadata of {root.child(path)} are as they were before")


def finish(root: Target, paths: Iterable[str]) -> None:
    """Finish updates of these groups that were interrupted; a warning names them."""
    if not keeps_log(root):
        return
    logs = read_documents(root, map(log_key, paths))
    for key, document in logs.items():
        entries, token = _parsed(document, key.removesuffix(LOG).rstrip("/"))
        there = read_documents(root, entries)
        new = {
            name: _content(entry)
            for name, entry in entries.items()
            if name in there and _digest(there[name]) == entry["before"]
        }
        _replace(root, new)
        if _is_folder(root):
            for name in entries:
                partial_of(_file(root, name), token).unlink(missing_ok=True)
        _remove(root, key)
        others = [
            name
            for name, entry in entries.items()
            if name not in new and there.get(name) != _content(entry)
        ]
        if not entries:
            warn(
                f"The log {key!r} of an update of {root} was not stored whole, or is "
                "none of this package; it was removed, and nothing else was changed"
            )
            continue
        left = f"; {some(others, _SHOWN)} changed since and stay" if others else ""
        warn(
            f"An update of {root.child(key.removesuffix(LOG))} had been interrupted; "
            f"it was finished first: {len(new)} of {len(entries)} documents{left}"
        )


def _log(changes: Changes, token: str) -> bytes:
    documents = {
        key: {
            "before": _digest(old),
            "content": new.decode("utf-8", "surrogateescape"),
        }
        for key, (old, new) in changes.items()
    }
    told = {"update": _FORMAT, "token": token, "documents": documents}
    return json.dumps(told).encode()


def _parsed(document: bytes, group: str) -> tuple[Mapping[str, Any], str]:
    """What a log tells; nothing if it is none of ours, or was not stored whole.

    Whoever hands somebody a store can put a log into it. So one that names anything
    but metadata of its group, of what is below that and of the groups above, which
    may have copies, is none of ours.
    """
    try:
        told = json.loads(document)
    except (ValueError, RecursionError):
        return {}, ""
    if not isinstance(told, Mapping) or told.get("update") != _FORMAT:
        return {}, ""
    entries, token = told.get("documents"), told.get("token")
    if not isinstance(entries, Mapping) or not isinstance(token, str):
        return {}, ""
    is_ours = all(_is_ours(key, entry, group) for key, entry in entries.items())
    if not is_ours or not _TOKEN.fullmatch(token):
        return {}, ""
    return entries, token


def _is_ours(key: str, entry: object, group: str) -> bool:
    """Whether an update of a group can have replaced this document."""
    place, _, name = key.rpartition("/")
    if inside(key) is not None or name not in _REPLACED:
        return False
    is_above = not place or f"{group}/".startswith(f"{place}/")
    if not (is_above or not group or f"{place}/".startswith(f"{group}/")):
        return False
    if not isinstance(entry, Mapping) or not isinstance(entry.get("content"), str):
        return False
    is_digest = _DIGEST.fullmatch(str(entry.get("before"))) is not None
    return is_digest and (name == _TEXT or _is_of_group(name, entry))


def _is_of_group(name: str, entry: Mapping[str, Any]) -> bool:
    """Whether a new content is a document of a group, and none of an array."""
    try:
        told = json.loads(_content(entry))
    except (ValueError, RecursionError):
        return False
    if not isinstance(told, Mapping):
        return False
    return name != "zarr.json" or told.get("node_type") == "group"


def _content(entry: Mapping[str, Any]) -> bytes:
    return str(entry["content"]).encode("utf-8", "surrogateescape")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_folder(root: Target) -> bool:
    return root.directory is not None and type(root.store) is LocalStore


def _replace(root: Target, contents: Mapping[str, bytes], token: str = "") -> None:
    """Store contents; in folders each by a rename, after all are on the disk."""
    if not _is_folder(root):
        _put(root, contents)
        return
    files = {_file(root, key): content for key, content in contents.items()}
    replace_files(files, token)


def _put(root: Target, contents: Mapping[str, bytes]) -> None:
    """Put all, many at a time; if one fails, only after the others have ended.

    Puts that are still under way would undo what is put back.
    """
    buffer = default_buffer_prototype().buffer

    async def put_all() -> None:
        room = asyncio.Semaphore(_IN_FLIGHT)

        async def put_one(key: str, value: bytes) -> None:
            async with room:
                where = join(root.path, key)
                await root.store.set(where, buffer.from_bytes(value))

        puts = [put_one(*item) for item in contents.items()]
        done = await asyncio.gather(*puts, return_exceptions=True)
        for failure in done:
            if isinstance(failure, BaseException):
                raise _as_own(failure, root)

    sync(put_all())


def _as_own(failure: BaseException, root: Target) -> BaseException:
    """A failure, with a name that callers know where it is that of a network library.

    What answers requests to read need not take any to write.
    """
    library = type(failure).__module__.partition(".")[0]
    if library not in _LIBRARIES and not isinstance(failure, NotImplementedError):
        return failure
    own = OSError(f"{root} cannot be written: {failure}")
    own.__cause__ = failure
    return own


def _file(root: Target, key: str) -> Path:
    assert root.directory is not None
    return root.directory / key


def _remove(root: Target, key: str) -> None:
    if _is_folder(root):
        _file(root, key).unlink(missing_ok=True)
    else:
        sync(root.store.delete(join(root.path, key)))
