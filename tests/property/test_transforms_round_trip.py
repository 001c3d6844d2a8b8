"""Random systems and transformations of every type come back as they were written."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings

import xarray_omezarr as xo
from tests.property.systems import image, transforms
from xarray_omezarr.errors import OmeZarrWarning


def everything(store: Any) -> dict[str, Any]:
    """Attributes and values of all nodes of a store, by path."""
    root = zarr.open_group(store, mode="r")
    found: dict[str, Any] = {"": (root.attrs.asdict(), None)}
    for path, node in root.members(max_depth=None):
        values = None if isinstance(node, zarr.Group) else node[...].tolist()
        found[path] = node.attrs.asdict(), values
    return found


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        # Images without units and with a dim of size 1.
        warnings.simplefilter("ignore", OmeZarrWarning)
        yield


@settings(max_examples=25, suppress_health_check=[*HealthCheck], deadline=None)
@given(case=transforms())
def test_what_is_written_is_read_and_written_again(case) -> None:
    dims, told = case
    da = image(dims)
    first = zarr.storage.MemoryStore()
    da.omezarr.to_image(first, version="0.6", transforms=told, scale_factors=[2])
    report = xo.validate(first)
    assert report.ok, report
    stored = everything(first)
    spelled = stored[""][0]["ome"]["multiscales"][0]["coordinateTransformations"]
    ways = told["coordinateTransformations"]
    assert xo.ngff.Scene(coordinate_transformations=spelled) == xo.ngff.Scene(
        coordinate_transformations=ways
    )
    for path, array in told["arrays"].items():
        kept = stored[f"{path}/0" if f"{path}/0" in stored else path][1]
        np.testing.assert_array_equal(kept, np.asarray(array))
    again = {
        "tree": xr.open_datatree(first, engine="omezarr"),
        "dataset": xr.open_dataset(first, engine="omezarr"),
        "array": xo.open_image(first),
    }
    for what, obj in again.items():
        second = zarr.storage.MemoryStore()
        factors = {} if what == "tree" else {"scale_factors": [2]}
        obj.omezarr.to_image(second, version="0.6", **factors)
        both = everything(second)
        if what == "tree":
            assert both == stored
            continue
        # Flat objects carry the numbers of fields, and not what else these tell.
        assert both[""] == stored[""]
        assert {p: values for p, (_, values) in both.items()} == {
            p: values for p, (_, values) in stored.items()
        }
