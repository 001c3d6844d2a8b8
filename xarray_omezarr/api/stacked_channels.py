"""Variables of a Dataset as the channels of one image; no pixels are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from xarray.core import indexing

from xarray_omezarr.errors import AxisError, DataTypeError, OptionError, Problems, warn
from xarray_omezarr.grid.dims import roles
from xarray_omezarr.grid.inspect import labelled_dims
from xarray_omezarr.grid.names import (
    CHANNEL_LABEL,
    CHANNEL_PREFIX,
    SCALE_KEY,
    VARIABLE,
)
from xarray_omezarr.grid.units import split_quantity
from xarray_omezarr.read.stacked import StackedPixels, VariableMember
from xarray_omezarr.write.templates import refuse_template

_DIM = "c"
_CHUNKS = "preferred_chunks"
# What one field of a channel can be.
_SCALARS = (str, bool, int, float, np.generic)


def with_channels(
    ds: xr.Dataset, image: Any, labels: Any
) -> tuple[xr.Dataset, str | None]:
    """The Dataset with one variable in place of several, and the name of the image.

    Parameters
    ----------
    ds : xarray.Dataset
        Where the variables are.
    image : str, sequence of str or None
        One name is given back as it is. Variables of several become channels along a
        dim ``c``, called as they are, in that order.
    labels : object
        The option ``labels``, which counts the same variables.

    Returns
    -------
    xarray.Dataset
        The channels are in the variable ``image``. Attributes that all of them share
        are its own; others become fields of the channels, ``channel_exposure``.
    str or None
        Which variable is the image.

    Raises
    ------
    OmeZarrError
        If names are missing, or variables differ in dims, sizes or types.

    Examples
    --------
    >>> dots = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"))
    >>> ds = xr.Dataset({"DAPI": dots, "GFP": dots})
    >>> both, name = with_channels(ds, ["DAPI", "GFP"], None)
    >>> both[name].dims, both[name].c.values.tolist()
    (('c', 'y', 'x'), ['DAPI', 'GFP'])
    """
    if image is None or isinstance(image, str):
        return ds, image
    names = _names(ds, image)
    if labels is not None and VARIABLE in ds.data_vars and VARIABLE not in names:
        raise OptionError(
            f"image is {names}, and the Dataset has another variable {VARIABLE!r}, as "
            f"their channels will be called; rename it: .rename({VARIABLE!r}='other')"
        )
    arrays = [_one_channel(ds[name]) for name in names]
    _check_alike(dict(zip(names, arrays, strict=True)))
    stack = _stack(names, arrays)
    others = ds.drop_vars([VARIABLE, *names], errors="ignore")
    if labels is None:
        others = others.drop_vars([*others.data_vars])
    # A scalar that holds for all channels is now one of them along their dim.
    spread = [n for n, coord in stack.coords.items() if coord.dims == (_DIM,)]
    others = _without_channel(others).drop_vars(spread, errors="ignore")
    return others.assign({VARIABLE: stack}), VARIABLE


def _without_channel(ds: xr.Dataset) -> xr.Dataset:
    """The Dataset without a dim that would stand in the way of the new one."""
    if ds.sizes.get(_DIM, 1) > 1:
        held = [name for name, da in ds.data_vars.items() if _DIM in da.dims]
        raise AxisError(
            f"Variables {held} have {ds.sizes[_DIM]} pixels along {_DIM!r}, the dim "
            "that the channels of image= are put along; drop them, or rename their dim"
        )
    ds = ds.isel({_DIM: 0}) if _DIM in ds.dims else ds
    return ds.drop_vars(_DIM, errors="ignore")


def one_name(image: Any) -> str | None:
    """The name of one variable in every level of a tree.

    Raises
    ------
    OptionError
        If there are several: levels would have to be joined one by one.
    """
    if image is None or isinstance(image, str):
        return image
    raise OptionError(
        f"image is {image!r}; variables become channels where the object is a Dataset, "
        "and it is a tree of levels, or an array. Give one name, or the Dataset of the "
        "finest level, from which the others are made"
    )


def _names(ds: xr.Dataset, image: Any) -> list[str]:
    if not isinstance(image, Iterable) or isinstance(image, Mapping):
        raise OptionError(f"image is {image!r}; give a name, or a list of names")
    names = list(image)
    missing = [name for name in names if name not in ds.data_vars]
    if missing or not names:
        raise OptionError(
            f"image names {missing or 'nothing'}, and the Dataset has the variables "
            f"{[*ds.data_vars]}; give a name of them, or a list, one for each channel"
        )
    if len({*names}) < len(names):
        raise OptionError(f"image names {names}; name each channel once")
    return names


def _one_channel(da: xr.DataArray) -> xr.DataArray:
    """The variable without the dim of its one channel."""
    refuse_template(da)
    sizes = {str(dim): size for dim, size in da.sizes.items()}
    found = roles([*sizes], sizes, labelled_dims(da))
    dims = [dim for dim, role in found.items() if role.type == "channel"]
    several = {dim: sizes[dim] for dim in dims if sizes[dim] > 1}
    if several:
        raise AxisError(
            f"Variable {da.name!r} has channels of its own, {several}, and a list in "
            "image= makes each variable one channel; join them, with "
            f"xr.concat([...], {next(iter(several))!r})"
        )
    selected = da.isel(dict.fromkeys(dims, 0))
    told = [_DIM, CHANNEL_LABEL, *dims]
    return selected.drop_vars([name for name in told if name in selected.coords])


def _check_alike(arrays: Mapping[str, xr.DataArray]) -> None:
    """Raise if they are not the channels of one image; coordinates they share."""
    problems = Problems()
    (first_name, first), *others = arrays.items()
    for name, da in others:
        with problems.collected():
            if {*da.dims} != {*first.dims}:
                raise AxisError(
                    f"Variable {name!r} has the dims {da.dims}, and {first_name!r} has "
                    f"{first.dims}; channels of an image have the same"
                )
        with problems.collected():
            if da.dtype != first.dtype:
                raise DataTypeError(
                    f"Variable {name!r} is {da.dtype}, and {first_name!r} is "
                    f"{first.dtype}; convert them to one type with .astype()"
                )
        with problems.collected():
            units = [split_quantity(a.variable._data)[1] for a in (da, first)]
            if units[0] != units[1]:
                raise DataTypeError(
                    f"Pixels of variable {name!r} are in {units[0]}, those of "
                    f"{first_name!r} in {units[1]}; convert them to one unit"
                )
    problems.raise_all("These variables are not the channels of one image")


def _stack(names: Sequence[str], arrays: Sequence[xr.DataArray]) -> xr.DataArray:
    first = arrays[0]
    variables = [_plain(da.transpose(*first.dims)) for da in arrays]
    attrs, fields = _attrs(names, [da.attrs for da in arrays])
    _, unit = split_quantity(first.variable._data)
    if unit is not None:
        attrs = {"units": str(unit), **attrs}
    coords: dict[Any, Any] = dict(first.coords)
    for name in [name for name in coords if str(name).startswith(CHANNEL_PREFIX)]:
        if coords[name].ndim == 0:
            # What was said of the one channel holds for each of them.
            value = coords.pop(name).variable.set_dims({_DIM: len(names)})
            fields.setdefault(str(name), value)
    coords |= {_DIM: (_DIM, [*names]), **fields}
    stack = xr.DataArray(_stacked(variables), coords, (_DIM, *first.dims), attrs=attrs)
    encoding = first.encoding
    stack.encoding = {k: encoding[k] for k in (SCALE_KEY,) if k in encoding}
    if isinstance(chunks := encoding.get(_CHUNKS), Mapping):
        stack.encoding[_CHUNKS] = {**chunks, _DIM: 1}
    return stack


def _plain(da: xr.DataArray) -> xr.Variable:
    """The pixels without their unit."""
    values, unit = split_quantity(da.variable._data)
    return da.variable if unit is None else xr.Variable(da.dims, values)


def _stacked(variables: Sequence[xr.Variable]) -> Any:
    """The pixels of all one behind the other, not read."""
    if any(variable.chunks is not None for variable in variables):
        chunked = [v if v.chunks is not None else v.chunk() for v in variables]
        layers = [v.set_dims({_DIM: 1, **v.sizes}) for v in chunked]
        return xr.Variable.concat(layers, _DIM).data
    members = np.empty(len(variables), dtype=object)
    members[:] = [VariableMember(variable) for variable in variables]
    pixels = StackedPixels(members, variables[0].shape, variables[0].dtype)
    return indexing.LazilyIndexedArray(pixels)


def _attrs(
    names: Sequence[str], given: Sequence[Mapping[Any, Any]]
) -> tuple[dict[Any, Any], dict[str, Any]]:
    """What all variables say alike, and what each of them says of its channel."""
    shared: dict[Any, Any] = {}
    fields: dict[str, Any] = {}
    lost = []
    for key in dict.fromkeys(key for attrs in given for key in attrs):
        values = [attrs.get(key) for attrs in given]
        if all(key in attrs and _is_same(attrs[key], values[0]) for attrs in given):
            shared[key] = values[0]
        elif all(value is None or isinstance(value, _SCALARS) for value in values):
            name = CHANNEL_PREFIX + str(key).removeprefix(CHANNEL_PREFIX)
            fields[name] = (_DIM, np.array(values, dtype=object))
        else:
            lost.append(key)
    if lost:
        warn(
            f"Attributes {lost} differ between the variables {[*names]}, and are no "
            "numbers or texts that a channel could have; they are left out"
        )
    return shared, fields


def _is_same(one: Any, other: Any) -> bool:
    try:
        return type(one) is type(other) and bool(np.all(one == other))
    except (TypeError, ValueError):
        return one is other
