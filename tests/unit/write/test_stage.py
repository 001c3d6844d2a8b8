"""Origins of fields and their relative coordinates."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import CoordinateError
from xarray_omezarr.write.stage import find_origins


def array(origin, attrs=None, units="micrometer", **coords):
    y = ("y", 0.1 * np.arange(5), {"units": units} if units else {})
    coords = {"y": y, "origin_y": ("field", origin, attrs or {}), **coords}
    return xr.DataArray(np.zeros((len(origin), 5, 5)), coords, ("field", "y", "x"))


def moved(da, index):
    return find_origins(da, ["field"]).moved(da.isel(field=index), (index,))


def test_positions_are_exact_to_the_last_decimal() -> None:
    found = moved(array([0.0, 1000.3], {"units": "micrometer"}), 1)
    assert found["y"].values.tolist() == [1000.3, 1000.4, 1000.5, 1000.6, 1000.7]
    assert found["y"].attrs["units"] == "micrometer"


def test_another_unit_is_converted() -> None:
    found = moved(array([1.5], {"units": "mm"}), 0)
    assert found["y"].values[:2].tolist() == [1500.0, 1500.1]


def test_no_unit_is_that_of_the_dim() -> None:
    assert moved(array([2.0]), 0)["y"].values[0] == 2.0


def test_a_dim_without_coordinate_counts_pixels() -> None:
    da = array([7.0]).drop_vars("y")
    assert moved(da, 0)["y"].values.tolist() == [7, 8, 9, 10, 11]


def test_other_dims_stay() -> None:
    da = array([7.0])
    assert "x" not in moved(da, 0).coords


@pytest.mark.parametrize(
    ("da", "said"),
    [
        (array([np.nan]), "is nan, and the field is present"),
        (array([1.0], {"units": "micrometer"}, units=None), "'y' has no unit"),
        (array([1.0], origin_x=("y", np.arange(5.0))), "along \\('y',\\)"),
        (array([1.0], origin_x=("field", ["a"])), "<U1"),
    ],
)
def test_origins_that_say_nothing_are_refused(da, said) -> None:
    with pytest.raises(CoordinateError, match=said):
        moved(da, 0)
