"""Which attributes and coordinates of a DataArray are kept beside the image."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from xarray.indexes import CoordinateTransformIndex

from xarray_omezarr.errors import MetadataError, warn
from xarray_omezarr.grid.axis_attrs import axis_fields
from xarray_omezarr.grid.kept import (
    KEY,
    Kept,
    KeptCoordinate,
    NotJson,
    can_keep,
    to_json,
)
from xarray_omezarr.grid.names import OME
from xarray_omezarr.grid.units import split_quantity, standard_unit
from xarray_omezarr.ngff.spaces import holds_systems
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.write.channels import is_channel_field, is_one_channel

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.grid.grid import Grid, GridAxis
    from xarray_omezarr.ngff.versions.protocol import Features


def plan_kept(
    da: xr.DataArray,
    names: Mapping[str, str],
    exact: Collection[str],
    channel_dim: str | None,
    grid: Grid,
    features: Features | None = None,
) -> Kept:
    """What of `da` a grid and the channels cannot restore.

    What has no spelling in JSON is left out, with one warning for all of it.

    Parameters
    ----------
    da : xarray.DataArray
        The object, with its own dims.
    names : mapping
        Stored dim by own dim.
    exact : collection of str
        Own dims whose coordinate is kept value by value.
    channel_dim : str, optional
        Own name of the channel dim.
    grid : Grid
        Of `da`, with its own dims.
    features : Features, optional
        Of the version that is written, whose axes may tell some of it.
    """
    lost: list[str] = []
    attrs = _json_attrs(da.attrs, "attrs", lost)
    coords = {}
    tells_channels = channel_dim is not None or is_one_channel(da)
    for key, coordinate in da.coords.items():
        name = str(key)
        axis = grid[name] if name in da.dims else None
        own = _coordinate_attrs(coordinate, axis, lost)
        if axis is not None and features is not None:
            told = axis_fields(coordinate.attrs, features)
            own = {key: value for key, value in own.items() if key not in told}
        is_field = tells_channels and is_channel_field(name, coordinate, channel_dim)
        if is_field or (axis is not None and name not in exact):
            kept = KeptCoordinate(own) if own else None
        else:
            kept = _with_values(coordinate, own, names, lost)
        if kept is not None:
            coords[names.get(name, name)] = kept
    _warn_of(lost)
    return Kept(attrs, coords)


def plain_attrs(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """What a group can hold of a Dataset's attributes; a warning names the rest."""
    lost: list[str] = []
    kept = _json_attrs(attrs, "attrs", lost)
    for key in _reserved(kept):
        lost.append(f"attrs[{key!r}] (the standard's own)")
        del kept[key]
    _warn_of(lost)
    return kept


def without_systems(da: xr.DataArray) -> tuple[xr.DataArray, Any]:
    """An array without the coordinate systems that it was opened with, and these."""
    systems = da.attrs.get(OME)
    if not holds_systems(systems):
        return da, None
    da = da.copy(deep=False)
    del da.attrs[OME]
    return da, systems


def computed_coords(
    da: xr.DataArray | xr.Dataset, *, known: Collection[str] = ()
) -> list[str]:
    """Names of coordinates that are computed where they are read, from an index.

    Positions in other systems are: they are not as many numbers as there are pixels,
    and the transformations that are written give them again.

    Parameters
    ----------
    da : xarray.DataArray or xarray.Dataset
        The object.
    known : collection of str
        Names of systems whose coordinates are not counted.
    """
    found = []
    for name, index in da.xindexes.items():
        if isinstance(index, CoordinateTransformIndex) and name not in da.dims:
            if getattr(index.transform, "system", None) not in known:
                found.append(str(name))
    return found


def _reserved(attrs: Mapping[str, Any]) -> list[str]:
    """Keys with which readers would take the group for another kind of node."""
    versions = [registry.get(name) for name in registry.SUPPORTED]
    meaning = {key for v in versions for key in attrs.keys() - v.foreign(attrs).keys()}
    # Unknown keys of the metadata that were read ride under this one.
    if isinstance(attrs.get("ome"), Mapping):
        meaning.discard("ome")
    return [key for key in attrs if key in meaning]


def _warn_of(lost: Collection[str]) -> None:
    if lost:
        warn(
            f"Left out, as it cannot be kept beside the image: {', '.join(lost)}",
        )


def _coordinate_attrs(
    coordinate: xr.DataArray, axis: GridAxis | None, lost: list[str]
) -> dict[str, Any]:
    attrs = _json_attrs(coordinate.attrs, f"coords[{str(coordinate.name)!r}]", lost)
    if axis is None:
        return attrs
    # The grid restores these, a unit under its name in the standard. What it would
    # not restore stays: an epoch, or a unit that differs from that of the axis.
    attrs.pop("spacing", None)
    own = str(attrs.pop("units", attrs.pop("unit", "")))
    attrs.pop("unit", None)
    if own and axis.type == "channel":
        # Wavelengths have a unit, and a channel axis has none.
        attrs["units"] = own
    elif " since " in own:
        attrs["units"] = own
    elif own and axis.type in ("space", "time"):
        known = standard_unit(own, axis_type=axis.type, dim=axis.name)
        if known is not None and known != axis.unit:
            attrs["units"] = known
    return attrs


def _with_values(
    coordinate: xr.DataArray,
    attrs: dict[str, Any],
    names: Mapping[str, str],
    lost: list[str],
) -> KeptCoordinate | None:
    if _is_gap(coordinate):
        return None
    array, unit = split_quantity(coordinate.data)
    plain = _as_plain(np.asarray(array))
    if plain is None or not can_keep(plain.dtype):
        lost.append(f"coords[{str(coordinate.name)!r}] ({coordinate.dtype})")
        return None
    if unit is not None:
        attrs = {**attrs, "units": str(unit)}
    dims = tuple(names.get(str(dim), str(dim)) for dim in coordinate.dims)
    return KeptCoordinate(attrs, dims, plain)


def _is_gap(coordinate: xr.DataArray) -> bool:
    """Whether it is the gap of a column of texts, which says nothing."""
    if coordinate.ndim or coordinate.dtype.kind not in "OT":
        return False
    item = np.asarray(coordinate.data).item()
    return item is None or (isinstance(item, float) and math.isnan(item))


def _as_plain(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Texts of any kind as numpy's own; other objects are refused."""
    if array.dtype.kind not in "OT":
        return array
    items = array.ravel().tolist()
    if not all(isinstance(item, str) for item in items):
        return None
    return np.asarray(items, dtype=np.str_).reshape(array.shape)


def _json_attrs(
    attrs: Mapping[Any, Any], where: str, lost: list[str]
) -> dict[str, Any]:
    kept = {}
    for key, value in attrs.items():
        try:
            kept[str(key)] = to_json(value)
        except NotJson as reason:
            lost.append(f"{where}[{key!r}] ({reason})")
    return kept


def check_attrs(attrs: Mapping[str, Any] | None) -> dict[str, Any]:
    """The write option ``attrs`` as JSON.

    Raises
    ------
    MetadataError
        If it is no mapping, not JSON, or has a key with a meaning of its own.
    """
    if attrs is None:
        return {}
    if not isinstance(attrs, Mapping):
        raise MetadataError(f"attrs is a {type(attrs).__name__}; give a mapping")
    if KEY in attrs:
        raise MetadataError(
            f"attrs has a key {KEY!r}, under which coordinates are kept; rename it"
        )
    reserved = _reserved(attrs)
    if reserved:
        raise MetadataError(
            f"attrs has the keys {reserved}, under which the standard keeps its own "
            "metadata; rename them"
        )
    checked = {}
    for key, value in attrs.items():
        if not isinstance(key, str):
            raise MetadataError(f"attrs has the key {key!r}; JSON keys are texts")
        try:
            checked[key] = to_json(value)
        except NotJson as reason:
            raise MetadataError(
                f"attrs[{key!r}] holds {reason}, which is not JSON; convert it to "
                "numbers, texts, lists or mappings"
            ) from reason
    return checked
