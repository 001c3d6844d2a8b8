"""Transformations of an image that lead to its label images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.errors import MetadataError, OmeZarrWarning

IMAGE = xr.DataArray(np.arange(16, dtype="uint8").reshape(4, 4), dims=("y", "x"))
LABEL = {"name": "physical", "path": "labels/cells"}
WAY = {"type": "scale", "scale": [2, 2], "input": {"name": "physical"}, "output": LABEL}
TOLD: dict[str, Any] = {
    "version": "0.6",
    "transforms": {"coordinateTransformations": [WAY]},
}


def ways(store: Any) -> Any:
    attrs = zarr.open_group(store, mode="r").attrs.asdict()
    return attrs["ome"]["multiscales"][0].get("coordinateTransformations")


def test_are_written_with_the_label_image_and_come_back() -> None:
    store, again = zarr.storage.MemoryStore(), zarr.storage.MemoryStore()
    IMAGE.omezarr.to_image(store, labels={"cells": IMAGE}, **TOLD)
    assert ways(store) == [WAY]
    assert xo.validate(store).ok
    tree = xr.open_datatree(store, engine="omezarr")
    tree.omezarr.to_image(again, version="0.6")
    assert ways(again) == [WAY]


@pytest.mark.parametrize("labels", [None, {"nuclei": IMAGE}])
def test_are_refused_without_it(labels) -> None:
    with pytest.raises(MetadataError, match=r"'physical' of 'labels/cells'.*labels="):
        IMAGE.omezarr.plan_image(labels=labels, **TOLD)


def test_are_left_out_with_a_warning_where_it_is_no_more() -> None:
    store, again = zarr.storage.MemoryStore(), zarr.storage.MemoryStore()
    IMAGE.omezarr.to_image(store, labels={"cells": IMAGE}, **TOLD)
    alone = xo.open_image(store)
    with pytest.warns(OmeZarrWarning, match="no such label image is written"):
        alone.omezarr.to_image(again, version="0.6")
    assert ways(again) is None
