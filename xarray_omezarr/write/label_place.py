"""Whether a label image that is corrected by itself still lies on its image."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from xarray_omezarr.errors import warn
from xarray_omezarr.grid.model import to_grid

if TYPE_CHECKING:
    from xarray_omezarr.grid.grid import GridAxis
    from xarray_omezarr.ngff.multiscale import Level, Multiscale

# Parts of a pixel that nobody sees.
_TOLERANCE = 1e-6


def warn_if_off(
    label: Multiscale, image: Multiscale, names: Sequence[str], where: str
) -> None:
    """Warn if pixels of a label image are no pixels of its image, at any level.

    Parameters
    ----------
    label, image : Multiscale
        The label image after its correction, and the image as it stands.
    names : sequence of str
        Axes that are looked at.
    where : str
        Place of the image.
    """
    off = axes_off(label, image, names)
    if off:
        warn(
            f"The label image does not lie on its image {where} any more: scale, "
            f"translation or unit along {off} is that of none of its levels. Correct "
            "the image instead, and its label images follow"
        )


def axes_off(label: Multiscale, image: Multiscale, names: Iterable[str]) -> list[str]:
    """Axes along which level 0 of a label image has pixels of no level of its image.

    Label images may begin at a coarser level than their image, and may lack axes.
    """
    finest = _axes(label, label.levels[0])
    levels = [_axes(image, level) for level in image.levels]
    return [
        name
        for name in names
        if name in finest
        and name in levels[0]
        and not any(_alike(finest[name], axes[name]) for axes in levels)
    ]


def _axes(picture: Multiscale, level: Level) -> dict[str, GridAxis]:
    grid = to_grid(picture, level, (1,) * len(picture.axes))
    return {axis.name: axis for axis in grid.axes}


def _alike(one: GridAxis, other: GridAxis) -> bool:
    near = abs(one.translation - other.translation) <= _TOLERANCE * abs(other.scale)
    same = math.isclose(one.scale, other.scale, rel_tol=_TOLERANCE)
    return near and same and one.unit == other.unit
