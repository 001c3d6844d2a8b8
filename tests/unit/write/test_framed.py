"""What an array that was read still knows of the systems of its image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.grid.names import FRAME_KEY
from xarray_omezarr.ngff import Affine, Axis, CoordinateSystem, ProjectAxis, Translation
from xarray_omezarr.ngff.spaces import parse
from xarray_omezarr.transforming.frame import Frame, Way
from xarray_omezarr.write.framed import arrays_of, keys_of

AXES = tuple(Axis(name=name, type="space") for name in "yx")
MATRIX = np.eye(2, 3)
FIT = Affine(path="tile/fit")
MOVED = Translation(translation=(1, 2))


def framed(own: str | None, *ways: Way, keys: Any = ("world", "tile/a", "tile/b")):
    systems = {
        key: CoordinateSystem(name=key.rpartition("/")[2], axes=AXES) for key in keys
    }
    arrays = {"tile/fit": MATRIX, "other": MATRIX}
    da = xr.DataArray(np.zeros((2, 2)), dims=("y", "x"))
    da.encoding[FRAME_KEY] = Frame(own, systems, ways, arrays)
    return da


def told(da: xr.DataArray, **options: Any) -> Any:
    (picture,) = keys_of(da, **options)["multiscales"]
    return parse(picture)


def test_arrays_are_those_below_its_image() -> None:
    assert [*arrays_of(framed("tile/a"))] == ["fit"]
    assert {*arrays_of(framed("world"))} == {"tile/fit", "other"}
    assert arrays_of(framed(None)) == arrays_of(xr.DataArray(0)) == {}


def test_systems_and_ways_are_those_of_its_image_and_no_others() -> None:
    ways = Way("tile/a", "tile/b", FIT), Way("tile/a", "world", MOVED)
    found = told(framed("tile/a", *ways))
    assert [system.name for system in found.systems] == ["a", "b"]
    assert found.intrinsic == "a"
    (way,) = found.ways
    assert (way.path, way.input.to_json(), way.output.to_json()) == (
        "fit",
        {"name": "a"},
        {"name": "b"},
    )


def test_where_there_is_no_way_inside_the_image_nothing_is_told() -> None:
    way = Way("tile/a", "world", MOVED)
    assert keys_of(framed("tile/a", way, keys=("tile/a", "world"))) == {}
    assert keys_of(xr.DataArray(0)) == {}


def test_ways_from_where_positions_were_told_before_are_composed() -> None:
    ways = Way("tile/b", "tile/a", MOVED), Way("tile/b", "tile/c", MOVED)
    keys = "tile/a", "tile/b", "tile/c"
    found = told(framed("tile/a", *ways, keys=keys))
    ends = [(way.input.name, way.output.name) for way in found.ways]
    assert ends == [("b", "a"), ("a", "c")]
    points = np.array([[3.0, 4.0]])
    assert xo.transforms.apply(found.ways[1], points).tolist() == points.tolist()


def test_ways_through_other_images_are_none_of_this_one() -> None:
    ways = Way("tile/a", "world", MOVED), Way("world", "tile/b", MOVED)
    with pytest.warns(OmeZarrWarning, match="system 'tile/b' is left out"):
        assert keys_of(framed("tile/a", *ways)) == {}


def test_systems_that_nothing_leads_to_are_left_out_with_a_warning() -> None:
    dropped = ProjectAxis(dropped_inputs=(0,))
    ways = Way("tile/a", "tile/b", MOVED), Way("tile/c", "tile/b", dropped)
    keys = "tile/a", "tile/b", "tile/c"
    with pytest.warns(OmeZarrWarning, match="system 'tile/c' is left out"):
        found = told(framed("tile/a", *ways, keys=keys))
    assert len(found.ways) == 1


def test_those_of_the_image_are_not_those_of_its_label_images() -> None:
    way = Way("tile/a", "tile/b", FIT)
    assert keys_of(framed("tile/a", way), is_label=True) == {}
    assert arrays_of(framed("tile/a", way), is_label=True) == {}
    keys = "labels/n/a", "labels/n/b"
    own = framed("labels/n/a", Way(*keys, MOVED), keys=keys)
    assert len(told(own, is_label=True).ways) == 1
