"""Hierarchy -> store: make nodes, fill arrays, commit the metadata last."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import zarr

from xarray_omezarr.errors import LayoutError, LockedError, some, warn
from xarray_omezarr.hierarchy import ArrayNode, Deferred, depth
from xarray_omezarr.store import windows
from xarray_omezarr.store.arrays import WritableArray, ZarrFormat, compressors
from xarray_omezarr.store.claim import Claim, take
from xarray_omezarr.store.claim_others import refuse_claimed_above
from xarray_omezarr.store.clearing import clear
from xarray_omezarr.store.consolidated import refresh_above
from xarray_omezarr.store.crew import Alone, Crew
from xarray_omezarr.store.exchange import Hold
from xarray_omezarr.store.nodes import new_group, put_files, put_groups
from xarray_omezarr.store.occupancy import UNFINISHED, inspect_target
from xarray_omezarr.store.place import (
    Place,
    ancestors,
    find_place,
    require_group,
    where_tasks_meet,
)
from xarray_omezarr.store.progress import Report
from xarray_omezarr.store.resume import Resumption, go_on
from xarray_omezarr.store.sinks import Sink, sinks_for
from xarray_omezarr.store.stored import NOTHING, Stored
from xarray_omezarr.store.swap import begin_beside, refuse_writers_inside, swap
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.writers import (
    ArrayWriter,
    Handles,
    ZarrWriter,
    open_handles,
)
from xarray_omezarr.store.zip_target import OneFile

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import GroupNode, Hierarchy
    from xarray_omezarr.pixels.contrast import Shown
    from xarray_omezarr.store.fill import Limits
    from xarray_omezarr.store.occupancy import Occupancy
    from xarray_omezarr.store.reach import Reach
    from xarray_omezarr.store.target import Target

_ZARR = ZarrWriter()
_SILENT = Report()
_ANEW = Resumption()
_NOTHING: Mapping[str, Sequence[Shown | None]] = {}

# What a root says while what stood there is removed, and where it says so.
_CLEARING = {"clearing": True}
_DOCUMENTS = {2: (".zgroup", ".zattrs"), 3: ("zarr.json",)}

# The C library that blosc is cannot count further.
_BLOSC_BYTES = 2**31 - 17

# So many stored objects of one array, each smaller than what a file takes up anyway,
# are a slip. Large images have many of a sensible size.
_MOST_SMALL, _SMALL_BYTES = 100_000, 4096


def check_arrays(hierarchy: Hierarchy) -> None:
    """Raise what makes an array impossible to create; warn of too many objects."""
    warn_of_many_objects(hierarchy)
    for path, node in hierarchy.arrays.items():
        codecs = compressors(
            node.layout.compression, node.dtype, _zarr_format(hierarchy)
        )
        held = node.dtype.itemsize * math.prod(node.layout.chunks)
        names = [type(codec).__name__.lower() for codec in _as_list(codecs)]
        if held > _BLOSC_BYTES and any("blosc" in name for name in names):
            raise LayoutError(
                f"Chunks of array {path!r} have {node.layout.chunks} pixels, {held} "
                f"bytes, and blosc compresses no more than {_BLOSC_BYTES} at once; "
                "choose smaller chunks, or compression='zstd'"
            )


def warn_of_many_objects(hierarchy: Hierarchy) -> None:
    """Say how many tiny objects arrays will have, where nobody can want as many."""
    many = []
    for path, node in hierarchy.arrays.items():
        shape = node.layout.shards or node.layout.chunks
        count = math.prod(-(-n // c) for n, c in zip(node.shape, shape, strict=True))
        is_small = math.prod(shape) * node.dtype.itemsize < _SMALL_BYTES
        if is_small and count > _MOST_SMALL:
            many.append(f"array {path!r} {count:,} of {shape} pixels")
    if many:
        may_shard = hierarchy.version.features.sharding
        remedy = ", or shards='auto', which stores many in one" if may_shard else ""
        warn(
            "Each chunk or shard is a file or object of its own, and that would be "
            f"very many: {some(many, 3)}; choose larger chunks{remedy}"
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
    hands: Crew | Alone
    claim: Claim
    hold: Hold = field(default_factory=Hold)
    stored: Stored = NOTHING


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
    resumption: Resumption = _ANEW
    token: str = field(default_factory=partial(secrets.token_hex, 8))

    def __call__(self) -> Begun:
        """Start, in a process that does not see the end of the write."""
        found = find_place(self.target, self.mode, self.hierarchy)
        place = where_tasks_meet(found, self.token)
        place, claim = self._claim(place, is_delayed=True)
        try:
            return self.begin(place, claim, Alone())
        except BaseException:
            claim.release()
            raise

    @contextmanager
    def claimed(self, place: Place) -> Iterator[tuple[Place, Claim]]:
        """A context in which nobody else writes at a place that was found just now.

        Raises
        ------
        LockedError
            If somebody else does; nothing was touched.
        """
        place, claim = self._claim(place, is_delayed=False)
        with claim:
            yield place, claim

    def _claim(self, place: Place, *, is_delayed: bool) -> tuple[Place, Claim]:
        self.reach.check()
        self.report.check()
        refuse_claimed_above(place.final)
        for ancestor in ancestors(place.working):
            require_group(ancestor, _zarr_format(self.hierarchy))
        replaces = self.mode == "w"
        claim = take(place.final, self.token, is_delayed=is_delayed, replaces=replaces)
        try:
            # Who replaces what is above looks for claims after putting its own.
            refuse_claimed_above(place.final)
            place = self._still(place)
            refuse_writers_inside(place, claim)
            return place, claim
        except BaseException:
            claim.release()
            raise

    def _still(self, place: Place) -> Place:
        """The place as it is now that nobody else writes there."""
        if inspect_target(place.final) == place.found:
            return place
        again = find_place(self.target, self.mode, self.hierarchy)
        if again.found.is_free and place.found.is_free:
            return again
        raise LockedError(
            f"Somebody else has written at {place.final} in this moment; look at what "
            "is there now, and write again"
        )

    def begin(self, place: Place, claim: Claim, hands: Crew | Alone) -> Begun:
        """Start in a place that was claimed."""
        hold = begin_beside(place, is_again=claim.is_again)
        root, handles, stored = self._make(place, claim)
        sinks = stored.sinks(sinks_for(handles))
        self.report.begin()
        if self.resumption.skipped:
            self.report(self.resumption.skipped, "stored")
        return Begun(place, root, handles, sinks, hands, claim, hold, stored)

    def _make(self, place: Place, claim: Claim) -> tuple[zarr.Group, Handles, Stored]:
        """The groups and arrays, and what they hold from before."""
        where, zarr_format = place.working, _zarr_format(self.hierarchy)
        if self.resumption.goes_on(place.found, self.hierarchy, where):
            root = zarr.open_group(
                where.store, path=where.path, mode="r+", zarr_format=zarr_format
            )
            expected = self.resumption.expected
            return root, *go_on(root, self.hierarchy, where, expected)
        root = self._make_root(place, claim)
        below: dict[str, Any] = {path: {} for path in self.hierarchy.groups if path}
        put_groups(root.store, root.path, below, zarr_format)
        return root, open_handles(self.hierarchy, root, self.writer), NOTHING

    def _make_root(self, place: Place, claim: Claim) -> zarr.Group:
        zarr_format = _zarr_format(self.hierarchy)
        where, found = place.working, place.found
        is_taken = bool(found.children) or found.is_unfinished
        replaced = not place.is_beside and found.kind == "group" and is_taken
        # Tasks of the same write that are done already are not done again.
        if replaced and not (claim.is_again and _is_cleared(found)):
            # The old metadata go first: whatever is left if this stops half way is
            # not taken for an image, but for left over.
            attrs = {**place.kept_attrs, UNFINISHED: _CLEARING}
            new_group(where.store, where.path, attrs, zarr_format)
            clear(where, keep=_DOCUMENTS[zarr_format])
            refresh_above(where)
        attrs = {**place.kept_attrs, UNFINISHED: self.resumption.mark(self.hierarchy)}
        return new_group(where.store, where.path, attrs, zarr_format)


def _is_cleared(found: Occupancy) -> bool:
    """Whether nothing of older writes is left among what was found."""
    said = (found.attrs or {}).get(UNFINISHED)
    return said is not None and said != _CLEARING


@dataclass(frozen=True, slots=True)
class Commit:
    """Writes the metadata of all groups, and moves the result into place."""

    hierarchy: Hierarchy
    report: Report = _SILENT
    finish: Callable[[], zarr.Group] | None = None

    def __call__(
        self,
        limits: dict[str, Limits],
        begun: Begun,
        shown: Mapping[str, Sequence[Shown | None]] = _NOTHING,
    ) -> zarr.Group:
        """Commit.

        Parameters
        ----------
        limits : dict
            Of the values by path of level 0.
        begun : Begun
            What was filled.
        shown : mapping
            By path of coarsest levels what shall be shown of their channels.
        """
        with begun.claim.running():
            done = windows.complete(self.hierarchy, limits, begun.handles, shown)
            begun.claim.check()
            made = self._commit(done, begun)
            group = self.finish() if self.finish else self._finished(begun, made)
            self.report.end()
        if begun.claim.is_delayed:
            begun.claim.release()
        return group

    def _finished(self, begun: Begun, made: zarr.Group | None) -> zarr.Group:
        refresh_above(begun.place.final)
        return opened(begun.place.final, self.hierarchy) if made is None else made

    def _commit(self, done: Hierarchy, begun: Begun) -> zarr.Group | None:
        place, zarr_format = begun.place, _zarr_format(self.hierarchy)
        put_files(begun.root.store, begun.root.path, done.files)
        attributes = {path: self._attributes(n) for path, n in done.groups.items()}
        final = {**place.kept_attrs, **attributes.pop("")}
        for floor in sorted({depth(path) for path in attributes}, reverse=True):
            level = {p: a for p, a in attributes.items() if depth(p) == floor}
            put_groups(begun.root.store, begun.root.path, level, zarr_format)
        if place.is_beside:
            swap(place, final)
            # Others may list it, under its lock.
            begun.hold.release()
            return None
        # As it would be read.
        told = json.loads(json.dumps(final))
        return new_group(begun.root.store, begun.root.path, told, zarr_format)

    def _attributes(self, node: GroupNode) -> dict[str, Any]:
        model = node.model
        ome = {} if model is None else self.hierarchy.version.to_attrs(model)
        return {**node.attrs, **ome}


def opened(target: Target, hierarchy: Hierarchy) -> zarr.Group:
    """The group that was written."""
    if isinstance(target.store, OneFile):
        # What was there may still be open.
        target = open_target(target.store.path, group=target.path, read_only=True)
        return zarr.open_group(target.store, path=target.path, mode="r", zarr_format=3)
    return zarr.open_group(
        target.store,
        path=target.path,
        mode="r+",
        zarr_format=_zarr_format(hierarchy),
    )


def without_pixels(hierarchy: Hierarchy) -> Hierarchy:
    """The hierarchy with nothing but what can be said of its arrays.

    dask looks for its arrays in everything that it hands to a task, and would compute
    all of them as a whole for the one that commits.
    """
    nodes = {
        path: replace(node, source=Deferred()) if isinstance(node, ArrayNode) else node
        for path, node in hierarchy.nodes.items()
    }
    return replace(hierarchy, nodes=nodes)
