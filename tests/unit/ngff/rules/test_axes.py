from __future__ import annotations

import pytest

from tests.unit.ngff.rules.documents import (
    AXES,
    GONE,
    IMAGE_03,
    IMAGE_05,
    IMAGE_06,
    assert_one_fault,
    faults,
    summary,
    with_change,
)

HERE = "/ome/multiscales/0/axes"
SYSTEM = "/ome/multiscales/0/coordinateSystems/1/axes"


@pytest.mark.parametrize(
    ("at", "value", "severity", "pointer", "word"),
    [
        ("/0/name", GONE, "error", "/0", "name"),  # RULES A1
        ("/0/name", 5, "error", "/0/name", "text"),
        ("/0/name", "y", "error", "/2", "unique"),  # RULES A2
        ("/1/type", GONE, "warning", "/1", "type"),  # RULES A3
        ("/1/type", None, "warning", "/1", "type"),
        ("/1/type", "angle", "warning", "/1/type", "channel"),  # RULES A4
        ("/0/type", "channel", "error", "", "at most one"),  # RULES A7
        ("/2/unit", GONE, "warning", "/2", "unit"),  # RULES A10
        ("/2/unit", "um", "warning", "/2/unit", "UDUNITS"),  # RULES A11
        ("/0/unit", "micrometer", "warning", "/0/unit", "UDUNITS"),
        ("/2/unit", None, "warning", "/2/unit", "unit"),  # RULES A12
        ("/2/unit", 3, "error", "/2/unit", "unit"),
        ("/0", "t", "error", "/0", "object"),
    ],
)
def test_one_broken_axis_is_one_finding(at, value, severity, pointer, word) -> None:
    document = with_change(IMAGE_05, HERE + at, value)
    assert_one_fault(document, severity, HERE + pointer, word)


def with_axes(*axes, document=IMAGE_05, at=HERE):
    return with_change(document, at, list(axes))


def vector_free(findings):
    """Without those about vectors, which no longer fit."""
    return [one for one in findings if "one number" not in one.clause]


T, C, Y, X = AXES
Z = {"name": "z", "type": "space", "unit": "micrometer"}


@pytest.mark.parametrize(
    ("axes", "word"),
    [
        ((T, C, X), "2 or 3"),  # RULES A5
        (({**Z, "name": "w"}, Z, Y, X), "2 or 3"),
        ((T, {**T, "name": "u"}, Y, X), "at most one is of type time"),  # RULES A6
        ((C, {"name": "a", "type": "channel"}, Y, X), "at most one is a channel"),
        ((C, T, Y, X), "order"),  # RULES A8
        ((T, Y, X, C), "order"),
        ((Y, X, T), "order"),
        ((T, C, Z, Y, X, {**X, "name": "w"}), "2 to 5"),  # RULES L8
    ],
)
def test_axes_that_do_not_go_together_are_an_error(axes, word) -> None:
    found = vector_free(faults(with_axes(*axes)))
    assert any(
        one.severity == "error" and word in one.clause and one.pointer == HERE
        for one in found
    )


def test_space_axes_out_of_their_order_are_a_warning() -> None:
    found = vector_free(faults(with_axes(X, Y, Z, C)))  # RULES A9
    clauses = [one.clause for one in found if one.severity == "warning"]
    assert any("z, y, x" in clause for clause in clauses)


class TestQuirksOfTheSchemas:
    def test_a_null_as_unit_takes_an_axis_out_of_space(self) -> None:
        # RULES A12
        document = with_change(IMAGE_05, f"{HERE}/2/unit", None)
        assert_one_fault(document, "error", HERE, "2 or 3", "schema")

    def test_three_axes_of_space_and_one_without_type_are_four(self) -> None:
        # RULES A16
        untyped = {"name": "c"}
        document = with_axes(untyped, Z, Y, X)
        assert_one_fault(document, "error", HERE, "2 or 3", "schema")
        assert [one.severity for one in faults(document)] == ["warning"]

    def test_the_text_alone_knows_the_order(self) -> None:
        assert faults(with_axes(C, T, Y, X), "schema") == []


class TestSystems:
    @pytest.mark.parametrize(
        ("at", "value", "severity", "pointer", "word"),
        [
            ("/0/name", "", "error", "/0/name", "not empty"),  # RULES A1
            ("/0/longName", 1, "error", "/0/longName", "names"),  # RULES A15
            ("/1/discrete", "yes", "error", "/1/discrete", "discrete"),
            ("/2/unit", None, "error", "/2/unit", "unit"),  # RULES A12
            ("/1/type", "frequency", "warning", "/1/type", "type"),
        ],
    )
    def test_one_broken_axis(self, at, value, severity, pointer, word) -> None:
        document = with_change(IMAGE_06, SYSTEM + at, value)
        assert_one_fault(document, severity, SYSTEM + pointer, word)

    def test_axes_of_an_array_need_no_space(self) -> None:
        array = [{"name": f"dim_{i}", "type": "array"} for i in range(4)]
        document = with_axes(*array, document=IMAGE_06, at=SYSTEM)
        assert faults(document) == []

    def test_two_of_space_and_two_of_array_are_neither(self) -> None:
        array = [{"name": f"dim_{i}", "type": "array"} for i in range(2)]
        document = with_axes(*array, Y, X, document=IMAGE_06, at=SYSTEM)
        assert ("error", SYSTEM) in summary(document, "schema")

    def test_the_order_counts_in_each_system(self) -> None:
        document = with_axes(C, T, Y, X, document=IMAGE_06, at=SYSTEM)
        assert_one_fault(document, "error", SYSTEM, "order")  # RULES C2


class TestNames:
    HERE = "/multiscales/0/axes"

    @pytest.mark.parametrize(
        ("value", "pointer"),
        [
            (["y"], ""),
            (["q", "y", "x"], "/0"),
            (["y", "y"], "/1"),
            (["x", "y"], ""),
            (None, ""),
        ],
    )
    def test_names_are_some_of_five_in_their_order(self, value, pointer) -> None:
        document = with_change(IMAGE_03, self.HERE, value)
        assert_one_fault(document, "error", self.HERE + pointer, "axes")
