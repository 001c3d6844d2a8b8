"""Parts of a file that tell another version than the file, or none, are not lost."""

from __future__ import annotations

import json
from contextlib import nullcontext

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
    # A well of 0.3 is one: `validate` says that versions are mixed, reading does not.
    says = pytest.warns(xo.OmeZarrWarning, match="/well/version")
    with nullcontext() if told == "0.3" else says:
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


def as_0_3(path) -> None:
    """Spell an image as 0.3 does: names of axes, and no scales."""

    def change(found) -> None:
        (entry,) = found["multiscales"]
        entry["axes"] = [axis["name"] for axis in entry["axes"]]
        entry["version"] = "0.3"
        for level in entry["datasets"]:
            del level["coordinateTransformations"]
        if "image-label" in found:
            found["image-label"]["version"] = "0.3"

    edit(path / ".zattrs", change)


def wide(dtype="uint16") -> xr.DataArray:
    positions = 0.5 * np.arange(48)
    coords = {"y": positions, "x": positions}
    return xr.DataArray(np.ones((48, 48), dtype), dims=("y", "x"), coords=coords)


@pytest.fixture
def mixed(tmp_path):
    """An image of 0.4, levels of 48 and 24 pixels, with labels of 0.3."""
    path = tmp_path / "mixed.zarr"
    labels = {"cells": wide("uint8")}
    xo.write_image(wide(), path, labels=labels, version="0.4", scale_factors=[2])
    as_0_3(path / "labels/cells")
    return path


def places(path, node) -> list[dict[str, object]]:
    (entry,) = json.loads((path / node / ".zattrs").read_text())["multiscales"]
    return [level["coordinateTransformations"] for level in entry["datasets"]]


FINE = [{"type": "scale", "scale": [1.0, 1.0]}]
COARSE = [
    {"type": "scale", "scale": [2.0, 2.0]},
    {"type": "translation", "translation": [0.5, 0.5]},
]


def test_levels_of_labels_of_an_earlier_version_lie_where_sizes_say(mixed) -> None:
    tree = opened(mixed)
    np.testing.assert_array_equal(tree["labels/cells/0"].x, np.arange(48))
    np.testing.assert_array_equal(tree["labels/cells/1"].x, 0.5 + 2 * np.arange(24))
    np.testing.assert_array_equal(tree["1"].x, 0.25 + np.arange(24))
    alone = opened(mixed, levels=[1])
    np.testing.assert_array_equal(alone["labels/cells/1"].x, 0.5 + 2 * np.arange(24))


def test_labels_of_a_later_version_keep_the_scales_that_they_tell(tmp_path) -> None:
    path = tmp_path / "mixed.zarr"
    labels = {"cells": wide("uint8")}
    xo.write_image(wide(), path, labels=labels, version="0.4", scale_factors=[2])
    as_0_3(path)
    tree = opened(path)
    np.testing.assert_array_equal(tree["1"].x, 0.5 + 2 * np.arange(24))
    np.testing.assert_array_equal(tree["labels/cells/1"].x, 0.25 + np.arange(24))


def test_conversion_and_upgrade_place_such_labels_alike(mixed, tmp_path) -> None:
    again = tmp_path / "again.zarr"
    xo.convert(mixed, again, version="0.4")
    xo.upgrade(mixed, version="0.4")
    for path in (again, mixed):
        assert places(path, "labels/cells") == [FINE, COARSE]
        assert places(path, "")[0] == [{"type": "scale", "scale": [0.5, 0.5]}]


def test_a_correction_that_such_labels_cannot_follow_names_them(mixed) -> None:
    before = (mixed / ".zattrs").read_text()
    with pytest.raises(xo.NotInVersionError) as caught:
        xo.update(mixed, scale={"x": 0.3})
    said = str(caught.value)
    assert "labels/cells: OME-Zarr 0.3 has no place for scale; upgrade or conv" in said
    assert (mixed / ".zattrs").read_text() == before
    xo.upgrade(mixed, version="0.4")
    xo.update(mixed, scale={"x": 0.3})
    assert places(mixed, "")[0][0]["scale"] == [0.5, 0.3]


def test_fields_of_an_earlier_version_lie_where_sizes_say(tmp_path) -> None:
    path = tmp_path / "plate.zarr"
    fields = {"A/1/0": wide(), "B/2/0": wide()}
    xo.write_plate(fields, path, version="0.4", scale_factors=[2])
    as_0_3(path / "B/2/0")
    tree = opened(path, levels=[1])
    np.testing.assert_array_equal(tree["A/1/0/1"].x, 0.25 + np.arange(24))
    np.testing.assert_array_equal(tree["B/2/0/1"].x, 0.5 + 2 * np.arange(24))
    with pytest.raises(xo.PlateError, match="another scale"):
        xo.open_plate(path, level=1)
    as_0_3(path / "A/1/0")
    stacked = xo.open_plate(path, level=1)
    np.testing.assert_array_equal(stacked.x, 2 * np.arange(24))
    np.testing.assert_array_equal(stacked.origin_x.values[[0, 1], [0, 1]].ravel(), 0.5)
