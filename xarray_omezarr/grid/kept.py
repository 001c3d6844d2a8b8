"""What of an xarray object the standard has no place for, as JSON and arrays.

Kept under ``attributes["xarray"]`` beside ``ome``; docs/design/kept.md is its
specification. Coordinates of more than 4 KiB go to arrays in a group ``xarray``
beside the levels, and the JSON names them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import MetadataError

#: Name of the attribute and of the group beside the levels.
KEY = "xarray"
_FORMAT = 1
_INLINE_BYTES = 4096
_NUMBERS = "biuf"
_TIMES = "mM"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

Json: TypeAlias = Any


class NotJson(Exception):
    """A value has no spelling in JSON."""


@dataclass(frozen=True, slots=True)
class KeptCoordinate:
    """A coordinate: its own attributes and, unless a grid restores them, values.

    Parameters
    ----------
    attrs : mapping
        Attributes of the coordinate, JSON.
    dims : tuple of str, optional
        Stored dims of the values; None where a grid restores the values.
    values : array, optional
        Numbers, texts, booleans, datetime64 or timedelta64.
    """

    attrs: Mapping[str, Json] = field(default_factory=dict)
    dims: tuple[str, ...] | None = None
    values: NDArray[Any] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything that is kept beside an image: attributes and coordinates."""

    attrs: Mapping[str, Json] = field(default_factory=dict)
    coords: Mapping[str, KeptCoordinate] = field(default_factory=dict)


def can_keep(dtype: np.dtype[Any]) -> bool:
    """Whether coordinates of this dtype can be kept."""
    return dtype.kind in _NUMBERS + _TIMES + "U"


def encode(kept: Kept) -> tuple[Json, dict[str, NDArray[Any]]]:
    """The JSON of ``attributes["xarray"]``, and arrays of the group by name."""
    arrays: dict[str, NDArray[Any]] = {}
    coords = {}
    for index, (name, coordinate) in enumerate(kept.coords.items()):
        entry: dict[str, Json] = {}
        if coordinate.values is not None and coordinate.dims is not None:
            entry["dims"] = list(coordinate.dims)
            entry["dtype"] = _dtype_name(coordinate.values.dtype)
            plain = _plain(coordinate.values)
            if _fits_inline(plain):
                entry["values"] = plain.tolist()
            else:
                entry["array"] = _array_name(name, index)
                arrays[entry["array"]] = _storable(plain)
        if coordinate.attrs:
            entry["attrs"] = dict(coordinate.attrs)
        if entry:
            coords[name] = entry
    encoded: dict[str, Json] = {"version": _FORMAT}
    if kept.attrs:
        encoded["attrs"] = dict(kept.attrs)
    if coords:
        encoded["coords"] = coords
    return encoded, arrays


def decode(encoded: Json, read_array: Callable[[str], NDArray[Any]]) -> Kept:
    """The inverse of `encode`; an empty `Kept` for what is not ours.

    Parameters
    ----------
    encoded : JSON
        Value of ``attributes["xarray"]``.
    read_array : callable
        Gives an array of the group ``xarray`` by name.
    """
    if not is_kept(encoded):
        return Kept()
    coords = {}
    for name, entry in encoded.get("coords", {}).items():
        try:
            coords[name] = _decode_coordinate(entry, read_array)
        except (KeyError, TypeError, ValueError) as error:
            raise MetadataError(
                f"Coordinate {name!r} under attributes/{KEY}/coords cannot be read: "
                f"{error!r}; delete that entry to open the image without it"
            ) from error
    return Kept(attrs=encoded.get("attrs", {}), coords=coords)


def is_kept(encoded: Json) -> bool:
    """Whether the value of an attribute called `KEY` was written by `encode`."""
    return isinstance(encoded, Mapping) and encoded.get("version") == _FORMAT


def array_names(encoded: Json) -> list[str]:
    """Names of the arrays of the group `KEY` that the JSON refers to."""
    if not is_kept(encoded) or not isinstance(encoded.get("coords", {}), Mapping):
        return []
    names = (
        entry.get("array")
        for entry in encoded.get("coords", {}).values()
        if isinstance(entry, Mapping)
    )
    # Names come from a file: none may lead out of the group.
    return [name for name in names if isinstance(name, str) and _SAFE.fullmatch(name)]


def _decode_coordinate(
    entry: Mapping[str, Json], read_array: Callable[[str], NDArray[Any]]
) -> KeptCoordinate:
    attrs = entry.get("attrs", {})
    if "dims" not in entry:
        return KeptCoordinate(attrs=attrs)
    name = entry["dtype"]
    if "array" in entry:
        values = read_array(entry["array"])
        if name == "str":
            values = np.asarray(json.loads(values.tobytes()), dtype=np.str_)
    else:
        values = np.asarray(entry["values"], dtype=np.str_ if name == "str" else None)
    if name != "str":
        dtype = np.dtype(name)
        if not can_keep(dtype):
            raise ValueError(f"dtype {name!r}")
        integers = dtype.kind in _TIMES
        values = (
            values.astype(np.int64).view(dtype) if integers else values.astype(dtype)
        )
    return KeptCoordinate(attrs=attrs, dims=tuple(entry["dims"]), values=values)


def _dtype_name(dtype: np.dtype[Any]) -> str:
    return "str" if dtype.kind == "U" else dtype.newbyteorder("<").str


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Datetimes as the integers they are."""
    return values.astype(np.int64) if values.dtype.kind in _TIMES else values


def _fits_inline(plain: NDArray[Any]) -> bool:
    if plain.dtype.kind == "f" and not np.isfinite(plain).all():
        return False  # JSON has no NaN and no infinity
    # No number or text is shorter than one byte and a comma.
    if 2 * plain.size > _INLINE_BYTES:
        return False
    return len(json.dumps(plain.tolist())) <= _INLINE_BYTES


def _storable(plain: NDArray[Any]) -> NDArray[Any]:
    """Texts as the bytes of their JSON: Zarr has no settled type for texts."""
    if plain.dtype.kind == "U":
        return np.frombuffer(json.dumps(plain.tolist()).encode(), dtype=np.uint8)
    return plain


def _array_name(name: str, index: int) -> str:
    return name if _SAFE.fullmatch(name) else f"coordinate-{index}"


def to_json(value: object) -> Json:
    """`value` in terms of JSON: numpy and tuples become plain numbers and lists.

    Raises
    ------
    NotJson
        For NaN, infinity and every other kind of object.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        raise NotJson(f"{value!r}")
    if isinstance(value, (np.generic, np.ndarray)) and value.dtype.kind in "biufU":
        return to_json(value.tolist())
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    raise NotJson(f"{type(value).__module__}.{type(value).__qualname__}")
