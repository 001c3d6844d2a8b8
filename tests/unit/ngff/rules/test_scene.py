from __future__ import annotations

import pytest

from tests.unit.ngff.rules.documents import (
    AXES,
    GONE,
    SCENE_06,
    assert_one_fault,
    faults,
    with_change,
)

HERE = "/ome/scene"
SYSTEMS = f"{HERE}/coordinateSystems"
FIRST = f"{HERE}/coordinateTransformations/0"


@pytest.mark.parametrize(
    ("at", "value", "pointer", "word"),
    [
        (HERE, [], HERE, "object"),
        (SYSTEMS, {}, SYSTEMS, "list"),
        (f"{HERE}/coordinateTransformations", GONE, HERE, "at least one"),
        (
            f"{HERE}/coordinateTransformations",
            [],
            f"{HERE}/coordinateTransformations",
            "at least one",
        ),
        (f"{FIRST}/input", GONE, FIRST, "input"),
        (f"{FIRST}/input", "tile", f"{FIRST}/input", "objects"),
        (f"{FIRST}/input/name", GONE, f"{FIRST}/input", "name"),  # RULES C8
        (f"{FIRST}/input/other", 1, f"{FIRST}/input/other", "name"),
        (f"{FIRST}/input/path", 3, f"{FIRST}/input/path", "path"),
        (f"{FIRST}/input/path", GONE, f"{FIRST}/input", "system of the scene"),
        (f"{FIRST}/output/name", "moon", f"{FIRST}/output", "system of the scene"),
        (f"{FIRST}/translation", [1, 2, 3], f"{FIRST}/translation", "each axis"),
        (f"{FIRST}/type", "warp", f"{FIRST}/type", "type"),
        (f"{SYSTEMS}/-", {"name": "b", "axes": AXES}, HERE, "join all"),  # RULES C9
    ],
)
def test_one_broken_place_is_an_error_there(at, value, pointer, word) -> None:
    found = faults(with_change(SCENE_06, at, value))
    assert [one for one in found if one.pointer == pointer and word in one.clause]
    assert found[0].severity == "error"


def test_a_scene_needs_no_systems_of_its_own() -> None:
    document = with_change(SCENE_06, SYSTEMS, GONE)
    there = {"name": "physical", "path": "other"}
    assert faults(with_change(document, f"{FIRST}/output", there)) == []


def test_systems_of_one_image_count_as_joined() -> None:
    stage = {"name": "b", "axes": AXES[2:]}
    join = {
        "type": "identity",
        "input": {"name": "other", "path": "tile"},
        "output": {"name": "b"},
    }
    document = with_change(SCENE_06, f"{SYSTEMS}/-", stage)
    document = with_change(document, f"{HERE}/coordinateTransformations/-", join)
    assert faults(document) == []


def test_the_text_takes_a_null_as_path_and_the_schema_not() -> None:
    # RULES 11
    document = with_change(SCENE_06, f"{FIRST}/output/path", None)
    pointer = f"{FIRST}/output/path"
    assert_one_fault(document, "error", pointer, "path", "schema")
    assert_one_fault(document, "warning", pointer, "path")
