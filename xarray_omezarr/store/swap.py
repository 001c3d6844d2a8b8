"""What is finished takes the place of what was there, as the last step."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from xarray_omezarr.errors import LockedError, TargetExistsError, some
from xarray_omezarr.hierarchy import join
from xarray_omezarr.store.exchange import (
    Hold,
    exchange,
    remove,
    settle,
    sync_all,
    sync_folder,
)
from xarray_omezarr.store.lock import documents_alone
from xarray_omezarr.store.occupancy import inspect_target
from xarray_omezarr.store.ownership import contents_of
from xarray_omezarr.store.presence import refuse_writers, replacing
from xarray_omezarr.store.protected import refuse_protected
from xarray_omezarr.store.zip_target import OneFile
from xarray_omezarr.store.zip_writing import ZipWriting

if TYPE_CHECKING:
    from pathlib import Path

    from xarray_omezarr.store.claim import Claim
    from xarray_omezarr.store.place import Place
    from xarray_omezarr.store.target import Target

_SHOWN = 10


def begin_beside(place: Place, *, is_again: bool = False) -> Hold:
    """Remove what dead writers left beside a place; hold the folder that is written.

    Nothing of others who are alive is touched.

    Parameters
    ----------
    place : Place
        Where the write happens.
    is_again : bool
        Whether the same write was begun before: what its tasks have stored stays.

    Raises
    ------
    LockedError
        If that is not there any more.
    """
    final, working = place.final.directory, place.working.directory
    if final is None:
        return Hold()
    if not (is_again and place.is_beside and working is not None):
        settle(final.resolve())
        return Hold(working if place.is_beside else None)
    if not inspect_target(place.working).is_unfinished:
        raise LockedError(
            f"{working}, where what is to replace {place.final} was being written, "
            "has been removed by somebody else; nothing was replaced, write it once "
            "more"
        )
    hold = Hold(working)
    # What is held is in use.
    settle(final.resolve())
    return hold


def refuse_writers_inside(place: Place, claim: Claim) -> None:
    """Raise if somebody is writing into what was claimed to be replaced.

    Nobody begins to from now on, so that no work is lost when it goes.

    Raises
    ------
    LockedError
        Naming what is written, or if the claim went with what was upgraded.
    """
    final = place.final
    if final.directory is None or not place.is_beside or place.found.is_free:
        return
    # Who changes metadata looks for claims while it holds this lock.
    with documents_alone(final):
        claim.check()
    refuse_writers(final.directory.resolve(), is_claimed=True)


def swap(place: Place, attributes: Mapping[str, Any]) -> None:
    """Put what is finished in the place of the old image, as the last step.

    Parameters
    ----------
    place : Place
        Its working target holds everything but the attributes of the root.
    attributes : mapping
        The attributes of the root.

    Raises
    ------
    TargetExistsError
        If what is replaced is not any more what it was when the write began.
    LockedError
        If somebody is writing into it.
    """
    if not inspect_target(place.working).is_unfinished:
        # A scheduler that runs this a second time must not remove what the first
        # time has put into place.
        raise TargetExistsError(
            f"What was to be put at {place.final} is not there any more: it has been "
            "put into place already, or removed"
        )
    zarr.open_group(place.working.store, path=place.working.path, mode="r+").attrs.put(
        dict(attributes)
    )
    if isinstance(place.working.store, ZipWriting):
        if isinstance(place.final.store, OneFile):
            place.final.store.forget()
        place.working.store.finish()
        return
    new, current = place.working.directory, place.final.directory
    if new is None or current is None:
        sync(_move_in_memory(place.working, place.final))
        return
    # The target may be a link to the folder; the folder is what is replaced.
    _swap_folders(place, new, current.resolve())


def _swap_folders(place: Place, new: Path, current: Path) -> None:
    # The old one is removed afterwards: the machine may stop, too.
    sync_all(new)
    if not os.path.lexists(current):
        os.rename(new, current)
        sync_folder(current.parent)
        return
    with replacing(current, is_claimed=True):
        refuse_what_came_since(place)
        refuse_protected(current)
        exchange(new, current)
    remove(new)


def refuse_what_came_since(place: Place) -> None:
    """Raise if somebody put something there since it was looked at.

    Raises
    ------
    TargetExistsError
        Naming it.
    """
    target = place.final
    occupancy = inspect_target(target)
    if occupancy.is_free:
        return
    came: list[str] = []
    if occupancy.kind == "group":
        contents = contents_of(target, occupancy)
        known = {*place.had.labels, *place.had.members, *place.had.strangers}
        found = (*contents.strangers, *contents.labels, *contents.members)
        came = [path for path in found if path not in known]
    if occupancy.kind != "group" or came:
        what = some(came, _SHOWN) if came else f"what is no group, but {occupancy.kind}"
        raise TargetExistsError(
            f"Somebody put {what} at {target} while what replaces it was written; "
            "nothing has been replaced. Write it once more, or to another place"
        )


async def _move_in_memory(new: Target, final: Target) -> None:
    prototype = default_buffer_prototype()
    keys = [key async for key in new.store.list()]
    values = {
        join(final.path, key): value
        for key in keys
        if (value := await new.store.get(key, prototype)) is not None
    }
    held = getattr(final.store, "_store_dict", None)
    if type(held) is not dict:
        await final.store.delete_dir(final.path)
        for key in sorted(values, key=lambda key: -key.count("/")):
            await final.store.set(key, values[key])
        return
    # Readers in other threads find all of the old one or all of the new one: this is
    # one step for them. What only the old one had comes after it.
    held.update(values)
    start = f"{final.path}/" if final.path else ""
    for key in [key for key in list(held) if key.startswith(start)]:
        if key not in values:
            held.pop(key, None)
