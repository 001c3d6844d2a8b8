"""A pyramid that somebody made: its levels checked against the first of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.errors import (
    AxisError,
    CoordinateError,
    DataTypeError,
    LayoutError,
    OmeZarrError,
    OmeZarrErrorGroup,
    OmeZarrWarning,
    Problems,
    UnitError,
)
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.grid.inspect import examine
from xarray_omezarr.grid.names import SCALE_KEY
from xarray_omezarr.ngff.exact import plus, times
from xarray_omezarr.pixels.methods import NEAREST
from xarray_omezarr.write.pyramid import Pyramid, PyramidLevel
from xarray_omezarr.write.source import pixels, stored_dtype
from xarray_omezarr.write.stored import outline_of

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.write.stored import Stored

# Of a pixel: what rounding of coordinates may add to the tolerances below.
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class GivenLevel:
    """One resolution: its pixels, and its place in the tree for messages."""

    node: str
    da: xr.DataArray


@dataclass(frozen=True, slots=True)
class GivenLevels:
    """A pyramid that is written as it is.

    Parameters
    ----------
    coarser : tuple of GivenLevel
        All but level 0, the finest first.
    type : str, optional
        The method it was made with, if that is known.
    metadata : mapping, optional
        What the standard lets a pyramid say of that method.
    """

    coarser: tuple[GivenLevel, ...]
    type: str | None = None
    metadata: Mapping[str, Any] | None = None


def given_pyramid(
    stored: Stored, given: GivenLevels, dtype: np.dtype[Any], irregular: str
) -> Pyramid:
    """The levels of `given` as they will be stored.

    Where a coarser level has no coordinate along a dim, or just that of level 0, it
    gets one: the whole number of pixels of level 0 per pixel tells it.

    Parameters
    ----------
    stored : Stored
        Level 0.
    given : GivenLevels
        The others.
    dtype : numpy.dtype
        In which level 0 is stored.
    irregular : str
        The write option.

    Raises
    ------
    OmeZarrError
        All that is wrong with dims, types, sizes, units, channels and positions of
        all levels together; every message names the level's place in the tree.
    """
    problems = Problems()
    one = (1,) * len(stored.grid.axes)
    levels = [PyramidLevel("0", stored.grid, one, None, one)]
    for number, level in enumerate(given.coarser, start=1):
        with problems.collected(), named(f"Level {level.node!r}"):
            _check_type(level.da, dtype)
        with problems.collected(), named(f"Level {level.node!r}"):
            grid = _Level(stored, level.da, irregular, given.type == NEAREST).grid()
            _check_coarser(grid, levels[-1].grid)
            factors = tuple(
                max(1, round(axis.scale / finest.scale))
                for axis, finest in zip(grid, stored.grid, strict=True)
            )
            source = pixels(level.da, stored.arrangement)
            levels.append(PyramidLevel(str(number), grid, factors, None, one, source))
    problems.raise_all("The levels of this tree do not make one image")
    return Pyramid(tuple(levels), None, given.type, given.metadata)


@contextmanager
def named(what: str) -> Iterator[None]:
    """Says in every error what it is about."""
    try:
        yield
    except OmeZarrErrorGroup as group:
        found = [p for p in group.exceptions if isinstance(p, OmeZarrError)]
        named = [_about(what, problem) for problem in found]
        raise OmeZarrErrorGroup(group.message, named) from group
    except OmeZarrError as problem:
        raise _about(what, problem) from problem


def _about(what: str, problem: OmeZarrError) -> OmeZarrError:
    kind: type[Any] = type(problem)
    named: OmeZarrError = kind(f"{what}: {problem}")
    return named


def _check_type(da: xr.DataArray, dtype: np.dtype[Any]) -> None:
    if stored_dtype(da.dtype) != dtype:
        raise DataTypeError(
            f"its pixels are of type {da.dtype}, those of level 0 are {dtype}; convert "
            f"them, e.g. with .round().astype('{dtype}')"
        )


def _check_coarser(grid: Grid, finer: Grid) -> None:
    larger = [dim for dim in grid.dims if grid.sizes[dim] > finer.sizes[dim]]
    if larger:
        raise LayoutError(
            f"it has fewer pixels than the level before it, but more along {larger}: "
            f"{grid.sizes} after {finer.sizes}; levels get coarser along every dim"
        )


@dataclass(frozen=True, slots=True)
class _Level:
    """One coarser level, while it is compared with level 0."""

    finest: Stored
    da: xr.DataArray
    irregular: str
    is_sampled: bool

    def grid(self) -> Grid:
        """Where its pixels lie, dims in stored order."""
        dims = set(map(str, self.finest.da.dims))
        if set(map(str, self.da.dims)) != dims:
            raise AxisError(
                f"its dims are {self.da.dims}, those of level 0 are "
                f"{self.finest.da.dims}; all levels have the same"
            )
        outline = outline_of(self.da, self.finest.arrangement)
        with warnings.catch_warnings():
            # What is worth a warning was said of level 0.
            warnings.simplefilter("ignore", OmeZarrWarning)
            own = examine(self._with_attrs(outline), irregular=self.irregular).grid
        problems = Problems()
        axes = []
        for dim, name in self.finest.names.items():
            finest = self.finest.inspection.grid[dim]
            with problems.collected():
                axis = self._axis(outline, own[dim], finest)
                axes.append(replace(axis, name=name))
        problems.raise_all("The coordinates of this level do not fit those of level 0")
        placed = {axis.name: axis for axis in axes}
        return Grid(
            tuple(
                replace(placed[axis.name], type=axis.type, labels=axis.labels)
                for axis in self.finest.grid
            )
        )

    def _with_attrs(self, outline: xr.DataArray) -> xr.DataArray:
        """With the attributes of level 0, which may say what coordinates mean."""
        return outline.assign_attrs({**self.finest.outline.attrs, **outline.attrs})

    def _axis(self, outline: xr.DataArray, own: GridAxis, finest: GridAxis) -> GridAxis:
        dim = finest.name
        if finest.type == "channel":
            _check_channels(outline, own, finest)
            return finest
        is_placed = dim in outline.coords
        tells_more = own.size == 1 and tells_spacing(outline, dim)
        is_same = not is_placed or (self._has_the_same(outline, dim) and not tells_more)
        if own.size == finest.size and is_same:
            return finest
        if not is_placed:
            return _by_sizes(own, finest, sampled=self.is_sampled)
        if own.unit is not None and own.unit != finest.unit:
            raise UnitError(
                f"the unit of {dim!r} is {own.unit!r}, that of level 0 is "
                f"{finest.unit!r}; convert one of them"
            )
        axis = replace(own, unit=finest.unit)
        if own.size == 1 and not tells_spacing(outline, dim):
            scale = times(finest.scale, max(1, round(finest.size / own.size)))
            axis = replace(axis, scale=scale)
        if outline.coords[dim].dtype.kind == "M":
            # Dates count from their first: here, from that of level 0.
            delay = outline.coords[dim].values[0] - self._first_date(dim)
            seconds = float(delay / np.timedelta64(1, "s"))
            axis = replace(axis, translation=plus(finest.translation, seconds))
        _check_place(axis, finest)
        return axis

    def _first_date(self, dim: str) -> Any:
        values = self.finest.outline.coords[dim].values
        if values.dtype.kind != "M":
            raise CoordinateError(f"its {dim!r} are dates, those of level 0 are not")
        return values[0]

    def _has_the_same(self, outline: xr.DataArray, dim: str) -> bool:
        """Whether the coordinate is that of level 0."""
        finest = self.finest.outline.coords.get(dim)
        return finest is not None and np.array_equal(
            np.asarray(outline.coords[dim].values), np.asarray(finest.values)
        )


def tells_spacing(outline: xr.DataArray, dim: str) -> bool:
    """Whether more than its position is known of a pixel that is alone along `dim`."""
    remembered = outline.encoding.get(SCALE_KEY)
    told = dim in outline.coords and "spacing" in outline.coords[dim].attrs
    return told or (isinstance(remembered, Mapping) and dim in remembered)


def _check_channels(outline: xr.DataArray, own: GridAxis, finest: GridAxis) -> None:
    if own.size != finest.size:
        raise AxisError(
            f"it has {own.size} channels along {own.name!r}, level 0 has {finest.size}"
        )
    # Tools that make pyramids replace the names by numbers.
    numbers = tuple(map(str, range(own.size)))
    if own.labels not in (None, numbers, finest.labels):
        raise CoordinateError(
            f"its channels along {own.name!r} are {own.labels}, those of level 0 are "
            f"{finest.labels}; drop the coordinate of the coarser level"
        )


def _by_sizes(own: GridAxis, finest: GridAxis, *, sampled: bool) -> GridAxis:
    """The axis of a level that does not say where its pixels lie."""
    size, exact = finest.size, finest.size % own.size == 0
    nearby = range(max(1, size // own.size - 1), -(-size // own.size) + 2)
    fitting = {f for f in nearby if own.size in (-(-size // f), size // f)}
    if exact:
        fitting = {size // own.size}
    if len(fitting) != 1:
        raise CoordinateError(
            f"it has no coordinate {own.name!r}, and its {own.size} pixels do not tell "
            f"how many of the {size} of level 0 each of them covers; give it "
            "coordinates, e.g. with .omezarr.assign_grid"
        )
    axis = finest.coarsen(fitting.pop(), position="first" if sampled else "centre")
    return replace(axis, size=own.size, labels=None)


def _check_place(axis: GridAxis, finest: GridAxis) -> None:
    """Refuse an axis that does not cover what that of level 0 covers."""
    dim, factor = axis.name, axis.scale / finest.scale
    if factor < 1 - _ROUNDING:
        raise CoordinateError(
            f"the step of {dim!r} is {axis.scale}, finer than that of level 0, "
            f"{finest.scale}; {_REMEDY}"
        )
    expected = finest.size / factor
    if abs(axis.size - expected) >= 1 + _ROUNDING * expected:
        raise CoordinateError(
            f"its {axis.size} pixels along {dim!r} with a step of {axis.scale} cover "
            f"{axis.size * axis.scale:g}, level 0 covers "
            f"{finest.size * finest.scale:g}; {_REMEDY}"
        )
    # Samples stand on the first pixel of a block, means in the middle of it.
    first = finest.translation
    middle = first + (factor - 1) / 2 * finest.scale
    allowed = (0.5 + _ROUNDING) * axis.scale
    if not first - allowed <= axis.translation <= middle + allowed:
        raise CoordinateError(
            f"its first pixel along {dim!r} lies at {axis.translation}, more than half "
            f"a pixel off: sampling puts it at {first:g}, averaging at {middle:g}; "
            f"{_REMEDY}"
        )


_REMEDY = "correct its coordinates, or drop them to have them made"
