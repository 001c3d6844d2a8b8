"""Fields that lie elsewhere than the image are told."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.options import complete
from xarray_omezarr.write.multiscale import plan_multiscale

WARP = {"type": "displacements", "path": "warp"}
MOVED = {"type": "translation", "translation": [5000, 5000]}


def sequence(*parts: Any) -> dict[str, Any]:
    return {"type": "sequence", "transformations": list(parts)}


def planned(way: dict[str, Any], **coords: Any) -> list[str]:
    """What is said of an image from 0 to 3500 and of its field."""
    image = xr.DataArray(np.zeros((8, 8)), dims=("y", "x"))
    image = image.omezarr.assign_grid(
        scale={"y": 500.0, "x": 500.0}, units={"y": "nm", "x": "nm"}
    )
    field = xr.DataArray(np.zeros((2, 4, 4)), coords, ("d", "y", "x"))
    axes = [{"name": n, "type": "space", "unit": "nanometer"} for n in "yx"]
    ends = {"input": {"name": "physical"}, "output": {"name": "world"}}
    transforms = {
        "coordinateSystems": [{"name": "world", "axes": axes}],
        "coordinateTransformations": [{**way, **ends}],
        "arrays": {"warp": field},
    }
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        plan_multiscale(image, complete({"version": "0.6", "transforms": transforms}))
    return [
        str(one.message) for one in found if issubclass(one.category, OmeZarrWarning)
    ]


WHOLE = {"y": np.arange(4) * 1000.0, "x": np.arange(4) * 1000.0}


def test_a_field_over_the_image_is_nothing_to_talk_about() -> None:
    assert planned(WARP, **WHOLE) == []


@pytest.mark.parametrize(
    "way", [WARP, sequence(WARP, MOVED), sequence({"type": "identity"}, WARP)]
)
def test_a_field_without_coordinates_is_told_with_both_ranges(way: Any) -> None:
    (text,) = planned(way)
    assert "vectors from 0 to 3 nanometer along 'y'" in text
    assert "lies from 0 to 3500 nanometer" in text


def test_a_field_that_lies_elsewhere_along_one_axis_is_told() -> None:
    (text,) = planned(WARP, **{**WHOLE, "x": 9000 + np.arange(4) * 1000.0})
    assert "'x'" in text
    assert "'y'" not in text


def test_a_field_of_positions_behind_other_steps_may_lie_anywhere() -> None:
    assert planned(sequence(MOVED, WARP)) == []
