"""The floor: nothing but compressing all chunks of all levels and writing the files."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.performance.works import FACTORS, Work

THREADS = 2
Image = NDArray[Any]


def halved(image: Image) -> Image:
    """Means of 2 x 2 pixels along the last two axes, halves to even, plane by plane.

    Slices are added, as a careful user of numpy would do it: ``reshape().mean()`` costs
    ten times more.
    """
    result = np.empty((*image.shape[:-2], *(n // 2 for n in image.shape[-2:])), "u2")
    for index in np.ndindex(image.shape[:-2]):
        plane = image[index]
        total = plane[::2, ::2].astype(np.uint32)
        total += plane[::2, 1::2]
        total += plane[1::2, ::2]
        total += plane[1::2, 1::2]
        result[index] = (total + 1 + ((total >> 2) & 1)) >> 2
    return result


def levels_by_hand(
    image: Image, method: str, factors: tuple[int, ...] = FACTORS
) -> list[Image]:
    """All levels of `image` in memory, one more than there are `factors`.

    For labels every second pixel: the levels of `mode` compress as well as these.
    """
    levels = [image]
    for _ in factors:
        finer = levels[-1]
        levels.append(halved(finer) if method == "mean" else finer[..., ::2, ::2])
    return levels


def pieces(image: Image, shape: tuple[int, ...]) -> Iterator[Image]:
    """The pieces of `image` on the grid of `shape`."""
    starts = [range(0, n, step) for n, step in zip(image.shape, shape, strict=True)]
    for corner in itertools.product(*starts):
        ends = (a + n for a, n in zip(corner, shape, strict=True))
        yield image[tuple(map(slice, corner, ends))]


def prepare_floor(work: Work, pixels: Any, target: Path) -> Callable[[], None]:
    """All levels cut into contiguous chunks; the call encodes and writes them.

    Own defaults are those that any tool could have: blosc-zstd at level 1.
    """
    import numcodecs

    # Each thread compresses in its own context and the lock of Python is not held.
    numcodecs.blosc.use_threads = False
    codec = numcodecs.Blosc("zstd", 3 if work.codec == "matched" else 1)
    objects: list[list[Image]] = []
    for level in levels_by_hand(np.asarray(pixels), work.method):
        for stored in pieces(level, work.shards or work.chunks):
            chunks = pieces(stored, work.chunks)
            objects.append([np.ascontiguousarray(chunk) for chunk in chunks])

    def write(number: int) -> None:
        with open(target / str(number), "wb") as file:
            for chunk in objects[number]:
                file.write(codec.encode(chunk))

    def run() -> None:
        target.mkdir()
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(write, range(len(objects))):
                pass

    return run
