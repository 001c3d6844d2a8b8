"""Which field of which well every position of an array is, from dims or coordinates."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import OptionError, PlateError, Problems
from xarray_omezarr.write.plate_names import row_letters
from xarray_omezarr.write.plate_tree import ACQUISITION
from xarray_omezarr.write.present import PRESENT, present, refuse_masked
from xarray_omezarr.write.splitting import along

# Where no name is given, the first of these that the object has.
_NAMES = {
    "well": ("well",),
    "row": ("row",),
    "column": ("column", "col"),
    "field": ("field", "fov", "site"),
}
_WELL = re.compile(r"([A-Za-z]+)(\d+)|([A-Za-z0-9]+)/([A-Za-z0-9]+)")
# What is told of many positions is told of some.
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of the dims or coordinates that tell wells and fields apart."""

    well: str | None
    row: str | None
    column: str | None
    field: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """Those that there are."""
        named = (self.well, self.row, self.column, self.field)
        return tuple(name for name in named if name is not None)

    @property
    def of_wells(self) -> tuple[str, ...]:
        """Those that tell wells apart."""
        named = (self.well, self.row, self.column)
        return tuple(name for name in named if name is not None)


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """One field of a plate, and where it is in the array."""

    index: tuple[int, ...]
    row: str
    column: str
    name: str

    @property
    def path(self) -> str:
        """Path of the field."""
        return f"{self.row}/{self.column}/{self.name}"


def find_roles(
    da: xr.DataArray,
    *,
    well: str | None = None,
    row: str | None = None,
    column: str | None = None,
    field: str | None = None,
) -> Roles:
    """What of `da` tells wells and fields: what is named, else what is so called.

    Raises
    ------
    OptionError
        If a name is of no dim or coordinate, or if nothing tells the wells.
    """
    asked = {"well": well, "row": row, "column": column, "field": field}
    for option, name in asked.items():
        if name is not None and not _has(da, name):
            raise OptionError(
                f"{option} is {name!r}, and the object has no dim or coordinate of "
                f"this name: its dims are {da.dims}, its coordinates {[*da.coords]}"
            )
    if well is not None and (row is not None or column is not None):
        raise OptionError(
            f"well is {well!r}, row {row!r} and column {column!r}; a well is told by "
            "its name or by row and column, so leave out one or the other"
        )
    found = {option: name or _called(da, option) for option, name in asked.items()}
    by_rows = found["row"] is not None and found["column"] is not None
    prefers_rows = row is not None or column is not None
    prefers_rows |= well is None and _are_dims(da, found["row"], found["column"])
    joined = None if prefers_rows else _joined(da, found["well"])
    if joined is not None:
        return Roles(None, *joined, found["field"])
    # After .reset_index() the dim is left, and its coordinates tell the wells.
    is_bare = found["well"] is not None and found["well"] not in da.coords
    prefers_rows |= well is None and by_rows and is_bare
    if well is None and by_rows and (prefers_rows or found["well"] is None):
        return Roles(None, found["row"], found["column"], found["field"])
    if prefers_rows or found["well"] is None:
        raise OptionError(
            f"The object has the dims {da.dims} and the coordinates {[*da.coords]}, "
            "and nothing tells the wells; name a dim or coordinate with well= (such as "
            "'B2' or 'B/2'), or two with row= and column="
        )
    return Roles(found["well"], None, None, found["field"])


def _joined(da: xr.DataArray, well: str | None) -> tuple[str, str] | None:
    """Row and column of a dim that .stack() made of both."""
    if well not in da.dims or well not in da.xindexes:
        return None
    names = [str(name) for name in da.xindexes.get_all_coords(well) if name != well]
    if not names:
        return None
    if len(names) != 2:
        raise OptionError(
            f"{well!r} is an index of {names}, and a well is told by its row and its "
            "column; name these two with row= and column="
        )
    return names[0], names[1]


def _has(da: xr.DataArray, name: object) -> bool:
    return name in da.dims or name in da.coords


def _called(da: xr.DataArray, option: str) -> str | None:
    return next((name for name in _NAMES[option] if _has(da, name)), None)


def _are_dims(da: xr.DataArray, *names: str | None) -> bool:
    return all(name in da.dims for name in names)


def dims_of(da: xr.DataArray, names: Sequence[str]) -> tuple[str, ...]:
    """The dims of these dims and coordinates, in the order of `da`."""
    found = {
        str(dim)
        for name in names
        for dim in (da.coords[name].dims if name in da.coords else (name,))
    }
    return tuple(str(dim) for dim in da.dims if dim in found)


def find_fields(
    da: xr.DataArray, roles: Roles, dims: Sequence[str]
) -> list[FieldPlace]:
    """Every field that is there; raises everything that is wrong with their names.

    Parameters
    ----------
    da : xarray.DataArray
        The array.
    roles : Roles
        What tells wells and fields.
    dims : sequence of str
        The dims that hold more than one field.
    """
    problems = Problems()
    there = np.ones([da.sizes[dim] for dim in dims], dtype=bool)
    with problems.collected():
        there = present(da, dims)
    with problems.collected():
        _check_acquisitions(da, dims)
    wells = _each(da, dims, there, problems, *_readers(roles))
    problems.raise_all("The wells of the plate cannot be told")
    names = _each(da, dims, there, problems, *_field_reader(roles, wells))
    problems.raise_all("The fields of the plate cannot be told")
    found = [FieldPlace(at, *wells[at], *names[at]) for at in wells]
    if not found:
        raise PlateError(
            "No field of the plate is present, and a plate without fields cannot be "
            f"written; coordinate {PRESENT!r} must be True somewhere"
        )
    _refuse_repeated(found)
    refuse_masked(da, dims, {place.index: place.path for place in found})
    return found


def find_empty(
    da: xr.DataArray, roles: Roles, dims: Sequence[str]
) -> list[tuple[tuple[int, ...], str]]:
    """Positions without a field, and the paths of their wells, where these are told.

    Parameters
    ----------
    da, roles, dims
        As for `find_fields`.
    """
    # What is wrong with names that no field has is nobody's trouble.
    unheard = Problems()
    wells = _each(da, dims, ~present(da, dims), unheard, *_readers(roles))
    return [(at, "/".join(names)) for at, names in wells.items() if len(names) == 2]


def _check_acquisitions(da: xr.DataArray, dims: Sequence[str]) -> None:
    known = da.coords.get(ACQUISITION)
    if ACQUISITION in da.dims or (known is not None and not {*known.dims} <= {*dims}):
        raise PlateError(
            f"{ACQUISITION!r} is a dim of the object, or a coordinate along others "
            f"than {tuple(dims)}, and each field is of one acquisition; join it to the "
            "fields with .stack(), and number these anew in a coordinate"
        )


#: Turns the value of a dim or coordinate, and its place along it, into names.
_Reader = Callable[[Any, bool], tuple[str, ...]]


def _readers(roles: Roles) -> tuple[list[str], list[_Reader]]:
    if roles.well is not None:
        return [roles.well], [_well]
    assert roles.row is not None
    assert roles.column is not None  # as it is whenever there is no well
    return [roles.row, roles.column], [_row, _column]


def _field_reader(
    roles: Roles, wells: Mapping[tuple[int, ...], tuple[str, ...]]
) -> tuple[list[str], list[_Reader]]:
    if roles.field is not None:
        return [roles.field], [_field]
    # Positions of one well are its fields, in the order in which they come.
    seen: Counter[tuple[str, ...]] = Counter()
    numbers: Iterator[str]

    def number() -> Iterator[str]:
        for well in wells.values():
            yield str(seen[well])
            seen[well] += 1

    numbers = number()
    return [""], [lambda _value, _counted: (next(numbers),)]


def _each(
    da: xr.DataArray,
    dims: Sequence[str],
    there: Any,
    problems: Problems,
    names: Sequence[str],
    readers: Sequence[_Reader],
) -> dict[tuple[int, ...], tuple[str, ...]]:
    """What the readers say of every position that is there."""
    sources = [_values(da, dims, name) for name in names]
    wrong: dict[str, list[str]] = {}
    found: dict[tuple[int, ...], tuple[str, ...]] = {}
    for at in product(*(range(size) for size in there.shape)):
        if not there[at]:
            continue
        texts: tuple[str, ...] = ()
        for name, (values, counted), reader in zip(
            names, sources, readers, strict=True
        ):
            try:
                texts += reader(values[at], counted)
            except PlateError as problem:
                wrong.setdefault(f"{name!r} {problem}", []).append(_shown(values[at]))
        found[at] = texts
    for said, seen in wrong.items():
        with problems.collected():
            shown = ", ".join(dict.fromkeys(seen[:_SHOWN]))
            raise PlateError(said.replace("<values>", shown))
    return found


def _shown(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)


def _values(da: xr.DataArray, dims: Sequence[str], name: str) -> tuple[Any, bool]:
    """Values along `dims`, and whether they count positions from 0."""
    if name in da.coords:
        return along(da, dims, da.coords[name]), False
    shape = [da.sizes[dim] for dim in dims]
    if name not in dims:
        return np.zeros(shape, dtype=int), True
    counted = xr.DataArray(np.arange(da.sizes[name]), dims=[name])
    return along(da, dims, counted), True


def _well(value: Any, counted: bool) -> tuple[str, str]:
    if counted:
        raise PlateError(
            "is a dim without a coordinate, so its wells have no names; give it one, "
            "e.g. .assign_coords(well=['A1', 'A2'])"
        )
    parts = _WELL.fullmatch(str(value).strip()) if isinstance(value, str) else None
    if parts is None:
        raise PlateError(
            "has values that name no well: <values>; wells are called like 'B2', "
            "'B02' or 'B/2', letters of the row first"
        )
    row, column = (text for text in parts.groups() if text is not None)
    return row, column


def _row(value: Any, counted: bool) -> tuple[str]:
    if counted:
        return (row_letters(int(value)),)
    if not isinstance(value, str):
        raise PlateError(
            "has values that are no names of rows: <values>; whether numbers count "
            "from 0 or from 1 cannot be told. Give letters, e.g. "
            ".assign_coords(row=['A', 'B'])"
        )
    return (_name(value),)


def _column(value: Any, counted: bool) -> tuple[str]:
    if counted:
        return (str(int(value) + 1),)
    if not isinstance(value, str) and _whole(value) == 0:
        raise PlateError(
            "has a number 0, and columns of plates count from 1; add one to all of "
            "them, or give names as text"
        )
    return (_name(value),)


def _field(value: Any, counted: bool) -> tuple[str]:
    return (_name(int(value) if counted else value),)


def _name(value: Any) -> str:
    number = _whole(value)
    text = value.strip() if isinstance(value, str) else str(number)
    if (number is None and not isinstance(value, str)) or not _is_name(text):
        raise PlateError(
            "has values that are no names: <values>; OME-Zarr allows letters and "
            "digits in names of rows, columns and fields, and nothing else"
        )
    return text


def _is_name(text: str) -> bool:
    return text.isascii() and text.isalnum()


def _whole(value: Any) -> int | None:
    """The whole number that a value is, if it is one from 0."""
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    if isinstance(value, (bool, str)) or not is_number or not math.isfinite(value):
        return None
    return int(value) if value == int(value) and value >= 0 else None


def _refuse_repeated(fields: Sequence[FieldPlace]) -> None:
    counts = Counter(field.path for field in fields)
    repeated = [path for path, count in counts.items() if count > 1]
    if repeated:
        more = ", ..." if len(repeated) > _SHOWN else ""
        raise PlateError(
            f"Several positions are the same field: {', '.join(repeated[:_SHOWN])}"
            f"{more}; number the fields of each well, in a coordinate that is named "
            "with field="
        )
