"""Hierarchy -> store: make nodes, fill arrays, commit the metadata last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import dask
import zarr
from zarr.core.sync import sync

from xarray_omezarr.errors import LayoutError
from xarray_omezarr.hierarchy import ArrayNode, Deferred, Given
from xarray_omezarr.store import windows
from xarray_omezarr.store.arrays import WritableArray, ZarrFormat, compressors
from xarray_omezarr.store.blocks import plan_stages
from xarray_omezarr.store.crew import available_cores, crew, threads_for
from xarray_omezarr.store.fill import BlockWriter, Limits, block_writers, fill_now
from xarray_omezarr.store.nodes import new_group, put_groups
from xarray_omezarr.store.occupancy import UNFINISHED
from xarray_omezarr.store.origins import refuse_own_source
from xarray_omezarr.store.pixels import is_in_memory, read_as_a_whole
from xarray_omezarr.store.place import (
    Place,
    ancestors,
    cleaned_up_on_error,
    find_place,
    swap,
    warn_of_replacing,
)
from xarray_omezarr.store.progress import Progress, Report, total_bytes
from xarray_omezarr.store.reach import Reach
from xarray_omezarr.store.sinks import Sink, sink_for
from xarray_omezarr.store.tasks import compute as run
from xarray_omezarr.store.tasks import fill_later, is_dask
from xarray_omezarr.store.writers import ArrayWriter, ZarrWriter, open_handles

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import GroupNode, Hierarchy
    from xarray_omezarr.store.target import Target

#: Bytes that a write holds at once, per thread of dask, unless the user says more.
DEFAULT_LIMIT = 128 * 2**20

# A block with its levels, the one before it, and what codecs make of both.
_BLOCKS_HELD = 4

_ZARR = ZarrWriter()
_SILENT = Report()

# The C library that blosc is cannot count further.
_BLOSC_BYTES = 2**31 - 17


def write(
    hierarchy: Hierarchy,
    target: Target,
    *,
    mode: str | None,
    compute: bool,
    writer: ArrayWriter = _ZARR,
    progress: object = False,
    memory_limit: int | None = None,
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

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The root group, or the Delayed that gives it.
    """
    check_arrays(hierarchy)
    place = find_place(target, mode, _zarr_format(hierarchy))
    writer.check(hierarchy, target)
    if not place.found.is_free and not place.is_beside:
        refuse_own_source(hierarchy, target)
    is_lazy = any(is_dask(node) for node in hierarchy.arrays.values())
    reach = Reach.from_here(target)
    if compute and is_lazy:
        reach.check_cluster()
    shown = Progress(progress, total_bytes(hierarchy.arrays))
    report = shown.report()
    warn_of_replacing(place)
    uses_dask = is_lazy or not compute
    limit = block_limit(memory_limit, uses_dask)
    # Blocks of a level are parts that are held anyhow, unless they are read back.
    outer = limit if uses_dask else 2 * limit
    work = _work(hierarchy, limit, outer, report)
    bare = _without_pixels(hierarchy)
    start = Start(bare, target, mode, reach, writer, report)
    commit = Commit(bare, report)
    if not compute:
        # dask would look into the arguments for arrays of its own.
        started = dask.delayed(start, pure=False, traverse=False)()
        return _later(hierarchy, work, started, commit, target, limit)
    with shown, cleaned_up_on_error(place):
        begun = start(place)
        if is_lazy:
            reach.check_travel(begun.handles)
            started = dask.delayed(begun, pure=False, traverse=False)
            return run(_later(hierarchy, work, started, commit, target, limit))
        with crew(threads_for(target.store), limit) as hands:
            limits = fill_now(hierarchy.arrays, work, begun, hands)
        return commit(limits, begun)


def block_limit(memory_limit: int | None, uses_dask: bool) -> int:
    """Bytes that one block may hold with all levels made from it.

    dask works on as many blocks as it has threads.
    """
    if memory_limit is None:
        return DEFAULT_LIMIT // _BLOCKS_HELD
    blocks = _BLOCKS_HELD * (available_cores() if uses_dask else 1)
    return max(1, memory_limit // blocks)


def _work(
    hierarchy: Hierarchy, limit: int, outer_limit: int, report: Report
) -> list[BlockWriter]:
    arrays = hierarchy.arrays
    given = {p: n.given for p, n in arrays.items() if isinstance(n.source, Given)}
    stages = plan_stages(
        arrays,
        limit,
        outer_budget=outer_limit,
        in_memory=[path for path, pixels in given.items() if is_in_memory(pixels)],
        source_chunks={path: read_as_a_whole(pixels) for path, pixels in given.items()},
    )
    return block_writers(arrays, stages, windows.channel_axes(hierarchy), report)


def _later(
    hierarchy: Hierarchy,
    work: Sequence[BlockWriter],
    started: Any,
    commit: Commit,
    target: Target,
    limit: int,
) -> Any:
    near = threads_for(target.store) == available_cores()
    return fill_later(
        hierarchy.arrays,
        work,
        started,
        commit,
        # The threads of dask encode; those of a crew would only wait for puts.
        threads=1 if near else threads_for(target.store),
        limit=limit,
    )


def check_arrays(hierarchy: Hierarchy) -> None:
    """Raise what makes an array of the hierarchy impossible to create."""
    for path, node in hierarchy.arrays.items():
        codecs = compressors(
            node.layout.compression, node.dtype, _zarr_format(hierarchy)
        )
        held = node.dtype.itemsize
        for size in node.layout.chunks:
            held *= size
        names = [type(codec).__name__.lower() for codec in _as_list(codecs)]
        if held > _BLOSC_BYTES and any("blosc" in name for name in names):
            raise LayoutError(
                f"Chunks of array {path!r} have {node.layout.chunks} pixels, {held} "
                f"bytes, and blosc compresses no more than {_BLOSC_BYTES} at once; "
                "choose smaller chunks, or compression='zstd'"
            )


def _as_list(codecs: Any) -> list[Any]:
    if codecs is None:
        return []
    return list(codecs) if isinstance(codecs, (list, tuple)) else [codecs]


def _zarr_format(hierarchy: Hierarchy) -> ZarrFormat:
    return hierarchy.version.features.zarr_format


@dataclass(frozen=True, slots=True)
class Begun:
    """A write under way: where, and the empty arrays by path."""

    place: Place
    root: zarr.Group
    handles: Mapping[str, WritableArray]
    sinks: Mapping[str, Sink]


@dataclass(frozen=True, slots=True)
class Start:
    """Makes the groups and the empty arrays, marked as unfinished.

    The target is looked at again, for somebody may have written there since the
    write was planned.
    """

    hierarchy: Hierarchy
    target: Target
    mode: str | None
    reach: Reach
    writer: ArrayWriter = _ZARR
    report: Report = _SILENT

    def __call__(self, place: Place | None = None) -> Begun:
        """Start; `place` where it was found just now."""
        self.reach.check()
        self.report.check()
        if place is None:
            place = find_place(self.target, self.mode, _zarr_format(self.hierarchy))
        root = self._make_root(place)
        below: dict[str, Any] = {path: {} for path in self.hierarchy.groups if path}
        put_groups(root.store, root.path, below, _zarr_format(self.hierarchy))
        handles = open_handles(self.hierarchy, root, self.writer)
        sinks = {path: sink_for(handle) for path, handle in handles.items()}
        self.report.begin()
        return Begun(place, root, handles, sinks)

    def _make_root(self, place: Place) -> zarr.Group:
        zarr_format = _zarr_format(self.hierarchy)
        for ancestor in ancestors(place.working):
            zarr.open_group(
                ancestor.store, path=ancestor.path, mode="a", zarr_format=zarr_format
            )
        where, found = place.working, place.found
        is_taken = bool(found.children) or found.is_unfinished
        replaced = not place.is_beside and found.kind == "group" and is_taken
        if replaced and not found.is_unfinished:
            # The old metadata go first: whatever is left if this stops half way is
            # not taken for an image.
            zarr.open_group(where.store, path=where.path, mode="r+").attrs.put({})
        if replaced:
            sync(where.store.delete_dir(where.path))
        attrs = {**place.kept_attrs, UNFINISHED: True}
        return new_group(where.store, where.path, attrs, zarr_format)


@dataclass(frozen=True, slots=True)
class Commit:
    """Writes the metadata of all groups, and moves the result into place."""

    hierarchy: Hierarchy
    report: Report = _SILENT

    def __call__(self, limits: dict[str, Limits], begun: Begun) -> zarr.Group:
        """Commit; `limits` of the values by path of level 0."""
        done = windows.complete(self.hierarchy, limits, begun.handles)
        place, zarr_format = begun.place, _zarr_format(self.hierarchy)
        attributes = {path: self._attributes(n) for path, n in done.groups.items()}
        final = {**place.kept_attrs, **attributes.pop("")}
        for depth in sorted({_depth(path) for path in attributes}, reverse=True):
            level = {p: a for p, a in attributes.items() if _depth(p) == depth}
            put_groups(begun.root.store, begun.root.path, level, zarr_format)
        if place.is_beside:
            swap(place, final)
        else:
            put_groups(begun.root.store, begun.root.path, {"": final}, zarr_format)
        self.report.end()
        return zarr.open_group(
            place.final.store,
            path=place.final.path,
            mode="r+",
            zarr_format=_zarr_format(self.hierarchy),
        )

    def _attributes(self, node: GroupNode) -> dict[str, Any]:
        model = node.model
        ome = {} if model is None else self.hierarchy.version.to_attrs(model)
        return {**node.attrs, **ome}


def _without_pixels(hierarchy: Hierarchy) -> Hierarchy:
    """The hierarchy with nothing but what can be said of its arrays.

    dask looks for its arrays in everything that it hands to a task, and would compute
    all of them as a whole for the one that commits.
    """
    nodes = {
        path: replace(node, source=Deferred()) if isinstance(node, ArrayNode) else node
        for path, node in hierarchy.nodes.items()
    }
    return replace(hierarchy, nodes=nodes)


def _depth(path: str) -> int:
    return path.count("/") + 1 if path else 0
