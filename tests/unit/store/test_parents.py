"""What groups above a new node say of it."""

from __future__ import annotations

import json
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from xarray_omezarr.errors import NotInVersionError, OmeZarrWarning
from xarray_omezarr.ngff import LabelsGroup
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store import parents as module
from xarray_omezarr.store.lock import NoLock
from xarray_omezarr.store.parents import Parents
from xarray_omezarr.store.target import open_target


@dataclass(frozen=True)
class Add:
    """Lists one label more."""

    name: str

    def __call__(self, model):
        names = () if model is None else model.labels
        return LabelsGroup(labels=tuple(dict.fromkeys([*names, self.name])))


def parents(store, revisions, version=registry.DEFAULT) -> Parents:
    return Parents(open_target(store), registry.get(version), revisions)


def told(store, path: str = "") -> list[str]:
    return zarr.open_group(store, path=path, mode="r").attrs["ome"]["labels"]


@pytest.fixture(params=["memory", "folder", "url"])
def store(request, tmp_path):
    if request.param == "memory":
        return MemoryStore()
    if request.param == "folder":
        return tmp_path / "x.zarr"
    return f"memory://{tmp_path.name}/x.zarr"


def test_groups_that_are_not_there_are_made(store) -> None:
    group = parents(store, {"": Add("a"), "deep/labels": Add("b")})()
    assert group.attrs["ome"] == {"version": "0.5", "labels": ["a"]}
    assert group["deep/labels"].attrs["ome"]["labels"] == ["b"]
    assert dict(group["deep"].attrs) == {}


def test_what_is_there_is_revised_and_keys_of_others_stay(store) -> None:
    zarr.create_group(
        store,
        attributes={
            "ome": {"version": "0.5", "labels": ["old"], "x-note": 1},
            "lab": {"name": "Koch"},
        },
    )
    group = parents(store, {"": Add("new")})()
    assert group.attrs["lab"] == {"name": "Koch"}
    assert group.attrs["ome"]["labels"] == ["old", "new"]


def test_nothing_is_put_where_nothing_changes(tmp_path) -> None:
    zarr.create_group(
        tmp_path / "x.zarr", attributes={"ome": {"version": "0.5", "labels": ["a"]}}
    )
    document = tmp_path / "x.zarr" / "zarr.json"
    # As no writer of ours spells it: it is found to the letter.
    text = json.dumps(json.loads(document.read_text()), indent=7)
    document.write_text(text)
    parents(tmp_path / "x.zarr", {"": Add("a")})()
    assert document.read_text() == text


def test_deeper_groups_are_told_before_those_above_list_them(tmp_path) -> None:
    order = []

    def noting(path):
        def revise(model):
            order.append(path)
            return LabelsGroup(labels=("x",))

        return revise

    paths = ["", "A", "A/1", "B/2/labels"]
    parents(tmp_path / "x.zarr", {path: noting(path) for path in paths})()
    assert order == ["B/2/labels", "A/1", "A", ""]


def test_a_store_in_another_version_is_refused_and_stays(tmp_path) -> None:
    zarr.create_group(tmp_path / "x.zarr", zarr_format=2, attributes={"labels": ["a"]})
    with pytest.raises(NotInVersionError, match="Zarr v2"):
        parents(tmp_path / "x.zarr", {"": Add("b")})()
    group = zarr.open_group(tmp_path / "x.zarr", mode="r", zarr_format=2)
    assert group.attrs["labels"] == ["a"]


def test_groups_below_of_another_version_get_that_of_the_whole(tmp_path) -> None:
    ome = {"labels": ["a"], "version": "0.6"}
    attrs = {"ome": ome, "mine": 1}
    zarr.create_group(tmp_path / "x.zarr/labels", attributes=attrs)
    parents(tmp_path / "x.zarr", {"labels": Add("b")}, "0.5")()
    group = zarr.open_group(tmp_path / "x.zarr/labels", mode="r")
    expected = {"labels": ["a", "b"], "version": "0.5"}
    assert dict(group.attrs) == {"ome": expected, "mine": 1}


def test_a_whole_of_another_version_is_refused(tmp_path) -> None:
    attrs = {"ome": {"labels": ["a"], "version": "0.6"}}
    zarr.create_group(tmp_path / "x.zarr", attributes=attrs)
    with pytest.raises(NotInVersionError, match="is written in OME-Zarr"):
        parents(tmp_path / "x.zarr", {"": Add("b")}, "0.5")()
    assert dict(zarr.open_group(tmp_path / "x.zarr", mode="r").attrs) == attrs


def test_consolidated_metadata_follow(tmp_path) -> None:
    root = zarr.create_group(tmp_path / "x.zarr", zarr_format=2)
    root.create_array("0", data=np.zeros(2))
    zarr.consolidate_metadata(tmp_path / "x.zarr", zarr_format=2)
    parents(tmp_path / "x.zarr", {"labels": Add("b")}, "0.4")()
    opened = zarr.open_consolidated(tmp_path / "x.zarr", zarr_format=2)
    assert opened["labels"].attrs["labels"] == ["b"]


def test_no_thread_undoes_what_another_has_listed(store) -> None:
    names = [f"n{index}" for index in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: parents(store, {"": Add(name)})(), names))
    assert sorted(told(store)) == sorted(names)


def _add(path: str, names: list[str]) -> None:
    for name in names:
        parents(path, {"": Add(name)})()


def test_no_process_undoes_what_another_has_listed(tmp_path) -> None:
    path = str(tmp_path / "x.zarr")
    shares = [[f"{share}{index}" for index in range(8)] for share in "abc"]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add, args=(path, share)) for share in shares]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert sorted(told(path)) == sorted(name for share in shares for name in share)


def test_they_travel(tmp_path) -> None:
    made = parents(str(tmp_path / "x.zarr"), {"": Add("a")})
    pickle.loads(pickle.dumps(made))()
    assert told(tmp_path / "x.zarr") == ["a"]


def test_where_nothing_can_be_locked_it_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "lock_of", lambda target, *_: NoLock(target.uri))
    with pytest.warns(OmeZarrWarning, match="one process"):
        parents(tmp_path / "x.zarr", {"": Add("a")})()
    assert told(tmp_path / "x.zarr") == ["a"]
