"""Coordinates from scale, translation and units: one unit per dim, exactly."""

from __future__ import annotations

import numpy as np
import pint
import pytest
import xarray as xr

from xarray_omezarr.errors import AxisError, UnitError
from xarray_omezarr.grid.assign import assign_grid
from xarray_omezarr.grid.inspect import inspect
from xarray_omezarr.grid.names import SCALE_KEY

NM = pint.get_application_registry().Unit("nanometer")
UM = pint.get_application_registry().Unit("micrometer")


def image(size=4, unit="micrometer"):
    """x from 10 in steps of 0.5."""
    x = ("x", 10 + 0.5 * np.arange(size), {"units": unit} if unit else {})
    return xr.DataArray(np.zeros((4, size)), dims=("y", "x"), coords={"x": x})


def line(da, dim="x"):
    axis = inspect(da)[dim]
    return axis.scale, axis.translation, axis.unit


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # The quantity's unit wins over the present one, whose numbers follow.
        ({"scale": {"x": 500 * NM}}, (500.0, 10000.0, "nanometer")),
        ({"translation": {"x": 100 * NM}}, (500.0, 100.0, "nanometer")),
        # The one that is asked for wins over that of a quantity.
        (
            {"scale": {"x": 500 * NM}, "units": {"x": "um"}},
            (0.5, 10.0, "micrometer"),
        ),
        # Of two quantities that of the scale counts.
        (
            {"scale": {"x": 0.65 * UM}, "translation": {"x": 100 * NM}},
            (0.65, 0.1, "micrometer"),
        ),
        # Plain numbers are in the final unit; the rest is converted to it.
        ({"scale": {"x": 250}, "units": {"x": "nm"}}, (250.0, 10000.0, "nanometer")),
        (
            {"scale": {"x": 500 * NM}, "translation": {"x": 3.0}},
            (500.0, 3.0, "nanometer"),
        ),
        ({"scale": {"x": 2.0}}, (2.0, 10.0, "micrometer")),
        # A unit alone corrects a label.
        ({"units": {"x": "nm"}}, (0.5, 10.0, "nanometer")),
        ({"units": {"x": None}}, (0.5, 10.0, None)),
        (
            {"scale": {"x": 500 * NM}, "units": {"x": None}},
            (500.0, 10000.0, None),
        ),
    ],
)
def test_every_number_ends_in_one_unit(given, expected) -> None:
    assert line(assign_grid(image(), **given)) == expected


def test_numbers_without_a_unit_are_taken_to_be_in_the_new_one() -> None:
    assigned = assign_grid(image(unit=None), scale={"x": 500 * NM})
    assert line(assigned) == (500.0, 10.0, "nanometer")


def test_a_length_is_no_duration() -> None:
    seconds = pint.get_application_registry().Quantity(1, "second")
    with pytest.raises(UnitError, match="'x'"):
        assign_grid(image(), scale={"x": seconds})


def test_channels_have_no_positions() -> None:
    da = image().expand_dims(c=["DAPI"])
    with pytest.raises(AxisError, match="'c'"):
        assign_grid(da, scale={"c": 3})


def test_the_grid_of_another_image_may_mention_channels() -> None:
    da = image().expand_dims(c=["DAPI"])
    grid = inspect(da)
    assigned = assign_grid(da, grid.scale, grid.translation, grid.units)
    assert assigned["c"].values.tolist() == ["DAPI"]
    assert line(assigned) == (0.5, 10.0, "micrometer")


def test_the_scale_of_one_pixel_wins_over_the_one_it_was_read_with() -> None:
    da = image(size=1)
    da.encoding[SCALE_KEY] = {"x": 0.2}
    assert line(assign_grid(da, scale={"x": 1})) == (1.0, 10.0, "micrometer")
    assert line(assign_grid(da, translation={"x": 3})) == (0.2, 3.0, "micrometer")


def test_a_slice_of_one_pixel_keeps_the_size_it_was_given() -> None:
    da = xr.DataArray(np.zeros((3, 4, 4)), dims=("z", "y", "x"))
    sized = da.omezarr.assign_grid(scale={"z": 0.3}, units={"z": "um"})
    assert sized.isel(z=[1]).omezarr.scale["z"] == 0.3
    assert da.encoding == {}


def test_the_size_of_a_single_pixel_survives_arithmetic() -> None:
    da = xr.DataArray(np.zeros((1, 4, 4)), dims=("z", "y", "x"))
    sized = da.omezarr.assign_grid(scale={"z": 0.3}, units={"z": "um"})
    with xr.set_options(keep_attrs=True):
        assert (sized * 2).omezarr.scale["z"] == 0.3
