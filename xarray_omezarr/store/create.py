"""Hierarchy -> store: make nodes, fill arrays, commit the metadata last."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore, MemoryStore

from xarray_omezarr.errors import OmeZarrWarning, OptionError, TargetExistsError
from xarray_omezarr.hierarchy import ArrayNode, Deferred, join
from xarray_omezarr.store import windows
from xarray_omezarr.store.arrays import (
    WritableArray,
    ZarrFormat,
    compressors,
    create_array,
)
from xarray_omezarr.store.blocks import plan_stages
from xarray_omezarr.store.fill import Limits, fill_later, fill_now, is_dask, writers
from xarray_omezarr.store.occupancy import (
    UNFINISHED,
    Occupancy,
    check_mode,
    inspect_target,
)
from xarray_omezarr.store.open import owned_children
from xarray_omezarr.store.origins import refuse_own_source
from xarray_omezarr.store.target import Target

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import GroupNode, Hierarchy

#: Bytes that one block may hold with all its levels, unless the user says more.
DEFAULT_BUDGET = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Place:
    """Where a write happens, and where its result will stand.

    Parameters
    ----------
    final : Target
        Where the hierarchy will stand.
    working : Target
        Where it is written: `final`, or a place beside it that takes its place.
    kept_attrs : mapping
        Attributes of an empty group that was there already.
    """

    final: Target
    working: Target
    kept_attrs: Mapping[str, Any]

    @property
    def is_beside(self) -> bool:
        """Whether the result is put into place at the end."""
        return self.working is not self.final


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
        False returns a Delayed that writes the pixels and the metadata.
    budget : int
        Bytes that one block may hold with all levels made from it.

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The root group, or the Delayed that gives it.
    """
    check_arrays(hierarchy)
    if any(is_dask(node) for node in hierarchy.arrays.values()):
        _check_reach(target)
    place, occupancy = _find_place(hierarchy, target, mode)
    with _cleaned_up_on_error(place):
        root = _make_root(hierarchy, place, occupancy)
        handles = _make_nodes(hierarchy, root)
        commit = Commit(_without_pixels(hierarchy), place, root, handles)
        stages = plan_stages(hierarchy.arrays, budget)
        block_writers = writers(
            hierarchy.arrays, stages, handles, windows.channel_axes(hierarchy)
        )
        if compute and not any(is_dask(node) for node in hierarchy.arrays.values()):
            return commit(fill_now(hierarchy.arrays, block_writers))
        delayed = fill_later(hierarchy.arrays, block_writers, commit)
        return delayed.compute() if compute else delayed


def _check_reach(target: Target) -> None:
    """Refuse a store in this process's memory if others would write to it."""
    if not isinstance(target.store, MemoryStore) or not _has_cluster():
        return
    raise OptionError(
        f"{target} is in the memory of this process, and a distributed Client is "
        "active, whose workers would write to copies of it that are lost; write to a "
        "path or URL, or close the Client"
    )


def _has_cluster() -> bool:
    # dask imports distributed only where somebody made a Client; asking dask itself
    # would import it.
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.default_client()
    except ValueError:
        return False
    return True


def check_arrays(hierarchy: Hierarchy) -> None:
    """Raise what makes an array of the hierarchy impossible to create."""
    for node in hierarchy.arrays.values():
        compressors(
            node.layout.compression,
            node.dtype,
            hierarchy.version.features.zarr_format,
        )


@dataclass(frozen=True, slots=True)
class Commit:
    """Writes the metadata of all groups, and moves the result into place."""

    hierarchy: Hierarchy
    place: Place
    root: zarr.Group
    handles: Mapping[str, WritableArray]

    def __call__(self, limits: dict[str, Limits]) -> zarr.Group:
        """Commit; `limits` of the values by path of level 0."""
        done = windows.complete(self.hierarchy, limits, self.handles)
        deepest_first = sorted(done.groups, key=lambda path: -_depth(path))
        for path in deepest_first:
            attrs = self._attributes(path, done.groups[path])
            group = self.root[path] if path else self.root
            group.attrs.put(attrs)
        if self.place.is_beside:
            _swap(self.place)
        return _open_root(self.place.final, self._zarr_format)

    def _attributes(self, path: str, node: GroupNode) -> dict[str, Any]:
        kept = {} if path else self.place.kept_attrs
        model = node.model
        ome = {} if model is None else self.hierarchy.version.to_attrs(model)
        return {**kept, **node.attrs, **ome}

    @property
    def _zarr_format(self) -> ZarrFormat:
        return self.hierarchy.version.features.zarr_format


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


def _find_place(
    hierarchy: Hierarchy, target: Target, mode: str | None
) -> tuple[Place, Occupancy]:
    if target.store.read_only:
        raise OptionError(f"{target} is read-only")
    occupancy = inspect_target(target)
    action = check_mode(mode, occupancy, target, owned_children(target, occupancy))
    zarr_format = hierarchy.version.features.zarr_format
    _check_ancestors(target, zarr_format)
    if action == "create":
        is_group = occupancy.kind == "group" and not occupancy.is_unfinished
        if is_group and occupancy.zarr_format != zarr_format:
            raise _wrong_format(target, occupancy, zarr_format)
        attrs = occupancy.attrs or {}
        kept = {key: value for key, value in attrs.items() if key != UNFINISHED}
        return Place(target, target, kept), occupancy
    place = Place(target, _beside(target), {})
    if not place.is_beside:
        refuse_own_source(hierarchy, target)
    _warn_of_replacing(target)
    return place, occupancy


def _check_ancestors(target: Target, zarr_format: ZarrFormat) -> None:
    for ancestor in _ancestors(target):
        occupancy = inspect_target(ancestor)
        if occupancy.kind in ("array", "foreign"):
            raise TargetExistsError(
                f"{ancestor} is no Zarr group, so no group can be made below it; "
                "choose another path"
            )
        if occupancy.kind == "group" and occupancy.zarr_format != zarr_format:
            raise _wrong_format(ancestor, occupancy, zarr_format)


def _ancestors(target: Target) -> Iterator[Target]:
    """The groups above a target inside its store, the root first."""
    parts = target.path.split("/") if target.path else []
    for depth in range(len(parts)):
        above = len(parts) - depth
        directory = None if target.directory is None else target.directory.parents
        yield Target(
            store=target.store,
            path="/".join(parts[:depth]),
            directory=None if directory is None else directory[above - 1],
            uri=target.uri.rsplit("/", above)[0],
        )


def _wrong_format(
    target: Target, occupancy: Occupancy, zarr_format: ZarrFormat
) -> OptionError:
    return OptionError(
        f"{target} is a group of Zarr v{occupancy.zarr_format}, and this version of "
        f"OME-Zarr is stored in Zarr v{zarr_format}; choose another version= or path"
    )


def _warn_of_replacing(target: Target) -> None:
    labels = inspect_target(target.child("labels")).children
    if labels:
        warnings.warn(
            f"Replacing the image at {target} removes its labels too: {labels}",
            OmeZarrWarning,
            stacklevel=2,
        )
    if target.directory is None and not isinstance(target.store, MemoryStore):
        warnings.warn(
            f"{target} has no rename: the old image is gone before the new one is "
            "complete. Write to a new path, or use icechunk, to be safe",
            OmeZarrWarning,
            stacklevel=2,
        )


def _beside(target: Target) -> Target:
    """Where the new image is written: a hidden folder, or memory of its own.

    The target itself where neither can be put in its place at the end.
    """
    if isinstance(target.store, MemoryStore):
        return Target(MemoryStore(), path="", directory=None, uri=target.uri)
    if target.directory is None:
        return target
    # Renaming a symbolic link would leave the data it points to behind.
    folder = target.directory.resolve()
    hidden = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    return Target(LocalStore(hidden), path="", directory=hidden, uri=str(hidden))


@contextlib.contextmanager
def _cleaned_up_on_error(place: Place) -> Iterator[None]:
    """Remove what was made so far when the write fails, and nothing else."""
    try:
        yield
    except BaseException:
        # The error that is under way matters more than one of cleaning up; what
        # cannot be removed stays marked as unfinished.
        with contextlib.suppress(Exception):
            _remove_unfinished(place)
        raise


def _remove_unfinished(place: Place) -> None:
    working = place.working
    if place.is_beside:
        if working.directory is not None:
            shutil.rmtree(working.directory, ignore_errors=True)
        return
    if not inspect_target(working).is_unfinished:
        return
    group = zarr.open_group(working.store, path=working.path, mode="r+")
    for name in list(group.keys()):
        del group[name]
    if place.kept_attrs or working.directory is None:
        group.attrs.put(dict(place.kept_attrs))
    else:
        shutil.rmtree(working.directory)


def _make_root(hierarchy: Hierarchy, place: Place, occupancy: Occupancy) -> zarr.Group:
    """The root group, empty and marked as unfinished."""
    zarr_format = hierarchy.version.features.zarr_format
    for ancestor in _ancestors(place.working):
        zarr.open_group(
            ancestor.store, path=ancestor.path, mode="a", zarr_format=zarr_format
        )
    where = place.working
    is_taken = bool(occupancy.children) or occupancy.is_unfinished
    replaced = not place.is_beside and occupancy.kind == "group" and is_taken
    if replaced and not occupancy.is_unfinished:
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


def _make_nodes(hierarchy: Hierarchy, root: zarr.Group) -> dict[str, WritableArray]:
    for path in sorted(hierarchy.groups, key=_depth):
        if path:
            root.require_group(path)
    zarr_format = hierarchy.version.features.zarr_format
    return {
        path: create_array(root, path, node, zarr_format)
        for path, node in hierarchy.arrays.items()
    }


def _swap(place: Place) -> None:
    """Put what is finished in the place of the old image."""
    new, current = place.working.directory, place.final.directory
    if new is None or current is None:
        sync(_move_in_memory(place.working, place.final))
        return
    # The target may be a link to the folder; the folder is what is replaced.
    current = current.resolve()
    old = Path(f"{new.with_suffix('')}.old")
    os.rename(current, old)
    try:
        os.rename(new, current)
    except OSError:
        os.rename(old, current)
        raise
    shutil.rmtree(old)


async def _move_in_memory(new: Target, final: Target) -> None:
    await final.store.delete_dir(final.path)
    deepest_first = sorted([key async for key in new.store.list()], key=_depth)[::-1]
    for key in deepest_first:
        value = await new.store.get(key, default_buffer_prototype())
        if value is not None:
            await final.store.set(join(final.path, key), value)


def _open_root(target: Target, zarr_format: ZarrFormat) -> zarr.Group:
    return zarr.open_group(
        target.store, path=target.path, mode="r+", zarr_format=zarr_format
    )
