"""Run a write: check, start, fill, commit, and clean up where that fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import dask

from xarray_omezarr.hierarchy import Given
from xarray_omezarr.store import windows
from xarray_omezarr.store.blocks import plan_stages
from xarray_omezarr.store.create import (
    Commit,
    Start,
    check_arrays,
    opened,
    without_pixels,
)
from xarray_omezarr.store.crew import available_cores, crew, is_near, threads_for
from xarray_omezarr.store.disk_faults import told_of
from xarray_omezarr.store.disk_rules import check_names, check_rights
from xarray_omezarr.store.fill import BlockWriter, block_writers
from xarray_omezarr.store.finished import AsFound, is_finished
from xarray_omezarr.store.forked import Forked
from xarray_omezarr.store.origins import refuse_own_source
from xarray_omezarr.store.parents import Parents
from xarray_omezarr.store.pixels import is_in_memory, read_as_a_whole
from xarray_omezarr.store.place import (
    Place,
    cleaned_up_on_error,
    find_place,
    refuse_losing_members,
    warn_of_replacing,
)
from xarray_omezarr.store.progress import Progress, Report, total_bytes
from xarray_omezarr.store.reach import Reach, has_client, tasks_leave
from xarray_omezarr.store.resume import (
    Resumption,
    fingerprint,
    refuse_resuming,
    skipped_bytes,
)
from xarray_omezarr.store.sessions import Changes, Forks
from xarray_omezarr.store.stored import NOTHING, Stored, find_stored
from xarray_omezarr.store.tasks import compute as run
from xarray_omezarr.store.tasks import fill_later, is_dask
from xarray_omezarr.store.visit import fill_now
from xarray_omezarr.store.writers import ArrayWriter, ZarrWriter
from xarray_omezarr.store.zip_target import refuse_writer, warn_of_entries

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.store.create import Begun
    from xarray_omezarr.store.fill import Limits
    from xarray_omezarr.store.target import Target
    from xarray_omezarr.store.transfer import Transfer

#: Bytes that a write holds at once, per thread of dask, unless the user says more.
DEFAULT_LIMIT = 128 * 2**20

# A block with its levels, the one before it, and what codecs make of both.
_BLOCKS_HELD = 4

_ZARR = ZarrWriter()


def write(
    hierarchy: Hierarchy,
    target: Target,
    *,
    mode: str | None,
    compute: bool,
    writer: ArrayWriter = _ZARR,
    progress: object = False,
    memory_limit: int | None = None,
    finish: Callable[[], Any] | None = None,
    transfer: Transfer | None = None,
    resume: bool = False,
) -> Any:
    """Write `hierarchy` at `target`.

    Everything that can be refused is refused before the first byte. The metadata
    of the standard come last, the root's last of all, so that nothing unfinished
    is taken for an image.

    Parameters
    ----------
    hierarchy : Hierarchy
        What to write.
    target : Target
        Where.
    mode : {None, "w-", "w", "a"}
        What to do with what is there.
    compute : bool
        False returns a Delayed that does all of it; until it runs, nothing at the
        target is touched.
    writer : ArrayWriter
        Who makes and fills the arrays.
    progress : bool or callable
        The write option.
    memory_limit : int, optional
        Bytes that the write may hold at once.
    finish : callable, optional
        Called when all is in its place, by the process that put it there; gives the
        group that is returned. It travels to that process.
    transfer : Transfer, optional
        Stored objects of another place that are copied below the same root; not with
        `compute` False.
    resume : bool
        Whether to go on with what an interrupted write of the same has left. One that
        fails then leaves what it has stored.

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The root group, or what `finish` gives; or the Delayed that gives it.
    """
    check_arrays(hierarchy)
    if resume:
        refuse_resuming(hierarchy, target, writer)
        if is_finished(hierarchy, target):
            bare = without_pixels(hierarchy)
            given = AsFound(target, finish or partial(opened, target, bare))
            return given() if compute else dask.delayed(given, pure=False)()
    check_names(target, hierarchy)
    place = find_place(target, mode, hierarchy)
    if not isinstance(writer, ZarrWriter):
        refuse_writer(target)
    writer.check(hierarchy, target)
    if not place.found.is_free and not place.is_beside:
        refuse_own_source(hierarchy, target)
    refuse_losing_members(place, hierarchy)
    check_rights(place, hierarchy)
    is_lazy = any(is_dask(node) for node in hierarchy.arrays.values())
    reach = Reach.from_here(target)
    forks = Forks(target) if reach.is_session and tasks_leave() else None
    if compute and is_lazy:
        if forks is None:
            reach.check_cluster(target.store)
        else:
            forks.check()
    copied = 0 if transfer is None else transfer.nbytes
    shown = Progress(progress, total_bytes(hierarchy.arrays) + copied)
    report = shown.report()
    warn_of_entries(target.store, _objects(hierarchy, transfer))
    job = _Job(hierarchy, target, block_limit(memory_limit, is_lazy or not compute))
    work = _work(hierarchy, job.limit, is_lazy or not compute, report)
    bare = without_pixels(hierarchy)
    resumption = Resumption(fingerprint(hierarchy), resume)
    if resumption.goes_on(place.found, bare, target) and not compute:
        resumption = resumption.after(work, find_stored(target, bare).stored)
    start = Start(bare, target, mode, reach, writer, report, resumption)
    commit = Commit(bare, report, finish)
    if not compute:
        warn_of_replacing(place)
        # dask would look into the arguments for arrays of its own.
        started = dask.delayed(start, pure=False, traverse=False)()
        return job.later(work, started, commit, resumption.expected)
    with (
        told_of(place),
        start.claimed(place) as (place, claim),
        shown,
        cleaned_up_on_error(place, claim) as clean_up,
        # Gone before anything is cleaned up, so that nothing is put afterwards.
        crew(threads_for(target.store), job.limit) as hands,
    ):
        # Nothing refuses any more, and nothing is lost yet.
        warn_of_replacing(place)
        if resume:
            clean_up.renounce()
        _withdraw(place, finish)
        begun = start.begin(place, claim, hands)
        if transfer is not None:
            transfer(begun.root, report)
        if is_lazy:
            if forks is None:
                reach.check_travel(begun.handles)
            if has_client() and forks is None:
                # Tasks on workers may run on when this process has given up: into what
                # is marked as unfinished, which the next write there removes first.
                clean_up.renounce()
            if forks is not None:
                return commit(_fill_forks(job, work, begun, forks), begun)
            started = dask.delayed(begun, pure=False, traverse=False)
            report(skipped_bytes(work, begun.stored), "stored")
            return run(job.later(work, started, commit, begun.stored))
        watch = windows.Watch(hierarchy)
        limits = fill_now(hierarchy.arrays, work, begun, hands, watch)
        return commit(limits, begun, watch.shown)


def _withdraw(place: Place, finish: Callable[[], Any] | None) -> None:
    """Take what is replaced where it stands off the lists of the groups above it."""
    listing = getattr(finish, "finish", finish)
    if isinstance(listing, Parents) and not (place.is_beside or place.found.is_free):
        above = len(listing.target.path)
        listing.withdraw(place.final.path[above:].lstrip("/"))


def _objects(hierarchy: Hierarchy, transfer: Transfer | None) -> Iterator[int]:
    """How many objects each array is stored in."""
    copied = {} if transfer is None else transfer.arrays
    sizes = [(node.shape, node.layout.objects) for node in hierarchy.arrays.values()]
    for shape, unit in [*sizes, *((one.shape, one.unit) for one in copied.values())]:
        yield math.prod(-(-n // c) for n, c in zip(shape, unit, strict=True))


@dataclass(frozen=True, slots=True)
class _Job:
    """What is filled, where, and how much a block of it may hold."""

    hierarchy: Hierarchy
    target: Target
    limit: int

    def later(
        self,
        work: Sequence[BlockWriter],
        started: Any,
        commit: Callable[[dict[str, Limits], Any], Any],
        stored: Stored = NOTHING,
    ) -> Any:
        """A Delayed that fills what is not stored yet, and commits."""
        store = self.target.store
        return fill_later(
            self.hierarchy.arrays,
            work,
            started,
            commit,
            # The threads of dask encode; those of a crew would only wait for puts.
            threads=1 if is_near(store) else threads_for(store),
            limit=self.limit,
            stored=stored,
        )


def _fill_forks(
    job: _Job, work: Sequence[BlockWriter], begun: Begun, forks: Forks
) -> dict[str, Limits]:
    """Fill arrays of a session: tasks store in forks, which this process merges."""
    away = Forked.of(begun, forks.store())
    started = dask.delayed(away, pure=False, traverse=False)
    limits, changes = run(job.later(work, started, _found))
    forks.merge(changes)
    return cast("dict[str, Limits]", limits)


def _found(limits: dict[str, Limits], begun: Forked) -> tuple[Any, Changes]:
    return limits, begun.changes


def block_limit(memory_limit: int | None, uses_dask: bool) -> int:
    """Bytes that one block may hold with all levels made from it.

    dask works on as many blocks as it has threads.
    """
    if memory_limit is None:
        return DEFAULT_LIMIT // _BLOCKS_HELD
    blocks = _BLOCKS_HELD * (available_cores() if uses_dask else 1)
    return max(1, memory_limit // blocks)


def _work(
    hierarchy: Hierarchy, limit: int, uses_dask: bool, report: Report
) -> list[BlockWriter]:
    arrays = hierarchy.arrays
    given = {p: n.given for p, n in arrays.items() if isinstance(n.source, Given)}
    stages = plan_stages(
        arrays,
        limit,
        # Blocks that nest are parts that are held anyhow, unless they are read back.
        outer_budget=limit if uses_dask else 2 * limit,
        in_memory=[path for path, pixels in given.items() if is_in_memory(pixels)],
        source_chunks={path: read_as_a_whole(pixels) for path, pixels in given.items()},
    )
    return block_writers(arrays, stages, windows.channel_axes(hierarchy), report)
