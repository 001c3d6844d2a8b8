"""Whether what a contestant wrote is the image that it was given."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from tests.performance.works import FACTORS


def level_arrays(target: Any) -> list[zarr.Array[Any]]:
    """The arrays that the metadata of the image name, finest first."""
    group = zarr.open_group(target, mode="r")
    attributes = dict(group.attrs)
    described = attributes.get("ome", attributes)
    datasets = described["multiscales"][0]["datasets"]
    return [group[dataset["path"]] for dataset in datasets]


def problems(target: Any, pixels: Any) -> list[str]:
    """What is wrong with the image in `target`; empty if nothing is.

    Its levels are counted and their sizes along y and x looked at; level 0 is compared
    with `pixels`, plane by plane in the units of its chunks in z.
    """
    levels = level_arrays(target)
    found = []
    if len(levels) != 1 + len(FACTORS):
        found.append(f"{len(levels)} levels")
    for level, factor in zip(levels, (1, *FACTORS), strict=False):
        wanted = tuple(n // factor for n in pixels.shape[-2:])
        if level.shape[-2:] != wanted:
            found.append(f"level of {level.shape[-2:]} instead of {wanted}")
    for index in np.ndindex(pixels.shape[:-3]):
        if not np.array_equal(levels[0][index], np.asarray(pixels[index])):
            found.append(f"level 0 differs at {index}")
    return found


def bytes_on_disk(target: Path) -> int:
    """Size of all files below `target`."""
    return sum(f.stat().st_size for f in target.rglob("*") if f.is_file())


def layout(target: Any) -> dict[str, Any]:
    """Chunks, shards and codecs of level 0, for the raw results."""
    array = level_arrays(target)[0]
    stored = [level.shards or level.chunks for level in level_arrays(target)]
    shapes = [level.shape for level in level_arrays(target)]
    counts = [
        math.prod(-(-n // s) for n, s in zip(shape, step, strict=True))
        for shape, step in zip(shapes, stored, strict=True)
    ]
    return {
        "chunks": list(array.chunks),
        "shards": None if array.shards is None else list(array.shards),
        "codecs": [type(codec).__name__ for codec in array.compressors],
        "objects": sum(counts),
    }
