"""Images of a scene are where the stored numbers say, computed without this package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

import xarray_omezarr as xo

Json = dict[str, Any]
Points = NDArray[np.float64]

AXES = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
UM = {"y": "um", "x": "um"}
TURN = np.deg2rad(17)
MATRIX = np.array(
    [[np.cos(TURN), -np.sin(TURN), 31.0], [0.9 * np.sin(TURN), np.cos(TURN), -4.5]]
)
KIND = {"type": "displacements", "interpolation": "linear"}
SCENE = {
    "coordinateSystems": [
        {"name": "world", "axes": AXES},
        {"name": "turned", "axes": AXES},
    ],
    "coordinateTransformations": [
        {
            "type": "translation",
            "translation": [0.1, 14.7],
            "input": {"path": "moved", "name": "physical"},
            "output": {"name": "world"},
        },
        {
            "type": "affine",
            "path": "registration/affine",
            "input": {"path": "bent", "name": "physical"},
            "output": {"name": "turned"},
        },
        {
            "type": "bijection",
            "forward": {**KIND, "path": "registration/forward"},
            "inverse": {**KIND, "path": "registration/inverse"},
            "input": {"name": "turned"},
            "output": {"name": "world"},
        },
    ],
}


def image(scale: float, first: float) -> xr.DataArray:
    pixels = np.random.default_rng(0).random((40, 30))
    da = xr.DataArray(pixels, dims=("y", "x"))
    return da.omezarr.assign_grid(
        scale={"y": scale, "x": 0.5}, translation={"x": first}, units=UM
    )


def bending() -> xr.DataArray:
    """Vectors along y, that depend on x alone: minus them leads back exactly."""
    places = {dim: (dim, 2.0 * np.arange(60) - 20, {"units": "um"}) for dim in "yx"}
    along_y = np.broadcast_to(3 * np.sin(np.arange(60) / 7), (60, 60))
    vectors = np.stack([along_y, np.zeros((60, 60))])
    return xr.DataArray(vectors, places, ("displacement", "y", "x"))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "scene.ome.zarr"
    arrays = {
        "registration/affine": MATRIX,
        "registration/forward": bending(),
        "registration/inverse": -bending(),
    }
    images = {"moved": image(0.3, 0.0), "bent": image(0.7, 2.5)}
    xo.write_scene(
        images, path, transforms={**SCENE, "arrays": arrays}, scale_factors=[2]
    )
    return path


class ByHand:
    """What the metadata say, with zarr and numpy alone."""

    def __init__(self, path: Path) -> None:
        self.root = zarr.open_group(path, mode="r")

    def level(self, image: str, level: int) -> tuple[tuple[int, ...], Points, Points]:
        group = self.root[image]
        told = group.attrs["ome"]["multiscales"][0]["datasets"][level]
        (way,) = told["coordinateTransformations"]
        parts = way.get("transformations", [way])
        shape = group[told["path"]].shape
        scale = np.array(parts[0]["scale"])
        moved = np.array(parts[1]["translation"]) if len(parts) > 1 else 0 * scale
        return shape, scale, moved

    def physical(self, image: str, level: int) -> Points:
        """Positions of all pixels, (n, 2)."""
        shape, scale, moved = self.level(image, level)
        indices = np.stack(np.indices(shape), axis=-1).reshape(-1, 2)
        return np.asarray(indices * scale + moved)

    def world(self, image: str, level: int) -> Points:
        points = self.physical(image, level)
        moved, turned, bent = self.root.attrs["ome"]["scene"][
            "coordinateTransformations"
        ]
        if image == "moved":
            return np.asarray(points + moved["translation"])
        matrix = np.asarray(self.root[turned["path"]])
        points = points @ matrix[:, :2].T + matrix[:, 2]
        path = bent["forward"]["path"]
        vectors = np.asarray(self.root[f"{path}/0"])
        _, scale, first = self.level(path, 0)
        at = ((points - first[1:]) / scale[1:]).T
        found = [map_coordinates(part, at, order=1, mode="nearest") for part in vectors]
        return np.asarray(points + np.stack(found, axis=-1))


@pytest.mark.parametrize("level", [0, 1])
def test_a_tile_is_moved(store: Path, level: int) -> None:
    tree = xr.open_datatree(store, engine="omezarr").omezarr.to_system("world")
    found = tree[f"moved/{level}"]
    y, x = np.meshgrid(found.y, found.x, indexing="ij")
    expected = ByHand(store).world("moved", level)
    np.testing.assert_allclose(
        np.stack([y.ravel(), x.ravel()], axis=-1), expected, rtol=1e-12, atol=1e-12
    )
    assert found.y.attrs["units"] == "micrometer"


@pytest.mark.parametrize("level", [0, 1])
def test_a_view_goes_through_matrix_and_field(store: Path, level: int) -> None:
    tree = xr.open_datatree(store, engine="omezarr").omezarr.to_system("world")
    found = tree[f"bent/{level}"]
    points = [found[name].transpose("y", "x").values for name in ("y_world", "x_world")]
    expected = ByHand(store).world("bent", level)
    got = np.stack([part.ravel() for part in points], axis=-1)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_every_pixel_is_found_where_it_is(store: Path) -> None:
    tree = xr.open_datatree(store, engine="omezarr").omezarr.to_system("world")
    found = tree["bent/0/image"]
    expected = ByHand(store).world("bent", 0).reshape(40, 30, 2)
    pixels = image(0.7, 2.5).values
    for row, column in [(0, 0), (5, 17), (39, 29), (20, 3)]:
        y, x = expected[row, column]
        got = found.sel(y_world=y, x_world=x, method="nearest")
        assert float(got) == pixels[row, column]


def test_one_image_is_placed_in_another(store: Path) -> None:
    tree = xr.open_datatree(store, engine="omezarr")
    found = tree["bent/0"].to_dataset()["image"].omezarr.to_system("moved/physical")
    expected = ByHand(store).world("bent", 0) - [0.1, 14.7]
    names = [name for name in found.coords if str(name).endswith("_physical")]
    got = np.stack([found[name].values.ravel() for name in names], axis=-1)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_what_was_placed_is_written_where_it_is(store: Path, tmp_path: Path) -> None:
    # The tile then has coordinates of the world, and a way back to its own.
    again = tmp_path / "again.ome.zarr"
    placed = xr.open_datatree(store, engine="omezarr").omezarr.to_system("world")
    placed.omezarr.to_scene(again)
    assert xo.validate(again).ok
    found = xr.open_datatree(again, engine="omezarr").omezarr.to_system("world")
    for path in ("moved/0", "moved/1"):
        xr.testing.assert_equal(found[path].to_dataset(), placed[path].to_dataset())
    for name in ("y_world", "x_world"):
        xr.testing.assert_allclose(found["bent/0"][name], placed["bent/0"][name])


def test_one_that_was_placed_is_not_placed_twice(store: Path, tmp_path: Path) -> None:
    tree = xr.open_datatree(store, engine="omezarr")
    moved = SCENE["coordinateTransformations"][0]
    only = {
        "coordinateSystems": SCENE["coordinateSystems"][:1],
        "coordinateTransformations": [moved],
    }
    flat = tree["moved/0"].to_dataset()["image"].omezarr.to_system("world")
    # It still knows its own system, which the transformation starts from.
    for number, image in enumerate(
        (
            flat,
            flat.isel(y=slice(3, 9)),
            flat.to_dataset(name="image"),
            flat.drop_encoding(),
        )
    ):
        path = tmp_path / f"flat{number}"
        xo.write_scene({"moved": image}, path, transforms=only)
        assert xo.validate(path).ok
        found = xr.open_datatree(path, engine="omezarr").omezarr.to_system("world")
        for dim in "yx":
            xr.testing.assert_allclose(found["moved/0"][dim], image[dim])
    expected = tree.omezarr.to_system("world")["moved/0"].to_dataset()
    for number, path in enumerate(("before", "after")):
        image = (
            tree["moved"] if not number else tree["moved"].omezarr.to_system("world")
        )
        xo.write_scene({"moved": image}, tmp_path / path, transforms=only)
        found = xr.open_datatree(tmp_path / path, engine="omezarr")
        placed = found.omezarr.to_system("world")["moved/0"].to_dataset()
        xr.testing.assert_equal(placed, expected)
