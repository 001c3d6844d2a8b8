"""Lazy levels read the pixels that they are asked for, and few others."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from xarray.core import indexing

from xarray_omezarr.hierarchy import Downsampled
from xarray_omezarr.write.derived import _LazyLevel, _LazyRoot

SHAPE = (1000, 8, 12)
DATA = np.arange(np.prod(SHAPE), dtype="float64").reshape(SHAPE)


class Source:
    """Lazily opened pixels that count what is read of them."""

    def __init__(self, chunks=None) -> None:
        self.shape, self.dtype, self.chunks = SHAPE, DATA.dtype, (1, 4, 4)
        self.variable = SimpleNamespace(chunks=chunks)
        self.read = 0

    def __getitem__(self, key):
        indices = [np.arange(n)[k] for k, n in zip(key, SHAPE, strict=True)]
        block = DATA[np.ix_(*indices)]
        self.read += block.size
        return block


def levels(**kwargs):
    source = Source(**kwargs)
    root = _LazyRoot(source, DATA.dtype)
    finer = _LazyLevel(root, Downsampled("0", (1, 2, 2), "mean"), (1000, 4, 6))
    coarse = _LazyLevel(finer, Downsampled("1", (1, 2, 2), "mean"), (1000, 2, 3))
    halves = DATA.reshape(1000, 4, 2, 6, 2).mean(axis=(2, 4))
    quarters = halves.reshape(1000, 2, 2, 3, 2).mean(axis=(2, 4))
    return source, [(root, DATA), (finer, halves), (coarse, quarters)]


FAR = np.array([0, 999])
EVERYTHING = slice(None)
KEYS = [
    (FAR, EVERYTHING, EVERYTHING),
    (np.array([999, 0, 999, -1]), np.array([1, 0]), EVERYTHING),
    (slice(None, None, 333), slice(None, None, -1), 2),
    (slice(900, 2, -300), np.array([], int), slice(0, 2)),
    (slice(5, 5), EVERYTHING, EVERYTHING),
    (7, np.array([0, 1]), np.array([2, 0])),
]


@pytest.mark.parametrize("chunks", [None, ((1000,), (8,), (12,))])
@pytest.mark.parametrize("key", KEYS)
def test_pixels_are_those_of_an_outer_index(key, chunks) -> None:
    _, made = levels(chunks=chunks)
    for lazy, expected in made:
        for axis in reversed(range(3)):
            expected = expected[(slice(None),) * axis + (key[axis],)]
        found = lazy[indexing.OuterIndexer(key)]
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("frames", [FAR, slice(0, 1000, 999)])
def test_frames_between_those_asked_for_are_not_read(level, frames) -> None:
    source, made = levels()
    made[level][0][indexing.OuterIndexer((frames, EVERYTHING, EVERYTHING))]
    assert source.read == 2 * 8 * 12
