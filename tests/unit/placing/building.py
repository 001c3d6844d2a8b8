"""Images and transformations for the tests of this room."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr


def system(name: str, axes: str, unit: str | None = "micrometer") -> dict[str, Any]:
    """A coordinate system as JSON; ``t`` is in seconds, ``c`` has no unit."""
    types = {"t": "time", "c": "channel"}
    units = {"t": "second", "c": None}
    found = []
    for axis in axes:
        told = {"name": axis, "type": types.get(axis, "space")}
        if own := units.get(axis, unit):
            told["unit"] = own
        found.append(told)
    return {"name": name, "axes": found}


def way(told: dict[str, Any], start="physical", end="world") -> dict[str, Any]:
    """A transformation between two systems."""
    return {**told, "input": {"name": start}, "output": {"name": end}}


def to_world(told: dict[str, Any], axes: str, **others: Any) -> dict[str, Any]:
    """The option ``transforms`` with one system more, ``world``."""
    return {
        "coordinateSystems": [system("world", axes)],
        "coordinateTransformations": [way(told)],
        **others,
    }


def affine(rows: Any) -> dict[str, Any]:
    """An affine as JSON."""
    return {"type": "affine", "affine": np.asarray(rows, float).tolist()}


def image(unit: str | None = "micrometer", **coords: Any) -> xr.DataArray:
    """An image whose pixels are their own numbers, with coordinates by dim."""
    arrays = {dim: np.asarray(values) for dim, values in coords.items()}
    shape = tuple(map(len, arrays.values()))
    found = xr.DataArray(np.arange(np.prod(shape)).reshape(shape), arrays, list(coords))
    for dim in found.dims:
        if unit is not None and dim != "c":
            found[dim].attrs["units"] = "second" if dim == "t" else unit
    return found
