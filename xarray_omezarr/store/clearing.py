"""Remove what a write left, under its claim: the claim itself stays to the end."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

from zarr.core.sync import sync

from xarray_omezarr.hierarchy import join
from xarray_omezarr.store.claim import CLAIM
from xarray_omezarr.store.in_flight import MANY, each
from xarray_omezarr.store.occupancy import METADATA
from xarray_omezarr.store.sessions import holds_key

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target


def clear(target: Target, *, keep: Collection[str] = ()) -> None:
    """Remove all that is below a group but the claim of whoever writes it.

    Parameters
    ----------
    target : Target
        The group.
    keep : collection of str
        Names right below it that stay, too.
    """
    kept = {CLAIM, *keep}
    if target.directory is None:
        sync(_clear_store(target, kept))
        return
    with suppress(FileNotFoundError), os.scandir(target.directory) as entries:
        for entry in list(entries):
            if entry.name in kept:
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


async def _clear_store(target: Target, kept: Collection[str]) -> None:
    store = target.store
    room = asyncio.Semaphore(MANY)
    above = f"{target.path}/" if target.path else ""
    # Images and arrays below are taken for nothing before any pixel of theirs goes.
    documents = [
        key
        async for key in store.list_prefix(above)
        if key.rsplit("/", 1)[-1] in METADATA
        and key.removeprefix(above).split("/", 1)[0] not in kept
    ]
    await each(store.delete, documents, lambda: room)

    async def remove(name: str) -> None:
        key = join(target.path, name)
        # Of a file, this is refused.
        with suppress(ValueError):
            await store.delete_dir(key)
        # Stores over folders refuse to delete one as if it were an object.
        if holds_key(store, key) and await store.exists(key):
            await store.delete(key)

    listed = {name.strip("/") async for name in store.list_dir(target.path)}
    await each(remove, listed - {"", *kept}, lambda: room)
