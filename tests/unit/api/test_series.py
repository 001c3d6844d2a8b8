"""What is checked and kept when one series is written into a collection."""

from __future__ import annotations

import numpy as np
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
