from __future__ import annotations

import pytest

from tests.unit.ngff.rules.documents import (
    GONE,
    LABEL_04,
    LABEL_05,
    LABELS_05,
    assert_one_fault,
    faults,
    with_change,
)

HERE = "/ome/image-label"
COLOR = f"{HERE}/colors/0"
LABELS = "/ome/labels"


@pytest.mark.parametrize(
    ("at", "value", "severity", "pointer", "word"),
    [
        (HERE, [], "error", HERE, "object"),
        (f"{HERE}/version", GONE, "warning", HERE, "version"),  # RULES B12
        (f"{HERE}/colors", GONE, "warning", HERE, "colors"),  # RULES B9
        (f"{HERE}/colors", [], "error", f"{HERE}/colors", "different objects"),
        (f"{HERE}/colors", {}, "error", f"{HERE}/colors", "list"),
        (f"{COLOR}", 1, "error", COLOR, "objects"),
        (f"{COLOR}/label-value", GONE, "error", COLOR, "label-value"),
        (f"{COLOR}/label-value", "1", "error", f"{COLOR}/label-value", "label-value"),
        (f"{COLOR}/label-value", 1.5, "error", f"{COLOR}/label-value", "integer"),
        (
            f"{COLOR}/label-value",
            2,
            "warning",
            f"{HERE}/colors/1/label-value",
            "one color",
        ),
        (f"{COLOR}/rgba", [1, 2, 3], "error", f"{COLOR}/rgba", "four"),
        (f"{COLOR}/rgba/0", 256, "error", f"{COLOR}/rgba/0", "0 to 255"),
        (f"{COLOR}/rgba/0", 0.5, "error", f"{COLOR}/rgba/0", "0 to 255"),
        (f"{HERE}/properties", [], "error", f"{HERE}/properties", "list"),  # RULES B10
        (
            f"{HERE}/properties/0/label-value",
            1.5,
            "error",
            f"{HERE}/properties/0/label-value",
            "label-value",
        ),
        (f"{HERE}/source", "../", "error", f"{HERE}/source", "object"),  # RULES B11
        (f"{HERE}/source/image", 1, "error", f"{HERE}/source/image", "image"),
        ("/ome/multiscales", GONE, "warning", "/ome", "is an image"),  # RULES B4
    ],
)
def test_one_broken_place_is_one_finding(at, value, severity, pointer, word) -> None:
    document = with_change(LABEL_05, at, value)
    if at == "/ome/multiscales":
        document = with_change(document, "/ome/omero", GONE)
    assert_one_fault(document, severity, pointer, word)


def test_the_schema_takes_any_number_for_the_label_of_a_color() -> None:
    # RULES 11
    document = with_change(LABEL_05, f"{COLOR}/label-value", 1.5)
    assert faults(document, "schema") == []


def test_the_schema_knows_equal_colors_and_the_text_equal_labels() -> None:
    color = {"label-value": 2, "rgba": [0, 0, 0, 0]}
    document = with_change(LABEL_05, f"{HERE}/colors/-", color)
    assert_one_fault(document, "error", f"{HERE}/colors/2", "different", "schema")


def test_two_colors_of_a_label_were_an_error() -> None:
    document = with_change(LABEL_04, "/image-label/colors/0/label-value", 2)
    pointer = "/image-label/colors/1/label-value"
    assert_one_fault(document, "error", pointer, "one color")


@pytest.mark.parametrize("level", ["strict"])
def test_the_strict_schema_demands_colors(level) -> None:
    document = with_change(LABEL_05, f"{HERE}/colors", GONE)
    assert_one_fault(document, "error", HERE, "colors", level)
    assert faults(document, "schema") == []


class TestGroupOfLabels:
    # RULES B1
    @pytest.mark.parametrize(
        ("value", "pointer"),
        [
            ({}, LABELS),
            ([], LABELS),
            ([1], f"{LABELS}/0"),
            ([""], f"{LABELS}/0"),
            (["a", "a"], f"{LABELS}/1"),
        ],
    )
    def test_it_lists_paths(self, value, pointer) -> None:
        document = with_change(LABELS_05, LABELS, value)
        assert_one_fault(document, "error", pointer, "paths")

    def test_no_schema_knows_it(self) -> None:
        assert faults(with_change(LABELS_05, LABELS, {}), "schema") == []

    def test_an_empty_list_was_no_error(self) -> None:
        assert_one_fault({"labels": []}, "warning", "/labels", "paths")

    def test_it_tells_its_version(self) -> None:
        # RULES L3
        document = with_change(LABELS_05, "/ome/version", GONE)
        assert_one_fault(document, "error", "/ome", "version")
