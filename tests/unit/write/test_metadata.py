"""The attributes of a planned image are those that a write makes."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

from xarray_omezarr.hierarchy import GroupNode, Hierarchy
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import complete
from xarray_omezarr.store.engine import write
from xarray_omezarr.store.target import open_target
from xarray_omezarr.write.metadata import image_attributes
from xarray_omezarr.write.multiscale import plan_multiscale


def image(data=None):
    if data is None:
        data = np.random.default_rng(0).integers(0, 900, (2, 40, 30)).astype("uint16")
    return xr.DataArray(
        data,
        dims=("c", "y", "x"),
        coords={"c": ["DAPI", "GFP"], "x": ("x", 0.5 * np.arange(30), {"units": "um"})},
        attrs={"instrument": "widefield"},
    )


def plan(da, **options):
    return plan_multiscale(da, complete(options))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("dims", [None, "tczyx"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scale_factors": [2, 4], "method": "nearest"},
        {"scale_factors": [2, 3], "method": "median"},
        {"channels": ["A", {"window": {"start": 1, "end": 2}}], "attrs": {"lab": "B"}},
    ],
)
def test_they_are_those_in_the_store(version, dims, options) -> None:
    planned = plan(image(), version=version, dims=dims, **options)
    target = open_target(MemoryStore())
    root = write(planned, target, mode=None, compute=True, memory_limit=10**6)
    assert image_attributes(planned) == dict(root.attrs)


def windows(attrs):
    return [channel["window"] for channel in attrs["ome"]["omero"]["channels"]]


def test_pixels_that_are_not_in_memory_are_not_computed() -> None:
    def boom(block):
        raise AssertionError("computed")

    lazy = dask.array.zeros((2, 40, 30), dtype="uint8").map_blocks(
        boom, dtype="uint8", meta=np.zeros((0, 0, 0), "uint8")
    )
    found = windows(image_attributes(plan(image(lazy))))
    assert found == [{"min": 0.0, "max": 255.0, "start": 0.0, "end": 255.0}] * 2


def test_an_image_without_channels_has_no_windows() -> None:
    attrs = image_attributes(plan(image().isel(c=0, drop=True)))
    assert "omero" not in attrs["ome"]


def test_a_group_without_an_image_has_its_own_attributes_only() -> None:
    bare = Hierarchy(registry.get("0.5"), {"": GroupNode(None, {"lab": "B"})})
    assert image_attributes(bare) == {"lab": "B"}
