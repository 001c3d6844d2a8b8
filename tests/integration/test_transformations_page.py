"""What the page about transformations shows runs, and does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from tests.integration.pages import run_page


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("page"))
        names = run_page("transformations.md")
        reports = {
            name: xo.validate(f"{name}.ome.zarr", data="all")
            for name in ("tilted", "movie", "plane", "stored", "warped")
        }
    return {**names, "reports": reports}


def test_what_is_written_has_no_findings(page) -> None:
    for name, report in page["reports"].items():
        assert report.findings == (), f"{name}: {report}"


def test_the_bead_is_where_the_angle_says(page) -> None:
    # The plane is 8 um along the stage, the row 6 um down the plane.
    angle = np.pi / 6
    depth, along = 6 * np.sin(angle), 100 - 8 + 6 * np.cos(angle)
    assert (depth, round(along, 3)) == (pytest.approx(3.0), 97.196)
    world = page["world"]
    assert float(world.z_world[20, 30]) == pytest.approx(depth, rel=1e-12)
    assert float(world.y_world[20, 30]) == pytest.approx(along, rel=1e-12)


def test_positions_outside_are_refused(page) -> None:
    with pytest.raises(KeyError):
        page["world"].sel(z_world=7.0, y_world=97.2, method="nearest")


def test_names_that_are_not_there_are_told_by_xarray(page) -> None:
    with pytest.raises(KeyError, match="not a valid dimension or coordinate"):
        page["world"].sel(q_world=1.0, method="nearest")


def test_nearest_is_the_pixel_that_a_position_lies_in(page) -> None:
    # A shear so steep that the centre of another pixel is closer.
    way = {
        "type": "affine",
        "affine": [[1, 0, 0], [4, 1, 0]],
        "input": {"name": "physical"},
        "output": {"name": "sheared"},
    }
    axes = [{"name": name, "type": "space"} for name in "yx"]
    image = xr.DataArray(np.zeros((9, 9)), dims=("y", "x"))
    sheared = image.omezarr.to_system(
        "sheared",
        transforms={
            "coordinateSystems": [{"name": "sheared", "axes": axes}],
            "coordinateTransformations": [way],
        },
    )
    # Pixel (4.4, 2) lies in that of (4, 2).
    y, x = 4.4, 4 * 4.4 + 2
    found = sheared.sel(y_sheared=y, x_sheared=x, method="nearest")
    place = (float(found.y_sheared), float(found.x_sheared))
    assert place == (4.0, 18.0)
    distance = np.hypot(sheared.y_sheared - y, sheared.x_sheared - x)
    assert float(distance.min()) < np.hypot(place[0] - y, place[1] - x)


def test_a_label_image_knows_the_systems_of_its_image_in_a_tree(
    page, tmp_path: Path
) -> None:
    volume, path = page["volume"], tmp_path / "labels.zarr"
    labels = {"cells": (volume > 0).astype("uint8")}
    options = {"version": "0.6", "transforms": page["transforms"]}
    volume.omezarr.to_image(path, labels=labels, **options)
    alone = xo.open_image(path, group="labels/cells")
    assert list(alone.omezarr.coordinate_systems) == ["physical"]
    tree = xr.open_datatree(path, engine="omezarr").omezarr.to_system("world")
    assert tree["labels/cells/0"].z_world.dims == ("z", "y")


def test_systems_that_are_not_there_are_told(page) -> None:
    with pytest.raises(xo.TransformationError, match="physical"):
        page["image"].omezarr.to_system("atlas")


def test_outside_of_the_field_nothing_is_known(page) -> None:
    # The field ends at 12 + 1 um along y, and at 20 + 1 um along x.
    known = np.isfinite(page["warped"].y_atlas.values)
    y, x = page["warped"].y.values, page["warped"].x.values
    np.testing.assert_array_equal(known.any(axis=1), y <= 13)
    np.testing.assert_array_equal(known.any(axis=0), x <= 21)


def test_a_field_alone_is_not_selected_on(page) -> None:
    with pytest.raises(xo.OmeZarrError):
        page["warped"].sel(y_atlas=6.5, x_atlas=10.0, method="nearest")


def test_cubic_interpolation_and_early_versions_are_refused(page, tmp_path) -> None:
    plane, atlas = page["plane"], page["atlas"]
    with pytest.raises(xo.NotInVersionError):
        plane.omezarr.to_image(tmp_path / "a.zarr", version="0.5", transforms=atlas)
    way = {**atlas["coordinateTransformations"][0], "interpolation": "cubic"}
    cubic = {**atlas, "coordinateTransformations": [way]}
    with pytest.raises(xo.OmeZarrError, match="cubic"):
        plane.omezarr.to_image(tmp_path / "a.zarr", version="0.6", transforms=cubic)
    assert not (tmp_path / "a.zarr").exists()


def test_the_world_is_the_same_before_anything_is_written(page) -> None:
    before = page["volume"].omezarr.to_system("world", transforms=page["transforms"])
    for name in ("z_world", "y_world", "x"):
        np.testing.assert_array_equal(before[name], page["world"][name])
