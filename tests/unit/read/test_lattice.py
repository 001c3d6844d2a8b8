"""Places for the fields of a plate."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.read.lattice import DIMS, Lattice

PLACES = [("A", "10", "0"), ("A", "2", "0"), ("AA", "2", "10"), ("B", "2", "2")]


def test_rows_columns_and_fields_are_in_natural_order_and_only_those_used() -> None:
    lattice = Lattice.of(PLACES)
    assert [names.tolist() for names in lattice.names] == [
        ["A", "B", "AA"],
        ["2", "10"],
        ["0", "2", "10"],
    ]
    assert lattice.shape == (3, 2, 3)
    assert lattice.index["AA", "2", "10"] == (2, 0, 2)


def test_values_stand_where_their_field_is() -> None:
    lattice = Lattice.of(PLACES)
    found = lattice.filled(-1, {place: n for n, place in enumerate(PLACES)})
    assert found[lattice.index["B", "2", "2"]] == 3
    assert (found == -1).sum() == 18 - len(PLACES)


@pytest.mark.parametrize(
    ("values", "empty"),
    [
        ([1.5, 2.5], np.nan),
        ([1, 2], 0),
        (["a", "long"], ""),
        ([True, True], False),
        (np.array(["2020", "2021"], "M8[ns]"), np.datetime64("NaT", "ns")),
        (np.array([1, 2], "m8[s]"), np.timedelta64("NaT", "s")),
    ],
)
def test_where_no_field_is_there_is_no_value(values, empty) -> None:
    places = [("A", "1", "0"), ("B", "2", "0")]
    lattice = Lattice.of(places)
    variables = [xr.Variable("t", [value] * 2, {"units": "s"}) for value in values]
    found = lattice.along(dict(zip(places, variables, strict=True)))
    assert found.dims == (*DIMS, "t")
    assert found.attrs == {"units": "s"}
    np.testing.assert_array_equal(found.values[0, 0, 0], variables[0].values)
    np.testing.assert_array_equal(found.values[1, 1, 0], variables[1].values)
    np.testing.assert_array_equal(found.values[0, 1, 0], np.array([empty] * 2))


def test_whole_numbers_and_others_stand_side_by_side_as_numbers() -> None:
    places = [("A", "1", "0"), ("A", "1", "1")]
    values = [xr.Variable((), 1), xr.Variable((), 2.5)]
    found = Lattice.of(places).along(dict(zip(places, values, strict=True)))
    assert found.values.ravel().tolist() == [1.0, 2.5]
