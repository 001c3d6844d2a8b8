"""A write whose tasks run elsewhere, and store in forks of a session of icechunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import zarr
from zarr.storage import StorePath

from xarray_omezarr.store.crew import Alone
from xarray_omezarr.store.sessions import Changes, own_fork
from xarray_omezarr.store.sinks import HandleSink, ObjectSink, Sink

if TYPE_CHECKING:
    from zarr.abc.store import Store

    from xarray_omezarr.store.create import Begun

T = TypeVar("T")


class Rebound(Mapping[str, T], Generic[T]):
    """Arrays of one store as those of another, each made when it is asked for.

    A plate has thousands of them, of which a task needs a few.
    """

    def __init__(
        self, known: Mapping[str, T], store: Store, rebind: Callable[[T, Store], T]
    ) -> None:
        self._known = known
        self._store = store
        self._rebind = rebind

    def __getitem__(self, path: str) -> T:
        return self._rebind(self._known[path], self._store)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def _array_in(array: Any, store: Store) -> Any:
    """The same array in another store; nothing is read."""
    known = array.async_array
    made: Any = zarr.AsyncArray(
        metadata=known.metadata,
        store_path=StorePath(store, known.store_path.path),
        config=known.config,
    )
    return zarr.Array(made)


def _sink_in(sink: Sink, store: Store) -> Sink:
    if isinstance(sink, (ObjectSink, HandleSink)):
        return replace(sink, array=_array_in(sink.array, store))
    raise TypeError(f"{sink!r} stores to no array of zarr")


@dataclass(frozen=True, slots=True)
class Forked:
    """What tasks elsewhere know of a write under way; travels.

    Parameters
    ----------
    handles, sinks : mapping
        The stored arrays by path, in a fork that nobody writes to.
    store : zarr.abc.store.Store
        Of that fork, or of one that a task has for itself.
    hands : Alone
        Who encodes.
    changes : Changes
        What tasks have stored.
    """

    handles: Mapping[str, Any]
    sinks: Mapping[str, Sink]
    store: Any
    hands: Alone = field(default_factory=Alone)
    changes: Changes = field(default_factory=Changes)

    @classmethod
    def of(cls, begun: Begun, store: Store) -> Forked:
        """The write as it is in the store of a fork."""
        handles = {path: _array_in(a, store) for path, a in begun.handles.items()}
        sinks = {path: _sink_in(sink, store) for path, sink in begun.sinks.items()}
        return cls(handles, sinks, store)


def for_task(begun: Any, before: Iterable[Changes] = ()) -> Any:
    """A write under way as one task has it: in a fork of its own, if in any.

    Parameters
    ----------
    begun : Begun or Forked
        The write.
    before : iterable of Changes
        What tasks have stored that this one reads.
    """
    if not isinstance(begun, Forked):
        return begun
    store = own_fork(begun.store, Changes.merged(before))
    return Forked(
        Rebound(begun.handles, store, _array_in),
        Rebound(begun.sinks, store, _sink_in),
        store,
    )


def changes_of(begun: Any) -> Changes:
    """What a task has stored, when all of it is stored."""
    if not isinstance(begun, Forked):
        return Changes()
    return Changes([begun.store.session])


def after(begun: Any, changes: Iterable[Changes]) -> Any:
    """A write under way, with all that its tasks have stored."""
    if not isinstance(begun, Forked):
        return begun
    return replace(begun, changes=Changes.merged(changes))
