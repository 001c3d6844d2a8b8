"""One OME-Zarr becomes another: every kind, between every two versions."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tensorstore
import xarray as xr
import yaozarrs
import zarr
from ome_zarr_models import open_ome_zarr
from zarr.storage import LocalStore, MemoryStore, WrapperStore, ZipStore

import xarray_omezarr as xo
from tests.integration.plates import image, label, pixels, plate, put
from xarray_omezarr import errors
from xarray_omezarr.conversion import convert
from xarray_omezarr.ngff.versions import registry

VERSIONS = registry.SUPPORTED
WITH_UNITS = [v for v in VERSIONS if registry.get(v).features.units]
PAIRS = [(old, new) for old in VERSIONS for new in VERSIONS]
CELLS = (np.arange(48).reshape(8, 6) % 5).astype("uint8")
XML = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
  <Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16"
    SizeX="6" SizeY="8" SizeZ="1" SizeC="2" SizeT="1"><MetadataOnly/></Pixels></Image>
  <Image ID="Image:1"><Pixels ID="Pixels:1" DimensionOrder="XYCZT" Type="uint16"
    SizeX="6" SizeY="8" SizeZ="1" SizeC="2" SizeT="1"><MetadataOnly/></Pixels></Image>
</OME>
"""

pytestmark = pytest.mark.filterwarnings("ignore:.*:zarr.errors.ZarrUserWarning")


def fits(version):
    """Whether a version holds what the sources here say: units, scales, places."""
    return version in WITH_UNITS


def add_labels(group, zarr_format, names=("cells",)):
    labels = group.create_group("labels")
    put(labels, zarr_format, labels=[*names])
    for name in names:
        colors = [{"label-value": 1, "rgba": [255, 0, 0, 255]}]
        described = {"colors": colors, "source": {"image": "../../"}}
        label(
            labels.create_group(name), zarr_format, CELLS, **{"image-label": described}
        )
    return labels


def make_image(store, zarr_format=2):
    root = zarr.create_group(store, zarr_format=zarr_format)
    image(root, zarr_format, pixels(), mine={"lab": 7})
    add_labels(root, zarr_format)
    return {"": pixels(), "labels/cells": CELLS}


def make_label(store, zarr_format=2):
    root = zarr.create_group(store, zarr_format=zarr_format)
    label(root, zarr_format, CELLS)
    return {"": CELLS}


def make_labels(store, zarr_format=2):
    root = zarr.create_group(store, zarr_format=zarr_format)
    image(root, zarr_format, pixels())
    add_labels(root, zarr_format)
    return {"cells": CELLS}


def make_plate(store, zarr_format=2):
    root = plate(store, zarr_format)
    add_labels(root["B/2/0"], zarr_format)
    paths = ["A/1/0", "A/1/1", "B/10/0", "B/2/0", "B/2/10"]
    found = {path: pixels(number) for number, path in enumerate(paths, 1)}
    return {**found, "B/2/0/labels/cells": CELLS}


def make_collection(store, zarr_format=2):
    root = zarr.create_group(store, zarr_format=zarr_format)
    put(root, zarr_format, **{"bioformats2raw.layout": 3})
    image(root.create_group("0"), zarr_format, pixels(1))
    image(root.create_group("second"), zarr_format, pixels(2))
    put(root.create_group("OME"), zarr_format, series=["0", "second"])
    target = Path(store) / "OME" / "METADATA.ome.xml"
    target.write_text(XML)
    return {"0": pixels(1), "second": pixels(2)}


MAKERS = {
    "image": make_image,
    "label": make_label,
    "labels": make_labels,
    "plate": make_plate,
    "collection": make_collection,
}


def where(kind):
    """What of a store is converted."""
    return "labels" if kind == "labels" else None


def made(tmp_path, kind, version):
    """A store of one kind and version: what it is, and its pixels."""
    start = tmp_path / "start.zarr"
    expected = MAKERS[kind](start)
    store = tmp_path / f"{version}.zarr"
    own = {"lossy": not fits(version), "source_group": where(kind)}
    told = (
        pytest.warns(errors.OmeZarrWarning) if own["lossy"] and kind != "none" else None
    )
    if told is None:
        convert(start, store, version=version, **own)
    else:
        with told:
            convert(start, store, version=version, **own)
    return store, expected


def check_pixels(store, expected):
    """Read by zarr alone."""
    group = zarr.open_group(store, mode="r")
    for path, data in expected.items():
        for level, step in (("0", 1), ("1", 2)):
            stored = group[f"{path}/{level}".strip("/")]
            found = stored[:]
            thin = data[..., ::step, ::step]
            assert found.size == thin.size
            np.testing.assert_array_equal(found.reshape(thin.shape), thin)


def documents(store):
    """Metadata of all groups, by path."""
    group = zarr.open_group(store, mode="r")
    found = {"": dict(group.attrs)}
    for path, member in group.members(max_depth=None):
        if isinstance(member, zarr.Group):
            found[path] = dict(member.attrs)
    return {path: attrs.get("ome", attrs) for path, attrs in found.items()}


def arrays(store):
    group = zarr.open_group(store, mode="r")
    members = group.members(max_depth=None)
    return {path: node for path, node in members if isinstance(node, zarr.Array)}


def chunk_hashes(store):
    """Hashes of all that is no document, whatever it is called."""
    return sorted(
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in Path(store).rglob("*")
        if path.is_file() and not path.name.startswith((".z", "zarr.json"))
    )


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_every_kind_goes_from_every_version_to_every_other(tmp_path, kind, old, new):
    store, expected = made(tmp_path, kind, old)
    target = tmp_path / "target.zarr"
    own = {"lossy": True} if fits(old) and not fits(new) else {}
    if own:
        with pytest.raises(errors.NotInVersionError):
            convert(store, target, version=new)
        assert not target.exists()
        with pytest.warns(errors.OmeZarrWarning):
            convert(store, target, version=new, **own)
    else:
        convert(store, target, version=new)
    check_pixels(target, expected)
    # The stored bytes are the same: nothing was encoded again.
    assert chunk_hashes(target) == chunk_hashes(store)
    features = registry.get(new).features
    for array in arrays(target).values():
        names = getattr(array.metadata, "dimension_names", None)
        told = names or array.attrs["_ARRAY_DIMENSIONS"]
        assert len(told) == array.ndim
        assert tuple(told)[-2:] == ("y", "x")
        assert array.metadata.zarr_format == features.zarr_format
        assert ("_ARRAY_DIMENSIONS" in array.attrs) == (features.zarr_format == 2)
        if features.zarr_format == 2:
            assert array.metadata.dimension_separator == features.separator
        if features.dims:
            assert tuple(told) == features.dims


@pytest.mark.parametrize("old", WITH_UNITS)
@pytest.mark.parametrize("new", WITH_UNITS)
def test_coordinates_units_channels_and_labels_survive(tmp_path, old, new):
    store, _ = made(tmp_path, "image", old)
    convert(store, tmp_path / "t.zarr", version=new)
    tree = xr.open_datatree(tmp_path / "t.zarr", engine="omezarr")
    first, second = tree["0"], tree["1"]
    np.testing.assert_array_equal(first.coords["x"], 0.5 * np.arange(6))
    np.testing.assert_array_equal(second.coords["y"], 1.0 * np.arange(4))
    assert first.coords["x"].attrs["units"] == "micrometer"
    assert first.coords["c"].values.tolist() == ["DAPI", "GFP"]
    assert first.coords["channel_color"].values.tolist() == ["00FF00"] * 2
    assert first.coords["channel_window_start"].values.tolist() == [3, 3]
    labels = tree["labels/cells/0"]
    assert labels["labels"].dims == ("y", "x")
    assert labels.coords["x"].attrs["units"] == "micrometer"
    said = documents(tmp_path / "t.zarr")
    (color,) = said["labels/cells"]["image-label"]["colors"]
    assert color == {"label-value": 1, "rgba": [255, 0, 0, 255]}
    assert said["labels/cells"]["image-label"]["source"] == {"image": "../../"}


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_wells_fields_and_acquisitions_survive(tmp_path, old, new):
    store, _ = made(tmp_path, "plate", old)
    if fits(old) and not fits(new):
        with pytest.warns(errors.OmeZarrWarning):
            convert(store, tmp_path / "t.zarr", version=new, lossy=True)
    else:
        convert(store, tmp_path / "t.zarr", version=new)
    said = documents(tmp_path / "t.zarr")
    told = said[""]["plate"]
    assert [well["path"] for well in told["wells"]] == ["A/1", "B/10", "B/2"]
    assert [run["id"] for run in told["acquisitions"]] == [0, 1]
    assert [run["name"] for run in told["acquisitions"]] == ["first", "second"]
    images = said["B/2"]["well"]["images"]
    assert images == [
        {"path": "0", "acquisition": 0},
        {"path": "10", "acquisition": 0},
    ]
    assert [e["acquisition"] for e in said["A/1"]["well"]["images"]] == [0, 1]


@pytest.mark.parametrize("new", VERSIONS)
def test_a_collection_keeps_its_list_and_its_text(tmp_path, new):
    start = tmp_path / "start.zarr"
    make_collection(start)
    if fits(new):
        convert(start, tmp_path / "t.zarr", version=new)
    else:
        with pytest.warns(errors.OmeZarrWarning):
            convert(start, tmp_path / "t.zarr", version=new, lossy=True)
    assert (tmp_path / "t.zarr/OME/METADATA.ome.xml").read_text() == XML
    said = documents(tmp_path / "t.zarr")
    assert said["OME"]["series"] == ["0", "second"]
    assert said[""]["bioformats2raw.layout"] == 3


@pytest.mark.parametrize("new", WITH_UNITS)
def test_attributes_and_keys_that_nobody_knows_survive(tmp_path, new):
    start = tmp_path / "start.zarr"
    make_image(start)
    group = zarr.open_group(start, mode="r+")
    attrs = dict(group.attrs)
    attrs["multiscales"][0]["later"] = {"a": [1, 2]}
    attrs["omero"]["rdefs"] = {"model": "color"}
    group.attrs.put(attrs)
    group["0"].attrs["stage"] = "left"
    convert(start, tmp_path / "t.zarr", version=new)
    found = zarr.open_group(tmp_path / "t.zarr", mode="r")
    assert found.attrs["mine"] == {"lab": 7}
    said = found.attrs.get("ome", found.attrs)
    assert said["multiscales"][0]["later"] == {"a": [1, 2]}
    assert said["omero"]["rdefs"] == {"model": "color"}
    assert found["0"].attrs["stage"] == "left"


@pytest.mark.parametrize("new", [v for v in VERSIONS if fits(v)])
@pytest.mark.parametrize("kind", ["image", "plate", "label"])
def test_others_find_nothing_wrong_with_the_result(tmp_path, kind, new):
    store, expected = made(tmp_path, kind, new)
    # Older ones do not know the newest version, and cannot make those of Zarr v2.
    is_known = importlib.util.find_spec(f"ome_zarr_models.v{new.replace('.', '')}")
    if is_known and registry.get(new).features.namespace:
        found = open_ome_zarr(zarr.open_group(store, mode="r"))
        assert found.ome_attributes is not None
    driver = "zarr3" if registry.get(new).features.zarr_format == 3 else "zarr"
    for path, data in expected.items():
        place = str(store / path / "0")
        spec = {"driver": driver, "kvstore": {"driver": "file", "path": place}}
        read = tensorstore.open(spec, open=True, read=True).result()
        np.testing.assert_array_equal(read.read().result(), data)


@pytest.mark.parametrize("new", ["0.4", "0.5"])
def test_yaozarrs_finds_nothing_wrong_with_the_result(tmp_path, new):
    for kind in ("image", "plate", "collection"):
        (tmp_path / kind).mkdir()
        store, _ = made(tmp_path / kind, kind, new)
        yaozarrs.validate_zarr_store(str(store))


def sharded(store, **options):
    da = xr.DataArray(
        np.arange(64 * 48, dtype="uint16").reshape(64, 48), dims=("y", "x")
    )
    da.omezarr.to_image(
        store, chunks=(8, 8), shards=(32, 16), scale_factors=[2], **options
    )
    return da


def test_shards_are_unpacked_for_a_version_without(tmp_path):
    da = sharded(tmp_path / "s.zarr", compression="gzip")
    convert(tmp_path / "s.zarr", tmp_path / "t.zarr", version="0.4")
    found = zarr.open_group(tmp_path / "t.zarr", mode="r")
    assert found["0"].chunks == (8, 8)
    assert found["0"].compressors[0].codec_id == "gzip"
    assert found["0"].attrs["_ARRAY_DIMENSIONS"] == ["y", "x"]
    np.testing.assert_array_equal(found["0"][:], da)
    source = zarr.open_group(tmp_path / "s.zarr", mode="r")
    np.testing.assert_array_equal(found["1"][:], source["1"][:])


def test_shards_are_copied_where_they_can_stay(tmp_path):
    sharded(tmp_path / "s.zarr")
    convert(tmp_path / "s.zarr", tmp_path / "t.zarr")
    assert chunk_hashes(tmp_path / "t.zarr") == chunk_hashes(tmp_path / "s.zarr")


@pytest.mark.parametrize(
    ("options", "chunks", "shards"),
    [
        ({"chunks": (4, 16)}, (4, 16), (32, 16)),
        ({"chunks": {"x": 8, "y": 4}, "shards": None}, (4, 8), None),
        ({"shards": (64, 48)}, (8, 8), (64, 48)),
        ({"chunks": None, "shards": None}, (64, 48), None),
        ({"compression": "none"}, (8, 8), (32, 16)),
    ],
)
def test_arrays_are_cut_and_packed_as_asked(tmp_path, options, chunks, shards):
    da = sharded(tmp_path / "s.zarr")
    convert(tmp_path / "s.zarr", tmp_path / "t.zarr", **options)
    found = zarr.open_array(tmp_path / "t.zarr", path="0", mode="r")
    assert (found.chunks, found.shards) == (chunks, shards)
    np.testing.assert_array_equal(found[:], da)
    if options == {"compression": "none"}:
        assert found.compressors == ()
    else:
        assert found.compressors[0].to_dict()["name"] == "blosc"


def test_a_fill_value_that_changes_changes_no_pixel(tmp_path):
    sharded(tmp_path / "s.zarr")
    convert(tmp_path / "s.zarr", tmp_path / "t.zarr", fill_value=7)
    found = zarr.open_group(tmp_path / "t.zarr", mode="r")
    source = zarr.open_group(tmp_path / "s.zarr", mode="r")
    assert found["0"].fill_value == 7
    np.testing.assert_array_equal(found["0"][:], source["0"][:])


def test_what_is_stored_as_asked_is_not_encoded_again(tmp_path):
    sharded(tmp_path / "s.zarr")
    convert(tmp_path / "s.zarr", tmp_path / "t.zarr", chunks=8, shards=(32, 16))
    assert chunk_hashes(tmp_path / "t.zarr") == chunk_hashes(tmp_path / "s.zarr")


@pytest.mark.parametrize("new", WITH_UNITS)
def test_codecs_that_the_other_format_lacks_are_replaced(tmp_path, new):
    store = tmp_path / "s.zarr"
    make_label(store)
    group = zarr.open_group(store, mode="r+")
    from numcodecs import LZMA, Delta

    del group["0"]
    group.create_array(
        "0", data=CELLS, chunks=(4, 4), compressors=LZMA(), filters=[Delta("u1")]
    )
    convert(store, tmp_path / "t.zarr", version=new)
    found = zarr.open_array(tmp_path / "t.zarr", path="0", mode="r")
    np.testing.assert_array_equal(found[:], CELLS)
    assert found.chunks == (4, 4)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [">u2", "<f4", "|b1", "<i8"])
@pytest.mark.parametrize("new", WITH_UNITS)
def test_pixels_of_any_order_and_type_are_the_same(tmp_path, order, dtype, new):
    store = tmp_path / "s.zarr"
    make_label(store)
    group = zarr.open_group(store, mode="r+")
    data = (np.arange(48).reshape(8, 6) % 7).astype(dtype)
    attrs = dict(group.attrs)
    del attrs["image-label"]
    group.attrs.put(attrs)
    for name, part in (("0", data), ("1", data[::2, ::2])):
        del group[name]
        group.create_array(name, data=part, chunks=(4, 4), order=order)
    convert(store, tmp_path / "t.zarr", version=new)
    found = zarr.open_array(tmp_path / "t.zarr", path="0", mode="r")
    np.testing.assert_array_equal(found[:], data)


def test_a_part_of_a_plate_says_what_it_holds(tmp_path):
    make_plate(tmp_path / "s.zarr")
    group = zarr.open_group(tmp_path / "s.zarr", mode="r+")
    attrs = dict(group.attrs)
    attrs["plate"]["field_count"] = 2
    attrs["plate"]["acquisitions"][0]["maximumfieldcount"] = 2
    group.attrs.put(attrs)
    convert(
        tmp_path / "s.zarr",
        tmp_path / "t.zarr",
        version="0.5",
        wells=["B/2", "A1"],
        fields=["0"],
    )
    said = documents(tmp_path / "t.zarr")
    assert [w["path"] for w in said[""]["plate"]["wells"]] == ["A/1", "B/2"]
    # The plate itself has as many rows and columns as before.
    assert [c["name"] for c in said[""]["plate"]["columns"]] == ["1", "2", "10"]
    assert said[""]["plate"]["field_count"] == 1
    assert said[""]["plate"]["acquisitions"][0]["maximumfieldcount"] == 1
    assert said["A/1"]["well"]["images"] == [{"path": "0", "acquisition": 0}]
    assert sorted(arrays(tmp_path / "t.zarr")) == [
        *("A/1/0/0", "A/1/0/1", "B/2/0/0", "B/2/0/1"),
        *("B/2/0/labels/cells/0", "B/2/0/labels/cells/1"),
    ]
    check_pixels(tmp_path / "t.zarr", {"A/1/0": pixels(1), "B/2/0": pixels(4)})


def test_the_text_of_a_part_of_a_plate_describes_that_part(tmp_path):
    store = tmp_path / "s.zarr"
    plate(store, 3, bioformats2raw_layout=3)
    group = zarr.open_group(store, mode="r+")
    ome = dict(group.attrs["ome"])
    ome["bioformats2raw.layout"] = ome.pop("bioformats2raw_layout")
    group.attrs["ome"] = ome
    paths = ["A/1/0", "A/1/1", "B/10/0", "B/2/0", "B/2/10"]
    put(group.create_group("OME"), 3, series=paths)
    (store / "OME/METADATA.ome.xml").write_text(XML)
    with pytest.warns(errors.OmeZarrWarning, match=r"METADATA\.ome\.xml"):
        convert(store, tmp_path / "t.zarr", wells=["B/2"])
    text = (tmp_path / "t.zarr/OME/METADATA.ome.xml").read_text()
    assert text.count("<Image ") == 2
    assert documents(tmp_path / "t.zarr")["OME"]["series"] == ["B/2/0", "B/2/10"]


def add_table(group):
    """What others put beside an image."""
    table = group.create_group("tables/cells", attributes={"version": 3})
    table.create_array("area", data=np.linspace(0, 1, 11), chunks=(4,))
    named = table.create_array("name", shape=(3,), dtype=str)
    named[:] = np.array(["a", "", "long " * 50], dtype=object)
    group.create_array("tables/counts", data=np.arange(6, dtype=">i4"))


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("new", ["0.4", "0.5"])
def test_tables_and_files_of_others_come_along(tmp_path, zarr_format, new):
    store = tmp_path / "s.zarr"
    make_image(store, zarr_format)
    add_table(zarr.open_group(store, mode="r+"))
    (store / "notes").mkdir()
    (store / "notes/today.txt").write_text("sunny")
    zarr.consolidate_metadata(store, zarr_format=zarr_format)
    convert(store, tmp_path / "t.zarr", version=new)
    found = zarr.open_group(tmp_path / "t.zarr", mode="r")
    assert dict(found["tables/cells"].attrs) == {"version": 3}
    np.testing.assert_array_equal(found["tables/cells/area"][:], np.linspace(0, 1, 11))
    assert found["tables/cells/name"][:].tolist() == ["a", "", "long " * 50]
    assert found["tables/counts"][:].tolist() == [0, 1, 2, 3, 4, 5]
    assert (tmp_path / "t.zarr/notes/today.txt").read_text() == "sunny"
    # What was said of the old documents is not said of the new ones.
    assert not (tmp_path / "t.zarr/.zmetadata").exists()
    assert found.metadata.consolidated_metadata is None


def test_arrays_of_others_that_cannot_come_along_are_refused_unless_lossy(tmp_path):
    store = tmp_path / "s.zarr"
    make_image(store)
    group = zarr.open_group(store, mode="r+")
    dates = np.array(["2020-01-01"], dtype="M8[D]")
    group.create_array("dates", data=dates)
    records = np.zeros(2, dtype=[("id", "<i4"), ("area", "<f8")])
    group.create_array("tables/records", data=records)
    with pytest.raises(
        errors.NotInVersionError, match=r"(?s)'dates'.*'tables/records'.*lossy=True"
    ):
        convert(store, tmp_path / "t.zarr", version="0.5")
    assert not (tmp_path / "t.zarr").exists()
    # Nothing has to be said anew of them in the same format of Zarr.
    convert(store, tmp_path / "same.zarr", version="0.4")
    same = zarr.open_group(tmp_path / "same.zarr", mode="r")
    np.testing.assert_array_equal(same["dates"][:], dates)
    with pytest.warns(errors.OmeZarrWarning, match="'dates'"):
        convert(store, tmp_path / "t.zarr", version="0.5", lossy=True)
    assert "dates" not in zarr.open_group(tmp_path / "t.zarr", mode="r")
    check_pixels(tmp_path / "t.zarr", {"": pixels()})


@pytest.mark.parametrize("new", WITH_UNITS)
def test_attributes_of_xarray_and_large_coordinates_come_back(tmp_path, new):
    times = np.cumsum(1.0 + np.arange(2000) % 3)
    da = xr.DataArray(
        np.zeros((2000, 2, 3), "uint8"),
        dims=("t", "y", "x"),
        coords={"t": times, "run": ("t", np.arange(2000.0))},
        attrs={"who": "me"},
    )
    store = tmp_path / "s.zarr"
    with pytest.warns(errors.OmeZarrWarning):
        da.omezarr.to_image(store, version="0.4", scale_factors=None)
    convert(store, tmp_path / "t.zarr", version=new)
    found = xr.open_dataarray(tmp_path / "t.zarr", engine="omezarr", labels=False)
    np.testing.assert_array_equal(found.coords["t"], times)
    np.testing.assert_array_equal(found.coords["run"], np.arange(2000.0))
    assert found.attrs["who"] == "me"


def test_channels_without_colour_are_given_one(tmp_path):
    store = tmp_path / "s.zarr"
    make_image(store)
    group = zarr.open_group(store, mode="r+")
    attrs = dict(group.attrs)
    del attrs["omero"]["channels"][0]["color"]
    del attrs["omero"]["channels"][1]["window"]
    group.attrs.put(attrs)
    with pytest.warns(errors.OmeZarrWarning, match="color or window"):
        convert(store, tmp_path / "t.zarr", version="0.5")
    first, second = documents(tmp_path / "t.zarr")[""]["omero"]["channels"]
    assert len(first["color"]) == 6
    assert (second["window"]["min"], second["window"]["max"]) == (0, 65535)


def test_a_target_that_holds_something_is_refused_or_replaced(tmp_path):
    make_image(tmp_path / "s.zarr")
    make_image(tmp_path / "t.zarr")
    before = chunk_hashes(tmp_path / "t.zarr")
    with pytest.raises(errors.TargetExistsError):
        convert(tmp_path / "s.zarr", tmp_path / "t.zarr")
    assert chunk_hashes(tmp_path / "t.zarr") == before
    convert(tmp_path / "s.zarr", tmp_path / "t.zarr", mode="w")
    assert not (tmp_path / "t.zarr/.zattrs").exists()
    check_pixels(tmp_path / "t.zarr", {"": pixels(), "labels/cells": CELLS})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.zarr", "t.zarr"]


def test_a_group_of_a_store_may_be_the_place(tmp_path):
    make_image(tmp_path / "s.zarr")
    convert(tmp_path / "s.zarr", tmp_path / "t.zarr", group="screens/first")
    check_pixels(tmp_path / "t.zarr/screens/first", {"": pixels()})


@pytest.mark.parametrize("group", [None, "below/it"])
def test_a_place_that_overlaps_with_the_source_is_refused(tmp_path, group):
    make_image(tmp_path / "s.zarr")
    before = chunk_hashes(tmp_path / "s.zarr")
    with pytest.raises(errors.OptionError, match="neither"):
        convert(tmp_path / "s.zarr", tmp_path / "s.zarr", group=group, mode="w")
    assert chunk_hashes(tmp_path / "s.zarr") == before


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"version": "0.9"}, errors.UnknownVersionError),
        ({"mode": "r+"}, errors.OptionError),
        ({"chunks": {"q": 4}}, errors.LayoutError),
        ({"chunks": 4, "shards": 6}, errors.LayoutError),
        ({"shards": 8, "version": "0.4"}, errors.NotInVersionError),
        ({"compression": "zip"}, errors.OptionError),
        ({"fill_value": "blue"}, errors.OptionError),
        ({"fill_value": -1}, errors.OptionError),
        ({"lossy": "yes"}, errors.OptionError),
        ({"memory_limit": "a lot"}, errors.OptionError),
        ({"progress": 7}, errors.OptionError),
        ({"wells": ["A/1"]}, errors.OptionError),
        ({"wells": []}, errors.OptionError),
        ({"overwrite": True}, TypeError),
    ],
)
def test_what_has_no_meaning_is_refused_and_leaves_nothing(tmp_path, options, error):
    make_image(tmp_path / "s.zarr")
    with pytest.raises(error):
        convert(tmp_path / "s.zarr", tmp_path / "t.zarr", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["s.zarr"]


def test_a_source_that_lacks_something_is_refused_and_leaves_nothing(tmp_path):
    make_plate(tmp_path / "s.zarr")
    (tmp_path / "s.zarr/B/2/10/1/.zarray").unlink()
    with pytest.raises(errors.MetadataError, match="B/2/10"):
        convert(tmp_path / "s.zarr", tmp_path / "t.zarr")
    assert not (tmp_path / "t.zarr").exists()
    with pytest.warns(errors.OmeZarrWarning, match="B/2/10"):
        convert(tmp_path / "s.zarr", tmp_path / "t.zarr", lossy=True)
    said = documents(tmp_path / "t.zarr")
    assert [e["path"] for e in said["B/2"]["well"]["images"]] == ["0"]


def test_a_chunk_that_cannot_be_decoded_leaves_nothing_behind(tmp_path):
    make_image(tmp_path / "s.zarr")
    (tmp_path / "s.zarr/0/0.0.0").write_bytes(b"not a chunk")
    with pytest.raises((RuntimeError, ValueError)):
        convert(tmp_path / "s.zarr", tmp_path / "t.zarr", chunks=2)
    assert not (tmp_path / "t.zarr").exists()


def test_progress_reaches_the_end_in_steps(tmp_path):
    make_plate(tmp_path / "s.zarr")
    seen = []
    convert(
        tmp_path / "s.zarr",
        tmp_path / "t.zarr",
        chunks={"x": 2},
        wells=["A/1"],
        progress=lambda done, total: seen.append((done, total)),
    )
    total = 2 * (2 * 8 * 6 + 2 * 4 * 3) * 2
    assert seen[0] == (0, total)
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)
    assert len(seen) > 3


class Watched(MemoryStore):
    """Notes which document is put last."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.puts = []

    async def set(self, key, value, byte_range=None):
        self.puts.append(key)
        await super().set(key, value, byte_range)


def test_the_metadata_of_the_root_come_last(tmp_path):
    make_plate(tmp_path / "s.zarr")
    store = Watched()
    convert(tmp_path / "s.zarr", store, version="0.5")
    assert store.puts[-1] == "zarr.json"
    chunks = [n for n, key in enumerate(store.puts) if "/c/" in key]
    said = [n for n, key in enumerate(store.puts) if key == "A/1/0/zarr.json"]
    assert max(chunks) < max(said)


@pytest.mark.parametrize("name", ["old", "new"])
def test_folders_memory_and_urls_are_places(tmp_path, name):
    make_image(tmp_path / "s.zarr")
    places = {"old": f"memory://converted-{tmp_path.name}/a", "new": MemoryStore()}
    convert(tmp_path / "s.zarr", places[name], version="0.5")
    convert(places[name], LocalStore(tmp_path / "t.zarr"), version="0.4")
    check_pixels(tmp_path / "t.zarr", {"": pixels(), "labels/cells": CELLS})


NEWEST = VERSIONS[-1]


def with_affine(store):
    """An image whose first system is turned into a second one."""
    make_image(store)
    moved = store.parent / "moved.zarr"
    convert(store, moved, version=NEWEST)
    group = zarr.open_group(moved, mode="r+")
    ome = dict(group.attrs["ome"])
    (picture,) = ome["multiscales"]
    axes = picture["coordinateSystems"][0]["axes"]
    picture["coordinateSystems"].append({"name": "stage", "axes": axes})
    picture["coordinateTransformations"] = [
        {
            "type": "affine",
            "affine": [[1.0, 0, 0, 0], [0, 0.8, 0.6, 5], [0, -0.6, 0.8, 7]],
            "input": {"name": "physical"},
            "output": {"name": "stage"},
        }
    ]
    group.attrs["ome"] = ome
    return moved, picture


def test_systems_that_the_version_lacks_are_refused_or_dropped(tmp_path):
    moved, picture = with_affine(tmp_path / "s.zarr")
    with pytest.raises(errors.NotInVersionError) as refused:
        convert(moved, tmp_path / "t.zarr", version="0.5")
    assert str(refused.value).count("['stage']") == 1
    assert str(refused.value).count("lossy=True") == 1
    assert not (tmp_path / "t.zarr").exists()
    with pytest.warns(errors.OmeZarrWarning, match="stage"):
        convert(moved, tmp_path / "t.zarr", version="0.5", lossy=True)
    check_pixels(tmp_path / "t.zarr", {"": pixels(), "labels/cells": CELLS})
    convert(moved, tmp_path / "u.zarr", version=NEWEST)
    (found,) = documents(tmp_path / "u.zarr")[""]["multiscales"]
    assert found["coordinateSystems"] == picture["coordinateSystems"]
    assert found["coordinateTransformations"] == picture["coordinateTransformations"]


@pytest.mark.parametrize("old", VERSIONS)
def test_a_version_that_is_not_asked_for_is_never_an_earlier_one(tmp_path, old):
    source, _ = made(tmp_path, "image", old)
    convert(source, tmp_path / "copy.zarr")
    written = "0.6" if old == "0.6" else "0.5"
    assert {d["version"] for d in documents(tmp_path / "copy.zarr").values()} == {
        written
    }


def test_systems_come_along_where_no_version_is_asked_for(tmp_path):
    moved, picture = with_affine(tmp_path / "s.zarr")
    convert(moved, tmp_path / "t.zarr")
    (found,) = documents(tmp_path / "t.zarr")[""]["multiscales"]
    assert found["coordinateSystems"] == picture["coordinateSystems"]
    convert(moved, tmp_path / "t.ozx")
    image = xo.open_image(tmp_path / "t.ozx")
    assert list(image.omezarr.coordinate_systems) == ["physical", "stage"]


def test_a_scene_comes_with_its_images(tmp_path):
    make_image(tmp_path / "s.zarr")
    scene = tmp_path / "scene.zarr"
    root = zarr.create_group(scene)
    for name in ("tile_0", "tile_1"):
        convert(tmp_path / "s.zarr", scene, group=name, version=NEWEST)
    moved = {
        "type": "translation",
        "translation": [0.0, 0.0, 10.0],
        "input": {"name": "physical", "path": "tile_1"},
        "output": {"name": "physical", "path": "tile_0"},
    }
    said = {"coordinateTransformations": [moved]}
    root.attrs["ome"] = {"version": NEWEST, "scene": said}
    convert(scene, tmp_path / "t.zarr", version=NEWEST)
    check_pixels(
        tmp_path / "t.zarr", {"tile_0": pixels(), "tile_1/labels/cells": CELLS}
    )
    assert documents(tmp_path / "t.zarr")[""]["scene"] == said
    assert chunk_hashes(tmp_path / "t.zarr") == chunk_hashes(scene)
    for lossy in (True, False):
        with pytest.raises(
            errors.NotInVersionError, match=r"0\.5 has no scenes; give version='0\.6'"
        ):
            convert(scene, tmp_path / "u.zarr", version="0.5", lossy=lossy)
        assert not (tmp_path / "u.zarr").exists()
    # What is not asked to change stays as it is.
    convert(scene, tmp_path / "v.zarr")
    convert(scene, tmp_path / "v.ozx")
    convert(tmp_path / "v.ozx", tmp_path / "w.zarr")
    for name in ("v.zarr", "w.zarr"):
        assert documents(tmp_path / name) == documents(scene)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("version", VERSIONS)
def test_our_own_validator_finds_nothing_wrong(tmp_path, kind, version):
    store, _ = made(tmp_path, kind, version)
    report = xo.validate(store)
    assert report.ok, str(report)


class Far(WrapperStore):
    """Answers after a while, and counts how many wait."""

    def __init__(self, store):
        super().__init__(store)
        self.now, self.most, self.asked = 0, 0, 0

    async def get(self, key, prototype, byte_range=None):
        self.now += 1
        self.asked += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0.01)
            return await super().get(key, prototype, byte_range)
        finally:
            self.now -= 1


def test_many_objects_of_a_server_are_under_way_at_once(tmp_path):
    store = MemoryStore()
    plate(store)
    far, new = Far(store), MemoryStore()
    convert(far, new)
    objects = [key for key in store._store_dict if "/c/" in key]
    assert len(objects) > 40
    assert 8 <= far.most <= 64
    # The chunks once, and few documents more than there are.
    assert far.asked <= 2 * len(store._store_dict)
    assert sorted(new._store_dict) == sorted(
        {*store._store_dict, "A/zarr.json", "B/zarr.json"}
    )


def test_options_are_for_dims_that_an_array_has(tmp_path):
    make_image(tmp_path / "s.zarr")
    convert(tmp_path / "s.zarr", tmp_path / "t.zarr", chunks={"c": 2, "x": 3})
    convert(tmp_path / "s.zarr", tmp_path / "u.zarr", chunks=[(1, 8, 2), (2, 4, 3)])
    found = {path: array.chunks for path, array in arrays(tmp_path / "t.zarr").items()}
    assert found["0"] == (2, 8, 3)
    assert found["labels/cells/0"] == (8, 3)
    found = {path: array.chunks for path, array in arrays(tmp_path / "u.zarr").items()}
    assert found["0"] == (1, 8, 2)
    assert found["1"] == (2, 4, 3)
    assert found["labels/cells/0"] == (8, 2)
    assert found["labels/cells/1"] == (4, 3)


def test_a_zip_is_a_source(tmp_path):
    make_image(tmp_path / "s.zarr")
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        for path in (tmp_path / "s.zarr").rglob("*"):
            if path.is_file():
                archive.write(path, path.relative_to(tmp_path / "s.zarr"))
    store = ZipStore(tmp_path / "s.zip", mode="r", read_only=True)
    # Older zarr opens the file with the first group.
    convert(zarr.open_group(store, mode="r"), tmp_path / "t.zarr")
    store.close()
    check_pixels(tmp_path / "t.zarr", {"": pixels(), "labels/cells": CELLS})


class Failing(WrapperStore):
    """Gives a few chunks, and then no more."""

    def __init__(self, store):
        super().__init__(store)
        self.left = 10

    async def get(self, key, prototype, byte_range=None):
        if "/c/" in key:
            self.left -= 1
            if self.left < 0:
                raise ConnectionError("the line is down")
        return await super().get(key, prototype, byte_range)


@pytest.mark.parametrize("options", [{}, {"chunks": 2}])
def test_a_source_that_fails_half_way_leaves_what_was_there(tmp_path, options):
    store = MemoryStore()
    plate(store)
    with pytest.raises(ConnectionError):
        convert(Failing(store), tmp_path / "t.zarr", **options)
    assert [*tmp_path.iterdir()] == []
    made_before = plate(tmp_path / "t.zarr")
    before = chunk_hashes(tmp_path / "t.zarr")
    with pytest.raises(ConnectionError):
        convert(Failing(store), tmp_path / "t.zarr", mode="w", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["t.zarr"]
    assert chunk_hashes(tmp_path / "t.zarr") == before
    assert (made_before["A/1/0/0"][:] == pixels(1)).all()


@pytest.mark.parametrize("new", WITH_UNITS)
def test_what_was_upgraded_where_it_lies_is_converted(tmp_path, new):
    expected = make_plate(tmp_path / "s.zarr")
    hashes = chunk_hashes(tmp_path / "s.zarr")
    xo.upgrade(tmp_path / "s.zarr", version="0.5", keep=True)
    convert(tmp_path / "s.zarr", tmp_path / "t.zarr", version=new)
    check_pixels(tmp_path / "t.zarr", expected)
    assert chunk_hashes(tmp_path / "t.zarr") == hashes
    documents_of = {path.name for path in (tmp_path / "t.zarr").rglob("*")}
    both = {".zgroup", "zarr.json"} & documents_of
    assert len(both) == 1


CONVERTER = """
import sys
import numpy as np, xarray as xr, zarr
import xarray_omezarr as xo
from xarray_omezarr.conversion import convert
folder, options = sys.argv[1:]
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(l.split()[1]) for l in lines if l.startswith("VmHWM")) / 1024
small = xr.DataArray(np.zeros((4, 64, 64), "uint16"), dims=("z", "y", "x"))
small.omezarr.to_image(folder + "/small")
convert(folder + "/small", folder + "/first", **eval(options))
before = peak()
convert(folder + "/s.zarr", folder + "/t.zarr", **eval(options))
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
@pytest.mark.parametrize(
    "options", [{}, {"chunks": (16, 512, 512), "compression": "zstd"}]
)
def test_memory_does_not_grow_with_the_image(tmp_path, options):
    shape = (96, 2048, 2048)
    root = zarr.create_group(tmp_path / "s.zarr")
    array = root.create_array(
        "0",
        shape=shape,
        chunks=(4, 1024, 1024),
        dtype="uint16",
        dimension_names=["z", "y", "x"],
        compressors=zarr.codecs.ZstdCodec(level=1),
    )
    plane = (np.arange(2048 * 2048, dtype="uint16") // 64).reshape(1, 2048, 2048)
    for z in range(0, shape[0], 4):
        array[z : z + 4] = np.repeat(plane, 4, 0)
    axes = [{"name": n, "type": "space"} for n in "zyx"]
    chain = [{"type": "scale", "scale": [1.0, 1.0, 1.0]}]
    levels = [{"path": "0", "coordinateTransformations": chain}]
    put(root, 3, multiscales=[{"axes": axes, "datasets": levels}])
    done = subprocess.run(
        [sys.executable, "-c", CONVERTER, str(tmp_path), repr(options)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    # 768 MiB of pixels.
    assert float(done.stdout) <= 300
    found = zarr.open_array(tmp_path / "t.zarr", path="0", mode="r")
    np.testing.assert_array_equal(found[50], plane[0])
    assert json.loads((tmp_path / "t.zarr/zarr.json").read_text())["attributes"]


class Unlisted(WrapperStore):
    """A server that does not say what it holds."""

    async def list_dir(self, prefix):
        raise NotImplementedError
        yield ""

    list = list_prefix = list_dir


@pytest.mark.parametrize("lists", [True, False])
def test_a_scene_comes_with_what_its_transformations_name(tmp_path, lists):
    units = dict.fromkeys("yx", "micrometer")
    plane = xr.DataArray(np.arange(96, dtype="uint8").reshape(8, 12), dims=("y", "x"))
    plane = plane.omezarr.assign_grid(scale={"y": 0.5, "x": 0.5}, units=units)
    field = xr.DataArray(np.ones((2, 4, 6), "float32"), dims=("d", "y", "x"))
    ends = {"output": {"name": "physical", "path": "a"}}
    ends["input"] = {"name": "physical", "path": "b"}
    ways = [
        {"type": "affine", "path": "coordinateTransformations/turn", **ends},
        {"type": "displacements", "path": "coordinateTransformations/warp", **ends},
    ]
    arrays = {"turn": np.eye(2, 3), "warp": field.omezarr.assign_grid(units=units)}
    told = {
        "coordinateTransformations": ways,
        "arrays": {
            f"coordinateTransformations/{name}": arrays[name] for name in arrays
        },
    }
    images = {name: plane.to_dataset(name="image") for name in "ab"}
    scene = tmp_path / "scene.zarr"
    xr.DataTree.from_dict(images).omezarr.to_scene(scene, transforms=told)
    local = LocalStore(scene, read_only=True)
    if lists:
        convert(local, tmp_path / "t.zarr", version=NEWEST)
    else:
        with pytest.warns(errors.OmeZarrWarning, match="cannot list"):
            convert(Unlisted(local), tmp_path / "t.zarr", version=NEWEST)
    assert chunk_hashes(tmp_path / "t.zarr") == chunk_hashes(scene)
    assert documents(tmp_path / "t.zarr")[""] == documents(scene)[""]


def scene_of(store, ends, missing=()):
    """A scene whose transformations tell paths of images in some way."""
    root = zarr.create_group(store)
    axes = [{"name": name, "type": "space"} for name in "yx"]
    ways = []
    for end in ends:
        path = end.strip("./")
        if path not in missing:
            da = xr.DataArray(np.zeros((4, 4), "uint8"), dims=("y", "x"))
            xo.write_image(da, root, group=path, version=NEWEST, name=path)
        ways.append(
            {
                "type": "identity",
                "input": {"path": end, "name": "physical"},
                "output": {"name": "world"},
            }
        )
    said = {
        "coordinateSystems": [{"name": "world", "axes": axes}],
        "coordinateTransformations": ways,
    }
    root.attrs["ome"] = {"version": NEWEST, "scene": said}


@pytest.mark.parametrize("place", ["t.zarr", "t.ozx"])
def test_paths_of_images_in_a_scene_are_tidied(tmp_path, place):
    scene_of(tmp_path / "s.zarr", ["./v0", "/v1/", "day/v2"])
    convert(tmp_path / "s.zarr", tmp_path / place)
    ways = xo.read_metadata(tmp_path / place).coordinate_transformations
    assert [way.input.path for way in ways] == ["v0", "v1", "day/v2"]


def test_of_images_that_a_scene_lacks_no_wells_are_told(tmp_path):
    scene_of(tmp_path / "s.zarr", ["v0", "v1"], missing=["v1"])
    with pytest.raises(errors.MetadataError, match="v1") as caught:
        convert(tmp_path / "s.zarr", tmp_path / "t.zarr")
    assert "wells" not in str(caught.value)
    assert "Repair it, or give lossy=True" in str(caught.value)
