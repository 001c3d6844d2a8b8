"""By which rules the coarser levels of an image were made, as its metadata tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from xarray_omezarr.errors import OptionError
from xarray_omezarr.grid.bins import holds_bins
from xarray_omezarr.grid.implied import told_method
from xarray_omezarr.grid.model import to_grid
from xarray_omezarr.hierarchy import BlockFunction, Downsampled, Hierarchy
from xarray_omezarr.pixels.methods import (
    check_method_for,
    method_name,
    position,
)

if TYPE_CHECKING:
    import numpy as np

    from xarray_omezarr.grid.grid import Grid, GridAxis
    from xarray_omezarr.ngff.multiscale import Image, Multiscale

Method: TypeAlias = str | BlockFunction
Shift: TypeAlias = Literal["centre", "first", "other"]

_REMAKE = (
    "write with pyramid=False and remake the levels with build_pyramid(store, "
    "scale_factors=...)"
)
# Of a pixel: scales and translations are rounded by many programs.
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class _Placed:
    """A level while it is looked at: its path, grid and factors."""

    path: str
    grid: Grid
    factors: tuple[int, ...]


def with_rules(
    hierarchy: Hierarchy, method: Any, where: object, *, remake: bool = False
) -> Hierarchy:
    """The hierarchy with what its coarser levels are made from.

    Factors and the rule of rounding sizes come from scales and shapes, the method
    from the metadata.

    Parameters
    ----------
    hierarchy : Hierarchy
        An image as it was opened, with all its levels.
    method : str or callable
        The write option; needed where the metadata tell no method.
    where : object
        Where the image is, for messages.
    remake : bool
        Whether all pixels will be remade, so that `method` may be another one, and
        translations are written anew where it is.

    Raises
    ------
    OptionError
        If they cannot be told, or pixels cannot be made by them block by block.
    """
    image = hierarchy.image()
    levels = placed_levels(hierarchy, image, where)
    nodes = dict(hierarchy.nodes)
    if len(levels) == 1:
        return hierarchy
    dtype = hierarchy.array(levels[0].path).dtype
    chosen = _chosen_method(image.multiscale, method, dtype, where, remake=remake)
    if not remake:
        _check_shifts(levels, chosen, where)
    for index, level in enumerate(levels[1:], start=1):
        parent = _parent(level, levels[:index])
        step = tuple(a // b for a, b in zip(level.factors, parent.factors, strict=True))
        _check_sizes(level, parent, step, where)
        node = hierarchy.array(level.path)
        source = Downsampled(parent.path, step, chosen)
        nodes[level.path] = replace(node, source=source)
    return replace(hierarchy, nodes=nodes)


def placed_levels(hierarchy: Hierarchy, image: Image, where: object) -> list[_Placed]:
    """The levels with their factors relative to level 0, the finest first."""
    multiscale = image.multiscale
    grids = {
        level.path: to_grid(multiscale, level, hierarchy.array(level.path).shape)
        for level in multiscale.levels
    }
    finest = grids[multiscale.levels[0].path]
    return [
        _Placed(path, grid, _factors(path, grid, finest, where))
        for path, grid in grids.items()
    ]


def _factors(path: str, grid: Grid, finest: Grid, where: object) -> tuple[int, ...]:
    found = []
    for axis, fine in zip(grid, finest, strict=True):
        ratio = axis.scale / fine.scale
        factor = round(ratio)
        sizes = {fine.size // factor, -(-fine.size // factor), 1} if factor > 0 else {}
        off = abs(ratio - factor) > _TOLERANCE * min(1.0, factor / max(fine.size, 1))
        if off or axis.size not in sizes:
            raise OptionError(
                f"Level {path!r} of {where} has {axis.size} pixels of {axis.scale:g} "
                f"along {axis.name!r}, and level 0 has {fine.size} of {fine.scale:g}: "
                f"that is no whole factor, so its pixels cannot be remade; {_REMAKE}"
            )
        found.append(factor)
    return tuple(found)


def _chosen_method(
    multiscale: Multiscale,
    given: Any,
    dtype: np.dtype[Any],
    where: object,
    *,
    remake: bool,
) -> Method:
    told = told_method(multiscale)
    about = multiscale.metadata if isinstance(multiscale.metadata, Mapping) else {}
    if isinstance(given, str) and given == "auto":
        if told is None:
            said = multiscale.type or about.get("method")
            how = f"by {said!r}" if said else "by a method that is not told"
            raise OptionError(
                f"The levels of {where} were made {how}; say with method= how to "
                f"remake their pixels, or {_REMAKE}"
            )
        check_method_for(told, dtype)
        return told
    check_method_for(given, dtype)
    chosen: Method = given
    if remake or told is None:
        return chosen
    same = {"local_mean": "mean"}
    name = method_name(chosen)
    if same.get(name, name) != same.get(told, told):
        raise OptionError(
            f"method is {name!r}, and the levels of {where} were made by {told!r}; "
            f"leave it out, or remake all with build_pyramid(store, method={name!r})"
        )
    return chosen


def _parent(level: _Placed, finer: Sequence[_Placed]) -> _Placed:
    """The coarsest finer level that has whole bins for all pixels of `level`."""

    def makes(other: _Placed) -> bool:
        fine = zip(other.grid.shape, other.factors, strict=True)
        coarse = zip(level.grid.shape, level.factors, strict=True)
        return all(map(holds_bins, finer[0].grid.shape, fine, coarse))

    # Level 0 has what every other is made of.
    return next((other for other in reversed(finer) if makes(other)), finer[0])


def _check_sizes(
    level: _Placed, parent: _Placed, step: Sequence[int], where: object
) -> None:
    for axis, fine, factor in zip(level.grid, parent.grid, step, strict=True):
        low, high = fine.size // factor, -(-fine.size // factor)
        if axis.size not in (low, high, max(low, 1)):
            raise OptionError(
                f"Level {level.path!r} of {where} has {axis.size} pixels along "
                f"{axis.name!r}, where {factor} of the {fine.size} of level "
                f"{parent.path!r} should make {low} or {high}; {_REMAKE}"
            )


def _check_shifts(levels: Sequence[_Placed], method: Method, where: object) -> None:
    """Refuse what `method` would put where the metadata do not say it is."""
    # Many programs write no translation at all.
    is_centre = position(method) == "centre"
    allowed = ("centre", "first") if is_centre else ("first",)
    finest = levels[0].grid
    for level in levels[1:]:
        for axis, fine, factor in zip(level.grid, finest, level.factors, strict=True):
            if factor > 1 and _shift(axis, fine, factor) not in allowed:
                raise OptionError(
                    f"Level {level.path!r} of {where} begins at {axis.translation:g} "
                    f"along {axis.name!r} and level 0 at {fine.translation:g}, which "
                    f"is not where {method_name(method)!r} puts its pixels; {_REMAKE}"
                )


def _shift(axis: GridAxis, fine: GridAxis, factor: int) -> Shift:
    shift = (axis.translation - fine.translation) / fine.scale
    if abs(shift) <= _TOLERANCE:
        return "first"
    return "centre" if abs(shift - (factor - 1) / 2) <= _TOLERANCE else "other"
