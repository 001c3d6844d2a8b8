"""Names and paths that metadata tell lead nowhere but into the store."""

from __future__ import annotations

import json
import shutil

import pytest

import xarray_omezarr as xo
from tests.integration.handmade import Folder
from tests.integration.hostile import (
    READERS,
    SPOTS,
    WRITERS,
    Recorder,
    Yard,
    names,
    refused_in_words,
    served,
    watched,
)

# What may stand outside: those that could be opened, were they followed.
LEADING = ("../", "%2e", "/secret.zarr", "file:", "\\", "\0", "..?", "~")

# What asks for most of what a store can hold.
QUICK = ("open_datatree", "open_plate", "validate")


def leading(folder):
    return [name for name in names(folder) if any(part in name for part in LEADING)]


def worst(folder):
    """Few of them, as writing takes its time."""
    return "../../secret.zarr", str(folder / "secret.zarr"), "..\\secret.zarr", "a\0"


def spoil(spot, name, folder):
    """Put the name into a new store; whether that can be written down at all."""
    shutil.rmtree(folder.path, ignore_errors=True)
    folder.path.mkdir(parents=True)
    SPOTS[spot](name, folder)


@pytest.mark.parametrize("spot", SPOTS)
def test_no_name_leads_readers_out_of_a_folder(tmp_path, spot) -> None:
    yard = Yard(tmp_path)
    folder = Folder(yard.path)
    for name in leading(tmp_path):
        spoil(spot, name, folder)
        with watched() as seen:
            for verb in READERS.values():
                refused_in_words(verb, yard.path)
        yard.check(seen, name)


@pytest.mark.parametrize("spot", SPOTS)
def test_readers_ask_a_store_for_no_odd_key(tmp_path, spot) -> None:
    folder = Folder(tmp_path / "store.zarr")
    for name in names(tmp_path):
        spoil(spot, name, folder)
        store = Recorder(folder.path)
        for verb in QUICK:
            refused_in_words(READERS[verb], store)
        assert not store.odd, name


@pytest.mark.parametrize("spot", SPOTS)
def test_no_name_leads_writers_out_of_a_folder(tmp_path, spot) -> None:
    yard = Yard(tmp_path)
    folder = Folder(yard.path)
    for name in worst(tmp_path):
        for verb in WRITERS.values():
            spoil(spot, name, folder)
            with watched() as seen:
                refused_in_words(verb, yard.path)
            yard.check(seen, name)


@pytest.mark.parametrize("spot", SPOTS)
def test_what_is_converted_is_read_and_written_in_its_folders(tmp_path, spot) -> None:
    yard = Yard(tmp_path)
    folder = Folder(yard.path)
    for name in worst(tmp_path):
        spoil(spot, name, folder)
        shutil.rmtree(tmp_path / "others", ignore_errors=True)
        with watched() as seen:
            refused_in_words(convert, yard.path, tmp_path / "others" / "copy.zarr")
        copy = str(tmp_path / "others")
        yard.check([one for one in seen if not one[1].startswith(copy)], name)


def convert(source, target):
    xo.convert(source, target, version="0.5", lossy=True)


@pytest.mark.parametrize("spot", SPOTS)
def test_no_name_leads_out_of_a_store_on_the_web(tmp_path, spot) -> None:
    yard = Yard(tmp_path)
    folder = Folder(yard.path)
    web = [
        name for name in names(tmp_path) if {"%", "?", "#", ";", "\n", "\t"} & {*name}
    ]
    with served(tmp_path) as (url, asked):
        for name in (*web, "../secret.zarr", "\uff0e\uff0e/secret.zarr"):
            spoil(spot, name, folder)
            for verb in QUICK:
                refused_in_words(READERS[verb], f"{url}/yard/store.zarr")
            below = "/yard/store.zarr"
            assert asked
            assert not [path for path in asked if not path.startswith(below)], name
            asked.clear()


def test_what_transformations_are_applied_with_lies_in_the_group(tmp_path) -> None:
    yard = Yard(tmp_path)
    Folder(yard.path).image()
    for name in leading(tmp_path):
        with watched() as seen:
            refused_in_words(
                lambda told: xo.transforms.apply(
                    {"type": "affine", "path": told}, [[0.0, 0.0]], store=yard.path
                ),
                name,
            )
        yard.check(seen, name)


def test_names_that_only_look_like_others_are_names(tmp_path) -> None:
    folder = Folder(tmp_path / "store.zarr").labelled()
    odd = "\uff0e\uff0e\uff0fcells"
    folder.image(f"labels/{odd}", "odd", "uint8", {"source": {"image": "../../"}})
    folder.group("labels", {"labels": ["cells", odd]})
    store = Recorder(folder.path)
    report = xo.validate(store)
    assert f"labels/{odd}/zarr.json" in store.asked
    assert report.ok


LOGGED = ("zarr.json", "../secret.zarr/zarr.json", "../../secret.zarr/zarr.json")


def log_of(documents, token="0" * 16, **members):
    return json.dumps({"update": 1, "token": token, "documents": documents, **members})


def logged(content='{"node_type": "group"}', before=None):
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    return {"before": before or empty, "content": content}


def test_a_log_of_an_update_writes_and_removes_nothing_outside(tmp_path) -> None:
    yard = Yard(tmp_path)
    folder = Folder(yard.path)
    away = tmp_path / "others"
    away.mkdir()
    paths = [
        *("../secret.zarr/zarr.json", "../new/zarr.json", "../zarr.json"),
        *(f"{away}/zarr.json", f"/{away}/zarr.json", f"file://{away}/zarr.json"),
        *("a/../../secret.zarr/zarr.json", "..\\zarr.json", "\0", "", "note.txt"),
        *("0/c/0/0/0", "new/zarr.json", "0/.zarray", "x" * 5000 + "/zarr.json"),
    ]
    for path in paths:
        folder.image()
        log = folder.path / ".xarray_omezarr.lock.update"
        log.write_text(log_of({path: logged(), "zarr.json": logged()}))
        before = {*folder.path.rglob("*")} - {log}
        with watched() as seen, pytest.warns(xo.OmeZarrWarning, match="log"):
            xo.update(yard.path, scale={"x": 0.25})
        yard.check(seen, path)
        assert {*folder.path.rglob("*")} == before
        assert not [*away.iterdir()]


def test_a_log_that_is_none_is_refused_or_removed_in_words(tmp_path) -> None:
    yard = Yard(tmp_path)
    folder = Folder(yard.path)
    logs = [
        *(
            "",
            "null",
            "[]",
            "[" * 100_000,
            "{}",
            '{"update": 1}',
            b"\xed\xa0\x80",
        ),
        *(log_of(1), log_of([]), log_of({"zarr.json": 1}), log_of({"zarr.json": {}})),
        *(log_of({"zarr.json": logged()}, token="../../x"), log_of({}, token=[1])),
        log_of({"zarr.json": logged("\ud800")}),
        log_of({"zarr.json": logged('{"node_type": "array"}')}),
        log_of({"zarr.json": logged("[" * 100_000)}),
        log_of({"0/zarr.json": {"before": 1, "content": 2}}),
    ]
    for log in logs:
        folder.image()
        place = folder.path / ".xarray_omezarr.lock.update"
        place.write_bytes(log if isinstance(log, bytes) else log.encode())
        with watched() as seen, pytest.warns(xo.OmeZarrWarning):
            xo.update(yard.path, scale={"x": 0.25})
        yard.check(seen, log)
        assert not place.exists()
        assert xo.open_image(yard.path).omezarr.scale["x"] == 0.25
