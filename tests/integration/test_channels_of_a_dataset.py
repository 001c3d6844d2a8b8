"""Variables written as the channels of one image are read by others as that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xarray as xr
import yaozarrs
import zarr

import xarray_omezarr as xo

if TYPE_CHECKING:
    from pathlib import Path

STEP = 0.25


def dataset() -> xr.Dataset:
    rng = np.random.default_rng(3)
    dims = ("y", "x")
    return xr.Dataset(
        {
            "DAPI": (dims, rng.integers(0, 4000, (64, 96), "uint16")),
            "GFP": (dims, rng.integers(0, 4000, (64, 96), "uint16")),
            "cells": (dims, rng.integers(0, 9, (64, 96), "uint8")),
        },
        {
            "y": ("y", STEP * np.arange(64), {"units": "micrometer"}),
            "x": ("x", STEP * np.arange(96), {"units": "micrometer"}),
        },
        {"lab": "A"},
    )


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_zarr_and_a_validator_find_channels_and_labels(
    tmp_path: Path, version: Any, *, chunked: bool
) -> None:
    ds = dataset()
    given = ds.chunk(y=32) if chunked else ds
    given.omezarr.to_image(
        tmp_path / "i.ome.zarr",
        image=["GFP", "DAPI"],
        labels=["cells"],
        scale_factors=[2],
        version=version,
    )
    yaozarrs.validate_zarr_store(str(tmp_path / "i.ome.zarr"))
    group = zarr.open_group(tmp_path / "i.ome.zarr", mode="r")
    expected = np.stack([ds.GFP.values, ds.DAPI.values])
    np.testing.assert_array_equal(group["0"][:], expected)
    blocks = expected.reshape(2, 32, 2, 48, 2).astype(float).mean((2, 4))
    assert np.abs(group["1"][:] - blocks).max() <= 0.5
    np.testing.assert_array_equal(group["labels/cells/0"][:], ds.cells.values)
    attrs = dict(group.attrs)
    ome: Any = attrs.get("ome", attrs)
    assert [c["label"] for c in ome["omero"]["channels"]] == ["GFP", "DAPI"]
    assert attrs["lab"] == "A"
    (scale,) = ome["multiscales"][0]["datasets"][0]["coordinateTransformations"][:1]
    assert scale["scale"] == [1.0, STEP, STEP]


def test_fields_and_series_take_variables_as_channels_too(tmp_path: Path) -> None:
    ds = dataset()
    xo.write_field(ds, tmp_path / "p", "A/1/0", image=["DAPI", "GFP"])
    xo.write_series(ds, tmp_path / "c", "0", image=["DAPI", "GFP"])
    for path in ("p/A/1/0/0", "c/0/0"):
        array = zarr.open_array(tmp_path / path, mode="r")
        np.testing.assert_array_equal(array[1], ds.GFP.values)
