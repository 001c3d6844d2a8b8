"""Names of folders below a group, where a store tells them at little cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zarr.core.sync import sync
from zarr.storage import LocalStore, MemoryStore, ZipStore

from xarray_omezarr.hierarchy import join
from xarray_omezarr.store.walk_local import folders_in
from xarray_omezarr.store.zip_reading import ArchiveStore

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target


class Listing:
    """Folders of a hierarchy: those of a disk, of memory or of a zip.

    Servers are not asked: listing what may hold millions of chunks is slow, and often
    not allowed.

    Parameters
    ----------
    target : Target
        What paths count from.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[str, set[str]] | None = None

    @property
    def is_cheap(self) -> bool:
        """Whether the store is one that is listed."""
        return type(self._target.store) in (
            LocalStore,
            MemoryStore,
            ZipStore,
            ArchiveStore,
        )

    def folders(self, path: str) -> Sequence[str]:
        """Names of the folders at `path`, sorted; none where they are not known."""
        if not self.is_cheap:
            return ()
        if self._target.directory is not None:
            return folders_in(f"{self._target.directory}/{path}")
        if self._known is None:
            self._known = self._all_folders()
        return sorted(self._known.get(join(self._target.path, path), ()))

    def _all_folders(self) -> dict[str, set[str]]:
        """Folders of the whole store by the one above: they are listed once."""
        found: dict[str, set[str]] = {}
        for key in sync(self._keys()):
            above, _, _ = key.rpartition("/")
            while above:
                parent, _, name = above.rpartition("/")
                names = found.setdefault(parent, set())
                if name in names:
                    break
                names.add(name)
                above = parent
        return found

    async def _keys(self) -> list[str]:
        return [key async for key in self._target.store.list()]


def is_anything_there(target: Target) -> bool:
    """Whether there is any object or folder at a target, as far as can be told."""
    if target.directory is not None:
        return target.directory.exists()
    return sync(_has_any(target))


async def _has_any(target: Target) -> bool:
    store = target.store
    if not store.supports_listing:
        return False
    try:
        async for _ in store.list_dir(target.path):
            return True
    # Servers that give objects need not let themselves be listed.
    except (NotImplementedError, OSError):
        return False
    return False
