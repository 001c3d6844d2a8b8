"""Plates in one array: wells and fields as dims or coordinates."""

from __future__ import annotations

import json

import dask
import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr
from yaozarrs import validate_zarr_store

import xarray_omezarr as xo

WELLS = ["B2", "B10", "C2"]
PIXELS = np.random.default_rng(0).integers(0, 999, (3, 2, 2, 40, 50), dtype="uint16")


def stack(**coords):
    """Three wells of two fields; each begins at a place of its own."""
    known = {
        "well": WELLS,
        "field": [0, 1],
        "c": ["DAPI", "GFP"],
        "y": ("y", 0.65 * np.arange(40), {"units": "micrometer"}),
        "x": ("x", 0.65 * np.arange(50), {"units": "micrometer"}),
        "origin_y": (("well", "field"), [[0.0, 26.0]] * 3, {"units": "micrometer"}),
        "origin_x": (("well", "field"), [[1000.5, 1000.5]] * 3, {"units": "mm"}),
    }
    return xr.DataArray(PIXELS, known | coords, ("well", "field", "c", "y", "x"))


def plate_of(path):
    return zarr.open_group(path, mode="r").attrs["ome"]["plate"]


def translation(path, field):
    image = zarr.open_group(path, path=field, mode="r").attrs["ome"]["multiscales"][0]
    return image["datasets"][0]["coordinateTransformations"][1]["translation"]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.filterwarnings("ignore:Fields are of the acquisitions .2.")
def test_wells_and_fields_are_written_where_they_belong(
    tmp_path, version, chunked
) -> None:
    da = stack(acquisition=("field", [1, 2]))
    if chunked:
        da = da.chunk({"well": 2, "field": 2, "y": 16})
    path = tmp_path / "screen.ome.zarr"
    group = da.omezarr.to_plate(
        path, version=version, acquisitions=[{"id": 1, "name": "day 1"}]
    )
    for index, well in enumerate(["B/2", "B/10", "C/2"]):
        for field in (0, 1):
            stored = group[f"{well}/{field}/0"]
            np.testing.assert_array_equal(stored[:], PIXELS[index, field])
    attrs = dict(group.attrs)
    plate = attrs["ome"]["plate"] if version == "0.5" else attrs["plate"]
    assert [row["name"] for row in plate["rows"]] == ["A", "B", "C"]
    assert len(plate["columns"]) == 10
    assert plate["field_count"] == 2
    assert [well["path"] for well in plate["wells"]] == ["B/2", "B/10", "C/2"]
    assert [run["id"] for run in plate["acquisitions"]] == [1, 2]
    well = dict(group["C/2"].attrs)
    images = (well["ome"] if version == "0.5" else well)["well"]["images"]
    assert images == [
        {"path": "0", "acquisition": 1},
        {"path": "1", "acquisition": 2},
    ]
    assert validate_zarr_store(str(path))


def test_a_field_stands_where_its_origin_and_its_coordinates_say(tmp_path) -> None:
    stack().omezarr.to_plate(tmp_path / "p", scale_factors=None)
    # The origins along x are in millimeter.
    assert translation(tmp_path / "p", "B/10/1") == [0.0, 26.0, 1000500.0]


def test_coordinates_of_wells_are_the_plate_map(tmp_path) -> None:
    da = stack(compound=("well", ["DMSO", "x", "y"]), dose=("well", [0.0, np.nan, 2.5]))
    group = da.omezarr.to_plate(tmp_path / "p")
    assert group.attrs["plate_map"] == {
        "B/2": {"compound": "DMSO", "dose": 0.0},
        "B/10": {"compound": "x", "dose": None},
        "C/2": {"compound": "y", "dose": 2.5},
    }


def test_a_plate_map_that_is_given_stands_beside_what_coordinates_tell(
    tmp_path,
) -> None:
    da = stack(drug=("well", ["a", "b", "c"]), dose=("well", [1, 2, 3]))
    group = da.omezarr.to_plate(tmp_path / "p", plate_map={"C02": {"dose": 30}})
    assert group.attrs["plate_map"] == {
        "B/2": {"drug": "a", "dose": 1},
        "B/10": {"drug": "b", "dose": 2},
        "C/2": {"drug": "c", "dose": 30},
    }


def test_wells_without_fields_keep_what_is_known_of_them(tmp_path) -> None:
    da = stack(
        present=(("well", "field"), [[True, False], [False, False], [True, True]]),
        drug=("well", np.array([None, "b", "c"], object)),
    )
    group = da.omezarr.to_plate(tmp_path / "p", layout=96)
    assert group.attrs["plate_map"] == {"B/10": {"drug": "b"}, "C/2": {"drug": "c"}}


def test_a_name_that_only_padding_has_is_no_well(tmp_path) -> None:
    da = stack(
        well=["B2", "", "C2"],
        present=(("well", "field"), [[True, False], [False, False], [True, True]]),
        drug=("well", ["a", "-", "c"]),
    )
    group = da.omezarr.to_plate(tmp_path / "p")
    assert group.attrs["plate_map"] == {"B/2": {"drug": "a"}, "C/2": {"drug": "c"}}


def test_a_plate_map_is_whole_after_opening_the_plate_as_one_array(tmp_path) -> None:
    told = {
        "A/1": {"dose": 1.5, "kind": "drug"},
        "A/2": {"dose": None, "kind": "empty"},
        "B/2": {"dose": None, "kind": None},
        "H/12": {"dose": 0.5, "kind": "far"},
    }
    fields = {path: image_of_field() for path in ("A/1/0", "B/2/0")}
    xo.write_plate(fields, tmp_path / "p", layout=96, plate_map=told)
    ds = xo.open_plate(tmp_path / "p")
    assert ds["kind"].sel(row="A", column="2") == "empty"
    for form in (ds, ds["image"]):
        group = xo.write_plate(form, tmp_path / "q", mode="w")
        # Nothing is known of B/2, so it has no line.
        expected = {well: line for well, line in told.items() if well != "B/2"}
        assert group.attrs["plate_map"] == expected


def image_of_field():
    return xr.DataArray(PIXELS[0, 0, 0], dims=("y", "x"))


def test_coordinates_of_fields_are_kept_with_each(tmp_path) -> None:
    seconds = np.arange(6).reshape(3, 2)
    times = np.datetime64("2026-05-01T08:00", "ns") + seconds.astype("timedelta64[s]")
    da = stack(imaged=(("well", "field"), times), power=("field", [0.5, 0.7]))
    da.omezarr.to_plate(tmp_path / "p")
    field = xo.open_image(tmp_path / "p" / "C" / "2" / "1")
    assert field["imaged"].values == np.datetime64("2026-05-01T08:00:05")
    assert float(field["power"]) == 0.7
    assert not {"well", "field", "origin_y", "present"} & set(field.coords)


@pytest.mark.parametrize("chunked", [False, True])
def test_fields_that_there_are_not_are_left_out(tmp_path, chunked) -> None:
    present = (("well", "field"), [[True, False], [False, False], [True, True]])
    da = stack(present=present)
    da["origin_y"][0, 1] = np.nan
    if chunked:
        da = da.chunk({"well": 1})
    group = da.omezarr.to_plate(tmp_path / "p")
    assert [w["path"] for w in plate_of(tmp_path / "p")["wells"]] == ["B/2", "C/2"]
    assert sorted(group["B"].keys()) == ["2"]
    assert sorted(group["B/2"].keys()) == ["0"]


def test_positions_as_other_libraries_have_them(tmp_path) -> None:
    """One dim of positions, with names of wells and numbers of fields along it."""
    da = xr.DataArray(
        PIXELS.reshape(6, 2, 40, 50),
        dims=("P", "C", "Y", "X"),
        coords={
            "well": ("P", ["A01", "A01", "A02", "A02", "B01", "B01"]),
            "site": ("P", [0, 1] * 3),
            "stage_x": ("P", np.arange(6.0)),
        },
    )
    group = da.omezarr.to_plate(tmp_path / "p", field="site", layout=96)
    np.testing.assert_array_equal(group["B/01/1/0"][:], PIXELS[2, 1])
    assert plate_of(tmp_path / "p")["columns"][-1] == {"name": "12"}
    field = xo.open_image(tmp_path / "p" / "B" / "01" / "1")
    assert float(field["stage_x"]) == 5.0


def test_a_dataset_brings_what_is_known_of_the_plate(tmp_path) -> None:
    plate = {"name": "screen 7", "rows": [{"name": n} for n in "ABCDEFGH"]}
    dataset = stack().to_dataset(name="image")
    dataset.attrs = {"plate": plate, "operator": "Ada"}
    group = dataset.omezarr.to_plate(tmp_path / "p")
    assert plate_of(tmp_path / "p")["name"] == "screen 7"
    assert len(plate_of(tmp_path / "p")["rows"]) == 8
    assert group.attrs["operator"] == "Ada"


def test_the_text_of_the_plate_is_not_that_of_each_field(tmp_path) -> None:
    stack().omezarr.to_plate(tmp_path / "a", ome_xml="auto")
    text = (tmp_path / "a" / "OME" / "METADATA.ome.xml").read_text("utf-8")
    text = text.replace("</OME>", "<!-- by hand --></OME>")
    assert "by hand" in text
    da = stack().assign_attrs(ome_xml=text)
    for form, obj in (("array", da), ("dataset", da.to_dataset(name="image"))):
        obj.omezarr.to_plate(tmp_path / form)
        assert da.attrs == {"ome_xml": text}
        kept = (tmp_path / form / "OME" / "METADATA.ome.xml").read_text("utf-8")
        assert "by hand" in kept
        for metadata in (tmp_path / form).rglob("zarr.json"):
            assert "by hand" not in metadata.read_text("utf-8")


def test_all_problems_are_said_before_the_first_byte(tmp_path) -> None:
    da = stack(well=["B2", "?", "C2"]).assign_coords(field=["a", "b_"])
    with pytest.raises(xo.PlateError, match=r"'\?'"):
        da.omezarr.to_plate(tmp_path / "p")
    with pytest.raises(xo.PlateError, match="b_"):
        da.assign_coords(well=WELLS).omezarr.to_plate(tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_names_of_dims_are_for_arrays(tmp_path) -> None:
    fields = {"A/1/0": stack()[0, 0]}
    with pytest.raises(xo.OptionError, match="well name"):
        xo.write_plate(fields, tmp_path / "p", well="well")


def test_a_chunk_with_many_fields_is_computed_once(tmp_path) -> None:
    made = []

    def make(block, block_info=None):
        made.append(block_info[None]["chunk-location"])
        return block + 1

    pixels = dask.array.zeros((4, 4, 32, 32), chunks=(2, 4, 32, 32), dtype="u1")
    da = xr.DataArray(
        pixels.map_blocks(make, dtype="u1", meta=np.empty((0,) * 4, "u1")),
        {"well": ["A1", "A2", "A3", "A4"]},
        ("well", "field", "y", "x"),
    )
    group = da.omezarr.to_plate(tmp_path / "p", scale_factors=[2])
    assert len(made) == len(set(made)) == 2
    assert group["A/3/2/1"][:].min() == 1


def test_thousands_of_fields_are_one_graph(monkeypatch) -> None:
    """The graph of the array is looked at once, not once for each field."""
    taken_apart = []
    original = dask.array.Array.to_delayed

    def counting(self, *args, **kwargs):
        taken_apart.append(1)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(dask.array.Array, "to_delayed", counting)
    pixels = dask.array.zeros((24, 9, 16, 16), chunks=(1, 3, 16, 16), dtype="u1") + 1
    da = xr.DataArray(
        pixels,
        {"well": [f"A{n}" for n in range(1, 25)]},
        ("well", "field", "y", "x"),
    )
    later = da.omezarr.to_plate(zarr.storage.MemoryStore(), compute=False)
    assert len(taken_apart) == 1
    graph = later.__dask_graph__()
    # What the array is made from, the blocks, and a few that begin and end.
    assert len(graph.layers) <= 6
    with dask.config.set(scheduler="threads"):
        group = later.compute()
    assert group["A/24/8/0"][:].min() == 1


def test_the_metadata_are_plain_json(tmp_path) -> None:
    stack(dose=("well", np.float32([0.5, 1, 2]))).omezarr.to_plate(tmp_path / "p")
    for file in (tmp_path / "p").rglob("zarr.json"):
        json.loads(file.read_text(), parse_constant=pytest.fail)


def field(seed, row, acquisition):
    coords = {
        "c": ["DAPI", "GFP"],
        "y": ("y", 100.3 * row + 0.65 * np.arange(40), {"units": "micrometer"}),
        "x": ("x", 0.65 * np.arange(50), {"units": "micrometer"}),
        "acquisition": acquisition,
    }
    pixels = np.random.default_rng(seed).integers(0, 999, (2, 40, 50), "uint16")
    return xr.DataArray(pixels, coords, ("c", "y", "x"))


def without_windows(store, path):
    """Attributes but for contrast: a channel of one array has one window for all."""
    attrs = dict(zarr.open_group(store, path=path, mode="r").attrs)
    for channel in attrs.get("ome", attrs).get("omero", {}).get("channels", ()):
        del channel["window"]
    return attrs


@pytest.mark.parametrize("chunks", [None, {}])
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_what_is_opened_as_one_array_is_written_as_the_same_plate(
    tmp_path, version, chunks
) -> None:
    fields = {
        "B/2/0": field(1, 0, 1),
        "B/2/1": field(2, 1, 2),
        "D/10/0": field(3, 2, 1),
    }
    first, second = tmp_path / "first.ome.zarr", tmp_path / "second.ome.zarr"
    xo.write_plate(
        fields,
        first,
        version=version,
        acquisitions={1: "day 1", 2: "day 2"},
        plate_map={"B2": {"compound": "DMSO"}, "D10": {"compound": "x", "dose": 1.5}},
        layout=96,
    )
    opened = xo.open_plate(first, chunks=chunks)
    opened.omezarr.to_plate(second, version=version)
    for path in ("", "B", "B/2", "D/10", *fields):
        assert without_windows(second, path) == without_windows(first, path)
    for path, image in fields.items():
        stored = zarr.open_group(second, path=path, mode="r")
        np.testing.assert_array_equal(stored["0"][:], image.values)
    assert sorted(zarr.open_group(second, mode="r")["D/10"].keys()) == ["0"]
    # A part of it is a plate as well.
    third = opened.sel(row="D").omezarr.to_plate(tmp_path / "third", version=version)
    np.testing.assert_array_equal(third["D/10/0/0"][:], fields["D/10/0"].values)


def test_what_a_chunked_plate_knows_of_wells_selects_and_groups(tmp_path) -> None:
    path = tmp_path / "plate.ome.zarr"
    known = {"drug": ("well", ["taxol", "DMSO", "taxol"])}
    stack(**known).omezarr.to_plate(path)
    plate = xo.open_plate(path, chunks={})
    assert plate.image.chunks is not None
    assert all(coord.chunks is None for coord in plate.coords.values())
    means = plate.image.where(plate.present).groupby("drug").mean(...).compute()
    expected = {"taxol": PIXELS[[0, 2]].mean(), "DMSO": PIXELS[1].mean()}
    for drug, mean in expected.items():
        np.testing.assert_allclose(means.sel(drug=drug), mean)
    chosen = plate.where(plate.drug == "DMSO", drop=True)
    assert (chosen.row.item(), chosen.column.item()) == ("B", "10")
