"""Which field of which well every position is, from dims and coordinates."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import OptionError, PlateError
from xarray_omezarr.write.wells import dims_of, find_fields, find_roles


def array(dims, coords=None, dtype="u1", **sizes):
    shape = [sizes.get(dim, 2) for dim in dims] + [4, 4]
    return xr.DataArray(np.ones(shape, dtype), coords, (*dims, "y", "x"))


def paths(da, **named):
    roles = find_roles(da, **named)
    return [field.path for field in find_fields(da, roles, dims_of(da, roles.names))]


def test_wells_and_fields_as_dims() -> None:
    da = array(["well", "field"], {"well": ["B2", "C11"], "field": [0, 5]})
    assert paths(da) == ["B/2/0", "B/2/5", "C/11/0", "C/11/5"]


@pytest.mark.parametrize(
    ("name", "path"),
    [("B2", "B/2/0"), ("B02", "B/02/0"), ("B/2", "B/2/0"), ("AF48", "AF/48/0")],
)
def test_names_of_wells_are_taken_as_they_are_spelled(name, path) -> None:
    assert paths(array(["well"], {"well": [name]}, well=1)) == [path]


def test_rows_columns_and_fields_without_coordinates_are_counted() -> None:
    da = array(["row", "column", "field"], row=1)
    assert paths(da) == ["A/1/0", "A/1/1", "A/2/0", "A/2/1"]


def test_coordinates_along_one_dim_of_positions() -> None:
    da = array(
        ["p"], {"well": ("p", ["A1", "B1", "A1"]), "field": ("p", [0, 0, 7])}, p=3
    )
    assert paths(da) == ["A/1/0", "B/1/0", "A/1/7"]


def test_positions_of_one_well_without_fields_are_numbered() -> None:
    da = array(["p"], {"well": ("p", ["A1", "B1", "A1"])}, p=3)
    assert paths(da) == ["A/1/0", "B/1/0", "A/1/1"]


def test_names_of_dims_are_free() -> None:
    da = array(["r", "k", "fov"], {"r": ["x", "y"], "k": [1, 2], "fov": ["a", "b"]})
    named = {"row": "r", "column": "k", "field": "fov"}
    assert paths(da, **named)[:3] == ["x/1/a", "x/1/b", "x/2/a"]


def test_a_well_that_was_selected_is_a_scalar_coordinate() -> None:
    da = array(["well", "field"], {"well": ["B2", "B3"]}).isel(well=1)
    assert paths(da) == ["B/3/0", "B/3/1"]
    assert paths(da.isel(field=0)) == ["B/3/0"]


def test_stacked_dims_are_coordinates_along_their_index() -> None:
    da = array(["well", "field"], {"well": ["A1", "A2"], "field": [0, 1]})
    stacked = da.stack(p=("well", "field"))
    assert paths(stacked) == ["A/1/0", "A/1/1", "A/2/0", "A/2/1"]


def test_rows_and_columns_as_dims_win_over_a_coordinate_well() -> None:
    da = array(["row", "column"], {"row": ["A", "B"], "column": [3, 4]})
    da = da.assign_coords(well=(("row", "column"), [["a", "b"], ["c", "d"]]))
    assert paths(da)[0] == "A/3/0"


def test_absent_fields_are_those_not_present() -> None:
    da = array(["well", "field"], {"well": ["A1", "A2"]})
    present = (("well", "field"), [[True, False], [False, False]])
    assert paths(da.assign_coords(present=present)) == ["A/1/0"]
    names = da.assign_coords(well=["A1", ""])
    assert paths(names.assign_coords(present=present)) == ["A/1/0"]


def test_absent_fields_in_memory_are_those_all_nan() -> None:
    da = array(["well", "field"], {"well": ["A1", "A2"]}, dtype="f4")
    da[0, 1] = np.nan
    da[1, 0, 0, 0] = np.nan
    assert paths(da) == ["A/1/0", "A/2/0", "A/2/1"]
    # What is lazy is not computed to find out: a coordinate says it.
    assert len(paths(da.chunk().assign_coords(present=True))) == 4


def test_values_after_reindexing_are_numbers_with_a_point() -> None:
    da = array(["row", "column"], {"row": ["A", "B"], "column": [1.0, 2.0]})
    assert paths(da)[1] == "A/2/0"


@pytest.mark.parametrize(
    ("coords", "said"),
    [
        ({"well": ["A1", "1A"]}, "name no well: '1A'"),
        ({"well": [1, 2]}, "name no well"),
        ({"row": ("well", [0, 1]), "column": ("well", [1, 2])}, "count from 0 or from"),
        ({"row": ("well", ["A", "B"]), "column": ("well", [0, 1])}, "number 0"),
        ({"row": ("well", ["A", "B?"]), "column": ("well", [3, 1])}, "B\\?"),
        ({"well": ["A1", "A2"], "field": ("well", [0.5, 1])}, "'field' has values"),
        ({"well": ["A1", "A2"], "field": ("well", ["f_0", "1"])}, "letters and"),
        ({"well": ["A1", "A1"], "field": ("well", [0, 0])}, "same field: A/1/0"),
        ({"well": ["A1", "A2"], "present": ("well", [False] * 2)}, "No field"),
        ({"well": ["A1", "A2"], "present": ("well", [1, 0])}, "'present' is int64"),
        ({"well": ["A1", "A2"], "acquisition": ("y", [0] * 4)}, "'acquisition'"),
    ],
)
def test_names_that_tell_no_field_are_refused(coords, said) -> None:
    da = array(["well"], coords)
    named = {"row": "row", "column": "column"} if "row" in coords else {}
    with pytest.raises(PlateError, match=said):
        paths(da, **named)


def test_wells_without_names_are_refused() -> None:
    with pytest.raises(PlateError, match="assign_coords"):
        paths(array(["well"]))


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"well": "position"}, "well is 'position', and the object has no"),
        ({}, "nothing tells the wells"),
        ({"well": "p", "row": "p"}, "leave out one or the other"),
    ],
)
def test_dims_that_there_are_not_are_refused(named, said) -> None:
    with pytest.raises(OptionError, match=said):
        find_roles(array(["p"]), **named)


@pytest.mark.parametrize("names", [("row", "column"), ("r", "k")])
def test_wells_that_stack_joined_of_rows_and_columns(names) -> None:
    da = array([*names], {names[0]: ["A", "C"], names[1]: ["1", "02"]})
    joined = da.stack(well=names)
    assert paths(joined) == ["A/1/0", "A/02/0", "C/1/0", "C/02/0"]
    assert paths(joined.isel(well=[0, 3])) == ["A/1/0", "C/02/0"]
    if names == ("row", "column"):
        assert paths(joined.reset_index("well")) == paths(joined)


def test_an_index_of_more_than_rows_and_columns_is_named() -> None:
    da = array(["row", "column", "field"], {"row": ["A", "B"], "column": ["1", "2"]})
    joined = da.stack(well=("row", "column", "field"))
    with pytest.raises(OptionError, match=r"index of \['row', 'column', 'field'\]"):
        paths(joined)
    found = paths(joined, row="row", column="column", field="field")
    assert found[:3] == ["A/1/0", "A/1/1", "A/2/0"]


def test_fields_that_are_masked_but_present_are_refused() -> None:
    da = array(["well"], {"well": ["A1", "B2"], "present": ("well", [True, True])})
    with pytest.raises(PlateError, match=r"B/2/0 are all NaN.*assign_coords"):
        paths(da.where(da.well == "A1"))
    assert paths(da.where(da.well == "A1", drop=True)) == ["A/1/0"]
    absent = da.where(da.well == "A1").assign_coords(present=da.well == "A1")
    assert paths(absent) == ["A/1/0"]
