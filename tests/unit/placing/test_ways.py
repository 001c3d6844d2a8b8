"""Ways of positions to coordinates: when two of them do the same."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from tests.unit.placing.building import image, to_world
from xarray_omezarr.errors import TransformationError

FIELD = xr.DataArray(
    np.arange(24.0).reshape(2, 3, 4),
    {"y": [0.0, 1.0, 2.0], "x": [0.0, 1.0, 2.0, 3.0]},
    ("displacement", "y", "x"),
)
BY_FIELD = {"type": "displacements", "path": "field"}


def moved(field: xr.DataArray = FIELD) -> xr.DataArray:
    da = image(y=[0.0, 1.0, 2.0], x=[0.0, 1.0, 2.0, 3.0])
    transforms = to_world(BY_FIELD, "yx", arrays={"field": field})
    return da.omezarr.to_system("world", transforms=transforms)


def test_images_moved_by_one_field_are_added_also_after_a_journey() -> None:
    one = moved()
    twice = one + pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(twice, 2 * one)
    assert twice.x_world.dims == ("y", "x")


def test_images_moved_by_unlike_fields_are_not() -> None:
    with pytest.raises(TransformationError, match="lie differently"):
        moved() + moved(FIELD + 1)


def test_an_image_that_was_opened_twice_lies_in_one_place(tmp_path: Path) -> None:
    store = tmp_path / "moved.zarr"
    moved().omezarr.to_image(store, version="0.6")
    one, other = (xo.open_image(store).omezarr.to_system("world") for _ in range(2))
    np.testing.assert_array_equal(one - other, 0)
