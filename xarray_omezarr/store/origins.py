"""Whether pixels that are to be written are read from the place they would replace."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import CellType, ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import dask.array
import numpy as np
import zarr
from zarr.storage import LocalStore, MemoryStore, WrapperStore, ZipStore

from xarray_omezarr.errors import OptionError
from xarray_omezarr.hierarchy import Given, Part, join
from xarray_omezarr.store.sessions import session_of
from xarray_omezarr.store.zip_target import OneFile

if TYPE_CHECKING:
    from zarr.abc.store import Store

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.store.target import Target

# Under these names tasks of dask and lazy arrays of xarray hold what they read from;
# neither has a public way to ask for it.
_HELD = (
    *("array", "_array", "_stored", "_members", "variable", "_data"),
    *("value", "args", "kwargs"),
)

# Options of filesystems with these words say which service it is, and not who asks.
_ADDRESSES = ("endpoint", "host", "port", "account_name")

# Of the environment, in the order in which clients of S3 look.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")

# What functions and methods hold on to: what they enclose, and what they belong to.
_BOUND = ("__closure__", "__defaults__", "__kwdefaults__", "__self__", "func")
_ENCLOSED = "cell_contents"

_PLAIN = (np.generic, bytes, int, float, slice, type(None), ModuleType, type)

# Texts longer than any path.
_LONGEST = 4096


def refuse_own_source(hierarchy: Hierarchy, target: Target) -> None:
    """Raise if the pixels would be gone before they are written.

    Raises
    ------
    OptionError
        If pixels of the hierarchy are read, lazily, from an array at or below the
        target, or with functions that are given, or enclose, its path. What functions
        open that look it up elsewhere is not recognised.
    """
    if reads_from_itself(hierarchy, target):
        if session_of(target.store) is not None:
            raise OptionError(
                "mode='w' would remove the pixels that are to be written: they are "
                f"read from the same session as {target}. Open the source from "
                "repo.readonly_session(...), or read them first with .load()"
            )
        raise OptionError(
            "mode='w' would remove the pixels that are to be written: they are "
            f"read from {target}, which has no rename. Write to another place, or "
            "read them first with .load()"
        )


def reads_from_itself(hierarchy: Hierarchy, target: Target) -> bool:
    """Whether pixels of the hierarchy are read, lazily, at or below the target."""
    given = [n.given for n in hierarchy.arrays.values() if isinstance(n.source, Given)]
    wholes = [source.whole if isinstance(source, Part) else source for source in given]
    return reads_from(wholes, target) is not None


def reads_from(source: object, *targets: Target) -> Target | None:
    """The first target at or below which an array is that lazy pixels are read from."""
    places = [(target, _place(target.store, target.path)) for target in targets]
    for found in _stored(source):
        if isinstance(found, str):
            for target, place in places:
                if _names(found, target, place):
                    return target
            continue
        inner = _place(found.store, found.path)
        for target, place in places:
            if _is_at_or_below(inner, place):
                return target
    return None


def _names(text: str, target: Target, place: tuple[object, str]) -> bool:
    """Whether a text is the path or the URL of something at or below a target.

    Functions that open it themselves are given it, or enclose it.
    """
    if place[0] == "folder":
        path = unquote(text.removeprefix("file://").removeprefix("local://"))
        if not os.path.isabs(path):
            return False
        real = Path(os.path.realpath(path)).as_posix()
        return _is_at_or_below(("folder", real), place)
    return "://" in text and f"{text.rstrip('/')}/".startswith(
        f"{target.uri.rstrip('/')}/"
    )


def overlap(one: Target, other: Target) -> bool:
    """Whether one of two places is the other, or lies in it."""
    stores = one.store, other.store
    if all(isinstance(store, MemoryStore) for store in stores):
        # Those are equal that hold the same, wherever they hold it.
        contents = [getattr(store, "_store_dict", store) for store in stores]
        if contents[0] is not contents[1]:
            return False
    places = [_place(target.store, target.path) for target in (one, other)]
    return _is_at_or_below(*places) or _is_at_or_below(*reversed(places))


def _stored(source: object) -> Iterator[zarr.Array[Any] | str]:
    """The stored arrays that a lazy one holds on to, and what may be paths of some."""
    # Kept, for what is made while looking may get the identity of what is gone.
    seen: dict[int, object] = {}
    waiting = [source]
    while waiting:
        held = waiting.pop()
        if isinstance(held, zarr.Array):
            yield held
            yield from _referred(held)
        elif isinstance(held, str | os.PathLike):
            yield from _paths([held])
        elif isinstance(held, np.memmap):
            yield from _paths([held.filename])
        elif type(held).__module__.partition(".")[0] == "tensorstore":
            yield from _driven(held)
        elif id(held) not in seen and _may_hold(held):
            seen[id(held)] = held
            waiting += _held_by(held)


def _paths(told: Iterable[object]) -> Iterator[str]:
    """Texts that may be absolute paths or URLs; most are neither."""
    for one in told:
        text = os.fspath(one) if isinstance(one, os.PathLike) else one
        if isinstance(text, str) and len(text) < _LONGEST and "\0" not in text:
            if os.path.isabs(text) or "://" in text:
                yield text


def _referred(array: zarr.Array[Any]) -> Iterator[str]:
    """Files that a store of references reads its chunks from."""
    references = getattr(_filesystem(array.store), "references", None)
    if isinstance(references, Mapping):
        firsts = (
            ref[0] for ref in references.values() if isinstance(ref, list) and ref
        )
        yield from _paths(dict.fromkeys(firsts))


def _driven(array: Any) -> Iterator[str]:
    """Where an array of tensorstore is."""
    with contextlib.suppress(Exception):
        store = array.spec().to_json()["kvstore"]
        if isinstance(store, str):
            yield from _paths([store])
        elif isinstance(store.get("path"), str):
            bucket = store.get("bucket")
            path = store["path"].rstrip("/")
            yield from _paths([path if bucket is None else f"s3://{bucket}/{path}"])


def _may_hold(held: object) -> bool:
    if isinstance(held, np.ndarray):
        return bool(held.dtype == object)
    return not isinstance(held, _PLAIN)


def _held_by(holder: Any) -> Iterable[object]:
    if isinstance(holder, dask.array.Array):
        return list(dict(holder.__dask_graph__()).values())
    if isinstance(holder, np.ndarray):
        return holder.ravel().tolist()
    if isinstance(holder, Mapping):
        return list(holder.values())
    if isinstance(holder, (list, tuple, set, frozenset)):
        return holder
    if isinstance(holder, CellType):
        with contextlib.suppress(ValueError):
            return [getattr(holder, _ENCLOSED)]
        return []
    names = _BOUND if callable(holder) else ()
    held = [getattr(holder, name, None) for name in (*_HELD, *names)]
    return [value for value in held if value is not None]


def _place(store: Store, path: str) -> tuple[object, str]:
    """What tells a store from others, and a path inside it."""
    while isinstance(store, WrapperStore):
        store = store._store
    if isinstance(store, ZipStore | OneFile) and store.path is not None:
        return "file", (store.path.resolve() / path).as_posix()
    folder = _folder(store)
    if folder is not None:
        # One folder may be reached through links, and by several libraries.
        return "folder", (Path(folder) / path).resolve().as_posix().rstrip("/")
    bucket = _bucket(store)
    if bucket is not None:
        # Libraries do not know of each other, and tell the same of a bucket.
        name, _, inner = join(bucket[2], path).partition("/")
        return (*bucket[:2], name), inner
    filesystem = _filesystem(store)
    if filesystem is not None:
        # One filesystem serves many stores, each from a folder of its own.
        return _service(filesystem), join(str(getattr(store, "path", "")), path)
    # Stores of one place differ if only one of them may be written through.
    return (store if store.read_only else store.with_read_only(True)), path


def _folder(store: Any) -> str | os.PathLike[str] | None:
    """The folder of this machine that a store of any library is in."""
    if isinstance(store, LocalStore):
        return store.root
    if "file" in _protocols(_filesystem(store)):
        return str(store.path)
    inner = getattr(store, "store", None)
    prefix = getattr(inner, "prefix", None)
    is_local = type(inner).__name__ == "LocalStore"
    return prefix if is_local and isinstance(prefix, str | os.PathLike) else None


def _bucket(store: Any) -> tuple[str, str, str] | None:
    """Protocol, address, and path with the bucket first; None of what is in none."""
    filesystem = _filesystem(store)
    if filesystem is not None:
        if "s3" not in _protocols(filesystem):
            return None
        told = getattr(filesystem, "storage_options", None) or {}
        own = told.get("client_kwargs") or {}
        address = told.get("endpoint_url") or own.get("endpoint_url")
        return "s3", _address(address), str(getattr(store, "path", ""))
    inner = getattr(store, "store", None)
    if type(inner).__name__ != "S3Store":
        return None
    config = _config(inner)
    if "bucket" not in config:
        return None
    prefix = str(getattr(inner, "prefix", None) or "")
    return "s3", _address(config.get("endpoint")), join(config["bucket"], prefix)


def _config(store: Any) -> Mapping[str, Any]:
    """What a store of obstore was made with; nothing if it cannot tell."""
    try:
        return dict(store.config)
    except BaseException as error:
        # Of some options it panics, which is no Exception.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            return {}
        raise


def _address(told: object) -> str:
    """Where S3 is, as told or as the environment has it; empty for Amazon."""
    told = told or next(filter(None, map(os.environ.get, _ENDPOINTS)), "")
    address = str(told).rstrip("/").lower()
    is_amazon = (urlsplit(address).hostname or "").endswith(".amazonaws.com")
    return "" if is_amazon else address


def _filesystem(store: Any) -> Any:
    """The filesystem of fsspec that a store is in; None of others."""
    filesystem = getattr(store, "fs", None)
    # zarr drives one that waits from inside of one that does not.
    return getattr(filesystem, "sync_fs", filesystem)


def _protocols(filesystem: Any) -> tuple[str, ...]:
    told = getattr(filesystem, "protocol", ())
    return (told,) if isinstance(told, str) else tuple(told)


def _service(filesystem: Any) -> object:
    """What tells a filesystem from others, whoever asks: keys do not, addresses do."""
    told = getattr(filesystem, "storage_options", None) or {}
    if "fo" in told:
        # It shows what is inside of a file; equal ones are the same object.
        return filesystem
    every = {**told, **(told.get("client_kwargs") or {})}
    addresses = {
        (key, str(value))
        for key, value in every.items()
        if any(word in key for word in _ADDRESSES)
    }
    return _protocols(filesystem), frozenset(addresses)


def _is_at_or_below(inner: tuple[object, str], outer: tuple[object, str]) -> bool:
    (store, path), (other, above) = inner, outer
    return store == other and f"{path}/".startswith(f"{above}/" if above else "")
