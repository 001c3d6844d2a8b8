"""A change of an image as tasks of dask: one per piece, all in one layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import dask
import dask.array

from xarray_omezarr.store.amend import Amendment, Pixels, downsampled
from xarray_omezarr.store.layers import Key, Layer
from xarray_omezarr.store.pieces import Piece, overlapping, put_together

if TYPE_CHECKING:
    from xarray_omezarr.store.boxes import Box


def amend_later(
    amendment: Amendment,
    pixels: Pixels | None,
    begin: Callable[[], object],
    finish: Callable[[], Any],
) -> Any:
    """A Delayed that calls `begin`, makes the change, and gives what `finish` does.

    One task per piece; those of a level wait for all of the level they read.

    Parameters
    ----------
    amendment : Amendment
        The change.
    pixels : Pixels, optional
        Those of level 0; None remakes the other levels only.
    begin : callable
        Called before the first byte is written; what it raises stops everything.
    finish : callable
        Called when all is written.
    """
    begun = dask.delayed(begin, pure=False, traverse=False)()
    change = dask.delayed(amendment, pure=False, traverse=False)
    layer = Layer([begun, change])
    first, *others = amendment.rounds
    done: dict[str, Key] = {first.path: begun.key}
    if pixels is not None:
        stored = _store_tasks(amendment, pixels, (change.key, begun.key), layer)
        done[first.path] = layer.add(_done, stored, begun.key)
    for number, each in enumerate(others, start=1):
        after = done[downsampled(amendment.arrays[each.path]).parent]
        made = [
            layer.add(_Remake(number, cell), change.key, after) for cell in each.cells()
        ]
        done[each.path] = layer.add(_done, made, after)
    return layer.delayed(layer.add(_Finish(finish), list(done.values())))


def _store_tasks(
    amendment: Amendment, pixels: Pixels, before: tuple[Key, Key], layer: Layer
) -> list[Key]:
    """Tasks that write the pieces of level 0, each chunk of dask being made once."""
    first = amendment.rounds[0]
    if not isinstance(pixels.array, dask.array.Array):
        # Traversing a large numpy array to look for tasks in it would hash it.
        source = dask.delayed(pixels, pure=False, traverse=False)
        layer.dependencies.append(source)
        return [layer.add(_Read(cell), source.key, *before) for cell in first.cells()]
    chunks = pixels.array.to_delayed()
    # The graph of the source is shared by all tasks: none copies it.
    layer.dependencies += list(chunks.flat[:1])
    starts = [[0, *accumulate(sizes)] for sizes in pixels.array.chunks]
    tasks = []
    for cell in first.cells():
        found = list(overlapping(starts, pixels.seen_from_array(cell)))
        task = _Given(cell, tuple(piece for _, piece in found))
        keys = [chunks[index].key for index, _ in found]
        tasks.append(layer.add(task, keys, *before))
    return tasks


@dataclass(frozen=True, slots=True)
class _Given:
    """Writes a piece of level 0 that is put together from chunks of dask."""

    cell: Box
    pieces: Sequence[Piece]

    def __call__(
        self, chunks: Sequence[Any], amendment: Amendment, _begun: object
    ) -> None:
        first = amendment.rounds[0]
        dtype = amendment.arrays[first.path].dtype
        block = put_together(self.pieces, chunks, self.cell, dtype)
        amendment.store(block, self.cell, first)


@dataclass(frozen=True, slots=True)
class _Read:
    """Writes a piece of level 0 that is read from an array."""

    cell: Box

    def __call__(self, pixels: Pixels, amendment: Amendment, _begun: object) -> None:
        amendment.store(pixels.read(self.cell), self.cell, amendment.rounds[0])


@dataclass(frozen=True, slots=True)
class _Remake:
    """Makes a piece of the coarser level that changes in the round `number`."""

    number: int
    cell: Box

    def __call__(self, amendment: Amendment, _after: object) -> None:
        amendment.remake(self.cell, amendment.rounds[self.number])


@dataclass(frozen=True, slots=True)
class _Finish:
    """The last task."""

    finish: Callable[[], Any]

    def __call__(self, _after: object) -> Any:
        return self.finish()


def _done(_parts: object, _after: object) -> None:
    return None
