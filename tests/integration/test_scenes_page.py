"""What the page about scenes shows runs, and does what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from tests.integration.pages import run_page
from xarray_omezarr.errors import OmeZarrWarning


def scene(path: Path) -> Any:
    return json.loads((path / "zarr.json").read_text())["attributes"]["ome"]["scene"]


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    with pytest.warns(OmeZarrWarning, match="'tile_3', 'tile_4', 'tile_5' are left"):
        return run_page("scenes.md")


def test_the_examples_run_and_are_valid(page: dict[str, Any], tmp_path: Path) -> None:
    stores = sorted(path.name for path in tmp_path.iterdir())
    assert stores == [
        f"{name}.ome.zarr" for name in ("mosaic", "part", "stage", "views")
    ]
    for name in stores:
        report = xo.validate(tmp_path / name)
        assert report.ok, report
        assert not report.warnings, report
    ways = scene(tmp_path / "part.ome.zarr")["coordinateTransformations"]
    assert [way["input"]["path"] for way in ways] == ["tile_0", "tile_1", "tile_2"]
    assert zarr.open_array(tmp_path / "part.ome.zarr/tile_0/0").shape == (64, 128)


def test_every_pixel_of_every_tile_is_where_the_specimen_says(
    page: dict[str, Any], tmp_path: Path
) -> None:
    tree = xr.open_datatree(tmp_path / "mosaic.ome.zarr", engine="omezarr")
    world = tree.omezarr.to_system("world")
    assert len(world.children) == 6
    for tile in world.children.values():
        image = tile["0/image"]
        expected = 1000 + 400 * np.sin(image.y / 9) * np.cos(image.x / 13)
        np.testing.assert_allclose(image, expected, rtol=1e-12)


def test_both_views_show_the_bead_where_it_is(
    page: dict[str, Any], tmp_path: Path
) -> None:
    tree = xr.open_datatree(tmp_path / "views.ome.zarr", engine="omezarr")
    world = tree.omezarr.to_system("world")
    for path, y, x in (("front", "y", "x"), ("side", "y_world", "x_world")):
        image = world[f"{path}/0/image"]
        expected = 1000 * np.exp(-((image[y] - 62) ** 2 + (image[x] - 41) ** 2) / 8)
        # Between two vectors of the field, 1 um apart, the bending is a straight line.
        np.testing.assert_allclose(
            image.transpose("y", "x"), expected.transpose("y", "x"), atol=1
        )
    brightest = world["side/0/image"].isel(world["side/0/image"].argmax(...))
    assert abs(float(brightest.y_world) - 62) < 0.5
    assert abs(float(brightest.x_world) - 41) < 0.5
    assert float(page["b"]) == float(brightest)
