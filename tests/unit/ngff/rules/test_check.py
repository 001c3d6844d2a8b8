"""Which version and kind a document is measured as, and that nothing is raised."""

from __future__ import annotations

import json
import subprocess
import sys
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from tests.unit.ngff.rules.documents import (
    GONE,
    IMAGE_04,
    IMAGE_05,
    IMAGE_06,
    LABELS_05,
    LAYOUT_05,
    PLATE_05,
    RIGHT,
    WELL_04,
    WELL_05,
    assert_one_fault,
    faults,
    summary,
    with_change,
)
from xarray_omezarr.ngff.rules.check import check_attributes
from xarray_omezarr.ngff.rules.report import Report

VERSION = "/ome/version"


class TestVersion:
    # RULES L3
    def test_a_missing_one_is_an_error_and_the_first_is_assumed(self) -> None:
        document = with_change(IMAGE_05, VERSION, GONE)
        assert_one_fault(document, "error", "/ome", "version")
        assert check_attributes(document).version == "0.5"

    @pytest.mark.parametrize(
        ("told", "nearest"),
        [("0.7", "0.6"), ("0.6rc02", "0.6"), ("0.9.dev1", "0.6"), ("1.0-DEV", "0.6")],
    )
    def test_an_unknown_one_is_measured_as_the_nearest(self, told, nearest) -> None:
        document = with_change(IMAGE_06, VERSION, told)
        for level in ("schema", "standard"):
            assert_one_fault(document, "error", VERSION, "version", level)
        assert check_attributes(document).version == nearest

    @pytest.mark.parametrize("told", ["0.5.2", "0.4", " 0.5", "", 0.5, None, [], {}])
    def test_others_under_the_key_are_errors(self, told) -> None:
        document = with_change(IMAGE_05, VERSION, told)
        assert_one_fault(document, "error", VERSION, "version", "schema")

    @pytest.mark.parametrize("told", ["0.1", "0.2", "0.3", "0.4"])
    def test_an_early_one_is_known_and_has_no_such_key(self, told) -> None:
        (found,) = faults(with_change(IMAGE_05, VERSION, told))
        assert found.message.startswith(
            f"is \"{told}\", which has no key 'ome' and is stored in Zarr v2"
        )
        assert found.remedy == "write '0.5'"

    @pytest.mark.parametrize(
        ("document", "pointer", "nearest"),
        [
            (IMAGE_05, VERSION, "0.5"),
            (IMAGE_06, VERSION, "0.6"),
            (IMAGE_04, "/multiscales/0/version", "0.4"),
        ],
    )
    def test_a_later_one_may_be_known_to_a_newer_release(
        self, document, pointer, nearest
    ) -> None:
        (found,) = faults(with_change(document, pointer, "0.9"))
        assert found.remedy == (
            f"a newer release may know it; if it is a slip, write '{nearest}'"
        )
        (found,) = faults(with_change(document, pointer, "0.0"))
        assert "newer" not in found.remedy

    @pytest.mark.parametrize("told", ["0.6.dev3", "0.6.dev4", "0.6dev1"])
    def test_a_draft_is_a_warning_of_the_text_and_an_error_of_the_schema(
        self, told
    ) -> None:
        document = with_change(IMAGE_06, VERSION, told)
        assert_one_fault(document, "warning", VERSION, "published")
        assert_one_fault(document, "error", VERSION, "version", "schema")

    def test_it_is_that_of_the_hierarchy(self) -> None:
        # RULES L4
        found = faults(IMAGE_05, expected="0.6")
        assert [(one.severity, one.pointer) for one in found] == [("error", VERSION)]
        assert "whole hierarchy" in found[0].clause
        assert faults(IMAGE_05, expected="0.5") == []

    def test_both_spellings_of_one_version_are_one(self) -> None:
        assert faults(IMAGE_06, expected="0.6rc0") == []

    def test_a_group_below_is_measured_as_the_one_above(self) -> None:
        document = with_change(IMAGE_06, VERSION, GONE)
        assert check_attributes(document, within="0.6").version == "0.6"
        assert len(faults(document, within="0.6")) == 1

    def test_blocks_tell_it_where_there_is_no_other_place(self) -> None:
        assert check_attributes(WELL_04).version == "0.4"
        document = {"multiscales": [{"version": "0.2"}]}
        assert check_attributes(document).version == "0.2"

    def test_blocks_of_another_version_than_expected_are_errors(self) -> None:
        document = with_change(IMAGE_04, "/multiscales/0/version", "0.3")
        found = faults(document, "schema", expected="0.4")
        assert [one.pointer for one in found] == ["/multiscales/0/version"]


class TestPlaceOfMetadata:
    # RULES L2
    def test_outside_of_the_key_is_an_error_where_it_is_expected(self) -> None:
        found = faults({"labels": ["0"]}, expected="0.5")
        assert [one.severity for one in found][:1] == ["error"]
        assert "'ome'" in found[0].clause

    def test_inside_and_outside_is_a_warning(self) -> None:
        document = {**IMAGE_05, **IMAGE_04}
        assert summary(document) == [("warning", "/multiscales")]

    @pytest.mark.parametrize("ome", [None, [], "0.5", 3])
    def test_the_key_holds_an_object(self, ome) -> None:
        assert_one_fault({"ome": ome}, "error", "/ome", "object")

    @pytest.mark.parametrize("attrs", [{}, {"other": 1}, {"ome": {"version": "0.5"}}])
    def test_a_group_without_metadata_is_no_kind(self, attrs) -> None:
        checked = check_attributes(attrs, "schema")
        assert checked.kind is None and checked.version is None
        assert [one.severity for one in checked.findings] == ["error"]


class TestKind:
    def test_a_plate_wins_over_the_layout_beside_it(self) -> None:
        # RULES F5
        document = {"ome": {**PLATE_05["ome"], **LAYOUT_05["ome"]}}
        checked = check_attributes(document)
        assert checked.kind == "plate" and checked.findings == ()

    @pytest.mark.parametrize("value", [2, "3", True, None, 3.5])
    def test_the_layout_is_three(self, value) -> None:
        # RULES F1
        pointer = "/ome/bioformats2raw.layout"
        document = with_change(LAYOUT_05, pointer, value)
        assert_one_fault(document, "error", pointer, "layout", "schema")

    def test_series_are_texts(self) -> None:
        # RULES F2
        document = {"ome": {"version": "0.5", "series": ["0", 1]}}
        assert_one_fault(document, "error", "/ome/series/1", "series")
        document = {"ome": {"version": "0.5", "series": []}}
        assert faults(document, "schema") == []
        assert_one_fault(document, "warning", "/ome/series", "series")

    def test_all_kinds_of_a_document_are_measured(self) -> None:
        document = {"ome": {**WELL_05["ome"], "series": 3, "plate": 4}}
        pointers = {one.pointer for one in faults(document)}
        assert {"/ome/series", "/ome/plate"} <= pointers


@pytest.mark.parametrize("key", ["series", "labels"])
def test_common_words_beside_an_image_may_be_anybodys(key) -> None:
    assert faults({**IMAGE_04, key: 3}) == []
    assert faults({key: 3}) != []
    document = with_change(IMAGE_05, f"/ome/{key}", 3)
    assert [one.pointer for one in faults(document)] == [f"/ome/{key}"]


def test_no_models_are_loaded_to_measure_a_document() -> None:
    code = (
        "from xarray_omezarr.ngff.rules.check import check_attributes as check; "
        "check({}); import sys; "
        "assert not {'pydantic', 'zarr', 'pint'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_findings_name_the_node() -> None:
    found = check_attributes({}, path="A/1/0").findings
    assert [one.path for one in found] == ["A/1/0"]


def test_any_mapping_is_measured() -> None:
    assert check_attributes(MappingProxyType(IMAGE_05)).findings == ()


def test_tuples_are_lists() -> None:
    document = with_change(LABELS_05, "/ome/labels", ("cells",))
    assert faults(document) == []


class Hostile(dict[str, Any]):
    def __contains__(self, key: object) -> bool:
        raise RuntimeError("no")


class HostileText(str):
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = str.__hash__


def nested_list() -> list[Any]:
    inner: list[Any] = []
    for _ in range(50_000):
        inner = [inner]
    return inner


def own_member() -> dict[str, Any]:
    document: dict[str, Any] = {"version": "0.5"}
    document["multiscales"] = [document, [document]]
    return {"ome": document}


SCALES = [10**5000, float("nan"), float("inf"), -(10**400), np.float64(1), np.int64(2)]
STRANGE = [
    None,
    b"{}",
    object(),
    np.zeros(3),
    {1: 2, None: 3, ("a",): 4},
    {"ome": Hostile()},
    {"ome": {"version": HostileText("0.5")}},
    {"ome": {"version": np.zeros(2)}},
    {"ome": {"version": "9" * 100_000}},
    {"ome": {"version": "0.5\ud800\x1b[31m", "plate": {"rows": ["\ud800"]}}},
    {"ome": {"version": "0.5", 1: 2, "multiscales": nested_list()}},
    {"ome": {"version": "0.5", "image-label": {"colors": [None] * 5000}}},
    own_member(),
    *(
        with_change(
            IMAGE_05, "/ome/multiscales/0/datasets/0/coordinateTransformations/0", one
        )
        for one in [
            {"type": "scale", "scale": SCALES[i : i + 4]} for i in range(len(SCALES))
        ]
    ),
    with_change(PLATE_05, "/ome/plate/wells/0/rowIndex", 10**5000),
    with_change(PLATE_05, "/ome/plate/wells/0/rowIndex", 1e300),
]


@pytest.mark.parametrize("level", ["schema", "strict", "standard"])
@pytest.mark.parametrize("attrs", STRANGE, ids=range(len(STRANGE)))
def test_nothing_is_raised_and_all_can_be_shown(attrs, level) -> None:
    checked = check_attributes(attrs, level)
    assert checked.findings or level != "standard"
    assert len(checked.findings) <= 1001
    report = Report(checked.findings, "here", checked.version, level)
    assert str(report) and report._repr_html_()
    json.dumps(report.to_json(), allow_nan=False)


def pointers(value: Any, above: str = "") -> list[str]:
    """To every place of a document."""
    if not isinstance(value, dict | list):
        return []
    members = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in members:
        here = f"{above}/{key}"
        found += [here, *pointers(item, here)]
    return found


LOOP: list[Any] = []
LOOP.append({"type": "sequence", "transformations": LOOP, "name": LOOP})


FOREIGN = [np.zeros(2), np.str_("scale"), object(), {1: 2}, LOOP]
ANYTHING = [*FOREIGN, None, 10**400, [[]]]


@pytest.mark.parametrize(
    "name",
    ["image 0.3", "image 0.6", "label 0.5", "plate 0.5", "well 0.6", "scene 0.6"],
)
def test_anything_may_stand_at_any_place(name) -> None:
    document, _ = RIGHT[name]
    for pointer in pointers(document):
        for value in ANYTHING:
            faults(with_change(document, pointer, value))


class TestJson:
    # RULES L12
    def test_what_json_has_not_is_an_error_of_the_text(self) -> None:
        document = {**IMAGE_05, "other": {"a": [float("nan")]}}
        assert faults(document, "schema") == []
        assert_one_fault(document, "error", "/other/a/0", "JSON")

    def test_keys_are_text(self) -> None:
        assert_one_fault({**IMAGE_05, 7: 1}, "error", "/7", "JSON")

    def test_a_value_of_another_kind_is_an_error(self) -> None:
        assert_one_fault({**IMAGE_05, "a": np.int64(1)}, "error", "/a", "JSON")


def test_of_very_many_faults_the_first_are_told_and_the_others_counted() -> None:
    document = {"ome": {"version": "0.5", "image-label": {"colors": [1.5, 2] * 1000}}}
    found = faults(document, "schema")
    assert len(found) == 1001
    assert "more" in found[-1].message


def test_a_list_with_very_many_entries_is_measured_once_each() -> None:
    names = [{"name": f"R{i}"} for i in range(3000)]
    wells = [{"path": f"R{i}/1", "rowIndex": i, "columnIndex": 0} for i in range(3000)]
    plate = {**PLATE_05["ome"]["plate"], "rows": names, "wells": wells}
    document = with_change(PLATE_05, "/ome/plate", {**plate, "columns": names[:1]})
    document = with_change(document, "/ome/plate/columns/0/name", "1")
    assert faults(document) == []
