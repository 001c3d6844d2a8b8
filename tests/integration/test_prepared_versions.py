"""Hierarchies without pixels are finished in every version, and filled later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo

VERSIONS = pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
SCALE = {"z": 2.0, "y": 0.5, "x": 0.5}
UNITS = dict.fromkeys("zyx", "micrometer")
SIZES = {"z": 3, "y": 20, "x": 24}
HALVES = [{"y": slice(0, 10), "x": slice(0, 24)}, {"y": slice(10, 20)}]


def empty(dims: str = "zyx", dtype: str = "uint16") -> xr.DataArray:
    """A picture without pixels, calibrated."""
    return xo.template(
        dims,
        tuple(SIZES[dim] for dim in dims),
        dtype,
        scale={dim: SCALE[dim] for dim in dims},
        units={dim: UNITS[dim] for dim in dims},
    )


def pixels(dims: str = "zyx", dtype: str = "uint16") -> xr.DataArray:
    """Pixels for the picture; those of four differ, so that levels can be told."""
    shape = tuple(SIZES[dim] for dim in dims)
    values = 4 * np.arange(np.prod(shape)).reshape(shape)
    return xr.DataArray(values.astype(dtype), dims=tuple(dims))


def assert_calibrated(read: xr.DataArray) -> None:
    for dim in read.dims:
        step = SCALE[str(dim)]
        np.testing.assert_allclose(read[dim], step * np.arange(SIZES[str(dim)]))
        assert read[dim].attrs["units"] == "micrometer"


def assert_finished(path: Path, version: str) -> None:
    report = xo.validate(path)
    assert report.version == version
    assert report.errors == (), str(report)
    assert report.warnings == (), str(report)


@VERSIONS
def test_an_image(tmp_path: Path, version: str) -> None:
    path = tmp_path / "image.ome.zarr"
    _, arrays = xo.prepare_image(empty(), path, version=version, scale_factors=[2])
    assert [array.shape for array in arrays.values()] == [(3, 20, 24), (3, 10, 12)]
    assert_finished(path, version)
    for region in HALVES:
        pixels().isel(region).omezarr.to_image(path, mode="r+", region=region)
    read = xo.open_image(path)
    np.testing.assert_array_equal(read, pixels())
    assert_calibrated(read)
    blocks = pixels().values.reshape(3, 10, 2, 12, 2)
    coarse = xo.open_image(path, level=1)
    np.testing.assert_array_equal(coarse, blocks.mean(axis=(2, 4)))
    assert_finished(path, version)


@VERSIONS
def test_labels(tmp_path: Path, version: str) -> None:
    path = tmp_path / "image.ome.zarr"
    made = empty().copy(data=pixels().data)
    made.omezarr.to_image(path, version=version, scale_factors=[2])
    colors = {"image-label": {"colors": [{"label-value": 1, "rgba": [255, 0, 0, 255]}]}}
    xo.prepare_labels({"cells": empty(dtype="uint32").assign_attrs(colors)}, path)
    assert_finished(path, version)
    cells = pixels(dtype="uint32") // 4 % 2
    for region in HALVES:
        cells.isel(region).omezarr.to_labels(path, "cells", region=region)
    read = xr.open_datatree(path, engine="omezarr")["labels/cells/0"].to_dataset()
    found = read[next(iter(read.data_vars))]
    np.testing.assert_array_equal(found, cells)
    assert_calibrated(found)
    assert_finished(path, version)


@VERSIONS
def test_a_plate(tmp_path: Path, version: str) -> None:
    path = tmp_path / "plate.ome.zarr"
    fields = [f"{well}/{field}" for well in ("A/1", "B/2") for field in "01"]
    made = dict.fromkeys(fields, empty("yx"))
    xo.prepare_plate(made, path, version=version, scale_factors=[2])
    assert_finished(path, version)
    for number, field in enumerate(fields):
        filled = pixels("yx") + np.uint16(number)
        filled.omezarr.to_field(path, field, mode="r+")
    read = xr.open_datatree(path, engine="omezarr")
    for number, field in enumerate(fields):
        found = read[f"{field}/0/image"]
        np.testing.assert_array_equal(found, pixels("yx") + number)
        assert_calibrated(found)
    stacked = xo.open_plate(path)
    assert int(stacked.present.sum()) == len(fields)
    assert_finished(path, version)


@VERSIONS
def test_a_collection(tmp_path: Path, version: str) -> None:
    path = tmp_path / "collection.ome.zarr"
    made = dict.fromkeys("01", empty())
    group, arrays = xo.prepare_bioformats2raw(made, path, version=version)
    assert isinstance(group, zarr.Group)
    assert_finished(path, version)
    for name in "01":
        arrays[f"{name}/0"][:] = int(name) + 1
    read = xr.open_datatree(path, engine="omezarr")
    for name in "01":
        found = read[f"{name}/0/image"]
        assert (found == int(name) + 1).all()
        assert_calibrated(found)
    assert_finished(path, version)
