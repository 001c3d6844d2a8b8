"""Figures behind the defaults: ``python -m tests.performance.defaults FOLDER``.

The folder holds wheels with pictures (see docs/design/defaults.md); without them only
simulated pictures are measured. Needs numcodecs, scipy, tifffile and zarr. Times are
CPU seconds of one thread, the least of three runs.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import numcodecs
import numpy as np
import zarr

from tests.performance.floor import pieces
from tests.performance.pictures import Image, Picture, camera, light, shipped, simulated

_MIB = 2**20
_SHUFFLES = {"none": 0, "byte": 1, "bit": 2}


def codecs() -> dict[str, Any]:
    """All settings, by the name that the tables show."""
    found: dict[str, Any] = {}
    for shuffle, number in _SHUFFLES.items():
        for level in (1, 3, 5):
            name = f"blosc-zstd {level} {shuffle}"
            found[name] = numcodecs.Blosc("zstd", level, number)
        found[f"blosc-lz4 5 {shuffle}"] = numcodecs.Blosc("lz4", 5, number)
    found["zstd 3"] = numcodecs.Zstd(3)
    found["gzip 5"] = numcodecs.GZip(5)
    return found


def least(call: Callable[[], object], times: int = 3) -> float:
    """The least CPU seconds of several runs."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return min(seconds)


def chunks_of(pixels: Image) -> list[Image]:
    """The picture in contiguous chunks of at most 1 MiB."""
    plane = 256 if pixels.ndim > 2 else 512
    depth = max(1, _MIB // (plane * plane * pixels.itemsize))
    shape = (*(1,) * (pixels.ndim - 3), depth, plane, plane)[-pixels.ndim :]
    return [np.ascontiguousarray(piece) for piece in pieces(pixels, shape)]


def encoded(codec: Any, chunks: list[Image]) -> tuple[int, float, float]:
    """Bytes after encoding, and CPU seconds of encoding and decoding."""
    packed = [codec.encode(chunk) for chunk in chunks]
    size = sum(len(part) for part in packed)
    # The contract of every codec: what comes out is what went in.
    assert all(
        bytes(codec.decode(part)) == chunk.tobytes()
        for part, chunk in zip(packed, chunks, strict=True)
    )
    write = least(lambda: [codec.encode(chunk) for chunk in chunks])
    read = least(lambda: [codec.decode(part) for part in packed])
    return size, write, read


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table in markdown."""
    names = list(head)
    print("| " + " | ".join(names) + " |")
    print("|" + " --- |" * len(names))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print(flush=True)


def codec_tables(pictures: list[Picture]) -> None:
    """One table for each kind of pixel: settings by pictures."""
    for kind in dict.fromkeys(picture.kind for picture in pictures):
        chosen = [picture for picture in pictures if picture.kind == kind]
        cut = [chunks_of(picture.pixels) for picture in chosen]
        total = sum(picture.pixels.nbytes for picture in chosen) / _MIB
        rows = []
        for name, codec in codecs().items():
            found = [encoded(codec, chunks) for chunks in cut]
            ratios = [
                picture.pixels.nbytes / size
                for picture, (size, _, _) in zip(chosen, found, strict=True)
            ]
            speeds = [total / sum(one[i] for one in found) for i in (1, 2)]
            shown = (f"{ratio:.2f}" for ratio in (geometric_mean(ratios), *ratios))
            rows.append([name, *shown, *(f"{speed:.0f}" for speed in speeds)])
        print(f"### {kind}\n")
        names = [picture.about for picture in chosen]
        table(["codec", "mean ratio", *names, "encode MiB/s", "decode MiB/s"], rows)


def stored(
    image: Image, chunks: tuple[int, ...], shards: tuple[int, ...] | None, place: Path
) -> tuple[zarr.Array[Any], float]:
    """The image on disk and the CPU seconds that writing took."""
    array = zarr.create_array(
        place,
        shape=image.shape,
        dtype=image.dtype,
        chunks=chunks,
        shards=shards,
        compressors=zarr.codecs.BloscCodec(cname="zstd", clevel=1, shuffle="shuffle"),
    )

    def write() -> None:
        array[...] = image

    return array, least(write, 1)


def layout_row(
    image: Image, chunks: tuple[int, ...], shards: tuple[int, ...] | None = None
) -> list[object]:
    """Size, objects, and the cost of what people read."""
    with tempfile.TemporaryDirectory() as scratch:
        array, write = stored(image, chunks, shards, Path(scratch) / "array")
        files = [f for f in Path(scratch).rglob("*") if f.is_file()]
        size = sum(f.stat().st_size for f in files)
        depth, height, width = (n // 2 for n in image.shape)
        wishes: list[tuple[slice, ...]] = [
            (slice(depth, depth + 1), slice(None), slice(None)),
            (slice(depth, depth + 1), slice(height, height + 512), slice(512, 1024)),
            (slice(None), slice(height, height + 1), slice(None)),
            tuple(slice(n - 32, n + 32) for n in (depth, height, width)),
        ]
        reads = [least(lambda wish=wish: array[wish]) * 1000 for wish in wishes]
    held = math.prod(chunks) * image.itemsize / _MIB
    measured = [f"{size / 1e6:.1f}", f"{write:.2f}", *(f"{one:.0f}" for one in reads)]
    # One file is the metadata.
    return [chunks, shards or "", f"{held:g}", len(files) - 1, *measured]


_HEAD = ("chunk z y x", "shard", "MiB", "objects", "MB", "write s")
_READS = ("plane ms", "tile ms", "side view ms", "64 cube ms")


def layout_tables() -> None:
    """Chunks for a volume and for a plane, and shards."""
    # Noise is made anew in every tile: what repeats would compress too well.
    volume = camera(1500 * np.tile(light((64, 512, 512)), (1, 2, 2)))
    print("### Volume of 64 x 1024 x 1024, uint16\n")
    shapes = [(1, 512, 512), (1, 1024, 1024), (4, 256, 256), (4, 512, 512)]
    shapes += [(8, 256, 256), (16, 256, 256), (32, 128, 128), (64, 64, 64)]
    shapes += [(64, 128, 128), (32, 256, 256)]
    table([*_HEAD, *_READS], (layout_row(volume, shape) for shape in shapes))
    print("### The same in shards\n")
    shards = [(64, 256, 256), (64, 512, 512), (64, 1024, 1024)]
    table([*_HEAD, *_READS], (layout_row(volume, (8, 256, 256), s) for s in shards))
    plane = camera(1500 * np.tile(light((1, 1024, 1024)), (1, 8, 8)))
    print("### Plane of 8192 x 8192, uint16\n")
    shapes = [(1, 256, 256), (1, 512, 512), (1, 1024, 1024), (1, 2048, 2048)]
    table([*_HEAD, *_READS], (layout_row(plane, shape) for shape in shapes))


def main() -> None:
    """Print all tables."""
    numcodecs.blosc.use_threads = False
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    pictures = [] if folder is None else list(shipped(folder))
    order = ["uint8", "uint16", "float32", "labels", "labels of 8 bits"]
    pictures = sorted([*pictures, *simulated()], key=lambda p: order.index(p.kind))
    codec_tables(pictures)
    layout_tables()


if __name__ == "__main__":
    main()
