"""What fields have in common, and where their coordinates begin."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.grid.inspect import inspect
from xarray_omezarr.read.common import common_attrs, common_coords, placed_coords
from xarray_omezarr.read.lattice import Lattice
from xarray_omezarr.read.plate import PlateField

PLACES = [("A", "1", "0"), ("B", "1", "0")]


def image(coords=None, **attrs) -> xr.DataArray:
    own = {"t": ("t", [0.0, 2.0], {"units": "second"}), "x": [0.0, 0.5, 1.0]}
    return xr.DataArray(
        np.zeros((2, 3)), dims=("t", "x"), coords={**own, **(coords or {})}, attrs=attrs
    )


def fields(*likes: xr.DataArray, **origins) -> list[PlateField]:
    starts = [{"t": 0.0, "x": 0.0} for _ in PLACES]
    for dim, values in origins.items():
        for start, value in zip(starts, values, strict=True):
            start[dim] = value
    return [
        PlateField(place, like.variable, like, start)
        for place, like, start in zip(PLACES, likes, starts, strict=True)
    ]


def common(*likes: xr.DataArray, **origins) -> dict[str, xr.Variable]:
    found = fields(*likes, **origins)
    return common_coords(found, inspect(likes[0]), Lattice.of(PLACES))


def placed(*likes: xr.DataArray, **origins) -> dict[str, xr.Variable]:
    found = fields(*likes, **origins)
    return placed_coords(found, inspect(likes[0]), Lattice.of(PLACES))


def test_what_is_the_same_stays_as_it_is() -> None:
    one, other = (image({"gain": 2, "lamp": ("t", ["a", "b"])}) for _ in range(2))
    found = common(one, other)
    assert {name: variable.dims for name, variable in found.items()} == {
        "gain": (),
        "lamp": ("t",),
        "t": ("t",),
    }


def test_what_differs_is_told_of_each_field() -> None:
    found = common(image({"gain": 2}), image({"gain": 2.5}))
    assert found["gain"].values.ravel().tolist() == [2.0, 2.5]


@pytest.mark.parametrize(
    "other",
    [{}, {"gain": "much"}, {"gain": ("t", [1, 2])}],
    ids=["missing", "of another kind", "along another dim"],
)
def test_what_cannot_stand_side_by_side_is_named(other) -> None:
    with pytest.warns(OmeZarrWarning, match=r"\['gain'\] of fields are left out"):
        assert "gain" not in common(image({"gain": 2}), image(other))


def test_what_the_stack_tells_itself_is_not_told_twice() -> None:
    told = {"row": "A", "column": "1", "field": "0", "present": True, "acquisition": 2}
    assert {*common(image(told), image(told))} == {"t"}


def test_attributes_that_nobody_contradicts_stay() -> None:
    one = image(a=1, b=[1, 2], c={"d": 1}, e="x", f=np.array([1.0, 2.0]))
    other = image(a=1, b=[1, 3], c={"d": 2}, f=np.array([1.0, 2.0]), g=3)
    assert {*common_attrs(fields(one, other))} == {"a", "e", "f", "g"}


def test_positions_count_from_each_field_and_times_only_where_they_differ() -> None:
    found = placed(image(), image(), x=[3.5, 10.25])
    assert {*found} == {"x", "origin_x"}
    assert found["x"].values.tolist() == [0.0, 0.5, 1.0]
    assert found["origin_x"].values.ravel().tolist() == [3.5, 10.25]
    found = placed(image(), image(), t=[0.0, 60.0])
    assert found["t"].values.tolist() == [0.0, 2.0]
    assert found["t"].attrs["units"] == "second"
    assert found["origin_t"].attrs == {"units": "second"}
    assert found["origin_t"].values.ravel().tolist() == [0.0, 60.0]


def test_uneven_times_keep_their_steps() -> None:
    times = np.array([7.0, 8.0, 11.0])
    one = image().isel(t=0, drop=True).expand_dims(t=times)
    with pytest.warns(OmeZarrWarning):
        found = placed(one, one, t=[7.0, 9.0])
    assert found["t"].values.tolist() == [0.0, 1.0, 4.0]


def test_dates_are_durations_from_a_date() -> None:
    dates = np.array(["2020-01-01", "2020-01-03"], "M8[ns]")
    one = image({"t": dates})
    found = placed(one, one, t=[dates[0], dates[1]])
    assert found["t"].values.tolist() == [0, 2 * 86_400 * 10**9]
    np.testing.assert_array_equal(found["origin_t"].values.ravel(), dates)
