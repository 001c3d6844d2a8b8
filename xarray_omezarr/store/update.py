"""Attributes of many groups revised together: all are made before one is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from zarr.storage import LocalStore, ZipStore

from xarray_omezarr.errors import NotOmeZarrError, OptionError, warn
from xarray_omezarr.hierarchy import join
from xarray_omezarr.store.claim_others import refuse_claimed
from xarray_omezarr.store.lock import (
    FolderLock,
    NoLock,
    documents_alone,
    lock_of,
)
from xarray_omezarr.store.occupancy import METADATA, UNFINISHED
from xarray_omezarr.store.open_documents import (
    GROUP_NAMES,
    group_attrs,
    read_documents,
)
from xarray_omezarr.store.protected import refuse_links
from xarray_omezarr.store.reach import Reach
from xarray_omezarr.store.sessions import check_writable
from xarray_omezarr.store.standing import group_at
from xarray_omezarr.store.target import Target
from xarray_omezarr.store.update_log import commit, finish, keeps_log
from xarray_omezarr.store.zip_target import OneFile

if TYPE_CHECKING:
    import zarr

    from xarray_omezarr.store.arrays import ZarrFormat

Attributes: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Contents:
    """What groups and files hold, by path inside the store."""

    groups: Mapping[str, Attributes]
    files: Mapping[str, bytes]


#: What groups and files shall hold, of what they hold now; others stay as they are.
Revise: TypeAlias = Callable[[Contents], Contents]

# Copies of the documents of all groups below, in Zarr v2.
_COPIES = ".zmetadata"


def check_updatable(target: Target) -> None:
    """Raise if nothing in the store can be replaced.

    Raises
    ------
    OptionError
        Saying why.
    """
    if isinstance(target.store, OneFile):
        target.store.refuse()
    if isinstance(target.store, ZipStore):
        raise OptionError(
            f"{target} is a zip file, in which nothing can be written twice; unpack it "
            "to a folder, correct it there, and zip that"
        )
    check_writable(target)


def update_groups(
    target: Target,
    zarr_format: ZarrFormat,
    paths: Sequence[str],
    files: Sequence[str],
    revise: Revise,
) -> zarr.Group:
    """Revise attributes of groups, and files: all of them, or none.

    Nobody else corrects the same store meanwhile. All documents are made
    before the first is stored. One document is replaced at once; of several a log is
    stored first, so that the next update can finish what was interrupted.

    Parameters
    ----------
    target : Target
        The group that is given back; the store that it is in is locked.
    zarr_format : int
        2 or 3.
    paths, files : sequence of str
        Of groups and of files that are no nodes, inside the store.
    revise : callable
        Makes the new contents; what it raises leaves everything as it is.

    Raises
    ------
    NotOmeZarrError
        If a group is not there, or unfinished.
    LockedError
        If somebody is writing what is to take the place of one.
    """
    check_updatable(target)
    root = root_of(target)
    refuse_links(root, [*paths, *(file.rpartition("/")[0] for file in files)])
    if not keeps_log(root):
        files = [path for path in files if path.rpartition("/")[2] in METADATA]
    # The root is locked, for whoever corrects one field and whoever corrects them all.
    with _alone(root, target):
        refuse_claimed(root, [target.path, *paths])
        finish(root, sorted({*paths, *_above(target.path), target.path}))
        documents = _read(root, zarr_format, paths, files)
        known = Contents(
            {p: _attributes(root, documents, p, zarr_format) for p in paths},
            {path: documents[path] for path in files if path in documents},
        )
        changes = _changes(documents, known, revise(known), zarr_format)
        commit(root, target.path, changes)
    return group_at(target)


def root_of(target: Target) -> Target:
    """The root of the store that a target is in."""
    if not target.path:
        return target
    store = target.store
    folder = Path(store.root).absolute() if isinstance(store, LocalStore) else None
    uri = target.uri.removesuffix(f"/{target.path}")
    return Target(store, "", folder, uri)


def _alone(target: Target, part: Target) -> AbstractContextManager[None]:
    lock = lock_of(target, "", Reach.from_here(target).process)
    if isinstance(lock, FolderLock):
        return _both(target, part)
    if not isinstance(lock, NoLock):
        return lock.held()
    if keeps_log(target):
        warn(
            f"{target} can neither lock nor create objects on condition: what another "
            "process changes in its metadata at the same time may be lost"
        )
    return nullcontext()


@contextmanager
def _both(target: Target, part: Target) -> Iterator[None]:
    # Who replaces the part looks at the lock of that.
    with documents_alone(target), documents_alone(part):
        yield


def _above(path: str) -> Iterator[str]:
    """Paths of the groups above one, the nearest first."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def _read(
    root: Target, zarr_format: ZarrFormat, paths: Iterable[str], files: Iterable[str]
) -> dict[str, bytes]:
    """All documents that are changed, and those that may hold copies of them."""
    paths = [*paths]
    groups = dict.fromkeys([*paths, *(above for p in paths for above in _above(p))])
    names = [GROUP_NAMES[zarr_format]]
    if zarr_format == 2:
        names.append(_COPIES)
    keys = [join(path, name) for path in groups for name in names]
    return read_documents(root, [*keys, *files])


def _attributes(
    root: Target, documents: Mapping[str, bytes], path: str, zarr_format: ZarrFormat
) -> Attributes:
    document = documents.get(join(path, GROUP_NAMES[zarr_format]))
    where = str(root.child(path))
    if document is None:
        raise NotOmeZarrError(f"{where} has no metadata any more; somebody removed it")
    attrs = group_attrs(document, zarr_format, where)
    if UNFINISHED in attrs:
        raise NotOmeZarrError(
            f"{where} is being written by somebody, or was left over when that was "
            "interrupted; finish it first"
        )
    return attrs


def _changes(
    documents: Mapping[str, bytes],
    known: Contents,
    revised: Contents,
    zarr_format: ZarrFormat,
) -> dict[str, tuple[bytes, bytes]]:
    """Old and new document by key, of those that differ."""
    changed = {
        path: attrs
        for path, attrs in revised.groups.items()
        if attrs != known.groups[path]
    }
    parsed: dict[str, Any] = {}
    for path, attrs in changed.items():
        _put_attributes(documents, parsed, path, attrs, zarr_format)
    changes = {
        key: (documents[key], _spelled(value, documents[key]))
        for key, value in parsed.items()
    }
    for path, content in revised.files.items():
        if content != known.files[path]:
            changes[path] = (known.files[path], content)
    return changes


def _put_attributes(
    documents: Mapping[str, bytes],
    parsed: dict[str, Any],
    path: str,
    attrs: Attributes,
    zarr_format: ZarrFormat,
) -> None:
    """Put attributes into the document of a group, and into all copies of it."""

    def opened(key: str) -> Any:
        if key in documents and key not in parsed:
            parsed[key] = json.loads(documents[key])
        return parsed.get(key)

    name = GROUP_NAMES[zarr_format]
    key = join(path, name)
    if zarr_format == 2:
        parsed[key] = dict(attrs)
    else:
        opened(key)["attributes"] = dict(attrs)
    for above in (path, *_above(path)):
        below = path[len(above) :].strip("/")
        copy = join(above, _COPIES if zarr_format == 2 else name)
        if _COPY_MARK not in documents.get(copy, b""):
            continue
        if zarr_format == 2:
            copies = opened(copy).get("metadata", {})
            if join(below, name) in copies:
                copies[join(below, name)] = dict(attrs)
        else:
            held = opened(copy).get("consolidated_metadata") or {}
            if below in held.get("metadata", {}):
                held["metadata"][below]["attributes"] = dict(attrs)


# Both kinds of copies stand under a key that ends so.
_COPY_MARK = b"consolidated"


def _spelled(value: Any, like: bytes) -> bytes:
    """JSON in the manner of another document."""
    text = like.decode()
    first = text.partition("\n")[2]
    indent = len(first) - len(first.lstrip(" ")) or None
    return json.dumps(value, indent=indent, ensure_ascii=text.isascii()).encode()
