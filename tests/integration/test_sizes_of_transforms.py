"""Transformations of another number of axes than the image are told by their name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.errors import OmeZarrError

AXES = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]


def told(way: dict[str, Any], **arrays: Any) -> str:
    da = xr.DataArray(np.zeros((2, 3, 4)), dims=("z", "y", "x"))
    da = da.omezarr.assign_grid(units=dict.fromkeys("zyx", "um"))
    ends = {"input": {"name": "physical"}, "output": {"name": "world"}}
    transforms = {
        "coordinateSystems": [{"name": "world", "axes": AXES}],
        "coordinateTransformations": [{**way, **ends}],
        "arrays": arrays,
    }
    kept: dict[str, Any] = {}
    store = zarr.storage.MemoryStore(kept)
    with pytest.raises(OmeZarrError) as found:
        da.omezarr.to_image(store, version="0.6", transforms=transforms)
    assert not kept
    return str(found.value)


@pytest.mark.parametrize("by_path", [False, True])
def test_a_homogeneous_matrix_has_a_row_too_many(by_path: bool) -> None:
    rows = np.eye(4).tolist()
    numbers = {"path": "stage"} if by_path else {"affine": rows}
    arrays = {"stage": rows} if by_path else {}
    text = told({"type": "affine", **numbers}, **arrays)
    assert "leave out the last row, [0.0, 0.0, 0.0, 1.0]" in text


def test_a_matrix_without_what_is_added_is_told_what_an_affine_has() -> None:
    text = told({"type": "affine", "affine": np.eye(3).tolist()})
    assert "one row per output axis and one column per input axis, and a last" in text
    assert "number per axis" not in text


def test_a_field_of_some_axes_is_called_by_its_path() -> None:
    coords = {"y": np.arange(3.0), "x": np.arange(4.0)}
    field = xr.DataArray(np.zeros((2, 3, 4)), coords, ("d", "y", "x"))
    text = told({"type": "displacements", "path": "warp"}, warp=field)
    assert "'warp'" in text
    assert "'displacements'" in text
    assert "['z', 'y', 'x']" in text
    assert "byDimension" in text
    assert "translation" not in text


def test_a_homogeneous_matrix_is_legal_where_nobody_tells_the_axes() -> None:
    way = {"type": "affine", "affine": np.eye(4).tolist()}
    found = xo.transforms.apply(way, [1, 2, 3])
    np.testing.assert_array_equal(found, [1, 2, 3, 1])
