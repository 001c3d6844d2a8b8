"""Upgrades: what stands there, what would change, and changing it whole or not."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from xarray_omezarr.errors import (
    LayoutError,
    LockedError,
    MetadataError,
    NotOmeZarrError,
    OmeZarrErrorGroup,
    OptionError,
    TargetNotFoundError,
)
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store import exchange, upgrade_apply
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.upgrade_apply import apply
from xarray_omezarr.store.upgrade_plan import Upgrade, Wanted, plan_upgrade
from xarray_omezarr.store.upgrade_survey import above, folder_of, survey

OLD, NEW = registry.get("0.4"), registry.get("0.5")
PIXELS = np.arange(48, dtype="uint16").reshape(8, 6)


@pytest.fixture(autouse=True)
def quick_sync(monkeypatch):
    """The disks of the machine need not be waited for."""
    monkeypatch.setattr(os, "sync", lambda: None)


def image(folder: Path, zarr_format: Any = 2, **options: Any) -> Path:
    """An image with one level, in attributes that only this test knows."""
    root = zarr.create_group(folder, zarr_format=zarr_format)
    root.attrs["old"] = True
    array = root.create_array("0", shape=(8, 6), chunks=(4, 3), dtype="u2", **options)
    array[...] = PIXELS
    return folder


def with_labels(folder: Path, zarr_format: Any = 2) -> Path:
    image(folder, zarr_format)
    root = zarr.open_group(folder, mode="r+", zarr_format=zarr_format)
    labels = root.create_group("labels")
    labels.attrs["old"] = True
    image(folder / "labels" / "cells", zarr_format)
    table = root.create_group("tables").create_group("mine", attributes={"a": [1]})
    table.create_array("x", data=np.arange(3.0))
    (folder / "notes.txt").write_text("mine")
    return folder


PARTS = ("", "labels", "labels/cells")


def planned(
    folder: Path, parts: tuple[str, ...] = PARTS, *, version=NEW, keep: bool = False
) -> Upgrade:
    found = survey(open_target(folder))
    attrs = {path: {"new": True} for path in parts}
    dims = {
        path: ("y", "x")
        for path in ("0", "labels/cells/0")
        if path.rpartition("/")[0] in parts
    }
    wanted = Wanted(version, attrs, dims)
    return plan_upgrade(found, wanted, old=OLD, keep=keep)


def files(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Inode, time and bytes of every file, by path."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
            path.read_bytes(),
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


METADATA = ("zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata")


def others(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """The same of what is no metadata."""
    found = files(folder)
    return {k: v for k, v in found.items() if k.rpartition("/")[2] not in METADATA}


def seen(folder: Path, *, decoded: bool = True) -> dict[str, Any]:
    """What a reader sees: one Zarr format, that of the root, and all below it."""
    zarr_format: Any = 3 if (folder / "zarr.json").exists() else 2
    found: dict[str, Any] = {}
    for path in [folder, *folder.rglob("*")]:
        key = path.relative_to(folder).as_posix()
        if zarr_format == 3 and (path / "zarr.json").is_file():
            told = json.loads((path / "zarr.json").read_text())
            is_array, attrs = told["node_type"] == "array", told["attributes"]
        elif zarr_format == 2 and (path / ".zattrs").is_file():
            attrs = json.loads((path / ".zattrs").read_text())
            is_array = (path / ".zarray").is_file()
        else:
            continue
        pixels = None
        if is_array and not decoded:
            if zarr_format == 2:
                told = json.loads((path / ".zarray").read_text())
            # Names of dims say the same in either version.
            pixels = {k: v for k, v in told.items() if k != "dimension_names"}
        elif is_array:
            array: Any = zarr.open_array(path, mode="r", zarr_format=zarr_format)
            pixels = array[...].tolist()
        found[key.removeprefix(".")] = (zarr_format, attrs, pixels)
    return found


def test_every_node_is_found_also_those_of_others(tmp_path) -> None:
    found = survey(open_target(with_labels(tmp_path / "a")))
    kinds = {path: node.kind for path, node in found.nodes.items()}
    assert kinds == {
        "": "group",
        "0": "array",
        "labels": "group",
        "labels/cells": "group",
        "labels/cells/0": "array",
        "tables": "group",
        "tables/mine": "group",
        "tables/mine/x": "array",
    }
    assert next(iter(kinds)) == ""
    assert found.zarr_format == 2


def test_folders_above_nodes_are_found_and_others_not(tmp_path) -> None:
    image(tmp_path / "a")
    image(tmp_path / "a" / "row" / "field")
    (tmp_path / "a" / "empty" / "deep").mkdir(parents=True)
    found = survey(open_target(tmp_path / "a"))
    assert found.nodes["row"].kind == "folder"
    assert "empty" not in found.nodes


def test_the_folder_itself_is_found_behind_a_link(tmp_path) -> None:
    image(tmp_path / "a")
    os.symlink(tmp_path / "a", tmp_path / "b")
    assert folder_of(open_target(tmp_path / "b")) == (tmp_path / "a").resolve()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("0/.zarray", "{", "no JSON"),
        (".zattrs", "[]", "no JSON object"),
        ("0/.zattrs", "[" * 100_000, "no JSON"),
    ],
)
def test_documents_that_cannot_be_read_are_named(
    tmp_path, name, content, message
) -> None:
    (image(tmp_path / "a") / name).write_text(content)
    with pytest.raises(MetadataError, match=message):
        survey(open_target(tmp_path / "a"))


def test_all_documents_that_cannot_be_read_are_named(tmp_path) -> None:
    with_labels(tmp_path / "a")
    (tmp_path / "a" / "0" / ".zarray").write_text("{")
    (tmp_path / "a" / "labels" / "cells" / "0" / ".zarray").write_text("{")
    with pytest.raises(OmeZarrErrorGroup) as caught:
        survey(open_target(tmp_path / "a"))
    assert len(caught.value.exceptions) == 2


def test_a_document_of_nothing_known_is_refused(tmp_path) -> None:
    image(tmp_path / "a", 3)
    (tmp_path / "a" / "other").mkdir()
    (tmp_path / "a" / "other" / "zarr.json").write_text('{"node_type": "scene"}')
    with pytest.raises(MetadataError, match="scene"):
        survey(open_target(tmp_path / "a"))


def test_nothing_an_array_and_what_is_not_local_are_refused(tmp_path) -> None:
    image(tmp_path / "a")
    with pytest.raises(TargetNotFoundError, match="missing"):
        survey(open_target(tmp_path / "missing"))
    with pytest.raises(TargetNotFoundError, match="no Zarr group"):
        survey(open_target(tmp_path))
    with pytest.raises(NotOmeZarrError, match="array"):
        survey(open_target(tmp_path / "a" / "0"))
    with pytest.raises(OptionError, match=r"convert\(source, store"):
        survey(open_target(zarr.storage.MemoryStore()))
    with pytest.raises(OptionError, match="read-only"):
        survey(open_target(tmp_path / "a", read_only=True))


def test_a_node_that_is_a_link_is_refused(tmp_path) -> None:
    image(tmp_path / "a")
    image(tmp_path / "b")
    os.symlink(tmp_path / "b", tmp_path / "a" / "b")
    with pytest.raises(OptionError, match="link"):
        survey(open_target(tmp_path / "a"))


def test_links_to_what_is_no_node_are_passed_over(tmp_path) -> None:
    image(tmp_path / "a")
    os.symlink(tmp_path, tmp_path / "a" / "loop")
    assert set(survey(open_target(tmp_path / "a")).nodes) == {"", "0"}


def test_what_is_being_written_is_refused(tmp_path) -> None:
    image(tmp_path / "a")
    lease = tmp_path / "a" / "0" / ".xarray_omezarr.lock"
    lease.write_text("{}")
    with pytest.raises(LockedError, match=r"xarray_omezarr\.lock"):
        survey(open_target(tmp_path / "a"))
    lease.unlink()
    zarr.open_group(tmp_path / "a").attrs["xarray_omezarr_unfinished"] = "x"
    with pytest.raises(LockedError, match="interrupted"):
        survey(open_target(tmp_path / "a"))


def test_groups_above_are_found_until_there_are_none(tmp_path) -> None:
    root = zarr.create_group(tmp_path / "a", zarr_format=2)
    root.create_group("b").create_group("c")
    found = [path for path, _ in above(tmp_path / "a" / "b" / "c")]
    assert found == [tmp_path / "a" / "b", tmp_path / "a"]


def test_a_plan_names_what_is_written_and_removed_and_changes_nothing(
    tmp_path,
) -> None:
    with_labels(tmp_path / "a")
    before = files(tmp_path)
    plan = planned(tmp_path / "a")
    assert plan.way == "beside"
    assert list(plan.documents)[-1] == "zarr.json"
    assert set(plan.documents) == {
        *("zarr.json", "0/zarr.json", "labels/zarr.json", "labels/cells/zarr.json"),
        *("labels/cells/0/zarr.json", "tables/zarr.json", "tables/mine/zarr.json"),
        "tables/mine/x/zarr.json",
    }
    old = {k for k in before if k.rpartition("/")[2].startswith(".z")}
    assert {f"a/{key}" for key in plan.removed} == old
    assert files(tmp_path) == before
    text = repr(plan)
    assert "from OME-Zarr 0.4 to 0.5" in text
    assert "writes 8 metadata files" in text
    assert "removes" in text
    assert "hard links" in text


def test_a_plan_that_keeps_removes_nothing(tmp_path) -> None:
    plan = planned(image(tmp_path / "a"), ("",), keep=True)
    assert plan.removed == ()
    assert "\nremoves" not in repr(plan)


def test_one_group_changes_in_place_and_several_beside(tmp_path) -> None:
    assert planned(image(tmp_path / "a"), ("",)).way == "in place"
    with_labels(tmp_path / "b")
    assert planned(tmp_path / "b", ("",)).way == "in place"
    assert planned(tmp_path / "b", ("", "labels")).way == "beside"


def test_nothing_is_to_be_done_twice(tmp_path) -> None:
    image(tmp_path / "a")
    apply(planned(tmp_path / "a", ("",)), tmp_path / "a")
    plan = planned(tmp_path / "a", ("",))
    assert plan.way == "nothing"
    assert "nothing to do" in repr(plan)
    assert not plan.documents
    assert not plan.removed


def test_chunks_that_cannot_be_described_are_named_all_at_once(tmp_path) -> None:
    zlib = {"compressors": {"id": "zlib", "level": 1}}
    image(tmp_path / "a", **zlib)
    image(tmp_path / "a" / "labels", **zlib)
    plan = planned(tmp_path / "a", ("",))
    assert [type(problem) for problem in plan.problems] == [LayoutError] * 2
    text = repr(plan)
    assert "cannot be done" in text
    for part in ("'0'", "'labels/0'", "zlib", "convert"):
        assert part in text


def test_names_of_dims_are_added_and_other_members_stay(tmp_path) -> None:
    image(tmp_path / "a", 3, attributes={"mine": 1})
    before = json.loads((tmp_path / "a" / "0" / "zarr.json").read_text())
    apply(planned(tmp_path / "a", ("",)), tmp_path / "a")
    after = json.loads((tmp_path / "a" / "0" / "zarr.json").read_text())
    assert after == {**before, "dimension_names": ["y", "x"]}


def test_other_members_of_a_group_stay(tmp_path) -> None:
    image(tmp_path / "a", 3)
    file = tmp_path / "a" / "zarr.json"
    before = {**json.loads(file.read_text()), "mine": {"must_understand": False}}
    file.write_text(json.dumps(before))
    apply(planned(tmp_path / "a", ("",)), tmp_path / "a")
    assert json.loads(file.read_text()) == {**before, "attributes": {"new": True}}


def test_an_array_of_other_dims_than_its_axes_is_refused(tmp_path) -> None:
    for zarr_format in (2, 3):
        folder = image(tmp_path / f"{zarr_format}", zarr_format)
        found = survey(open_target(folder))
        wanted = Wanted(NEW, {}, {"0": ("z", "y", "x")})
        plan = plan_upgrade(found, wanted, old=OLD, keep=False)
        assert "2 dims" in str(plan.problems[0])


def test_attributes_alone_change_where_the_zarr_format_stays(tmp_path) -> None:
    image(tmp_path / "a", chunk_key_encoding={"name": "v2", "separator": "/"})
    plan = planned(tmp_path / "a", ("",), version=OLD)
    assert set(plan.documents) == {".zattrs"}
    assert plan.removed == ()
    apply(plan, tmp_path / "a")
    assert seen(tmp_path / "a")[""] == (2, {"new": True}, None)


def test_names_of_chunks_that_a_version_does_not_have_are_refused(tmp_path) -> None:
    image(tmp_path / "a", chunk_key_encoding={"name": "v2", "separator": "."})
    plan = planned(tmp_path / "a", ("",), version=OLD)
    assert [type(problem) for problem in plan.problems] == [LayoutError]


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_consolidated_metadata_follow(tmp_path, zarr_format) -> None:
    folder = with_labels(tmp_path / "a", zarr_format)
    (folder / "notes.txt").unlink()
    zarr.consolidate_metadata(folder, zarr_format=zarr_format)
    version = NEW
    if zarr_format == 2:
        version = OLD
        for array in folder.rglob(".zarray"):
            told = {**json.loads(array.read_text()), "dimension_separator": "/"}
            array.write_text(json.dumps(told))
    apply(planned(folder, version=version), folder)
    root = zarr.open_consolidated(folder, zarr_format=zarr_format)
    assert dict(root.attrs) == {"new": True}
    assert dict(root["labels/cells"].attrs) == {"new": True}
    assert dict(root["tables/mine"].attrs) == {"a": [1]}


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
@pytest.mark.parametrize("make", [image, with_labels])
@pytest.mark.parametrize("keep", [False, True])
def test_consolidated_metadata_stay_so_in_the_new_format(tmp_path, make, keep) -> None:
    folder = make(tmp_path / "a")
    (folder / "notes.txt").unlink(missing_ok=True)
    zarr.consolidate_metadata(folder, zarr_format=2)
    apply(planned(folder, PARTS if make is with_labels else ("",), keep=keep), folder)

    def consolidated() -> Any:
        root = zarr.open_group(folder, mode="r", zarr_format=3, use_consolidated=True)
        return root, root.metadata.consolidated_metadata

    root, found = consolidated()
    assert dict(root.attrs) == {"new": True}
    np.testing.assert_array_equal(root["0"][...], PIXELS)
    if make is with_labels:
        assert dict(root["labels/cells"].attrs) == {"new": True}
        assert dict(root["tables/mine"].attrs) == {"a": [1]}
    assert (folder / ".zmetadata").exists() == keep
    for old in (name for name in METADATA if name != "zarr.json"):
        for file in folder.rglob(old):
            file.unlink()
    zarr.consolidate_metadata(folder, zarr_format=3)
    assert found == consolidated()[1]


@pytest.mark.parametrize("make", [image, with_labels])
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("steps", ["at once", "in two steps"])
def test_what_is_no_metadata_stays_the_same_file(
    tmp_path, monkeypatch, make, keep, steps
) -> None:
    if steps == "in two steps":
        monkeypatch.setattr(exchange, "_system_call", lambda: None)
    folder = make(tmp_path / "a")
    parts = PARTS if make is with_labels else ("",)
    old, before, pixels = seen(folder), others(folder), files(folder)
    apply(planned(folder, parts, keep=keep), folder)
    assert others(folder) == before
    new = seen(folder)
    assert new.keys() == old.keys()
    for path, node in old.items():
        assert new[path][0] == 3
        assert new[path][2:] == node[2:]
        assert new[path][1] == ({"new": True} if path in parts else node[1])
    left = {k for k in files(folder) if k.rpartition("/")[2].startswith(".z")}
    expected = {k for k in pixels if k.rpartition("/")[2].startswith(".z")}
    assert left == (expected if keep else set())
    assert os.listdir(tmp_path) == ["a"]


def test_what_was_kept_is_removed_the_next_time(tmp_path) -> None:
    folder = with_labels(tmp_path / "a")
    apply(planned(folder, keep=True), folder)
    again = planned(folder)
    assert again.way == "in place"
    assert not again.documents
    apply(again, folder)
    assert not list(folder.rglob(".z*"))
    assert seen(folder)[""] == (3, {"new": True}, None)


def test_rights_of_folders_and_files_stay(tmp_path) -> None:
    folder = with_labels(tmp_path / "a", 3)
    (folder / "labels").chmod(0o750)
    (folder / "labels" / "zarr.json").chmod(0o640)
    (folder / "zarr.json").chmod(0o600)
    apply(planned(folder), folder)
    assert (folder / "labels").stat().st_mode & 0o777 == 0o750
    assert (folder / "labels" / "zarr.json").stat().st_mode & 0o777 == 0o640
    assert (folder / "zarr.json").stat().st_mode & 0o777 == 0o600


def test_links_to_files_stay_links(tmp_path) -> None:
    folder = with_labels(tmp_path / "a")
    os.symlink("../notes.txt", folder / "linked.txt")
    os.symlink(tmp_path, folder / "loop")
    apply(planned(folder), folder)
    assert os.readlink(folder / "linked.txt") == "../notes.txt"
    assert os.readlink(folder / "loop") == str(tmp_path)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_nothing_is_written_through_documents_that_are_links(
    tmp_path, zarr_format
) -> None:
    """As in stores whose files lie in a store of contents, such as git-annex."""
    folder = with_labels(tmp_path / "a", zarr_format)
    contents = tmp_path / "contents"
    contents.mkdir()
    for number, file in enumerate([f for f in folder.rglob("*") if f.is_file()]):
        file.rename(contents / str(number))
        file.symlink_to(contents / str(number))
    before = files(contents)
    plan = planned(folder)
    assert plan.way == "beside"
    apply(plan, folder)
    assert files(contents) == before
    assert not [key for key in plan.removed if (folder / key).is_symlink()]
    for key, content in plan.documents.items():
        assert (folder / key).read_bytes() == content
    array = zarr.open_array(folder / "0", mode="r")
    np.testing.assert_array_equal(array[...], PIXELS)


def test_folders_that_must_not_be_written_are_said(tmp_path, monkeypatch) -> None:
    folder = image(tmp_path / "a")

    def refuse(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    plan, before = planned(folder, ("",)), files(folder)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OptionError, match=r"a/0/zarr.json.* as before; .*convert"):
        apply(plan, folder)
    monkeypatch.undo()
    assert files(folder) == before


def test_folders_that_cannot_be_read_are_said(tmp_path, monkeypatch) -> None:
    folder = with_labels(tmp_path / "a")
    real = os.scandir

    def refuse(path: Path) -> Any:
        if str(path).endswith("labels"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(OptionError, match=r"labels cannot be read \(Permission"):
        survey(open_target(folder))


def test_rights_are_taken_only_when_all_is_written(tmp_path, monkeypatch) -> None:
    folder = with_labels(tmp_path / "a", 3)
    (folder / "labels").chmod(0o550)
    real = upgrade_apply._write_all

    def watched(new: Path, *others: Any) -> None:
        assert (new / "labels").stat().st_mode & 0o200
        real(new, *others)

    monkeypatch.setattr(upgrade_apply, "_write_all", watched)
    apply(planned(folder), folder)
    assert (folder / "labels").stat().st_mode & 0o777 == 0o550
    assert os.listdir(tmp_path) == ["a"]


def test_no_hard_links_is_said_and_nothing_changed(tmp_path, monkeypatch) -> None:
    folder = with_labels(tmp_path / "a")
    plan, before = planned(folder), files(tmp_path)

    def refuse(*args: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(OptionError, match=r"Operation not permitted.*convert\("):
        apply(plan, folder)
    assert files(tmp_path) == before
    assert os.listdir(tmp_path) == ["a"]


def test_a_parent_that_takes_no_folder_is_said(tmp_path, monkeypatch) -> None:
    folder = with_labels(tmp_path / "a")
    plan, before = planned(folder), files(tmp_path)
    missing = tmp_path / "missing" / "x"
    monkeypatch.setattr(upgrade_apply, "beside", lambda folder: missing)
    with pytest.raises(OptionError, match="No folder can be made beside"):
        apply(plan, folder)
    assert files(tmp_path) == before


def test_what_is_written_meanwhile_is_not_lost(tmp_path, monkeypatch) -> None:
    folder = with_labels(tmp_path / "a")
    plan = planned(folder)
    monkeypatch.setattr(os, "sync", lambda: (folder / "late.txt").write_text("mine"))
    with pytest.raises(LockedError, match=r"late\.txt"):
        apply(plan, folder)
    assert (folder / "late.txt").read_text() == "mine"
    assert (folder / ".zgroup").exists()
    assert os.listdir(tmp_path) == ["a"]


class Killed(BaseException):
    """The process ends here."""


class Killer:
    """Ends the process at one of its changes of the disk: nothing changes after it."""

    CALLS = (
        *((os, name) for name in ("replace", "rename", "link", "symlink", "mkdir")),
        *((os, name) for name in ("unlink", "remove", "rmdir", "fsync", "sync")),
        *((Path, name) for name in ("write_bytes", "open", "unlink", "mkdir")),
        (shutil, "copystat"),
        (shutil, "copymode"),
        (exchange, "_at_once"),
    )

    def __init__(self, monkeypatch: pytest.MonkeyPatch, last: int) -> None:
        self.count, self.last = 0, last
        for owner, name in self.CALLS:
            if not (owner is exchange and exchange._system_call() is None):
                monkeypatch.setattr(owner, name, self.counted(getattr(owner, name)))

    def counted(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            self.count += 1
            if self.count > self.last:
                raise Killed
            return change(*args, **options)

        return wrapped


def killed(
    folder: Path, prepare: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """Upgrade again and again, killed after 0, 1, 2 ... changes, until it is done."""
    for last in range(1000):
        prepare()
        with monkeypatch.context() as patched:
            plan = planned(folder, PARTS if (folder / "labels").exists() else ("",))
            killer = Killer(patched, last)
            try:
                apply(plan, folder)
            except Killed:
                pass
            else:
                assert killer.count <= last
                return
        yield last


@pytest.mark.parametrize("make", [image, with_labels])
@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("steps", ["at once", "in two steps"])
def test_whoever_is_killed_leaves_the_old_version_or_the_new(
    tmp_path, monkeypatch, make, zarr_format, steps
) -> None:
    if steps == "in two steps":
        monkeypatch.setattr(exchange, "_system_call", lambda: None)
    given = make(tmp_path / "given", zarr_format)
    old, chunks = (
        seen(given, decoded=False),
        {k: v[2] for k, v in others(given).items()},
    )
    shutil.copytree(given, tmp_path / "done")
    parts = PARTS if make is with_labels else ("",)
    apply(planned(tmp_path / "done", parts), tmp_path / "done")
    new = seen(tmp_path / "done", decoded=False)
    place = tmp_path / "place"
    folder = place / "a"

    def prepare() -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        shutil.copytree(given, folder)

    ends, missing = [], 0
    for _ in killed(folder, prepare, monkeypatch):
        inodes = {key: told[0] for key, told in others(place).items()}
        if not folder.exists():
            missing += 1
            assert steps == "in two steps"
            folder_of(open_target(folder), exchange.settle)
        found = seen(folder, decoded=False)
        assert found in (old, new)
        ends.append(found == new)
        if found == old:
            left = {k: v[2] for k, v in others(folder).items()}
            assert {k: v for k, v in left.items() if ".partial" not in k} == chunks
        folder_of(open_target(folder), exchange.settle)
        apply(planned(folder, parts), folder)
        assert seen(folder, decoded=False) == new
        assert os.listdir(place) == ["a"]
        assert not list(folder.rglob(".z*"))
        assert {told[0] for told in others(folder).values()} <= set(inodes.values())
    # Before a certain change all is old, and after it all is new.
    assert ends == sorted(ends)
    assert ends[0] is False
    assert missing <= 1
