"""What is known of wells becomes coordinates; what has no place there is kept."""

from __future__ import annotations

import numpy as np
import pytest

from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.read.plate_map import beyond, map_coords

ROWS, COLUMNS = np.array(["A", "B"]), np.array(["1", "12"])


def test_each_thing_that_is_known_is_a_coordinate_along_row_and_column() -> None:
    told = {"A/1": {"n": 3, "drug": "x"}, "B/12": {"n": 4, "drug": None}}
    found = map_coords(told, ROWS, COLUMNS, ())
    assert [*found] == ["n", "drug"]
    assert {variable.dims for variable in found.values()} == {("row", "column")}
    np.testing.assert_array_equal(found["n"].values, [[3, np.nan], [np.nan, 4]])
    assert found["drug"].values[0, 0] == "x"
    assert found["drug"].isnull().values.tolist() == [[False, True], [True, True]]


def test_values_of_one_kind_without_gaps_keep_their_type() -> None:
    told = {
        f"{row}/{column}": {"n": 1, "ok": True} for row in "AB" for column in (1, 12)
    }
    found = map_coords(told, ROWS, COLUMNS, ())
    assert (found["n"].dtype.kind, found["ok"].dtype.kind) == ("i", "b")


def test_names_that_are_taken_are_told() -> None:
    with pytest.warns(OmeZarrWarning, match="'y'"):
        assert map_coords({"A/1": {"y": 3}}, ROWS, COLUMNS, {"y"}) == {}


def test_lines_of_other_rows_and_columns_are_left_over() -> None:
    told = {"A/1": {"n": 1}, "A/2": {"n": 2}, "C/1": {"n": 3}, "note": "mine"}
    assert beyond(told, ROWS, COLUMNS) == {"A/2": {"n": 2}, "C/1": {"n": 3}}
    assert beyond("mine", ROWS, COLUMNS) == {}
