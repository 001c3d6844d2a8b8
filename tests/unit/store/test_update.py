"""Attributes of groups are revised together; the log finishes what was interrupted."""

from __future__ import annotations

import json

import pytest
import zarr
from zarr.storage import MemoryStore

from xarray_omezarr.errors import NotOmeZarrError, OmeZarrWarning, OptionError
from xarray_omezarr.store import update_log
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.update import Contents, root_of, update_groups


def groups(store, zarr_format=3):
    root = zarr.create_group(store, zarr_format=zarr_format, attributes={"n": 0})
    for path in ("a", "a/b"):
        root.create_group(path, attributes={"n": 0})
    return root


def raised(known: Contents) -> Contents:
    """Every number one more."""
    new = {path: {**attrs, "n": attrs["n"] + 1} for path, attrs in known.groups.items()}
    return Contents(new, {path: text + b"!" for path, text in known.files.items()})


def numbers(store) -> list[int]:
    root = zarr.open_group(store, mode="r", use_consolidated=False)
    return [root.attrs["n"], root["a"].attrs["n"], root["a/b"].attrs["n"]]


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    return tmp_path / "s.zarr" if request.param == "folder" else MemoryStore()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_all_groups_and_files_are_revised(store, zarr_format) -> None:
    groups(store, zarr_format)
    target = open_target(store)
    made = update_groups(target, zarr_format, ["", "a", "a/b"], ["no"], raised)
    assert made.attrs["n"] == 1
    assert numbers(store) == [1, 1, 1]
    below = target.child("a")
    made = update_groups(below, zarr_format, ["a/b"], [], raised)
    assert made.path == "a"
    assert numbers(store) == [1, 1, 2]


def test_what_is_raised_changes_nothing(store) -> None:
    groups(store)

    def failing(known: Contents) -> Contents:
        raise OptionError("no")

    with pytest.raises(OptionError, match="no"):
        update_groups(open_target(store), 3, ["", "a"], [], failing)
    assert numbers(store) == [0, 0, 0]


def test_groups_that_vanished_or_are_unfinished_are_refused(store) -> None:
    root = groups(store)
    with pytest.raises(NotOmeZarrError, match="removed"):
        update_groups(open_target(store), 3, ["", "a/c"], [], raised)
    root["a"].attrs["xarray_omezarr_unfinished"] = True
    with pytest.raises(NotOmeZarrError, match="interrupted"):
        update_groups(open_target(store), 3, ["", "a"], [], raised)
    assert numbers(store) == [0, 0, 0]


def test_a_log_is_finished_where_nothing_changed_since(store) -> None:
    groups(store)
    root = open_target(store)
    paths = ["", "a", "a/b"]
    stored: list[dict] = []

    def revise(known: Contents) -> Contents:
        stored.append(dict(known.groups))
        return raised(known)

    real, calls = update_log._replace, []

    def interrupted(where, contents, token=""):
        calls.append([*contents])
        if len(calls) == 2:
            # One document gets there, and the process dies.
            first = dict([*contents.items()][:1])
            real(where, first)
            raise SystemExit
        if len(calls) > 2:
            raise SystemExit
        real(where, contents, token)

    update_log._replace = interrupted
    try:
        with pytest.raises(SystemExit):
            update_groups(root, 3, paths, [], revise)
    finally:
        update_log._replace = real
    assert sorted(numbers(store)) == [0, 0, 1]
    zarr.open_group(store, path="a/b", mode="r+").attrs["other"] = True
    with pytest.warns(OmeZarrWarning, match="interrupted.*a/b/zarr.json changed since"):
        update_groups(root, 3, paths, [], raised)
    # The first two were finished, and then all were revised.
    assert numbers(store) == [2, 2, 1]
    assert zarr.open_group(store, path="a/b", mode="r").attrs["other"] is True


def test_a_log_that_was_not_stored_whole_is_forgotten(tmp_path) -> None:
    path = tmp_path / "s.zarr"
    groups(path)
    log = path / update_log.log_key("")
    for text in ("{", "[]", json.dumps({"update": 99})):
        log.write_text(text)
        with pytest.warns(OmeZarrWarning, match="was not stored whole"):
            update_groups(open_target(path), 3, [""], [], raised)
        assert not log.exists()
    assert numbers(path) == [3, 0, 0]


@pytest.mark.parametrize("indent", [None, 1, 2, 4])
def test_documents_keep_their_manner(tmp_path, indent) -> None:
    path = tmp_path / "s.zarr"
    groups(path)
    file = path / "zarr.json"
    document = {**json.loads(file.read_bytes()), "attributes": {"n": 0, "µ": "é"}}
    file.write_text(json.dumps(document, indent=indent, ensure_ascii=False), "utf-8")
    before = file.read_text("utf-8")
    update_groups(open_target(path), 3, [""], [], raised)
    assert file.read_text("utf-8") == before.replace('"n": 0', '"n": 1')


def test_the_root_of_a_place_in_a_store(tmp_path) -> None:
    groups(tmp_path / "s.zarr")
    root = root_of(open_target(tmp_path / "s.zarr", group="a/b"))
    assert (root.path, root.directory) == ("", tmp_path / "s.zarr")
    assert str(root) == str(tmp_path / "s.zarr")
