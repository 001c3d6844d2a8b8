"""Where known producers say what their coordinates mean, if not on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import CoordinateError
from xarray_omezarr.ngff.exact import EXACT, decimal

if TYPE_CHECKING:
    from xarray_omezarr.grid.dims import Role
    from xarray_omezarr.grid.grid import GridAxis

# Attributes of an array that give units by dim: tifffile, xarray-ome, others.
_UNITS_BY_DIM = ("coord_units", "ome_axes_units", "axes_units")

# nd2 does not say its units: positions are in micrometers, times in milliseconds.
_ND2_PARTS = frozenset({"metadata", "experiment", "attributes", "text_info"})
_ND2_UNITS: Mapping[str, str] = {
    "t": "millisecond",
    "z": "micrometer",
    "y": "micrometer",
    "x": "micrometer",
}

# How far, in pixels, a position may lie from a centre: levels of 65 and 33 pixels
# have spacings of 1.9696...
_CENTRED = 1e-6


def unit_by_convention(attrs: Mapping[Any, Any], dim: str) -> object:
    """The unit that attributes of an array give to a dim; None if they give none."""
    for key in _UNITS_BY_DIM:
        units = attrs.get(key)
        if isinstance(units, Mapping):
            # Dims are often renamed to lower case after reading.
            spelled = {str(name).lower(): unit for name, unit in units.items()}
            unit: object = units.get(dim) or spelled.get(dim.lower())
            if unit:
                return unit
    if _is_nd2(attrs.get("metadata")):
        return _ND2_UNITS.get(dim.lower())
    return None


def _is_nd2(metadata: object) -> bool:
    if not isinstance(metadata, Mapping):
        return False
    modules = {type(part).__module__.partition(".")[0] for part in metadata.values()}
    return "nd2" in modules or len(_ND2_PARTS & set(metadata)) >= 3


def in_world(
    attrs: Mapping[Any, Any], axes: Sequence[GridAxis], found: Mapping[str, Role]
) -> list[GridAxis]:
    """Axes that count pixels, placed by what spatialdata keeps beside them.

    Its coordinates are positions in the finest level, counted in pixels: centres
    lie at 0.5, 1.5, ..., those of a level by 2 at 1.0, 3.0, ... What they mean is
    the object under ``attrs["transform"]["global"]``, which is recognised by its
    method ``to_affine_matrix``. Axes that do not count pixels are left alone.

    Parameters
    ----------
    attrs : mapping
        Of the array.
    axes : sequence of GridAxis
        As the coordinates have them.
    found : mapping
        Role by dim.

    Raises
    ------
    CoordinateError
        If the transformation turns, shears or mirrors the image.
    """
    transforms = attrs.get("transform")
    transform = transforms.get("global") if isinstance(transforms, Mapping) else None
    space = [axis for axis in axes if axis.type == "space"]
    names = tuple(found[axis.name].name for axis in space)
    if not hasattr(transform, "to_affine_matrix") or not space:
        return list(axes)
    pixels = _pixel_sizes(transform, names)
    if not all(map(_counts_pixels, space, pixels)):
        pixels = [1.0] * len(space)
    if not all(map(_counts_pixels, space, pixels)):
        return list(axes)
    matrix = _matrix(transform, names)
    placed = {
        axis.name: _placed(axis, pixel, float(matrix[i, i]), float(matrix[i, -1]))
        for i, (axis, pixel) in enumerate(zip(space, pixels, strict=True))
    }
    return [placed.get(axis.name, axis) for axis in axes]


def _pixel_sizes(transform: Any, names: Sequence[str]) -> list[float]:
    """Pixels of the finest level per pixel of this one, by name of axis.

    The transformation of a coarser level is a sequence that begins with the scale
    from its own pixels to those of the finest.
    """
    parts = getattr(transform, "transformations", None) or [None]
    scale, axes = getattr(parts[0], "scale", None), getattr(parts[0], "axes", None)
    if scale is None or axes is None:
        return [1.0] * len(names)
    by_name = dict(zip(axes, np.asarray(scale, dtype=np.float64), strict=True))
    return [float(by_name.get(name, 1.0)) for name in names]


def _counts_pixels(axis: GridAxis, pixel: float) -> bool:
    """Whether positions are centres of pixels of this size, or of blocks of them."""
    if axis.unit is not None or pixel <= 0:
        return False
    first = axis.translation / pixel
    step = axis.scale / pixel if axis.size > 1 else 1.0
    if not (_is_whole(step) and step > 0.5 and first > 0):
        return False
    centred = _is_whole(first - 0.5)
    blocks = step > 1.5 and _is_whole(2 * first)
    return centred or blocks


def _is_whole(number: float) -> bool:
    return abs(number - round(number)) < _CENTRED


def _matrix(transform: Any, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Rows of the affine matrix: what it does to the axes of space."""
    remedy = (
        "OME-Zarr holds one scale and one translation per axis. Transform the image "
        "first, or remove attrs['transform'] to write it in pixels"
    )
    try:
        matrix = transform.to_affine_matrix(input_axes=names, output_axes=names)
    except ValueError as error:
        raise CoordinateError(
            f"attrs['transform']['global'] has no matrix for the axes {names}: "
            f"{error}. {remedy}"
        ) from error
    rows = np.asarray(matrix, dtype=np.float64)[: len(names)]
    linear = rows[:, : len(names)]
    if not np.array_equal(linear, np.diag(np.diag(linear))):
        does = "turns or shears"
    elif (np.diag(linear) <= 0).any():
        does = "mirrors"
    else:
        return rows
    raise CoordinateError(
        f"attrs['transform']['global'] {does} the image: its matrix for {names} is "
        f"{linear.tolist()}. {remedy}"
    )


def _placed(axis: GridAxis, pixel: float, scale: float, shift: float) -> GridAxis:
    size = EXACT.divide(decimal(scale), decimal(pixel))
    centre = EXACT.subtract(decimal(axis.translation), Decimal("0.5"))
    step = decimal(axis.scale) if axis.size > 1 else decimal(pixel)
    return replace(
        axis,
        scale=_tidy(EXACT.multiply(step, size)),
        translation=_tidy(EXACT.fma(centre, size, decimal(shift))),
    )


def _tidy(number: Decimal) -> float:
    # The matrix is a product of doubles, of which the last digits are noise.
    return float(f"{number:.15g}")
