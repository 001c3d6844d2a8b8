"""What groups above a new node say of it: put right when the node is complete."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from xarray_omezarr.errors import NotInVersionError, OmeZarrWarning, warn
from xarray_omezarr.hierarchy import depth, join
from xarray_omezarr.ngff.labels import LabelsGroup
from xarray_omezarr.ngff.plate import Plate, Well
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.consolidated import places_with_copies, refresh
from xarray_omezarr.store.lock import (
    FolderLock,
    NoLock,
    documents_alone,
    lock_of,
)
from xarray_omezarr.store.nodes import put_files
from xarray_omezarr.store.occupancy import inspect_target
from xarray_omezarr.store.place import ancestors, require_group
from xarray_omezarr.store.protected import refuse_links
from xarray_omezarr.store.reach import Reach

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Model
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.target import Target

#: What a group shall say, of what it says now; None where it says nothing yet.
Revise: TypeAlias = Callable[["Model | None"], "Model | None"]

#: What a file shall hold, of what it holds now; None leaves it alone.
ReviseFile: TypeAlias = Callable[["bytes | None"], "bytes | None"]


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
    files : mapping
        What files shall hold that are no nodes, by path below `target`; they are put
        when all groups are.
    """

    target: Target
    version: Version
    revisions: Mapping[str, Revise]
    files: Mapping[str, ReviseFile] = field(default_factory=dict)

    def __call__(self) -> zarr.Group:
        """Revise them all; the group at the target."""
        zarr_format = self.version.features.zarr_format
        self._check_format(self.target)
        refuse_links(self.target, self.revisions)
        for place in (*ancestors(self.target), self.target):
            require_group(place, zarr_format)
        with self._alone():
            deepest = max(self.revisions, key=depth, default="")
            copied = places_with_copies(self.target.child(deepest))
            for path in sorted(self.revisions, key=depth, reverse=True):
                self._revise(path)
            for path, revise in self.files.items():
                self._revise_file(path, revise)
            # Not after the others are let in: copies of an older state would win.
            refresh(copied, held=self.target)
        return zarr.open_group(
            self.target.store,
            path=self.target.path,
            mode="r+",
            zarr_format=zarr_format,
        )

    def withdraw(self, path: str) -> None:
        """Take a node off the lists: what replaces it is not there for a while.

        What fails half way is not listed then. It is listed again when it is complete.
        The only field of the only well, and series, stay listed.
        """
        gone = _Withdrawal(path)
        groups = {group: partial(gone, group) for group in self.revisions}
        replace(self, revisions=groups, files={})()

    def _alone(self) -> AbstractContextManager[None]:
        lock = lock_of(self.target, "", Reach.from_here(self.target).process)
        if isinstance(lock, FolderLock):
            return documents_alone(self.target)
        if not isinstance(lock, NoLock):
            return lock.held()
        warn(
            f"{self.target} can neither lock nor create objects on condition: what "
            "another process adds to it at the same time may not be listed. Add "
            "from one process, or prepare all of it and write with mode='r+'"
        )
        return nullcontext()

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
        attrs: Mapping[str, Any] = dict(group.attrs)
        if path:
            attrs = registry.with_version(attrs, self.version)
        known = registry.detect(attrs)
        # Metadata of 0.4 in a group of Zarr v3 are a slip: labels outside ``ome``.
        same_format = known is not None and known.features.zarr_format == zarr_format
        # Groups below that tell another version tell that of the whole from now on.
        is_whole = same_format and not path
        if known is not None and known != self.version and is_whole:
            raise NotInVersionError(
                f"{target} is written in OME-Zarr {known.name}, and what was added is "
                f"in {self.version.name}; a store is of one version. Add it with "
                f"version={known.name!r}, or leave version out"
            )
        with warnings.catch_warnings():
            # Slips of others are said when it is opened, not with each addition.
            warnings.simplefilter("ignore", OmeZarrWarning)
            model = None if known is None else known.from_attrs(attrs)
        revised = self.revisions[path](model)
        if revised == model and (revised is None or known == self.version):
            return
        foreign = attrs if known is None else known.foreign(attrs)
        said = {} if revised is None else self.version.to_attrs(revised)
        group.attrs.put({**foreign, **said})

    def _revise_file(self, path: str, revise: ReviseFile) -> None:
        key = join(self.target.path, path)
        known = sync(self.target.store.get(key, default_buffer_prototype()))
        content = revise(None if known is None else known.to_bytes())
        if content is not None:
            put_files(self.target.store, self.target.path, {path: content})


class _Withdrawal:
    """Takes a node off the lists of the groups above it, the deepest group first."""

    def __init__(self, path: str) -> None:
        self._gone = path

    def __call__(self, group: str, model: Model | None) -> Model | None:
        name = self._gone.removeprefix(f"{group}/") if group else self._gone
        match model:
            case LabelsGroup():
                labels = tuple(label for label in model.labels if label != name)
                # The standard has no empty list; the group says nothing then.
                return model.model_copy(update={"labels": labels}) if labels else None
            case Well():
                images = tuple(image for image in model.images if image.path != name)
                if images:
                    return model.model_copy(update={"images": images})
                # A well has a field: it goes as a whole.
                self._gone = group
            case Plate():
                wells = tuple(well for well in model.wells if well.path != name)
                if wells:
                    return model.model_copy(update={"wells": wells})
        return model
