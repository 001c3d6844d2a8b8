"""What of an xarray object the standard has no place for, as JSON and arrays.

Kept under ``attributes["xarray"]`` beside ``ome``; docs/design/kept.md is its
specification. Coordinates of more than 4 KiB go to arrays in a group ``xarray``
beside the levels, and the JSON names them.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
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
    # Long doubles have no spelling that another program reads.
    is_long = dtype.kind == "f" and dtype.itemsize > 8
    return dtype.kind in _NUMBERS + _TIMES + "U" and not is_long


def encode(kept: Kept) -> tuple[Json, dict[str, NDArray[Any]]]:
    """The JSON of ``attributes["xarray"]``, and arrays of the group by name."""
    arrays: dict[str, NDArray[Any]] = {}
    coords = {}
    for name, coordinate in kept.coords.items():
        entry: dict[str, Json] = {}
        if coordinate.values is not None and coordinate.dims is not None:
            entry["dims"] = list(coordinate.dims)
            entry["dtype"] = _dtype_name(coordinate.values.dtype)
            plain = _plain(coordinate.values)
            if _fits_inline(plain):
                entry["values"] = plain.tolist()
            else:
                entry["array"] = _array_name(name, arrays)
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
    parts = {part: encoded.get(part, {}) for part in ("attrs", "coords")}
    for part, value in parts.items():
        if not isinstance(value, Mapping):
            raise MetadataError(f"attributes/{KEY}/{part} is {value!r}, no object")
    coords = {}
    for name, entry in parts["coords"].items():
        try:
            coords[name] = _decode_coordinate(entry, read_array)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MetadataError(
                f"Coordinate {name!r} under attributes/{KEY}/coords cannot be read: "
                f"{error!r}; delete that entry to open the image without it"
            ) from error
    return Kept(attrs=parts["attrs"], coords=coords)


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
    attrs = dict(entry.get("attrs", {}))
    if "dims" not in entry:
        return KeptCoordinate(attrs=attrs)
    dims = tuple(entry["dims"])
    dtype = np.dtype(entry["dtype"])
    if not can_keep(dtype):
        raise ValueError(f"dtype {entry['dtype']!r}")
    stored = read_array(entry["array"]) if "array" in entry else entry["values"]
    if dtype.kind == "U" and "array" in entry:
        stored = json.loads(stored.tobytes())
    # At once of the final type: integers beyond 2**63 must not pass through floats.
    plain = np.asarray(stored, dtype=np.int64 if dtype.kind in _TIMES else dtype)
    values = plain.view(dtype) if dtype.kind in _TIMES else plain
    if values.ndim != len(dims):
        raise ValueError(f"shape {values.shape} for dims {dims}")
    return KeptCoordinate(attrs=attrs, dims=dims, values=values)


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


def _array_name(name: str, others: Collection[str]) -> str:
    """A name of a folder, unlike `others` also where a disk ignores case."""
    taken = {other.lower() for other in others}
    if _SAFE.fullmatch(name) and name.lower() not in taken:
        return name
    numbered = (f"coordinate-{number}" for number in itertools.count())
    return next(choice for choice in numbered if choice not in taken)


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
