"""An image that exists, opened to be written into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import zarr
from zarr.storage import ZipStore

from xarray_omezarr.errors import LockedError, NotInVersionError, OptionError
from xarray_omezarr.grid.kept import KEY
from xarray_omezarr.hierarchy import ArrayNode, Deferred, Hierarchy, join
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.amend import (
    Amendment,
    Pixels,
    amend_now,
    plan_rounds,
)
from xarray_omezarr.store.amend_tasks import amend_later
from xarray_omezarr.store.arrays import readable
from xarray_omezarr.store.claim_others import refuse_claimed
from xarray_omezarr.store.disk_faults import told_with
from xarray_omezarr.store.disk_rules import refuse_unwritable
from xarray_omezarr.store.lock import NoLock, ProcessLock, check_lock, lock_of
from xarray_omezarr.store.open import open_hierarchy
from xarray_omezarr.store.origins import reads_from
from xarray_omezarr.store.presence import writing
from xarray_omezarr.store.progress import Progress, Report
from xarray_omezarr.store.protected import refuse_linked_chunks, refuse_links
from xarray_omezarr.store.reach import Reach, tasks_leave
from xarray_omezarr.store.rules import with_rules
from xarray_omezarr.store.sessions import check_writable
from xarray_omezarr.store.tasks import compute as computed
from xarray_omezarr.store.zip_target import OneFile

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Readable
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.store.boxes import Box
    from xarray_omezarr.store.target import Target


@dataclass(frozen=True, slots=True)
class Existing:
    """An image that exists.

    Parameters
    ----------
    target : Target
        Where it is.
    hierarchy : Hierarchy
        What it is, as `open_hierarchy` gives it.
    folder : tuple of int, optional
        What tells its folder from one that takes its place, on local disks.
    """

    target: Target
    hierarchy: Hierarchy
    folder: tuple[int, int] | None = None

    @property
    def is_still_there(self) -> bool:
        """Whether nothing has taken its place since it was opened."""
        return self.folder is None or folder_at(self.target) == self.folder

    @contextmanager
    def written(self, *, alone: bool = False) -> Iterator[None]:
        """A context in which nobody replaces it, on local disks.

        Parameters
        ----------
        alone : bool
            Whether no other writer may be there, as others will wait.

        Raises
        ------
        LockedError
            If it has been replaced, or got another shape, since it was opened.
        """
        finest = self.paths[0]
        if self.folder is None or self.target.directory is None:
            yield
            return
        with writing(self.target.directory.resolve() / finest, alone=alone):
            (stored,) = self.handles([finest]).values()
            known = self.hierarchy.array(finest).shape
            if not self.is_still_there or stored.shape != known:
                raise LockedError(
                    f"{self.target} has been replaced, or has grown, since it was "
                    "opened to be written to; nothing has been written. Write again"
                )
            yield

    @property
    def image(self) -> Image:
        """Its metadata."""
        return self.hierarchy.image()

    @property
    def paths(self) -> list[str]:
        """Paths of the levels, the finest first."""
        return [level.path for level in self.image.multiscale.levels]

    def levels(
        self, method: Any, *, pyramid: bool = True, remake: bool = False
    ) -> dict[str, ArrayNode]:
        """Nodes of the levels by path; the coarser ones know what they are made of.

        Parameters
        ----------
        method : str or callable
            The write option.
        pyramid : bool
            False: level 0 alone.
        remake : bool
            Whether all their pixels will be remade.
        """
        ruled = self.hierarchy
        if pyramid:
            ruled = with_rules(ruled, method, self.target, remake=remake)
        chosen = self.paths if pyramid else self.paths[:1]
        nodes = {path: ruled.array(path) for path in chosen}
        finest = self.paths[0]
        nodes[finest] = replace(nodes[finest], source=Deferred())
        return nodes

    def handles(
        self, paths: list[str], *, write_empty_chunks: bool = False
    ) -> dict[str, zarr.Array[Any]]:
        """The stored arrays, to be written to.

        Parameters
        ----------
        paths : list of str
            Of the levels.
        write_empty_chunks : bool
            The write option; nothing that is stored tells it.
        """
        zarr_format = self.hierarchy.version.features.zarr_format
        opened = {}
        for path in paths:
            array = zarr.open_array(
                self.target.store,
                path=join(self.target.path, path),
                mode="r+",
                zarr_format=zarr_format,
            )
            opened[path] = _with_empty_chunks(array, write_empty_chunks)
        return opened


def _with_empty_chunks(array: zarr.Array[Any], stored: bool) -> zarr.Array[Any]:
    # Of an array that exists, `zarr.open_array` takes no configuration.
    known = array.async_array
    config = replace(known.config, write_empty_chunks=stored)
    told: Any = zarr.AsyncArray(
        metadata=known.metadata, store_path=known.store_path, config=config
    )
    return readable(zarr.Array(told))


def open_existing(target: Target, version: str | None) -> Existing:
    """The image at `target`, to be written into.

    Raises
    ------
    OptionError
        If the store cannot be written to.
    NotInVersionError
        If it is written in another version than `version`.
    OmeZarrError
        As `open_hierarchy`.
    """
    if isinstance(target.store, OneFile):
        target.store.refuse()
    if isinstance(target.store, ZipStore):
        raise OptionError(
            f"{target} is a zip file, in which nothing can be written twice; unpack "
            "it to a folder, write there, and convert that back"
        )
    check_writable(target)
    folder = folder_at(target)
    refuse_links(target, (KEY,))
    hierarchy = open_hierarchy(target)
    if version is not None and registry.get(version) != hierarchy.version:
        raise NotInVersionError(
            f"{target} is an image of version {hierarchy.version.name}, and version is "
            f"{version!r}; leave it out: what is added has the version of the image"
        )
    return Existing(target, hierarchy, folder)


def folder_at(target: Target) -> tuple[int, int] | None:
    """What tells a folder of a local disk from one that takes its place."""
    if target.directory is None:
        return None
    try:
        told = target.directory.stat()
    except OSError:
        return None
    return told.st_dev, told.st_ino


def plan_amendment(
    existing: Existing,
    arrays: Mapping[str, ArrayNode],
    handles: Mapping[str, zarr.Array[Any]],
    box: Box,
    budget: int,
    *,
    alone: bool = False,
) -> tuple[Amendment, Reach]:
    """A change of the pixels in `box` of level 0 and of what depends on them.

    Parameters
    ----------
    existing : Existing
        The image.
    arrays, handles : mapping
        Nodes of its levels, and the stored arrays, by path.
    box : tuple of slice
        In level 0.
    budget : int
        Bytes of a block with what it is made from.
    alone : bool
        Whether there can be no other writers, so that a store without locks will do.

    Raises
    ------
    OptionError
        If it must share stored objects with other writers, and the store has
        nothing to serialise them; or if folders of chunks are links that leave it.
    """
    reach = Reach.from_here(existing.target)
    folder = existing.target.directory
    if folder is not None:
        refuse_unwritable([folder / path for path in arrays], existing.target.uri)
    rounds = plan_rounds(arrays, box, budget)
    for each in rounds:
        refuse_linked_chunks(existing.target, each.path, handles[each.path], each.box)
    nobody = NoLock(existing.target.uri)
    amendment = Amendment(arrays, handles, rounds, nobody, budget, Report())
    if amendment.shares_objects:
        # To find out what a store can lock takes several requests.
        lock = lock_of(existing.target, existing.paths[0], reach.process)
        if alone and isinstance(lock, NoLock):
            lock = ProcessLock()
        check_lock(lock)
        amendment = replace(amendment, lock=lock)
    return amendment, reach


def refuse_own_pixels(existing: Existing, source: Readable) -> None:
    """Raise if pixels are read from the levels that they would change.

    Raises
    ------
    OptionError
        Saying what to do.
    """
    levels = (existing.target.child(path) for path in existing.paths)
    level = reads_from(source, *levels)
    if level is not None:
        raise OptionError(
            f"The pixels are read from {level}, which they would change while it is "
            "read; read them first with .load(), or write them to another place"
        )


@dataclass(frozen=True, slots=True)
class Amended:
    """Gives the group of the image, when the change has been made."""

    target: Target

    def __call__(self) -> zarr.Group:
        """The group."""
        return zarr.open_group(self.target.store, path=self.target.path, mode="r+")


def amend(
    existing: Existing,
    amendment: Amendment,
    pixels: Pixels | None,
    *,
    reach: Reach,
    compute: bool,
    progress: object = False,
    check: Callable[[], None] | None = None,
    finish: Any = None,
) -> Any:
    """Make the change, now or as a Delayed; the group of the image, or the Delayed.

    Parameters
    ----------
    existing : Existing
        The image.
    amendment : Amendment
        The change.
    pixels : Pixels, optional
        Those of level 0; None remakes the other levels only.
    reach : Reach
        Where the store can be written from.
    compute : bool
        False gives a Delayed.
    progress : bool or callable
        The write option.
    check : callable, optional
        Called when the change is about to begin; what it raises stops it.
    finish : callable, optional
        Called last; what it returns is returned.
    """
    last = Amended(existing.target) if finish is None else finish
    shown = Progress(progress, amendment.nbytes(remakes_only=pixels is None))
    amendment = replace(amendment, report=shown.report())
    report = amendment.report
    begin = _Begin(existing.target, reach, report, check)
    if not compute:
        return amend_later(amendment, pixels, begin, _End(last, report))
    if pixels is not None and pixels.is_dask:
        reach.check_cluster(existing.target.store)
    begin.check()
    with shown, told_with(_left(existing, pixels, grows=check is not None)):
        report.begin()
        if pixels is not None and pixels.is_dask:
            reach.check_travel(amendment.handles)
            return computed(amend_later(amendment, pixels, reach.check, last))
        if pixels is None and tasks_leave() and reach.process is None:
            return computed(amend_later(amendment, None, reach.check, last))
        amend_now(amendment, pixels)
        return last()


def _left(existing: Existing, pixels: Pixels | None, *, grows: bool) -> str:
    """What is left when a change stops half way."""
    if grows:
        return f"{existing.target} is as it was, of the size it had; append again"
    if pixels is None:
        return (
            f"Level 0 of {existing.target} is as it was, and coarser levels are not "
            "all made: call build_pyramid again"
        )
    return (
        f"The region of {existing.target} is written in part: pixels are old or new, "
        "and none are lost beyond it; write it again"
    )


@dataclass(frozen=True, slots=True)
class _Begin:
    """The first task of a Delayed."""

    target: Target
    reach: Reach
    report: Report
    image: Callable[[], None] | None

    def check(self) -> None:
        """Look at the image once more: much may have happened since the plan."""
        refuse_claimed(self.target)
        if self.image is not None:
            self.image()

    def __call__(self) -> None:
        self.reach.check()
        self.report.check()
        self.check()
        self.report.begin()


@dataclass(frozen=True, slots=True)
class _End:
    """The last task of a Delayed."""

    last: Any
    report: Report

    def __call__(self) -> Any:
        done = self.last()
        self.report.end()
        return done
