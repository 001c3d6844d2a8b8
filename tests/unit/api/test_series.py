"""What is checked and kept when one series is written into a collection."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo


def image(value=0, size=32) -> xr.DataArray:
    return xr.DataArray(np.full((size, size), value, "uint16"), dims=("y", "x"))


def test_series_have_no_wells_that_tell_an_acquisition() -> None:
    store = MemoryStore()
    told = image().assign_coords(acquisition=5).assign_attrs(acquisition="confocal")
    xo.write_series(told, store, "0")
    found = xr.open_dataset(store, engine="omezarr", group="0").image
    assert found.attrs["acquisition"] == "confocal"
    assert found.coords["acquisition"] == 5


@pytest.mark.parametrize("inner", ["0/7", "0/1", "0/labels", "0/labels/cells"])
def test_a_series_does_not_lie_in_another(inner) -> None:
    store = MemoryStore()
    xo.write_series(image(), store, "0", scale_factors=[2])
    with pytest.raises(xo.TargetExistsError, match=f"'{inner}' would lie inside"):
        xo.write_series(image(), store, inner, mode="w")
    assert xo.open_image(store, group="0", level=1).shape == (16, 16)


def test_a_series_does_not_hold_another() -> None:
    store = MemoryStore()
    xo.write_series(image(1), store, "a/0")
    xo.write_series(image(1), store, "a1")
    with pytest.raises(xo.MetadataError, match="where the series a/0 are"):
        xo.write_series(image(), store, "a", mode="w")
    assert xo.open_image(store, group="a/0").max() == 1
