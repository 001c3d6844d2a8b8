"""Nothing of what an object says of its systems is lost when it is placed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from tests.unit.placing.building import affine, image, system, way
from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.grid.names import FRAME_KEY

Y, X = np.arange(8) * 0.5, np.arange(8) * 0.5
SCALED = way({"type": "scale", "scale": [2, 4]})
LABEL = {"path": "labels/cells", "name": "physical"}


def field() -> xr.DataArray:
    """Half a micrometer along both axes."""
    places = {dim: (dim, 2.0 * np.arange(9), {"units": "um"}) for dim in "yx"}
    return xr.DataArray(np.full((2, 9, 9), 0.5), places, ("displacement", "y", "x"))


def told(da: xr.DataArray) -> dict[str, Any]:
    found: dict[str, Any] = da.attrs["ome"]["multiscales"][0]
    return found


def with_systems(*names: str, ways: list[dict[str, Any]], **keys: Any) -> xr.DataArray:
    """As it was read, without the numbers in arrays."""
    systems = [system(name, "yx") for name in names]
    picture = {
        "index": 0,
        "coordinateSystems": systems,
        "coordinateTransformations": ways,
    }
    da = image(y=Y, x=X)
    return da.assign_attrs(ome={"multiscales": [{**picture, **keys}]})


def test_systems_that_no_way_leads_to_are_kept(tmp_path) -> None:
    # A field leads from there, and nothing leads back.
    warp = {"type": "displacements", "path": "warp", "interpolation": "linear"}
    transforms = {
        "coordinateSystems": [system("world", "yx"), system("warped", "yx")],
        "coordinateTransformations": [SCALED, way(warp, "warped", "physical")],
        "arrays": {"warp": field()},
    }
    path, again = tmp_path / "one.ome.zarr", tmp_path / "two.ome.zarr"
    xo.write_image(image(y=Y, x=X), path, version="0.6", transforms=transforms)
    world = xo.open_image(path).omezarr.to_system("world")
    names = [one["name"] for one in told(world)["coordinateSystems"]]
    assert names == ["physical", "world", "warped"]
    world.omezarr.to_image(again, version="0.6")
    assert xo.validate(again).ok
    frame = xo.open_image(again).encoding[FRAME_KEY]
    (one,) = [w for w in frame.ways if (w.start, w.end) == ("warped", "world")]
    found = xo.transforms.apply(one.transformation, [[4.0, 4.0]], store=again)
    np.testing.assert_allclose(found, [[4.5 * 2, 4.5 * 4]], rtol=1e-12)


def test_the_system_to_show_stays_the_first() -> None:
    da = with_systems("world", "physical", ways=[SCALED], intrinsic="physical")
    placed = da.omezarr.to_system("world")
    names = [one["name"] for one in told(placed)["coordinateSystems"]]
    assert names == ["world", "physical"]
    da = with_systems("physical", "world", ways=[SCALED])
    placed = da.omezarr.to_system("world")
    names = [one["name"] for one in told(placed)["coordinateSystems"]]
    assert names == ["physical", "world"]
    assert told(placed)["intrinsic"] == "world"


def test_back_again_it_says_what_it_said() -> None:
    to_map = {**way({"type": "scale", "scale": [4, 8]}, end="map"), "name": "far"}
    da = with_systems("physical", "world", "map", ways=[SCALED, to_map], lab=7)
    back = da.omezarr.to_system("world").omezarr.to_system("physical")
    assert back.attrs["ome"]["multiscales"][0]["lab"] == 7
    ways = told(back)["coordinateTransformations"]
    assert [(w["type"], w["scale"]) for w in ways] == [
        ("scale", [2.0, 4.0]),
        ("scale", [4.0, 8.0]),
    ]
    assert ways[1]["name"] == "far"
    assert "intrinsic" not in told(back)


def test_ways_to_label_images_start_from_where_it_is() -> None:
    to_label = {"type": "scale", "scale": [4, 8]}
    ends = {"input": {"name": "physical"}, "output": LABEL}
    da = with_systems("physical", "world", ways=[SCALED, {**to_label, **ends}])
    placed = da.omezarr.to_system("world")
    assert told(placed)["coordinateTransformations"][1] == {
        "type": "scale",
        "scale": [2.0, 2.0],
        "input": {"name": "world"},
        "output": LABEL,
    }


def test_what_cannot_be_kept_is_named() -> None:
    # A flip is no scale, and label images are reached by scales alone.
    flip = way(affine([[-1, 0, 0], [0, 1, 0]]))
    ends = {"input": {"name": "physical"}, "output": LABEL}
    da = with_systems(
        "physical", "world", ways=[flip, {"type": "scale", "scale": [4, 8], **ends}]
    )
    with pytest.warns(OmeZarrWarning, match="'physical' .*label image") as found:
        placed = da.omezarr.to_system("world")
    assert len(found) == 1
    assert len(told(placed)["coordinateTransformations"]) == 1


def scene_of(own: xr.DataArray) -> tuple[dict[str, Any], xr.DataTree]:
    ends = {
        "input": {"path": "tile", "name": "physical"},
        "output": {"name": "world"},
    }
    moved = {"type": "translation", "translation": [10, 20], **ends}
    transforms = {
        "coordinateSystems": [system("world", "yx")],
        "coordinateTransformations": [moved],
    }
    return transforms, xr.DataTree.from_dict({"/tile": own.to_dataset(name="image")})


@pytest.mark.filterwarnings("error")
def test_a_picture_with_a_world_of_its_own_has_both(tmp_path) -> None:
    own = with_systems("physical", "world", ways=[SCALED])
    transforms, tree = scene_of(own)
    path, again = tmp_path / "scene.ome.zarr", tmp_path / "again.ome.zarr"
    xo.write_scene(tree, path, version="0.6", transforms=transforms)
    tree = xr.open_datatree(path, engine="omezarr")
    placed = tree.omezarr.to_system("world")
    assert placed["tile/0"].x.values.tolist() == (X + 20).tolist()
    placed.omezarr.to_scene(again)
    assert xo.validate(again).ok
    found = xr.open_datatree(again, engine="omezarr")
    assert list(found.omezarr.coordinate_systems) == [
        "world", "tile/physical", "tile/world", "tile/world_"
    ]  # fmt: skip
    for tree in (placed, found):
        same = tree.omezarr.to_system("world")["tile/0"]
        assert same.x.values.tolist() == (X + 20).tolist()
        theirs = tree["tile"].omezarr.to_system("tile/world")["0"]
        np.testing.assert_allclose(theirs.x, X * 4, rtol=1e-12, atol=1e-12)
        assert same["image"].encoding[FRAME_KEY].own == "tile/world_"


def test_placed_twice_in_one_system_nothing_changes() -> None:
    transforms, tree = scene_of(image(y=Y, x=X))
    once = tree.omezarr.to_system("world", transforms=transforms)
    twice = once.omezarr.to_system("world")
    xr.testing.assert_identical(once, twice)
    assert twice["tile"]["image"].encoding[FRAME_KEY].own == "tile/world"


@pytest.mark.parametrize("factor", [2.0, 0.3, 7.0, -0.7])
def test_there_and_back_again_makes_no_further_systems(factor) -> None:
    rows = [[factor, 0, 0, 1], [0, 0.8, -0.6, 0], [0, 0.6, 0.8, 0]]
    transforms = {
        "coordinateSystems": [system("physical", "zyx"), system("world", "zyx")],
        "coordinateTransformations": [way(affine(rows))],
    }
    da = image(z=[0.0, 1.0], y=Y, x=X)
    world = da.omezarr.to_system("world", transforms=transforms)
    names = [*world.omezarr.coordinate_systems]
    again = world.omezarr.to_system("world")
    assert again.encoding[FRAME_KEY].own == world.encoding[FRAME_KEY].own
    for _ in range(3):
        again = again.omezarr.to_system("physical").omezarr.to_system("world")
    assert [*again.omezarr.coordinate_systems] == names
    np.testing.assert_allclose(again.z, world.z, rtol=1e-15)
