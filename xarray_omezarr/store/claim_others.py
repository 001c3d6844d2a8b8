"""Nothing is put into what somebody else is about to replace: it would go with that.

Who replaces claims the place, then looks for writers in it; who writes is seen there
first, by its lock, then looks for claims. One of the two always sees the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from zarr.storage import LocalStore, MemoryStore

from xarray_omezarr.errors import LockedError
from xarray_omezarr.store.claim import CLAIM
from xarray_omezarr.store.claim_files import FileSpot
from xarray_omezarr.store.claim_memory import MemorySpot
from xarray_omezarr.store.claim_watch import Watch
from xarray_omezarr.store.exchange import trial
from xarray_omezarr.store.occupancy import inspect_target
from xarray_omezarr.store.sessions import innermost
from xarray_omezarr.store.target import Target

if TYPE_CHECKING:
    from xarray_omezarr.store.claim_ticket import Ticket

# Folders above one that may be what is replaced.
_ABOVE = 10


def refuse_claimed(target: Target, paths: Iterable[str] = ("",)) -> None:
    """Raise if somebody alive is replacing all of what is to be changed a little.

    What somebody writes where nothing was is no obstacle: until it is whole it says so
    itself, and a moment later its claim may still be there. Object stores are not
    asked: there, what is replaced says so itself.

    Parameters
    ----------
    target : Target
        What is to be changed, or a group above it.
    paths : iterable of str
        Of what changes, below `target`. All groups above are looked at, too.

    Raises
    ------
    LockedError
        Saying who writes, and since when.
    """
    store: Any = innermost(target.store)
    if target.directory is not None:
        refuse_claimed_folders(target.directory / path for path in paths)
    elif isinstance(store, MemoryStore):
        for path in {each for one in paths for each in _above(target.child(one).path)}:
            _refuse_in_memory(MemorySpot(store._store_dict, path), target.uri)


def refuse_claimed_above(target: Target) -> None:
    """As `refuse_claimed`, of the groups above a target, and of unfinished ones."""
    store: Any = innermost(target.store)
    if target.directory is not None:
        refuse_claimed_folders([target.directory.resolve().parent], new_too=True)
    elif isinstance(store, MemoryStore) and target.path:
        for path in _above(target.path.rpartition("/")[0]):
            spot = MemorySpot(store._store_dict, path)
            _refuse_in_memory(spot, target.uri, new_too=True)


def refuse_claimed_folders(folders: Iterable[Path], *, new_too: bool = False) -> None:
    """As `refuse_claimed`, of folders and those that they lie in.

    Parameters
    ----------
    folders : iterable of pathlib.Path
        Of what changes.
    new_too : bool
        Whether what is written where nothing was counts until it is whole.
    """
    seen: set[Path] = set()
    for folder in folders:
        place = Path(os.path.realpath(folder))
        for each in (place, *place.parents[:_ABOVE]):
            if each in seen:
                break
            seen.add(each)
            if os.path.lexists(each / CLAIM):
                _refuse_in_folder(FileSpot(each / CLAIM), new_too=new_too)


def _refuse_in_folder(spot: FileSpot, *, new_too: bool) -> None:
    watch = Watch(spot)
    while _is_locked(spot.path):
        other = spot.read()
        if _is_added(other) and not (new_too and _is_unfinished(spot.path.parent)):
            return
        if watch.is_alive(other):
            raise _refused(spot.path.parent, other)


def _refuse_in_memory(spot: MemorySpot, uri: str, *, new_too: bool = False) -> None:
    watch, held = Watch(spot), cast("dict[str, Any]", spot.memory)
    while (other := spot.read()).token:
        place = Target(MemoryStore(held), spot.path, None, uri)
        if _is_added(other) and not (new_too and _is_unfinished(place)):
            return
        if watch.is_alive(other):
            raise _refused(uri, other)


def _is_added(other: Ticket) -> bool:
    """Whether nothing was where somebody writes."""
    return bool(other.token) and not other.replaces


def _is_unfinished(place: Target | Path) -> bool:
    """Whether there is not yet all that somebody writes."""
    if isinstance(place, Path):
        place = Target(LocalStore(place), "", place, str(place))
    found = inspect_target(place)
    return found.is_unfinished or not found.has_ome_metadata


def _is_locked(file: Path) -> bool:
    with suppress(FileNotFoundError), trial(file) as is_free:
        return not is_free
    return False


def _above(path: str) -> Iterator[str]:
    yield path
    while path:
        path = path.rpartition("/")[0]
        yield path


def _refused(place: object, other: object) -> LockedError:
    return LockedError(
        f"{place} is being written anew by {other}, and what is put into it now would "
        "be gone when that takes its place. Nothing was written; do it when that is "
        "complete"
    )
