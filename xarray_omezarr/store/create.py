"""Hierarchy -> store: make nodes, fill arrays, commit the metadata last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import dask
import zarr

from xarray_omezarr.errors import LayoutError
from xarray_omezarr.hierarchy import ArrayNode, Deferred
from xarray_omezarr.store import windows
from xarray_omezarr.store.arrays import (
    WritableArray,
    ZarrFormat,
    compressors,
    create_array,
)
from xarray_omezarr.store.blocks import plan_stages
from xarray_omezarr.store.fill import Limits, fill_later, fill_now, is_dask, writers
from xarray_omezarr.store.occupancy import UNFINISHED
from xarray_omezarr.store.origins import refuse_own_source
from xarray_omezarr.store.place import (
    Place,
    ancestors,
    cleaned_up_on_error,
    find_place,
    swap,
    warn_of_replacing,
)
from xarray_omezarr.store.reach import Reach

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import GroupNode, Hierarchy
    from xarray_omezarr.store.target import Target

#: Bytes that one block may hold with all its levels, unless the user says more.
DEFAULT_BUDGET = 32 * 2**20

# The C library that blosc is cannot count further.
_BLOSC_BYTES = 2**31 - 17


def write(
    hierarchy: Hierarchy,
    target: Target,
    *,
    mode: str | None,
    compute: bool,
    budget: int = DEFAULT_BUDGET,
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
    budget : int
        Bytes that one block may hold with all levels made from it.

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The root group, or the Delayed that gives it.
    """
    check_arrays(hierarchy)
    place = find_place(target, mode, _zarr_format(hierarchy))
    if not place.found.is_free and not place.is_beside:
        refuse_own_source(hierarchy, target)
    is_lazy = any(is_dask(node) for node in hierarchy.arrays.values())
    reach = Reach.from_here(target)
    if compute and is_lazy:
        reach.check_cluster()
    warn_of_replacing(place)
    stages = plan_stages(hierarchy.arrays, budget)
    block_writers = writers(hierarchy.arrays, stages, windows.channel_axes(hierarchy))
    start = Start(_without_pixels(hierarchy), target, mode, reach)
    commit = Commit(_without_pixels(hierarchy))
    if not compute:
        # dask would look into the arguments for arrays of its own.
        started = dask.delayed(start, pure=False, traverse=False)()
        return fill_later(hierarchy.arrays, block_writers, started, commit)
    with cleaned_up_on_error(place):
        begun = start(place)
        if not is_lazy:
            return commit(fill_now(hierarchy.arrays, block_writers, begun), begun)
        started = dask.delayed(begun, pure=False, traverse=False)
        return fill_later(hierarchy.arrays, block_writers, started, commit).compute()


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

    def __call__(self, place: Place | None = None) -> Begun:
        """Start; `place` where it was found just now."""
        self.reach.check()
        if place is None:
            place = find_place(self.target, self.mode, _zarr_format(self.hierarchy))
        root = self._make_root(place)
        for path in sorted(self.hierarchy.groups, key=_depth):
            if path:
                root.require_group(path)
        handles = {
            path: create_array(root, path, node, _zarr_format(self.hierarchy))
            for path, node in self.hierarchy.arrays.items()
        }
        return Begun(place, root, handles)

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
        group = zarr.open_group(
            where.store,
            path=where.path,
            mode="w" if replaced else "a",
            zarr_format=zarr_format,
        )
        group.attrs.put({**place.kept_attrs, UNFINISHED: True})
        return group


@dataclass(frozen=True, slots=True)
class Commit:
    """Writes the metadata of all groups, and moves the result into place."""

    hierarchy: Hierarchy

    def __call__(self, limits: dict[str, Limits], begun: Begun) -> zarr.Group:
        """Commit; `limits` of the values by path of level 0."""
        done = windows.complete(self.hierarchy, limits, begun.handles)
        deepest_first = sorted(done.groups, key=lambda path: -_depth(path))
        place, final = begun.place, {}
        for path in deepest_first:
            attrs = self._attributes(done.groups[path])
            if path:
                begun.root[path].attrs.put(attrs)
            else:
                final = {**place.kept_attrs, **attrs}
        if place.is_beside:
            swap(place, final)
        else:
            begun.root.attrs.put(final)
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
