"""Two folders trade places, and what was interrupted is put right."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.store import exchange as module
from xarray_omezarr.store.exchange import beside, exchange, settle, trial

fcntl = pytest.importorskip("fcntl")


@pytest.fixture(params=["at once", "in two steps"])
def way(request, monkeypatch):
    if request.param == "in two steps":
        monkeypatch.setattr(module, "_system_call", lambda: None)
    return request.param


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "content").write_text(content)
    return path


def test_folders_trade_places(tmp_path, way) -> None:
    first, second = folder(tmp_path / "a", "first"), folder(tmp_path / "b", "second")
    exchange(first, second)
    assert (first / "content").read_text() == "second"
    assert (second / "content").read_text() == "first"
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_file_system_that_cannot_do_it_at_once_does_it_in_steps(
    tmp_path, monkeypatch
) -> None:
    def refuse(first: bytes, second: bytes) -> int:
        module.ctypes.set_errno(errno.EINVAL)
        return -1

    monkeypatch.setattr(module, "_system_call", lambda: refuse)
    first, second = folder(tmp_path / "a", "first"), folder(tmp_path / "b", "second")
    exchange(first, second)
    assert (second / "content").read_text() == "first"


def test_an_error_leaves_both_where_they_were(tmp_path, way) -> None:
    there = folder(tmp_path / "a", "there")
    with pytest.raises(OSError, match="No such file"):
        exchange(tmp_path / "missing", there)
    assert (there / "content").read_text() == "there"
    assert os.listdir(tmp_path) == ["a"]


def test_the_place_beside_is_hidden_and_new(tmp_path) -> None:
    place = beside(tmp_path / "cells.ome.zarr")
    assert place.parent == tmp_path
    assert place.name.startswith(".cells.ome.zarr.upgrade.")
    assert place != beside(tmp_path / "cells.ome.zarr")


def test_what_was_interrupted_between_two_steps_is_put_back(tmp_path) -> None:
    folder(tmp_path / ".a.old.0123abcd.partial", "old")
    folder(tmp_path / ".a.upgrade.4567abcd.partial", "new")
    settle(tmp_path / "a")
    assert (tmp_path / "a" / "content").read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_what_was_interrupted_after_both_steps_is_removed(tmp_path) -> None:
    folder(tmp_path / "a", "new")
    folder(tmp_path / ".a.old.0123abcd.partial", "old")
    folder(tmp_path / ".a.upgrade.4567abcd.partial", "other")
    settle(tmp_path / "a")
    assert (tmp_path / "a" / "content").read_text() == "new"
    assert os.listdir(tmp_path) == ["a"]


def test_what_others_have_beside_it_stays(tmp_path) -> None:
    names = [
        ".a.0123abc.partial",
        ".a.0123ABCD.partial",
        ".a.b.0123abcd.partial",
        ".a.upgrade.zarr",
        ".b.upgrade.0123abcd.partial",
        ".a.upgrade.0123abcdef.partial",
        "a.upgrade.0123abcd.partial",
    ]
    for name in names:
        folder(tmp_path / name, name)
    settle(tmp_path / "a")
    assert sorted(os.listdir(tmp_path)) == sorted(names)


def test_what_somebody_works_on_stays(tmp_path) -> None:
    made = folder(tmp_path / ".a.upgrade.0123abcd.partial", "new")
    old = folder(tmp_path / ".a.old.0123abcd.partial", "old")
    with trial(made) as first, trial(old) as second:
        assert first
        assert second
        settle(tmp_path / "a")
    assert sorted(os.listdir(tmp_path)) == sorted([made.name, old.name])


def test_what_cannot_be_removed_is_named(tmp_path, monkeypatch) -> None:
    left = folder(tmp_path / ".a.upgrade.0123abcd.partial", "new")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "denied", str(path))

    monkeypatch.setattr(module.shutil, "rmtree", refuse)
    with pytest.warns(OmeZarrWarning, match=left.name):
        settle(tmp_path / "a")


def test_nothing_is_settled_where_there_is_no_folder(tmp_path) -> None:
    settle(tmp_path / "missing" / "a")
    assert os.listdir(tmp_path) == []


def test_what_others_put_right_meanwhile_is_passed_over(tmp_path, monkeypatch) -> None:
    current = folder(tmp_path / "a", "current")
    gone = [tmp_path / f".a.{word}.01234567.partial" for word in ("old", "upgrade")]
    monkeypatch.setattr(module, "_left", lambda _: gone)
    settle(current)
    assert (current / "content").read_text() == "current"


def test_folders_without_rights_are_removed_too(tmp_path) -> None:
    inner = folder(tmp_path / "a", "old") / "b"
    folder(inner, "older").chmod(0o500)
    module.remove(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_what_is_found_missing_is_put_back_when_its_writer_is_dead(tmp_path) -> None:
    aside = folder(module._aside(tmp_path / "a"), "old")
    with trial(aside) as is_free:
        assert is_free
    assert module.restored(tmp_path / "a")
    assert (tmp_path / "a" / "content").read_text() == "old"
    assert not module.restored(tmp_path / "b")


def test_a_held_folder_is_made_and_kept_until_it_is_released(tmp_path) -> None:
    place = beside(tmp_path / "a", "")
    hold = module.Hold(place)
    settle(tmp_path / "a")
    assert place.is_dir()
    hold.release()
    settle(tmp_path / "a")
    assert os.listdir(tmp_path) == []


def test_links_among_leftovers_are_removed_and_not_followed(tmp_path) -> None:
    away = folder(tmp_path / "away", "of others")
    (tmp_path / ".a.0123abcd.partial").symlink_to(away)
    settle(tmp_path / "a")
    assert os.listdir(tmp_path) == ["away"]
    assert (away / "content").read_text() == "of others"
