"""Which fields a tree or mapping has, and what its groups tell."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import OmeZarrErrorGroup, PlateError
from xarray_omezarr.options import complete
from xarray_omezarr.write.plate import plan_plate
from xarray_omezarr.write.plate_tree import (
    PlateTree,
    levels_of,
    plate_tree,
    single_level,
    told_acquisition,
)

DAY = np.datetime64("2026-05-01")


def pixels(size=8):
    return xr.DataArray(np.zeros((size, size), "u1"), dims=("y", "x"))


def node(size=8, **coords):
    return xr.Dataset({"image": pixels(size)}, coords)


def tree(**further):
    return xr.DataTree.from_dict({"A/1/0": node(), "B/2/0": node(), **further})


# Fields.
def test_fields_are_nodes_at_row_column_field_and_groups_keep_their_attributes() -> (
    None
):
    given = tree()
    given.attrs["n"], given["A"].attrs["n"], given["A/1"].attrs["n"] = 1, 2, 3
    found = plate_tree(given)
    assert [*found.fields] == [("A", "1", "0"), ("B", "2", "0")]
    assert found.attrs == {"n": 1}
    assert found.groups == {"A": {"n": 2}, "A/1": {"n": 3}, "B": {}, "B/2": {}}


@pytest.mark.parametrize("key", ["A/1/0", "/A/1/0/", ("A", "1", "0"), ("A", 1, 0)])
def test_fields_of_a_mapping_are_named_by_path_or_parts(key) -> None:
    assert [*plate_tree({key: pixels()}).fields] == [("A", "1", "0")]


def test_what_is_a_plate_tree_already_stays() -> None:
    given = PlateTree({("A", "1", "0"): pixels()})
    assert plate_tree(given) is given


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "has no fields"),
        ({"A/1": pixels()}, "has the key 'A/1'"),
        ({"A/1/0": pixels(), "/A/1/0": pixels()}, "'A/1/0' is given twice"),
        ({"A/1/0": np.zeros((8, 8))}, "a field is a DataArray"),
        (xr.DataTree.from_dict({"A/1": xr.Dataset(), "B/2/0": node()}), "well without"),
        (xr.DataTree.from_dict({"A": node(), "B/2/0": node()}), "a row of a plate"),
        (xr.DataTree.from_dict({"0": node()}), "may be one image"),
        (xr.DataTree.from_dict({"a/b/c/d/e/f": node()}), "further down the tree"),
    ],
)
def test_what_is_no_plate_is_refused(given, said) -> None:
    with pytest.raises((PlateError, OmeZarrErrorGroup)) as caught:
        plate_tree(given)
    problems = getattr(caught.value, "exceptions", [caught.value])
    assert any(said in str(problem) for problem in problems)


def test_label_images_of_a_well_are_no_field() -> None:
    given = tree(**{"A/1/labels/cells": node()})
    with pytest.raises(PlateError, match="'/A/1/labels' is called 'labels'"):
        plate_tree(given)
    of_field = tree(**{"A/1/0/labels/cells": node()})
    assert len(plate_tree(of_field).fields) == 2


# What the coordinates of groups tell.
def test_coordinates_of_a_well_are_its_line_of_the_plate_map() -> None:
    given = tree(
        **{
            "A/1": xr.Dataset(coords={"drug": "x", "dose": 1.5, "well": "A1"}),
            "B/2": xr.Dataset(
                coords={"drug": "y", "seen": np.datetime64("2026-05-01")}
            ),
        }
    )
    given.attrs["plate_map"] = {"A/1": {"drug": "old", "n": 3}, "A/2": {"n": 4}}
    wells = {
        "A/1": {"drug": "x", "n": 3, "dose": 1.5},
        "A/2": {"n": 4},
        "B/2": {"drug": "y", "seen": "2026-05-01T00:00:00"},
    }
    assert plate_tree(given).attrs["plate_map"] == wells
    stored = plan_plate(given, complete({})).group("").attrs["plate_map"]
    keys = dict.fromkeys(["drug", "n", "dose", "seen"])
    assert stored == {well: {**keys, **line} for well, line in wells.items()}
    assert given.attrs["plate_map"]["A/1"]["drug"] == "old"


@pytest.mark.parametrize(
    ("path", "coords", "name"),
    [
        ("A/1", {"acquisition": 5}, "acquisition"),
        ("A/1", {"power": ("c", [1.0, 2.0])}, "power"),
        ("A", {"compound": "x"}, "compound"),
        ("/", {"operator": "Ada"}, "operator"),
    ],
)
def test_coordinates_that_would_be_lost_are_refused_by_name(path, coords, name) -> None:
    with pytest.raises(PlateError, match=f"{name!r}.*which are of no image"):
        plate_tree(tree(**{path: xr.Dataset(coords=coords)}))


def test_positions_that_fields_inherit_are_no_offence() -> None:
    coords = {"x": ("x", 0.5 * np.arange(8)), "y": ("y", 0.5 * np.arange(8))}
    found = plate_tree(tree(**{"/": xr.Dataset(coords=coords)}))
    planned = plan_plate(found, complete({}))
    level = planned.group("A/1/0").model.multiscale.levels[0]
    assert tuple(level.scale) == (0.5, 0.5)


# Levels, and the acquisition.
def test_the_level_of_a_field_without_a_pyramid_is_told() -> None:
    assert single_level(pixels()).shape == (8, 8)
    alone = xr.DataTree(dataset=node())
    assert levels_of(alone) == [alone]
    assert single_level(alone).shape == (8, 8)
    pyramid = xr.DataTree.from_dict({"0": node(), "1": node(4), "labels/a": node()})
    assert [level.name for level in levels_of(pyramid)] == ["0", "1"]
    assert single_level(pyramid) is None


@pytest.mark.parametrize(
    "field",
    [
        pixels().assign_coords(acquisition=3),
        pixels().assign_attrs(acquisition=3),
        xr.DataTree(dataset=node(acquisition=3)),
        xr.DataTree.from_dict({"0": node(acquisition=3), "1": node(4, acquisition=3)}),
    ],
)
def test_an_acquisition_is_a_coordinate_or_an_attribute(field) -> None:
    assert told_acquisition(field, "A/1/0") == 3


def test_a_field_of_two_acquisitions_is_refused() -> None:
    field = pixels().assign_coords(acquisition=3).assign_attrs(acquisition=4)
    with pytest.raises(PlateError, match="two acquisitions, 3 and 4"):
        told_acquisition(field, "A/1/0")
    assert told_acquisition(pixels(), "A/1/0") is None
