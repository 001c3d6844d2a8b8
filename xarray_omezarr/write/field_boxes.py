"""Whether a field lies where the image is that it is applied to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import warn
from xarray_omezarr.grid.dims import roles
from xarray_omezarr.grid.inspect import labelled_dims
from xarray_omezarr.ngff.named import within
from xarray_omezarr.ngff.transforms import (
    Bijection,
    ByDimension,
    Coordinates,
    Displacements,
    Identity,
    Sequence,
)

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.ngff.multiscale import Level, Multiscale
    from xarray_omezarr.ngff.transforms import Transformation

#: How much of the image a field covers at least, along each axis, to be meant so.
_ENOUGH = 0.5


def warn_of_boxes(
    da: xr.DataArray,
    picture: Multiscale,
    ways: tuple[Transformation, ...],
    parts: Mapping[str, Hierarchy],
) -> None:
    """Warn of fields that hold no vectors for most of the image.

    Parameters
    ----------
    da : xarray.DataArray
        Level 0.
    picture : Multiscale
        As it is planned.
    ways : tuple of Transformation
        From its own system, and others.
    parts : mapping
        What will be stored, by path; only fields are looked at that are applied to
        positions of the image as they are.
    """
    names = [axis.name for axis in picture.axes]
    sizes = _sizes(da)
    image = _lines(picture.levels[0], [sizes.get(name, 1) for name in names])
    told: dict[str, None] = {}
    for way in ways:
        start = way.input
        if start is None or start.path or start.name != picture.system.name:
            continue
        for path, axes in _first_fields(way, tuple(range(len(names)))):
            if path in parts:
                for field, axis in zip(_box(parts[path]), axes, strict=False):
                    if _covered(field, image[axis]) < _ENOUGH:
                        own = picture.axes[axis]
                        told[
                            f"The field at {path!r} has vectors "
                            f"{_range(field, own.unit)} along {own.name!r}, and the "
                            f"image lies {_range(image[axis], own.unit)}"
                        ] = None
    if told:
        warn(
            f"{'; '.join(told)}. Where a field has no vectors positions are not known "
            f"(NaN); give it coordinates in the system {picture.system.name!r}, in "
            "these units"
        )


def _first_fields(way: Any, axes: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    """Fields that are given positions of the image, and along which axes."""
    if isinstance(way, Sequence):
        parts = (p for p in way.transformations if not isinstance(p, Identity))
        first = next(parts, None)
        if first is not None:
            yield from _first_fields(first, axes)
    elif isinstance(way, ByDimension):
        for part in way.transformations:
            taken = part.input_axes
            if max(taken) < len(axes):
                inner = tuple(axes[place] for place in taken)
                yield from _first_fields(part.transformation, inner)
    elif isinstance(way, Bijection):
        yield from _first_fields(way.forward, axes)
    elif isinstance(way, Displacements | Coordinates):
        yield within(way.path), axes


def _sizes(da: xr.DataArray) -> dict[str, int]:
    own = {str(dim): size for dim, size in da.sizes.items()}
    found = roles([*own], own, labelled_dims(da))
    return {found[dim].name: size for dim, size in own.items()}


def _lines(level: Level, sizes: list[int]) -> list[tuple[float, float, float]]:
    """The first and last centre along each axis, and the spacing."""
    scale = level.scale or (1.0,) * len(sizes)
    first = level.translation or (0.0,) * len(sizes)
    return [
        (t, t + s * (size - 1), s)
        for s, t, size in zip(scale, first, sizes, strict=True)
    ]


def _box(planned: Hierarchy) -> list[tuple[float, float, float]]:
    picture = planned.image().multiscale
    level = picture.levels[0]
    lines = _lines(level, [*planned.array(level.path).shape])
    return [
        line
        for line, axis in zip(lines, picture.axes, strict=True)
        if axis.type in ("time", "space")
    ]


def _covered(
    field: tuple[float, float, float], image: tuple[float, float, float]
) -> float:
    """The part of the image within the pixels of a field, along one axis."""
    low, high = field[0] - field[2] / 2, field[1] + field[2] / 2
    first, last, _ = image
    if last <= first:
        return float(low <= first <= high)
    return max(0.0, min(high, last) - max(low, first)) / (last - first)


def _range(line: tuple[float, float, float], unit: str | None) -> str:
    told = f"from {line[0]:g} to {line[1]:g}"
    return told if unit is None else f"{told} {unit}"
