"""Chunks and shards of a level, from what the user asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from xarray_omezarr.errors import LayoutError

OneShape: TypeAlias = int | tuple[int, ...] | Mapping[str, int] | None
ShapeOption: TypeAlias = str | OneShape | Sequence[OneShape]

# Viewers fetch whole chunks: large enough that a request is worth its latency,
# small enough that one is not felt. y and x are square, z gets the rest.
_CHUNK_BYTES = 2**20
_PLANE = 512
_VOLUME_PLANE = 256
_SHARD_BYTES = 64 * 2**20


def plan_chunks(
    option: ShapeOption,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    level: int,
) -> tuple[int, ...]:
    """Chunk shape of one level, in the order of `dims`, no larger than `shape`.

    Raises
    ------
    LayoutError
        If the option names an unknown dim, has too many entries, or a size < 1.
    """
    chosen = _for_level(option, level, "chunks")
    if isinstance(chosen, str):
        if chosen != "auto":
            raise LayoutError(f"chunks is {chosen!r}; 'auto' is the only word for it")
        chunks = _auto_chunks(dims, shape, dtype)
    else:
        auto = _auto_chunks(dims, shape, dtype)
        chunks = _spelled_out(chosen, dims, "chunks", leading=shape, unnamed=auto)
    return tuple(min(a, b) for a, b in zip(chunks, shape, strict=True))


def plan_shards(
    option: ShapeOption,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    chunks: tuple[int, ...],
    level: int,
) -> tuple[int, ...] | None:
    """Shard shape of one level in the order of `dims`; None for no sharding.

    A shard larger than the array is cut to the whole chunks that cover it.

    Raises
    ------
    LayoutError
        If a shard is no multiple of the chunk; the message names the dim.
    """
    chosen = _for_level(option, level, "shards")
    if chosen is None:
        return None
    if isinstance(chosen, str):
        if chosen != "auto":
            raise LayoutError(f"shards is {chosen!r}; 'auto' is the only word for it")
        return _auto_shards(shape, dtype, chunks)
    shards = _spelled_out(chosen, dims, "shards", leading=chunks, unnamed=chunks)
    whole = tuple(-(-n // c) * c for n, c in zip(shape, chunks, strict=True))
    shards = tuple(min(a, b) for a, b in zip(shards, whole, strict=True))
    for dim, shard, chunk in zip(dims, shards, chunks, strict=True):
        if shard % chunk:
            raise LayoutError(
                f"Shards of level {level} have {shard} pixels along {dim!r}, which is "
                f"no multiple of its chunks' {chunk}; choose e.g. "
                f"{max(1, shard // chunk) * chunk}"
            )
    return shards


def _for_level(option: ShapeOption, level: int, what: str) -> str | OneShape:
    if not isinstance(option, list):
        return option  # type: ignore[return-value]  # only lists hold one per level
    if any(isinstance(entry, (int, np.integer)) for entry in option):
        raise LayoutError(
            f"{what} is the list {option}, which holds one entry per level: tuples, "
            f"mappings or None. For one shape write a tuple: {tuple(option)}"
        )
    if level >= len(option):
        raise LayoutError(
            f"{what} has {len(option)} entries, one per level, but there are more "
            f"levels: level {level} has none"
        )
    chosen: str | OneShape = option[level]
    return chosen


def _spelled_out(
    chosen: OneShape,
    dims: tuple[str, ...],
    what: str,
    *,
    leading: tuple[int, ...],
    unnamed: tuple[int, ...],
) -> tuple[int, ...]:
    """The full tuple.

    A short tuple is filled on the left from `leading`, a mapping that leaves dims
    out from `unnamed`.
    """
    if chosen is None:
        return leading
    if isinstance(chosen, bool) or not isinstance(chosen, (int, np.integer, Iterable)):
        raise LayoutError(
            f"{what} is {chosen!r}; give a number, a tuple, a mapping by dim, or a "
            "list of tuples or mappings, one per level"
        )
    if isinstance(chosen, (int, np.integer)):
        full = (int(chosen),) * len(dims)
    elif isinstance(chosen, Mapping):
        unknown = [dim for dim in chosen if dim not in dims]
        if unknown:
            raise LayoutError(f"{what} names {unknown}; the stored dims are {dims}")
        full = tuple(chosen.get(dim, n) for dim, n in zip(dims, unnamed, strict=True))
    else:
        full = tuple(chosen)
        if len(full) > len(dims):
            raise LayoutError(
                f"{what} is {full}, with more entries than the stored dims {dims}"
            )
        full = leading[: len(dims) - len(full)] + full
    if not all(_is_count(n) for n in full):
        raise LayoutError(f"{what} is {full}: every entry is a whole number above 0")
    return tuple(int(n) for n in full)


def _is_count(entry: object) -> bool:
    return isinstance(entry, (int, np.integer)) and int(entry) >= 1


def _auto_chunks(
    dims: tuple[str, ...], shape: tuple[int, ...], dtype: np.dtype[np.generic]
) -> tuple[int, ...]:
    sizes = dict(zip(dims, shape, strict=True))
    is_volume = sizes.get("z", 1) > 1
    plane = _VOLUME_PLANE if is_volume else _PLANE
    chunks = dict.fromkeys(dims, 1)
    for dim in ("y", "x"):
        chunks[dim] = min(plane, sizes.get(dim, 1))
    if "z" in sizes:
        held = dtype.itemsize * chunks["y"] * chunks["x"]
        depth = max(1, _CHUNK_BYTES // held)
        chunks["z"] = min(2 ** int(math.log2(depth)), sizes["z"])
    return tuple(chunks[dim] for dim in dims)


def _auto_shards(
    shape: tuple[int, ...], dtype: np.dtype[np.generic], chunks: tuple[int, ...]
) -> tuple[int, ...]:
    """Chunks doubled along y and x in turn, then z, ... until a shard is large."""
    shards = list(chunks)
    while True:
        growing = [axis for axis, size in enumerate(shape) if shards[axis] < size]
        if not growing:
            return tuple(shards)
        # Square ones meet the fewest tiles of a viewer: first the shorter of y and x.
        plane = [axis for axis in growing if axis >= len(shape) - 2]
        axis = min(plane, key=lambda a: (shards[a], -a)) if plane else growing[-1]
        wider = shards.copy()
        wider[axis] *= 2
        if math.prod(wider) * dtype.itemsize > _SHARD_BYTES:
            return tuple(shards)
        shards = wider
