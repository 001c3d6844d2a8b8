from typing import Any

import pytest

from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.ngff.spaces import Spaces, parse
from xarray_omezarr.transforming.spaces_reduced import spaces_reduced, spaces_rescaled

OWN, WORLD = {"name": "own"}, {"name": "world"}


def told(*ways: dict[str, Any], dims: str = "zyx", world: str = "zyx") -> Spaces:
    systems = [
        {
            "name": name,
            "axes": [{"name": d, "type": "space", "unit": "micrometer"} for d in axes],
        }
        for name, axes in (("own", dims), ("world", world))
    ]
    return parse({"coordinateSystems": systems, "coordinateTransformations": [*ways]})


def names(found: Spaces) -> list[str]:
    return ["".join(axis.name for axis in system.axes) for system in found.systems]


def test_a_way_back_stays_one_where_it_loses_as_many_axes() -> None:
    way = {"type": "scale", "scale": [2, 3, 4], "input": WORLD, "output": OWN}
    found = spaces_reduced(told({**way, "name": "lab", "key": 7}), {"z": None})
    assert names(found) == ["yx", "yx"]
    assert found.ways[0].to_json() == {
        "type": "scale",
        "scale": [3.0, 4.0],
        "name": "lab",
        "input": WORLD,
        "output": OWN,
        "key": 7,
    }


def test_a_way_back_that_mixes_axes_is_turned_round() -> None:
    rows = [[1, 0, 0, 5], [0, 1, 0, 0], [-1, 0, 1, 0]]
    way = {"type": "affine", "affine": rows, "input": WORLD, "output": OWN}
    found = spaces_reduced(told(way), {"z": 9.0})
    # own z = 9 = world z + 5, and world x = own x + world z.
    assert names(found) == ["yx", "yx"]
    assert found.ways[0].to_json() == {
        "type": "translation",
        "translation": [0.0, 4.0],
        "input": OWN,
        "output": WORLD,
    }


def test_systems_with_too_few_axes_of_space_are_left_out() -> None:
    drop = {"type": "projectAxis", "droppedInputs": [0], "input": OWN, "output": WORLD}
    with pytest.warns(OmeZarrWarning, match=r"'projectAxis' from .*isel\(y=\[0\]\)"):
        found = spaces_reduced(told(drop, world="yx"), {"y": 0.0})
    assert found.ways == ()


def test_other_units_put_a_scale_in_front_in_decimals() -> None:
    there = {"type": "translation", "translation": [1, 2, 3]}
    back = {"type": "scale", "scale": [3, 3, 3]}
    ways = (
        {**there, "input": OWN, "output": WORLD},
        {**back, "input": WORLD, "output": OWN},
    )
    found = spaces_rescaled(told(*ways), {"z": ("nanometer", 0.001)})
    assert found.own.axes[0].unit == "nanometer"
    forward, backward = (way.to_json() for way in found.ways)
    assert forward["transformations"] == [
        {"type": "scale", "scale": [0.001, 1.0, 1.0]},
        {"type": "translation", "translation": [1.0, 2.0, 3.0]},
    ]
    assert backward["scale"] == [3000.0, 3.0, 3.0]
