"""Measuring stores of all places, few requests, and stores that mean harm."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore, WrapperStore, ZipStore

import xarray_omezarr as xo
from tests.integration.handmade import Folder, multiscale, only

VERSIONS = ("0.4", "0.5")


@pytest.fixture(params=VERSIONS)
def folder(request, tmp_path):
    return Folder(tmp_path / "store.zarr", request.param)


@pytest.fixture
def newer(tmp_path):
    return Folder(tmp_path / "store.zarr", "0.5")


# --- places -------------------------------------------------------------------------


class Counting(WrapperStore):
    """Counts what is asked, and does not let itself be listed, as a server."""

    def __init__(self, store):
        super().__init__(store)
        self.keys = []

    async def get(self, key, prototype, byte_range=None):
        self.keys.append(key)
        return await self._store.get(key, prototype, byte_range)

    async def list_dir(self, prefix):
        raise AssertionError("nothing is listed")
        yield ""

    list = list_prefix = list_dir


def remote(folder):
    return Counting(zarr.storage.LocalStore(folder.path, read_only=True))


def test_a_plate_of_96_wells_takes_about_one_request_per_node(newer) -> None:
    wells = [f"{row}/{column}" for row in "ABCDEFGH" for column in range(1, 13)]
    newer.plate(wells, arrays=False)
    for well in wells:
        shutil.copytree(_levels(newer), newer.path / well / "0", dirs_exist_ok=True)
    store = remote(newer)
    report = xo.validate(store, data=False)
    assert report.findings == (), str(report)
    # Plate, rows, wells, fields with two levels each.
    assert report.nodes == 1 + 8 + 96 + 96 * 3
    # Fields are asked for label images, the root for both formats of Zarr and for what
    # an interrupted update left.
    assert len(store.keys) == report.nodes + 96 + 4
    assert len(store.keys) == len({*store.keys})


def _levels(folder):
    """Two levels, without chunks."""
    made = Folder(folder.path.parent / "levels").array("0", (2, 16, 12))
    made.array("1", (2, 8, 6))
    for path in made.path.glob("*/c"):
        shutil.rmtree(path)
    return made.path


@pytest.mark.parametrize(("version", "requests"), [("0.4", 16), ("0.5", 12)])
def test_an_image_with_labels_takes_few_requests(tmp_path, version, requests) -> None:
    folder = Folder(tmp_path / "store.zarr", version).labelled()
    store = remote(folder)
    report = xo.validate(store, data=False)
    assert report.findings == ()
    assert report.nodes == 7
    assert len(store.keys) <= requests


def test_a_place_in_memory_is_measured(folder) -> None:
    folder.labelled()
    files = {
        path.relative_to(folder.path).as_posix(): path.read_bytes()
        for path in folder.path.rglob("*")
        if path.is_file()
    }
    buffer = zarr.core.buffer.cpu.Buffer.from_bytes
    store = MemoryStore({key: buffer(value) for key, value in files.items()})
    assert xo.validate(store).findings == ()
    assert xo.validate(zarr.open_group(store, mode="r")).findings == ()
    extra = {
        f"labels/new/{k[13:]}": buffer(v) for k, v in files.items() if "cells/" in k
    }
    report = xo.validate(MemoryStore({**store._store_dict, **extra}))
    assert len(report.warnings) == (folder.version != "0.4")


def test_a_url_is_measured(folder) -> None:
    folder.labelled()
    assert xo.validate(f"file://{folder.path}").findings == ()


def zipped(folder, path):
    import zipfile

    files = sorted(p for p in folder.path.rglob("*") if p.is_file())
    files.sort(key=lambda p: (p.name != "zarr.json", len(p.parts)))
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, file.relative_to(folder.path).as_posix())
        archive.comment = json.dumps({"ome": {"version": folder.version}}).encode()
    return path


def test_an_archive_is_measured(folder, tmp_path) -> None:
    folder.labelled()
    report = xo.validate(zipped(folder, tmp_path / "image.zip"))
    assert report.findings == (), str(report)


def test_a_one_file_image_should_be_as_the_text_says(newer, tmp_path) -> None:
    path = zipped(newer.labelled(), tmp_path / "image.ozx")
    only(xo.validate(path), "warning", "", "", "ZIP64")


def test_a_one_file_image_without_a_root_is_not_valid(tmp_path) -> None:
    folder = Folder(tmp_path / "store.zarr").image("below")
    folder.group("other")
    report = xo.validate(zipped(folder, tmp_path / "image.ozx"))
    assert any("no zarr.json at the root" in one.message for one in report.errors)


def test_the_comment_of_an_archive_tells_the_version(newer, tmp_path) -> None:
    newer.image()
    newer.version = "0.6"
    report = xo.validate(zipped(newer, tmp_path / "image.ozx"))
    assert any("comment" in one.message for one in report.warnings)
    assert report.ok


def test_what_is_no_archive_is_refused(tmp_path) -> None:
    (tmp_path / "image.zip").write_bytes(b"PK nothing")
    with pytest.raises(xo.OptionError, match="no zip archive"):
        xo.validate(tmp_path / "image.zip")
    with pytest.raises(xo.TargetNotFoundError):
        xo.validate(tmp_path / "other.ozx")


def test_an_archive_opened_by_zarr_is_measured(newer, tmp_path) -> None:
    path = zipped(newer.labelled(), tmp_path / "image.zip")
    assert xo.validate(ZipStore(path, mode="r")).findings == ()


# --- trees --------------------------------------------------------------------------


def test_a_tree_is_measured_where_it_was_opened(folder) -> None:
    folder.labelled()
    tree = xr.open_datatree(folder.path, engine="omezarr")
    assert tree.omezarr.validate().findings == ()
    shutil.rmtree(folder.path / "1")
    assert not tree.omezarr.validate().ok
    assert tree.omezarr.validate(level="schema").ok


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_tree_whose_store_has_no_name_cannot_be_measured(wrapped) -> None:
    store = MemoryStore()
    da = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"), name="dots")
    xo.write_image(da, store)
    used = Counting(store) if wrapped else store
    tree = xr.open_datatree(used, engine="omezarr")
    with pytest.raises(xo.TargetNotFoundError, match="give the store"):
        tree.omezarr.validate()
    assert xo.validate(used).ok


def test_a_tree_that_is_in_no_store_cannot_be_measured() -> None:
    tree = xr.DataTree.from_dict(
        {"/0": xr.Dataset({"image": (("y", "x"), np.zeros((2, 2)))})}
    )
    with pytest.raises(xo.OptionError, match="not opened from a store"):
        tree.omezarr.validate()


# --- what is not there, or means harm -----------------------------------------------


def test_only_a_store_that_is_not_there_raises(tmp_path) -> None:
    with pytest.raises(xo.TargetNotFoundError):
        xo.validate(tmp_path / "nothing.zarr")
    with pytest.raises(xo.TargetNotFoundError):
        xo.validate(MemoryStore())


def test_the_one_group_inside_of_an_archive_is_named(tmp_path, newer) -> None:
    import zipfile

    newer.labelled()
    with zipfile.ZipFile(tmp_path / "image.zip", "w") as archive:
        for file in filter(Path.is_file, newer.path.rglob("*")):
            inner = file.relative_to(newer.path).as_posix()
            archive.write(file, f"image.ome.zarr/{inner}")
    path, named = tmp_path / "image.zip", "inside with group='image.ome.zarr'"
    report = xo.validate(path)
    assert [one.remedy for one in report.errors] == [f"name the one {named}"]
    assert xo.validate(path, group="image.ome.zarr").ok
    for read in (
        xo.open_image,
        xo.read_metadata,
        lambda source: xr.open_datatree(source, engine="omezarr"),
        lambda source: xo.convert(source, tmp_path / "new.zarr", version="0.4"),
    ):
        with pytest.raises(xo.OmeZarrError, match=re.escape(named)):
            read(path)
    assert not (tmp_path / "new.zarr").exists()


def test_a_folder_without_metadata_is_not_valid(tmp_path) -> None:
    only(xo.validate(tmp_path), "error", "", "", "no Zarr group")


def test_an_array_is_not_valid(newer) -> None:
    newer.array("0", (2, 4, 4))
    only(xo.validate(newer.path / "0"), "error", "", "", "a Zarr array")


@pytest.mark.parametrize("option", [{"level": "lax"}, {"data": "some"}, {"data": 2}])
def test_options_that_make_no_sense_are_refused(folder, option) -> None:
    with pytest.raises(xo.OptionError, match=next(iter(option))):
        xo.validate(folder.image().path, **option)


HOSTILE = {
    "nothing": b"",
    "cut short": b'{"zarr_format": 3, "node_type": "gro',
    "binary": bytes(range(256)),
    "other encoding": '{"zarr_format": 3}'.encode("utf-16"),
    "list": b"[1, 2]",
    "text": b'"zarr"',
    "null": b"null",
    "number of a million digits": b"1" * 1_000_000,
    "nested": b"[" * 100_000 + b"]" * 100_000,
    "nested objects": b'{"a":' * 500 + b"1" + b"}" * 500,
    "not a number": b'{"zarr_format":3,"node_type":"group","attributes":{"a":NaN}}',
    "twice": b'{"zarr_format": 3, "node_type": "group", "node_type": "group"}',
    "other node": b'{"zarr_format": 3, "node_type": "tree"}',
    "other format": b'{"zarr_format": 4, "node_type": "group"}',
    "no attributes": b'{"zarr_format":3,"node_type":"group","attributes":[]}',
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("place", ["", "labels", "labels/cells", "0", "labels/cells/1"])
@pytest.mark.parametrize("level", ["schema", "standard"])
def test_documents_of_any_content_are_findings(newer, content, place, level) -> None:
    newer.labelled()
    (newer.path / place / "zarr.json").write_bytes(content)
    report = xo.validate(newer.path, level=level)
    assert report.findings or level == "schema"
    assert str(report)
    assert "<table>" in report._repr_html_() or not report.findings
    json.dumps(report.to_json(), allow_nan=False)


@pytest.mark.parametrize("name", [".zgroup", ".zattrs", "0/.zarray", "labels/.zattrs"])
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_documents_of_zarr_v2_may_hold_anything_too(tmp_path, name, content) -> None:
    older = Folder(tmp_path / "store.zarr", "0.4").labelled()
    (older.path / name).write_bytes(content)
    assert xo.validate(older.path).findings


PATHS = [
    "..",
    "../..",
    "/etc",
    ".",
    "",
    "0/../..",
    "C:/x",
    "http://a/b",
    "a\\b",
    "\ud800",
]
PATHS += ["a" * 5000, "a\0b", "0//0", "0/"]


@pytest.mark.parametrize("path", PATHS)
def test_paths_that_lead_elsewhere_are_not_followed(newer, path) -> None:
    newer.labelled()
    newer.change("", lambda ome: multiscale(ome)["datasets"][1].update(path=path))
    newer.change("labels", lambda ome: ome.update(labels=[path]))
    store = Counting(zarr.storage.LocalStore(newer.path.parent, read_only=True))
    report = xo.validate(store, group="store.zarr", data=False)
    assert not report.ok
    assert all(key.startswith("store.zarr/") for key in store.keys)
    assert not any("//" in key or ".." in key.split("/") for key in store.keys)


def test_labels_that_lead_to_themselves_end(newer) -> None:
    newer.labelled()
    (newer.path / "labels" / "loop").symlink_to(newer.path, target_is_directory=True)
    newer.change("labels", lambda ome: ome["labels"].append("loop"))
    assert xo.validate(newer.path).nodes == 7 + 1 + 2


def test_a_link_to_itself_is_not_there(newer) -> None:
    newer.image()
    shutil.rmtree(newer.path / "1")
    (newer.path / "1").symlink_to(newer.path / "1")
    assert not xo.validate(newer.path).ok


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_no_document_and_keeps_nobody_waiting(newer) -> None:
    newer.labelled()
    (newer.path / "1" / "zarr.json").unlink()
    os.mkfifo(newer.path / "1" / "zarr.json")
    assert any(
        "no regular file" in one.message for one in xo.validate(newer.path).errors
    )


class Broken(Counting):
    """A server that fails for some keys."""

    async def get(self, key, prototype, byte_range=None):
        if key.startswith("labels/"):
            raise PermissionError(f"403 {key}")
        return await super().get(key, prototype, byte_range)


def test_what_a_server_does_not_give_is_a_finding(newer) -> None:
    newer.labelled()
    store = Broken(zarr.storage.LocalStore(newer.path, read_only=True))
    only(xo.validate(store), "error", "labels", "", "PermissionError: 403")


def test_lists_of_absurd_length_end(newer) -> None:
    newer.image()
    entry = {"path": "9", "coordinateTransformations": []}
    newer.change("", lambda ome: multiscale(ome)["datasets"].extend([entry] * 50_000))
    newer.group("labels", {"labels": ["a"] * 200_000})
    store = remote(newer)
    assert not xo.validate(store, data=False).ok
    assert len(store.keys) < 50


def test_html_of_a_report_escapes_what_stores_say(newer) -> None:
    newer.image()
    name = "<script>alert(1)</script>"
    newer.change("", lambda ome: multiscale(ome)["datasets"][1].update(path=name))
    report = xo.validate(newer.path)
    assert not report.ok
    assert "<script>" not in report._repr_html_()
    assert "script" in report._repr_html_()


def test_labels_that_do_not_say_that_they_are(folder) -> None:
    folder.labelled()
    folder.change("labels/cells", lambda ome: ome.pop("image-label"))
    pointer = "" if folder.version == "0.4" else "/ome"
    report = xo.validate(folder.path)
    only(report, "warning", "labels/cells", pointer, "no 'image-label'")
    # Alone it is an image like any other.
    assert xo.validate(folder.path, group="labels/cells").findings == ()


def test_a_plate_whose_images_are_no_series(folder) -> None:
    folder.plate()
    folder.change("", lambda ome: ome.update({"bioformats2raw.layout": 3}))
    pointer = "/bioformats2raw.layout"
    only(xo.validate(folder.path), "warning", "", pointer, "not listed as series")
