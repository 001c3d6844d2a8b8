"""Archives that somebody packed to do harm, and links that lead out of folders."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import struct
import warnings
import zipfile

import pytest
import xarray as xr

import xarray_omezarr as xo
from tests.integration.handmade import Folder
from tests.integration.hostile import (
    READERS,
    WRITERS,
    Yard,
    refused_in_words,
    watched,
)
from tests.integration.test_hostile_sizes import MIB, at_most

ODD = (
    *("../secret.zarr/zarr.json", "/etc/zarr.json", "C:\\zarr.json", "//zarr.json"),
    *("a\\..\\zarr.json", "./zarr.json", "a/../../zarr.json", "%2e%2e/zarr.json"),
)


def packed(folder, path, more=()):
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
        for name, content in more:
            archive.writestr(name, content)
    return path


def every(path):
    """All readers; and what converts it."""
    for verb in READERS.values():
        refused_in_words(verb, path)
    for verb in WRITERS.values():
        refused_in_words(verb, path)


def test_names_of_entries_are_names_and_nothing_is_unpacked(tmp_path) -> None:
    yard = Yard(tmp_path)
    source = Folder(tmp_path / "others" / "source.zarr").labelled()
    link = zipfile.ZipInfo("1/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    for ending in (".zip", ".ozx"):
        more = [*((name, b"{}") for name in ODD), (link, str(yard.secrets[0]))]
        path = packed(source.path, yard.path / f"store{ending}", more)
        before = path.read_bytes()
        with watched() as seen:
            for verb in READERS.values():
                refused_in_words(verb, path)
        yard.check(seen, ending)
        with watched() as seen:
            refusal = refused_in_words(
                xo.convert, path, tmp_path / "others" / f"copy{ending}.zarr"
            )
        assert "has an object that is called" in str(refusal)
        assert not [p for _, p in seen if "secret" in p or p.startswith("/etc/zarr")]
        copy = tmp_path / "others" / f"copy{ending}.zarr"
        assert not [p for p in copy.rglob("*") if "secret" in p.name or p.is_symlink()]
        assert path.read_bytes() == before


def test_entries_of_one_name_or_one_place_are_told_or_read(tmp_path) -> None:
    source = Folder(tmp_path / "source.zarr").labelled()
    document = (source.path / "zarr.json").read_bytes()
    path = packed(source.path, tmp_path / "two.zip", [("zarr.json", document)])
    assert "have a name that another" in str(xo.validate(path))
    every(path)
    # All entries of the directory point at the first one.
    raw = bytearray(path.read_bytes())
    at = raw.find(b"PK\x01\x02")
    while at >= 0:
        struct.pack_into("<L", raw, at + 42, 0)
        at = raw.find(b"PK\x01\x02", at + 4)
    path.write_bytes(bytes(raw))
    every(path)


def test_a_document_that_inflates_is_not_read(tmp_path) -> None:
    source = Folder(tmp_path / "source.zarr").labelled()
    for bomb in ("zarr.json", "labels/zarr.json", "0/zarr.json"):
        path = tmp_path / "bomb.zip"
        piece = bytes(MIB)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(source.path.rglob("*")):
                name = file.relative_to(source.path).as_posix()
                if file.is_file() and name != bomb:
                    archive.write(file, name)
            with archive.open(bomb, "w", force_zip64=True) as entry:
                for _ in range(400):
                    entry.write(piece)
        assert path.stat().st_size < MIB
        with at_most(128 * MIB):
            for name in ("open_datatree", "open_image", "validate"):
                refused_in_words(READERS[name], path)


def test_what_is_no_archive_is_refused(tmp_path) -> None:
    for raw in (b"", b"PK", b"PK\x05\x06" + bytes(18), os.urandom(5000)):
        for ending in (".zip", ".ozx"):
            path = tmp_path / f"none{ending}"
            path.write_bytes(raw)
            every(path)


def test_an_archive_in_an_archive_is_no_store(tmp_path) -> None:
    source = Folder(tmp_path / "source.zarr").image()
    inner = packed(source.path, tmp_path / "inner.zip")
    above = tmp_path / "above"
    above.mkdir()
    (above / "inner.zip").write_bytes(inner.read_bytes())
    path = packed(above, tmp_path / "outer.zip")
    for name, verb in READERS.items():
        assert refused_in_words(verb, path) is not None or "validate" in name
    refused_in_words(
        lambda: xr.open_datatree(path, engine="omezarr", group="inner.zip")
    )


@pytest.mark.parametrize("place", ["labels", "labels/cells", "1"])
def test_nothing_is_written_or_removed_through_a_link(tmp_path, place) -> None:
    yard = Yard(tmp_path)
    for name, verb in WRITERS.items():
        folder = Folder(yard.path).labelled()
        away = tmp_path / "yard" / "secret.zarr" / place
        real = folder.path / place
        os.rename(real, tmp_path / "yard" / "kept")
        os.symlink(away, real, target_is_directory=True)
        with watched() as seen:
            refused_in_words(verb, yard.path)
        changed = [
            (event, path)
            for event, path in yard.outside(seen)
            if event not in ("open", "os.listdir", "os.scandir")
        ]
        assert not changed, name
        assert yard._state() == yard._before, name
        if os.path.islink(real):
            os.unlink(real)
        for left in (yard.path, tmp_path / "yard" / "kept"):
            if left.exists():
                shutil.rmtree(left)


def test_leases_and_claims_that_are_links_or_pipes_harm_nothing(tmp_path) -> None:
    yard = Yard(tmp_path)
    note = yard.secrets[0] / "note.txt"
    for make in (lambda place: os.symlink(note, place), os.mkfifo):
        for name in (".xarray_omezarr.lock.write", ".xarray_omezarr.lock"):
            folder = Folder(yard.path).labelled()
            place = folder.path / name
            place.unlink(missing_ok=True)
            make(place)
            for verb in ("update", "to_labels", "w"):
                with contextlib.suppress(OSError):
                    refused_in_words(WRITERS[verb], yard.path)
            assert note.read_text() == "mine"
            if place.is_symlink() or place.exists():
                place.unlink()
            document = json.loads((yard.path / "zarr.json").read_text())
            document["attributes"] = {"xarray_omezarr_unfinished": True}
            (yard.path / "zarr.json").write_text(json.dumps(document))
            make(place)
            with contextlib.suppress(OSError):
                refused_in_words(WRITERS["w"], yard.path)
            assert note.read_text() == "mine"
            shutil.rmtree(yard.path)
            yard.path.mkdir()
