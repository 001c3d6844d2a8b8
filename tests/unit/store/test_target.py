"""Targets: whatever names a place becomes one, and nothing is touched."""

from __future__ import annotations

import importlib
import sys
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore, MemoryStore, StorePath, ZipStore

from xarray_omezarr.errors import (
    MissingDependencyError,
    OptionError,
    TargetNotFoundError,
)
from xarray_omezarr.store.target import open_target


class CloudPath:
    """As universal_pathlib's: no path of this machine, and it says its protocol."""

    def __init__(self, protocol, path, storage_options=None):
        self.protocol = protocol
        self.path = path
        self.storage_options = storage_options or {}

    def __str__(self):
        return f"{self.protocol}://{self.path}"

    def joinpath(self, *parts):
        return CloudPath(self.protocol, "/".join([self.path, *parts]))


class LocalUPath(CloudPath):
    """One whose path is on this machine: it can be turned into text, with care."""

    def __str__(self):
        return f"file://{self.path}"

    def __fspath__(self):
        return self.path


class Bytes:
    def __fspath__(self):
        return b"image.ome.zarr"


def hide_s3fs(monkeypatch):
    """As if it was not installed; fsspec remembers what it has imported."""
    # `fsspec.registry` is a mapping of that name in the module above it.
    registry = importlib.import_module("fsspec.registry")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(registry._registry, "s3", raising=False)


class TestLocal:
    @pytest.mark.parametrize("name", ["~_y", "~_y/cells.ome.zarr", "~_y.ozx"])
    def test_a_name_that_begins_like_a_home_that_nobody_has_is_a_name(
        self, tmp_path, monkeypatch, name
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert str(open_target(name)) == str(tmp_path / name)

    def test_a_relative_path_is_made_absolute_once(self, tmp_path, monkeypatch) -> None:
        monkeypatch.chdir(tmp_path)
        target = open_target("data/cells.ome.zarr")
        monkeypatch.chdir("/")
        assert target.directory == tmp_path / "data" / "cells.ome.zarr"
        assert str(target) == str(tmp_path / "data" / "cells.ome.zarr")

    def test_a_tilde_is_the_home_of_the_user(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        for spelled in ("~/cells.zarr", Path("~/cells.zarr")):
            assert open_target(spelled).directory == tmp_path / "cells.zarr"

    @pytest.mark.parametrize("kind", [str, Path])
    def test_text_and_paths_mean_the_same(self, tmp_path, kind) -> None:
        target = open_target(kind(tmp_path / "cells.zarr"))
        assert isinstance(target.store, LocalStore)
        assert target.store.root == tmp_path / "cells.zarr"
        assert target.path == ""

    def test_a_slash_at_the_end_changes_nothing(self, tmp_path) -> None:
        assert open_target(f"{tmp_path}/cells.zarr/").directory == (
            tmp_path / "cells.zarr"
        )

    def test_a_file_url_is_a_path(self, tmp_path) -> None:
        assert open_target(f"file://{tmp_path}/cells.zarr").directory == (
            tmp_path / "cells.zarr"
        )

    def test_the_url_that_pathlib_spells_is_that_path(self, tmp_path) -> None:
        path = tmp_path / "day 1" / "50% GFP.zarr"
        assert open_target(path.as_uri()).directory == path

    def test_a_local_upath_is_a_path(self, tmp_path) -> None:
        target = open_target(LocalUPath("file", f"{tmp_path}/cells.zarr"))
        assert target.directory == tmp_path / "cells.zarr"

    def test_nothing_is_made_on_the_disk(self, tmp_path) -> None:
        open_target(tmp_path / "a" / "cells.zarr", group="b/c")
        open_target(tmp_path / "a" / "cells.zarr", read_only=True)
        assert list(tmp_path.iterdir()) == []

    def test_a_target_to_read_from_refuses_to_be_written(self, tmp_path) -> None:
        target = open_target(tmp_path / "cells.zarr", read_only=True)
        assert target.store.read_only
        with pytest.raises(ValueError, match="read-only"):
            zarr.create_group(target.store)

    @pytest.mark.parametrize("path", ["cells.zip", Path("cells.ome.zarr.zip")])
    def test_an_archive_of_another_name_is_not_written_and_the_remedy_told(
        self, path
    ) -> None:
        with pytest.raises(OptionError, match=r"cells\..*zip.*ends in \.ozx"):
            open_target(path)

    def test_a_remote_one_file_store_is_not_written_either(self) -> None:
        with pytest.raises(OptionError, match=r"cells\.ozx.*or to a folder"):
            open_target("memory://bucket/cells.ozx")
        with pytest.raises(TargetNotFoundError, match=r"cells\.ozx"):
            open_target("memory://bucket/cells.ozx", read_only=True)

    def test_a_folder_called_like_an_archive_is_a_folder(self, tmp_path) -> None:
        (tmp_path / "cells.zip").mkdir()
        assert open_target(tmp_path / "cells.zip").directory == tmp_path / "cells.zip"

    def test_an_archive_that_is_none_or_not_there_is_told(self, tmp_path) -> None:
        with pytest.raises(TargetNotFoundError, match=r"cells\.zip"):
            open_target(tmp_path / "cells.zip", read_only=True)
        (tmp_path / "cells.zip").write_bytes(b"PK nothing")
        with pytest.raises(OptionError, match="no zip archive"):
            open_target(tmp_path / "cells.zip", read_only=True)

    def test_an_empty_path_is_refused(self) -> None:
        with pytest.raises(OptionError, match="empty"):
            open_target("")

    def test_a_path_of_bytes_is_refused(self) -> None:
        with pytest.raises(OptionError, match="text, not bytes"):
            open_target(Bytes())


class TestUrl:
    def test_memory_of_fsspec_is_written_and_found_again(self) -> None:
        zarr.create_group(open_target("memory://bucket/cells.zarr").store)
        found = open_target("memory://bucket/cells.zarr", read_only=True)
        assert isinstance(zarr.open_group(found.store, mode="r"), zarr.Group)
        assert found.directory is None
        assert str(found) == "memory://bucket/cells.zarr"

    def test_a_group_in_a_url_is_shown_as_people_write_it(self) -> None:
        target = open_target("memory://bucket/cells.zarr/", group="A/1")
        assert target.path == "A/1"
        assert str(target) == "memory://bucket/cells.zarr/A/1"

    def test_without_the_package_of_a_url_the_pip_line_is_said(
        self, tmp_path, monkeypatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        hide_s3fs(monkeypatch)
        with pytest.raises(MissingDependencyError, match=r"s3://.*pip install"):
            open_target("s3://bucket-without-s3fs/cells.zarr")

    def test_no_folder_called_s3_appears_when_its_package_is_missing(
        self, tmp_path, monkeypatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        hide_s3fs(monkeypatch)
        with pytest.raises(ImportError):
            open_target("s3://bucket-without-s3fs/cells.zarr")
        assert list(tmp_path.iterdir()) == []

    def test_without_fsspec_the_pip_line_is_said(self, monkeypatch) -> None:
        monkeypatch.setitem(sys.modules, "fsspec", None)
        with pytest.raises(MissingDependencyError, match="pip install"):
            open_target("memory://bucket/cells.zarr")

    def test_an_unknown_protocol_is_named(self) -> None:
        with pytest.raises(MissingDependencyError, match="nonsense://"):
            open_target("nonsense://bucket/cells.zarr")

    def test_storage_options_reach_the_file_system(self) -> None:
        target = open_target(
            "s3://bucket/cells.zarr",
            storage_options={"anon": True, "asynchronous": True},
        )
        assert target.store.fs.anon is True

    def test_a_upath_is_its_url_with_its_own_options(self) -> None:
        path = CloudPath("s3", "bucket/cells.zarr", {"anon": True})
        target = open_target(path)
        assert str(target) == "s3://bucket/cells.zarr"
        assert target.store.fs.anon is True

    def test_given_options_win_over_those_of_a_upath(self) -> None:
        path = CloudPath("s3", "bucket/cells.zarr", {"anon": True})
        assert open_target(path, storage_options={"anon": False}).store.fs.anon is False


class TestStoreObject:
    def test_a_store_is_its_root(self) -> None:
        store = MemoryStore()
        target = open_target(store)
        assert (target.store, target.path, target.directory) == (store, "", None)

    def test_a_local_store_is_known_to_be_a_folder(self, tmp_path) -> None:
        target = open_target(LocalStore(tmp_path / "x.zarr"), group="a/b")
        assert target.directory == tmp_path / "x.zarr" / "a" / "b"

    def test_a_group_is_a_place_inside_its_store(self, tmp_path) -> None:
        root = zarr.create_group(tmp_path / "x.zarr")
        target = open_target(root.create_group("A/1"), group="0")
        assert target.path == "A/1/0"
        assert target.directory == tmp_path / "x.zarr" / "A" / "1" / "0"
        assert str(target) == str(tmp_path / "x.zarr" / "A" / "1" / "0")

    def test_a_store_path_is_a_place_inside_its_store(self) -> None:
        store = MemoryStore()
        assert open_target(StorePath(store, "A/1")).path == "A/1"

    def test_an_obstore_store_is_wrapped(self, tmp_path) -> None:
        from obstore.store import LocalStore as ObstoreLocal
        from obstore.store import MemoryStore as ObstoreMemory

        target = open_target(ObstoreMemory(), group="cells")
        zarr.create_group(target.store, path=target.path)
        assert isinstance(zarr.open_group(target.store, path="cells"), zarr.Group)
        on_disk = open_target(ObstoreLocal(str(tmp_path)))
        zarr.create_group(on_disk.store)
        assert (tmp_path / "zarr.json").is_file()

    def test_options_for_urls_are_refused_with_a_store(self) -> None:
        with pytest.raises(OptionError, match="storage_options are for URLs"):
            open_target(MemoryStore(), storage_options={"anon": True})

    @pytest.mark.parametrize(
        "store", [None, 3, b"bytes", np.zeros(3), {"a": b""}, ["a", "b"]]
    )
    def test_what_is_no_place_is_refused_by_its_type(self, store) -> None:
        with pytest.raises(OptionError, match=type(store).__name__):
            open_target(store)

    def test_a_file_system_of_fsspec_is_no_place(self, tmp_path, monkeypatch) -> None:
        import fsspec

        monkeypatch.chdir(tmp_path)
        with pytest.raises(OptionError, match="MemoryFileSystem"):
            open_target(fsspec.filesystem("memory"))


class TestGroup:
    @pytest.mark.parametrize("spelled", ["A/1/0", "/A/1/0", "A/1/0/", "//A//1/0"])
    def test_slashes_around_a_group_mean_nothing(self, spelled) -> None:
        assert open_target(MemoryStore(), group=spelled).path == "A/1/0"

    @pytest.mark.parametrize("empty", [None, "", "/"])
    def test_no_group_is_the_root(self, empty) -> None:
        assert open_target(MemoryStore(), group=empty).path == ""

    @pytest.mark.parametrize(
        "group", ["..", "../x", "a/../../x", "a/./b", ".", "a\\b", "a\0b"]
    )
    def test_no_group_leads_out_of_the_store(self, group, tmp_path) -> None:
        with pytest.raises(OptionError, match=r"group is .*no '\.', '\.\.'"):
            open_target(tmp_path / "x.zarr", group=group)

    @pytest.mark.parametrize("group", [0, PurePosixPath("A/1")])
    def test_a_group_that_is_no_text_is_refused(self, group) -> None:
        with pytest.raises(OptionError, match=r"group is .*text"):
            open_target(MemoryStore(), group=group)


class TestStem:
    @pytest.mark.parametrize(
        ("place", "stem"),
        [
            ("cells.ome.zarr", "cells"),
            ("cells.zarr", "cells"),
            ("cells", "cells"),
            ("day.2/cells.v3.ome.zarr/", "cells.v3"),
            ("memory://bucket/cells.ome.zarr", "cells"),
            ("s3://bucket/a/b.zarr/", "b"),
        ],
    )
    def test_an_image_is_called_as_its_path_without_endings(self, place, stem) -> None:
        assert open_target(place).stem == stem

    def test_an_image_in_a_group_is_called_as_the_group(self) -> None:
        assert open_target("cells.zarr", group="A/1").stem == "1"
        assert open_target(MemoryStore(), group="nuclei.zarr").stem == "nuclei"

    def test_a_local_store_gives_the_name_of_its_folder(self, tmp_path) -> None:
        assert open_target(LocalStore(tmp_path / "cells.ome.zarr")).stem == "cells"

    def test_a_place_without_a_name_gives_none(self) -> None:
        # The address of an object in memory is no name: it differs in every run.
        assert open_target(MemoryStore()).stem is None


@pytest.mark.parametrize("mode", ["r", "a"])
@pytest.mark.parametrize("given", [lambda store: store, StorePath])
def test_an_archive_given_as_a_store_is_opened(tmp_path, given, mode) -> None:
    with zipfile.ZipFile(tmp_path / "image.zip", "w") as archive:
        archive.writestr("zarr.json", b"{}")
    target = open_target(
        given(ZipStore(tmp_path / "image.zip", mode=mode)), read_only=True
    )
    found = sync(target.store.get("zarr.json", default_buffer_prototype()))
    assert found.to_bytes() == b"{}"


def test_an_archive_that_is_not_there_is_told(tmp_path) -> None:
    store = ZipStore(tmp_path / "image.zip", mode="r")
    with pytest.raises(TargetNotFoundError, match="no file"):
        open_target(store, read_only=True)
