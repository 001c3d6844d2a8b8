from __future__ import annotations

import pytest

from tests.unit.ngff.rules.documents import (
    GONE,
    PLATE_04,
    PLATE_05,
    PLATE_06,
    WELL_04,
    WELL_05,
    WELL_06,
    assert_one_fault,
    faults,
    with_change,
)

HERE = "/ome/plate"
ROWS, COLUMNS = f"{HERE}/rows", f"{HERE}/columns"
FIRST = f"{HERE}/wells/0"
TAKEN = f"{HERE}/acquisitions/0"


@pytest.mark.parametrize(
    ("at", "value", "severity", "pointer", "word"),
    [
        (HERE, [], "error", HERE, "object"),
        (ROWS, GONE, "error", HERE, "rows"),  # RULES P1
        (f"{HERE}/columns", [], "error", COLUMNS, "at least one"),
        (f"{HERE}/wells", [], "error", f"{HERE}/wells", "at least one"),
        (f"{ROWS}/-", {"name": "A_1"}, "error", f"{ROWS}/2/name", "letters"),
        (f"{ROWS}/-", {"name": "C\n"}, "error", f"{ROWS}/2/name", "letters"),
        (f"{ROWS}/-", {}, "error", f"{ROWS}/2", "name"),  # RULES P2
        (f"{ROWS}/-", {"name": "A"}, "error", f"{ROWS}/2", "unique"),
        (f"{ROWS}/-", {"name": "A", "x": 1}, "error", f"{ROWS}/2", "unique"),
        (f"{ROWS}/-", {"name": "a"}, "warning", f"{ROWS}/2", "file system"),
        (FIRST, "A/1", "error", FIRST, "object"),
        (f"{FIRST}/path", GONE, "error", FIRST, "path"),  # RULES P5
        (f"{FIRST}/path", "A/1/0", "error", f"{FIRST}/path", "row/column"),
        (f"{FIRST}/path", "A1", "error", f"{FIRST}/path", "row/column"),
        (f"{FIRST}/path", "C/1", "error", FIRST, "row/column"),
        (f"{FIRST}/path", "A/9", "error", FIRST, "row/column"),
        (f"{FIRST}/rowIndex", GONE, "error", FIRST, "rowIndex"),  # RULES P6
        (f"{FIRST}/rowIndex", -1, "error", f"{FIRST}/rowIndex", "from 0"),
        (f"{FIRST}/rowIndex", 1, "error", f"{FIRST}/rowIndex", "agree"),
        (f"{FIRST}/columnIndex", 3, "error", f"{FIRST}/columnIndex", "point into"),
        (f"{FIRST}/columnIndex", "0", "error", f"{FIRST}/columnIndex", "integer"),
        (f"{TAKEN}/id", GONE, "error", TAKEN, "id"),  # RULES P7
        (f"{TAKEN}/id", -1, "error", f"{TAKEN}/id", "id"),
        (f"{HERE}/acquisitions/1/id", 0, "error", f"{HERE}/acquisitions/1/id", "uniq"),
        (f"{TAKEN}/name", GONE, "warning", TAKEN, "name"),
        (f"{TAKEN}/maximumfieldcount", GONE, "warning", TAKEN, "maximumfieldcount"),
        (
            f"{TAKEN}/maximumfieldcount",
            0,
            "error",
            f"{TAKEN}/maximumfieldcount",
            "maximumfieldcount",
        ),
        (f"{TAKEN}/starttime", -3, "error", f"{TAKEN}/starttime", "starttime"),
        (f"{TAKEN}/description", 1, "error", f"{TAKEN}/description", "description"),
        (f"{HERE}/field_count", GONE, "warning", HERE, "field_count"),  # RULES P8
        (f"{HERE}/field_count", 0, "error", f"{HERE}/field_count", "positive"),
        (f"{HERE}/name", GONE, "warning", HERE, "name"),  # RULES P9
        (f"{HERE}/name", 0, "error", f"{HERE}/name", "text"),
        (f"{HERE}/version", GONE, "warning", HERE, "version"),  # RULES P10
    ],
)
def test_one_broken_place_is_one_finding(at, value, severity, pointer, word) -> None:
    assert_one_fault(with_change(PLATE_05, at, value), severity, pointer, word)


def test_a_path_of_column_and_row_breaks_both_names() -> None:
    document = with_change(PLATE_05, f"{FIRST}/path", "1/A")
    found = [one for one in faults(document) if one.severity == "error"]
    assert {one.pointer for one in found} == {FIRST}
    assert len(found) == 2
    assert faults(document, "schema") == []


def test_a_well_is_listed_once() -> None:
    again = {"path": "A/1", "rowIndex": 0, "columnIndex": 0, "more": 1}
    document = with_change(PLATE_05, f"{HERE}/wells/-", again)
    assert_one_fault(document, "error", f"{HERE}/wells/2/path", "once")


@pytest.mark.parametrize("told", [GONE, "0.4"])
def test_what_the_text_demands_and_official_cases_lack_is_a_warning(told) -> None:
    (found,) = faults(with_change(PLATE_05, "/ome/plate/version", told))
    assert found.severity == "warning"
    why = "(MUST; only a warning, as official valid cases lack it)"
    assert found.clause.startswith("OME-Zarr 0.5, plate") and found.clause.endswith(why)


def test_the_version_of_a_plate_is_advice_before() -> None:
    (found,) = faults(with_change(PLATE_04, "/plate/version", GONE))
    assert found.clause.endswith("(SHOULD)")


def test_a_later_plate_tells_no_version_of_its_own() -> None:
    assert faults(PLATE_06) == []


@pytest.mark.parametrize("key", ["name", "version"])
def test_strict_demands(key) -> None:
    document = with_change(PLATE_04, f"/plate/{key}", GONE)
    assert_one_fault(document, "error", "/plate", key, "strict")


def test_strict_demands_of_acquisitions() -> None:
    document = with_change(PLATE_06, f"{TAKEN}/maximumfieldcount", GONE)
    assert_one_fault(document, "error", TAKEN, "maximumfieldcount", "strict")
    assert faults(document, "schema") == []


IMAGES = "/ome/well/images"


@pytest.mark.parametrize(
    ("at", "value", "severity", "pointer", "word"),
    [
        (IMAGES, GONE, "error", "/ome/well", "images"),  # RULES W1
        (IMAGES, [], "error", IMAGES, "at least one"),
        (f"{IMAGES}/0", "0", "error", f"{IMAGES}/0", "object"),
        (f"{IMAGES}/0/path", GONE, "error", f"{IMAGES}/0", "path"),
        (f"{IMAGES}/0/path", "fov_0", "error", f"{IMAGES}/0/path", "letters"),
        (f"{IMAGES}/0/path", "1", "error", f"{IMAGES}/1/path", "unique"),  # RULES W3
        (f"{IMAGES}/0/acquisition", "0", "error", f"{IMAGES}/0/acquisition", "id"),
        ("/ome/well/version", GONE, "warning", "/ome/well", "version"),  # RULES W5
    ],
)
def test_one_broken_place_of_a_well(at, value, severity, pointer, word) -> None:
    assert_one_fault(with_change(WELL_05, at, value), severity, pointer, word)


class TestPathsOfFields:
    # RULES W2
    @pytest.mark.parametrize("path", ["fov_0", "a.b-c", "_x", "..a", "0"])
    def test_later_ones_may_have_more_characters(self, path) -> None:
        assert faults(with_change(WELL_06, f"{IMAGES}/0/path", path)) == []

    @pytest.mark.parametrize("path", ["..", ".", "__x", "", "a/b", "é", "a\n"])
    def test_some_names_are_kept_out(self, path) -> None:
        document = with_change(WELL_06, f"{IMAGES}/0/path", path)
        assert_one_fault(document, "error", f"{IMAGES}/0/path", "dots", "schema")


def test_the_strict_schema_demands_the_version_of_a_well() -> None:
    document = with_change(WELL_04, "/well/version", GONE)
    assert_one_fault(document, "error", "/well", "version", "strict")
