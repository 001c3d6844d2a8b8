"""An archive inside of another store: few requests, and nothing but what is asked."""

from __future__ import annotations

import asyncio
import io
import pickle
import struct
import zipfile

import fsspec
import numpy as np
import pytest
import xarray as xr
from zarr.abc.store import (
    OffsetByteRequest,
    RangeByteRequest,
    SuffixByteRequest,
)
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore, WrapperStore

import xarray_omezarr as xo
from xarray_omezarr.errors import OptionError, TargetNotFoundError
from xarray_omezarr.store.zip_remote import ZipInside

PROTOTYPE = default_buffer_prototype()


class Asked(WrapperStore):
    """Counts the bytes that are asked for, request by request."""

    def __init__(self, store) -> None:
        super().__init__(store)
        self.sizes: list[int] = []

    async def get(self, key, prototype, byte_range=None):
        found = await super().get(key, prototype, byte_range)
        self.sizes.append(len(found))
        return found

    async def getsize(self, key):
        return len(await super().get(key, PROTOTYPE))


def archive_of(values: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, value in values.items():
            archive.writestr(name, value)
    return file.getvalue()


def inside(raw: bytes) -> tuple[ZipInside, Asked]:
    buffer = PROTOTYPE.buffer.from_bytes(raw)
    below = Asked(MemoryStore({"some/image.ozx": buffer}))
    return ZipInside(below, "some/image.ozx", "s3://some/image.ozx"), below


def run(work):
    return asyncio.run(work)


def got(store: ZipInside, key: str, wanted=None) -> bytes | None:
    found = run(store.get(key, PROTOTYPE, wanted))
    return None if found is None else found.to_bytes()


async def all_of(names) -> list[str]:
    return sorted([name async for name in names])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_entries_and_parts_of_them_are_read(method: int) -> None:
    values = {"zarr.json": b"{}", "ä/c/0": b"0123456789" * 50, "ä/c/1": b""}
    store, _ = inside(archive_of({**values, "empty/": b""}, method))
    for key, value in values.items():
        assert got(store, key) == value
        assert got(store, key, RangeByteRequest(2, 5)) == value[2:5]
        assert got(store, key, RangeByteRequest(400, 900)) == value[400:]
        assert got(store, key, OffsetByteRequest(7)) == value[7:]
        assert got(store, key, SuffixByteRequest(3)) == value[-3:]
    assert got(store, "nothing") is None
    assert run(store.getsize("ä/c/0")) == 500
    with pytest.raises(FileNotFoundError):
        run(store.getsize("nothing"))
    assert run(store.exists("ä/c/0"))
    assert not run(store.exists("ä/c"))
    assert run(all_of(store.list())) == sorted(values)
    assert run(all_of(store.list_prefix("ä/c"))) == ["ä/c/0", "ä/c/1"]
    assert run(all_of(store.list_dir(""))) == ["zarr.json", "ä"]
    assert run(all_of(store.list_dir("ä/"))) == ["c"]


def test_one_request_for_the_directory_and_one_for_a_chunk() -> None:
    values = {"zarr.json": b"{}"} | {f"c/{n}": bytes([n]) * 5000 for n in range(200)}
    store, below = inside(archive_of(values))
    assert got(store, "c/150") == bytes([150]) * 5000
    assert len(below.sizes) == 2
    assert below.sizes[1] < 5200
    assert got(store, "c/3", RangeByteRequest(10, 20)) == bytes([3]) * 10
    assert got(store, "c/3", RangeByteRequest(20, 30)) == bytes([3]) * 10
    assert below.sizes[2:] == [30, 10, 10]


def test_a_long_directory_takes_one_request_more() -> None:
    values = {f"c/{n}": b"%d" % n for n in range(70_000)}
    raw = archive_of(values)
    store, below = inside(raw)
    assert got(store, "c/69999") == b"69999"
    assert len(below.sizes) == 3
    assert sum(below.sizes) < len(raw)


def test_many_who_ask_at_once_read_the_directory_once() -> None:
    store, below = inside(archive_of({f"c/{n}": b"%d" % n for n in range(50)}))

    async def all_at_once() -> list[bytes]:
        wanted = [(f"c/{n}", None) for n in range(50)]
        found = await store.get_partial_values(PROTOTYPE, wanted)
        return [value.to_bytes() for value in found]

    assert run(all_at_once()) == [b"%d" % n for n in range(50)]
    assert len(below.sizes) == 51


def test_a_header_that_is_longer_than_usual_is_read() -> None:
    info = zipfile.ZipInfo("c/0")
    info.extra = struct.pack("<HH", 0xCAFE, 3000) + bytes(3000)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(info, b"far behind")
        archive.writestr("c/1", b"x" * 5000)
    store, _ = inside(file.getvalue())
    assert got(store, "c/0") == b"far behind"


def test_what_is_damaged_is_told() -> None:
    raw = archive_of({"c/0": b"0123456789", "c/1": b"abc"})
    store, _ = inside(raw.replace(b"0123456789", b"0123456780"))
    with pytest.raises(OptionError, match=r"image\.ozx: entry 'c/0' is damaged"):
        got(store, "c/0")
    store, _ = inside(raw.replace(b"PK\x03\x04", b"PK\x03\x09"))
    for wanted in (None, RangeByteRequest(0, 2)):
        with pytest.raises(OptionError, match="'c/1' is damaged"):
            got(store, "c/1", wanted)
    store, _ = inside(archive_of({"c/0": b"0" * 100}, zipfile.ZIP_BZIP2))
    with pytest.raises(OptionError, match="download the archive"):
        got(store, "c/0")


@pytest.mark.parametrize("raw", [b"", b"no archive", b"x" * 300_000])
def test_what_is_no_archive_or_not_there_is_told(raw: bytes) -> None:
    store, _ = inside(raw)
    with pytest.raises(OptionError, match=r"image\.ozx is no zip archive"):
        got(store, "c/0")
    with pytest.raises(TargetNotFoundError, match="no file"):
        run(ZipInside(MemoryStore(), "a.ozx", "s3://a.ozx").get("c/0"))


def test_a_server_that_sends_whole_files_is_told() -> None:
    class Whole(Asked):
        async def get(self, key, prototype, byte_range=None):
            return await super().get(key, prototype, None)

    buffer = PROTOTYPE.buffer.from_bytes(archive_of({"c/0": bytes(200_000)}))
    store = ZipInside(Whole(MemoryStore({"a.ozx": buffer})), "a.ozx", "https://a.ozx")
    with pytest.raises(OptionError, match="no parts of files"):
        got(store, "c/0")


def test_nothing_is_written_to_it() -> None:
    store, _ = inside(archive_of({"c/0": b"1"}))
    assert store.read_only
    with pytest.raises(OptionError, match="only read"):
        store.with_read_only(False)
    assert store.with_read_only(True) == store


def test_images_behind_urls_are_opened_and_travel(tmp_path) -> None:
    pixels = np.random.default_rng(3).integers(0, 99, (64, 80), dtype="uint8")
    image = xr.DataArray(pixels, dims=("y", "x"))
    files = fsspec.filesystem("memory")
    image.omezarr.to_image(tmp_path / "a.ozx", chunks=16, shards=32)
    files.pipe("/test_zip_remote/a.ozx", (tmp_path / "a.ozx").read_bytes())
    url = "memory://test_zip_remote/a.ozx"
    np.testing.assert_array_equal(xo.open_image(url), pixels)
    assert xo.read_metadata(url).multiscale.levels
    assert not xo.validate(url).errors
    with xr.open_datatree(url, engine="omezarr", chunks={}) as tree:
        np.testing.assert_array_equal(tree["0"]["image"], pixels)
    opened = xr.open_dataset(url, engine="omezarr")
    travelled = pickle.loads(pickle.dumps(opened))
    np.testing.assert_array_equal(travelled["image"], pixels)
    files.rm("/test_zip_remote", recursive=True)
