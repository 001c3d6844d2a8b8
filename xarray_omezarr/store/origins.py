"""Whether pixels that are to be written are read from the place they would replace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dask.array
import numpy as np
import zarr

from xarray_omezarr.hierarchy import join

if TYPE_CHECKING:
    from zarr.abc.store import Store

    from xarray_omezarr.store.target import Target

# Under these names tasks of dask and lazy arrays of xarray hold what they read from;
# neither has a public way to ask for it.
_HELD = ("array", "_array", "_stored", "variable", "_data", "value", "args", "kwargs")

_PLAIN = (np.ndarray, np.generic, str, bytes, int, float, slice, type(None))


def reads_from(source: object, target: Target) -> bool:
    """Whether an array is read, lazily, from a stored one at or below a target.

    Arrays that were opened by others than zarr are not recognised.
    """
    place = _place(target.store, target.path)
    return any(
        _is_at_or_below(_place(array.store, array.path), place)
        for array in _stored_arrays(source)
    )


def _stored_arrays(source: object) -> Iterator[zarr.Array[Any]]:
    """The stored arrays that a lazy one holds on to."""
    seen: set[int] = set()
    waiting = [source]
    while waiting:
        held = waiting.pop()
        if isinstance(held, zarr.Array):
            yield held
        elif not isinstance(held, _PLAIN) and id(held) not in seen:
            seen.add(id(held))
            waiting += _held_by(held)


def _held_by(holder: Any) -> Iterable[object]:
    if isinstance(holder, dask.array.Array):
        return list(dict(holder.__dask_graph__()).values())
    if isinstance(holder, Mapping):
        return list(holder.values())
    if isinstance(holder, (list, tuple, set, frozenset)):
        return holder
    held = (getattr(holder, name, None) for name in _HELD)
    return [value for value in held if value is not None]


def _place(store: Store, path: str) -> tuple[object, str]:
    """What tells a store from others, and a path inside it."""
    filesystem = getattr(store, "fs", None)
    if filesystem is not None:
        # One filesystem serves many stores, each from a folder of its own.
        return filesystem, join(getattr(store, "path", ""), path)
    # Stores of one place differ if only one of them may be written through.
    return (store if store.read_only else store.with_read_only(True)), path


def _is_at_or_below(inner: tuple[object, str], outer: tuple[object, str]) -> bool:
    (store, path), (other, above) = inner, outer
    return store == other and (path == above or path.startswith(f"{above}/" * bool(above)))
