"""What is known of each well (compound, dose) -> coordinates along row and column."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xarray_omezarr.errors import warn

#: Attribute of a plate that holds it, by path of the well.
PLATE_MAP = "plate_map"

_DIMS = ("row", "column")


def map_coords(
    plate_map: Any,
    rows: NDArray[Any],
    columns: NDArray[Any],
    taken: Collection[str],
) -> dict[str, xr.Variable]:
    """Coordinates along row and column, one for each thing that is known of wells.

    Parameters
    ----------
    plate_map : mapping
        What each well has, by its path; anything else has no coordinates.
    rows, columns : array of str
        Names of the rows and columns.
    taken : collection of str
        Names that coordinates cannot have.

    Examples
    --------
    >>> rows, columns = np.array(["A"]), np.array(["1", "2"])
    >>> found = map_coords({"A/2": {"dose": 1.5}}, rows, columns, ())
    >>> found["dose"].values
    array([[nan, 1.5]])
    """
    if not isinstance(plate_map, Mapping):
        return {}
    wells = {w: told for w, told in plate_map.items() if isinstance(told, Mapping)}
    names = dict.fromkeys(name for told in wells.values() for name in told)
    if refused := [name for name in names if name in taken]:
        warn(
            f"The plate map tells {refused} of wells, which are the names of other "
            f"coordinates; they stay in attrs[{PLATE_MAP!r}] of the tree"
        )
    return {
        name: xr.Variable(
            _DIMS,
            _column(
                [wells.get(f"{r}/{c}", {}).get(name) for r in rows for c in columns]
            ).reshape(rows.size, columns.size),
        )
        for name in names
        if name not in taken
    }


def beyond(plate_map: Any, rows: NDArray[Any], columns: NDArray[Any]) -> dict[str, Any]:
    """The lines of a plate map that are about wells in other rows and columns.

    Examples
    --------
    >>> both = {"A/1": {"dose": 1.5}, "H/12": {"dose": 2.5}}
    >>> beyond(both, np.array(["A"]), np.array(["1"]))
    {'H/12': {'dose': 2.5}}
    """
    if not isinstance(plate_map, Mapping):
        return {}
    inside = {f"{row}/{column}" for row in rows for column in columns}
    return {
        well: told
        for well, told in plate_map.items()
        if well not in inside and isinstance(told, Mapping)
    }


def _column(values: list[Any]) -> NDArray[Any]:
    """Values of one kind; what is missing is NaN among numbers, else None."""
    known = [value for value in values if value is not None]
    is_whole = len(known) == len(values)
    if known and all(type(value) in (int, float) for value in known):
        if is_whole:
            return np.asarray(values)
        return np.asarray([np.nan if value is None else value for value in values])
    same = len({type(value) for value in known}) == 1
    if is_whole and same and isinstance(known[0], str | bool):
        return np.asarray(values)
    found = np.empty(len(values), dtype=object)
    for number, value in enumerate(values):
        found[number] = value
    return found
