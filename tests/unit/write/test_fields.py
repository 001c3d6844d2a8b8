"""Plates and collections in one array: which images there are, and what goes where."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import OptionError, PlateError
from xarray_omezarr.options import complete
from xarray_omezarr.write.fields import plan_any_plate, split_plate, split_series

NOTHING = {"well": None, "row": None, "column": None, "field": None}
PIXELS = np.arange(3 * 2 * 4 * 4, dtype="u2").reshape(3, 2, 4, 4)


def stack(**coords):
    known = {"well": ["A1", "A2", "B1"], "field": [0, 1]}
    return xr.DataArray(PIXELS, known | coords, ("well", "field", "y", "x"))


def plate_map(**coords):
    return split_plate(stack(**coords), NOTHING)[1].get("plate_map")


# Plates.
def test_every_place_is_a_field_with_its_pixels() -> None:
    images, of_plate = split_plate(stack(), NOTHING)
    assert [*images.by_path] == ["A/1/0", "A/1/1", "A/2/0", "A/2/1", "B/1/0", "B/1/1"]
    for path, index in images.places.items():
        np.testing.assert_array_equal(images.by_path[path].values, PIXELS[index])
    assert of_plate == {}


def test_what_coordinates_tell_of_wells_is_by_well_and_not_in_fields() -> None:
    assert plate_map(dose=("well", [1.0, np.nan, 3.0])) == {
        "A/1": {"dose": 1.0},
        "B/1": {"dose": 3.0},
    }
    images, _ = split_plate(stack(dose=("well", [1, 2, 3]), lamp=5), NOTHING)
    assert {*images.by_path["A/1/0"].coords} == {"lamp"}


def test_wells_without_fields_have_their_line() -> None:
    present = ("well", [True, False, True])
    found = plate_map(present=present, kind=("well", ["a", "b", "c"]))
    assert found == {"A/1": {"kind": "a"}, "A/2": {"kind": "b"}, "B/1": {"kind": "c"}}


def test_coordinates_win_over_the_map_that_came_along_even_where_they_are_missing() -> (
    None
):
    da = stack(dose=("well", [5.0, np.nan, np.nan]))
    da.attrs["plate_map"] = {
        "A/1": {"dose": 1.0, "kind": "a"},
        "A/2": {"dose": 2.0},
        "C/9": {"dose": 3.0},
    }
    assert split_plate(da, NOTHING)[1]["plate_map"] == {
        "A/1": {"dose": 5.0, "kind": "a"},
        "C/9": {"dose": 3.0},
    }


def test_one_well_with_two_values_is_refused() -> None:
    positions = xr.DataArray(
        PIXELS[:, 0],
        {"well": ("p", ["A1", "A1", "B1"]), "dose": ("p", [1, 2, 3])},
        ("p", "y", "x"),
    )
    # Positions are numbered in their wells, so a dose may be of a field alone.
    with pytest.raises(PlateError, match="'dose' tells two things of well A/1"):
        split_plate(positions, NOTHING)


def test_the_name_of_the_array_is_that_of_the_plate() -> None:
    images, of_plate = split_plate(stack().rename("screen"), NOTHING)
    assert of_plate == {"plate": {"name": "screen"}}
    assert {image.name for image in images.by_path.values()} == {None}


def test_attributes_of_the_dataset_and_coordinates_make_one_map() -> None:
    ds = stack(dose=("well", [1, 2, 3])).to_dataset(name="image")
    ds.attrs["plate_map"] = {"A/1": {"dose": 9, "kind": "a"}, "A/2": {"kind": "b"}}
    planned = plan_any_plate(ds, complete({"scale_factors": None}), roles=NOTHING)
    assert planned.group("").attrs["plate_map"] == {
        "A/1": {"dose": 1, "kind": "a"},
        "A/2": {"dose": 2, "kind": "b"},
        "B/1": {"dose": 3, "kind": None},
    }


# Collections.
def test_positions_are_numbered_or_named() -> None:
    da = stack().isel(field=0, drop=True).rename(well="p")
    named = split_series(da, "p")
    assert {path: image.name for path, image in named.by_path.items()} == {
        "0": "A1",
        "1": "A2",
        "2": "B1",
    }
    there = da.drop_vars("p").assign_coords(present=("p", [True, False, True]))
    images = split_series(there, "p")
    assert images.places == {"0": (0,), "1": (2,)}
    np.testing.assert_array_equal(images.by_path["1"].values, PIXELS[2, 0])


@pytest.mark.parametrize(
    ("da", "series", "said"),
    [
        (stack(), "q", "no dim or coordinate"),
        (stack(q=(("well", "field"), np.zeros((3, 2)))), "q", "join|Join"),
        (stack(present=("well", [False] * 3)), "well", "False everywhere"),
    ],
)
def test_what_tells_no_images_is_refused(da, series, said) -> None:
    with pytest.raises(OptionError, match=said):
        split_series(da, series)
