"""Plates from trees, as independent readers and the files themselves tell them."""

from __future__ import annotations

import json
import warnings

import numpy as np
import ome_zarr_models
import ome_zarr_models.v04.hcs
import ome_zarr_models.v04.well
import ome_zarr_models.v05.hcs
import ome_zarr_models.v05.well
import pandas as pd
import pytest
import tensorstore
import xarray as xr
import yaozarrs
import zarr

import xarray_omezarr as xo

VERSIONS = pytest.mark.parametrize("version", ["0.4", "0.5"])
SIZE = 36

# Where the stage was for each field, in micrometers along y and x.
STAGE = {
    "B/2/0": (0.0, 0.0),
    "B/2/2": (0.0, 332.8),
    "B/2/10": (0.0, 665.6),
    "B/10/0": (-1500.25, 9000.5),
    "AA/3/0": (-27000.0, 18000.1),
}


def pixels(path):
    """Pixels that no two fields share."""
    number = [*STAGE].index(path)
    return np.arange(2 * SIZE * SIZE, dtype="uint16").reshape(2, SIZE, SIZE) + number


def field(path, **scalars):
    y, x = STAGE[path]
    return xr.DataArray(
        pixels(path),
        dims=("c", "y", "x"),
        coords={
            "c": ["DAPI", "GFP"],
            "y": ("y", y + 0.65 * np.arange(SIZE), {"units": "um"}),
            "x": ("x", x + 0.65 * np.arange(SIZE), {"units": "um"}),
            **scalars,
        },
    )


def tree(paths=STAGE, **scalars):
    """A tree whose nodes were made in the wrong order."""
    return xr.DataTree.from_dict(
        {
            path: field(path, **scalars).to_dataset(name="image")
            for path in reversed([*paths])
        }
    )


def metadata(path):
    """The metadata of the standard, straight from the file."""
    if (path / "zarr.json").exists():
        return json.loads((path / "zarr.json").read_text())["attributes"]["ome"]
    return json.loads((path / ".zattrs").read_text())


def foreign(path):
    if (path / "zarr.json").exists():
        return json.loads((path / "zarr.json").read_text())["attributes"]
    return json.loads((path / ".zattrs").read_text())


def validate(path):
    """Validators find neither errors nor anything to warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yaozarrs.validate_zarr_store(str(path))
        group = zarr.open_group(path, mode="r")
        # Before Python 3.12, some models of that package are not complete.
        if ome_zarr_models.v04.hcs.HCS.__pydantic_complete__:
            ome_zarr_models.open_ome_zarr(group)
        old = "ome" not in group.attrs
        models = ome_zarr_models.v04 if old else ome_zarr_models.v05
        models.hcs.HCSAttrs.model_validate(metadata(path))
        for well in metadata(path)["plate"]["wells"]:
            models.well.WellAttrs.model_validate(metadata(path / well["path"]))


def stored(path, version):
    """The pixels of an array, by a reader that is not zarr-python."""
    spec = {
        "driver": "zarr" if version == "0.4" else "zarr3",
        "kvstore": {"driver": "file", "path": str(path)},
    }
    return tensorstore.open(spec, read=True, open=True).result().read().result()


@VERSIONS
def test_wells_fields_places_and_pixels_are_those_of_the_tree(tmp_path, version):
    path = tmp_path / "screen.ome.zarr"
    group = tree().omezarr.to_plate(path, version=version, scale_factors=[2])
    assert isinstance(group, zarr.Group)
    validate(path)
    plate = metadata(path)["plate"]
    assert plate["version"] == version
    assert plate["name"] == "screen"
    assert plate["field_count"] == 3
    wells = [(w["path"], w["rowIndex"], w["columnIndex"]) for w in plate["wells"]]
    assert wells == [("B/2", 1, 1), ("B/10", 1, 9), ("AA/3", 26, 2)]
    assert [row["name"] for row in plate["rows"]][1::25] == ["B", "AA"]
    assert [column["name"] for column in plate["columns"]] == [
        str(number) for number in range(1, 11)
    ]
    images = metadata(path / "B/2")["well"]["images"]
    assert images == [{"path": "0"}, {"path": "2"}, {"path": "10"}]
    for name, (y, x) in STAGE.items():
        (image,) = metadata(path / name)["multiscales"]
        assert [axis.get("unit") for axis in image["axes"]] == [
            None,
            "micrometer",
            "micrometer",
        ]
        for level, dataset in enumerate(image["datasets"]):
            told = {
                t["type"]: t[t["type"]] for t in dataset["coordinateTransformations"]
            }
            step = 0.65 * 2**level
            # The centre of a coarse pixel is the centre of those it is made of.
            shift = (2**level - 1) / 2 * 0.65
            np.testing.assert_allclose(told["scale"], [1, step, step], rtol=1e-12)
            np.testing.assert_allclose(
                told.get("translation", [0, 0, 0]),
                [0, y + shift, x + shift],
                rtol=1e-12,
            )
        np.testing.assert_array_equal(stored(path / name / "0", version), pixels(name))


@VERSIONS
def test_rows_of_a_plate_are_groups_themselves(tmp_path, version):
    tree().omezarr.to_plate(tmp_path / "p", version=version)
    names = {"0.4": ".zgroup", "0.5": "zarr.json"}
    for row in ("B", "AA"):
        assert (tmp_path / "p" / row / names[version]).exists()


@VERSIONS
@pytest.mark.parametrize("named", ["scalar", "attribute"])
def test_acquisitions_are_listed_by_plate_and_wells(tmp_path, version, named):
    runs = {"B/2/0": 4, "B/2/2": 4, "B/2/10": 7, "B/10/0": 4, "AA/3/0": 7}
    fields = {
        path: field(path, acquisition=run)
        if named == "scalar"
        else field(path).assign_attrs(acquisition=run)
        for path, run in runs.items()
    }
    path = tmp_path / "p"
    xo.write_plate(
        fields,
        path,
        version=version,
        acquisitions=[
            {"id": 4, "name": "day 1", "starttime": "2026-05-01T08:00Z"},
            {"id": 7, "name": "day 2", "description": "after the drug"},
        ],
    )
    validate(path)
    assert metadata(path)["plate"]["acquisitions"] == [
        {"id": 4, "name": "day 1", "maximumfieldcount": 2, "starttime": 1777622400},
        {
            "id": 7,
            "name": "day 2",
            "maximumfieldcount": 1,
            "description": "after the drug",
        },
    ]
    assert metadata(path / "B/2")["well"]["images"] == [
        {"path": "0", "acquisition": 4},
        {"path": "2", "acquisition": 4},
        {"path": "10", "acquisition": 7},
    ]
    # The well tells it, so the image does not.
    assert "acquisition" not in json.dumps(foreign(path / "B/2/10"))


@VERSIONS
def test_a_layout_declares_all_rows_and_columns(tmp_path, version):
    path = tmp_path / "p"
    tree(["B/2/0", "B/10/0"]).omezarr.to_plate(path, version=version, layout=96)
    validate(path)
    plate = metadata(path)["plate"]
    assert "".join(row["name"] for row in plate["rows"]) == "ABCDEFGH"
    assert [int(column["name"]) for column in plate["columns"]] == [*range(1, 13)]
    wells = [(w["path"], w["rowIndex"], w["columnIndex"]) for w in plate["wells"]]
    assert wells == [("B/2", 1, 1), ("B/10", 1, 9)]
    # Nothing is made for wells that are empty.
    assert sorted(entry.name for entry in path.iterdir() if entry.is_dir()) == ["B"]
    assert sorted(e.name for e in (path / "B").iterdir() if e.is_dir()) == ["10", "2"]


@VERSIONS
@pytest.mark.parametrize(
    ("names", "rows", "columns"),
    [
        (["a/01/0", "b/03/0"], ["a", "b"], ["01", "02", "03"]),
        (["AA/1/0"], [*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "AA"], ["1"]),
        (["control/left/f1", "drug/left/f1"], ["control", "drug"], ["left"]),
    ],
)
def test_names_stay_as_they_are_spelled(tmp_path, version, names, rows, columns):
    path = tmp_path / "p"
    fields = {name: field("B/2/0") for name in names}
    xo.write_plate(fields, path, version=version)
    validate(path)
    plate = metadata(path)["plate"]
    assert [row["name"] for row in plate["rows"]] == rows
    assert [column["name"] for column in plate["columns"]] == columns
    for name, well in zip(names, plate["wells"], strict=True):
        row, column, _ = name.split("/")
        assert well["path"] == f"{row}/{column}"
        assert rows[well["rowIndex"]] == row
        assert columns[well["columnIndex"]] == column
        np.testing.assert_array_equal(
            stored(path / name / "0", version), pixels("B/2/0")
        )


@VERSIONS
def test_a_plate_map_stands_beside_the_plate(tmp_path, version):
    table = pd.DataFrame(
        {"well": ["B02", "B10"], "compound": ["DMSO", "taxol"], "dose": [np.nan, 1.5]}
    )
    path = tmp_path / "p"
    tree(["B/2/0", "B/10/0"]).omezarr.to_plate(path, version=version, plate_map=table)
    validate(path)
    assert foreign(path)["plate_map"] == {
        "B/2": {"compound": "DMSO", "dose": None},
        "B/10": {"compound": "taxol", "dose": 1.5},
    }


@VERSIONS
def test_a_plate_that_was_read_is_written_as_it_was(tmp_path, version):
    first, again = tmp_path / "first", tmp_path / "again"
    tree(acquisition=3).omezarr.to_plate(
        first,
        version=version,
        plate={"name": "screen 7", "field_count": 5},
        acquisitions={3: "day 3"},
        ome_xml="auto",
        attrs={"by": "me"},
        scale_factors=[2],
    )
    read = xr.open_datatree(first, engine="omezarr", levels="all")
    read.omezarr.to_plate(again, version=version)
    validate(again)
    assert foreign(again) == foreign(first)
    text = "OME/METADATA.ome.xml"
    assert (again / text).read_bytes() == (first / text).read_bytes()
    for name in STAGE:
        assert metadata(again / name) == metadata(first / name)
        for level in "01":
            np.testing.assert_array_equal(
                stored(again / name / level, version),
                stored(first / name / level, version),
            )


def bad_fields():
    uneven = field("B/2/2").assign_coords(x=np.arange(SIZE) ** 2.0)
    texts = xr.DataArray(np.full((4, 4), "pixel"), dims=("y", "x"))
    return {"B/2/0": field("B/2/0"), "B/2/2": uneven, "C/3/0": texts}


@VERSIONS
def test_all_problems_come_together_and_nothing_is_written(tmp_path, version):
    path = tmp_path / "p"
    with pytest.raises(xo.OmeZarrErrorGroup) as caught:
        xo.write_plate(bad_fields(), path, version=version)
    said = [str(problem) for problem in caught.value.exceptions]
    assert len(said) == 2
    assert said[0].startswith("'B/2/2': ")
    assert said[1].startswith("'C/3/0': ")
    assert not path.exists()


def test_names_acquisitions_and_pixels_are_refused_before_what_is_there_is_touched(
    tmp_path,
):
    path = tmp_path / "p"
    xo.write_plate({"A/1/0": field("B/2/0")}, path)
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    for fields, word in [
        ({"A/1_1/0": field("B/2/0")}, "1_1"),
        ({"A/1/0": field("B/2/0", acquisition=-7)}, "A/1/0"),
        (bad_fields(), "C/3/0"),
    ]:
        with pytest.raises(xo.OmeZarrError) as caught:
            xo.write_plate(fields, path, mode="w")
        said = getattr(caught.value, "exceptions", [caught.value])
        assert any(word in str(problem) for problem in said)
    assert {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("kind", ["tree", "mapping", "dims", "collection"])
def test_a_variable_beside_the_image_is_never_left_out_silently(tmp_path, kind):
    pixels = xr.DataArray(np.ones((8, 8), "uint16"), dims=("y", "x"))
    ds = xr.Dataset({"image": pixels, "seg": pixels.astype("uint8")})
    path = tmp_path / "p"
    with pytest.raises(xo.OptionError, match=r"'seg'.*to_labels.*drop_vars\(\['seg'\]"):
        match kind:
            case "tree":
                xr.DataTree.from_dict({"A/1/0": ds}).omezarr.to_plate(path)
            case "mapping":
                xo.write_plate({"A/1/0": ds}, path)
            case "dims":
                ds.expand_dims(well=["A1"], field=[0]).omezarr.to_plate(path)
            case "collection":
                xo.write_bioformats2raw({"0": ds}, path)
    assert not path.exists()
    ds.drop_vars("seg").expand_dims(well=["A1"]).omezarr.to_plate(path)
