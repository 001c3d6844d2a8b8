"""Names of rows and columns: order, filling up, layouts."""

from __future__ import annotations

import warnings

import pytest

from xarray_omezarr.errors import OmeZarrWarning, OptionError, PlateError
from xarray_omezarr.write.plate_names import (
    PlateNames,
    check_layout,
    check_names,
    natural_key,
    parse_rows,
    plate_names,
)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def filled(used_rows, used_columns, **given):
    options = {"rows": None, "columns": None, "layout": None, **given}
    return plate_names(PlateNames(tuple(used_rows), tuple(used_columns)), **options)


@pytest.mark.parametrize(
    "names",
    [
        ["2", "10"],
        ["B2", "B10"],
        ["A", "B", "Z", "AA", "AB", "AF"],
        ["01", "02", "10"],
        ["1", "A"],
        ["Control", "DMSO"],
    ],
)
def test_names_sort_as_plates_are_numbered(names):
    backwards = list(reversed(names))
    assert sorted(backwards, key=natural_key) == names


def test_rows_and_columns_are_filled_up_from_the_first_name_to_the_last_used():
    names = filled(["A", "D"], ["12"])

    assert names.rows == ("A", "B", "C", "D")
    assert names.columns == tuple(str(n) for n in range(1, 13))


def test_zero_padded_columns_keep_their_width():
    assert filled(["A"], ["03"]).columns == ("01", "02", "03")
    assert filled(["A"], ["001", "002"]).columns == ("001", "002")


def test_columns_that_count_from_zero_are_filled_up_from_zero():
    assert filled(["A"], ["0", "2"]).columns == ("0", "1", "2")


def test_lower_case_rows_stay_lower_case():
    assert filled(["a", "c"], ["1"]).rows == ("a", "b", "c")


def test_rows_after_z_go_on_with_two_letters():
    assert filled(["AB"], ["1"]).rows == (*LETTERS, "AA", "AB")


@pytest.mark.parametrize("rows", [["WT"], ["A", "b"], ["Control", "A"], ["1", "A"]])
def test_names_that_are_no_sequence_are_only_those_used(rows):
    assert filled(rows, ["1"]).rows == tuple(rows)


@pytest.mark.parametrize("columns", [["1", "02"], ["left"], ["100000"]])
def test_columns_that_are_no_sequence_are_only_those_used(columns):
    assert filled(["A"], columns).columns == tuple(columns)


@pytest.mark.parametrize(
    ("layout", "last_row", "columns"),
    [
        (6, "B", 3),
        (12, "C", 4),
        (24, "D", 6),
        (48, "F", 8),
        (96, "H", 12),
        (384, "P", 24),
        (1536, "AF", 48),
    ],
)
def test_a_layout_declares_the_physical_plate(layout, last_row, columns):
    names = filled(["B"], ["2"], layout=layout)

    assert names.rows[-1] == last_row
    assert len(names.rows) * len(names.columns) == layout
    assert names.columns == tuple(str(n) for n in range(1, columns + 1))


def test_a_layout_is_spelled_as_the_wells_are():
    names = filled(["b"], ["02"], layout=6)

    assert names == PlateNames(("a", "b"), ("01", "02", "03"))


def test_wells_outside_the_layout_are_refused():
    with pytest.raises(PlateError, match="columns '13', and layout=96 has '1' to '12'"):
        filled(["A"], ["13"], layout=96)
    with pytest.raises(PlateError, match="rows 'Control'"):
        filled(["Control"], ["1"], layout=96)


def test_given_rows_win_in_their_order():
    names = filled(["A"], ["1"], rows=("B", "A", "C"))

    assert names.rows == ("B", "A", "C")


@pytest.mark.parametrize("layout", [96, "96", " 384 "])
def test_a_layout_may_be_text(layout):
    assert check_layout(layout) == int(layout)


@pytest.mark.parametrize("layout", [97, "many", True, 0, 9.5])
def test_other_layouts_are_refused(layout):
    with pytest.raises(OptionError, match="1536 wells"):
        check_layout(layout)


@pytest.mark.parametrize("name", ["B-2", "B_2", "µ", "a b", "", "A/1"])
def test_names_of_other_characters_are_refused_with_a_remedy(name):
    with pytest.raises(PlateError, match="letters and digits"):
        check_names(["A", name], "row")


def test_names_that_differ_by_case_only_are_warned_of():
    with pytest.warns(OmeZarrWarning, match="'A' and 'a' differ only by case"):
        check_names(["A", "a"], "row")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_names(["A", "b", "01", "AA"], "row")


def test_rows_may_be_given_as_texts_numbers_or_dicts():
    assert parse_rows(["A", {"name": "B"}], "row") == ("A", "B")
    assert parse_rows([1, 2], "column") == ("1", "2")
    assert parse_rows(None, "row") is None


@pytest.mark.parametrize("rows", [["A", "A"], [], "AB", 3, [True], [None]])
def test_rows_that_are_no_names_are_refused(rows):
    with pytest.raises(PlateError):
        parse_rows(rows, "row")
