"""What groups above a new node say of it: put right when the node is complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import zarr

from xarray_omezarr.errors import NotInVersionError
from xarray_omezarr.hierarchy import Model, depth
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.consolidated import refresh
from xarray_omezarr.store.lock import NoLock, lock_of
from xarray_omezarr.store.occupancy import inspect_target
from xarray_omezarr.store.place import ancestors, require_group
from xarray_omezarr.store.reach import Reach

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.target import Target

#: What a group shall say, of what it says now; None where it says nothing yet.
Revise: TypeAlias = Callable[["Model | None"], Model]


@dataclass(frozen=True, slots=True)
class Parents:
    """Puts a new node into the metadata of the groups above it.

    They are read when it is called, not before, and nobody else revises those of the
    same target meanwhile: no writer undoes what another has listed. Instances travel
    to other processes.

    Parameters
    ----------
    target : Target
        The outermost of the groups.
    version : Version
        How they are spelled.
    revisions : mapping
        What they shall say, by path below `target`. Deeper ones are put first, so
        that nothing is listed before it is there.
    """

    target: Target
    version: Version
    revisions: Mapping[str, Revise]

    def __call__(self) -> zarr.Group:
        """Revise them all; the group at the target."""
        zarr_format = self.version.features.zarr_format
        self._check_format(self.target)
        for place in (*ancestors(self.target), self.target):
            require_group(place, zarr_format)
        with self._alone():
            for path in sorted(self.revisions, key=depth, reverse=True):
                self._revise(path)
        refresh(self.target)
        return zarr.open_group(
            self.target.store,
            path=self.target.path,
            mode="r+",
            zarr_format=zarr_format,
        )

    def _alone(self) -> AbstractContextManager[None]:
        lock = lock_of(self.target, "", Reach.from_here(self.target).process)
        # Where nothing can be locked one writer is safe, and many prepare the whole.
        return nullcontext() if isinstance(lock, NoLock) else lock.held()

    def _check_format(self, target: Target) -> None:
        occupancy = inspect_target(target)
        wanted = self.version.features.zarr_format
        if occupancy.kind == "group" and occupancy.zarr_format != wanted:
            raise NotInVersionError(
                f"{target} is a group of Zarr v{occupancy.zarr_format}, and OME-Zarr "
                f"{self.version.name} is stored in Zarr v{wanted}; a store is of one "
                "version. Leave version out"
            )

    def _revise(self, path: str) -> None:
        target = self.target.child(path)
        zarr_format = self.version.features.zarr_format
        for place in (*ancestors(target), target):
            require_group(place, zarr_format)
        group = zarr.open_group(
            target.store,
            path=target.path,
            mode="r+",
            zarr_format=zarr_format,
            use_consolidated=False,
        )
        attrs = dict(group.attrs)
        known = registry.detect(attrs)
        if known is not None and known != self.version:
            raise NotInVersionError(
                f"{target} is written in OME-Zarr {known.name}, and what was added is "
                f"in {self.version.name}; a store is of one version. Add it with "
                f"version={known.name!r}, or leave version out"
            )
        model = None if known is None else known.from_attrs(attrs)
        revised = self.revisions[path](model)
        if revised == model:
            return
        foreign = attrs if known is None else known.foreign(attrs)
        group.attrs.put({**foreign, **self.version.to_attrs(revised)})


def version_of(target: Target) -> Version | None:
    """The version of the metadata at `target`; None where there are none.

    Raises
    ------
    UnknownVersionError
        If they tell a version that is not known here.
    """
    occupancy = inspect_target(target)
    if occupancy.kind != "group":
        return None
    return registry.detect(occupancy.attrs or {})
