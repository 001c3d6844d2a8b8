"""Stores of every kind become those of a later version where they lie."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import ome_zarr_models
import pytest
import xarray as xr
import yaozarrs
import zarr

import xarray_omezarr as xo
from tests.integration import plates
from xarray_omezarr.errors import (
    LayoutError,
    LockedError,
    MetadataError,
    NotInVersionError,
    NotOmeZarrError,
    OmeZarrErrorGroup,
    OmeZarrWarning,
    OptionError,
    TargetNotFoundError,
    UnknownVersionError,
)
from xarray_omezarr.ngff.versions import registry

tensorstore = pytest.importorskip("tensorstore")

DOCUMENTS = ("zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata")
STEPS = [("0.4", "0.5"), ("0.5", "0.6"), ("0.4", "0.6")]


@pytest.fixture(autouse=True)
def quick_sync(monkeypatch):
    """The disks of the machine need not be waited for."""
    monkeypatch.setattr(os, "sync", lambda: None)


def picture() -> xr.DataArray:
    """An image with everything an image can have."""
    values = np.random.default_rng(0).integers(0, 4000, (2, 3, 33, 40), "uint16")
    image = xr.DataArray(values, dims=("c", "z", "y", "x"), name="cells")
    image = image.assign_coords(c=["DAPI", "GFP"])
    return image.omezarr.assign_grid(
        scale={"z": 2.0, "y": 0.5, "x": 0.5},
        translation={"x": 7.25},
        units=dict.fromkeys("zyx", "micrometer"),
    )


def image_with_labels(path: Path, version: str) -> None:
    image = picture()
    image.omezarr.to_image(
        path, version=version, scale_factors=[2], chunks=(1, 1, 16, 16)
    )
    labels = (image.isel(c=0, drop=True) % 5).astype("uint16")
    # Some models want a colour of every label image.
    labels.omezarr.to_labels(path, "cells", colors={1: (255, 0, 0, 255)})
    root = zarr.open_group(path, mode="r+")
    table = root.create_group("tables/mine", attributes={"columns": ["a"]})
    table.create_array("a", data=np.arange(5.0), attributes={"unit": "um"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = table.create_array("names", shape=(3,), chunks=(2,), dtype="str")
    names[...] = np.array(["a", "bc", ""], dtype=object)
    (path / "notes.txt").write_text("mine")


def image_alone(path: Path, version: str) -> None:
    picture().omezarr.to_image(path, version=version, scale_factors=[2])


def plate(path: Path, version: str) -> None:
    plates.plate(path, 2 if version == "0.4" else 3)


def collection(path: Path, version: str) -> None:
    flat = picture().isel(c=0, z=0, drop=True)
    images = {"0": picture(), "1": flat}
    xo.write_bioformats2raw(images, path, version=version, scale_factors=[2])


KINDS = [image_alone, image_with_labels, plate, collection]


def files(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Inode, time and bytes of every file that is no metadata."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
            path.read_bytes(),
        )
        for path in folder.rglob("*")
        if path.is_file() and path.name not in DOCUMENTS
    }


def digest(folder: Path) -> str:
    """Tells all names, bytes and inodes below a folder."""
    told = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        told.update(f"{path.relative_to(folder)} {path.lstat().st_ino}\n".encode())
        told.update(path.read_bytes() if path.is_file() else b"")
    return told.hexdigest()


def arrays(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Pixels of every array, as zarr reads them."""
    found = {}
    for name, zarr_format in ((".zarray", 2), ("zarr.json", 3)):
        for path in sorted(folder.rglob(name)):
            if zarr_format == 2 or json.loads(path.read_text())["node_type"] == "array":
                array: Any = zarr.open_array(
                    path.parent, mode="r", zarr_format=zarr_format
                )
                key = path.parent.relative_to(folder).as_posix()
                found[key] = np.asarray(array[...])
    return found


def read_by_tensorstore(path: Path) -> np.ndarray[Any, Any]:
    kvstore = {"driver": "file", "path": str(path)}
    spec = {"driver": "zarr3", "kvstore": kvstore}
    return np.asarray(tensorstore.open(spec).result().read().result())


def read_by_ome_zarr(path: Path) -> dict[str, list[np.ndarray[Any, Any]]]:
    with warnings.catch_warnings():
        # What it thinks of its own past and its dependencies is not at issue.
        warnings.simplefilter("ignore")
        from ome_zarr import io, reader

        nodes = list(reader.Reader(io.parse_url(str(path)))())
        return {
            str(node.zarr): [np.asarray(level) for level in node.data] for node in nodes
        }


def tree(path: Path) -> xr.DataTree:
    return xr.open_datatree(path, engine="omezarr").load()


def assert_valid(path: Path, version: str) -> None:
    report = xo.validate(path, data="all")
    assert report.ok, str(report)
    assert report.version == version
    if version == "0.5":
        yaozarrs.validate_zarr_store(str(path))
    name = version.replace(".", "")
    try:
        importlib.import_module(f"ome_zarr_models.v{name}")
    except ImportError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        group = zarr.open_group(path, mode="r")
        # It has no model of a collection, but of the images in it.
        is_collection = "bioformats2raw.layout" in group.attrs["ome"]
        for part in (group["0"], group["1"]) if is_collection else (group,):
            ome_zarr_models.open_ome_zarr(part)


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize(("old", "new"), STEPS)
def test_a_store_of_each_kind_is_upgraded_and_its_chunks_stay(
    tmp_path, make, old, new
) -> None:
    path = tmp_path / "x.ome.zarr"
    make(path, old)
    before, pixels, chunks = tree(path), arrays(path), files(path)
    group = xo.upgrade(path, version=new)
    assert group.metadata.zarr_format == 3
    assert group.attrs["ome"]["version"] == new
    assert os.listdir(tmp_path) == ["x.ome.zarr"]
    assert files(path) == chunks
    assert not list(path.rglob(".z*"))
    xr.testing.assert_identical(tree(path), before)
    after = arrays(path)
    assert after.keys() == pixels.keys()
    for key, array in after.items():
        np.testing.assert_array_equal(array, pixels[key])
        if not key.endswith("names"):
            np.testing.assert_array_equal(read_by_tensorstore(path / key), array)
    assert_valid(path, new)


@pytest.mark.parametrize("make", KINDS)
def test_two_steps_come_to_what_one_does(tmp_path, make) -> None:
    first, second = tmp_path / "first.ome.zarr", tmp_path / "second.ome.zarr"
    for path in (first, second):
        make(path, "0.4")
    xo.upgrade(first, version="0.5")
    xo.upgrade(first, version="0.6")
    xo.upgrade(second, version="0.6")
    for path in (first, second):
        for name in path.rglob("*.xml"):
            name.unlink()
    told = [
        {
            path.relative_to(store).as_posix(): json.loads(path.read_text())
            for path in store.rglob("zarr.json")
        }
        for store in (first, second)
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("steps", STEPS)
def test_a_dry_run_tells_and_changes_nothing(tmp_path, make, keep, steps) -> None:
    path = tmp_path / "x.ome.zarr"
    make(path, steps[0])
    before = digest(tmp_path)
    plan = xo.upgrade(path, version=steps[1], keep=keep, dry_run=True)
    assert digest(tmp_path) == before
    assert f"from OME-Zarr {steps[0]} to {steps[1]}" in repr(plan)
    assert plan.way == ("in place" if make is image_alone else "beside")
    assert "zarr.json" in plan.documents
    assert not plan.problems
    assert bool(plan.removed) is (not keep and steps[0] == "0.4")
    old = {p: p.read_bytes() for p in path.rglob("*") if p.name in DOCUMENTS}
    xo.upgrade(path, version=steps[1], keep=keep)
    new = {p: p.read_bytes() for p in path.rglob("*") if p.name in DOCUMENTS}
    changed = {p.relative_to(path).as_posix() for p in new if old.get(p) != new[p]}
    assert changed == set(plan.documents)
    gone = {p.relative_to(path).as_posix() for p in old if p not in new}
    assert gone == set(plan.removed)


@pytest.mark.parametrize("make", KINDS)
def test_what_is_kept_opens_as_both_versions(tmp_path, make) -> None:
    path = tmp_path / "x.ome.zarr"
    make(path, "0.4")
    old = {p: p.read_bytes() for p in path.rglob(".z*")}
    pixels, before = arrays(path), tree(path)
    xo.upgrade(path, version="0.5", keep=True)
    assert {p: p.read_bytes() for p in path.rglob(".z*")} == old
    xr.testing.assert_identical(tree(path), before)
    assert xo.validate(path, data=False).version == "0.5"
    for zarr_format in (2, 3):
        root = zarr.open_group(path, mode="r", zarr_format=zarr_format)
        for key, array in pixels.items():
            np.testing.assert_array_equal(root[key][...], array)
    # zarr takes the later one, and says so.
    with pytest.warns(zarr.errors.ZarrUserWarning, match="Zarr format 3 will be used"):
        assert zarr.open_group(path, mode="r").metadata.zarr_format == 3
    # Without keep the old ones go, and nothing else.
    chunks = files(path)
    xo.upgrade(path, version="0.5")
    assert not list(path.rglob(".z*"))
    assert files(path) == chunks
    xr.testing.assert_identical(tree(path), before)


@pytest.mark.parametrize("make", [image_alone, image_with_labels])
def test_ome_zarr_reads_what_was_upgraded(tmp_path, make) -> None:
    path = tmp_path / "x.ome.zarr"
    make(path, "0.4")
    before = read_by_ome_zarr(path)
    xo.upgrade(path, version="0.5")
    after = read_by_ome_zarr(path)
    assert [len(levels) for levels in after.values()] == [
        len(levels) for levels in before.values()
    ]
    for old_levels, levels in zip(before.values(), after.values(), strict=True):
        for old_level, level in zip(old_levels, levels, strict=True):
            np.testing.assert_array_equal(old_level, level)


@pytest.mark.parametrize("new", ["0.5", "0.6"])
def test_what_ome_zarr_wrote_is_upgraded(tmp_path, new) -> None:
    path = tmp_path / "x.zarr"
    data = np.random.default_rng(1).integers(0, 900, (2, 64, 48), "uint16")
    root = zarr.open_group(path, mode="w", zarr_format=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ome_zarr import format, writer

        old = format.FormatV04()
        writer.write_image(data, root, axes="cyx", fmt=old)
        labels = (data[0] % 7).astype("uint8")
        writer.write_labels(labels, root, name="cells", axes="yx", fmt=old)
    before, chunks = arrays(path), files(path)
    xo.upgrade(path, version=new)
    assert files(path) == chunks
    after = arrays(path)
    assert before.keys() == after.keys()
    for key, array in after.items():
        np.testing.assert_array_equal(array, before[key])
        np.testing.assert_array_equal(read_by_tensorstore(path / key), array)
    finest = xo.read_metadata(path).multiscale.levels[0].path
    np.testing.assert_array_equal(after[finest], data)
    report = xo.validate(path)
    assert report.ok, str(report)
    if new == "0.5":
        yaozarrs.validate_zarr_store(str(path))


@pytest.mark.parametrize("old", ["0.1", "0.2", "0.3"])
@pytest.mark.parametrize("new", ["0.5", "0.6"])
def test_early_versions_get_scales_by_the_sizes_of_their_levels(
    tmp_path, old, new
) -> None:
    path = tmp_path / "x.ome.zarr"
    values = np.arange(64 * 48, dtype="uint16").reshape(1, 1, 1, 64, 48)
    image = xr.DataArray(values, dims=("t", "c", "z", "y", "x"))
    image.omezarr.to_image(path, version=old, scale_factors=[2], lossy=True)
    before, chunks = arrays(path), files(path)
    xo.upgrade(path, version=new)
    assert files(path) == chunks
    after = arrays(path)
    for key, array in before.items():
        np.testing.assert_array_equal(after[key], array)
    found = tree(path)
    np.testing.assert_array_equal(found["0"].y, np.arange(64.0))
    np.testing.assert_array_equal(found["1"].y, 0.5 + 2 * np.arange(32))
    report = xo.validate(path)
    assert report.ok, str(report)


def test_a_draft_becomes_the_version(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    image_alone(path, "0.6")
    file = path / "zarr.json"
    file.write_text(file.read_text().replace('"0.6"', '"0.6rc0"'))
    assert zarr.open_group(path).attrs["ome"]["version"] == "0.6rc0"
    xo.upgrade(path, version="0.6")
    assert zarr.open_group(path).attrs["ome"]["version"] == "0.6"


@pytest.mark.parametrize("old", ["0.4", "0.5"])
def test_metadata_of_others_survive(tmp_path, old) -> None:
    path = tmp_path / "x.ome.zarr"
    image_with_labels(path, old)
    root = zarr.open_group(path, mode="r+")
    attrs = json.loads(json.dumps(dict(root.attrs)))
    told = attrs["ome"] if old == "0.5" else attrs
    told["multiscales"][0]["mine"] = {"deep": [1, None]}
    told["omero"]["rdefs"] = {"model": "color"}
    attrs["mine"] = {"labels": ["a"]}
    root.attrs.put(attrs)
    root["tables"].attrs["labels"] = ["not", "of", "the", "standard"]
    xo.upgrade(path, version="0.6")
    root = zarr.open_group(path, mode="r")
    assert root.attrs["mine"] == {"labels": ["a"]}
    assert root.attrs["ome"]["multiscales"][0]["mine"] == {"deep": [1, None]}
    assert root.attrs["ome"]["omero"]["rdefs"] == {"model": "color"}
    assert dict(root["tables"].attrs) == {"labels": ["not", "of", "the", "standard"]}
    assert dict(root["tables/mine"].attrs) == {"columns": ["a"]}
    assert dict(root["tables/mine/a"].attrs) == {"unit": "um"}
    assert (path / "notes.txt").read_text() == "mine"


def test_names_of_dims_are_written_where_they_lacked(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    image_with_labels(path, "0.5")
    for level in ("0", "1", "labels/cells/0"):
        file = path / level / "zarr.json"
        told = json.loads(file.read_text())
        del told["dimension_names"]
        file.write_text(json.dumps(told))
    xo.upgrade(path, version="0.6")
    root = zarr.open_group(path, mode="r")
    assert root["1"].metadata.dimension_names == ("c", "z", "y", "x")
    assert root["labels/cells/0"].metadata.dimension_names == ("z", "y", "x")


def test_what_was_upgraded_is_written_to_as_before(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    image_with_labels(path, "0.4")
    xo.upgrade(path, version="0.5")
    image = picture()
    box = image.isel(y=slice(3, 20), x=slice(5, 31)) * 0 + 7
    box.omezarr.to_image(path, region="auto")
    labels = (image.isel(c=0, drop=True) % 3).astype("uint8")
    labels.omezarr.to_labels(path, "more")
    expected = image.values.copy()
    expected[..., 3:20, 5:31] = 7
    found = tree(path)
    np.testing.assert_array_equal(found["0"].image, expected)
    np.testing.assert_array_equal(found["labels/more/0"].labels, labels)
    # Its chunks still have the names that they had.
    assert not list((path / "0").glob("c"))
    report = xo.validate(path)
    assert report.ok, str(report)


def test_a_plate_that_was_upgraded_gets_another_field(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    plate(path, "0.4")
    xo.upgrade(path, version="0.5")
    field = tree(path)["A/1/0/0"].image
    xo.write_field(field, path, "A/1/2")
    found = tree(path)
    np.testing.assert_array_equal(found["A/1/2/0"].image, field)


def test_pixels_that_were_opened_before_are_read_after(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    image_with_labels(path, "0.4")
    lazy = xr.open_datatree(path, engine="omezarr", chunks={})
    xo.upgrade(path, version="0.5")
    np.testing.assert_array_equal(lazy["0"].image, picture())


def refused(path: Path, error: type[Exception], match: str, **options: Any) -> None:
    """An upgrade raises, and nothing has changed."""
    before = digest(path.parent)
    with pytest.raises(error, match=match):
        xo.upgrade(path, **{"version": "0.5", **options})
    assert digest(path.parent) == before


def test_the_same_version_is_left_alone(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    image_with_labels(path, "0.5")
    before = digest(tmp_path)
    assert xo.upgrade(path, version="0.5").attrs["ome"]["version"] == "0.5"
    assert digest(tmp_path) == before
    assert "nothing to do" in repr(xo.upgrade(path, version="0.5", dry_run=True))


def test_an_earlier_version_is_refused(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    image_alone(path, "0.5")
    refused(path, OptionError, r"convert\(source, store", version="0.4")
    refused(path, UnknownVersionError, "0.9", version="0.9")


def test_what_is_no_ome_zarr_on_a_local_disk_is_refused(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    image_alone(path, "0.4")
    refused(path / "0", NotOmeZarrError, "array")
    refused(tmp_path / "missing", TargetNotFoundError, "missing")
    zarr.create_group(tmp_path / "other", zarr_format=2)
    refused(tmp_path / "other", NotOmeZarrError, "without OME-Zarr")
    memory = zarr.storage.MemoryStore()
    picture().omezarr.to_image(memory, version="0.4")
    for store in (memory, "memory://x.zarr"):
        with pytest.raises(OptionError, match=r"convert\(source, store"):
            xo.upgrade(store, version="0.5")


def test_a_store_that_must_not_be_written_is_refused(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    image_alone(path, "0.4")
    store = zarr.storage.LocalStore(path, read_only=True)
    with pytest.raises(OptionError, match="read-only"):
        xo.upgrade(store, version="0.5")


@pytest.mark.parametrize("name", ["zlib", "lz4", "bz2", "lzma"])
def test_chunks_that_readers_would_not_know_are_refused(tmp_path, name) -> None:
    numcodecs = pytest.importorskip("numcodecs")
    path = tmp_path / "x.ome.zarr"
    image_with_labels(path, "0.4")
    for level in ("0", "labels/cells/1"):
        file = path / level / ".zarray"
        told = json.loads(file.read_text())
        told["compressor"] = numcodecs.get_codec({"id": name}).get_config()
        file.write_text(json.dumps(told))
    refused(path, OmeZarrErrorGroup, "2 problems")
    with pytest.raises(OmeZarrErrorGroup) as caught:
        xo.upgrade(path, version="0.5")
    for part in ("'0'", name, "'labels/cells/1'", "xarray_omezarr.convert("):
        assert part in str(caught.value)
    plan = xo.upgrade(path, version="0.5", dry_run=True)
    assert [type(problem) for problem in plan.problems] == [LayoutError] * 2
    assert "cannot be done" in repr(plan)


def test_metadata_that_are_broken_are_refused(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    image_with_labels(path, "0.4")
    (path / "labels" / "cells" / ".zattrs").write_text("{")
    refused(path, MetadataError, "no JSON")
    image_with_labels(tmp_path / "y.ome.zarr", "0.4")
    (tmp_path / "y.ome.zarr" / "1" / ".zarray").unlink()
    refused(tmp_path / "y.ome.zarr", MetadataError, "no array at '1'")


def test_what_somebody_writes_is_refused(tmp_path) -> None:
    fcntl = pytest.importorskip("fcntl")
    path = tmp_path / "x.ome.zarr"
    image_alone(path, "0.4")
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        refused(path, LockedError, "by somebody else")
    finally:
        os.close(handle)
    xo.upgrade(path, version="0.5")


@pytest.mark.parametrize("part", ["A", "A/1", "A/1/0"])
@pytest.mark.parametrize(("old", "new"), STEPS)
def test_a_part_of_a_plate_is_refused(tmp_path, part, old, new) -> None:
    path = tmp_path / "x.ome.zarr"
    plate(path, old)
    wrong = NotOmeZarrError if part == "A" else OptionError
    refused(path / part, wrong, "part of|without", version=new)
    refused(path, wrong, "part of|without", version=new, group=part)


def test_labels_are_not_upgraded_without_their_image(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    image_with_labels(path, "0.5")
    refused(path / "labels" / "cells", OptionError, "part of", version="0.6")


def test_an_image_in_a_group_of_others_is_upgraded_where_the_format_stays(
    tmp_path,
) -> None:
    zarr.create_group(tmp_path / "all", zarr_format=3)
    image_with_labels(tmp_path / "all" / "x", "0.5")
    group = xo.upgrade(tmp_path / "all", version="0.6", group="x")
    assert group.attrs["ome"]["version"] == "0.6"
    assert sorted(os.listdir(tmp_path / "all")) == ["x", "zarr.json"]


def test_attributes_of_others_where_the_standard_has_its_own_are_refused(
    tmp_path,
) -> None:
    path = tmp_path / "x.ome.zarr"
    image_alone(path, "0.4")
    zarr.open_group(path, mode="r+").attrs["ome"] = 7
    refused(path, MetadataError, "'ome'")


def test_what_a_version_cannot_hold_is_refused(tmp_path, monkeypatch) -> None:
    # Later versions hold what earlier ones do, so that one is made that does not.
    path = tmp_path / "x.ome.zarr"
    image_alone(path, "0.4")
    lost = ("unit 'micrometer' of axis 'x'",)
    kind = type(registry.get("0.5"))
    monkeypatch.setattr(kind, "fitted", lambda self, model: (model, lost))
    refused(path, NotInVersionError, "micrometer")
    plan = xo.upgrade(path, version="0.5", dry_run=True)
    assert "micrometer" in repr(plan)


@pytest.mark.parametrize("name", ["dry_run", "keep", "lossy"])
def test_flags_are_true_or_false(tmp_path, name) -> None:
    image_alone(tmp_path / "x.ome.zarr", "0.4")
    refused(tmp_path / "x.ome.zarr", OptionError, name, **{name: "no"})


def test_channels_that_lack_what_is_demanded_get_it_with_a_warning(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    image_alone(path, "0.4")
    root = zarr.open_group(path, mode="r+")
    root.attrs["omero"] = {"channels": [{"label": "a"}, {"label": "b"}]}
    with pytest.warns(OmeZarrWarning, match="no color or window"):
        xo.upgrade(path, version="0.5")
    report = xo.validate(path)
    assert report.ok, str(report)


@pytest.mark.parametrize("missing", ["B/1", "B/1/1", "A/1/0/0"])
def test_a_plate_that_lists_what_is_not_there_is_refused(tmp_path, missing) -> None:
    image = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"))
    fields = {f"{well}/{n}": image for well in ("A/1", "B/1") for n in (0, 1)}
    path = tmp_path / "plate.ome.zarr"
    xo.write_plate(fields, path, version="0.4", scale_factors=None)
    shutil.rmtree(path / missing)
    refused(path, MetadataError, missing)
    assert missing in str(xo.upgrade(path, version="0.5", dry_run=True).problems[0])
    if not missing.endswith("0/0"):
        with pytest.warns(xo.OmeZarrWarning, match=missing):
            xo.upgrade(path, version="0.5", lossy=True)


def test_label_images_that_are_listed_and_not_there_are_refused(tmp_path) -> None:
    path = tmp_path / "x.ome.zarr"
    image_with_labels(path, "0.4")
    shutil.rmtree(path / "labels" / "cells")
    refused(path, MetadataError, "labels/cells")


@pytest.mark.parametrize("gone", [["A"], ["A", "A/1"]])
def test_a_field_below_folders_that_are_no_groups_is_part_of_its_plate(
    tmp_path, gone
) -> None:
    path = tmp_path / "p.zarr"
    plate(path, "0.4")
    field = next(path.glob("A/1/*/.zattrs")).parent
    for row in gone:
        for document in (path / row).glob(".z*"):
            document.unlink()
    before = digest(path)
    with pytest.raises(xo.OptionError, match=r"is part of .*p\.zarr, which"):
        xo.upgrade(field, version="0.5")
    assert digest(path) == before


def test_a_group_of_others_further_up_is_no_whole(tmp_path) -> None:
    zarr.create_group(tmp_path, zarr_format=3, attributes={"mine": 1})
    image_alone(tmp_path / "a" / "i.zarr", "0.4")
    assert xo.upgrade(tmp_path / "a" / "i.zarr", version="0.5").attrs["ome"]
