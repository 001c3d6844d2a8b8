"""The plate map: tables and mappings by well."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from xarray_omezarr.errors import OmeZarrErrorGroup, OmeZarrWarning, PlateError
from xarray_omezarr.write.plate_map import (
    find_well,
    joined_plate_map,
    kept_plate_map,
    parse_plate_map,
    plain_value,
)
from xarray_omezarr.write.plate_names import PlateNames

PLATE = PlateNames(("A", "B", "C"), ("1", "2", "12"))
DOSES = {"A/1": {"dose": 1.5}, "B/12": {"dose": 2.5}}


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"well": ["A1", "B12"], "dose": [1.5, 2.5]}),
        pd.DataFrame({"Well": ["A01", "B/12"], "dose": [1.5, 2.5]}),
        pd.DataFrame({"dose": [1.5, 2.5]}, index=["A-01", "b12"]),
        pd.DataFrame({"row": ["A", "B"], "column": [1, 12], "dose": [1.5, 2.5]}),
        pd.DataFrame({"Row": ["A", "B"], "Col": ["01", "12"], "dose": [1.5, 2.5]}),
        pd.DataFrame({"row": ["A", "B"], "column": [1.0, 12.0], "dose": [1.5, 2.5]}),
        pd.DataFrame(
            {"dose": [1.5, 2.5]},
            index=pd.MultiIndex.from_tuples([("A", 1), ("B", 12)]),
        ),
        {"B12": {"dose": 2.5}, "A/1": {"dose": 1.5}},
    ],
)
def test_wells_are_named_in_any_usual_way(table):
    assert parse_plate_map(table, PLATE) == DOSES


def test_a_file_of_commas_is_read_with_its_names_as_they_are(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text("Row,Column,compound,dose\nA,01,DMSO,\nB,12,drug,0.5\n")

    assert parse_plate_map(path, PLATE) == {
        "A/1": {"compound": "DMSO", "dose": None},
        "B/12": {"compound": "drug", "dose": 0.5},
    }


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["00123", "7"], ["00123", "7"]),
        (["None", "NA"], ["None", "NA"]),
        (["null", "nan"], ["null", "nan"]),
        (["NaN", "1.5"], ["NaN", "1.5"]),
        (["inf", "1"], ["inf", "1"]),
        (["+5", "5"], ["+5", "5"]),
        (["1_000", "2"], ["1_000", "2"]),
        (["1.1", "1.10"], ["1.1", "1.10"]),
        (["9007199254740993", "1"], ["9007199254740993", "1"]),
        (["0.1234567890123456789", "1"], ["0.1234567890123456789", "1"]),
        (["2026-05-01", "2026-05-02"], ["2026-05-01", "2026-05-02"]),
        (["1", "20"], [1, 20]),
        (["-3", ""], [-3, None]),
        (["0", "0.50"], [0.0, 0.5]),
        (["1e-3", "2.5"], [0.001, 2.5]),
        ([" 4", "5"], [4, 5]),
        (["true", "false"], [True, False]),
        (["True", ""], [True, None]),
        (["", ""], [None, None]),
    ],
)
def test_a_column_of_a_file_is_of_numbers_where_that_loses_nothing(
    tmp_path, texts, values
):
    path = tmp_path / "map.csv"
    path.write_text(f"well,id\nA1,{texts[0]}\nB12,{texts[1]}\n")

    found = parse_plate_map(path, PLATE)

    assert [line["id"] for line in found.values()] == values
    assert [*map(type, (line["id"] for line in found.values()))] == [*map(type, values)]


def test_a_comma_at_the_end_of_each_line_moves_no_column(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text("well,dose\nA1,1.5,\nB12,2.5,\n")

    assert parse_plate_map(path, PLATE) == DOSES


def test_values_become_json_and_missing_ones_null():
    table = pd.DataFrame(
        {
            "well": ["A1", "A2"],
            "count": np.array([3, 4]),
            "dose": [np.nan, 1.5],
            "fixed": [True, False],
            "seen": [pd.Timestamp("2026-05-01T08:00"), pd.NaT],
            "name": ["x", None],
        }
    )

    assert parse_plate_map(table, PLATE)["A/1"] == {
        "count": 3,
        "dose": None,
        "fixed": True,
        "seen": "2026-05-01T08:00:00",
        "name": "x",
    }
    assert parse_plate_map(table, PLATE)["A/2"]["seen"] is None
    assert parse_plate_map(table, PLATE)["A/2"]["name"] is None
    day = {"A1": {"day": datetime.date(2026, 5, 1)}}
    assert parse_plate_map(day, PLATE) == {"A/1": {"day": "2026-05-01"}}


def test_wells_of_a_mapping_all_have_the_same_columns():
    found = parse_plate_map({"A1": {"dose": 1}, "A2": {"compound": "x"}}, PLATE)

    assert found["A/2"] == {"dose": None, "compound": "x"}


def test_padded_columns_of_the_plate_are_found():
    padded = PlateNames(("A",), ("01", "02"))

    assert find_well("A2", padded) == ("A", "02")
    assert find_well("A/2", padded) == ("A", "02")


def test_an_ambiguous_name_is_no_well():
    both = PlateNames(("A",), ("1", "01"))

    assert find_well("A001", both) is None
    assert find_well("A01", both) == ("A", "01")


def test_names_of_one_s_own_are_found_where_they_are_exact():
    own = PlateNames(("ctrl", "drug"), ("left", "right"))

    assert find_well("ctrlleft", own) == ("ctrl", "left")
    assert find_well("drug/right", own) == ("drug", "right")


def test_wells_that_the_plate_cannot_have_are_refused_together():
    table = pd.DataFrame({"well": ["A1", "D1", "A13"], "dose": [1, 2, 3]})

    with pytest.raises(PlateError, match="'D1', 'A13', and the plate has rows A to C"):
        parse_plate_map(table, PLATE)


def test_a_well_that_occurs_twice_is_refused():
    with pytest.raises(PlateError, match="A/1 twice, as 'A1' and 'A01'"):
        parse_plate_map(pd.DataFrame({"well": ["A1", "A01"], "dose": [1, 2]}), PLATE)


def test_a_table_without_wells_is_refused():
    with pytest.raises(PlateError, match="none tells the well"):
        parse_plate_map(pd.DataFrame({"dose": [1, 2]}), PLATE)
    with pytest.raises(PlateError, match="is a list"):
        parse_plate_map([1], PLATE)
    with pytest.raises(PlateError, match="of well 'A1' is 3"):
        parse_plate_map({"A1": 3}, PLATE)


def test_columns_that_name_other_things_are_refused():
    with pytest.raises(PlateError, match="'present'"):
        parse_plate_map({"A1": {"present": True}}, PLATE)


def test_values_that_are_no_json_are_refused_with_their_well():
    with pytest.raises(PlateError, match="'x' of well A/1"):
        parse_plate_map({"A1": {"x": object()}}, PLATE)


def test_all_problems_come_together():
    with pytest.raises(OmeZarrErrorGroup) as caught:
        parse_plate_map({"A1": {"x": object()}, "Z9": {"x": 1}}, PLATE)
    assert len(caught.value.exceptions) == 2


def test_a_map_that_was_read_loses_what_no_longer_fits_with_a_warning():
    with pytest.warns(OmeZarrWarning, match="Z/9"):
        kept = kept_plate_map({"A/1": {"dose": 1}, "Z/9": {"dose": 2}}, PLATE)

    assert kept == {"A/1": {"dose": 1}}
    assert kept_plate_map("mine", PLATE) == {}


def test_of_two_maps_what_is_told_wins_and_null_hides_nothing():
    kept = {"B/1": {"drug": "x", "dose": 1.0}, "A/12": {"drug": "z", "dose": None}}
    told = {"B/1": {"dose": 2.5, "drug": None}, "A/2": {"dose": 3, "drug": None}}

    joined = joined_plate_map(kept, told, PLATE)

    assert joined == {
        "A/2": {"drug": None, "dose": 3},
        "A/12": {"drug": "z", "dose": None},
        "B/1": {"drug": "x", "dose": 2.5},
    }
    assert [*joined] == ["A/2", "A/12", "B/1"]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32("nan"), None),
        (np.datetime64("NaT", "ns"), None),
        (pd.NA, None),
        (np.int8(-3), -3),
        (np.str_("x"), "x"),
        (np.bool_(True), True),
        (np.datetime64("2026-05-01T08:00", "ns"), "2026-05-01T08:00:00"),
        (["a", 1], ["a", 1]),
    ],
)
def test_values_of_numpy_and_pandas_are_plain(value, plain):
    found = plain_value(value, "it")

    assert found == plain
    assert type(found) is type(plain)
