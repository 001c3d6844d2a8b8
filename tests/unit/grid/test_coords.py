"""Coordinates from a grid: centres, decimals, units, labels."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from xarray_omezarr.grid.coords import coordinates
from xarray_omezarr.grid.grid import Grid, GridAxis

SPACE = GridAxis("x", "space", "micrometer", 4, 0.325, 0.65)


def test_positions_are_pixel_centres_as_float64() -> None:
    x = coordinates(Grid((SPACE,)))["x"]
    assert x.dims == ("x",)
    assert x.dtype == np.float64
    assert x.values.tolist() == [0.65, 0.975, 1.3, 1.625]


def test_every_decimal_can_be_selected() -> None:
    grid = Grid((GridAxis("x", "space", None, 1000, 0.325, 0.0),))
    da = xr.DataArray(np.arange(1000), dims="x", coords=coordinates(grid))
    for index in range(1000):
        literal = float(f"{325 * index // 1000}.{325 * index % 1000:03d}")
        assert da.sel(x=literal) == index


@given(
    step=st.integers(1, 10**6),
    start=st.integers(-(10**6), 10**6),
    power=st.integers(0, 6),
    size=st.integers(2, 200),
)
def test_positions_are_the_doubles_nearest_to_their_decimals(
    step, start, power, size
) -> None:
    axis = GridAxis("x", "space", None, size, step / 10**power, start / 10**power)
    found = coordinates(Grid((axis,)))["x"].values
    # Division of integers rounds once: it is the nearest double.
    assert found.tolist() == [(start + i * step) / 10**power for i in range(size)]


def test_the_unit_rides_along_under_its_name_in_the_standard() -> None:
    assert coordinates(Grid((SPACE,)))["x"].attrs == {"units": "micrometer"}


def test_without_a_unit_there_is_no_attribute() -> None:
    grid = Grid((GridAxis("x", "space", None, 4, 0.5),))
    assert coordinates(grid)["x"].attrs == {}


def test_channels_have_their_names_and_nothing_else() -> None:
    grid = Grid((GridAxis("c", "channel", None, 2, labels=("DAPI", "GFP")),))
    c = coordinates(grid)["c"]
    assert c.values.tolist() == ["DAPI", "GFP"]
    assert c.attrs == {}


def test_channels_without_names_have_no_coordinate() -> None:
    assert coordinates(Grid((GridAxis("c", "channel", None, 2), SPACE))).keys() == {"x"}


def test_a_custom_axis_has_positions() -> None:
    grid = Grid((GridAxis("angle", "angle", "degree", 3, 90.0),))
    angle = coordinates(grid)["angle"]
    assert angle.values.tolist() == [0.0, 90.0, 180.0]
    assert angle.attrs == {"units": "degree"}


@pytest.mark.parametrize(
    ("size", "scale", "attrs"),
    [(1, 0.5, {"spacing": 0.5}), (1, 1.0, {}), (2, 0.5, {})],
)
def test_only_a_single_pixel_carries_its_size_along(size, scale, attrs) -> None:
    grid = Grid((GridAxis("z", "space", None, size, scale, 3.0),))
    assert coordinates(grid)["z"].attrs == attrs


def test_a_descending_axis_of_others_descends() -> None:
    grid = Grid((GridAxis("y", "space", None, 3, -0.5, 1.0),))
    assert coordinates(grid)["y"].values.tolist() == [1.0, 0.5, 0.0]
