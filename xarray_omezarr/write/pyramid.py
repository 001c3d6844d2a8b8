"""How many levels, with which factors, and where their pixels lie."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from xarray_omezarr.errors import OptionError
from xarray_omezarr.hierarchy import BlockFunction, Readable
from xarray_omezarr.pixels.methods import check_method, position

if TYPE_CHECKING:
    from xarray_omezarr.grid.grid import Grid

Factors: TypeAlias = dict[str, int]
Method: TypeAlias = str | BlockFunction
ChunksOf: TypeAlias = Callable[[int, tuple[int, ...]], tuple[int, ...]]

# Pixels of z may join the halving once they are no longer than the diagonal of
# those of y and x: from then on halving y and x alone would make them flatter.
_ISOTROPIC = math.sqrt(2)


@dataclass(frozen=True, slots=True)
class PyramidLevel:
    """One resolution.

    Parameters
    ----------
    path : str
        Name of the array: ``"0"``, ``"1"``, ...
    grid : Grid
        Where its pixels lie, dims in stored order.
    factors : tuple of int
        Pixels of level 0 per pixel, in stored order.
    parent : str, optional
        Path of the level it is made from; None for the first.
    step : tuple of int
        Pixels of the parent per pixel, in stored order.
    given : readable array, optional
        The pixels, in stored order, of a level that somebody made.
    """

    path: str
    grid: Grid
    factors: tuple[int, ...]
    parent: str | None
    step: tuple[int, ...]
    given: Readable | None = None


@dataclass(frozen=True, slots=True)
class Pyramid:
    """The resolutions that will exist, finest first.

    Parameters
    ----------
    levels : tuple of PyramidLevel
        The finest first.
    method : str or callable, optional
        What makes the coarser ones; None where they are given.
    type, metadata : optional
        Of given levels: what is known of how they were made.
    """

    levels: tuple[PyramidLevel, ...]
    method: Method | None
    type: str | None = None
    metadata: Mapping[str, Any] | None = None


def plan_pyramid(
    grid: Grid,
    scale_factors: object,
    method: Method,
    *,
    chunks_of: ChunksOf,
    located: Collection[str],
) -> Pyramid:
    """The levels of an image.

    Parameters
    ----------
    grid : Grid
        Of level 0, dims in stored order.
    scale_factors : "auto", int, sequence of int or mapping, or None
        The write option.
    method : str or callable
        ``"auto"`` is ``"mean"``.
    chunks_of : callable
        ``(level, shape) -> chunks``: chunk shape of a level, which ends ``"auto"``.
    located : collection of str
        Dims that have a coordinate; only they tell the shape of a pixel.

    Raises
    ------
    OptionError
        For factors or a method that have no meaning.
    """
    chosen: Method = "mean" if method == "auto" else method
    check_method(chosen)
    if scale_factors is None:
        wanted: list[Factors] = []
    elif isinstance(scale_factors, str):
        if scale_factors != "auto":
            raise OptionError(
                f"scale_factors is {scale_factors!r}; 'auto' is the only word for it"
            )
        wanted = list(_auto_factors(grid, chunks_of, located))
    else:
        wanted = _given_factors(scale_factors, grid.dims)
    return Pyramid(tuple(_levels(grid, wanted, chosen)), chosen)


def _levels(
    grid: Grid, wanted: Sequence[Factors], method: Method
) -> Iterator[PyramidLevel]:
    one = (1,) * len(grid.axes)
    made = [PyramidLevel("0", grid, one, None, one)]
    yield made[0]
    for index, by_dim in enumerate(wanted, start=1):
        factors = tuple(by_dim.get(dim, 1) for dim in grid.dims)
        parent = next(
            level
            for level in reversed(made)
            if all(f % p == 0 for f, p in zip(factors, level.factors, strict=True))
        )
        step = tuple(f // p for f, p in zip(factors, parent.factors, strict=True))
        level = PyramidLevel(
            path=str(index),
            # From level 0 in one go: exact, where a chain could round twice.
            grid=grid.coarsen(by_dim, position=position(method)),
            factors=factors,
            parent=parent.path,
            step=step,
        )
        made.append(level)
        yield level


def _auto_factors(
    grid: Grid, chunks_of: ChunksOf, located: Collection[str]
) -> Iterator[Factors]:
    z_is_comparable = all(dim in grid and dim in located for dim in ("z", "y", "x"))
    plane = [dim for dim in ("y", "x") if dim in grid]
    factors = dict.fromkeys(plane, 1)
    level = 0
    while True:
        current = grid.coarsen(factors)
        chunks = dict(zip(grid.dims, chunks_of(level, current.shape), strict=True))
        if all(current.sizes[dim] <= chunks[dim] for dim in plane):
            return
        if z_is_comparable and _z_joins(current):
            factors["z"] = factors.get("z", 1) * 2
        for dim in plane:
            factors[dim] *= 2
        level += 1
        yield dict(factors)


def _z_joins(grid: Grid) -> bool:
    """Whether halving z too keeps pixels as nearly cubic as they are."""
    z, y, x = grid["z"], grid["y"], grid["x"]
    same_unit = z.unit == y.unit == x.unit
    finest = min(y.scale, x.scale)
    return z.size > 1 and same_unit and z.scale <= _ISOTROPIC * finest


def _given_factors(scale_factors: object, dims: tuple[str, ...]) -> list[Factors]:
    if isinstance(scale_factors, (np.ndarray, np.integer)):
        scale_factors = scale_factors.tolist()
    if isinstance(scale_factors, (int, Mapping)):
        scale_factors = [scale_factors]
    if not isinstance(scale_factors, Sequence):
        raise OptionError(
            f"scale_factors is {scale_factors!r}; give 'auto', None, or a list of "
            "whole numbers or mappings by dim, relative to level 0"
        )
    wanted = [_one_level(entry, dims) for entry in scale_factors]
    previous: Factors = {}
    for level, factors in enumerate(wanted, start=1):
        finer = [dim for dim in dims if factors.get(dim, 1) < previous.get(dim, 1)]
        same = all(factors.get(dim, 1) == previous.get(dim, 1) for dim in dims)
        if finer or same:
            raise OptionError(
                f"scale_factors of level {level} are {factors}, no coarser than "
                f"{previous or 'level 0'}; they are relative to level 0 and grow from "
                "level to level"
            )
        previous = factors
    return wanted


def _one_level(entry: object, dims: tuple[str, ...]) -> Factors:
    if isinstance(entry, Mapping):
        factors = {str(dim): factor for dim, factor in entry.items()}
    else:
        factors = {dim: entry for dim in ("y", "x") if dim in dims}
    unknown = [dim for dim in factors if dim not in dims]
    if unknown:
        raise OptionError(f"scale_factors name {unknown}; the stored dims are {dims}")
    for dim, factor in factors.items():
        whole = hasattr(factor, "__index__") and not isinstance(factor, bool)
        if not whole or int(factor) < 1:
            raise OptionError(
                f"scale_factors give {factor!r} for {dim!r}; a factor is a whole "
                "number, 1 or more"
            )
    return {dim: int(factor) for dim, factor in factors.items()}
