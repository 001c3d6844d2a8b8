from __future__ import annotations

import pytest

from tests.unit.ngff.rules.documents import (
    GONE,
    IMAGE_01,
    IMAGE_04,
    IMAGE_05,
    assert_one_fault,
    faults,
    summary,
    with_change,
)

HERE = "/ome/multiscales/0"
FIRST = f"{HERE}/datasets/0"
SCALE = f"{FIRST}/coordinateTransformations/0"
SHIFT = f"{FIRST}/coordinateTransformations/1"


@pytest.mark.parametrize(
    ("at", "value", "severity", "pointer", "word"),
    [
        ("/ome/multiscales", [], "error", "/ome/multiscales", "at least one"),
        ("/ome/multiscales", {}, "error", "/ome/multiscales", "list"),
        (f"{HERE}/axes", GONE, "error", HERE, "axes"),  # RULES M2
        (f"{HERE}/datasets", GONE, "error", HERE, "datasets"),  # RULES M3
        (f"{HERE}/datasets", [], "error", f"{HERE}/datasets", "at least one"),
        (f"{FIRST}/path", GONE, "error", FIRST, "path"),
        (f"{FIRST}/path", 0, "error", f"{FIRST}/path", "text"),
        (f"{FIRST}/path", "1", "error", f"{HERE}/datasets/1/path", "each dataset"),
        (f"{FIRST}/coordinateTransformations", GONE, "error", FIRST, "transform"),
        (f"{HERE}/name", GONE, "warning", HERE, "name"),  # RULES M5
        (f"{HERE}/name", 7, "error", f"{HERE}/name", "text"),
        (f"{HERE}/type", GONE, "warning", HERE, "type"),  # RULES M6
        (f"{HERE}/metadata", GONE, "warning", HERE, "metadata"),
        (f"{HERE}/metadata", "mean", "warning", f"{HERE}/metadata", "metadata"),
        (f"{SCALE}/type", "affine", "error", f"{SCALE}/type", "only scale"),
        (f"{SCALE}/scale/0", "1", "error", f"{SCALE}/scale/0", "numbers"),  # RULES T6
        (f"{SCALE}/scale/0", True, "error", f"{SCALE}/scale/0", "numbers"),
        (f"{SCALE}/scale/0", 0, "warning", f"{SCALE}/scale/0", "not zero"),
        (f"{SCALE}/scale/0", GONE, "error", f"{SCALE}/scale", "each axis"),  # RULES T4
        (f"{SHIFT}/translation", [1], "error", f"{SHIFT}/translation", "for each axis"),
        (f"{SHIFT}/translation", GONE, "error", SHIFT, "translation"),
        (f"{SHIFT}", 4, "error", SHIFT, "object"),
    ],
)
def test_one_broken_place_is_found_there(at, value, severity, pointer, word) -> None:
    document = with_change(IMAGE_05, at, value)
    first = faults(document)[0]
    assert (first.severity, first.pointer) == (severity, pointer)
    assert word in first.clause


def test_entries_of_multiscales_differ() -> None:
    # RULES M1
    entry = IMAGE_05["ome"]["multiscales"][0]
    document = with_change(IMAGE_05, "/ome/multiscales/-", entry)
    assert_one_fault(document, "error", "/ome/multiscales/1", "different")


SIZE = {"type": "scale", "scale": [1, 1, 0.5, 0.5]}
OFFSET = {"type": "translation", "translation": [0, 0, 1, 1]}


class TestScaleAndTranslation:
    AT = f"{FIRST}/coordinateTransformations"

    def place(self, *transforms):
        return with_change(IMAGE_05, self.AT, list(transforms))

    def test_there_is_exactly_one_scale(self) -> None:
        # RULES T2
        assert_one_fault(self.place(OFFSET), "error", self.AT, "exactly one")
        twice = self.place(SIZE, SIZE)
        assert ("error", self.AT) in summary(twice)

    def test_there_is_at_most_one_translation(self) -> None:
        # RULES T3
        document = self.place(SIZE, OFFSET, OFFSET)
        assert_one_fault(document, "error", self.AT, "at most one")
        assert faults(document, "schema") == []

    def test_the_scale_comes_first(self) -> None:
        # RULES T3
        document = self.place(OFFSET, SIZE)
        assert_one_fault(document, "error", self.AT, "scale and then")
        assert faults(document, "schema") == []

    def test_transformations_of_all_levels_obey_the_same_rules(self) -> None:
        # RULES T8
        at = f"{HERE}/coordinateTransformations"
        document = with_change(IMAGE_05, at, [{"type": "scale", "scale": [1, 1]}])
        assert_one_fault(document, "error", f"{at}/0/scale", "each axis")

    def test_a_file_for_the_numbers_passes_no_schema(self) -> None:
        # RULES T7
        document = self.place({"type": "scale", "path": "scales"})
        assert ("error", f"{self.AT}/0") in summary(document, "schema")


class TestOrderOfLevels:
    # RULES M4
    AT = f"{HERE}/datasets/1"

    def second(self, y: float, x: float):
        at = f"{self.AT}/coordinateTransformations/0/scale"
        return with_change(IMAGE_05, at, [1.0, 1.0, y, x])

    def test_smaller_pixels_come_first(self) -> None:
        assert_one_fault(self.second(0.25, 0.25), "error", self.AT, "ordered")

    def test_one_axis_alone_may_stay(self) -> None:
        assert faults(self.second(0.5, 1.0)) == []

    def test_finer_along_one_axis_and_coarser_along_another_is_doubtful(self) -> None:
        assert_one_fault(self.second(0.4999, 1.0), "warning", self.AT, "ordered")

    def test_no_schema_knows_it(self) -> None:
        assert faults(self.second(0.25, 0.25), "schema") == []

    def test_numbers_that_no_float_can_hold_are_not_compared(self) -> None:
        assert faults(self.second(10**400, 1.0)) == []


class TestVersionOfABlock:
    # RULES M7
    AT = "/multiscales/0/version"

    def test_the_schema_knows_one_value(self) -> None:
        document = with_change(IMAGE_04, self.AT, "0.5")
        assert_one_fault(document, "error", self.AT, "version", "schema")

    def test_it_is_advised(self) -> None:
        document = with_change(IMAGE_04, self.AT, GONE)
        assert faults(document, "schema") == []
        assert_one_fault(document, "warning", "/multiscales/0", "version")

    def test_the_strict_schema_demands_it(self) -> None:
        document = with_change(IMAGE_04, self.AT, GONE)
        assert_one_fault(document, "error", "/multiscales/0", "version", "strict")


@pytest.mark.parametrize("key", ["name", "type", "metadata"])
def test_what_is_advised_is_demanded_by_the_strict_schema(key) -> None:
    document = with_change(IMAGE_05, f"{HERE}/{key}", GONE)
    assert_one_fault(document, "error", HERE, key, "strict")
    assert faults(document, "schema") == []


def test_the_oldest_images_have_neither_axes_nor_transformations() -> None:
    document = with_change(IMAGE_01, "/multiscales/0/datasets/0/path", GONE)
    assert_one_fault(document, "error", "/multiscales/0/datasets/0", "path")
