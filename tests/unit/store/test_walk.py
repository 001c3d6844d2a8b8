"""Raw documents of many nodes: what they are, and what is wrong with them."""

from __future__ import annotations

import json
import zipfile

import pytest
from zarr.core.buffer.cpu import Buffer
from zarr.storage import MemoryStore, WrapperStore

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.walk import Walker
from xarray_omezarr.store.walk_json import parse
from xarray_omezarr.store.walk_listing import Listing
from xarray_omezarr.store.walk_local import folders_in, read_file
from xarray_omezarr.store.walk_zip import is_one_file, open_zip

GROUP = {"zarr_format": 3, "node_type": "group", "attributes": {"a": 1}}
ARRAY = {"zarr_format": 3, "node_type": "array", "shape": [1]}


class Counting(WrapperStore):
    """A store of which every request is counted."""

    def __init__(self, documents):
        files = {
            key: Buffer.from_bytes(
                value if isinstance(value, bytes) else json.dumps(value).encode()
            )
            for key, value in documents.items()
        }
        super().__init__(MemoryStore(files))
        self.keys = []

    async def get(self, key, prototype, byte_range=None):
        self.keys.append(key)
        if "denied" in key:
            raise PermissionError("403")
        return await self._store.get(key, prototype, byte_range)


def walker(documents):
    store = Counting(documents)
    found = Walker(open_target(store))
    found.root()
    store.keys.clear()
    return found, store


def test_the_root_is_looked_for_in_both_formats() -> None:
    store = Counting({"zarr.json": GROUP})
    root = Walker(open_target(store)).root()
    assert (root.kind, root.zarr_format, root.attrs) == ("group", 3, {"a": 1})
    assert sorted(store.keys) == [".zarray", ".zattrs", ".zgroup", "zarr.json"]


def test_nodes_of_zarr_v3_take_one_request_each() -> None:
    documents = {"zarr.json": GROUP, "a/zarr.json": GROUP, "a/0/zarr.json": ARRAY}
    found, store = walker(documents)
    nodes = found.read([("a", "group"), ("a/0", "array"), ("labels", "maybe")])
    assert [node.kind for node in nodes.values()] == ["group", "array", "absent"]
    assert sorted(store.keys) == ["a/0/zarr.json", "a/zarr.json", "labels/zarr.json"]


def test_arrays_of_zarr_v2_take_one_request_each_and_groups_two() -> None:
    v2 = {"zarr_format": 2}
    documents = {".zgroup": v2, "a/.zgroup": v2, "a/.zattrs": {"b": 2}}
    found, store = walker({**documents, "a/0/.zarray": v2})
    nodes = found.read([("a", "group"), ("a/0", "array")])
    assert [node.kind for node in nodes.values()] == ["group", "array"]
    assert nodes["a"].attrs == {"b": 2}
    assert len(store.keys) == 3


def test_what_is_of_the_other_format_is_found_too() -> None:
    found, _ = walker({"zarr.json": GROUP, "0/.zarray": {"zarr_format": 2}})
    node = found.read([("0", "array")])["0"]
    assert (node.kind, node.zarr_format) == ("array", 2)


def test_an_array_that_is_a_group_tells_so() -> None:
    found, _ = walker({"zarr.json": GROUP, "0/zarr.json": GROUP})
    assert found.read([("0", "array")])["0"].kind == "group"
    found, _ = walker({".zgroup": {"zarr_format": 2}, "0/.zgroup": {"zarr_format": 2}})
    assert found.read([("0", "array")])["0"].kind == "group"


def test_what_fails_is_that_of_its_node_only() -> None:
    documents = {"zarr.json": GROUP, "a/zarr.json": GROUP, "denied/zarr.json": GROUP}
    found, _ = walker(documents)
    nodes = found.read([("a", "group"), ("denied", "group")])
    assert nodes["a"].troubles == ()
    assert nodes["denied"].kind == "unreadable"
    assert "PermissionError: 403" in nodes["denied"].troubles[0].message


def test_a_root_that_fails_raises(tmp_path) -> None:
    store = Counting({"denied/zarr.json": GROUP})
    with pytest.raises(PermissionError):
        Walker(open_target(store, group="denied")).root()


def test_paths_count_from_the_target() -> None:
    store = Counting({"deep/down/zarr.json": GROUP, "deep/down/a/zarr.json": GROUP})
    found = Walker(open_target(store, group="deep/down"))
    assert found.root().kind == "group"
    assert found.read([("a", "group")])["a"].path == "a"


def test_attributes_without_a_group_are_told_of() -> None:
    found = Walker(open_target(Counting({".zattrs": {}})))
    assert "no .zgroup" in found.root().troubles[0].message


def test_the_first_of_the_same_members_is_told_of() -> None:
    found = parse(b'{"a": 1, "b": {"a": 2, "a": 3}}')
    assert found.value == {"a": 1, "b": {"a": 3}}
    assert found.problems == ("has the member 'a' more than once",)


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "[1, Infinity]"])
def test_numbers_that_are_no_json_are_told_of(text) -> None:
    found = parse(b'{"a": %s}' % text.encode())
    assert found.is_json
    assert "which is no JSON" in found.problems[0]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe", "is no UTF-8"),
        (b"[" * 99_999, "nests deeper"),
        (b"[" * 101 + b"]" * 101, "nests deeper"),
        (b"9" * 9999, "holds a number of more than 4300 digits"),
    ],
)
def test_what_is_no_json_gives_no_value(raw, words) -> None:
    found = parse(raw)
    assert not found.is_json
    assert words in found.problems[0]


def test_a_file_that_is_not_there_has_no_bytes(tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert read_file(str(tmp_path / "file")) == b"x" * 100_000
    for name in ("other", "folder", "file/below", "a" * 3000, "a\0b", "\ud800"):
        assert read_file(f"{tmp_path}/{name}") is None
    assert isinstance(read_file(str(tmp_path / "loop")), OSError)


def test_folders_are_listed_once_and_in_order(tmp_path) -> None:
    for name in ("b", "a"):
        (tmp_path / name / "c").mkdir(parents=True)
    (tmp_path / "file").touch()
    assert folders_in(str(tmp_path)) == ["a", "b"]
    assert folders_in(str(tmp_path / "no")) == []
    assert Listing(open_target(tmp_path)).folders("a") == ["c"]


def test_folders_in_memory_are_those_of_keys() -> None:
    keys = ("x/a/zarr.json", "x/b/c/0", "x/b/d/0", "zarr.json", "y/z")
    store = MemoryStore({key: Buffer.from_bytes(b"") for key in keys})
    assert Listing(open_target(store)).folders("") == ["x", "y"]
    listing = Listing(open_target(store, group="x"))
    assert listing.folders("") == ["a", "b"]
    assert listing.folders("b") == ["c", "d"]
    assert listing.folders("no") == []


def test_servers_are_not_listed() -> None:
    listing = Listing(open_target(Counting({"a/b/zarr.json": GROUP})))
    assert not listing.is_cheap
    assert listing.folders("a") == ()


def archive(path, names, compression=zipfile.ZIP_STORED, comment=b""):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name in names:
            file.writestr(name, b"{}" * 50)
        file.comment = comment
    return path


def test_only_local_files_are_archives(tmp_path) -> None:
    (tmp_path / "folder.zip").mkdir()
    assert is_one_file(tmp_path / "image.ozx")
    assert is_one_file("image.zip")
    for other in (
        tmp_path / "folder.zip",
        "s3://a/b.zip",
        "a.zarr",
        None,
        MemoryStore(),
    ):
        assert not is_one_file(other)


def test_an_archive_as_the_text_wants_it_lacks_only_zip64(tmp_path) -> None:
    comment = b'{"ome": {"version": "0.5"}}'
    names = ["zarr.json", "b/zarr.json", "a/zarr.json", "a/0/zarr.json", "a/0/c/0"]
    _, troubles = open_zip(archive(tmp_path / "image.ozx", names, comment=comment))
    assert [trouble.message for trouble in troubles] == [
        "the archive is not of the form ZIP64"
    ]


def test_what_an_archive_should_not_be_is_told(tmp_path) -> None:
    names = ["a/0/c/0", "a/zarr.json", "a/zarr.json.bak"]
    path = archive(tmp_path / "image.ozx", names, zipfile.ZIP_DEFLATED, b"no json")
    _, troubles = open_zip(path)
    words = " | ".join(trouble.message for trouble in troubles)
    for part in ("no zarr.json at the root", "compressed", "not first", "comment of"):
        assert part in words
    assert [trouble.severity for trouble in troubles].count("error") == 1


def test_a_file_that_is_no_archive_is_refused(tmp_path) -> None:
    (tmp_path / "image.zip").write_text("no")
    with pytest.raises(OptionError, match="no zip archive"):
        open_zip(tmp_path / "image.zip")
