"""One archive, written by many threads: order, comment, and what happens in between."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import struct
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.abc.store import (
    OffsetByteRequest,
    RangeByteRequest,
    SuffixByteRequest,
)
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import ZipStore

from xarray_omezarr.errors import OptionError, TargetExistsError
from xarray_omezarr.store import zip_archive
from xarray_omezarr.store.zip_writing import ZipWriting

PROTOTYPE = default_buffer_prototype()


def buffer(value: bytes):
    return PROTOTYPE.buffer.from_bytes(value)


def put(store: ZipWriting, **values: bytes) -> None:
    for key, value in values.items():
        store.set_sync(key.replace("__", "/").replace("_json", ".json"), buffer(value))


def got(store: ZipWriting, key: str, wanted=None) -> bytes | None:
    found = asyncio.run(store.get(key, PROTOTYPE, wanted))
    return None if found is None else found.to_bytes()


async def all_of(names) -> list[str]:
    return [name async for name in names]


def listed(names) -> list[str]:
    return sorted(asyncio.run(all_of(names)))


@dataclass
class Bytes:
    """What an archive is, told by its bytes alone (APPNOTE 6.3.10)."""

    local: list[str]
    central: list[str]
    comment: bytes
    is_zip64: bool


def bytes_of(path: Path) -> Bytes:
    """Walk the local headers from the front and the directory from the back."""
    raw = path.read_bytes()
    end = raw.rindex(b"PK\x05\x06")
    (length,) = struct.unpack_from("<H", raw, end + 20)
    is_zip64 = raw[end - 20 : end - 16] == b"PK\x06\x07"
    (record,) = struct.unpack_from("<Q", raw, end - 12)
    assert raw[record : record + 4] == b"PK\x06\x06"
    assert record + 56 == end - 20
    count, total, size, start = struct.unpack_from("<QQQQ", raw, record + 24)
    assert count == total
    assert start + size == record
    central, starts, at = [], [], start
    while at < record:
        assert raw[at : at + 4] == b"PK\x01\x02"
        flags, method = struct.unpack_from("<HH", raw, at + 8)
        assert method == 0
        assert not flags & 8  # no data descriptors
        name, extra, told = struct.unpack_from("<HHH", raw, at + 28)
        central.append(raw[at + 46 : at + 46 + name].decode())
        starts.append(struct.unpack_from("<L", raw, at + 42)[0])
        at += 46 + name + extra + told
    assert len(central) == count
    local, at = [], 0
    while at < start:
        assert raw[at : at + 4] == b"PK\x03\x04"
        assert starts[len(local)] == at
        (size,) = struct.unpack_from("<L", raw, at + 18)
        name, extra = struct.unpack_from("<HH", raw, at + 26)
        local.append(raw[at + 30 : at + 30 + name].decode())
        at += 30 + name + extra + size
    return Bytes(local, central, raw[end + 22 : end + 22 + length], is_zip64)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "image.ozx"


def test_documents_come_first_and_the_root_before_all(file: Path) -> None:
    store = ZipWriting(file, "0.5")
    put(store, b__zarr_json=b"{}", a__10__zarr_json=b"{}", a__zarr_json=b"{}")
    put(store, a__9__zarr_json=b"{}", zarr_json=b"{}", a__9__c__0=b"123")
    put(store, a__9__c__1=b"", notes=b"x")
    store.finish()
    found = bytes_of(file)
    documents = ["zarr.json", "a/zarr.json", "b/zarr.json"]
    documents += ["a/9/zarr.json", "a/10/zarr.json"]
    assert found.local == [*documents, "a/9/c/0", "a/9/c/1", "notes"]
    assert found.central == found.local
    assert found.is_zip64
    assert json.loads(found.comment) == {
        "ome": {"version": "0.5", "zipFile": {"centralDirectory": {"jsonFirst": True}}}
    }
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.read("a/9/c/0") == b"123"
        assert archive.read("a/9/c/1") == b""


def test_documents_may_grow_as_far_as_was_expected(file: Path) -> None:
    store = ZipWriting(file, "0.5", {"zarr.json": 5000})
    put(store, zarr_json=b"{}", c__0=b"pixels")
    long = json.dumps({"told": "x" * 4900}).encode()
    put(store, zarr_json=long)
    assert got(store, "zarr.json") == long
    store.finish()
    assert store.copies == 0
    with zipfile.ZipFile(file) as archive:
        assert json.loads(archive.read("zarr.json")) == json.loads(long)
    assert bytes_of(file).local == ["zarr.json", "c/0"]


@pytest.mark.parametrize("change", ["longer", "new", "deleted", "overwritten", "gone"])
def test_what_was_not_expected_costs_one_copy(
    file: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_archive, "_PIECE", 3)
    store = ZipWriting(file, "0.5")
    put(store, zarr_json=b"{}", a__zarr_json=b"{}", c__0=b"pixels", c__1=b"more")
    expected = {"zarr.json": b"{}", "a/zarr.json": b"{}"}
    expected |= {"c/0": b"pixels", "c/1": b"more"}
    if change == "longer":
        expected["zarr.json"] = b'{"a": 1}'
        put(store, zarr_json=b'{"a": 1}')
    elif change == "new":
        expected = {"zarr.json": b"{}", "B/zarr.json": b"[]", **expected}
        put(store, B__zarr_json=b"[]")
    elif change == "deleted":
        del expected["a/zarr.json"]
        store.delete_sync("a/zarr.json")
    elif change == "overwritten":
        del expected["c/0"]
        expected["c/0"] = b"others"
        put(store, c__0=b"others")
    else:
        del expected["c/0"]
        store.delete_sync("c/0")
        store.delete_sync("never there")
    assert {key: got(store, key) for key in listed(store.list())} == expected
    store.finish()
    assert store.copies == 1
    with zipfile.ZipFile(file) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert [*found.items()] == [*expected.items()]
    assert bytes_of(file).local == [*expected]
    assert os.listdir(file.parent) == [file.name]


def test_what_was_put_is_read_back_meanwhile(file: Path) -> None:
    store = ZipWriting(file, "0.5")
    put(store, zarr_json=b"{}", a__zarr_json=b"{1}", a__c__0=b"0123456789")
    for key, value in {"a/zarr.json": b"{1}", "a/c/0": b"0123456789"}.items():
        assert got(store, key) == value
        assert got(store, key, RangeByteRequest(1, 3)) == value[1:3]
        assert got(store, key, RangeByteRequest(2, 99)) == value[2:]
        assert got(store, key, OffsetByteRequest(2)) == value[2:]
        assert got(store, key, SuffixByteRequest(2)) == value[-2:]
        assert got(store, key, SuffixByteRequest(99)) == value
    assert got(store, "a/c/1") is None
    assert asyncio.run(store.exists("a/c/0"))
    assert not asyncio.run(store.exists("a/c"))
    asyncio.run(store.set_if_not_exists("a/c/0", buffer(b"other")))
    parts = [("a/c/0", RangeByteRequest(0, 2)), ("no", None)]
    first, second = asyncio.run(store.get_partial_values(PROTOTYPE, parts))
    assert first.to_bytes() == b"01"
    assert second is None
    assert listed(store.list()) == ["a/c/0", "a/zarr.json", "zarr.json"]
    assert listed(store.list_prefix("a/c")) == ["a/c/0"]
    assert listed(store.list_dir("")) == ["a", "zarr.json"]
    assert listed(store.list_dir("a")) == ["c", "zarr.json"]
    store.discard()
    assert os.listdir(file.parent) == []


def test_zarr_writes_parts_of_chunks_and_shards_there(file: Path) -> None:
    pixels = np.arange(64 * 48, dtype="uint16").reshape(64, 48)
    store = ZipWriting(file, "0.5")
    root = zarr.create_group(store)
    plain = root.create_array("0", shape=(64, 48), chunks=(16, 16), dtype="uint16")
    options = {"chunks": (8, 8), "shards": (32, 16), "dtype": "uint16"}
    sharded = root.create_array("1", shape=(64, 48), **options)
    for array in (plain, sharded):
        # Pieces that are no whole chunks: what is there is read and put again.
        array[:20] = pixels[:20]
        array[20:] = pixels[20:]
        np.testing.assert_array_equal(array[:], pixels)
        np.testing.assert_array_equal(array[5:9, 40:], pixels[5:9, 40:])
    root.attrs.put({"finished": True})
    store.finish()
    read = zarr.open_group(ZipStore(file, mode="r"), mode="r")
    assert dict(read.attrs) == {"finished": True}
    for name in "01":
        np.testing.assert_array_equal(read[name][:], pixels)
    found = bytes_of(file)
    assert len({*found.local}) == len(found.local) == 3 + 12 + 6


def test_many_threads_put_at_once(file: Path) -> None:
    store = ZipWriting(file, "0.5")
    put(store, zarr_json=b"{}")
    values = {f"c/{n}": os.urandom(n % 997 * 37) for n in range(800)}
    keys = [*values]

    def some(start: int) -> None:
        for key in keys[start::8]:
            store.set_sync(key, buffer(values[key]))
            assert got(store, key) == values[key]

    threads = [threading.Thread(target=some, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.finish()
    assert store.copies == 0
    with zipfile.ZipFile(file) as archive:
        assert {name: archive.read(name) for name in keys} == values
    assert bytes_of(file).local[0] == "zarr.json"


def test_names_may_be_of_any_script(file: Path) -> None:
    store = ZipWriting(file, "0.5")
    put(store, zarr_json=b"{}")
    for name in ("Zellkörper/zarr.json", "核/c/0", "a b/c"):
        store.set_sync(name, buffer(b"{}"))
    store.finish()
    with zipfile.ZipFile(file) as archive:
        names = ["zarr.json", "Zellkörper/zarr.json", "核/c/0", "a b/c"]
        assert archive.namelist() == names
    assert bytes_of(file).central == names


def test_more_entries_than_two_bytes_count(file: Path) -> None:
    count = 2**16 + 5
    store = ZipWriting(file, "0.5")
    put(store, zarr_json=b"{}")
    for n in range(count):
        store.set_sync(f"c/{n}", buffer(b"%d" % n))
    store.finish()
    with zipfile.ZipFile(file) as archive:
        assert len(archive.infolist()) == count + 1
        assert archive.read(f"c/{count - 1}") == b"%d" % (count - 1)
    assert len(bytes_of(file).central) == count + 1


def test_sizes_and_places_beyond_four_bytes_are_found(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file of holes takes no place on the disk.
    far = 5 * 2**30
    put_room = zip_archive.Archive._leave_room

    def beyond(archive: zip_archive.Archive) -> None:
        put_room(archive)
        archive._end += far

    monkeypatch.setattr(zip_archive.Archive, "_leave_room", beyond)
    store = ZipWriting(file, "0.5")
    put(store, zarr_json=b"{}", c__0=b"far away", c__1=b"and more")
    assert got(store, "c/0") == b"far away"
    store.finish()
    assert file.stat().st_size > far
    with zipfile.ZipFile(file) as archive:
        assert archive.getinfo("c/1").header_offset > far
        assert archive.read("c/0") == b"far away"
        assert archive.read("c/1") == b"and more"
        assert archive.read("zarr.json") == b"{}"
    assert asyncio.run(got_from(ZipStore(file, mode="r"), "c/1")) == b"and more"


async def got_from(store: ZipStore, key: str) -> bytes:
    await store._ensure_open()
    found = await store.get(key, PROTOTYPE)
    store.close()
    return found.to_bytes()


def test_large_entries_have_headers_of_eight_bytes(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    store = ZipWriting(file, "0.5")
    put(store, zarr_json=b"{}", c__0=bytes(2000), c__1=b"small", c__2=bytes(999))
    store.finish()
    monkeypatch.undo()
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert [info.file_size for info in archive.infolist()] == [2, 2000, 5, 999]
    raw = file.read_bytes()
    at = raw.index(b"c/0")
    assert raw[at - 12 : at - 4] == b"\xff" * 8
    assert struct.unpack_from("<HHQQ", raw, at + 3) == (1, 16, 2000, 2000)


def test_the_old_file_is_there_until_the_new_one_is(file: Path) -> None:
    file.write_bytes(b"old")
    store = ZipWriting(file, "0.5", replaces=True)
    put(store, zarr_json=b"{}", c__0=b"new")
    assert file.read_bytes() == b"old"
    store.finish()
    assert zipfile.is_zipfile(file)
    assert os.listdir(file.parent) == [file.name]


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_somebody_made_meanwhile_is_not_replaced(
    file: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise PermissionError("no links here")

    if not links:
        monkeypatch.setattr(os, "link", no_link)
    store = ZipWriting(file, "0.5")
    put(store, zarr_json=b"{}", c__0=b"new")
    file.write_bytes(b"theirs")
    with pytest.raises(TargetExistsError, match="somebody else"):
        store.finish()
    assert file.read_bytes() == b"theirs"
    assert os.listdir(file.parent) == [file.name]
    file.unlink()
    store = ZipWriting(file, "0.5")
    put(store, zarr_json=b"{}")
    store.finish()
    assert zipfile.is_zipfile(file)


def test_nothing_is_put_into_what_is_complete_or_given_up(file: Path) -> None:
    for end in (ZipWriting.finish, ZipWriting.discard):
        store = ZipWriting(file, "0.5")
        put(store, zarr_json=b"{}", c__0=b"1")
        end(store)
        with pytest.raises(ValueError, match="complete, or has been given up"):
            put(store, c__1=b"2")
        with pytest.raises(ValueError, match="complete, or has been given up"):
            store.finish()
        store.discard()
    assert len(bytes_of(file).local) == 2


def test_what_nobody_holds_any_more_is_removed(file: Path) -> None:
    store = ZipWriting(file, "0.5")
    put(store, zarr_json=b"{}", c__0=b"1")
    assert len(os.listdir(file.parent)) == 1
    del store
    assert os.listdir(file.parent) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from zarr.core.buffer import default_buffer_prototype
from xarray_omezarr.store.zip_writing import ZipWriting
store = ZipWriting(Path(sys.argv[1]), "0.5", replaces=True)
buffer = default_buffer_prototype().buffer
store.set_sync("zarr.json", buffer.from_bytes(b"{}"))
store.set_sync("c/0", buffer.from_bytes(b"123"))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is killed like this")
def test_what_a_killed_writer_left_is_removed_by_the_next_and_no_other(
    file: Path,
) -> None:
    file.write_bytes(b"old")
    strangers = [".image.ozx.12345678.partial.txt", ".other.ozx.12345678.partial"]
    for name in strangers:
        file.with_name(name).write_bytes(b"of somebody")
    alive = ZipWriting(file, "0.5", replaces=True)
    put(alive, zarr_json=b"{}", c__0=b"alive")
    done = subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False)
    assert done.returncode == -9
    assert file.read_bytes() == b"old"
    assert len(os.listdir(file.parent)) == 3 + len(strangers)
    store = ZipWriting(file, "0.5", replaces=True)
    put(store, zarr_json=b"{}", c__0=b"new")
    assert len(os.listdir(file.parent)) == 3 + len(strangers)
    store.finish()
    alive.finish()
    assert sorted(os.listdir(file.parent)) == sorted([*strangers, file.name])
    with zipfile.ZipFile(file) as archive:
        assert archive.read("c/0") == b"alive"


def test_a_put_that_fails_leaves_an_archive_that_is_right(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ZipWriting(file, "0.5")
    put(store, zarr_json=b"{}", c__0=b"first")
    write = zip_archive._write

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zip_archive, "_write", full)
    with pytest.raises(OSError, match="No space"):
        put(store, c__1=b"second")
    monkeypatch.setattr(zip_archive, "_write", write)
    assert got(store, "c/1") is None
    put(store, c__1=b"once more")
    store.finish()
    assert bytes_of(file).local == ["zarr.json", "c/0", "c/1"]
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize("lacking", ["pread", "pwrite"])
def test_without_reading_and_writing_at_a_place_it_is_the_same(
    file: Path, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, lacking, raising=False)
    test_many_threads_put_at_once(file)


def test_it_does_not_travel(file: Path) -> None:
    with pytest.raises(OptionError, match=r"only one process.*convert"):
        pickle.dumps(ZipWriting(file, "0.5"))
