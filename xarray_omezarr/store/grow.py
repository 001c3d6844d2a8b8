"""Make the arrays of an image larger along one dim, their metadata last.

Pixels are written through arrays that are larger in memory only: what lies beyond
the end of a stored array is seen by nobody. Then the stored shapes follow, from the
coarsest level to the finest, and the attributes of the image come last.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.core.sync import sync

from xarray_omezarr.errors import LockedError, TargetExistsError
from xarray_omezarr.grid.kept import KEY, Kept, KeptCoordinate, encode
from xarray_omezarr.hierarchy import (
    ArrayNode,
    Downsampled,
    Given,
    Hierarchy,
    Layout,
    join,
)
from xarray_omezarr.ngff.versions.grafting import graft_channels, graft_levels
from xarray_omezarr.pixels.ranges import value_range
from xarray_omezarr.store import windows
from xarray_omezarr.store.arrays import readable
from xarray_omezarr.store.boxes import Box, cells, shrunk
from xarray_omezarr.store.consolidated import places_with_copies, refresh
from xarray_omezarr.store.lock import documents_alone
from xarray_omezarr.store.nodes import new_arrays
from xarray_omezarr.store.presence import writing
from xarray_omezarr.store.sessions import session_of
from xarray_omezarr.windows import needs_windows

if TYPE_CHECKING:
    from pathlib import Path

    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.ngff.omero import Omero
    from xarray_omezarr.ngff.versions.protocol import Features
    from xarray_omezarr.store.existing import Existing


# Not the lock of the pieces, which other threads of the same write take.
_IN_THIS_PROCESS = threading.RLock()


def grown_nodes(
    arrays: Mapping[str, ArrayNode], axis: int, size: int
) -> dict[str, ArrayNode]:
    """The levels with level 0 of `size` pixels along `axis`, by the rules they have.

    Parameters
    ----------
    arrays : mapping
        Nodes of the levels by path, level 0 first, the others `Downsampled`.
    axis : int
        Along which they grow.
    size : int
        Pixels of level 0 along it.
    """
    floors = any(_is_floor(arrays, path) for path in arrays)
    made: dict[str, ArrayNode] = {}
    for path, node in arrays.items():
        length = size
        if isinstance(node.source, Downsampled):
            fine = made[node.source.parent].shape[axis]
            factor = node.source.factors[axis]
            length = max(1, fine // factor) if floors else -(-fine // factor)
        shape = (*node.shape[:axis], length, *node.shape[axis + 1 :])
        made[path] = replace(node, shape=shape)
    return made


def _is_floor(arrays: Mapping[str, ArrayNode], path: str) -> bool:
    """Whether a size of the level was rounded down."""
    node = arrays[path]
    if not isinstance(node.source, Downsampled):
        return False
    parent = arrays[node.source.parent]
    return any(
        n < -(-fine // f)
        for n, fine, f in zip(
            node.shape, parent.shape, node.source.factors, strict=True
        )
    )


def grown_handles(
    handles: Mapping[str, zarr.Array[Any]], nodes: Mapping[str, ArrayNode]
) -> dict[str, zarr.Array[Any]]:
    """The stored arrays, larger in memory only."""
    grown = {}
    for path, array in handles.items():
        known = array.async_array
        larger: Any = zarr.AsyncArray(
            metadata=array.metadata.update_shape(nodes[path].shape),
            store_path=known.store_path,
            config=known.config,
        )
        grown[path] = readable(zarr.Array(larger))
    return grown


@dataclass(frozen=True, slots=True)
class Grown:
    """Makes what was written beyond the end part of the image; travels.

    Parameters
    ----------
    existing : Existing
        The image as it was.
    nodes : mapping
        Its levels as they will be.
    handles : mapping
        Arrays of that size.
    box : tuple of slice
        What is new in level 0.
    levels : Image, optional
        Where scales or translations of levels change.
    omero : Omero, optional
        The new channels; their windows may be open.
    kept : mapping
        Coordinates that are kept value by value, by name, grown.
    """

    existing: Existing
    nodes: Mapping[str, ArrayNode]
    handles: Mapping[str, zarr.Array[Any]]
    box: Box
    levels: Image | None
    omero: Omero | None
    kept: Mapping[str, KeptCoordinate]

    def held_alone(self) -> AbstractContextManager[None]:
        """Keeps others in this process, and on this disk, from appending meanwhile.

        Object stores have no lock that ends with its holder: there `check`, before
        the first byte and before the last, is all.
        """
        target = self.existing.target
        if self._grows_first:
            return self._shrunk_on_error()
        if target.directory is None:
            return _appending_here()
        # Not the folder of the image: its pieces are written under that lock.
        return self._held(target.directory.resolve() / self.existing.paths[0])

    @contextmanager
    def _held(self, folder: Path) -> Iterator[None]:
        with writing(folder, alone=True):
            yield

    @property
    def _grows_first(self) -> bool:
        """Whether nothing can be stored beyond the end of an array.

        In a session of icechunk. There nobody sees an array grow.
        """
        return session_of(self.existing.target.store) is not None

    @contextmanager
    def _shrunk_on_error(self) -> Iterator[None]:
        with _IN_THIS_PROCESS:
            try:
                yield
            except BaseException as error:
                for path, array in self.existing.handles([*self.nodes]).items():
                    array.resize(self.existing.hierarchy.array(path).shape)
                error.add_note(
                    f"{self.existing.target} is as large as before; nothing was "
                    "committed, and session.discard_changes() forgets all of it"
                )
                raise

    def begin(self) -> None:
        """Make sure that nobody has appended, and make room where that comes first."""
        self.check()
        if self._grows_first:
            self._resize()

    def _resize(self) -> None:
        stored = self.existing.handles([*self.nodes])
        for path in reversed([*self.nodes]):
            shape = self.nodes[path].shape
            # Nothing lies outside of a larger shape; zarr would look for it.
            sync(stored[path].async_array.resize(shape, delete_outside_chunks=False))

    def check(self) -> None:
        """Refuse if somebody else made the image larger meanwhile.

        Raises
        ------
        TargetExistsError
            Saying so.
        LockedError
            If it has been replaced.
        """
        if not self.existing.is_still_there:
            raise LockedError(
                f"{self.existing.target} has been replaced since it was opened to "
                "grow; append again"
            )
        for path, array in self.existing.handles([*self.nodes]).items():
            known = self.existing.hierarchy.array(path).shape
            if array.shape != known:
                raise TargetExistsError(
                    f"Level {path!r} of {self.existing.target} had the shape {known} "
                    f"when the write was planned, and has {array.shape} now: somebody "
                    "else appends. Only one writer at a time can; append again"
                )

    def __call__(self) -> zarr.Group:
        """Make it so; the group of the image."""
        if not self._grows_first:
            self.check()
        group, copied = self._group(), places_with_copies(self.existing.target)
        omero = self._with_windows()
        encoded, gone = self._write_kept(group)
        self._resize()
        with documents_alone(self.existing.target):
            self._revise(omero, encoded)
        for name in gone:
            del group[join(KEY, name)]
        refresh(copied)
        return self._group()

    def _revise(self, omero: Omero | None, encoded: Any) -> None:
        """Put what is new into the attributes, which others may have changed."""
        group = self._group()
        attrs = dict(group.attrs)
        version, image = self.existing.hierarchy.version, self.existing.image
        if self.levels is not None:
            attrs = graft_levels(version, attrs, self.levels)
        if omero is not None:
            attrs = graft_channels(version, attrs, image, omero)
        if encoded is not None:
            attrs[KEY] = encoded
        if attrs != dict(group.attrs):
            group.attrs.put(attrs)

    def _group(self) -> zarr.Group:
        target = self.existing.target
        return zarr.open_group(
            target.store,
            path=target.path,
            mode="r+",
            zarr_format=self.existing.hierarchy.version.features.zarr_format,
            use_consolidated=False,
        )

    def _write_kept(self, group: zarr.Group) -> tuple[Any, list[str]]:
        """Write arrays of coordinates; the new attribute, and what can go then."""
        if not self.kept:
            return None, []
        attrs: dict[str, Any] = dict(group.attrs)
        old = attrs.get(KEY) or {}
        known = dict(old.get("coords", {}))
        encoded, arrays = encode(Kept(coords=self.kept))
        taken = {entry.get("array") for entry in known.values()} - {None}
        gone = []
        for name, entry in encoded["coords"].items():
            if "array" in known.get(name, {}):
                gone.append(known[name]["array"])
            if "array" in entry:
                # Readers find the old one until the attribute names the new one.
                fresh = _free_name(entry["array"], taken)
                _write_array(group, fresh, arrays[entry["array"]], self._features())
                entry["array"] = fresh
        merged = {**encoded, **old, "coords": {**known, **encoded["coords"]}}
        return merged, gone

    def _features(self) -> Features:
        return self.existing.hierarchy.version.features

    def _with_windows(self) -> Omero | None:
        """The new channels with the windows that their pixels tell."""
        image, omero = self.existing.image, self.omero
        if omero is None or image.omero is None:
            return omero
        channels = (*image.omero.channels, *omero.channels)
        both = image.omero.model_copy(update={"channels": channels})
        image = image.model_copy(update={"omero": both})
        if not needs_windows(image):
            return omero
        hierarchy = self.existing.hierarchy
        root = replace(hierarchy.group(""), model=image)
        planned = Hierarchy(hierarchy.version, {"": root, **self.nodes})
        axis = windows.channel_axes(planned)[self.existing.paths[0]]
        limits = {self.existing.paths[0]: self._limits(axis)}
        done = windows.complete(planned, limits, self.handles).image()
        assert done.omero is not None  # it was put in above
        new = done.omero.channels[len(channels) - len(omero.channels) :]
        return omero.model_copy(update={"channels": new})

    def _limits(self, axis: int) -> dict[int, tuple[float, float]]:
        """Smallest and largest value of each new channel."""
        path = self.existing.paths[0]
        room = 2**25 // self.nodes[path].dtype.itemsize
        found: dict[int, tuple[float, float]] = {}
        for index in range(self.box[axis].start, self.box[axis].stop):
            one = (*self.box[:axis], slice(index, index + 1), *self.box[axis + 1 :])
            unit = shrunk(one, (1,) * len(one), room)
            for cell in cells(one, unit):
                limits = value_range(np.asarray(self.handles[path][cell]))
                if limits is not None:
                    low, high = found.get(index, limits)
                    found[index] = min(low, limits[0]), max(high, limits[1])
        return found


@contextmanager
def _appending_here() -> Iterator[None]:
    with _IN_THIS_PROCESS:
        yield


def _free_name(name: str, taken: set[Any]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def _write_array(
    group: zarr.Group, name: str, values: NDArray[Any], features: Features
) -> None:
    group.require_group(KEY)
    path = join(KEY, name)
    dims = tuple(f"{name}_{axis}" for axis in range(values.ndim))
    layout = Layout(tuple(max(1, n) for n in values.shape))
    node = ArrayNode(dims, values.shape, values.dtype, layout, Given(values))
    made = new_arrays(group, {path: node}, features.zarr_format, features.separator)
    made[path][...] = values
