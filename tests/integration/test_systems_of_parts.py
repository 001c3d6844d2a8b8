"""Parts of images with further systems are written with what still holds of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.errors import OmeZarrWarning

KINDS = {"c": "channel", "t": "time"}
OWN = {"name": "physical"}


def axes(dims: str) -> list[dict[str, Any]]:
    return [
        {"name": dim, "type": KINDS[dim]}
        if dim in KINDS
        else {"name": dim, "type": "space", "unit": "micrometer"}
        for dim in dims
    ]


def opened(way: dict[str, Any], dims: str = "czyx", **arrays: Any) -> xr.DataArray:
    sizes = {"c": 2, "z": 3, "y": 4, "x": 5}
    da = xr.DataArray(np.zeros([sizes[dim] for dim in dims]), dims=list(dims))
    space = {dim: "um" for dim in dims if dim != "c"}
    da = da.omezarr.assign_grid(scale={"y": 0.5, "x": 0.25}, units=space)
    store = zarr.storage.MemoryStore()
    transforms = {
        "coordinateSystems": [{"name": "world", "axes": axes(dims)}],
        "coordinateTransformations": [way],
        "arrays": arrays,
    }
    da.omezarr.to_image(store, version="0.6", transforms=transforms, scale_factors=[])
    return xo.open_image(store)


def again(da: xr.DataArray) -> xr.DataArray:
    store = zarr.storage.MemoryStore()
    da.omezarr.to_image(store, version="0.6", scale_factors=[])
    assert xo.validate(store).ok
    return xo.open_image(store)


def leads(**way: Any) -> dict[str, Any]:
    return {**way, "input": OWN, "output": {"name": "world"}}


def comes(**way: Any) -> dict[str, Any]:
    return {**way, "input": {"name": "world"}, "output": OWN}


SHEAR = [[1, 0, 0, 0, 0], [0, 1, 0, 0.5, 3], [0, 0, 2, 0, 1], [0, 0, 0, 1, 0]]


@pytest.mark.parametrize("direction", [leads, comes])
def test_one_channel_lies_where_the_image_did(direction: Any) -> None:
    part = opened(direction(type="affine", affine=SHEAR)).isel(c=0)
    written = again(part)
    system = xo.coordinate_systems(written)["world"]
    assert [axis.name for axis in system.axes] == ["z", "y", "x"]
    wanted, found = (obj.omezarr.to_system("world") for obj in (part, written))
    for name in ("z_world", "y", "x"):
        xr.testing.assert_allclose(
            found[name].variable.load(), wanted[name].variable.load()
        )


def test_the_plane_that_was_selected_stands_in_the_matrix() -> None:
    rows = [[1, 0, 0, 0], [0.5, 1, 0, 0], [0, 0, 1, 7]]
    part = opened(leads(type="affine", affine=rows), "zyx").isel(z=2)
    (way,) = again(part).attrs["ome"]["multiscales"][0]["coordinateTransformations"]
    assert way["type"] == "translation"
    assert way["translation"] == [1.0, 7.0]


def test_what_needs_the_axis_is_left_out_with_the_remedy() -> None:
    da = opened(leads(type="affine", affine=SHEAR)).isel(z=0, drop=True)
    with pytest.warns(OmeZarrWarning) as told:
        written = again(da)
    assert "'affine' from 'physical' to 'world'" in str(told[0].message)
    assert "isel(z=[0])" in str(told[0].message)
    assert list(xo.coordinate_systems(written)) == ["physical"]


def test_a_field_that_does_not_use_the_axis_stays() -> None:
    vectors = xr.DataArray(
        np.ones((3, 3, 4, 5)),
        dims=("displacement", "z", "y", "x"),
        coords={"z": [0.0, 1, 2], "y": np.arange(4) * 0.5, "x": np.arange(5) * 0.25},
    )
    moved = {"type": "displacements", "path": "warp"}
    parts = [
        {"transformation": w, "inputAxes": i, "outputAxes": i}
        for w, i in (({"type": "identity"}, [0]), (moved, [1, 2, 3]))
    ]
    way = leads(type="byDimension", transformations=parts)
    written = again(opened(way, warp=vectors).isel(c=1))
    placed = written.omezarr.to_system("world")
    np.testing.assert_array_equal(placed.x_world[0, 0], 1 + np.arange(5) * 0.25)
