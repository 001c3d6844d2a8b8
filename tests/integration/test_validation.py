"""Whole hierarchies measured: valid ones pass, each broken rule is told where it is."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from tests.integration.handmade import Folder, multiscale, ome_xml, only, told
from xarray_omezarr.ngff.versions import registry

VERSIONS = ("0.4", "0.5")


@pytest.fixture(params=VERSIONS)
def folder(request, tmp_path):
    return Folder(tmp_path / "store.zarr", request.param)


@pytest.fixture
def newer(tmp_path):
    return Folder(tmp_path / "store.zarr", "0.5")


# --- what is valid ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["image", "labelled", "plate", "collection"])
def test_a_store_as_the_text_has_it_has_no_findings(folder, kind) -> None:
    getattr(folder, kind)()
    report = xo.validate(folder.path, data="all")
    assert report.findings == (), str(report)
    assert report.ok
    assert report.version == folder.version


def test_all_groups_and_arrays_are_counted(folder) -> None:
    # A plate, two rows, two wells, two fields with two levels each.
    assert xo.validate(folder.plate().path).nodes == 1 + 2 + 2 + 2 + 4


def test_numbered_images_need_no_list(folder) -> None:
    assert xo.validate(folder.collection(series=False).path).findings == ()


@pytest.mark.parametrize("level", ["schema", "strict"])
def test_schemas_say_nothing_of_arrays(folder, level) -> None:
    folder.labelled()
    shutil.rmtree(folder.path / "0")
    assert xo.validate(folder.path, level=level).findings == ()


def test_a_part_of_a_store_is_measured_with_group(folder) -> None:
    folder.plate()
    shutil.rmtree(folder.path / "B" / "2")
    assert xo.validate(folder.path, group="A/1/0").ok
    assert not xo.validate(folder.path).ok


@pytest.mark.filterwarnings("ignore::xarray_omezarr.OmeZarrWarning")
@pytest.mark.parametrize("version", registry.SUPPORTED)
def test_what_this_package_writes_has_no_findings(tmp_path, version) -> None:
    coords = {d: (d, 0.5 * np.arange(40.0), {"units": "micrometer"}) for d in "yx"}
    da = xr.DataArray(
        np.arange(1600).reshape(40, 40).astype("uint8"), coords, ("y", "x"), "dots"
    )
    colors = {value: (value, 0, 0) for value in range(1, 256)}
    # What old versions cannot hold is not written.
    options = {"version": version, "chunks": 16, "lossy": True}
    da.omezarr.to_image(tmp_path / "image", **options)
    # Where images have no units, labels must not have any.
    has_units = registry.get(version).features.units
    label = da if has_units else da.drop_vars(["y", "x"])
    label.omezarr.to_labels(
        tmp_path / "image", "cells", colors=colors, chunks=16, lossy=True
    )
    plate = xr.concat([da, da], "field").expand_dims(row=["A"], column=["1", "2"])
    plate = plate.transpose("row", "column", "field", "y", "x").assign_coords(
        field=[0, 1]
    )
    names = {"row": "row", "column": "column", "field": "field"}
    plate.omezarr.to_plate(tmp_path / "plate", **names, **options)
    series = xr.concat([da, da], "p")
    series.omezarr.to_bioformats2raw(tmp_path / "series", series="p", **options)
    for kind in ("image", "plate", "series"):
        report = xo.validate(tmp_path / kind, data="all")
        assert report.findings == (), str(report)


# --- levels -------------------------------------------------------------------------


def test_a_level_that_is_not_there(folder) -> None:
    folder.image()
    shutil.rmtree(folder.path / "1")
    pointer = "/multiscales/0/datasets/1/path"
    only(xo.validate(folder.path), "error", "", pointer, "there is no array")


def test_a_level_that_is_a_group(folder) -> None:
    folder.image()
    shutil.rmtree(folder.path / "1")
    folder.group("1")
    pointer = "/multiscales/0/datasets/1/path"
    only(xo.validate(folder.path), "error", "", pointer, "Zarr group instead of the")


def test_levels_with_another_number_of_dims(folder) -> None:
    folder.image().array("0", (16, 12), dims=("y", "x"))
    folder.array("1", (8, 6), dims=("y", "x"))
    report = xo.validate(folder.path)
    assert told(report) == {("error", "0", ""), ("error", "1", "")}
    assert "2 dims, and its image 3 axes (c, y, x)" in report.errors[0].message


def test_levels_that_name_no_dims(newer) -> None:
    newer.image().array("1", (2, 8, 6), dims=None)
    only(xo.validate(newer.path), "error", "1", "", "dimension_names are none")


def test_levels_that_name_other_dims(newer) -> None:
    newer.image().array("1", (2, 8, 6), dims=("c", "x", "y"))
    only(xo.validate(newer.path), "error", "1", "", "dimension_names are c, x, y")


def test_levels_of_different_data_types(folder) -> None:
    folder.image().array("1", (2, 8, 6), "uint8")
    only(xo.validate(folder.path), "warning", "1", "", "is of uint8, and level '0' of")


def test_levels_from_the_coarsest_to_the_finest(folder) -> None:
    folder.image()
    folder.array("0", (2, 8, 6)).array("1", (2, 16, 12))
    folder.change(
        "",
        lambda ome: multiscale(ome)["datasets"][0].update(
            coordinateTransformations=[{"type": "scale", "scale": [1.0, 1.0, 1.0]}]
        ),
    )
    pointer = "/multiscales/0/datasets/1/path"
    report = xo.validate(folder.path)
    assert ("error", "", pointer) in told(report)
    assert any("more pixels" in one.message for one in report.errors)


@pytest.mark.parametrize("size", [5, 9])
def test_a_level_of_nearly_the_size_that_its_scale_tells(folder, size) -> None:
    # Half of 11 is 5 or 6, half of 17 is 8 or 9.
    finer = {5: 11, 9: 17}[size]
    folder.image().array("0", (2, finer, 12)).array("1", (2, size, 6))
    assert xo.validate(folder.path).findings == ()


def test_a_level_of_another_size_than_its_scale_tells(folder) -> None:
    folder.image().array("1", (2, 4, 6))
    pointer = "/multiscales/0/datasets/1/path"
    report = xo.validate(folder.path)
    only(report, "warning", "", pointer, "y: 4 pixels instead of about 8")


def test_keys_of_chunks_that_are_not_nested(tmp_path) -> None:
    older = Folder(tmp_path / "store.zarr", "0.4").image()
    flat = {"chunk_key_encoding": {"name": "v2", "separator": "."}}
    older.array("1", (2, 8, 6), **flat)
    only(xo.validate(older.path), "warning", "1", "", "keys of chunks")


def test_channels_that_are_not_those_of_the_image(folder) -> None:
    window = {"min": 0, "max": 9, "start": 0, "end": 9}
    channel = {"color": "FF0000", "window": window}
    omero = {"channels": [channel] * 3, "version": folder.version}
    folder.image().change("", lambda ome: ome.update(omero=omero))
    words = "describes 3 channels, and axis c has 2"
    only(xo.validate(folder.path), "warning", "", "/omero/channels", words)


def test_a_level_of_another_zarr_format(newer) -> None:
    newer.image()
    shutil.rmtree(newer.path / "1")
    older = Folder(newer.path, "0.4")
    older.array("1", (2, 8, 6))
    report = xo.validate(newer.path)
    assert ("error", "1", "") in told(report)
    assert any("it is Zarr v2" in one.message for one in report.errors)


def test_two_formats_of_zarr_at_one_place(newer) -> None:
    newer.image()
    (newer.path / ".zgroup").write_text('{"zarr_format": 2}')
    only(xo.validate(newer.path), "warning", "", "", "documents of Zarr v3 and of v2")


def test_a_group_of_another_version(newer) -> None:
    newer.plate()
    newer.change("A/1/0", lambda ome: ome.update(version="0.6"))
    report = xo.validate(newer.path)
    same = [one for one in report.errors if "of version 0.6" in one.message]
    assert [one.path for one in same] == ["A/1/0"]


# --- labels -------------------------------------------------------------------------


def test_labels_that_are_listed_and_not_there(folder) -> None:
    folder.labelled()
    shutil.rmtree(folder.path / "labels" / "cells")
    only(xo.validate(folder.path), "error", "labels", "/labels/0", "no label image")


def test_labels_that_are_there_and_not_listed(newer) -> None:
    newer.labelled()
    label = newer.path / "labels"
    shutil.copytree(label / "cells", label / "nuclei")
    only(xo.validate(newer.path), "warning", "labels", "", "not listed: nuclei")


@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_groups_between_labels_and_their_list_say_nothing(tmp_path, version) -> None:
    folder = Folder(tmp_path / "store.zarr", version).labelled()
    (folder.path / "labels/g/h").mkdir(parents=True)
    shutil.move(folder.path / "labels/cells", folder.path / "labels/g/h/cells")
    source = {"image": "../../../../"}
    folder.group("labels", {"labels": ["g/h/cells"]}).group("labels/g")
    folder.group("labels/g/h").change(
        "labels/g/h/cells", lambda ome: ome["image-label"].update(source=source)
    )
    plain = told(xo.validate(folder.path))
    folder.group("labels/g", {"labels": []} if version == "0.4" else {"name": "mine"})
    found = told(xo.validate(folder.path)) - plain
    assert found == (set() if folder.is_v2 else {("error", "labels/g", "/ome")})
    if version == "0.5":
        only(xo.validate(folder.path), "error", "labels/g", "/ome", "between the list")


def test_groups_between_may_hold_what_others_say(newer) -> None:
    newer.labelled()
    (newer.path / "labels/g").mkdir()
    shutil.move(newer.path / "labels/cells", newer.path / "labels/g/cells")
    newer.group("labels", {"labels": ["g/cells"]})
    document = {"zarr_format": 3, "node_type": "group", "attributes": {"lab": 7}}
    (newer.path / "labels/g/zarr.json").write_text(json.dumps(document))
    newer.change("labels/g/cells", lambda ome: ome["image-label"].pop("source"))
    assert xo.validate(newer.path).findings == ()


def test_labels_of_other_than_integers(folder) -> None:
    folder.labelled()
    for number, shape in enumerate(((2, 16, 12), (2, 8, 6))):
        folder.array(f"labels/cells/{number}", shape, "float32")
    report = xo.validate(folder.path)
    assert told(report) == {
        ("error", "labels/cells/0", ""),
        ("error", "labels/cells/1", ""),
    }


def test_labels_with_fewer_levels_than_their_image(folder) -> None:
    folder.labelled()
    folder.change("labels/cells", lambda ome: multiscale(ome)["datasets"].pop())
    pointer = "/multiscales/0/datasets"
    only(xo.validate(folder.path), "error", "labels/cells", pointer, "has 1 levels")


def test_labels_of_another_size_than_their_image(folder) -> None:
    folder.labelled()
    folder.array("labels/cells/0", (2, 15, 12), "uint8")
    only(xo.validate(folder.path), "error", "labels/cells/0", "", "15 along y")


def test_labels_of_size_one_where_it_does_not_matter(folder) -> None:
    folder.labelled()
    folder.array("labels/cells/0", (1, 16, 12), "uint8")
    folder.array("labels/cells/1", (1, 8, 6), "uint8")
    assert xo.validate(folder.path).findings == ()


def test_labels_that_lie_elsewhere(folder) -> None:
    folder.labelled()
    steps = [{"type": "scale", "scale": [1.0, 0.25, 0.5]}]
    folder.change(
        "labels/cells",
        lambda ome: multiscale(ome)["datasets"][0].update(
            coordinateTransformations=steps
        ),
    )
    report = xo.validate(folder.path)
    pointer = "/multiscales/0/datasets/0/path"
    assert ("warning", "labels/cells", pointer) in told(report)


@pytest.mark.parametrize(
    ("path", "severity"),
    [("../", "error"), ("nowhere", "error"), ("../../../", "warning")],
)
def test_labels_of_an_image_that_is_not_there(folder, path, severity) -> None:
    folder.labelled()
    change = {"source": {"image": path}}
    folder.change("labels/cells", lambda ome: ome["image-label"].update(change))
    pointer = "/image-label/source/image"
    only(xo.validate(folder.path), severity, "labels/cells", pointer, "is not at")


def test_a_label_image_alone_is_not_asked_for_its_image(folder) -> None:
    folder.labelled()
    assert xo.validate(folder.path, group="labels/cells").findings == ()
    assert xo.validate(folder.path / "labels").findings == ()


def test_values_without_a_colour(folder) -> None:
    folder.labelled()
    folder.change("labels/cells", lambda ome: ome["image-label"]["colors"].pop(3))
    pointer = "/image-label/colors"
    only(xo.validate(folder.path), "warning", "labels/cells", pointer, "colour: 3")
    assert xo.validate(folder.path, data=False).findings == ()


def test_a_value_that_no_pixel_can_have(folder) -> None:
    folder.labelled()
    colour = {"label-value": 256, "rgba": [0, 0, 0, 0]}
    folder.change(
        "labels/cells", lambda ome: ome["image-label"]["colors"].append(colour)
    )
    pointer = "/image-label/colors/100/label-value"
    only(xo.validate(folder.path), "warning", "labels/cells", pointer, "the value 256")


# --- plates -------------------------------------------------------------------------


def test_a_well_that_is_not_there(folder) -> None:
    folder.plate()
    shutil.rmtree(folder.path / "B" / "2")
    only(xo.validate(folder.path), "error", "", "/plate/wells/1/path", 'well at "B/2"')


def test_a_field_that_is_not_there(folder) -> None:
    folder.plate(fields=("0", "1"))
    shutil.rmtree(folder.path / "A" / "1" / "1")
    only(xo.validate(folder.path), "error", "A/1", "/well/images/1/path", "no field")


def test_a_row_that_is_no_group(folder) -> None:
    folder.plate()
    for name in (".zgroup", "zarr.json"):
        (folder.path / "B" / name).unlink(missing_ok=True)
    only(xo.validate(folder.path), "error", "", "/plate/wells/1/path", "of the row")


def test_a_well_that_says_it_is_an_image(folder) -> None:
    folder.plate().image("A/1")
    report = xo.validate(folder.path)
    assert ("error", "A/1", "") in told(report)


def test_a_field_without_metadata_of_an_image(folder) -> None:
    folder.plate().group("A/1/0", {})
    assert "A/1/0" in {one.path for one in xo.validate(folder.path).errors}


def test_acquisitions_that_the_plate_does_not_have(folder) -> None:
    acquisitions = [
        {"id": number, "name": "one", "maximumfieldcount": 1} for number in (0, 1)
    ]
    folder.plate(acquisitions=acquisitions)
    folder.change("A/1", lambda ome: ome["well"]["images"][0].update(acquisition=1))
    folder.change("B/2", lambda ome: ome["well"]["images"][0].update(acquisition=7))
    pointer = "/well/images/0/acquisition"
    only(xo.validate(folder.path), "error", "B/2", pointer, "acquisition 7 is none")


def test_fields_that_do_not_tell_their_acquisition(folder) -> None:
    acquisitions = [
        {"id": number, "name": "one", "maximumfieldcount": 1} for number in (0, 1)
    ]
    folder.plate(("A/1",), acquisitions=acquisitions)
    only(xo.validate(folder.path), "error", "A/1", "/well/images/0", "no acquisition")


def test_more_fields_than_the_plate_tells(folder) -> None:
    folder.plate(("A/1",), ("0", "1"), field_count=1)
    only(xo.validate(folder.path), "warning", "A/1", "/well/images", "has 2 fields")


def test_wells_and_rows_that_are_not_listed(folder) -> None:
    folder.plate().group("A/9").group("C")
    report = xo.validate(folder.path)
    assert told(report) == {("warning", "", ""), ("warning", "A", "")}


# --- collections --------------------------------------------------------------------


def test_an_image_of_a_series_that_is_not_there(folder) -> None:
    folder.collection()
    shutil.rmtree(folder.path / "1")
    only(xo.validate(folder.path), "error", "OME", "/series/1", "image of the series")


@pytest.mark.parametrize("series", [True, False])
def test_an_image_of_a_collection_that_is_two_pictures(folder, series) -> None:
    folder.collection(series=series)
    folder.change(
        "1",
        lambda ome: ome["multiscales"].append({**multiscale(ome), "name": "another"}),
    )
    report = xo.validate(folder.path)
    only(report, "warning", "1", "/multiscales", "has 2 multiscales")


def test_an_image_alone_may_be_two_pictures(folder) -> None:
    folder.image()
    folder.change(
        "",
        lambda ome: ome["multiscales"].append({**multiscale(ome), "name": "another"}),
    )
    assert xo.validate(folder.path).findings == ()


def test_images_that_are_numbered_with_gaps(folder) -> None:
    folder.collection(("0", "2"), series=False)
    only(xo.validate(folder.path), "error", "", "", "and no 1")


def test_a_collection_without_images(folder) -> None:
    folder.collection((), series=False)
    only(xo.validate(folder.path), "error", "", "", "no image '0'")


XML = "OME/METADATA.ome.xml"
DOCTYPE = "<!DOCTYPE x [<!ENTITY a 'b'>]><OME/>"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ome_xml(1), "tells of 1 images"),
        (ome_xml(2, width=13), "SizeX 13 instead of 12"),
        (ome_xml(2)[:-3], "no OME-XML"),
        (DOCTYPE, "document type"),
        ("<a/>", "'a' in no namespace"),
        (ome_xml(2).replace("MetadataOnly", "TiffData"), "TiffData"),
    ],
)
def test_ome_xml_that_is_not_that_of_the_collection(folder, text, words) -> None:
    folder.collection()
    (folder.path / XML).write_text(text)
    report = xo.validate(folder.path)
    assert {one.path for one in report.findings} == {XML}
    assert words in report.errors[0].message


def test_a_collection_without_ome_xml(folder) -> None:
    folder.collection(xml=False)
    only(xo.validate(folder.path), "warning", XML, "", "there is no")


# --- pixels -------------------------------------------------------------------------


def chunk_files(path):
    names = {"zarr.json", ".zarray", ".zattrs"}
    return sorted(p for p in path.rglob("*") if p.is_file() and p.name not in names)


def test_a_chunk_that_cannot_be_decoded(folder) -> None:
    folder.image()
    chunk = chunk_files(folder.path / "0")[0]
    chunk.write_bytes(chunk.read_bytes()[:7])
    report = xo.validate(folder.path, data="all")
    key = chunk.relative_to(folder.path / "0").as_posix()
    only(report, "error", "0", "", f"chunk {key!r} cannot be decoded")
    assert report.findings[0].seen == key
    assert xo.validate(folder.path, data=False).ok


def test_a_codec_that_is_not_known(newer) -> None:
    newer.image()
    file = newer.path / "0" / "zarr.json"
    document = json.loads(file.read_text())
    document["codecs"] = [{"name": "nobody-has-this", "configuration": {}}]
    file.write_text(json.dumps(document))
    only(xo.validate(newer.path), "error", "0", "", "zarr cannot open it")


def test_a_chunk_that_is_too_large_is_not_decoded(newer) -> None:
    newer.image()
    file = newer.path / "0" / "zarr.json"
    document = json.loads(file.read_text())
    grid = {"chunk_shape": [1 << 20, 1 << 20, 1 << 20]}
    document["chunk_grid"]["configuration"] = grid
    file.write_text(json.dumps(document))
    only(xo.validate(newer.path, data="all"), "warning", "0", "", "none was decoded")


def test_an_array_of_absurd_size_is_sampled(newer) -> None:
    newer.image()
    for number in (0, 1):
        file = newer.path / str(number) / "zarr.json"
        document = json.loads(file.read_text())
        document["shape"] = [2, 2 ** (50 - number), 12 // (number + 1)]
        file.write_text(json.dumps(document))
    report = xo.validate(newer.path, data="all")
    assert {one.severity for one in report.findings} == {"warning"}
    assert xo.validate(newer.path).findings == ()
