"""A block that is put together from pieces of chunks: where each is cut out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from xarray_omezarr.store.blocks import Slices

#: Where a piece lies in its chunk, and where in the block it belongs to. In a chunk
#: of more axes than the block has, the first ones are numbers.
Piece: TypeAlias = "tuple[tuple[slice | int, ...], Slices]"


def overlapping(
    starts: Sequence[Sequence[int]], at: Slices, index: Sequence[int] = ()
) -> Iterator[tuple[tuple[int, ...], Piece]]:
    """Indices of the chunks that a block overlaps, with the piece of each.

    Parameters
    ----------
    starts : sequence
        Where the chunks begin along each axis.
    at : tuple of slice
        The block, without the axes of `index`.
    index : sequence of int
        Where it lies along the first axes.
    """
    edges, further = starts[: len(index)], starts[len(index) :]
    chunk = [bisect_right(e, i) - 1 for e, i in zip(edges, index, strict=True)]
    inside = [i - e[n] for e, i, n in zip(edges, index, chunk, strict=True)]
    by_axis = [list(_overlaps(e, part)) for e, part in zip(further, at, strict=True)]
    for cut in product(*by_axis):
        yield (
            (*chunk, *(number for number, _, _ in cut)),
            (
                (*inside, *(in_chunk for _, in_chunk, _ in cut)),
                tuple(in_block for _, _, in_block in cut),
            ),
        )


def _overlaps(edges: Sequence[int], part: slice) -> Iterator[tuple[int, slice, slice]]:
    index = bisect_right(edges, part.start) - 1
    while index < len(edges) - 1 and edges[index] < part.stop:
        start = max(edges[index], part.start)
        stop = min(edges[index + 1], part.stop)
        if start < stop:
            yield (
                index,
                slice(start - edges[index], stop - edges[index]),
                slice(start - part.start, stop - part.start),
            )
        index += 1


def put_together(
    pieces: Sequence[Piece], chunks: Sequence[NDArray[Any]], at: Slices
) -> NDArray[Any]:
    """One block from pieces of chunks; a chunk that is the block is not copied."""
    shape = tuple(part.stop - part.start for part in at)
    if len(chunks) == 1:
        return np.asarray(chunks[0])[pieces[0][0]]
    block: NDArray[Any] | None = None
    for (in_chunk, in_block), chunk in zip(pieces, chunks, strict=True):
        part = np.asarray(chunk)
        if block is None:
            block = np.empty(shape, part.dtype)
        block[in_block] = part[in_chunk]
    assert block is not None  # every block overlaps a chunk
    return block
