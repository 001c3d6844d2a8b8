"""Scenes as values."""

from __future__ import annotations

import re

import pytest

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff import Scene
from xarray_omezarr.ngff.scene import check_scene

AXES = [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
MOVED = {
    "type": "translation",
    "input": {"path": "tile", "name": "physical"},
    "output": {"name": "world"},
    "translation": [0.0, 10.0],
}
SCENE = {
    "coordinateSystems": [{"name": "world", "axes": AXES}],
    "coordinateTransformations": [MOVED],
}


def test_a_scene_is_written_as_it_was_read() -> None:
    scene = Scene.model_validate(SCENE)
    assert scene.to_json() == SCENE
    assert check_scene(scene) == []


def test_a_scene_has_a_transformation() -> None:
    with pytest.raises(MetadataError, match="coordinateTransformations"):
        Scene.model_validate({"coordinateTransformations": []})


def test_systems_of_one_name_are_refused() -> None:
    world = SCENE["coordinateSystems"][0]
    with pytest.raises(MetadataError, match=r"\['world'\]"):
        Scene.model_validate({**SCENE, "coordinateSystems": [world, world]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": {"path": "tile"}}, r"no system as its \['input'\]"),
        ({"output": None}, r"no system as its \['output'\]"),
        ({"output": {"name": "elsewhere"}}, "'elsewhere', which is not among"),
        ({"translation": [0.0]}, "gives 1 axes.* has 2"),
    ],
)
def test_ends_that_are_not_there_or_do_not_fit_are_told(
    change: dict[str, object], message: str
) -> None:
    scene = {**SCENE, "coordinateTransformations": [{**MOVED, **change}]}
    (problem,) = check_scene(Scene.model_validate(scene))
    assert re.search(message, problem)
