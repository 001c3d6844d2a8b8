"""What a plate is told of itself, in every form that it may be given in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaozarrs

import xarray_omezarr as xo
from xarray_omezarr.ngff import Acquisition, Column, Plate, PlateWell, Row

PATHS = ("A/1/0", "A/2/0", "C/1/0")
ROWS, COLUMNS = ["A", "B", "C"], ["1", "2"]


def fields() -> dict[str, xr.DataArray]:
    return {
        path: xr.DataArray(np.full((16, 16), number, "uint8"), dims=("y", "x"))
        for number, path in enumerate(PATHS, 1)
    }


def plate_of(target: Path) -> dict[str, Any]:
    attributes = json.loads((target / "zarr.json").read_text("utf-8"))["attributes"]
    return attributes["ome"]["plate"]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "plate.ome.zarr"


WELLS = [
    {"path": "A/1", "rowIndex": 0, "columnIndex": 0},
    {"path": "A/2", "rowIndex": 0, "columnIndex": 1},
    {"path": "C/1", "rowIndex": 2, "columnIndex": 0},
]


@pytest.mark.parametrize(
    "images",
    [
        fields(),
        {tuple(path.split("/")): da for path, da in fields().items()},
        xr.DataTree.from_dict(
            {p: da.to_dataset(name="i") for p, da in fields().items()}
        ),
    ],
    ids=["paths", "tuples", "tree"],
)
def test_images_are_given_by_path_tuple_or_in_a_tree(images, target) -> None:
    group = xo.write_plate(images, target)
    plate = plate_of(target)
    # Nothing was said: what lies between the first and the last row is there too.
    assert [row["name"] for row in plate["rows"]] == ROWS
    assert [column["name"] for column in plate["columns"]] == COLUMNS
    assert plate["wells"] == WELLS
    assert plate["field_count"] == 1
    for number, path in enumerate(PATHS, 1):
        assert (group[f"{path}/0"][...] == number).all()
    yaozarrs.validate_zarr_store(target)


MODEL = Plate(
    name="given",
    rows=tuple(Row(name=name) for name in "ABCD"),
    columns=tuple(Column(name=str(number)) for number in range(1, 4)),
    wells=tuple(
        PlateWell(
            path=w["path"], row_index=w["rowIndex"], column_index=w["columnIndex"]
        )
        for w in WELLS
    ),
    acquisitions=(Acquisition(id=4, name="run"),),
    field_count=3,
)
NAMES = {"rows": list("ABCD"), "columns": ["1", "2", "3"]}
SAID = {"name": "given", "field_count": 3, "acquisitions": [{"id": 4, "name": "run"}]}


@pytest.mark.parametrize(
    "plate",
    [
        MODEL,
        {**SAID, **NAMES, "wells": ["A/1", "A/2", "C/1"]},
        {**SAID, **NAMES, "wells": WELLS},
        {
            **SAID,
            "rows": [{"name": name} for name in "ABCD"],
            "columns": [{"name": name} for name in NAMES["columns"]],
        },
    ],
    ids=["model", "texts", "wells as dicts", "rows as dicts"],
)
def test_what_is_given_wins_in_every_form(plate, target) -> None:
    images = {path: da.assign_coords(acquisition=4) for path, da in fields().items()}
    xo.write_plate(images, target, plate=plate)
    found = plate_of(target)
    assert (found["name"], found["field_count"]) == ("given", 3)
    assert [row["name"] for row in found["rows"]] == NAMES["rows"]
    assert [column["name"] for column in found["columns"]] == NAMES["columns"]
    assert found["wells"] == WELLS
    (run,) = found["acquisitions"]
    assert (run["id"], run["name"]) == (4, "run")
    well = json.loads((target / "A/1/zarr.json").read_text())["attributes"]["ome"]
    assert well["well"]["images"] == [{"path": "0", "acquisition": 4}]
    yaozarrs.validate_zarr_store(target)


def test_every_word_of_an_acquisition_is_kept(target) -> None:
    run = {
        "id": 0,
        "name": "day 1",
        "maximumfieldcount": 1,
        "description": "before",
        "starttime": 1_700_000_000,
        "endtime": 1_700_000_060,
    }
    xo.write_plate(fields(), target, acquisitions=[run], plate={"lab": "north"})
    assert plate_of(target)["acquisitions"] == [run]
    assert plate_of(target)["lab"] == "north"


REFUSED = {
    "a row that is not given": {"plate": {"rows": ["A"], "columns": COLUMNS}},
    "a column that is not given": {"plate": {"rows": ROWS, "columns": ["1"]}},
    "a well that is not given": {"plate": {"wells": ["A/1", "A/2"]}},
    "a well without fields": {"plate": {"wells": ["A/1", "A/2", "C/1", "C/2"]}},
    "wrong indices": {
        "plate": {"wells": [{**WELLS[0], "rowIndex": 1}, *WELLS[1:]], "rows": ROWS}
    },
    "rows twice": {"plate": {"rows": [*ROWS, "A"]}},
    "columns twice": {"plate": {"columns": ["1", "2", "1"]}},
    "a row of other characters": {"plate": {"rows": [*ROWS, "D-1"]}},
    "a column of other characters": {"plate": {"columns": [*COLUMNS, "3!"]}},
    "an acquisition without id": {"acquisitions": [{"name": "x"}]},
    "an id that is no number": {"acquisitions": [{"id": "0"}]},
    "no dict": {"acquisitions": [0]},
    "ids twice": {"acquisitions": [{"id": 0}, {"id": 0}]},
    "a count that is no number": {"plate": {"field_count": "many"}},
    "a count below the fields": {"plate": {"field_count": 0}},
    "a name that is no text": {"plate": {"name": 7}},
    "no mapping": {"plate": ["A", "B"]},
}


@pytest.mark.parametrize("options", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("write", [xo.write_plate, xo.prepare_plate])
def test_what_makes_no_plate_is_refused_first(write, options, target) -> None:
    with pytest.raises((ValueError, TypeError)) as refused:
        write(fields(), target, **options)
    assert isinstance(refused.value, xo.OmeZarrError)
    assert not target.exists()


@pytest.mark.parametrize("well", ["A/3", "D/1"])
def test_a_well_that_the_given_plate_lacks_is_named_with_those_it_has(
    well, target
) -> None:
    da = fields()["A/1/0"]
    with pytest.raises(xo.PlateError, match=r"rows?|columns?"):
        da.omezarr.to_field(
            target, f"{well}/0", plate={"rows": ROWS, "columns": COLUMNS}
        )
    assert not target.exists()
