"""Blocks put together from chunks, and parts of arrays with more axes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xarray_omezarr.hierarchy import Part
from xarray_omezarr.store.pieces import overlapping, put_together


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.data())
def test_a_block_is_put_together_from_the_chunks_it_overlaps(sizes, data) -> None:
    edges = [0, *np.cumsum(sizes).tolist()]
    if edges[-1] == 0:
        return
    start = data.draw(st.integers(0, edges[-1] - 1))
    stop = data.draw(st.integers(start + 1, edges[-1]))
    whole = np.arange(edges[-1])
    chunks = np.split(whole, edges[1:-1])
    found = list(overlapping([edges], (slice(start, stop),)))
    block = put_together(
        [piece for _, piece in found],
        [chunks[index] for (index,), _ in found],
        (slice(start, stop),),
        whole.dtype,
    )
    np.testing.assert_array_equal(block, whole[start:stop])


def test_a_chunk_that_is_the_block_is_not_copied() -> None:
    chunk = np.arange(4)
    piece = (slice(0, 4),), (slice(0, 4),), (4,)
    block = put_together([piece], [chunk], (slice(8, 12),), chunk.dtype)
    assert np.shares_memory(block, chunk)


def test_a_part_of_a_chunk_is_cut_out_without_a_copy() -> None:
    chunk = np.arange(24).reshape(4, 6)
    ((place, piece),) = overlapping([[0, 4, 8], [0, 6]], (slice(2, 5),), index=(7,))
    block = put_together([piece], [chunk], (slice(2, 5),), chunk.dtype)
    assert place == (1, 0)
    assert block.tolist() == [20, 21, 22]
    assert np.shares_memory(block, chunk)


def test_a_part_is_read_as_the_array_of_its_other_axes() -> None:
    whole = np.arange(24).reshape(2, 3, 4)
    part = Part(whole, (1, 2))
    assert part.shape == (4,)
    assert part.dtype == whole.dtype
    assert part[slice(1, 3),].tolist() == [21, 22]
