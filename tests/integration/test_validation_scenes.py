"""Scenes, and transformations whose parameters are stored: measured as a whole."""

from __future__ import annotations

import shutil

import pytest

import xarray_omezarr as xo
from tests.integration.handmade import AXES, SCALES, SHAPES, Folder, only, pointed, told

POINTER = "/scene/coordinateTransformations"


def system(name):
    return {"name": name, "axes": AXES}


def image(folder, path, transforms=()):
    """An image with its own coordinate system ``physical``."""
    datasets = [
        {
            "path": str(number),
            "coordinateTransformations": [
                {
                    "type": "scale",
                    "scale": scale,
                    "input": {"path": str(number)},
                    "output": {"name": "physical"},
                }
            ],
        }
        for number, scale in enumerate(SCALES)
    ]
    entry = {
        "name": "img",
        "type": "nearest",
        "metadata": {"method": "nearest"},
        "coordinateSystems": [system("physical")],
        "datasets": datasets,
    }
    if transforms:
        entry["coordinateSystems"].append(system("stage"))
        entry["coordinateTransformations"] = list(transforms)
    folder.group(path, {"multiscales": [entry]})
    for number, shape in enumerate(SHAPES):
        folder.array(f"{path}/{number}".strip("/"), shape)
    return folder


def to_world(path, **members):
    return {
        "type": "translation",
        "translation": [0.0, 1.0, 2.0],
        "input": {"path": path, "name": "physical"},
        "output": {"name": "world"},
        **members,
    }


@pytest.fixture
def scene(tmp_path):
    folder = Folder(tmp_path / "scene.zarr", "0.6")
    transforms = [to_world("a"), to_world("b")]
    members = {"coordinateSystems": [system("world")]}
    folder.group("", {"scene": {**members, "coordinateTransformations": transforms}})
    return image(image(folder, "a"), "b")


def change(folder, number, **members):
    """Change a transformation of the scene."""

    def update(ome):
        ome["scene"]["coordinateTransformations"][number].update(members)

    return folder.change("", update)


def test_a_scene_as_the_text_has_it_has_no_findings(scene) -> None:
    report = xo.validate(scene.path, data="all")
    assert report.findings == (), str(report)
    assert report.nodes == 1 + 2 + 4


def test_an_image_of_a_scene_that_is_not_there(scene) -> None:
    shutil.rmtree(scene.path / "b")
    only(xo.validate(scene.path), "error", "", f"{POINTER}/1/input/path", "no image")


def test_a_system_that_an_image_of_a_scene_does_not_have(scene) -> None:
    change(scene, 1, input={"path": "b", "name": "elsewhere"})
    report = xo.validate(scene.path)
    assert ("error", "", f"{POINTER}/1/input/name") in told(report)
    assert any(
        "has 'physical'" in one.message or "'elsewhere'" in one.message
        for one in report.errors
    )


def test_images_of_a_scene_that_nothing_joins(scene) -> None:
    # From b to itself: nothing leads from b to the world.
    change(scene, 1, output={"path": "b", "name": "physical"})
    report = xo.validate(scene.path)
    only(report, "error", "", "/scene", 'has the systems of "b", which no')


def test_systems_of_a_scene_that_nothing_joins_are_told_once(scene) -> None:
    more = [system("moon"), system("sun")]
    scene.change("", lambda ome: ome["scene"]["coordinateSystems"].extend(more))
    report = xo.validate(scene.path)
    only(report, "error", "", "/scene", 'has the system "moon", the system "sun", wh')


def test_images_that_nothing_joins_in_a_scene_without_systems(scene) -> None:
    for number, path in enumerate("ab"):
        change(scene, number, output={"path": path, "name": "physical"})
    scene.change("", lambda ome: ome["scene"].pop("coordinateSystems"))
    report = xo.validate(scene.path)
    only(report, "error", "", "/scene", 'to the systems of "a"')


def test_paths_of_a_scene_that_lead_out_are_not_followed(scene) -> None:
    change(scene, 1, input={"path": "../b", "name": "physical"})
    assert not xo.validate(scene.path).ok


def test_levels_of_an_image_of_a_scene_are_looked_at(scene) -> None:
    scene.array("a/1", (2, 8, 6), "uint8")
    only(xo.validate(scene.path), "error", "a/1", "", "is of uint8")


def stage(kind, path):
    return {
        "type": kind,
        "path": path,
        "input": {"name": "physical"},
        "output": {"name": "stage"},
    }


@pytest.fixture
def affine(tmp_path):
    folder = Folder(tmp_path / "image.zarr", "0.6")
    path = "coordinateTransformations/matrix"
    return image(folder, "", [stage("affine", path)]), path


def test_stored_parameters_that_are_not_there(affine) -> None:
    folder, _ = affine
    pointer = "/multiscales/0/coordinateTransformations/0/path"
    only(xo.validate(folder.path), "error", "", pointer, "array of parameters")


def test_stored_parameters_of_a_matrix(affine) -> None:
    folder, path = affine
    folder.group("coordinateTransformations")
    folder.array(path, (3, 4), "float64", dims=None)
    assert xo.validate(folder.path).findings == ()


@pytest.mark.parametrize("shape", [(12,), (3, 4, 1)])
def test_stored_parameters_of_another_shape(affine, shape) -> None:
    folder, path = affine
    folder.array(path, shape, "float64", dims=None)
    pointer = "/multiscales/0/coordinateTransformations/0/path"
    only(xo.validate(folder.path), "error", "", pointer, f"the shape {list(shape)}")


def test_levels_should_name_their_dims(tmp_path) -> None:
    folder = image(Folder(tmp_path / "image.zarr", "0.6"), "")
    folder.array("1", (2, 8, 6), dims=None)
    only(xo.validate(folder.path), "warning", "1", "", "dimension_names are none")


def test_parameters_fit_the_systems_of_images(tmp_path) -> None:
    folder = Folder(tmp_path / "scene.zarr", "0.6")
    ends = {"output": {"path": "b", "name": "physical"}, "translation": [1.0, 2.0]}
    folder.group("", {"scene": {"coordinateTransformations": [to_world("a", **ends)]}})
    image(image(folder, "a"), "b")
    pointer = f"{POINTER}/0/translation"
    only(
        xo.validate(folder.path), "error", "", pointer, "2 entries, but the input has 3"
    )


def test_a_system_that_a_scene_lacks_is_told_once(scene) -> None:
    change(scene, 0, output={"name": "nowhere"})
    pointers = [pointed(one) for one in xo.validate(scene.path).errors]
    ends = [one for one in pointers if one.startswith(f"{POINTER}/0/output")]
    assert ends == [f"{POINTER}/0/output"]
