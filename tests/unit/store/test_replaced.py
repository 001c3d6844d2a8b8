"""Files are replaced as a whole, and are on the disk before they get their names."""

from __future__ import annotations

import os

import pytest

from xarray_omezarr.store import replaced
from xarray_omezarr.store.replaced import partial_of, replace_files
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.update import Contents, update_groups


@pytest.fixture
def calls(monkeypatch):
    """What was asked of the disk: inodes that were synced, and renames with theirs."""
    made: list[tuple[str, object]] = []
    replace = os.replace

    def synced(handle):
        # The disk of the machine need not be waited for.
        made.append(("synced", os.fstat(handle).st_ino))

    def renamed(source, file):
        made.append(("renamed", os.stat(source).st_ino))
        replace(source, file)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    monkeypatch.setattr(os, "sync", lambda: made.append(("all synced", None)))
    return made


def check_order(calls, folders) -> None:
    """All contents are synced before the first rename, and folders after the last."""
    words = [word for word, _ in calls]
    first = words.index("renamed")
    last = len(words) - words[::-1].index("renamed")
    inodes = {inode for word, inode in calls if word == "renamed"}
    assert inodes <= {inode for _, inode in calls[:first]}
    assert {os.stat(folder).st_ino for folder in folders} <= {
        inode for word, inode in calls[last:] if word == "synced"
    }


def test_files_are_on_the_disk_before_they_are_renamed(tmp_path, calls) -> None:
    (tmp_path / "a").mkdir()
    files = [tmp_path / "one", tmp_path / "a" / "two"]
    files[0].write_bytes(b"old")
    files[0].chmod(0o640)
    replace_files({file: file.name.encode() for file in files})
    assert [file.read_bytes() for file in files] == [b"one", b"two"]
    assert files[0].stat().st_mode & 0o777 == 0o640
    check_order(calls, [tmp_path, tmp_path / "a"])


def test_many_files_are_put_on_the_disk_together(tmp_path, calls, monkeypatch) -> None:
    monkeypatch.setattr(replaced.sys, "platform", "linux")
    replace_files({tmp_path / str(n): b"new" for n in range(replaced._MANY)})
    words = [word for word, _ in calls]
    assert words == ["all synced", *["renamed"] * replaced._MANY, "all synced"]


def test_what_fails_leaves_files_and_nothing_beside(tmp_path, monkeypatch) -> None:
    file = tmp_path / "one"
    file.write_bytes(b"old")

    def failing(handle):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="full"):
        replace_files({file: b"new"})
    assert os.listdir(tmp_path) == ["one"]
    assert file.read_bytes() == b"old"


def test_a_file_beside_tells_which_one_it_replaces(tmp_path) -> None:
    assert partial_of(tmp_path / "a", "ff").name == "a.ff.partial"


@pytest.mark.parametrize("paths", [[""], ["", "a"]])
def test_updates_are_on_the_disk_before_they_are_seen(tmp_path, calls, paths) -> None:
    import zarr

    root = zarr.create_group(tmp_path / "s.zarr")
    root.create_group("a")
    calls.clear()

    def revised(known: Contents) -> Contents:
        return Contents({path: {"n": 1} for path in known.groups}, {})

    update_groups(open_target(tmp_path / "s.zarr"), 3, paths, [], revised)
    # The log is one rename of its own; documents come after it.
    start = 0
    words = [word for word, _ in calls]
    if len(paths) > 1:
        start = words.index("renamed") + 1
        check_order(calls[: start + 1], [tmp_path / "s.zarr"])
    check_order(calls[start:], [tmp_path / "s.zarr" / path for path in paths])


def test_what_a_killed_writer_left_beside_goes_and_nothing_else(tmp_path) -> None:
    left = partial_of(tmp_path / "one", "0123456789abcdef")
    others = [
        partial_of(tmp_path / "two", "0123456789abcdef"),
        tmp_path / "one.0123456789abcdef0123456789abcdef.partial",
        tmp_path / "one.partial",
    ]
    for file in (left, *others):
        file.write_bytes(b"half")
    replace_files({tmp_path / "one": b"new"})
    assert not left.exists()
    assert all(file.exists() for file in others)
