"""The bridge between a Grid and the axes and transformations of the standard."""

from __future__ import annotations

from collections.abc import Sequence

from xarray_omezarr.errors import MetadataError, warn
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.folding import composed
from xarray_omezarr.ngff.multiscale import Level, Multiscale


def to_axes(grid: Grid) -> tuple[Axis, ...]:
    """The axes of the standard, in the order of the grid."""
    return tuple(
        Axis(name=axis.name, type=axis.type, unit=axis.unit) for axis in grid.axes
    )


def to_level(grid: Grid, path: str) -> Level:
    """One level: its path, and where the centres of its pixels lie."""
    return Level.of(
        path,
        scale=tuple(axis.scale for axis in grid.axes),
        translation=tuple(axis.translation for axis in grid.axes),
    )


def to_grid(multiscale: Multiscale, level: Level, shape: Sequence[int]) -> Grid:
    """The grid of one level of `multiscale`.

    Transformations of the multiscale itself that are applied after those of the
    level (RULES T8) are composed into it; those between named systems are not.

    Raises
    ------
    MetadataError
        If the array has another number of dims than the axes (RULES A13).
    """
    axes = multiscale.axes
    if len(shape) != len(axes):
        raise MetadataError(
            f"Level {level.path!r} has shape {tuple(shape)}, but there are "
            f"{len(axes)} axes: {[axis.name for axis in axes]}"
        )
    after = multiscale.applied_after_levels
    numbers = composed([level.transformation, *after], len(axes))
    return Grid(
        tuple(
            _grid_axis(axis, size, *number)
            for axis, size, number in zip(axes, shape, numbers, strict=True)
        )
    )


def _grid_axis(axis: Axis, size: int, scale: float, translation: float) -> GridAxis:
    unit = axis.unit
    if scale == 0:
        warn(
            f"Scale of axis {axis.name!r} is 0 in the file, which says nothing: its "
            "coordinates count pixels and have no unit",
        )
        scale, translation, unit = 1.0, 0.0, None
    return GridAxis(
        name=axis.name,
        type=axis.type or _type_by_name(axis.name),
        unit=unit,
        size=size,
        scale=scale,
        translation=translation,
    )


def _type_by_name(name: str) -> str:
    """What an axis without a type is (``type`` is only a SHOULD, RULES A3)."""
    types = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
    return types.get(name, name)
