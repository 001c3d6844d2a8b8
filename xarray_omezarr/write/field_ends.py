"""The systems that fields lie between: what their dims and vectors are named after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import AxisError, CoordinateError
from xarray_omezarr.grid.assign import assign_grid
from xarray_omezarr.grid.inspect import channel_texts, inspect, labelled_dims
from xarray_omezarr.grid.units import in_unit
from xarray_omezarr.ngff.named import named
from xarray_omezarr.ngff.transforms import Bijection, ByDimension, Sequence
from xarray_omezarr.write.field_axes import field_dims

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import Axis


@dataclass(frozen=True, slots=True)
class Ends:
    """Axes at the ends of a field.

    Parameters
    ----------
    start, end : tuple of Axis, optional
        That it starts from, and that it leads to; None where that is not plain.
    """

    start: tuple[Axis, ...] | None = None
    end: tuple[Axis, ...] | None = None


def fields_in(way: Any, start: Any, end: Any) -> Iterator[tuple[str, Ends]]:
    """Paths of fields in a transformation, and what is known of their ends.

    Parameters
    ----------
    way : Transformation
        Of any type.
    start, end : sequence of Axis or None
        Of the systems at its ends.
    """
    if isinstance(way, Sequence):
        # Between its transformations positions may be measured in anything.
        last = len(way.transformations) - 1
        for number, part in enumerate(way.transformations):
            first = None if number else start
            yield from fields_in(part, first, end if number == last else None)
    elif isinstance(way, ByDimension):
        for one in way.transformations:
            inner = (_some(start, one.input_axes), _some(end, one.output_axes))
            yield from fields_in(one.transformation, *inner)
    elif isinstance(way, Bijection):
        yield from fields_in(way.forward, start, end)
        yield from fields_in(way.inverse, end, start)
    else:
        for found in named(way):
            if not found.is_matrix:
                yield found.path, Ends(_whole(start), _whole(end))


def _some(axes: Any, places: tuple[int, ...]) -> Any:
    if axes is None or max(places) >= len(axes):
        return None
    return tuple(axes[place] for place in places)


def _whole(axes: Any) -> tuple[Axis, ...] | None:
    return None if axes is None else tuple(axes)


def in_order(da: xr.DataArray, type: str, ends: Ends | None = None) -> xr.DataArray:
    """A field with dims and entries of vectors in the order of the axes.

    Parameters
    ----------
    da : xarray.DataArray
        The field. Dims called like the axes that it starts from, in any case, may be
        in any order; others count by their place. So do entries of its vectors,
        unless they are labelled with the names of axes.
    type : str
        Of the transformation.
    ends : Ends, optional
        Of the field. Without, entries are labelled like its dims.

    Raises
    ------
    AxisError
        If some dims are called like axes and others are not, or if labels are texts
        and not the names of the axes.
    """
    ends = ends or Ends()
    _, component = field_dims(da)
    places = [str(dim) for dim in da.dims if dim != component]
    if ends.start is not None and len(ends.start) == len(places):
        places = _sorted(places, [axis.name for axis in ends.start])
        order = iter(places)
        da = da.transpose(*(d if d == component else next(order) for d in da.dims))
    if component in labelled_dims(da):
        da = _by_label(da, component, _names(ends, type, places))
    return da


def in_units(da: xr.DataArray, ends: Ends) -> xr.DataArray:
    """A field whose coordinates are in the units of the axes that it starts from.

    Parameters
    ----------
    da : xarray.DataArray
        The field, its dims in the order of the axes. Coordinates that are no evenly
        spaced numbers stay as they are.
    ends : Ends
        Of the field.

    Raises
    ------
    UnitError
        If a unit cannot be converted to that of the axis.
    """
    _, component = field_dims(da)
    places = [str(dim) for dim in da.dims if dim != component]
    if ends.start is None or len(ends.start) != len(places):
        return da
    for dim, axis in zip(places, ends.start, strict=True):
        if axis.unit is None or dim not in da.coords:
            continue
        nothing = np.broadcast_to(np.uint8(0), (da.sizes[dim],))
        only = xr.DataArray(nothing, {dim: da.coords[dim]}, (dim,), attrs=da.attrs)
        only.encoding = da.encoding
        try:
            line = inspect(only, irregular="raise")[dim]
        except CoordinateError:
            continue
        if only.coords[dim].dtype.kind in "iuf" and line.unit not in (None, axis.unit):
            scale = in_unit(line.scale, str(line.unit), axis.unit, dim=dim)
            # What is not given is converted too.
            da = assign_grid(da, scale={dim: scale}, units={dim: axis.unit})
    return da


def _sorted(places: list[str], axes: list[str]) -> list[str]:
    by_name = {dim.lower(): dim for dim in places}
    names = [axis.lower() for axis in axes]
    if not by_name.keys() & {*names}:
        return places
    if sorted(by_name) != sorted(names):
        raise AxisError(
            f"has the dims {tuple(places)}, and the transformation starts from the "
            f"axes {tuple(axes)}: call all of them so, in any order, or none of them, "
            "which counts by place"
        )
    return [by_name[name] for name in names]


def _names(ends: Ends, type: str, places: list[str]) -> list[list[str]]:
    """Names that the entries of vectors may be labelled with, likeliest first."""
    known = [ends.end, ends.start if type == "displacements" else None]
    found = [[axis.name for axis in axes] for axes in known if axes is not None]
    return found or [places]


def _by_label(da: xr.DataArray, component: str, known: list[list[str]]) -> xr.DataArray:
    labels = [text.lower() for text in channel_texts(da.coords[component].values)]
    for names in known:
        wanted = [name.lower() for name in names]
        if sorted(wanted) == sorted(labels):
            order = [labels.index(name) for name in wanted]
            return da if order == [*range(len(order))] else da.isel({component: order})
    raise AxisError(
        f"has vectors whose entries are labelled {labels} along {component!r}, and "
        f"the axes that they belong to are {' or '.join(map(str, known))}: label them "
        f"so, in any order, or remove the labels with .drop_vars({component!r}), which "
        "counts by place"
    )
