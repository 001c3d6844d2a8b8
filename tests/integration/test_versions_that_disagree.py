"""Parts of a file that tell another version than the file, or none, are not lost."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo


def picture(dtype="uint16") -> xr.DataArray:
    positions = 0.5 * np.arange(8)
    return xr.DataArray(
        np.ones((8, 8), dtype),
        dims=("y", "x"),
        coords={"y": positions, "x": positions},
    )


def edit(path, change) -> None:
    """Change a document, whose keys are in alphabetical order afterwards."""
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found, sort_keys=True))


def opened(path, **options) -> xr.DataTree:
    return xr.open_datatree(path, engine="omezarr", **options)


@pytest.fixture
def plate(tmp_path):
    path = tmp_path / "plate.zarr"
    fields = {"A/1/0": picture(), "B/2/0": picture()}
    xo.write_plate(fields, path, version="0.4", scale_factors=None)
    return path


@pytest.mark.parametrize("told", ["0.3", "0.5", 0.4])
def test_a_label_image_of_another_version_is_read_and_written(tmp_path, told) -> None:
    path, again = tmp_path / "image.zarr", tmp_path / "again.zarr"
    xo.write_image(picture(), path, labels={"cells": picture("uint8")}, version="0.4")
    edit(
        path / "labels/cells/.zattrs",
        lambda found: found["image-label"].update(version=told),
    )
    with pytest.warns(xo.OmeZarrWarning, match="/image-label/version"):
        assert "cells" in xr.open_dataset(path, engine="omezarr")
    with pytest.warns(xo.OmeZarrWarning, match="/image-label/version"):
        tree = opened(path)
    tree.omezarr.to_image(again)
    np.testing.assert_array_equal(opened(again)["labels/cells/0"].labels, 1)


@pytest.mark.parametrize("told", ["0.3", "0.5", 0.4])
def test_a_well_of_another_version_is_read_and_added_to(plate, told) -> None:
    edit(plate / "A/1/.zattrs", lambda found: found["well"].update(version=told))
    with pytest.warns(xo.OmeZarrWarning, match="/well/version"):
        assert {"A", "B"} == {*opened(plate).children}
    xo.write_field(picture(), plate, "A/1/1")
    well = json.loads((plate / "A/1/.zattrs").read_text())["well"]
    assert well["version"] == "0.4"
    assert [entry["path"] for entry in well["images"]] == ["0", "1"]
    assert xo.open_plate(plate).present.sum() == 3


def test_a_field_whose_rendering_is_of_another_version_is_read(plate) -> None:
    def change(found) -> None:
        found["omero"] = {"channels": [], "version": "0.3"}
        # The first key of the document.
        found["_x"] = 1

    edit(plate / "B/2/0/.zattrs", change)
    assert "B/2/0" in {node.path.lstrip("/") for node in opened(plate).subtree}


def test_a_well_without_version_is_read_and_added_to(tmp_path) -> None:
    path = tmp_path / "plate.zarr"
    xo.write_plate({"A/1/0": picture()}, path, scale_factors=None)
    edit(
        path / "A/1/zarr.json", lambda found: found["attributes"]["ome"].pop("version")
    )
    assert "A" in opened(path).children
    xo.write_field(picture(), path, "A/1/1")
    ome = json.loads((path / "A/1/zarr.json").read_text())["attributes"]["ome"]
    assert ome["version"] == "0.5"
    assert xo.open_plate(path).field.values.tolist() == ["0", "1"]


@pytest.mark.parametrize(
    "bad",
    [
        {"path": "A/1/", "rowIndex": 0, "columnIndex": 0},
        {"path": "Z/9"},
        {"rowIndex": 0, "columnIndex": 0},
        "A/3",
    ],
)
def test_one_bad_well_costs_no_other(plate, bad) -> None:
    edit(plate / ".zattrs", lambda found: found["plate"]["wells"].insert(1, bad))
    for open_it in (opened, xo.open_plate):
        with pytest.warns(xo.OmeZarrWarning, match="/plate/wells/1.*left out"):
            found = open_it(plate)
    assert found.row.values.tolist() == ["A", "B"]


def test_wells_that_are_all_bad_are_refused(plate) -> None:
    edit(
        plate / ".zattrs", lambda found: found["plate"].update(wells=[{"path": "Z/9"}])
    )
    with pytest.raises(xo.MetadataError, match="/plate/wells/0/rowIndex"):
        opened(plate)
