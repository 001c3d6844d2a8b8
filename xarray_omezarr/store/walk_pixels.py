"""Arrays of a hierarchy opened and their chunks decoded, a sample or all of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from zarr.core.metadata.v2 import ArrayV2Metadata
from zarr.core.metadata.v3 import ArrayV3Metadata
from zarr.core.sync import sync
from zarr.storage import StorePath

from xarray_omezarr.hierarchy import join
from xarray_omezarr.store.in_flight import Room, each

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target
    from xarray_omezarr.store.walk import Node

# A chunk that is larger than this when decoded is not decoded: nobody asked for so much
# memory.
_LARGEST_CHUNK = 1 << 28
# What is decoded at the same time, in bytes.
_AT_ONCE = 1 << 28
_IN_FLIGHT = 32
# Chunks of one array that are sampled: the first, the last, and some between.
_SAMPLED = 5
# All chunks are looked at of arrays that have no more.
_MOST_CHUNKS = 10_000_000
# What a sample of a whole hierarchy takes at most, in bytes.
_ALL_SAMPLED = 1 << 30
_VALUES = 100_000
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Bad:
    """A chunk, or an array, that cannot be read.

    Parameters
    ----------
    key : str
        Of the stored object below the array; empty if it is the array.
    message : str
        What happened.
    is_error : bool
        False if it was not tried.
    """

    key: str
    message: str
    is_error: bool = True


@dataclass(slots=True)
class Pixels:
    """What was found in an array.

    Parameters
    ----------
    bad : list of Bad
        What cannot be read.
    values : set of int
        Of label images: those that were seen, up to a number.
    """

    bad: list[Bad] = field(default_factory=list)
    values: set[int] = field(default_factory=set)


class Sampler:
    """Decodes chunks of arrays.

    Parameters
    ----------
    target : Target
        What paths count from.
    everything : bool
        Whether all chunks are decoded. Otherwise up to five of each array: the first,
        the last and some between; after the first half of 1 GiB one of each array,
        after the second none.

    Attributes
    ----------
    skipped : int
        Arrays of which therefore nothing was decoded.
    """

    def __init__(self, target: Target, *, everything: bool) -> None:
        self._target = target
        self._everything = everything
        self._left = _ALL_SAMPLED
        self.skipped = 0

    def look(self, nodes: Sequence[Node], *, values: bool = False) -> list[Pixels]:
        """Open the arrays of nodes and decode chunks of them; nothing is raised.

        Chunks of all arrays are read together, some at a time.

        Parameters
        ----------
        nodes : sequence of Node
            Arrays.
        values : bool
            Whether values are collected, as of label images.

        Returns
        -------
        list of Pixels
            For each of the nodes.
        """
        found = [Pixels() for _ in nodes]
        waiting: list[_Task] = []
        nbytes = 0
        for task in self._tasks(nodes, found):
            waiting.append(task)
            nbytes += task.nbytes
            if nbytes >= _AT_ONCE or len(waiting) >= _IN_FLIGHT:
                sync(_read(waiting, values=values))
                waiting, nbytes = [], 0
        if waiting:
            sync(_read(waiting, values=values))
        return found

    def _tasks(self, nodes: Sequence[Node], found: Sequence[Pixels]) -> Iterator[_Task]:
        """The chunks that are decoded, of one array after the other."""
        for node, pixels in zip(nodes, found, strict=True):
            try:
                array = opened(self._target, node)
                blocks = self._blocks(array, pixels)
                nbytes = max(1, math.prod(_block(array)) * array.dtype.itemsize)
            # What zarr and its codecs raise for metadata that are broken is anything.
            except Exception as error:
                words = f"zarr cannot open it: {_told(error)}"
                pixels.bad.append(Bad("", words))
                continue
            for index in blocks:
                self._left -= nbytes
                yield _Task(array, index, pixels, nbytes)

    def _blocks(
        self, array: zarr.Array[Any], found: Pixels
    ) -> Iterator[tuple[int, ...]]:
        """Indices of the blocks that are decoded."""
        counts = [
            -(-size // step)
            for size, step in zip(array.shape, _block(array), strict=True)
        ]
        nbytes = math.prod(_block(array)) * array.dtype.itemsize
        total = math.prod(counts)
        if nbytes > _LARGEST_CHUNK:
            words = f"its chunks have {nbytes} bytes each, and none was decoded"
            found.bad.append(Bad("", words, is_error=False))
            return iter(())
        if self._everything and total <= _MOST_CHUNKS:
            return itertools.product(*map(range, counts))
        if self._everything:
            words = f"it has {total} chunks, and only some were decoded"
            found.bad.append(Bad("", words, is_error=False))
        many = _SAMPLED if self._everything else self._many(max(1, nbytes))
        self.skipped += bool(total) and not many
        return iter(_sampled(counts, total, many))

    def _many(self, nbytes: int) -> int:
        """How many chunks of an array to sample; half of all is for one of each."""
        spare = self._left - _ALL_SAMPLED // 2
        return max(min(_SAMPLED, spare // nbytes), int(nbytes <= self._left))


def opened(target: Target, node: Node) -> zarr.Array[Any]:
    """The array of a node, by the document that has been read of it.

    What zarr raises for a document that is broken is anything.
    """
    if node.zarr_format == 2:
        document: Mapping[str, Any] = {**node.document, "attributes": {}}
        metadata: Any = ArrayV2Metadata.from_dict(dict(document))
    else:
        # What stands in the attributes is no business of the pixels.
        metadata = ArrayV3Metadata.from_dict({**node.document, "attributes": {}})
    place = StorePath(target.store, join(target.path, node.path))
    made: Any = zarr.AsyncArray(metadata=metadata, store_path=place)
    return zarr.Array(made)


@dataclass(frozen=True, slots=True)
class _Task:
    """One chunk to be decoded, and where what is found goes."""

    array: zarr.Array[Any]
    index: tuple[int, ...]
    found: Pixels
    nbytes: int


async def _read(tasks: Sequence[_Task], *, values: bool) -> None:
    room = Room(tasks[0].array.store, _IN_FLIGHT)

    async def read_one(task: _Task) -> None:
        await _read_one(task, values=values)

    await each(read_one, tasks, room.request)


async def _read_one(task: _Task, *, values: bool) -> None:
    array, found = task.array, task.found
    try:
        pixels = await array.async_array.getitem(_where(array, task.index))
    # Codecs and clients of servers raise what they like.
    except Exception as error:
        if len(found.bad) <= _SHOWN:
            key = _key(array, task.index)
            words = f"chunk {key!r} cannot be decoded: {_told(error)}"
            found.bad.append(Bad(key, words))
        return
    if values and len(found.values) < _VALUES:
        found.values.update(np.unique(np.asarray(pixels)).tolist()[:_VALUES])


def _block(array: zarr.Array[Any]) -> tuple[int, ...]:
    """What is decoded at a time: a chunk, of shards the inner one."""
    return tuple(max(1, step) for step in array.chunks)


def _sampled(counts: Sequence[int], total: int, many: int) -> list[tuple[int, ...]]:
    """Indices spread over a grid, its first and last among them."""
    if not total or not many:
        return []
    if total <= many:
        chosen = list(range(total))
    elif many == 1:
        chosen = [total // 2]
    else:
        chosen = [i * (total - 1) // (many - 1) for i in range(many)]
    found = []
    for number in chosen:
        index = []
        for count in reversed(counts):
            number, at = divmod(number, count)
            index.append(at)
        found.append(tuple(reversed(index)))
    return found


def _where(array: zarr.Array[Any], index: Sequence[int]) -> tuple[slice, ...]:
    return tuple(
        slice(at * step, min((at + 1) * step, size))
        for at, step, size in zip(index, _block(array), array.shape, strict=True)
    )


def _key(array: zarr.Array[Any], index: Sequence[int]) -> str:
    """The key of the stored object that a block is in."""
    outer = array.shards or _block(array)
    steps = zip(index, _block(array), outer, strict=True)
    place = tuple(at * step // whole for at, step, whole in steps)
    return str(array.metadata.encode_chunk_key(place))


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
