"""Whether what a contestant wrote is what it was given, and opened what is there."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from tests.performance.places import SCALE, places, wells
from tests.performance.works import FACTORS, Work


def level_arrays(target: Any) -> list[zarr.Array[Any]]:
    """The arrays that the metadata of the image name, finest first."""
    group = zarr.open_group(target, mode="r")
    datasets = described(group)["multiscales"][0]["datasets"]
    return [group[dataset["path"]] for dataset in datasets]


def described(group: zarr.Group) -> dict[str, Any]:
    """The metadata of the standard in the attributes of `group`."""
    attributes = dict(group.attrs)
    return dict(attributes.get("ome", attributes))


def problems(target: Any, pixels: Any, factors: tuple[int, ...] = FACTORS) -> list[str]:
    """What is wrong with the image in `target`; empty if nothing is.

    Its levels are counted and their sizes along y and x looked at; level 0 is compared
    with `pixels`, plane by plane in the units of its chunks in z.
    """
    levels = level_arrays(target)
    found = []
    if len(levels) != 1 + len(factors):
        found.append(f"{len(levels)} levels")
    for level, factor in zip(levels, (1, *factors), strict=False):
        wanted = tuple(n // factor for n in pixels.shape[-2:])
        if level.shape[-2:] != wanted:
            found.append(f"level of {level.shape[-2:]} instead of {wanted}")
    for index in np.ndindex(pixels.shape[:-3]):
        if not np.array_equal(levels[0][index], np.asarray(pixels[index])):
            found.append(f"level 0 differs at {index}")
    return found


def plate_problems(target: Path, pixels: Any, work: Work) -> list[str]:
    """What is wrong with the plate in `target`, found from its metadata alone.

    `pixels` are its fields, well by well; each is looked at as `problems` does it.
    """
    plate = described(zarr.open_group(target, mode="r"))["plate"]
    grouped = wells(places(len(pixels), work.fields))
    found, paths = [], {}
    for well in plate["wells"]:
        row = plate["rows"][well["rowIndex"]]["name"]
        column = plate["columns"][well["columnIndex"]]["name"]
        if well["path"] != f"{row}/{column}":
            found.append(f"well {well['path']} with the index of another")
        # ngio calls column 1 "01".
        paths[f"{row}/{column.lstrip('0')}"] = well["path"]
    if paths.keys() != grouped.keys():
        return [*found, f"{len(paths)} wells, not those that were given"]
    images = iter(pixels)
    for well, members in grouped.items():
        group = zarr.open_group(target / paths[well], mode="r")
        there = [image["path"] for image in described(group)["well"]["images"]]
        if there != [place.field for place in members]:
            found.append(f"fields {there} in well {well}")
        for place in members:
            here = target / paths[well] / place.field
            wrong = problems(here, next(images), work.factors)
            found += [f"{place.path}: {problem}" for problem in wrong]
    return found


def opened_problems(opened: Any, work: Work) -> list[str]:
    """What is wrong with an opened plate: fields that are there, and where they lie."""
    found = []
    for place in places(work.mebibytes, work.fields):
        where = {"row": place.row, "column": place.column, "field": place.field}
        starts = {}
        for dim, start in (("y", place.y), ("x", place.x)):
            if work.verb == "stack":
                seen = opened[f"origin_{dim}"].sel(where)
                starts[dim] = float(seen) + float(opened[dim][0])
                there = bool(opened["present"].sel(where))
            else:
                level = opened[place.path + "/0"].ds
                starts[dim] = float(level[dim][0])
                there = level["image"].shape == (2, 1, 512, 512)
            if not there or abs(starts[dim] - start) > SCALE[dim] / 1000:
                found.append(f"{place.path} is absent or begins at {starts}")
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
