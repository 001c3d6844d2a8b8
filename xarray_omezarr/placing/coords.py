"""Coordinates of an object in another system: 1-D ones, single ones, lazy ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import xarray as xr

from xarray_omezarr.grid.axis_attrs import axis_attrs
from xarray_omezarr.grid.names import PLACED_KEY
from xarray_omezarr.placing.index import WorldIndex
from xarray_omezarr.placing.naming import Naming, given_names
from xarray_omezarr.placing.transform import WorldTransform

if TYPE_CHECKING:
    from xarray_omezarr.grid.dims import Role
    from xarray_omezarr.placing.plan import Chain, Output

T = TypeVar("T", xr.DataArray, xr.Dataset)

# What the attributes of a coordinate say of the system that it is of.
_OF_SYSTEM = ("units", "unit", "spacing", "long_name", "orientation", "discrete")


@dataclass(slots=True)
class Placed:
    """What changes on an object.

    Parameters
    ----------
    whole : bool
        Whether the coordinates are positions in the other system from now on.
    coords : dict
        New coordinates by name, those of lazy indexes aside.
    indexes : list
        Indexes of lazy coordinates, with the attributes of these by name.
    replaced : dict
        The output that a coordinate of an own axis now is, by the place of the axis.
    """

    whole: bool
    coords: dict[str, xr.Variable] = field(default_factory=dict)
    indexes: list[tuple[WorldIndex, dict[str, dict[str, Any]]]] = field(
        default_factory=list
    )
    replaced: dict[int, Output] = field(default_factory=dict)


def placed_coords(
    obj: xr.DataArray,
    chain: Chain,
    found: Mapping[str, Role],
    beside: xr.Dataset | None = None,
) -> Placed:
    """The coordinates of an object in another system.

    Parameters
    ----------
    obj : xarray.DataArray
        The object.
    chain : Chain
        Its way to the system.
    found : mapping
        What each dim of the object is.
    beside : xarray.Dataset, optional
        What it lies in, whose variables stay as they are.
    """
    names = Naming.of(obj, chain, found, given_names(obj, beside))
    placed = Placed(names.whole)
    several = [output for output in chain.outputs if len(output.dims) > 1]
    groups = _components(chain, several, list(map(str, obj.dims)))
    lazy = {output.number for outputs, _ in groups for output in outputs}
    for output in chain.outputs:
        if output.number in lazy:
            continue
        at = names.replaces(output)
        if at is not None:
            placed.replaced[at] = output
        if not names.is_kept(output):
            name = names.name(output)
            placed.coords[name] = _variable(obj, chain, output, name)
    for outputs, dims in groups:
        _add_index(placed, chain, outputs, dims, names)
    return placed


def _variable(
    obj: xr.DataArray, chain: Chain, output: Output, name: str
) -> xr.Variable:
    variable = xr.Variable(output.dims, chain.values(output), _kept_attrs(obj, name))
    line = chain.line(output) if output.dims else None
    if line is not None and line.size == 1 and abs(line.scale) != 1.0:
        # One pixel has no neighbour to tell its size by.
        variable.attrs["spacing"] = abs(line.scale)
    variable.attrs |= _attrs(output)
    variable.encoding[PLACED_KEY] = True
    return variable


def _kept_attrs(obj: xr.DataArray, name: str) -> dict[Any, Any]:
    """Attributes of the coordinate that is replaced, but for those of its system."""
    if name not in obj.coords:
        return {}
    attrs = obj.coords[name].attrs
    return {key: value for key, value in attrs.items() if key not in _OF_SYSTEM}


def _attrs(output: Output) -> dict[str, Any]:
    unit = {} if output.axis.unit is None else {"units": output.axis.unit}
    return {**unit, **axis_attrs(output.axis)}


def _components(
    chain: Chain, several: Sequence[Output], dims: Sequence[str]
) -> list[tuple[list[Output], list[str]]]:
    """Outputs of several dims that share some, and the dims of each group."""
    groups: list[tuple[list[Output], set[str]]] = []
    for output in several:
        own: tuple[list[Output], set[str]] = ([output], set(output.dims))
        apart = []
        for outputs, used in groups:
            if used & own[1]:
                own = (outputs + own[0], used | own[1])
            else:
                apart.append((outputs, used))
        groups = [*apart, own]
    return [
        (_completed(chain, outputs, used), [dim for dim in dims if dim in used])
        for outputs, used in groups
    ]


def _completed(chain: Chain, outputs: list[Output], used: set[str]) -> list[Output]:
    """With the outputs of one dim that are needed to tell which pixel is meant."""
    lines = [output for output in chain.outputs if set(output.dims) <= used]
    lines = [output for output in lines if len(output.dims) == 1]
    for line in lines:
        dims = sorted(used)
        if _rank(chain, outputs, dims) == len(dims):
            break
        outputs = [*outputs, line]
    return sorted(outputs, key=lambda output: output.number)


def _rank(chain: Chain, outputs: Sequence[Output], dims: Sequence[str]) -> int:
    pixels = [chain.place(dim).known.spacing or 1.0 for dim in dims]
    return chain.way(outputs, dims).rank(range(len(outputs)), range(len(dims)), pixels)


def _add_index(
    placed: Placed,
    chain: Chain,
    outputs: Sequence[Output],
    dims: Sequence[str],
    naming: Naming,
) -> None:
    names = [naming.lazy(output) for output in outputs]
    along = {
        # For messages: a dim may be called other than its axis.
        dim: replace(place.known, unit=place.axis.unit)
        for dim, place in ((dim, chain.place(dim)) for dim in dims)
    }
    way = chain.way(outputs, dims)
    index = WorldIndex(WorldTransform(names, along, way, chain.system))
    attrs = {name: _attrs(output) for name, output in zip(names, outputs, strict=True)}
    placed.indexes.append((index, attrs))


def with_coords(obj: T, placed: Placed) -> T:
    """The object with the new coordinates; those of the same names are replaced."""
    names = {*placed.coords, *(name for _, own in placed.indexes for name in own)}
    obj = obj.drop_vars(_with_neighbours(obj, names))
    obj = obj.assign_coords(placed.coords)
    for name, variable in placed.coords.items():
        if variable.dims and name not in obj.xindexes:
            obj = obj.set_xindex(name)
    for index, attrs in placed.indexes:
        coords = xr.Coordinates.from_xindex(index)
        for name, own in attrs.items():
            coords[name].variable.attrs.update(own)
        obj = obj.assign_coords(coords)
    return obj


def _with_neighbours(obj: xr.DataArray | xr.Dataset, names: set[str]) -> list[Any]:
    """The coordinates that are there, and those that share an index with one."""
    found: list[Any] = []
    for name in sorted(names):
        if name in obj.xindexes:
            found += obj.xindexes.get_all_coords(name)
        elif name in obj.coords:
            found.append(name)
    return list(dict.fromkeys(found))
