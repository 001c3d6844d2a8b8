"""Fields of plates and series of collections, one at a time, from many processes."""

from __future__ import annotations

import multiprocessing
import xml.etree.ElementTree as ET
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import xarray as xr
import zarr
from yaozarrs import validate_zarr_store

import xarray_omezarr as xo
from tests.integration.test_object_stores import BUCKET, s3, server

__all__ = ["s3", "server"]  # fixtures

SPAWN = multiprocessing.get_context("spawn")


def image(seed, size=48, **coords):
    """Pixels that a seed tells; no two fields have the same."""
    pixels = np.random.default_rng(seed).integers(1, 999, (size, size), "uint16")
    return xr.DataArray(pixels, coords, ("y", "x"))


def group_of(store, path="", **options):
    if isinstance(store, str) and "://" in store:
        store = zarr.storage.FsspecStore.from_url(store, **options)
    return zarr.open_group(store, path=path, mode="r", use_consolidated=False)


def plate_of(store, **options):
    return group_of(store, **options).attrs["ome"]["plate"]


def fields_of(store, well, **options):
    images = group_of(store, well, **options).attrs["ome"]["well"]["images"]
    return [entry["path"] for entry in images]


def write_fields(store, seeds, start, options) -> None:
    """What one process does: fields by path, each with pixels of its own."""
    start.wait(60)
    for path, seed in seeds.items():
        image(seed).omezarr.to_field(store, path, **options)


def in_two_processes(store, first, second, **options) -> None:
    start = SPAWN.Barrier(2)
    writers = [
        SPAWN.Process(target=write_fields, args=(store, seeds, start, options))
        for seeds in (first, second)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(240)
    assert [writer.exitcode for writer in writers] == [0, 0]


FIRST = {
    f"A/{column}/{field}": 10 * column + field for column in (1, 2) for field in (0, 1)
}
SECOND = {
    f"C/{column}/{field}": 500 + 10 * column + field
    for column in (1, 2)
    for field in (0, 1)
}


def assert_holds(store, seeds, **options) -> None:
    for path, seed in seeds.items():
        stored = group_of(store, path, **options)
        pixels = image(seed).values
        np.testing.assert_array_equal(stored["0"][:], pixels)
        halved = pixels.reshape(24, 2, 24, 2).mean(axis=(1, 3)).round()
        np.testing.assert_array_equal(stored["1"][:], halved)


def prepare(store, **options):
    template = xo.template("yx", (48, 48), "uint16", scale={"y": 1.0, "x": 1.0})
    xo.prepare_plate(
        dict.fromkeys([*FIRST, *SECOND], template), store, scale_factors=[2], **options
    )


def test_two_processes_fill_wells_of_a_prepared_plate(tmp_path) -> None:
    path = str(tmp_path / "plate.ome.zarr")
    prepare(path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("zarr.json")}
    in_two_processes(path, FIRST, SECOND, mode="r+")
    assert_holds(path, FIRST | SECOND)
    assert all(file.read_bytes() == content for file, content in before.items())
    assert validate_zarr_store(path)


def test_two_processes_fill_wells_of_a_prepared_plate_on_s3(s3) -> None:
    made, name = s3
    url, options = f"s3://{BUCKET}/{name}", {"storage_options": made.options}
    prepare(url, **options)
    made.requests.clear()
    in_two_processes(url, FIRST, SECOND, mode="r+", **options)
    assert_holds(url, FIRST | SECOND, **options)
    # Nobody touched metadata that they share, nor needed a lock.
    assert len(made.puts) >= 2 * len(FIRST | SECOND)
    assert all("/c/" in key for key in made.puts)


def test_two_processes_add_fields_to_a_plate_that_was_not_there(tmp_path) -> None:
    path = str(tmp_path / "plate.ome.zarr")
    in_two_processes(path, FIRST, SECOND, scale_factors=[2])
    assert_holds(path, FIRST | SECOND)
    plate = plate_of(path)
    assert [well["path"] for well in plate["wells"]] == ["A/1", "A/2", "C/1", "C/2"]
    assert [row["name"] for row in plate["rows"]] == ["A", "B", "C"]
    assert plate["field_count"] == 2
    assert fields_of(path, "C/2") == ["0", "1"]
    assert validate_zarr_store(path)


def add_one(place: tuple[str, str]) -> None:
    path, member = place
    if member.count("/"):
        image(int(member[2:-2])).omezarr.to_field(path, member, scale_factors=[2])
    else:
        image(int(member)).omezarr.to_series(path, member, scale_factors=[2])


@pytest.mark.parametrize("member", ["A/{}/0", "{}"])
def test_the_first_of_many_processes_are_in_nobodys_way(tmp_path, member) -> None:
    with ProcessPoolExecutor(4, mp_context=SPAWN) as pool:
        for number in range(3):
            path = str(tmp_path / f"{number}.ome.zarr")
            members = {member.format(seed): seed for seed in range(1, 9)}
            list(pool.map(add_one, ((path, name) for name in members)))
            assert_holds(path, members)
            known = group_of(path).attrs["ome"]
            if "plate" in known:
                listed = [f"{well['path']}/0" for well in known["plate"]["wells"]]
            else:
                listed = group_of(path, "OME").attrs["ome"]["series"]
            assert sorted(listed) == sorted(members)


def test_two_processes_add_fields_to_one_well(tmp_path) -> None:
    path = str(tmp_path / "plate.ome.zarr")
    first = {f"B/2/{n}": n for n in (0, 2, 4)}
    second = {f"B/2/{n}": n for n in (1, 3, 11)}
    in_two_processes(path, first, second, scale_factors=[2])
    assert fields_of(path, "B/2") == ["0", "1", "2", "3", "4", "11"]
    assert plate_of(path)["field_count"] == 6


def test_two_processes_add_wells_to_a_plate_on_s3(s3) -> None:
    made, name = s3
    url, options = f"s3://{BUCKET}/{name}", {"storage_options": made.options}
    first, second = {"A/1/0": 1, "A/2/0": 2}, {"B/1/0": 3, "B/2/0": 4}
    in_two_processes(url, first, second, scale_factors=[2], **options)
    assert_holds(url, first | second, **options)
    wells = [well["path"] for well in plate_of(url, **options)["wells"]]
    assert wells == ["A/1", "A/2", "B/1", "B/2"]


def test_metadata_are_true_after_each_call(tmp_path) -> None:
    path = str(tmp_path / "p.ome.zarr")
    for count, well in enumerate(["C/3", "A/1", "B/12"], start=1):
        image(count).omezarr.to_field(path, f"{well}/0", acquisition=2)
        assert len(plate_of(path)["wells"]) == count
        assert validate_zarr_store(path)
    plate = plate_of(path)
    assert [well["path"] for well in plate["wells"]] == ["A/1", "B/12", "C/3"]
    for well in plate["wells"]:
        row, column = (
            plate["rows"][well["rowIndex"]],
            plate["columns"][well["columnIndex"]],
        )
        assert well["path"] == f"{row['name']}/{column['name']}"
    assert [run["id"] for run in plate["acquisitions"]] == [2]
    assert plate["name"] == "p"


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_plate_that_others_made_goes_on(tmp_path, version) -> None:
    path = str(tmp_path / "p")
    fields = {"B/2/0": image(1), "D/4/0": image(2)}
    group = xo.write_plate(fields, path, version=version, attrs={"lab": {"who": "Ada"}})
    image(3).omezarr.to_field(path, "C/3/0")
    attrs = dict(zarr.open_group(path, mode="r").attrs)
    plate = attrs["ome"]["plate"] if version == "0.5" else attrs["plate"]
    assert [well["path"] for well in plate["wells"]] == ["B/2", "C/3", "D/4"]
    assert attrs["lab"] == {"who": "Ada"}
    assert group.metadata.zarr_format == (3 if version == "0.5" else 2)
    assert validate_zarr_store(path)


def test_another_version_is_refused(tmp_path) -> None:
    image(1).omezarr.to_field(tmp_path / "p", "A/1/0", version="0.4")
    with pytest.raises(xo.NotInVersionError, match=r"0\.4"):
        image(1).omezarr.to_field(tmp_path / "p", "A/1/1", version="0.5")


@pytest.mark.filterwarnings("ignore:Fields are not like")
def test_fields_have_as_many_levels_as_those_that_are_there(tmp_path) -> None:
    image(1, 256).omezarr.to_field(tmp_path / "p", "A/1/0", scale_factors=[2, 4])
    plate = image(2, 32).omezarr.to_field(tmp_path / "p", "A/2/0")
    assert sorted(plate["A/2/0"].keys()) == ["0", "1", "2"]


def test_a_field_that_is_there_is_refused_or_replaced_alone(tmp_path) -> None:
    path = tmp_path / "p"
    image(1).omezarr.to_field(path, "A/1/0")
    image(2).omezarr.to_field(path, "A/1/1")
    with pytest.raises(xo.TargetExistsError, match="mode='w'"):
        image(3).omezarr.to_field(path, "A/1/0")
    plate = image(3).omezarr.to_field(path, "A/1/0", mode="w")
    np.testing.assert_array_equal(plate["A/1/0/0"][:], image(3).values)
    np.testing.assert_array_equal(plate["A/1/1/0"][:], image(2).values)
    assert fields_of(path, "A/1") == ["0", "1"]


def test_a_field_whose_write_failed_is_not_listed(tmp_path) -> None:
    path = tmp_path / "p"
    image(1).omezarr.to_field(path, "A/1/0")
    for well in ("A/1/1", "B/1/0"):
        with pytest.raises(ZeroDivisionError):
            failing_image().omezarr.to_field(path, well)
    assert [well["path"] for well in plate_of(path)["wells"]] == ["A/1"]
    assert fields_of(path, "A/1") == ["0"]
    assert validate_zarr_store(str(path))
    # Nor does it keep others from being written there.
    image(2).omezarr.to_field(path, "A/1/1")
    assert fields_of(path, "A/1") == ["0", "1"]


def test_after_a_failure_a_plate_that_was_not_there_can_be_made(tmp_path) -> None:
    with pytest.raises(ZeroDivisionError):
        failing_image().omezarr.to_field(tmp_path / "p", "A/1/0")
    image(1).omezarr.to_field(tmp_path / "p", "A/2/0")
    assert [well["path"] for well in plate_of(tmp_path / "p")["wells"]] == ["A/2"]


def failing_image():
    """Pixels that cannot be computed."""

    def fail(block):
        raise ZeroDivisionError

    made = image(2).chunk(24)
    nothing = np.empty((0, 0), "uint16")
    made.data = made.data.map_blocks(fail, dtype="uint16", meta=nothing)
    return made


def test_a_delayed_field_is_listed_when_it_has_run(tmp_path) -> None:
    image(1).omezarr.to_field(tmp_path / "p", "A/1/0")
    later = image(2).omezarr.to_field(tmp_path / "p", "A/2/0", compute=False)
    assert len(plate_of(tmp_path / "p")["wells"]) == 1
    assert sorted(later.compute()["A"].keys()) == ["1", "2"]
    assert len(plate_of(tmp_path / "p")["wells"]) == 2


@pytest.mark.parametrize("what", ["folder", "zarr", "image", "array"])
def test_nothing_is_written_into_what_is_no_plate(tmp_path, what) -> None:
    path = tmp_path / "p"
    if what == "folder":
        path.mkdir()
        (path / "notes.txt").write_text("mine")
    elif what == "zarr":
        zarr.open_group(path, mode="w").create_array("mine", shape=3, dtype="u1")
    elif what == "image":
        image(1).omezarr.to_image(path)
    else:
        zarr.create_array(path, shape=3, dtype="u1")
    before = sorted(path.rglob("*"))
    for write in ("to_field", "to_series"):
        with pytest.raises(xo.TargetExistsError):
            getattr(image(1).omezarr, write)(path, "A/1/0")
    assert sorted(path.rglob("*")) == before


@pytest.mark.parametrize("path", ["A/1", "A/1/0/0", "", "A/../0", 3])
def test_a_path_is_row_column_and_field(tmp_path, path) -> None:
    with pytest.raises(xo.OmeZarrError, match=r"row|columns"):
        image(1).omezarr.to_field(tmp_path / "p", path)


def test_labels_are_written_with_the_field(tmp_path) -> None:
    cells = image(1) > 500
    plate = image(1).omezarr.to_field(tmp_path / "p", "A/1/0", labels={"cells": cells})
    assert plate["A/1/0/labels/cells/0"].dtype == "uint8"
    assert validate_zarr_store(str(tmp_path / "p"))


def test_labels_are_named_in_a_dataset_as_for_an_image(tmp_path) -> None:
    ds = xr.Dataset({"raw": image(3), "cells": image(4) % 3})
    store = tmp_path / "p.zarr"
    ds.omezarr.to_field(store, "A/1/0", image="raw", labels=["cells"])
    ds.omezarr.to_series(tmp_path / "c.zarr", "0", image="raw", labels=["cells"])
    for path in ("p.zarr/A/1/0", "c.zarr/0"):
        np.testing.assert_array_equal(group_of(tmp_path / path)["0"][:], image(3))
        labels = group_of(tmp_path / path)["labels/cells/0"][:]
        np.testing.assert_array_equal(labels, image(4) % 3)


@pytest.mark.parametrize("form", [xr.Dataset.copy, xr.DataTree])
def test_pixels_are_those_of_the_variable_that_is_named(tmp_path, form) -> None:
    image(1).omezarr.to_field(tmp_path / "p.zarr", "A/1/0")
    image(1).omezarr.to_series(tmp_path / "c.zarr", "0")
    obj = form(xr.Dataset({"other": image(5), "image": image(6), "raw": image(7)}))
    obj.omezarr.to_field(tmp_path / "p.zarr", "A/1/0", image="raw", mode="r+")
    obj.omezarr.to_series(tmp_path / "c.zarr", "0", image="raw", mode="r+")
    for path in ("p.zarr/A/1/0", "c.zarr/0"):
        np.testing.assert_array_equal(group_of(tmp_path / path)["0"][:], image(7))
    with pytest.raises(xo.OptionError, match="image"):
        obj.omezarr.to_field(tmp_path / "p.zarr", "A/1/0", mode="r+")


def test_pixels_of_a_tree_that_was_read_are_written_into_a_field(tmp_path) -> None:
    store = tmp_path / "p.zarr"
    image(1).omezarr.to_field(store, "A/1/0", scale_factors=None)
    image(2).omezarr.to_image(tmp_path / "i.zarr", scale_factors=None)
    tree = xr.open_datatree(tmp_path / "i.zarr", engine="omezarr")
    tree.omezarr.to_field(store, "A/1/0", mode="r+")
    np.testing.assert_array_equal(group_of(store, "A/1/0")["0"][:], image(2))
    levels = image(2).omezarr.pyramid([2])
    with pytest.raises(xo.OptionError, match=r"2 levels.*finest, '/0'"):
        levels.omezarr.to_field(store, "A/1/0", mode="r+")


def test_a_second_acquisition_asks_for_those_of_fields_that_are_there(tmp_path) -> None:
    store = tmp_path / "p.zarr"
    image(1).omezarr.to_field(store, "A/1/0")
    image(2).omezarr.to_field(store, "A/1/1", acquisition=0)
    with pytest.raises(xo.PlateError, match=r"A/1/0.* have no acquisition"):
        image(3).omezarr.to_field(store, "A/1/2", acquisition=1)
    assert "2" not in group_of(store, "A/1")
    image(1).omezarr.to_field(store, "A/1/0", acquisition=0, mode="w")
    image(3).omezarr.to_field(store, "A/1/2", acquisition=1)
    assert [run["id"] for run in plate_of(store)["acquisitions"]] == [0, 1]
    validate_zarr_store(str(store))


def images_in(root):
    text = (root / "OME" / "METADATA.ome.xml").read_text("utf-8")
    found = ET.fromstring(text).findall("{*}Image")
    return [image.find("{*}Pixels").get("SizeX") for image in found]


def test_series_are_listed_and_described(tmp_path) -> None:
    path = tmp_path / "c.ome.zarr"
    for name, size in (("0", 32), ("1", 16), ("10", 48)):
        root = image(size, size).omezarr.to_series(path, name)
    assert root["OME"].attrs["ome"]["series"] == ["0", "1", "10"]
    assert root.attrs["ome"]["bioformats2raw.layout"] == 3
    assert images_in(path) == ["32", "16", "48"]
    image(5, 20).omezarr.to_series(path, "1", mode="w")
    assert images_in(path) == ["32", "20", "48"]
    assert validate_zarr_store(str(path))
    from ome_types import from_xml

    xml = from_xml((path / "OME" / "METADATA.ome.xml").read_text("utf-8"))
    assert len({image.id for image in xml.images}) == 3


def test_what_others_wrote_in_ome_xml_stays(tmp_path) -> None:
    path = tmp_path / "c"
    xo.write_bioformats2raw({"0": image(1)}, path)
    file = path / "OME" / "METADATA.ome.xml"
    text = file.read_text("utf-8").replace(
        "<Image ", '<!-- mine --><Instrument ID="Instrument:0"/><Image ', 1
    )
    file.write_text(text, "utf-8")
    image(2, 16).omezarr.to_series(path, "1")
    assert "<!-- mine -->" in file.read_text("utf-8")
    assert images_in(path) == ["48", "16"]


def test_series_that_others_do_not_list_stay(tmp_path) -> None:
    path = tmp_path / "c"
    xo.write_bioformats2raw({"0": image(1), "1": image(2)}, path, ome_xml=None)
    group = zarr.open_group(path, mode="r+")
    del group["OME"]
    root = image(3).omezarr.to_series(path, "2")
    assert root["OME"].attrs["ome"]["series"] == ["0", "1", "2"]
    assert not (path / "OME" / "METADATA.ome.xml").exists()


def test_a_series_that_is_there_is_refused(tmp_path) -> None:
    image(1).omezarr.to_series(tmp_path / "c", "0")
    with pytest.raises(xo.TargetExistsError):
        image(2).omezarr.to_series(tmp_path / "c", "0")
    with pytest.raises(xo.TargetExistsError, match="is not a plate"):
        image(2).omezarr.to_field(tmp_path / "c", "A/1/0")
