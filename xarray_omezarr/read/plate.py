"""The fields of a plate -> one lazy Dataset with dims row, column and field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.core import indexing

from xarray_omezarr.grid.inspect import inspect
from xarray_omezarr.grid.names import (
    CHANNEL_PREFIX,
    DTYPE_KEY,
    FRAME_KEY,
    LABEL_IMAGES,
    LEVELS_KEY,
    NAME_KEY,
    NUMBERED_KEY,
    VARIABLE,
)
from xarray_omezarr.read.common import common_attrs, common_coords, placed_coords
from xarray_omezarr.read.lattice import DIMS, Lattice, Place
from xarray_omezarr.read.plate_map import PLATE_MAP, beyond, map_coords
from xarray_omezarr.read.stacked import Member, StackedPixels
from xarray_omezarr.read.tree import ACQUISITION, PLATE

#: Coordinate that says which fields there are.
PRESENT = "present"

_NONE = -1
_WINDOW = f"{CHANNEL_PREFIX}window_"
# The window that shows what each of many windows shows.
_WIDEST = {"min": np.min, "max": np.max, "start": np.min, "end": np.max}


@dataclass(frozen=True, slots=True)
class PlateField:
    """One field of a plate.

    Parameters
    ----------
    place : tuple of str
        Names of its row, its column and itself.
    pixels : Member or Variable
        Its pixels, not read; a Variable is of an array that computes by chunks.
    like : DataArray
        An image with its attributes, and with its coordinates but for where they
        begin: its own, or one for all fields that are alike.
    origin : mapping
        Where its coordinates begin, by dim: numbers, or dates.
    acquisition : int, optional
        The one it belongs to.
    windows : sequence of mapping
        Contrast of each channel: ``min``, ``max``, ``start``, ``end``.
    """

    place: Place
    pixels: Member | xr.Variable
    like: xr.DataArray
    origin: Mapping[str, Any]
    acquisition: int | None = None
    windows: Sequence[Mapping[str, float]] = field(default=())


def stacked(
    fields: Sequence[PlateField],
    attrs: Mapping[Any, Any],
    labels: Sequence[str] = (),
) -> xr.Dataset:
    """One lazy Dataset of the fields of a plate, which are known to be alike.

    Parameters
    ----------
    fields : sequence of PlateField
        All of them.
    attrs : mapping
        Attributes of the plate.
    labels : sequence of str
        Names of the label images that fields have, which are not in the Dataset.

    Returns
    -------
    Dataset
        Variable ``image``, dims row, column, field, and those of the image.
    """
    lattice = Lattice.of(_at(fields))
    image = fields[0].like
    grid = inspect(image)
    coords = {
        **common_coords(fields, grid, lattice),
        **{d: xr.Variable((d,), n) for d, n in zip(DIMS, lattice.names, strict=True)},
        **_windows(image, fields),
        **placed_coords(fields, grid, lattice),
        PRESENT: xr.Variable(
            DIMS, lattice.filled(False, dict.fromkeys(_at(fields), True))
        ),
        ACQUISITION: _acquisition(lattice, fields),
    }
    # What is computed of the pixels leaves it as it is.
    coords[PRESENT].encoding[DTYPE_KEY] = str(image.dtype)
    taken = {*coords, *map(str, image.dims), VARIABLE}
    rows, columns, _ = lattice.names
    maps = map_coords(attrs.get(PLATE_MAP), rows, columns, taken)
    own = {key: value for key, value in attrs.items() if key != PLATE_MAP}
    others = beyond(attrs.get(PLATE_MAP), rows, columns)
    if others:
        own[PLATE_MAP] = others
    variable = _variable(image, lattice, fields, own)
    if others:
        variable.attrs[PLATE_MAP] = others
    if labels:
        # Goes with the pixels, so that whoever writes them can say what is missing.
        variable.attrs[LABEL_IMAGES] = [*labels]
    return xr.Dataset({VARIABLE: variable}, {**coords, **maps}, own)


def _at(fields: Iterable[PlateField]) -> list[Place]:
    return [entry.place for entry in fields]


def _windows(
    image: xr.DataArray, fields: Sequence[PlateField]
) -> dict[str, xr.Variable]:
    """The contrast of each channel that shows all that the fields show."""
    found = {}
    for limit, widest in _WIDEST.items():
        known = image.coords.get(f"{_WINDOW}{limit}")
        values = [[w.get(limit, np.nan) for w in entry.windows] for entry in fields]
        if known is None or {len(line) for line in values} != {known.size}:
            continue
        whole = np.asarray(widest(np.asarray(values, dtype=np.float64), axis=0))
        if not np.isnan(whole).any():
            found[f"{_WINDOW}{limit}"] = known.variable.copy(
                data=whole.reshape(known.shape)
            )
    return found


def _acquisition(lattice: Lattice, fields: Sequence[PlateField]) -> xr.Variable:
    known = {
        entry.place: entry.acquisition
        for entry in fields
        if entry.acquisition is not None
    }
    return xr.Variable(DIMS, lattice.filled(_NONE, known))


def _variable(
    image: xr.DataArray,
    lattice: Lattice,
    fields: Sequence[PlateField],
    plate_attrs: Mapping[Any, Any],
) -> xr.Variable:
    own = common_attrs(fields)
    attrs = {key: value for key, value in own.items() if key != "long_name"}
    plate = plate_attrs.get(PLATE)
    name = plate.get("name") if isinstance(plate, Mapping) else None
    if name:
        attrs["long_name"] = name
    if plate:
        # Goes with the pixels, to be written with them.
        attrs[PLATE] = plate
    members = lattice.filled(None, {entry.place: entry.pixels for entry in fields})
    dims = (*DIMS, *image.dims)
    encoding = _encoding(image.encoding, name)
    if any(isinstance(entry.pixels, xr.Variable) for entry in fields):
        data = _side_by_side(members, list(DIMS)).transpose(*dims).data
        return xr.Variable(dims, data, attrs, encoding)
    pixels = StackedPixels(members, image.shape, image.dtype)
    return xr.Variable(dims, indexing.LazilyIndexedArray(pixels), attrs, encoding)


def _side_by_side(members: NDArray[Any], dims: list[str]) -> xr.Variable:
    """Variables that compute by chunks, put side by side without computing them."""
    there = [member for member in members.ravel() if member is not None]
    empty = there[0]._replace(data=np.zeros_like(there[0].data))
    if members.ndim == 1:
        rows = [empty if member is None else member for member in members]
    else:
        filled = np.frompyfunc(lambda m: empty if m is None else m, 1, 1)(members)
        rows = [_side_by_side(part, dims[1:]) for part in filled]
    joined: xr.Variable = xr.Variable.concat(rows, dims[0])
    return joined


def _encoding(known: Mapping[Any, Any], name: str | None) -> dict[Any, Any]:
    """How the fields are stored; of the pyramid and place of one, nothing is left."""
    own = (LEVELS_KEY, NAME_KEY, FRAME_KEY, NUMBERED_KEY)
    encoding = {k: v for k, v in known.items() if k not in own}
    ones = (1,) * len(DIMS)
    for key in ("chunks", "shards"):
        if encoding.get(key) is not None:
            encoding[key] = (*ones, *encoding[key])
    if "preferred_chunks" in encoding:
        encoding["preferred_chunks"] = {
            **dict.fromkeys(DIMS, 1),
            **encoding["preferred_chunks"],
        }
    if name:
        encoding[NAME_KEY] = name
    return encoding
