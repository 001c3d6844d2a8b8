"""The twelve types: their form, and whether they fit the systems at both ends."""

from __future__ import annotations

import math

import pytest

from tests.unit.ngff.rules.documents import AXES, IMAGE_06, faults, with_change

JOIN = "/ome/multiscales/0/coordinateTransformations/0"
ENDS = {"input": {"name": "physical"}, "output": {"name": "world"}}
T, C, Y, X = AXES
Z = {"name": "z", "type": "space", "unit": "micrometer"}
COS = round(math.cos(0.3), 4)
SIN = round(math.sin(0.3), 4)
TURN = [[COS, -SIN, 0], [SIN, COS, 0], [0, 0, 1]]


def joined(transform, inputs=(Z, Y, X), outputs=(Z, Y, X)):
    """An image whose two systems the transformation joins."""
    level = {
        "type": "scale",
        "scale": [1.0] * len(inputs),
        "input": {"path": "0"},
        "output": {"name": "physical"},
    }
    multiscale = {
        **IMAGE_06["ome"]["multiscales"][0],
        "coordinateSystems": [
            {"name": "physical", "axes": list(inputs)},
            {"name": "world", "axes": list(outputs)},
        ],
        "datasets": [{"path": "0", "coordinateTransformations": [level]}],
        "coordinateTransformations": [{**transform, **ENDS}],
    }
    return {"ome": {"version": "0.6", "multiscales": [multiscale]}}


def part(transform, inputs, outputs):
    return {"transformation": transform, "inputAxes": inputs, "outputAxes": outputs}


SCALE_1 = {"type": "scale", "scale": [2]}
SCALE_2 = {"type": "scale", "scale": [2, 2]}

FITTING = [
    {"type": "identity"},
    {"type": "scale", "scale": [1, 2, 3]},
    {"type": "translation", "translation": [-1, 0, 3.5]},
    {"type": "mapAxis", "mapAxis": [2, 0, 1]},
    {"type": "affine", "affine": [[1, 0.1, 0, 5], [0, 1, 0, 5], [0, 0, 1, 5]]},
    {"type": "affine", "path": "coordinateTransformations/affine"},
    {"type": "rotation", "rotation": TURN},
    {"type": "rotation", "path": "coordinateTransformations/turn"},
    {"type": "sequence", "transformations": [{"type": "identity"}]},
    {
        "type": "bijection",
        "forward": {"type": "translation", "translation": [1, 1, 1]},
        "inverse": {"type": "translation", "translation": [-1, -1, -1]},
    },
    {
        "type": "byDimension",
        "transformations": [part(SCALE_1, [0], [2]), part(SCALE_2, [1, 2], [0, 1])],
    },
    {"type": "displacements", "path": "field", "interpolation": "linear"},
    {"type": "coordinates", "path": "field"},
    {
        "type": "sequence",
        "transformations": [
            {"type": "projectAxis", "droppedInputs": [0]},
            {"type": "projectAxis", "createdOutputs": [0]},
        ],
    },
]


@pytest.mark.parametrize("level", ["schema", "standard"])
@pytest.mark.parametrize("transform", FITTING, ids=lambda one: one["type"])
def test_what_fits_is_right(transform, level) -> None:
    assert faults(joined(transform), level) == []


BROKEN_FORM = [
    ({"type": "scale"}, "", "scale"),
    ({"type": "scale", "scale": [1, 0, 1]}, "/scale/1", "positive"),
    ({"type": "scale", "path": "scales"}, "", "scale"),
    ({"type": "translation", "translation": "no"}, "/translation", "list"),
    ({"type": "mapAxis", "mapAxis": [0]}, "/mapAxis", "permutation"),
    ({"type": "mapAxis", "mapAxis": [0, 0, 1]}, "/mapAxis/1", "permutation"),
    ({"type": "mapAxis", "mapAxis": [0, 1, 5]}, "/mapAxis/2", "permutation"),
    ({"type": "mapAxis", "mapAxis": [0, 1, 0.5]}, "/mapAxis/2", "permutation"),
    ({"type": "projectAxis"}, "", "drops"),
    ({"type": "projectAxis", "droppedInputs": []}, "/droppedInputs", "1 to 3"),
    ({"type": "affine"}, "", "either"),
    ({"type": "affine", "affine": [[1], ["a"]]}, "/affine/1/0", "rows"),
    ({"type": "affine", "affine": [[1]], "path": "a"}, "", "either"),
    ({"type": "affine", "path": 3}, "/path", "path"),
    ({"type": "rotation", "rotation": [[1]]}, "/rotation", "square"),
    ({"type": "rotation", "rotation": [[1, 0], [0, 1, 0]]}, "/rotation/1", "square"),
    ({"type": "sequence"}, "", "list"),
    (
        {"type": "sequence", "transformations": [{"type": "x"}]},
        "/transformations/0/type",
        "type",
    ),
    ({"type": "byDimension", "transformations": [{}]}, "/transformations/0", "axes"),
    ({"type": "bijection", "forward": {"type": "identity"}}, "", "inverse"),
    ({"type": "coordinates"}, "", "path"),
    (
        {"type": "displacements", "path": "f", "interpolation": "best"},
        "/interpolation",
        "nearest",
    ),
]


@pytest.mark.parametrize(("transform", "pointer", "word"), BROKEN_FORM)
@pytest.mark.parametrize("level", ["schema", "standard"])
def test_a_broken_form_is_found_where_it_is(transform, pointer, word, level) -> None:
    found = faults(joined(transform), level)
    assert ("error", JOIN + pointer) in [(one.severity, one.pointer) for one in found]
    assert any(word in one.clause for one in found if one.pointer == JOIN + pointer)


MIRROR = [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
BIGGER = [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
# RULES C10
NOT_FITTING = [
    ({"type": "scale", "scale": [1, 2]}, "/scale", "each axis"),
    ({"type": "mapAxis", "mapAxis": [1, 0]}, "/mapAxis", "each axis"),
    ({"type": "mapAxis", "mapAxis": [0, 1, 4]}, "/mapAxis", "permutation"),
    ({"type": "affine", "affine": [[1, 0, 0, 0]]}, "/affine", "fits"),
    ({"type": "affine", "affine": [[1, 0, 0]] * 3}, "/affine", "fits"),
    ({"type": "affine", "affine": [[1, 0, 0, 0], [1]]}, "/affine", "each row"),
    ({"type": "rotation", "rotation": [[1, 0], [0, 1]]}, "/rotation", "fits"),
    ({"type": "rotation", "rotation": MIRROR}, "/rotation", "determinant"),
    ({"type": "rotation", "rotation": BIGGER}, "/rotation", "determinant"),
    ({"type": "sequence", "transformations": []}, "/transformations", "at least one"),
    ({"type": "projectAxis", "droppedInputs": [0]}, "", "projectAxis"),
    ({"type": "projectAxis", "droppedInputs": [4]}, "/droppedInputs/0", "point to"),
    (
        {"type": "byDimension", "transformations": [part(SCALE_2, [0, 1], [0, 1])]},
        "",
        "exactly once",
    ),
    (
        {"type": "byDimension", "transformations": [part(SCALE_1, [9], [0])]},
        "/transformations/0/inputAxes/0",
        "point to",
    ),
    (
        {"type": "sequence", "transformations": [SCALE_2]},
        "/transformations/0/scale",
        "each axis",
    ),
    (
        {"type": "bijection", "forward": SCALE_2, "inverse": SCALE_2},
        "/forward/scale",
        "each axis",
    ),
]


@pytest.mark.parametrize(("transform", "pointer", "word"), NOT_FITTING)
def test_what_does_not_fit_the_systems_is_an_error(transform, pointer, word) -> None:
    assert faults(joined(transform), "schema") == []
    found = faults(joined(transform))
    assert {one.severity for one in found} == {"error"}
    assert any(one.pointer == JOIN + pointer and word in one.clause for one in found)


class TestSystemsOfDifferentSize:
    # RULES C2 wants the size of the arrays in each system of an image; here only
    # whether the transformation fits is asked.
    PLANE = (Y, X)

    @pytest.mark.parametrize(
        "transform",
        [
            {"type": "projectAxis", "droppedInputs": [0]},
            {"type": "affine", "affine": [[1, 0, 0, 0], [0, 1, 0, 0]]},
        ],
    )
    def test_some_types_lead_to_fewer_axes(self, transform) -> None:
        found = faults(joined(transform, outputs=self.PLANE))
        assert not [one for one in found if one.pointer.startswith(JOIN)]

    @pytest.mark.parametrize("kind", ["identity", "displacements"])
    def test_others_do_not(self, kind) -> None:
        transform = {"type": kind, "path": "field"}
        found = faults(joined(transform, outputs=self.PLANE))
        assert ("error", JOIN) in [(one.severity, one.pointer) for one in found]


def test_the_two_words_for_cubic_are_advised_against() -> None:
    # RULES 11
    for word, level in (("cubic", "schema"), ("cubic", ""), ("bspline-cubic", "")):
        transform = {"type": "coordinates", "path": "f", "interpolation": word}
        found = faults(joined(transform), level or "standard")
        assert {one.severity for one in found} <= {"warning"}


def test_a_broken_matrix_beside_a_path_is_nothing_to_the_schema() -> None:
    document = joined({"type": "affine", "affine": "none", "path": "a"})
    assert faults(document, "schema") == []
    assert [one.pointer for one in faults(document)] == [f"{JOIN}/affine"]


def test_a_step_of_a_sequence_that_leaves_an_axis_out_is_a_warning() -> None:
    # The text refuses it at any depth; a case that its authors call valid has it.
    step = {"type": "byDimension", "transformations": [part(SCALE_2, [0, 1], [0, 1])]}
    found = faults(joined({"type": "sequence", "transformations": [step]}))
    assert [(one.severity, one.pointer) for one in found] == [
        ("warning", f"{JOIN}/transformations/0")
    ]


def test_a_step_of_a_sequence_writes_no_axis_twice() -> None:
    parts = [part(SCALE_1, [i], [min(i, 1)]) for i in range(3)]
    step = {"type": "byDimension", "transformations": parts}
    found = faults(joined({"type": "sequence", "transformations": [step]}))
    assert [(one.severity, one.pointer) for one in found] == [
        ("error", f"{JOIN}/transformations/0")
    ]


@pytest.mark.parametrize(("factor", "word"), [(1, "translation"), (2.5, "scale and")])
def test_an_affine_that_is_less_is_a_warning(factor, word) -> None:
    # RULES C11
    matrix = [[factor, 0, 0, 5], [0, 1, 0, 5], [0, 0, 1, 5]]
    found = faults(joined({"type": "affine", "affine": matrix}))
    assert [(one.severity, one.pointer) for one in found] == [
        ("warning", f"{JOIN}/affine")
    ]
    assert f"no more than {word}" in found[0].message


def test_an_affine_that_mirrors_is_needed() -> None:
    matrix = [[-1, 0, 0, 5], [0, 1, 0, 5], [0, 0, 1, 5]]
    assert faults(joined({"type": "affine", "affine": matrix})) == []


def test_a_rotation_of_three_decimals_is_one() -> None:
    turn = [[0.866, -0.5, 0], [0.5, 0.866, 0], [0, 0, 1]]
    assert faults(joined({"type": "rotation", "rotation": turn})) == []


def test_numbers_that_no_float_can_hold_are_no_rotation() -> None:
    turn = [[10**400, 0, 0], [0, 1, 0], [0, 0, 1]]
    faults(joined({"type": "rotation", "rotation": turn}))


def test_many_transformations_inside_each_other_are_one_finding() -> None:
    transform = {"type": "identity"}
    for _ in range(40):
        transform = {"type": "sequence", "transformations": [transform, transform]}
    found = faults(with_change(joined({}), JOIN, {**transform, **ENDS}), "schema")
    assert ["finite" in one.clause for one in found] == [True]


def test_a_transformation_that_holds_itself_is_one_finding() -> None:
    transform: dict[str, object] = {"type": "sequence", **ENDS}
    transform["transformations"] = [transform, transform]
    document = joined({})
    document["ome"]["multiscales"][0]["coordinateTransformations"] = [transform]
    for level in ("schema", "standard"):
        clauses = [one.clause for one in faults(document, level)]
        assert sum("finite" in clause for clause in clauses) == 1


@pytest.mark.parametrize("step", ["scale", "translation"])
def test_a_step_of_wrong_length_is_one_fault_and_the_next_one_is_right(step) -> None:
    steps = "/ome/multiscales/0/datasets/0/coordinateTransformations/0/transformations"
    place = f"{steps}/{['scale', 'translation'].index(step)}/{step}"
    (found,) = faults(with_change(IMAGE_06, place, [1.0, 0.5]))
    assert found.pointer == place
    assert found.remedy == f"write {len(AXES)} entries"


def test_a_turn_of_wrong_size_is_one_fault_and_the_next_one_is_right() -> None:
    turn = {"type": "rotation", "rotation": [[COS, -SIN], [SIN, COS]]}
    moved = {"type": "translation", "translation": [1.0, 2.0, 3.0]}
    whole = {"type": "sequence", "transformations": [turn, moved]}
    found = faults(joined(whole))
    assert {one.pointer for one in found} == {f"{JOIN}/transformations/0/rotation"}
