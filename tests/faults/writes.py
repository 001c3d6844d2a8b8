"""What is written, and killed while it is: each function writes below a folder.

Kinds: ``"numpy"``, ``"dask"`` (threads of this process), ``"cluster"`` (processes).
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import dask.array
import numpy as np
import xarray as xr

import xarray_omezarr as xo
from tests.faults.cluster import cluster

NAME = "it.ome.zarr"
ARCHIVE = "it.ozx"

LEVELS: dict[str, Any] = {"scale_factors": [2, 4], "chunks": (1, 16, 16)}
SHAPE = (2, 64, 96)
SMALL = (2, 32, 48)
FRAMES = 6
# Borders that are none of chunks, nor of bins.
REGIONS = (
    {"y": slice(5, 37), "x": slice(9, 51)},
    {"y": slice(21, 60), "x": slice(51, 90)},
)


def pixels(seed: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray[Any, Any]:
    """Noise of uint16, nowhere 0."""
    return np.random.default_rng(seed).integers(1, 60000, shape, dtype="uint16")


def values(seed: int) -> np.ndarray[Any, Any]:
    """Label values for the plane of `SHAPE`, none of them 0."""
    coarse = np.random.default_rng(seed).integers(1, 200, (8, 12), dtype="uint8")
    return coarse.repeat(8, 0).repeat(8, 1)


def image(seed: int, kind: str, shape: tuple[int, ...] = SHAPE) -> xr.DataArray:
    """An image of channels, y and x, 0.5 um wide."""
    return _placed(pixels(seed, shape), ("c", "y", "x"), kind)


def labels(seed: int, kind: str) -> xr.DataArray:
    """Label values on the grid of the image."""
    return _placed(values(seed), ("y", "x"), kind)


def _placed(array: np.ndarray[Any, Any], dims: tuple[str, ...], kind: str) -> Any:
    data: Any = array
    if kind != "numpy":
        data = dask.array.from_array(array, (*array.shape[:-2], 30, 40))
    placed = xr.DataArray(data, dims=dims)
    return placed.omezarr.assign_grid(
        scale={"y": 0.5, "x": 0.5}, units={"y": "um", "x": "um"}
    )


@contextlib.contextmanager
def _helped(kind: str) -> Iterator[None]:
    helpers: dict[str, Callable[[], AbstractContextManager[Any]]] = {"cluster": cluster}
    with helpers.get(kind, contextlib.nullcontext)(), warnings.catch_warnings():
        # What is replaced, and what cannot be fast: not the business of a crash.
        warnings.simplefilter("ignore")
        yield


# -- Whole stores -----------------------------------------------------------------


def write_image(folder: str, kind: str, mode: str | None = None, seed: int = 1) -> None:
    """An image of three levels."""
    with _helped(kind):
        image(seed, kind).omezarr.to_image(f"{folder}/{NAME}", mode=mode, **LEVELS)


def write_both(
    folder: str, kind: str, mode: str | None = None, seed: int = 1, version: str = "0.5"
) -> None:
    """An image with a label image."""
    with _helped(kind):
        image(seed, kind).omezarr.to_image(
            f"{folder}/{NAME}",
            mode=mode,
            version=version,
            labels={"cells": labels(seed, kind)},
            **LEVELS,
        )


def write_flat(folder: str) -> None:
    """An image without coarser levels."""
    image(1, "numpy").omezarr.to_image(
        f"{folder}/{NAME}", scale_factors=None, chunks=(1, 16, 16)
    )


def write_archive(
    folder: str, kind: str, mode: str | None = None, seed: int = 1
) -> None:
    """An image in one file."""
    with _helped(kind):
        image(seed, kind).omezarr.to_image(f"{folder}/{ARCHIVE}", mode=mode, **LEVELS)


def write_plate(folder: str, kind: str, mode: str | None = None) -> None:
    """A plate of three fields in two wells."""
    with _helped(kind):
        fields = {
            path: image(seed, kind, SMALL)
            for seed, path in enumerate(("A/1/0", "A/1/1", "B/2/0"), 10)
        }
        xo.write_plate(fields, f"{folder}/{NAME}", mode=mode, **LEVELS)


def resume_image(folder: str, kind: str) -> None:
    """An image, from where it was interrupted."""
    with _helped(kind):
        image(1, kind).omezarr.to_image(
            f"{folder}/{NAME}", mode="a", resume=True, **LEVELS
        )


def resume_plate(folder: str, kind: str) -> None:
    """A plate, from where it was interrupted."""
    with _helped(kind):
        fields = {
            path: image(seed, kind, SMALL)
            for seed, path in enumerate(("A/1/0", "A/1/1", "B/2/0"), 10)
        }
        xo.write_plate(fields, f"{folder}/{NAME}", mode="a", resume=True, **LEVELS)


def write_collection(folder: str, kind: str) -> None:
    """Two series."""
    with _helped(kind):
        tree = {
            f"{n}": image(n, kind, SMALL).to_dataset(name="image") for n in range(2)
        }
        xr.DataTree.from_dict(tree).omezarr.to_bioformats2raw(
            f"{folder}/{NAME}", **LEVELS
        )


def convert(folder: str) -> None:
    """A copy, in another version, of the store ``source.ome.zarr`` beside."""
    with _helped("numpy"):
        xo.convert(f"{folder}/source.ome.zarr", f"{folder}/{NAME}", version="0.5")


def write_source(folder: str) -> None:
    """What `convert` copies."""
    write_both(folder, "numpy", version="0.4")
    os.rename(f"{folder}/{NAME}", f"{folder}/source.ome.zarr")


# -- Something added --------------------------------------------------------------


def write_labels(
    folder: str, kind: str, name: str, mode: str | None = None, seed: int = 5
) -> None:
    """A label image of an image that exists."""
    with _helped(kind):
        labels(seed, kind).omezarr.to_labels(f"{folder}/{NAME}", name, mode=mode)


def write_field(
    folder: str, kind: str, path: str, mode: str | None = None, seed: int = 20
) -> None:
    """A field of a plate that exists."""
    with _helped(kind):
        image(seed, kind, SMALL).omezarr.to_field(
            f"{folder}/{NAME}", path, mode=mode, **LEVELS
        )


def write_series(
    folder: str, kind: str, name: str, mode: str | None = None, seed: int = 30
) -> None:
    """A series of a collection that exists."""
    with _helped(kind):
        image(seed, kind, SMALL).omezarr.to_series(
            f"{folder}/{NAME}", name, mode=mode, **LEVELS
        )


# -- Something changed ------------------------------------------------------------


def write_region(
    folder: str, kind: str, number: int = 0, seed: int = 2, pyramid: bool = True
) -> None:
    """A box of level 0, and what depends on it."""
    region = REGIONS[number]
    with _helped(kind):
        part = image(seed, kind).isel(region)
        part.omezarr.to_image(f"{folder}/{NAME}", region=region, pyramid=pyramid)


def write_regions(folder: str) -> None:
    """Two boxes that share objects, each from a process of its own."""
    children = []
    for number in range(2):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                write_region(folder, "numpy", number)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in children]
    if any(codes):
        raise RuntimeError(f"The writers of regions ended with {codes}")


def begin_series(folder: str, dim: str) -> None:
    """An image of one frame."""
    _frames(dim, 0, 3 if dim == "z" else 1).omezarr.to_image(
        f"{folder}/{NAME}", scale_factors=_factors(dim), chunks=(2, 16, 16)
    )


def append(folder: str, kind: str, dim: str) -> None:
    """Frames, one after the other, until there are as many as there shall be."""
    with _helped(kind):
        store = f"{folder}/{NAME}"
        while (size := xo.open_image(store).sizes[dim]) < FRAMES:
            frame = _frames(dim, size, size + 1)
            if kind != "numpy":
                frame = frame.chunk({"y": 30, "x": 40})
            frame.omezarr.to_image(store, append_dim=dim)


def _factors(dim: str) -> list[Any]:
    return [{"z": 2, "y": 2, "x": 2}] if dim == "z" else [2]


def frames(dim: str) -> np.ndarray[Any, Any]:
    """All frames that `append` writes."""
    return pixels(40, (FRAMES, *SHAPE[1:]))


def _frames(dim: str, start: int, stop: int) -> xr.DataArray:
    coords = {
        dim: (dim, 2.0 * np.arange(start, stop), {"spacing": 2.0}),
        "y": 0.5 * np.arange(SHAPE[1]),
        "x": 0.5 * np.arange(SHAPE[2]),
    }
    return xr.DataArray(frames(dim)[start:stop], dims=(dim, "y", "x"), coords=coords)


def build_pyramid(folder: str, factors: list[int] | None = None) -> None:
    """Coarser levels, from level 0."""
    with _helped("numpy"):
        more = {} if factors is None else {"scale_factors": factors}
        xo.build_pyramid(f"{folder}/{NAME}", **more)


def update(folder: str) -> None:
    """Another pixel size and another place, for the image and its labels."""
    with _helped("numpy"):
        xo.update(
            f"{folder}/{NAME}",
            scale={"y": 0.25, "x": 0.25},
            translation={"y": 3.0},
            name="corrected",
        )


def upgrade(folder: str) -> None:
    """A later version, where it lies."""
    with _helped("numpy"):
        xo.upgrade(f"{folder}/{NAME}", version="0.5")


def write_image_04(folder: str) -> None:
    """An image of version 0.4."""
    image(1, "numpy").omezarr.to_image(f"{folder}/{NAME}", version="0.4", **LEVELS)


def write_stale(folder: str) -> None:
    """An image whose coarser levels are those of other pixels."""
    write_image(folder, "numpy", seed=1)
    write_region(folder, "numpy", pyramid=False)


def write_other_plate(folder: str) -> None:
    """A plate of the same fields with other pixels."""
    fields = {
        path: image(seed, "numpy", SMALL)
        for seed, path in enumerate(("A/1/0", "A/1/1", "B/2/0"), 50)
    }
    xo.write_plate(fields, f"{folder}/{NAME}", **LEVELS)
