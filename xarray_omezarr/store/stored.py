"""Which objects of a write that was interrupted are stored, and which blocks are."""

from __future__ import annotations

import math
import os
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from zarr.core.sync import sync
from zarr.storage import FsspecStore, LocalStore

from xarray_omezarr.hierarchy import ArrayNode, join
from xarray_omezarr.store.occupancy import METADATA, PARTIAL

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.store.blocks import Slices, Stage
    from xarray_omezarr.store.sinks import Sink
    from xarray_omezarr.store.target import Target

Index: TypeAlias = tuple[int, ...]

# As zarr writes them: no sign, no zeros before the number.
_NUMBER = re.compile(r"0|[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class Objects:
    """Which objects of one array are stored.

    Parameters
    ----------
    unit : tuple of int
        Pixels of an object along each axis.
    itemsize : int
        Bytes of a pixel.
    there : array of bool
        One entry per object.
    """

    unit: Index
    itemsize: int
    there: NDArray[np.bool_]

    @classmethod
    def none_of(cls, node: ArrayNode) -> Objects:
        """None is stored yet."""
        unit = node.layout.objects
        counts = tuple(-(-n // u) for n, u in zip(node.shape, unit, strict=True))
        return cls(unit, node.dtype.itemsize, np.zeros(counts, np.bool_))

    def add(self, index: Index) -> None:
        """The object at `index` is stored; others than the array has are no matter."""
        shape = self.there.shape
        if len(index) == len(shape) and all(map(int.__lt__, index, shape)):
            self.there[index] = True

    def hold(self, place: Slices) -> bool:
        """Whether all pixels at a place are stored; of no pixels they are."""
        cells = tuple(
            slice(part.start // size, -(-part.stop // size))
            for part, size in zip(place, self.unit, strict=True)
        )
        return bool(self.there[cells].all())


@dataclass(frozen=True, slots=True)
class Stored:
    """Which objects are stored, by path of the array; nothing of others is."""

    objects: Mapping[str, Objects] = field(default_factory=dict)

    def has(self, stage: Stage, block: Slices) -> bool:
        """Whether all is stored that a block of a stage is written as."""
        if not self.objects:
            return False
        parts = list(stage.parts(block))
        return all(
            path in self.objects and self.objects[path].hold(place)
            for path, place in parts
            if all(side.start < side.stop for side in place)
        )

    def nbytes(self, stage: Stage, block: Slices) -> int:
        """Bytes that a block of a stage is written as, uncompressed."""
        return sum(
            math.prod(side.stop - side.start for side in place)
            * self.objects[path].itemsize
            for path, place in stage.parts(block)
        )

    def covers(self, other: Stored) -> bool:
        """Whether all that `other` knows of is here, too."""
        return all(
            path in self.objects and bool((self.objects[path].there | ~of.there).all())
            for path, of in other.objects.items()
            if of.there.any()
        )

    def without(self, paths: Iterable[str], nodes: Mapping[str, ArrayNode]) -> Stored:
        """The same, nothing of the arrays at `paths` being stored."""
        gone = {path: Objects.none_of(nodes[path]) for path in paths}
        return Stored({**self.objects, **gone})

    def sinks(self, sinks: Mapping[str, Sink]) -> dict[str, Sink]:
        """Sinks that leave alone what is stored."""
        return {
            path: AbsentOnly(sink, self.objects[path])
            if path in self.objects and self.objects[path].there.any()
            else sink
            for path, sink in sinks.items()
        }


#: Of a write that begins.
NOTHING = Stored()


@dataclass(frozen=True, slots=True)
class AbsentOnly:
    """A sink that puts what is not stored yet, and nothing else."""

    sink: Sink
    objects: Objects

    def pieces(self, place: Slices) -> Iterator[Slices]:
        """One by one, so that just those are put that are not stored."""
        return cut(place, self.objects.unit)

    def write(self, place: Slices, pixels: NDArray[Any]) -> None:
        """Store the pixels of a piece, unless they are."""
        if not self.objects.hold(place):
            self.sink.write(place, pixels)


def cut(place: Slices, unit: Index) -> Iterator[Slices]:
    """The parts of a place that lie in one object each."""
    ranges = (
        range(part.start, part.stop, size)
        for part, size in zip(place, unit, strict=True)
    )
    for origin in product(*ranges):
        yield tuple(
            slice(start, min(start + size, part.stop))
            for start, size, part in zip(origin, unit, place, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What is left of a write.

    Parameters
    ----------
    stored : Stored
        The objects of its arrays.
    documents : set of str
        Paths of metadata documents, below the target.
    broken : list of str
        Files that were being written, and objects without a byte, as paths of the
        disk.
    """

    stored: Stored
    documents: set[str]
    broken: list[str]

    def remove_broken(self) -> None:
        """Remove the files whose writers are gone."""
        for path in self.broken:
            # Somebody may have been quicker.
            if os.path.lexists(path):
                os.unlink(path)


def find_stored(target: Target, hierarchy: Hierarchy) -> Found:
    """What is left of a write of `hierarchy`; the store is listed once.

    Parameters
    ----------
    target : Target
        Where it was written.
    hierarchy : Hierarchy
        What was to be written. An object of it is there or not, as puts are atomic;
        only files of no bytes, which some disks leave when the power fails, are not
        counted.
    """
    looking = _Looking(hierarchy)
    if isinstance(target.store, LocalStore) and target.directory is not None:
        for folder, entry in _files(str(target.directory), ""):
            looking.see_file(folder, entry)
    else:
        sync(_list(target, looking))
    return Found(Stored(looking.arrays), looking.documents, looking.broken)


class _Looking:
    """Sorts what is there, key by key: there may be millions."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        nodes = hierarchy.arrays
        self.arrays = {path: Objects.none_of(node) for path, node in nodes.items()}
        self.documents: set[str] = set()
        self.broken: list[str] = []
        self._keys = _Keys(hierarchy)

    def see(self, folder: str, name: str) -> None:
        """A document, an object of an array, or something else."""
        if name in METADATA:
            self.documents.add(join(folder, name))
            return
        array, index = self._keys.read(folder, name)
        if index is not None:
            self.arrays[array].add(index)

    def see_file(self, folder: str, entry: os.DirEntry[str]) -> None:
        """The same of a file, which may be there in part or without its bytes."""
        if PARTIAL.fullmatch(entry.name):
            self.broken.append(entry.path)
        elif entry.stat().st_size > 0:
            self.see(folder, entry.name)
        elif self._keys.read(folder, entry.name)[1] is not None:
            # If nothing were to be stored there, nobody would replace it.
            self.broken.append(entry.path)


def _files(top: str, folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every file below `top` with the folder it is in; no link is followed."""
    below = []
    with os.scandir(os.path.join(top, folder)) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.name)
            elif entry.is_file(follow_symlinks=False):
                yield folder, entry
    for name in below:
        yield from _files(top, join(folder, name))


async def _list(target: Target, looking: _Looking) -> None:
    store: Any = target.store
    if isinstance(store, FsspecStore):
        # What this process has listed before is not what is there now.
        store.fs.invalidate_cache()
    prefix = f"{target.path}/" if target.path else ""
    keys: AsyncIterator[str] = store.list_prefix(prefix)
    async for key in keys:
        folder, _, name = key.removeprefix(prefix).rpartition("/")
        looking.see(folder, name)


class _Keys:
    """Reads keys of objects: of which array, and at which index."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        features = hierarchy.version.features
        self._dims = {path: len(node.shape) for path, node in hierarchy.arrays.items()}
        self._is_new = features.zarr_format == 3
        self._separator = "/" if self._is_new else features.separator
        self._folders: dict[str, tuple[str, Index] | None] = {}

    def read(self, folder: str, name: str) -> tuple[str, Index | None]:
        """The array and the index; None for what is no object of any."""
        # Objects of a row share their folder, and it is read once.
        if folder not in self._folders:
            self._folders = {folder: self._above(folder)}
        above = self._folders[folder]
        if above is None:
            return "", None
        array, before = above
        numbers = [name] if self._separator == "/" else name.split(self._separator)
        if not all(map(_NUMBER.fullmatch, numbers)):
            return array, None
        index = (*before, *map(int, numbers))
        return array, index if len(index) == self._dims[array] else None

    def _above(self, folder: str) -> tuple[str, Index] | None:
        """The array that a folder belongs to, and the first numbers of its objects."""
        array, inside = folder, ""
        while array and array not in self._dims:
            array, _, name = array.rpartition("/")
            inside = join(name, inside)
        if array not in self._dims:
            return None
        parts = inside.split("/") if inside else []
        if self._is_new:
            if parts[:1] != ["c"]:
                return None
            parts = parts[1:]
        if not all(map(_NUMBER.fullmatch, parts)):
            return None
        return array, tuple(map(int, parts))
