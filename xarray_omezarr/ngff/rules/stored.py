"""What the metadata document of an array says, whatever stands in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xarray_omezarr.ngff.rules.finding import seen

_V2_DTYPE = re.compile(r"[<>|=]([biufcSUV])(\d+)")
_V2_NAMES = {"i": "int", "u": "uint", "f": "float", "c": "complex"}
_INTEGER = re.compile(r"u?int(8|16|32|64)")
# More dims or longer ones are no image, and products of them are no numbers to work
# with.
_MOST_DIMS = 64
_LONGEST = 1 << 62


@dataclass(frozen=True, slots=True)
class Stored:
    """An array by its document; None where the document does not tell.

    Parameters
    ----------
    shape : tuple of int, optional
        Size of each dim.
    dtype : str, optional
        Name of its data type, without byte order.
    names : tuple of (str or None), optional
        Its dims, where Zarr v3 names them.
    separator : str, optional
        Between indices in keys of chunks.
    problems : tuple of str
        What is wrong with the document.
    """

    shape: tuple[int, ...] | None
    dtype: str | None
    names: tuple[str | None, ...] | None
    separator: str | None
    problems: tuple[str, ...]

    @property
    def is_integer(self) -> bool:
        """Whether it can hold labels."""
        return self.dtype is not None and _INTEGER.fullmatch(self.dtype) is not None

    def holds(self, value: int) -> bool:
        """Whether a pixel can have this value; True if that cannot be told."""
        if not self.is_integer or self.dtype is None:
            return True
        bits = int(self.dtype.lstrip("uint"))
        if self.dtype.startswith("u"):
            return 0 <= value < 1 << bits
        return -(1 << (bits - 1)) <= value < 1 << (bits - 1)


def stored(document: Mapping[str, Any], zarr_format: int | None) -> Stored:
    """What a ``.zarray``, or the ``zarr.json`` of an array, tells.

    Examples
    --------
    >>> found = stored({"shape": [4, 5], "dtype": "<u2", "chunks": [4, 5]}, 2)
    >>> found.shape, found.dtype, found.separator
    ((4, 5), 'uint16', '.')
    """
    problems: list[str] = []
    shape = _sizes(document.get("shape"), "shape", problems, least=0)
    if zarr_format == 2:
        dtype = _dtype_v2(document.get("dtype"))
        chunks = _sizes(document.get("chunks"), "chunks", problems, least=1)
        names = None
        separator = document.get("dimension_separator", ".")
    else:
        dtype = _named(document.get("data_type"))
        chunks = _chunks_v3(document.get("chunk_grid"), problems)
        names = _names(document.get("dimension_names"), shape, problems)
        separator = _separator_v3(document.get("chunk_key_encoding"))
    if shape is not None and chunks is not None and len(shape) != len(chunks):
        problems.append(f"its chunks have {len(chunks)} dims, and it has {len(shape)}")
    if dtype is None:
        problems.append(
            f"its data type is {seen(document.get('dtype', document.get('data_type')))}"
        )
    told = separator if isinstance(separator, str) else None
    return Stored(shape, dtype, names, told, tuple(problems))


def _sizes(
    value: object, name: str, problems: list[str], *, least: int
) -> tuple[int, ...] | None:
    if (
        isinstance(value, list)
        and len(value) <= _MOST_DIMS
        and all(type(size) is int and least <= size < _LONGEST for size in value)
    ):
        return tuple(value)
    problems.append(f"its {name} is {seen(value)} instead of a list of sizes")
    return None


def _chunks_v3(grid: object, problems: list[str]) -> tuple[int, ...] | None:
    # Other grids than the regular one are what Zarr allows.
    if not isinstance(grid, Mapping) or grid.get("name") != "regular":
        return None
    inner = grid.get("configuration")
    shape = inner.get("chunk_shape") if isinstance(inner, Mapping) else None
    return _sizes(shape, "chunk_shape", problems, least=1)


def _names(
    value: object, shape: tuple[int, ...] | None, problems: list[str]
) -> tuple[str | None, ...] | None:
    if value is None:
        return None
    is_list = isinstance(value, list)
    if not isinstance(value, list) or not all(
        name is None or isinstance(name, str) for name in value
    ):
        problems.append(f"its dimension_names are {seen(value)}")
        return None
    if is_list and shape is not None and len(value) != len(shape):
        problems.append(f"it names {len(value)} dims, and has {len(shape)}")
    return tuple(value)


def _separator_v3(encoding: object) -> object:
    if not isinstance(encoding, Mapping):
        return None
    inner = encoding.get("configuration")
    default = "." if encoding.get("name") == "v2" else "/"
    return inner.get("separator", default) if isinstance(inner, Mapping) else default


def _dtype_v2(value: object) -> str | None:
    if not isinstance(value, str):
        # Fields of a structured type are a list of pairs.
        return "structured" if isinstance(value, list) and value else None
    match = _V2_DTYPE.fullmatch(value)
    if match is None:
        return None if len(value) > 8 or not value else value
    kind, size = match[1], int(match[2][:3])
    if kind == "b":
        return "bool"
    name = _V2_NAMES.get(kind)
    return f"{name}{8 * size}" if name else value


def _named(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("name")
    return value if isinstance(value, str) and value else None
