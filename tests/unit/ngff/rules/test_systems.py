from __future__ import annotations

import pytest

from tests.unit.ngff.rules.documents import (
    AXES,
    GONE,
    IMAGE_06,
    assert_one_fault,
    faults,
    summary,
    with_change,
)

HERE = "/ome/multiscales/0"
SYSTEMS = f"{HERE}/coordinateSystems"
LEVEL = f"{HERE}/datasets/0/coordinateTransformations"
FIRST = f"{LEVEL}/0"
JOINS = f"{HERE}/coordinateTransformations"
JOIN = f"{JOINS}/0"


@pytest.mark.parametrize(
    ("at", "value", "pointer", "word"),
    [
        (SYSTEMS, {}, SYSTEMS, "list"),
        (f"{SYSTEMS}/1/name", 4, f"{SYSTEMS}/1/name", "text"),  # RULES C1
        (f"{SYSTEMS}/1/axes", GONE, f"{SYSTEMS}/1", "axes"),
        (f"{SYSTEMS}/1/name", "physical", f"{SYSTEMS}/1", "unique"),
        (LEVEL, GONE, f"{HERE}/datasets/0", "exactly one"),  # RULES C5
        (LEVEL, [], LEVEL, "exactly one"),
        (f"{FIRST}", "scale", FIRST, "dataset"),
        (f"{FIRST}/type", "affine", f"{FIRST}/type", "dataset"),
        (f"{FIRST}/transformations/0/type", "identity", None, "sequence"),
        (f"{FIRST}/transformations", GONE, FIRST, "sequence"),
        (f"{FIRST}/transformations/0/scale/0", 0, None, "positive"),
        (f"{FIRST}/transformations/0/scale/0", -1.5, None, "positive"),
        (f"{FIRST}/transformations/0/scale/0", GONE, None, "each axis"),  # RULES C10
        (f"{FIRST}/input", GONE, FIRST, "input"),  # RULES C4
        (f"{FIRST}/input", "0", f"{FIRST}/input", "objects"),  # RULES C3
        (f"{FIRST}/output/name", GONE, f"{FIRST}/output", "name"),  # RULES C6
        (f"{FIRST}/input/path", "7", f"{FIRST}/input", "the dataset"),
        (f"{FIRST}/name", 5, f"{FIRST}/name", "members"),
        (JOINS, [], JOINS, "at least one"),
        (f"{JOIN}/type", "warp", f"{JOIN}/type", "type is one of"),
        (f"{JOIN}/translation/0", GONE, f"{JOIN}/translation", "each axis"),
        (f"{JOIN}/input", "physical", f"{JOIN}/input", "objects"),
        (f"{JOIN}/output/name", None, f"{JOIN}/output/name", "text"),
        (f"{JOIN}/output", {"name": "moon"}, f"{JOIN}/output", "systems of"),
        (f"{JOIN}/input", {"name": "world"}, JOIN, "one side"),  # RULES C7
        (f"{SYSTEMS}/-", {"name": "far", "axes": AXES}, HERE, "join all"),  # RULES C9
    ],
)
def test_one_broken_place_is_an_error_there(at, value, pointer, word) -> None:
    found = faults(with_change(IMAGE_06, at, value))
    errors = [one for one in found if one.severity == "error"]
    expected = [
        one
        for one in errors
        if word in one.clause and one.pointer in (pointer or one.pointer)
    ]
    assert expected and expected[0].pointer.startswith(HERE)


def test_all_levels_lead_to_one_system() -> None:
    # RULES C6
    at = f"{HERE}/datasets/1/coordinateTransformations/0/output"
    document = with_change(IMAGE_06, at, {"name": "world"})
    assert_one_fault(document, "error", at, "one system")
    assert faults(document, "schema") == []


@pytest.mark.parametrize("kind", ["scale", "identity"])
def test_a_level_may_have_one_transformation(kind) -> None:
    # RULES C5
    transform = {
        "type": kind,
        "input": {"path": "0"},
        "output": {"name": "physical"},
    }
    if kind == "scale":
        transform["scale"] = [1, 1, 1, 1]
    assert faults(with_change(IMAGE_06, LEVEL, [transform])) == []


class TestSequencesOfLevels:
    # RULES 11: the schema takes any two, the text one order.
    @pytest.mark.parametrize("order", [(1, 0), (0, 0), (1, 1)])
    def test_the_scale_comes_first(self, order) -> None:
        at = f"{FIRST}/transformations"
        level = IMAGE_06["ome"]["multiscales"][0]["datasets"][0]
        parts = level["coordinateTransformations"][0]["transformations"]
        document = with_change(IMAGE_06, at, [parts[i] for i in order])
        assert faults(document, "schema") == []
        assert ("error", at) in summary(document)


class TestUntypedTransformations:
    # Where the schema matches forms instead of types.
    def place(self, **members):
        ends = {"input": {"path": "0"}, "output": {"name": "physical"}}
        return with_change(IMAGE_06, LEVEL, [{**ends, **members}])

    def test_without_any_member_it_is_an_identity_to_the_schema(self) -> None:
        assert faults(self.place(), "schema") == []
        assert_one_fault(self.place(), "error", FIRST, "type")

    def test_with_a_scale_it_is_two_things_at_once(self) -> None:
        document = self.place(scale=[1, 1, 1, 1])
        assert_one_fault(document, "error", FIRST, "type", "schema")

    def test_with_a_broken_scale_it_is_an_identity_again(self) -> None:
        assert faults(self.place(scale="big"), "schema") == []


class TestEnds:
    def test_a_null_is_what_the_text_takes_and_the_schema_not(self) -> None:
        # RULES 11
        document = with_change(IMAGE_06, f"{FIRST}/output/path", None)
        pointer = f"{FIRST}/output/path"
        assert_one_fault(document, "error", pointer, "path", "schema")
        assert_one_fault(document, "warning", pointer, "input and output")

    @pytest.mark.parametrize(
        ("at", "value"), [("input/name", "physical"), ("output/path", "0")]
    )
    def test_more_than_is_needed_is_a_warning(self, at, value) -> None:
        document = with_change(IMAGE_06, f"{FIRST}/{at}", value)
        assert_one_fault(document, "warning", f"{FIRST}/{at[:-5]}", "only")

    def test_a_system_of_a_label_image_is_one_side(self) -> None:
        # RULES B13
        there = {"name": "physical", "path": "labels/cells"}
        join = {"input": {"name": "physical"}, "output": there, "type": "identity"}
        assert faults(with_change(IMAGE_06, f"{JOINS}/-", join)) == []

    def test_only_simple_transformations_lead_to_a_label_image(self) -> None:
        # RULES B13
        join = {
            "input": {"name": "physical"},
            "output": {"name": "physical", "path": "labels/cells"},
            "type": "mapAxis",
            "mapAxis": [0, 1, 3, 2],
        }
        document = with_change(IMAGE_06, f"{JOINS}/-", join)
        assert_one_fault(document, "error", f"{JOINS}/1", "label image")


def test_the_levels_of_systems_are_ordered_too() -> None:
    at = f"{HERE}/datasets/1/coordinateTransformations/0/transformations/0/scale"
    document = with_change(IMAGE_06, at, [1.0, 1.0, 0.25, 0.25])
    assert_one_fault(document, "error", f"{HERE}/datasets/1", "ordered")  # RULES M4


def test_a_system_of_another_size_than_the_arrays_is_a_warning() -> None:
    # RULES C2: the text wants one size, and has projectAxis for several.
    document = with_change(IMAGE_06, f"{SYSTEMS}/1/axes", AXES[1:])
    project = {
        "type": "projectAxis",
        "droppedInputs": [0],
        "input": {"name": "physical"},
        "output": {"name": "world"},
    }
    document = with_change(document, JOIN, project)
    assert_one_fault(document, "warning", f"{SYSTEMS}/1", "dimensions of its arrays")
    (found,) = faults(document)
    assert "(MUST; only a warning, as the text has" in found.clause
