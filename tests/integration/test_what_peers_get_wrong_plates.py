"""What was measured to go wrong with plates elsewhere: one test per defect."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import xarray as xr
import yaozarrs

import xarray_omezarr as xo

VERSIONS = pytest.mark.parametrize("version", ["0.4", "0.5"])


def image(value=0):
    return xr.DataArray(np.full((8, 8), value, "uint8"), dims=("y", "x"))


def metadata(path):
    """The metadata of the standard, straight from the file."""
    if (path / "zarr.json").exists():
        return json.loads((path / "zarr.json").read_text())["attributes"]["ome"]
    return json.loads((path / ".zattrs").read_text())


def as_mapping(fields, path, version):
    xo.write_plate(fields, path, version=version)


def as_tree(fields, path, version):
    nodes = {name: da.to_dataset(name="image") for name, da in fields.items()}
    xr.DataTree.from_dict(nodes).omezarr.to_plate(path, version=version)


def as_positions(fields, path, version):
    """All fields along one dim, in whatever order they were acquired."""
    names = [name.split("/") for name in fields]
    known = {
        key: ("p", [parts[at] for parts in names])
        for at, key in enumerate(("row", "column", "field"))
    }
    runs = [da.coords["acquisition"] for da in fields.values() if da.coords]
    if runs:
        known["acquisition"] = ("p", [int(run) for run in runs])
    pixels = np.stack([da.values for da in fields.values()])
    stack = xr.DataArray(pixels, known, ("p", "y", "x"))
    stack.omezarr.to_plate(path, version=version)


def one_by_one(fields, path, version):
    for name, da in fields.items():
        da.omezarr.to_field(path, name, version=version)


WAYS = pytest.mark.parametrize("write", [as_mapping, as_tree, as_positions, one_by_one])


@WAYS
@VERSIONS
def test_fields_are_listed_by_number_not_by_letter(tmp_path, write, version):
    # Elsewhere 10 comes before 2, or what comes last on the disk comes last.
    numbers = [*range(12)]
    random.Random(0).shuffle(numbers)
    path = tmp_path / "p"
    write({f"A/1/{n}": image(n) for n in numbers}, path, version)
    listed = [entry["path"] for entry in metadata(path / "A/1")["well"]["images"]]
    assert listed == [str(n) for n in range(12)]
    tree = xr.open_datatree(path, engine="omezarr")
    assert [*tree["A/1"].children] == listed
    for name, node in tree["A/1"].children.items():
        assert (node["0/image"] == int(name)).all()


@WAYS
@VERSIONS
def test_rows_and_columns_are_in_the_order_of_the_plate(tmp_path, write, version):
    path = tmp_path / "p"
    wells = ["AA/1", "B/10", "B/9", "Z/2", "A/48"]
    write({f"{well}/0": image() for well in wells}, path, version)
    plate = metadata(path)["plate"]
    listed = [well["path"] for well in plate["wells"]]
    assert listed == ["A/48", "B/9", "B/10", "Z/2", "AA/1"]
    rows = [row["name"] for row in plate["rows"]]
    assert rows == [*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "AA"]
    columns = [column["name"] for column in plate["columns"]]
    assert columns == [str(number) for number in range(1, 49)]
    for well in plate["wells"]:
        at = rows[well["rowIndex"]], columns[well["columnIndex"]]
        assert "/".join(at) == well["path"]


@WAYS
@VERSIONS
@pytest.mark.parametrize(
    "wells", [["a/1", "b/2"], ["A/01", "A/12"], ["AA/3", "AF/48"], ["x1/left", "y/2b"]]
)
def test_names_are_neither_refused_nor_respelled(tmp_path, write, version, wells):
    # Elsewhere a well is one capital letter and a number without zeros.
    path = tmp_path / "p"
    write({f"{well}/0": image() for well in wells}, path, version)
    yaozarrs.validate_zarr_store(str(path))
    plate = metadata(path)["plate"]
    assert [well["path"] for well in plate["wells"]] == wells
    for well in plate["wells"]:
        row = plate["rows"][well["rowIndex"]]["name"]
        column = plate["columns"][well["columnIndex"]]["name"]
        assert f"{row}/{column}" == well["path"]
        assert (path / well["path"] / "0").is_dir()


# Two wells: of acquisition 1 they have 3 and 1 fields, of acquisition 5 1 and 2.
RUNS = {
    "A/1/0": 1,
    "A/1/1": 1,
    "A/1/2": 1,
    "A/1/3": 5,
    "B/1/0": 1,
    "B/1/1": 5,
    "B/1/2": 5,
}


@WAYS
@VERSIONS
def test_acquisitions_are_stored_and_counted(tmp_path, write, version):
    # Elsewhere they are dropped on the way, or their counts are.
    path = tmp_path / "p"
    fields = {name: image().assign_coords(acquisition=n) for name, n in RUNS.items()}
    write(fields, path, version)
    yaozarrs.validate_zarr_store(str(path))
    plate = metadata(path)["plate"]
    counts = {run["id"]: run["maximumfieldcount"] for run in plate["acquisitions"]}
    assert counts == {1: 3, 5: 2}
    found = {
        f"{well['path']}/{entry['path']}": entry["acquisition"]
        for well in plate["wells"]
        for entry in metadata(path / well["path"])["well"]["images"]
    }
    assert found == RUNS


@WAYS
@VERSIONS
def test_the_field_count_is_that_of_the_fullest_well(tmp_path, write, version):
    # Not of the first well, nor of all wells together.
    path = tmp_path / "p"
    names = ["A/1/0", "A/2/0", "A/2/1", "A/2/2", "B/1/0", "B/1/1"]
    write({name: image() for name in names}, path, version)
    assert metadata(path)["plate"]["field_count"] == 3


@VERSIONS
def test_what_is_left_of_a_plate_is_still_true(tmp_path, version):
    first, left = tmp_path / "first", tmp_path / "left"
    fields = {name: image().assign_coords(acquisition=n) for name, n in RUNS.items()}
    names = {1: "before", 5: "after"}
    xo.write_plate(fields, first, version=version, acquisitions=names)
    tree = xr.open_datatree(first, engine="omezarr")
    after = tree.filter(lambda node: int(node.coords.get("acquisition", -1)) == 5)
    # Filters of xarray keep attributes of the nodes that they choose only.
    after.attrs = tree.attrs
    after.omezarr.to_plate(left, version=version)
    yaozarrs.validate_zarr_store(str(left))
    plate = metadata(left)["plate"]
    assert [run["name"] for run in plate["acquisitions"]] == ["before", "after"]
    images = metadata(left / "B/1")["well"]["images"]
    assert images == [
        {"path": "1", "acquisition": 5},
        {"path": "2", "acquisition": 5},
    ]
    assert plate["field_count"] >= 2
