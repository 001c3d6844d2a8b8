"""Archives that hold a whole store: read by every verb that reads, changed by none."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from xarray_omezarr.ngff.versions import registry

PIXELS = np.arange(2 * 32 * 32, dtype="uint16").reshape(2, 32, 32)


def image() -> xr.DataArray:
    return xr.DataArray(PIXELS, dims=("c", "y", "x"), coords={"c": ["a", "b"]})


def _counted(found: bytes, read: list[int]) -> bytes:
    read.append(len(found))
    return found


def packed(folder: Path, file: Path) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    shutil.rmtree(folder)
    return file


@pytest.fixture(params=["image.ome.zarr.zip", "image.ozx"])
def archive(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "image.ome.zarr"
    labels = {"cells": (image()[0] > 100).astype("uint8").drop_vars("c")}
    image().omezarr.to_image(folder, labels=labels, scale_factors=[2])
    return packed(folder, tmp_path / request.param)


def test_archives_are_opened_by_every_reader(archive: Path) -> None:
    np.testing.assert_array_equal(xo.open_image(archive).values, PIXELS)
    with xr.open_datatree(archive, engine="omezarr", chunks={}) as tree:
        np.testing.assert_array_equal(tree["0"]["image"].values, PIXELS)
        assert "cells" in tree["labels"].children
    with xr.open_dataset(str(archive), engine="omezarr", group="labels/cells") as label:
        assert label.sizes == {"y": 32, "x": 32}
    assert len(xo.read_metadata(archive).multiscale.levels) == 2


@pytest.mark.parametrize("version", registry.SUPPORTED[-3:])
def test_archives_are_converted(archive: Path, tmp_path: Path, version: str) -> None:
    xo.convert(archive, tmp_path / "out.zarr", version=version)
    np.testing.assert_array_equal(xo.open_image(tmp_path / "out.zarr").values, PIXELS)


def test_no_verb_writes_a_new_archive_of_another_name(tmp_path: Path) -> None:
    image().omezarr.to_image(tmp_path / "image.zarr")
    target = tmp_path / "new.ome.zarr.zip"
    fields = {"A/1/0": image()}
    for verb in (
        lambda: image().omezarr.to_image(target),
        lambda: xo.convert(tmp_path / "image.zarr", target),
        lambda: xo.write_plate(fields, target),
        lambda: xo.prepare_image(image(), target),
        lambda: xo.upgrade(target, version=registry.SUPPORTED[-1]),
    ):
        with pytest.raises(xo.OptionError, match=r"one-file store.*\.ozx"):
            verb()
    assert not target.exists()


def test_archives_that_are_there_are_not_changed(archive: Path) -> None:
    before = archive.read_bytes()
    for verb in (
        lambda: xo.update(archive, scale={"x": 0.5}),
        lambda: xo.write_labels(image()[0].astype("uint8"), archive, "more"),
    ):
        with pytest.raises(xo.OptionError, match="one-file store"):
            verb()
    assert archive.read_bytes() == before


def test_what_is_damaged_or_encrypted_is_told(archive: Path, tmp_path: Path) -> None:
    raw = archive.read_bytes()
    with zipfile.ZipFile(archive) as file:
        entries = {entry.filename: entry for entry in file.infolist()}
    target = tmp_path / "out.ome.zarr"
    for name in ("zarr.json", "0/c/0/0/0"):
        at = entries[name].header_offset + 30 + len(name) + 20
        archive.write_bytes(raw[:at] + bytes([raw[at] ^ 255]) + raw[at + 1 :])
        with pytest.raises(xo.OmeZarrError, match=f"entry '{name}' is damaged"):
            xo.open_image(archive).load()
        with pytest.raises(xo.OmeZarrError, match=f"entry '{name}' is damaged"):
            xo.convert(archive, target)
        assert not target.exists()
    with pytest.raises(xo.OmeZarrError, match="no zip archive"):
        archive.write_bytes(raw[: len(raw) // 2])
        xo.open_image(archive)
    # The flag of every entry in the directory says that it is encrypted.
    start = raw.index(b"PK\x01\x02")
    flagged = bytearray(raw)
    while (start := flagged.find(b"PK\x01\x02", start)) >= 0:
        flagged[start + 8] |= 1
        start += 4
    for at in (entry.header_offset for entry in entries.values()):
        flagged[at + 6] |= 1
    archive.write_bytes(flagged)
    for verb in (xo.open_image, xo.validate):
        with pytest.raises(xo.OmeZarrError, match="encrypted"):
            verb(archive)


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_of_a_shard_that_is_stored_only_the_chunk_is_read(
    tmp_path: Path, packing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, file = tmp_path / "image.ome.zarr", tmp_path / "image.ozx"
    random = np.random.default_rng(0).integers(0, 60000, (1024, 1024)).astype("uint16")
    da = xr.DataArray(random, dims=("y", "x"))
    options = {"chunks": 64, "shards": 1024, "scale_factors": None}
    da.omezarr.to_image(folder, **options)
    prefix = b"#!/bin/sh\n" * 7
    with file.open("wb") as handle:
        handle.write(prefix)
        with zipfile.ZipFile(handle, "w", packing) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder).as_posix())
    read = []
    monkeypatch.setattr(
        zipfile.ZipExtFile,
        "_read1",
        lambda self, n, inner=zipfile.ZipExtFile._read1: _counted(inner(self, n), read),
    )
    with xr.open_dataset(file, engine="omezarr") as opened:
        part = opened["image"][-70:-60, -70:-60]
        np.testing.assert_array_equal(part.values, random[-70:-60, -70:-60])
    if packing == zipfile.ZIP_STORED:
        assert sum(read) < random.nbytes / 100


def test_who_has_an_archive_open_reads_that_one_after_it_was_replaced(
    tmp_path: Path,
) -> None:
    file = tmp_path / "image.ozx"
    old = xr.DataArray(np.arange(64 * 64).reshape(64, 64), dims=("y", "x"))
    options = {"chunks": 16, "shards": 64, "scale_factors": None}
    old.omezarr.to_image(file, **options)
    with xr.open_dataset(file, engine="omezarr") as opened:
        assert opened["image"][0, 1] == 1
        (old[:, ::-1] * 7).omezarr.to_image(file, mode="w", **options)
        assert (opened["image"][20:24, 20:24] == old[20:24, 20:24]).all()
