"""Bytes of stored objects: zarr and tensorstore must read back what was encoded."""

from __future__ import annotations

import importlib

import numcodecs
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, ZstdCodec
from zarr.storage import MemoryStore

from xarray_omezarr.store.encode import ChunkEncoder, ShardEncoder, encoder_of
from xarray_omezarr.store.sinks import HandleSink, ObjectSink, sinks_for

SHAPE, CHUNKS, SHARDS = (5, 11, 7), (2, 4, 3), (4, 8, 6)
V3_CODECS = {
    "blosc": BloscCodec(cname="zstd", clevel=1, shuffle="shuffle"),
    "blosc bits": BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle", blocksize=64),
    "blosc plain": BloscCodec(cname="zlib", clevel=2, shuffle="noshuffle"),
    "zstd": ZstdCodec(level=3, checksum=True),
    "gzip": GzipCodec(level=4),
}


def pixels(dtype, shape=SHAPE):
    values = np.random.default_rng(0).integers(0, 2, size=shape) * 117
    return values.astype(dtype)


def written(array, data):
    sink = sinks_for({"0": array})["0"]
    assert isinstance(sink, ObjectSink)
    for piece in sink.pieces(tuple(slice(0, size) for size in data.shape)):
        sink.write(piece, data[piece])
    return zarr.open_array(array.store, mode="r")


def keys(array):
    return sorted(k for k in array.store._store_dict if not k.endswith(".json"))


@pytest.mark.parametrize("shards", [None, SHARDS])
@pytest.mark.parametrize("codec", [*V3_CODECS, None])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "f4", "f8", "bool", "f2"])
def test_zarr_reads_what_was_encoded_for_v3(dtype, codec, shards) -> None:
    array = zarr.create_array(
        MemoryStore(),
        shape=SHAPE,
        dtype=dtype,
        chunks=CHUNKS,
        shards=shards,
        compressors=None if codec is None else V3_CODECS[codec],
    )
    data = pixels(dtype)
    np.testing.assert_array_equal(written(array, data)[...], data)


@pytest.mark.parametrize(
    "codec",
    [None, numcodecs.Blosc("zstd", 1, 1), numcodecs.Zstd(3), numcodecs.Zlib(1)],
)
@pytest.mark.parametrize("dtype", ["<u2", ">u2", "f4", "bool"])
def test_zarr_reads_what_was_encoded_for_v2(dtype, codec) -> None:
    array = zarr.create_array(
        MemoryStore(),
        shape=SHAPE,
        dtype=dtype,
        chunks=CHUNKS,
        compressors=codec,
        zarr_format=2,
    )
    data = pixels(dtype)
    np.testing.assert_array_equal(written(array, data)[...], data)


def test_tensorstore_reads_shards(tmp_path) -> None:
    tensorstore = importlib.import_module("tensorstore")
    array = zarr.create_array(
        tmp_path / "a", shape=SHAPE, dtype="u2", chunks=CHUNKS, shards=SHARDS
    )
    data = pixels("u2")
    written(array, data)
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(tmp_path / "a")},
    }
    read = tensorstore.open(spec, read=True).result()[...].read().result()
    np.testing.assert_array_equal(read, data)


@pytest.mark.parametrize("shards", [None, (4, 4)])
def test_what_holds_the_fill_value_only_is_not_stored(shards) -> None:
    array = zarr.create_array(
        MemoryStore(),
        shape=(4, 8),
        dtype="i4",
        chunks=(2, 2),
        shards=shards,
        fill_value=7,
    )
    data = np.full((4, 8), 7, "i4")
    data[0, 5] = 1
    read = written(array, data)
    assert keys(array) == (["c/0/1"] if shards else ["c/0/2"])
    np.testing.assert_array_equal(read[...], data)


def test_it_is_stored_where_that_is_asked_for() -> None:
    array = zarr.create_array(
        MemoryStore(),
        shape=(4,),
        dtype="i4",
        chunks=(2,),
        config={"write_empty_chunks": True},
    )
    written(array, np.zeros(4, "i4"))
    assert keys(array) == ["c/0", "c/1"]


@pytest.mark.parametrize(
    ("fill", "value", "is_stored"),
    [(0.0, 0.0, False), (0.0, -0.0, True), (np.nan, np.nan, False), (np.nan, 0, True)],
)
def test_floats_are_compared_bit_for_bit(fill, value, is_stored) -> None:
    array = zarr.create_array(
        MemoryStore(), shape=(2,), dtype="f8", chunks=(2,), fill_value=fill
    )
    written(array, np.full(2, value))
    assert keys(array) == (["c/0"] if is_stored else [])


def test_a_border_chunk_is_filled_up_with_the_fill_value() -> None:
    encoder = ChunkEncoder((2, 3), np.dtype("<u2"), 9, False, ())
    encoded = np.frombuffer(encoder.encode(np.array([[1, 2]], "u2")), "<u2")
    assert encoded.tolist() == [1, 2, 9, 9, 9, 9]


def test_a_shard_ends_with_its_index() -> None:
    chunk = ChunkEncoder((2,), np.dtype("u1"), 0, False, ())
    encoded = bytes(ShardEncoder((6,), chunk).encode(np.array([5, 6, 0, 0, 7], "u1")))
    assert encoded[:4] == bytes([5, 6, 7, 0])
    index = np.frombuffer(encoded[4:-4], "<u8").reshape(3, 2).tolist()
    assert index == [[0, 2], [2**64 - 1, 2**64 - 1], [2, 2]]


def test_pixels_that_are_not_compressed_are_copied() -> None:
    encoder = ChunkEncoder((2,), np.dtype("u1"), 0, True, ())
    data = np.array([1, 2], "u1")
    encoded = encoder.encode(data)
    data[:] = 9
    assert bytes(encoded) == bytes([1, 2])


def test_chunks_that_one_thread_encodes_after_each_other_do_not_mix() -> None:
    encoder = ChunkEncoder((3, 2), np.dtype("<u2"), 9, False, (numcodecs.Zstd(1),))
    shapes = [(3, 2), (1, 2), (3, 1), (3, 2)]
    data = [np.arange(n * m, dtype=">u2").reshape(n, m) for n, m in shapes]
    encoded = [encoder.encode(block) for block in data]
    for block, found in zip(data, encoded, strict=True):
        chunk = np.frombuffer(numcodecs.Zstd(1).decode(found), "<u2").reshape(3, 2)
        rows, columns = block.shape
        np.testing.assert_array_equal(chunk[:rows, :columns], block)
        assert (chunk[rows:] == 9).all()
        assert (chunk[:, columns:] == 9).all()


@pytest.mark.parametrize(
    "options",
    [
        {"compressors": [Crc32cCodec()]},
        {"filters": [zarr.codecs.TransposeCodec(order=(1, 0))]},
        {"serializer": zarr.codecs.BytesCodec(endian="big"), "dtype": "u2"},
        {"compressors": [BloscCodec(typesize=4)]},
        {"dtype": "c8"},
    ],
)
def test_what_is_not_common_is_left_to_zarr(options) -> None:
    options = {"dtype": "u1", **options}
    array = zarr.create_array(MemoryStore(), shape=(4, 4), chunks=(2, 2), **options)
    assert encoder_of(array) is None
    sink = sinks_for({"0": array})["0"]
    assert isinstance(sink, HandleSink)
    data = np.arange(16).reshape(4, 4).astype(options["dtype"])
    (piece,) = sink.pieces((slice(0, 4), slice(0, 4)))
    sink.write(piece, data)
    np.testing.assert_array_equal(array[...], data)


@given(data=st.data())
def test_pieces_are_the_stored_objects_of_a_place(data) -> None:
    array = zarr.create_array(MemoryStore(), shape=(9, 10), chunks=(2, 3), dtype="u1")
    place = tuple(
        slice(
            start := data.draw(st.integers(0, 2)) * size,
            min(start + size * data.draw(st.integers(1, 3)), whole),
        )
        for size, whole in [(2, 9), (3, 10)]
    )
    seen = np.zeros((9, 10), int)
    for piece in sinks_for({"0": array})["0"].pieces(place):
        assert all(p.start % s == 0 for p, s in zip(piece, (2, 3), strict=True))
        assert all(p.stop - p.start <= s for p, s in zip(piece, (2, 3), strict=True))
        seen[piece] += 1
    expected = np.zeros((9, 10), int)
    expected[place] = 1
    np.testing.assert_array_equal(seen, expected)
