"""Coordinates that others gave stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from tests.unit.placing.building import affine, image, system, to_world, way

Y, X = np.arange(4.0), np.arange(5.0)
NAMES = ("depth", "u")


def told(rows):
    """To a world whose axes are called like no dim."""
    axes = [{"name": name, "type": "space"} for name in NAMES]
    return {
        "coordinateSystems": [{"name": "world", "axes": axes}],
        "coordinateTransformations": [way(affine(rows))],
    }


ALIGNED = told([[2, 0, 1], [0, 3, 0]])
TURNED = told([[0.8, -0.6, 0], [0.6, 0.8, 0]])


@pytest.mark.parametrize("transforms", [ALIGNED, TURNED])
def test_a_coordinate_of_the_name_of_an_axis_stays(transforms) -> None:
    da = image(None, y=Y, x=X).assign_coords(depth=("y", [9.0, 8, 7, 6]), u=5)
    placed = da.omezarr.to_system("world", transforms=transforms)
    assert placed.depth.values.tolist() == [9, 8, 7, 6]
    assert placed.u.item() == 5
    assert {"depth_world", "u_world"} <= set(placed.coords)
    matrix = np.array(transforms["coordinateTransformations"][0]["affine"])
    there = matrix @ [Y[2], X[3], 1]
    found = placed.isel(y=2, x=3)
    assert found.depth_world.item() == pytest.approx(there[0])
    assert found.u_world.item() == pytest.approx(there[1])


@pytest.mark.parametrize("transforms", [ALIGNED, TURNED])
def test_a_variable_of_a_dataset_stays(transforms) -> None:
    da = image(None, y=Y, x=X)
    ds = xr.Dataset({"image": da, "depth": ("y", np.full(4, 9.0))})
    placed = ds.omezarr.to_system("world", transforms=transforms)
    assert placed["depth"].values.tolist() == [9] * 4
    assert "depth_world" in placed.coords
    assert "u" in placed.coords


@pytest.mark.parametrize("transforms", [ALIGNED, TURNED])
def test_what_came_from_placing_is_replaced(transforms) -> None:
    da = image(None, y=Y, x=X)
    once = da.omezarr.to_system("world", transforms=transforms)
    again = once.isel(y=slice(1, None)).omezarr.to_system("world")
    assert set(again.coords) == {"y", "x", "depth", "u"}
    one = once.isel(y=1, x=2).omezarr.to_system("world")
    assert set(one.coords) == {"y", "x", "depth", "u"}


def test_the_coordinates_of_dims_are_replaced_as_before() -> None:
    scale = to_world({"type": "scale", "scale": [2, 3]}, "yx")
    da = image(y=Y, x=X)
    placed = da.omezarr.to_system("world", transforms=scale)
    assert placed.x.values.tolist() == [0, 3, 6, 9, 12]
    assert set(placed.coords) == {"y", "x"}
    assert system("world", "yx")["axes"][0]["unit"] == placed.y.attrs["units"]
