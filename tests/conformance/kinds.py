"""Stores of every kind, written by this package in a version of the standard."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

import xarray_omezarr as xo

SIZES = {"t": 2, "c": 2, "z": 4, "y": 40, "x": 48}
STEPS = {"t": 1.5, "z": 0.75, "y": 0.325, "x": 0.325}
UNITS = {"t": "s", "z": "um", "y": "um", "x": "um"}


def picture(dims: str, *, units: bool, dtype: str = "uint16") -> xr.DataArray:
    """An image with channels, evenly spaced; without units, one pixel is one."""
    shape = [SIZES[dim] for dim in dims]
    pixels = (np.arange(np.prod(shape)).reshape(shape) % 251).astype(dtype)
    coords = {
        dim: (dim, STEPS[dim] * np.arange(SIZES[dim]), {"units": UNITS[dim]})
        for dim in dims
        if dim != "c" and units
    }
    made = xr.DataArray(pixels, coords, list(dims), name="cells")
    return made.assign_coords(c=["DAPI", "GFP"]) if "c" in dims else made


def write_image(path: Path, version: str, dims: str) -> None:
    xo.write_image(picture(dims, units=has_units(version)), path, version=version)


def write_with_labels(path: Path, version: str, dims: str) -> None:
    write_image(path, version, dims)
    # A label image has the dims of its image, of size 1 where they do not matter.
    nuclei = picture(dims, units=has_units(version), dtype="uint8")
    nuclei = nuclei.isel(c=[0]).drop_vars("c") if "c" in dims else nuclei
    nuclei = nuclei % 3  # each value has a colour
    colors = {1: "#FF0000", 2: "#00FF0080"}
    xo.write_labels(nuclei, path, name="nuclei", colors=colors, version=version)


def write_plate(path: Path, version: str, dims: str) -> None:
    units = has_units(version)
    fields = {
        f"{well}/{field}": picture(dims, units=units).to_dataset(name="image")
        for well in ("A/1", "B/2")
        for field in ("0", "1")
    }
    xo.write_plate(xr.DataTree.from_dict(fields), path, version=version)


def write_collection(path: Path, version: str, dims: str) -> None:
    units = has_units(version)
    series = {
        name: picture(dims, units=units).to_dataset(name="image") for name in "01"
    }
    xo.write_bioformats2raw(xr.DataTree.from_dict(series), path, version=version)


def has_units(version: str) -> bool:
    """Whether the version can hold a pixel size."""
    return version not in ("0.1", "0.2", "0.3")


KINDS: dict[str, Callable[[Path, str, str], None]] = {
    "image": write_image,
    "image with labels": write_with_labels,
    "plate": write_plate,
    "collection": write_collection,
}
# Where below the root what is written lies: every kind of group a validator may get.
PLACES = {
    "image": ("image", ""),
    "image with labels": ("image with labels", ""),
    "label": ("image with labels", "labels/nuclei"),
    "labels": ("image with labels", "labels"),
    "plate": ("plate", ""),
    "well": ("plate", "A/1"),
    "field": ("plate", "A/1/0"),
    "collection": ("collection", ""),
    "series": ("collection", "1"),
}


def write(kind: str, version: str, folder: Path, dims: str = "czyx") -> Path:
    """Write a store of a kind, and the path of what a validator is to look at."""
    whole, place = PLACES[kind]
    root = folder / "written.ome.zarr"
    if not root.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", xo.OmeZarrWarning)
            KINDS[whole](root, version, dims)
    return root / place if place else root
