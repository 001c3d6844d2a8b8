"""A block that is put together from pieces of chunks: where each is cut out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.pixels.given import as_promised

if TYPE_CHECKING:
    from xarray_omezarr.store.blocks import Slices

#: Where a piece lies in its chunk, where in the block it belongs to, and the shape of
#: the chunk. In a chunk of more axes than the block has, the first ones are numbers.
Piece: TypeAlias = "tuple[tuple[slice | int, ...], Slices, tuple[int, ...]]"


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
        place = (*chunk, *(number for number, _, _ in cut))
        sizes = (e[n + 1] - e[n] for e, n in zip(starts, place, strict=True))
        yield (
            place,
            (
                (*inside, *(in_chunk for _, in_chunk, _ in cut)),
                tuple(in_block for _, _, in_block in cut),
                tuple(sizes),
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
    pieces: Sequence[Piece],
    chunks: Sequence[Any],
    at: Slices,
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    """One block from pieces of chunks; a chunk that is the block is not copied.

    Raises
    ------
    DataTypeError, LayoutError
        For a chunk that is not of the type and shape it should be.
    """
    parts = (
        as_promised(chunk, dtype, shape)[in_chunk]
        for (in_chunk, _, shape), chunk in zip(pieces, chunks, strict=True)
    )
    if len(chunks) == 1:
        return next(parts)
    block = np.empty(tuple(part.stop - part.start for part in at), dtype)
    for (_, in_block, _), part in zip(pieces, parts, strict=True):
        block[in_block] = part
    return block
