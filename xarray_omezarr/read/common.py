"""What the fields of a plate have in common, and where their coordinates begin."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import warn
from xarray_omezarr.grid.coords import coordinates
from xarray_omezarr.grid.grid import Grid
from xarray_omezarr.grid.names import CHANNEL_PREFIX
from xarray_omezarr.read.lattice import DIMS
from xarray_omezarr.read.tree import ACQUISITION

if TYPE_CHECKING:
    from xarray_omezarr.grid.grid import GridAxis
    from xarray_omezarr.read.lattice import Lattice
    from xarray_omezarr.read.plate import PlateField

ORIGIN = "origin_"

# What the stack tells of each field in its own way.
_TOLD = frozenset([*DIMS, ACQUISITION, "present"])
_WINDOW = f"{CHANNEL_PREFIX}window_"
# Of a step: times that are computed from others differ in their last digits.
_TOLERANCE = 1e-6


def common_coords(
    fields: Sequence[PlateField], grid: Grid, lattice: Lattice
) -> dict[str, xr.Variable]:
    """Coordinates that are along no dim of space.

    What is the same in all fields stays as it is; the others are along row, column
    and field, too. A warning names those that cannot be kept.

    Parameters
    ----------
    fields : sequence of PlateField
        All of them.
    grid : Grid
        Of the first.
    lattice : Lattice
        Their places.
    """
    space = {axis.name for axis in grid if axis.type == "space"}
    placed = {axis.name for axis in _placed(fields, grid)}
    of_likes = {
        id(like): {
            str(name): variable
            for name, variable in like.coords.variables.items()
            if name not in placed and name not in _TOLD
        }
        for like in _likes(fields)
    }
    found, lost = {}, []
    for name in dict.fromkeys(name for known in of_likes.values() for name in known):
        known = [coords.get(name) for coords in of_likes.values()]
        if any(one is not None and space & {*one.dims} for one in known):
            lost.append(name)
        elif _are_same(known, exactly=not name.startswith(_WINDOW)):
            found[name] = next(one for one in known if one is not None)
        elif _are_alike(known):
            found[name] = lattice.along(
                {entry.place: of_likes[id(entry.like)][name] for entry in fields}
            )
        else:
            lost.append(name)
    if lost:
        warn(
            f"Coordinates {sorted(lost)} of fields are left out of the stack: they are "
            "along z, y or x, or not all fields have them. The tree that "
            "xarray.open_datatree gives has them"
        )
    return found


def common_attrs(fields: Sequence[PlateField]) -> dict[Hashable, Any]:
    """Attributes of the images but for those that two of them contradict."""
    found: dict[Hashable, Any] = {}
    contradicted = set()
    for like in _likes(fields):
        for key, value in like.attrs.items():
            if not _equal(found.setdefault(key, value), value):
                contradicted.add(key)
    return {key: value for key, value in found.items() if key not in contradicted}


def placed_coords(
    fields: Sequence[PlateField], grid: Grid, lattice: Lattice
) -> dict[str, xr.Variable]:
    """Positions that count from the first pixel of each field, and where that is.

    Those along z, y and x always do; times only where fields begin at several.
    """
    found = {}
    image = fields[0].like
    for axis in _placed(fields, grid):
        relative = _relative(axis, image)
        values = {e.place: xr.Variable((), e.origin[axis.name]) for e in fields}
        origins = lattice.along(values)
        if axis.unit is not None and origins.dtype.kind not in "mM":
            origins.attrs = {"units": axis.unit}
        found[axis.name] = relative
        found[f"{ORIGIN}{axis.name.lower()}"] = origins
    return found


def _placed(fields: Sequence[PlateField], grid: Grid) -> list[GridAxis]:
    """The dims whose coordinates begin elsewhere in other fields."""
    return [
        axis
        for axis in grid.axes
        if axis.type == "space"
        or (axis.type == "time" and len({e.origin[axis.name] for e in fields}) > 1)
    ]


def _relative(axis: GridAxis, image: xr.DataArray) -> xr.Variable:
    (variable,) = coordinates(Grid((replace(axis, translation=0.0),))).values()
    known = image.coords.variables.get(axis.name)
    if known is None:
        return variable
    if axis.type == "time":
        own = known.values - known.values[0]
        if own.dtype.kind == "m":
            attrs = {k: v for k, v in known.attrs.items() if k != "units"}
            return xr.Variable(known.dims, own, attrs)
        if not np.allclose(own, variable.values, rtol=0, atol=_TOLERANCE * axis.scale):
            variable = variable.copy(data=own)
    variable.attrs = {**known.attrs, **variable.attrs}
    return variable


def _likes(fields: Iterable[PlateField]) -> list[xr.DataArray]:
    """The images that fields are like, each once."""
    return [*{id(entry.like): entry.like for entry in fields}.values()]


def _are_same(known: Sequence[xr.Variable | None], *, exactly: bool) -> bool:
    first = known[0]
    if first is None or any(one is None for one in known):
        return False
    return not exactly or all(one is first or first.equals(one) for one in known)


def _are_alike(known: Sequence[xr.Variable | None]) -> bool:
    """Whether values can stand side by side."""
    kinds = {
        None if one is None else (one.dims, one.shape, _kind(one)) for one in known
    }
    return None not in kinds and len(kinds) == 1


def _kind(variable: xr.Variable) -> str:
    kind = variable.dtype.kind
    return "number" if kind in "iuf" else kind


def _equal(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, Mapping) or isinstance(other, Mapping):
        return bool(one == other)
    return np.shape(one) == np.shape(other) and bool(np.all(np.equal(one, other)))
