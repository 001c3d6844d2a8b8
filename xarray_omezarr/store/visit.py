"""Visit all blocks of what is not dask: each once, the inner ones inside the outer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from xarray_omezarr.store.claim import check_lately
from xarray_omezarr.store.crew import Alone
from xarray_omezarr.store.fill import (
    BlockWriter,
    Extent,
    HasArrays,
    Limits,
    Pixels,
    chains,
    read_block,
    seen_from,
    totals,
)
from xarray_omezarr.store.pixels import is_in_memory

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import ArrayNode
    from xarray_omezarr.store.blocks import Slices
    from xarray_omezarr.store.crew import Crew


class Watcher(Protocol):
    """Looks at pixels while they are in memory, from any thread."""

    def see(self, path: str, pixels: Pixels, /) -> None:
        """Look at a part of the array at `path`, perhaps at all of it."""
        ...


def fill_now(
    arrays: Mapping[str, ArrayNode],
    writers: Sequence[BlockWriter],
    begun: HasArrays,
    hands: Crew | Alone,
    watcher: Watcher,
) -> dict[str, Limits]:
    """Fill all arrays, block by block; what is not in memory is read in this thread.

    Parameters
    ----------
    arrays : mapping
        Nodes by path.
    writers : sequence of BlockWriter
        One per stage, in order.
    begun : HasArrays
        Where to.
    hands : Crew or Alone
        Who encodes and puts.
    watcher : Watcher
        Looks at what is made.

    Returns
    -------
    dict
        Limits of the values, by path of the arrays that were read.
    """
    extents: dict[str, Extent] = {}
    todo = list(chains(writers))
    are_many = len(todo) >= 2 * hands.threads
    for chain in todo:
        root = chain[0].stage.root
        if not chain[0].stage.writes_root:
            # It goes on from what those before it have stored.
            hands.wait()
        extent = extents.setdefault(root, Extent())
        node = arrays[root]
        if are_many and _is_one_block(chain, node):
            # Of a plate, whole fields are done at the same time.
            nest = _Nest(chain, node, begun, Alone(), extent, watcher)
            hands.hand_over(_nbytes(chain, node), nest.fill)
        else:
            _Nest(chain, node, begun, hands, extent, watcher).fill()
    hands.wait()
    return {root: extent.limits for root, extent in extents.items()}


def _is_one_block(chain: Sequence[BlockWriter], node: ArrayNode) -> bool:
    """Whether it is all done in one go, from pixels that any thread may read."""
    stage = chain[0].stage
    is_whole = len(chain) == 1 and stage.block == stage.shape
    return is_whole and stage.writes_root and is_in_memory(node.given)


def _nbytes(chain: Sequence[BlockWriter], node: ArrayNode) -> int:
    """Bytes of the levels that are made of a whole array."""
    steps = chain[0].stage.steps
    pixels = sum(-(-math.prod(node.shape) // math.prod(step.total)) for step in steps)
    return (pixels + math.prod(node.layout.objects)) * node.dtype.itemsize


class _Nest:
    """Runs stages that nest: an outer block is put together from inner ones.

    Each array is visited once, and nothing that was written is read again.
    """

    def __init__(
        self,
        chain: Sequence[BlockWriter],
        node: ArrayNode,
        begun: HasArrays,
        hands: Crew | Alone,
        extent: Extent,
        watcher: Watcher,
    ) -> None:
        self._watcher = watcher
        self._chain = chain
        self._stages = [writer.stage for writer in chain]
        self._totals = totals(self._stages)
        self._node = node
        self._begun = begun
        self._hands = hands
        self._extent = extent
        self._open: dict[str, list[_OpenBlock]] = {}

    def fill(self) -> None:
        """Visit all blocks of the outermost stage."""
        for place in self._stages[-1].blocks():
            self._visit(len(self._chain) - 1, place)

    def _visit(self, depth: int, place: Slices) -> None:
        check_lately(self._begun)
        writer = self._chain[depth]
        if self._begun.stored.has(writer.stage, place):
            self._skip(depth, place)
            return
        if depth:
            pixels = self._assemble(depth, place)
        else:
            pixels = read_block(writer.stage, place, self._node, self._begun)
            self._pass_on(writer.stage.root, place, pixels)
        writer.write(
            pixels, place, self._begun, self._hands, self._extent, self._pass_on
        )

    def _skip(self, depth: int, place: Slices) -> None:
        """Pass over a block that is stored; what is inside it need not be."""
        writer = self._chain[depth]
        if depth:
            for within in self._inside(depth, place):
                self._visit(depth - 1, within)
        writer.skip(place, self._begun, self._hands, self._extent)
        for path, part in writer.stage.parts(place):
            if self._open.get(path):
                # It is a part of a larger block that is not stored.
                self._pass_on(path, part, np.asarray(self._begun.handles[path][part]))

    def _inside(self, depth: int, place: Slices) -> Iterator[Slices]:
        """The blocks of the stage before that a block consists of."""
        stage, inner = self._stages[depth], self._stages[depth - 1]
        return inner.blocks(seen_from(inner, stage, place, self._totals))

    def _assemble(self, depth: int, place: Slices) -> Pixels:
        """The pixels of a block, made by the blocks of the stages inside it."""
        waiting = self._open.setdefault(self._stages[depth].root, [])
        waiting.append(_OpenBlock(place))
        for within in self._inside(depth, place):
            self._visit(depth - 1, within)
        return waiting.pop().pixels

    def _pass_on(self, path: str, place: Slices, pixels: Pixels) -> None:
        for block in self._open.get(path, ()):
            block.take(place, pixels)
        self._watcher.see(path, pixels)


class _OpenBlock:
    """A block that is being put together from parts."""

    def __init__(self, place: Slices) -> None:
        self._place = place
        self.pixels: Pixels = np.empty(0)

    def take(self, place: Slices, part: Pixels) -> None:
        """Put a part where it belongs."""
        if place == self._place:
            self.pixels = part
            return
        if not self.pixels.size:
            shape = [whole.stop - whole.start for whole in self._place]
            self.pixels = np.empty(shape, part.dtype)
        inside = tuple(
            slice(at.start - whole.start, at.stop - whole.start)
            for at, whole in zip(place, self._place, strict=True)
        )
        self.pixels[inside] = part
