"""The levels of an image whose axis grew and has another step than before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from xarray_omezarr.errors import CoordinateError
from xarray_omezarr.hierarchy import ArrayNode, Downsampled
from xarray_omezarr.ngff.multiscale import Image, Level
from xarray_omezarr.pixels.methods import position
from xarray_omezarr.write.rebuild import own_grid

if TYPE_CHECKING:
    from xarray_omezarr.grid.grid import GridAxis
    from xarray_omezarr.write.growth import Growth


def regridded(
    image: Image, levels: Mapping[str, ArrayNode], growth: Growth
) -> Image | None:
    """The image with the grown axis on all levels; None where nothing changes.

    Raises
    ------
    CoordinateError
        If the picture as a whole is moved, as programs of others do, so that levels
        cannot be changed alone.
    """
    axis, multiscale = growth.axis, image.multiscale
    if axis is None:
        return None
    finest, *_ = levels.values()
    at = finest.dims.index(growth.dim)
    whole = own_grid(multiscale, finest).axes[at]
    if (whole.scale, whole.translation) == (axis.scale, axis.translation):
        return None
    if multiscale.applied_after_levels:
        raise CoordinateError(
            f"The step along {growth.dim!r} becomes {axis.scale:g}, and the image has "
            "transformations beside those of its levels; convert it first"
        )
    made = []
    totals: dict[str, int] = {}
    for level in multiscale.levels:
        source = levels[level.path].source
        total = 1
        shift: Literal["centre", "first"] = "centre"
        if isinstance(source, Downsampled):
            total = totals[source.parent] * source.factors[at]
            shift = position(source.method)
        totals[level.path] = total
        coarse = replace(axis, labels=None).coarsen(total, position=shift)
        made.append(_with_axis(level, at, coarse))
    picture = multiscale.model_copy(update={"levels": tuple(made)})
    return image.model_copy(update={"multiscales": (picture, *image.multiscales[1:])})


def _with_axis(level: Level, at: int, axis: GridAxis) -> Level:
    scale, translation = list(level.scale), list(level.translation)
    scale[at], translation[at] = axis.scale, axis.translation
    return Level.of(level.path, scale, translation)
