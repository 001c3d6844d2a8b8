"""Pictures of known character: smooth structure under shot noise, and cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Order of the axes of every image here.
DIMS = ("t", "c", "z", "y", "x")

#: Physical size of a pixel along each of them, in micrometres (z, y, x).
SCALE = (1.0, 1.0, 2.0, 0.5, 0.5)

# Grey values without light, photons in the dark, and the most that structure adds:
# chosen so that blosc-zstd compresses the image by about 2.6, as it does pictures of
# a camera.
_OFFSET = 100.0
_DARK = 20.0
_BRIGHT = 180.0
_CELL = 48


def shape_of(mebibytes: int, itemsize: int) -> tuple[int, ...]:
    """Shape of an image with 16 planes in z, in the order of `DIMS`.

    Up to 256 MiB, two channels of uint16 (one of uint32) with planes of 2048 x 2048
    or less; beyond that the planes grow, which is what spoils an engine that holds
    whole planes.

    Examples
    --------
    >>> shape_of(256, 2), shape_of(1024, 2), shape_of(256, 4)
    ((1, 2, 16, 2048, 2048), (1, 2, 16, 4096, 4096), (1, 1, 16, 2048, 2048))
    """
    channels = 2 if itemsize == 2 else 1
    per_plane = mebibytes * 2**20 // (channels * 16 * itemsize)
    # A multiple of every factor, so that all tools agree on the sizes of the levels.
    side = int(np.sqrt(per_plane)) // 16 * 16
    return (1, channels, 16, side, side)


def shape_of_fields(count: int) -> tuple[int, ...]:
    """Shape of all fields of a plate, 1 MiB of uint16 each: field, c, z, y, x.

    Examples
    --------
    >>> shape_of_fields(384)
    (384, 2, 1, 512, 512)
    """
    return (count, 2, 1, 512, 512)


def camera_image(shape: tuple[int, ...]) -> NDArray[np.uint16]:
    """Smooth structure with shot noise in counts, the same for the same `shape`."""
    rng = np.random.default_rng(20260101)
    image = np.empty(shape, np.uint16)
    y, x = (np.arange(n, dtype=np.float32) for n in shape[-2:])
    for number, index in enumerate(np.ndindex(shape[:-2])):
        waves = np.sin(y / 37 + number)[:, None] * np.sin(x / 53 - number)[None, :]
        blobs = np.cos(y / 211 - number)[:, None] * np.cos(x / 173 + number)[None, :]
        light = _DARK + _BRIGHT * np.clip(0.5 * waves + 0.5 * blobs, 0, None)
        level = _OFFSET + light
        # Shot noise of many photons is normal with the variance of its mean.
        noise = rng.standard_normal(light.shape, dtype=np.float32)
        image[index] = np.clip(np.rint(level + np.sqrt(light) * noise), 0, None)
    return image


def cells(shape: tuple[int, ...]) -> NDArray[np.uint32]:
    """Round cells at jittered places, numbered from 1, on a background of 0."""
    rng = np.random.default_rng(20260102)
    labels = np.zeros(shape, np.uint32)
    rows, columns = (-(-n // _CELL) for n in shape[-2:])
    jitter = rng.uniform(-6, 6, (2, rows, columns)).astype(np.float32)
    radius = rng.uniform(14, 26, (rows, columns)).astype(np.float32)
    y, x = (np.arange(n) for n in shape[-2:])
    row, column = (y // _CELL)[:, None], (x // _CELL)[None, :]
    dy = (y % _CELL)[:, None] - _CELL / 2 - jitter[0][row, column]
    dx = (x % _CELL)[None, :] - _CELL / 2 - jitter[1][row, column]
    distance = np.hypot(dy, dx)
    number = (1 + row * columns + column).astype(np.uint32)
    depth = max(1, shape[-3] - 1)
    for index in np.ndindex(shape[:-2]):
        # Cells are widest in the middle of the stack.
        wide = 0.6 + 0.4 * np.sin(np.pi * index[-1] / depth)
        inside = distance < radius[row, column] * wide
        labels[index] = np.where(inside, number, 0)
    return labels


def source_file(kind: str, mebibytes: int, folder: Path) -> Path:
    """A ``.npy`` file of the image, made at the first call."""
    make, itemsize = (cells, 4) if kind == "labels" else (camera_image, 2)
    path = folder / f"{kind}-{mebibytes}.npy"
    if not path.exists():
        partial = path.with_suffix(".partial.npy")
        plate = kind == "plate"
        shape = shape_of_fields(mebibytes) if plate else shape_of(mebibytes, itemsize)
        np.save(partial, make(shape))
        partial.rename(path)
    return path


def source_zarr(mebibytes: int, folder: Path) -> Path:
    """The image as a Zarr array with chunks of 1, 1, 16, 256, 256."""
    import zarr

    path = folder / f"image-{mebibytes}.zarr"
    if not path.exists():
        partial = folder / f"image-{mebibytes}.partial.zarr"
        image = np.load(source_file("image", mebibytes, folder), mmap_mode="r")
        chunks = (1, 1, 16, 256, 256)
        kept = tuple(min(a, b) for a, b in zip(chunks, image.shape, strict=True))
        codec = zarr.codecs.BloscCodec(cname="zstd", clevel=1, shuffle="shuffle")
        array = zarr.create_array(
            partial,
            shape=image.shape,
            chunks=kept,
            dtype=image.dtype,
            compressors=codec,
            dimension_names=DIMS,
        )
        array[...] = image
        partial.rename(path)
    return path
