"""Which of the fields in an array there are: a coordinate says it, or the pixels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.errors import PlateError, some, warn
from xarray_omezarr.grid.names import DTYPE_KEY
from xarray_omezarr.write.source import is_in_memory
from xarray_omezarr.write.splitting import along

if TYPE_CHECKING:
    import xarray as xr

#: Coordinate of a stacked plate that says which fields there are.
PRESENT = "present"


def present(da: xr.DataArray, dims: Sequence[str]) -> Any:
    """Which positions hold a field, as an array of bool along `dims`.

    Without the coordinate, fields of nothing but NaN are not there. Whether there are
    such among pixels that are yet to be computed cannot be told.

    Raises
    ------
    PlateError
        If the coordinate is no bool along `dims`, or is missing where it is needed.
    """
    if PRESENT in da.coords:
        coordinate = da.coords[PRESENT]
        if coordinate.dtype != bool or not set(coordinate.dims) <= {*dims}:
            raise PlateError(
                f"Coordinate {PRESENT!r} is {coordinate.dtype} along "
                f"{coordinate.dims}; it tells which fields there are, as bool along "
                f"some of {tuple(dims)}. Convert it with .astype(bool), or rename it"
            )
        return along(da, dims, coordinate)
    sizes = [da.sizes[dim] for dim in dims]
    there = np.ones(sizes, dtype=bool)
    if da.dtype.kind in "fc":
        if not is_in_memory(da.variable):
            raise PlateError(
                f"The pixels are {da.dtype} and yet to be computed, and nothing says "
                "which fields there are: one that is all NaN would be written as it "
                f"is. Say it in a coordinate {PRESENT!r} of bool along {tuple(dims)}, "
                f"or with .assign_coords({PRESENT}=True) if all of them are there; of "
                f"a mean over 'field', with plate.{PRESENT}.any('field')"
            )
        for at in _all_nan(da, dims, np.ndindex(*sizes)):
            there[at] = False
    return there


def refuse_masked(
    da: xr.DataArray, dims: Sequence[str], paths: Mapping[tuple[int, ...], str]
) -> None:
    """Refuse fields that .where() left as NaN, and that are said to be present.

    Where pixels are yet to be computed, a warning says that there may be such.

    Parameters
    ----------
    da : xarray.DataArray
        The array.
    dims : sequence of str
        Those that hold more than one field.
    paths : mapping
        Paths of the fields that are there, by index along `dims`.

    Raises
    ------
    PlateError
        Naming them.
    """
    if PRESENT not in da.coords or da.dtype.kind != "f":
        return
    remedy = (
        f"To write some fields only, use .assign_coords({PRESENT}=plate.{PRESENT} & "
        "condition) in place of .where(condition): they keep the type of their pixels"
    )
    if is_in_memory(da.variable):
        empty = _all_nan(da, dims, paths)
        masked = [path for index, path in paths.items() if index in empty]
        if masked:
            raise PlateError(
                f"Fields {some(masked)} are all NaN, and coordinate {PRESENT!r} says "
                f"that they are there. {remedy}"
            )
        return
    stored = da.coords[PRESENT].encoding.get(DTYPE_KEY)
    if stored is not None and np.dtype(stored).kind in "biu":
        warn(
            f"Pixels of the plate were {stored} and are {da.dtype}: fields that "
            f".where() has masked would be written as NaN. {remedy}; or convert the "
            f"pixels with .astype({str(stored)!r})"
        )


def _all_nan(
    da: xr.DataArray, dims: Sequence[str], places: Iterable[tuple[int, ...]]
) -> set[tuple[int, ...]]:
    values = da.variable.transpose(*dims, ...).values
    # One number of nearly every field tells that it is there.
    return {
        at
        for at in places
        if np.isnan(values[at].flat[0]) and np.isnan(values[at]).all()
    }
