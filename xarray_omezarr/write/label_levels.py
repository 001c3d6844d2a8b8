"""The grid of a label image: that of its image, on every level."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import (
    AxisError,
    CoordinateError,
    LayoutError,
    OmeZarrWarning,
    OptionError,
    Problems,
    UnitError,
)
from xarray_omezarr.grid.dims import is_axis
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.grid.inspect import Inspection
from xarray_omezarr.grid.names import CHANNEL_PREFIX
from xarray_omezarr.grid.units import in_unit
from xarray_omezarr.options import WriteOptions
from xarray_omezarr.pixels.methods import position
from xarray_omezarr.write.levels import given_pyramid, tells_spacing
from xarray_omezarr.write.pyramid import Method, Pyramid, PyramidLevel
from xarray_omezarr.write.region import positions, tolerance_of
from xarray_omezarr.write.stored import Stored, store_view

if TYPE_CHECKING:
    from xarray_omezarr.grid.dims import Arrangement
    from xarray_omezarr.write.label_frame import Frame
    from xarray_omezarr.write.levels import GivenLevels

# Of a pixel: coordinates that were computed may be off by less.
_TOLERANCE = 1e-3
_REMEDY = (
    "a label image lies on the pixels of its image: resample it, or drop the "
    "coordinate with .drop_vars({dim!r}) if its pixels are those of the image"
)


def label_view(da: xr.DataArray, frame: Frame, options: WriteOptions) -> Stored:
    """A label image as it will be stored, on the grid of its image.

    Along dims without a coordinate it has the grid of the image; others are checked.

    Parameters
    ----------
    da : xarray.DataArray
        The label image.
    frame : Frame
        Of its image.
    options : WriteOptions
        All of them.

    Raises
    ------
    OmeZarrError
        What does not fit, of all dims together.
    """
    stored = _viewed(da, frame, options)
    problems = Problems()
    axes = []
    for own in stored.inspection.grid:
        with problems.collected():
            axes.append(_fitted(own, stored, frame))
    problems.raise_all("The label image does not fit its image")
    inspection = Inspection(Grid(tuple(axes)), stored.inspection.exact)
    types = tuple(frame.grids[0][name].type for name in stored.arrangement.names)
    return replace(
        stored,
        outline=_without_channels(stored.outline, stored.arrangement),
        arrangement=replace(stored.arrangement, types=types),
        inspection=inspection,
    )


def _without_channels(outline: xr.DataArray, arrangement: Arrangement) -> xr.DataArray:
    """Without what describes the channels of the image: the image says that."""
    types = zip(arrangement.dims, arrangement.types, strict=True)
    along = {dim for dim, kind in types if kind == "channel"}
    dropped = [
        name
        for name, coordinate in outline.coords.items()
        if str(name).startswith(CHANNEL_PREFIX)
        or along & set(map(str, coordinate.dims))
        or (coordinate.ndim == 0 and is_axis(str(name), "c"))
    ]
    return outline.drop_vars(dropped)


def _viewed(da: xr.DataArray, frame: Frame, options: WriteOptions) -> Stored:
    chosen = WriteOptions(**options)
    # Uneven positions are compared with those of the image, which were kept.
    chosen["irregular"] = "keep"
    with warnings.catch_warnings():
        # What is worth a warning was said of the image.
        warnings.simplefilter("ignore", OmeZarrWarning)
        stored = store_view(da, chosen)
        names = stored.arrangement.names
        beyond = [name for name in names if name not in frame.dims]
        if beyond:
            own = {name: own for own, name in stored.names.items()}
            raise AxisError(
                f"it has the dims {[own[name] for name in beyond]}, and the image has "
                f"{frame.dims}; a label image has no others: select from them, e.g. "
                f"with .isel({{{own[beyond[0]]!r}: 0}})"
            )
        lacking = {
            own: frame.coordinate(name)
            for own, name in stored.names.items()
            if name in frame.kept
            and own not in stored.outline.coords
            and own in da.dims
            and frame.kept[name].size == da.sizes[own]
        }
        order = tuple(name for name in frame.dims if name in names)
        if not lacking and names == order:
            return stored
        for dim, variable in lacking.items():
            variable.dims = (dim,)
        if names != order:
            chosen["dims"] = order
        return store_view(da.assign_coords(lacking), chosen)


def _fitted(own: GridAxis, stored: Stored, frame: Frame) -> GridAxis:
    """The axis of the image, if that is what the label image has."""
    dim, name = own.name, stored.names[own.name]
    image = frame.grids[0][name]
    if own.size not in (1, image.size):
        raise LayoutError(
            f"it has {own.size} pixels along {dim!r}, and the image has {image.size}; "
            "a label image has as many as its image, or 1 (or no such dim) where it "
            "is the same for all of them"
        )
    is_placed = dim in stored.outline.coords
    if image.type == "channel":
        _check_channels(own, image, frame)
        return replace(image, name=dim, size=own.size, labels=None)
    if not is_placed:
        return replace(image, name=dim, size=own.size)
    axis = _in_unit_of(own, image)
    is_one = own.size == 1 and not tells_spacing(stored.outline, dim)
    if is_one:
        axis = replace(axis, scale=image.scale)
    if own.size == 1 < image.size:
        # The same for all pixels of the image, wherever it was made.
        return axis
    _check_positions(axis, image, stored, frame)
    return replace(image, name=dim)


def _in_unit_of(own: GridAxis, image: GridAxis) -> GridAxis:
    if own.unit is None or own.unit == image.unit:
        return replace(own, unit=image.unit)
    if image.unit is None:
        raise UnitError(
            f"the unit of {own.name!r} is {own.unit!r}, and the image has none there; "
            "give both the same, e.g. with .omezarr.assign_grid"
        )
    return replace(
        own,
        unit=image.unit,
        scale=in_unit(own.scale, own.unit, image.unit, dim=own.name),
        translation=in_unit(own.translation, own.unit, image.unit, dim=own.name),
    )


def _check_channels(own: GridAxis, image: GridAxis, frame: Frame) -> None:
    names = frame.channels
    if own.labels is None or names is None or own.size != image.size:
        return
    # Names that an index of xarray could not hold twice have suffixes.
    if own.labels != names and len(set(names)) == len(names):
        raise CoordinateError(
            f"its channels along {own.name!r} are {[*own.labels]}, those of the image "
            f"are {[*names]}; put them in that order, or drop the coordinate with "
            f".drop_vars({own.name!r})"
        )


def _check_positions(
    axis: GridAxis, image: GridAxis, stored: Stored, frame: Frame
) -> None:
    """Refuse pixels that lie elsewhere than those of the image."""
    dim = axis.name
    is_uneven = image.name in frame.kept or dim in stored.inspection.exact
    if is_uneven and _agree_one_by_one(dim, image.name, stored, frame):
        return
    size = max(axis.size - 1, 0)
    drift = axis.translation - image.translation
    end = drift + size * (axis.scale - image.scale)
    allowed = _tolerance(stored, dim, image)
    step = abs(axis.scale - image.scale) / abs(image.scale)
    if is_uneven or max(abs(drift), abs(end)) > allowed or step > 0.5:
        unit = f" {image.unit}" if image.unit else ""
        raise CoordinateError(
            f"its pixels along {dim!r} lie {axis.scale}{unit} apart from "
            f"{axis.translation}, those of the image {image.scale}{unit} apart "
            f"from {image.translation}{' (uneven)' if is_uneven else ''}; "
            + _REMEDY.format(dim=dim)
        )


def _agree_one_by_one(dim: str, name: str, stored: Stored, frame: Frame) -> bool:
    own = stored.outline.coords[dim]
    known = xr.DataArray(frame.coordinate(name))
    mine = positions(own, known, dim)
    off = np.abs(mine - known.values)
    return bool(np.all(off <= tolerance_of(known.values, mine)))


def _tolerance(stored: Stored, dim: str, image: GridAxis) -> float:
    """How far pixels may be off: single precision holds seven digits."""
    allowed = _TOLERANCE * abs(image.scale)
    if stored.outline.coords[dim].dtype == np.float32:
        last = image.translation + image.scale * image.size
        largest = max(abs(image.translation), abs(last))
        allowed = max(allowed, 4 * float(np.finfo(np.float32).eps) * largest)
    return min(allowed, 0.1 * abs(image.scale))


def made_levels(stored: Stored, frame: Frame, method: Method) -> Pyramid:
    """Levels like those of the image, made from level 0 of the label image."""
    finest = stored.grid
    one = (1,) * len(finest.axes)
    levels = [PyramidLevel("0", finest, one, None, one)]
    for index in range(1, len(frame.grids)):
        parent, by_axis = frame.step(index)
        steps = dict(zip(frame.dims, by_axis, strict=True))
        step = tuple(
            1 if _is_same(axis, frame) else steps[axis.name] for axis in finest
        )
        total = tuple(a * b for a, b in zip(levels[parent].factors, step, strict=True))
        factors = dict(zip(finest.dims, total, strict=True))
        made = finest.coarsen(factors, position=position(method))
        grid = Grid(
            tuple(
                axis if _is_same(axis, frame) else _as_large(axis, frame.grids[index])
                for axis in made
            )
        )
        levels.append(PyramidLevel(str(index), grid, total, levels[parent].path, step))
    return Pyramid(tuple(levels), method)


def _is_same(axis: GridAxis, frame: Frame) -> bool:
    """Whether one pixel of a label image is the same for all of the image."""
    return axis.size == 1 < frame.grids[0][axis.name].size


def _as_large(axis: GridAxis, image: Grid) -> GridAxis:
    """The axis with the size and scale that the level of the image has."""
    level = image[axis.name]
    return replace(axis, size=level.size, scale=level.scale)


def given_levels(
    stored: Stored, frame: Frame, given: GivenLevels, dtype: np.dtype[Any]
) -> Pyramid:
    """The levels of a label image that somebody made, checked against the image's.

    Raises
    ------
    OmeZarrError
        As `given_pyramid`, and where a level is not that of the image.
    """
    count, own = len(frame.grids), len(given.coarser) + 1
    if own != count:
        raise OptionError(
            f"it has {own} levels, and the image has {count}; give as many, or level 0 "
            "alone to have them made"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OmeZarrWarning)
        pyramid = given_pyramid(stored, given, dtype, "keep")
    problems = Problems()
    levels = [pyramid.levels[0]]
    for level, image in zip(pyramid.levels[1:], frame.grids[1:], strict=True):
        axes = list(level.grid)
        for at, axis in enumerate(axes):
            if not _is_same(stored.grid[axis.name], frame):
                with problems.collected():
                    axes[at] = _coarse(axis, image[axis.name], level.path)
        levels.append(replace(level, grid=Grid(tuple(axes))))
    problems.raise_all("The levels of the label image do not fit those of its image")
    return replace(pyramid, levels=tuple(levels))


def _coarse(axis: GridAxis, image: GridAxis, path: str) -> GridAxis:
    """The axis of a coarser level; samples and blocks may lie half a pixel apart."""
    dim = axis.name
    if axis.size != image.size:
        raise LayoutError(
            f"level {path} has {axis.size} pixels along {dim!r}, and that of the image "
            f"has {image.size}; give the levels the sizes of those of the image, or "
            "level 0 alone to have them made"
        )
    off = abs(axis.scale - image.scale) * max(axis.size - 1, 1)
    shift = abs(axis.translation - image.translation)
    if off > 0.5 * abs(image.scale) or shift >= 0.5 * abs(image.scale):
        raise CoordinateError(
            f"pixels of level {path} lie {axis.scale} apart from "
            f"{axis.translation} along {dim!r}, those of the image {image.scale} "
            f"apart from {image.translation}; {_REMEDY.format(dim=dim)}"
        )
    return replace(axis, scale=image.scale)
