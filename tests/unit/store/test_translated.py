"""Documents in the other format of Zarr describe the same chunks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr

from xarray_omezarr.store.translated import Untranslatable, to_v2, to_v3

tensorstore = pytest.importorskip("tensorstore")

DTYPES = [
    *(f"<{kind}" for kind in ("u2", "u4", "u8", "i2", "i4", "i8", "f2", "f4", "f8")),
    *(f">{kind}" for kind in ("u2", "u4", "u8", "i2", "i4", "i8", "f2", "f4", "f8")),
    *("|u1", "|i1", "|b1", "<c8", "<c16", ">c8"),
]
COMPRESSORS: list[Any] = [
    None,
    numcodecs.Zstd(level=0),
    numcodecs.Zstd(level=22),
    numcodecs.Zstd(level=-5),
    numcodecs.GZip(level=1),
    numcodecs.GZip(level=9),
    *(
        numcodecs.Blosc(cname=cname, clevel=5, shuffle=shuffle)
        for cname in ("lz4", "lz4hc", "zstd", "zlib", "blosclz")
        for shuffle in (0, 1, 2, -1)
    ),
    numcodecs.Blosc(cname="zstd", clevel=9, shuffle=1, blocksize=256),
    numcodecs.Blosc(cname="lz4", clevel=0),
]


def values(dtype: str, shape: tuple[int, ...] = (5, 7)) -> np.ndarray[Any, Any]:
    numbers = np.arange(np.prod(shape)).reshape(shape) % 31
    return (numbers % 2 == 1 if dtype == "|b1" else numbers).astype(dtype)


def written(
    path: Path, pixels: np.ndarray[Any, Any], compressor: Any = None, **options: Any
) -> dict[str, Any]:
    """An array in Zarr v2 whose chunks are written by hand, with numcodecs alone."""
    chunks = options.get("chunks", (2, 3))
    separator = options.get("dimension_separator", ".")
    zarray = {
        "zarr_format": 2,
        "shape": list(pixels.shape),
        "chunks": list(chunks),
        "dtype": pixels.dtype.str,
        "compressor": None if compressor is None else compressor.get_config(),
        "fill_value": 0,
        "order": "C",
        "filters": None,
        **options,
    }
    path.mkdir(parents=True, exist_ok=True)
    (path / ".zarray").write_text(json.dumps(zarray))
    grid = [-(-size // chunk) for size, chunk in zip(pixels.shape, chunks, strict=True)]
    for index in np.ndindex(*grid):
        chunk = np.zeros(chunks, pixels.dtype)
        at = tuple(
            slice(i * c, (i + 1) * c) for i, c in zip(index, chunks, strict=True)
        )
        part = pixels[at]
        chunk[tuple(slice(n) for n in part.shape)] = part
        packed = chunk.tobytes(order=zarray["order"])
        if compressor is not None:
            # As buffers with their type, which is what shuffling goes by.
            raw = np.frombuffer(packed, pixels.dtype)
            packed = bytes(compressor.encode(raw))
        key = path / separator.join(map(str, index))
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_bytes(packed)
    return zarray


def put_v3(path: Path, zarray: dict[str, Any], dims: Any = None) -> dict[str, Any]:
    document = to_v3(zarray, {}, dims, chunk_keys="v2")
    (path / "zarr.json").write_text(json.dumps(document))
    return document


def read_by_tensorstore(path: Path, driver: str) -> np.ndarray[Any, Any]:
    kvstore = {"driver": "file", "path": str(path)}
    spec = {"driver": driver, "kvstore": kvstore}
    return np.asarray(tensorstore.open(spec).result().read().result())


def read_by_zarr(path: Path, zarr_format: Any) -> np.ndarray[Any, Any]:
    array: Any = zarr.open_array(path, mode="r", zarr_format=zarr_format)
    return np.asarray(array[...])


def assert_read_as(path: Path, pixels: np.ndarray[Any, Any]) -> None:
    for read in (read_by_zarr(path, 3), read_by_tensorstore(path, "zarr3")):
        np.testing.assert_array_equal(read, pixels)
        assert read.dtype.newbyteorder("=") == pixels.dtype.newbyteorder("=")


@pytest.mark.parametrize("dtype", DTYPES)
def test_each_type_of_pixels_is_read_from_the_same_bytes(
    tmp_path: Path, dtype: str
) -> None:
    pixels = values(dtype)
    zarray = written(tmp_path, pixels, numcodecs.Blosc(cname="lz4", shuffle=-1))
    put_v3(tmp_path, zarray)
    assert_read_as(tmp_path, pixels)


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=repr)
@pytest.mark.parametrize("dtype", ["<u2", "|u1", ">f4"])
def test_each_compressor_is_read_from_the_same_bytes(
    tmp_path: Path, dtype: str, compressor: Any
) -> None:
    pixels = values(dtype)
    put_v3(tmp_path, written(tmp_path, pixels, compressor))
    assert_read_as(tmp_path, pixels)


@pytest.mark.parametrize("separator", [".", "/"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_order_and_separator_are_told(
    tmp_path: Path, order: str, separator: str
) -> None:
    pixels = values("<u2", (3, 5, 7))
    zarray = written(
        tmp_path,
        pixels,
        numcodecs.Zstd(),
        order=order,
        dimension_separator=separator,
        chunks=(1, 2, 3),
    )
    put_v3(tmp_path, zarray, ["z", "y", "x"])
    assert_read_as(tmp_path, pixels)
    array: Any = zarr.open_array(tmp_path, mode="r", zarr_format=3)
    assert array.metadata.dimension_names == ("z", "y", "x")


def test_a_separator_that_is_not_told_is_a_dot(tmp_path: Path) -> None:
    zarray = written(tmp_path, values("<u2"))
    assert "dimension_separator" not in zarray
    document = put_v3(tmp_path, zarray)
    encoding = {"name": "v2", "configuration": {"separator": "."}}
    assert document["chunk_key_encoding"] == encoding


def test_keys_of_the_new_format_are_told(tmp_path: Path) -> None:
    zarray = written(tmp_path, values("<u2"))
    document = to_v3(zarray, {}, None, chunk_keys="default")
    encoding = {"name": "default", "configuration": {"separator": "/"}}
    assert document["chunk_key_encoding"] == encoding


def test_zstd_with_a_checksum_is_read(tmp_path: Path) -> None:
    pixels = values("<u2")
    compressor = numcodecs.Zstd(level=3, checksum=True)
    document = put_v3(tmp_path, written(tmp_path, pixels, compressor))
    assert document["codecs"][-1]["configuration"] == {"level": 3, "checksum": True}
    assert_read_as(tmp_path, pixels)


def test_compressors_that_stand_as_filters_are_read(tmp_path: Path) -> None:
    pixels = values("<u2")
    zarray = written(tmp_path, pixels, numcodecs.GZip())
    zarray |= {"filters": [zarray["compressor"]], "compressor": None}
    put_v3(tmp_path, zarray)
    assert_read_as(tmp_path, pixels)


@pytest.mark.parametrize(
    ("dtype", "old", "new"),
    [
        ("<u2", None, 0),
        ("<u2", 7, 7),
        ("<u2", 7.0, 7),
        ("<i8", -(2**63), -(2**63)),
        ("<u8", 2**64 - 1, 2**64 - 1),
        ("|b1", 0, False),
        ("|b1", True, True),
        ("<f4", None, 0.0),
        ("<f4", "NaN", "NaN"),
        ("<f2", "-Infinity", "-Infinity"),
        ("<f8", 1, 1.0),
        ("<c8", [1, "NaN"], [1.0, "NaN"]),
        ("<c8", None, [0.0, 0.0]),
    ],
)
def test_pixels_that_are_not_stored_have_the_same_value(
    tmp_path: Path, dtype: str, old: Any, new: Any
) -> None:
    zarray = written(tmp_path, values(dtype), fill_value=old)
    document = put_v3(tmp_path, zarray)
    assert document["fill_value"] == new
    assert type(document["fill_value"]) is type(new)
    for chunk in tmp_path.glob("[0-9]*"):
        chunk.unlink()
    expected = read_by_zarr(tmp_path, 2)
    assert_read_as(tmp_path, expected)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"compressor": {"id": "zlib", "level": 1}}, "zlib"),
        ({"compressor": {"id": "lz4", "acceleration": 1}}, "lz4"),
        ({"compressor": {"id": "bz2", "level": 1}}, "bz2"),
        ({"compressor": {"id": "lzma"}}, "lzma"),
        ({"compressor": "blosc"}, "codec"),
        ({"compressor": {"id": "blosc", "shuffle": 7}}, "shuffle"),
        ({"compressor": {"id": "blosc", "cname": "none"}}, "cname"),
        ({"compressor": {"id": "blosc", "clevel": 12}}, "clevel"),
        ({"compressor": {"id": []}}, "codec"),
        ({"filters": [{"id": "delta", "dtype": "<u2"}]}, "delta"),
        ({"filters": {"id": "delta"}}, "filters"),
        ({"dtype": "<M8[ns]"}, "data type"),
        ({"dtype": "|O"}, "data type"),
        ({"dtype": "<U5"}, "data type"),
        ({"dtype": "|u2"}, "data type"),
        ({"dtype": [["a", "<u2"]]}, "data type"),
        ({"dtype": None}, "data type"),
        ({"fill_value": -1}, "fill value"),
        ({"fill_value": 65536}, "fill value"),
        ({"fill_value": 0.5}, "fill value"),
        ({"fill_value": float("nan")}, "fill value"),
        ({"fill_value": "AAA="}, "fill value"),
        ({"fill_value": [0]}, "fill value"),
        ({"order": "A"}, "order"),
        ({"dimension_separator": "-"}, "dimension_separator"),
        ({"shape": "5"}, "shape"),
        ({"shape": [5, -7]}, "shape"),
        ({"chunks": [5]}, "chunks"),
        ({"chunks": True}, "chunks"),
        ({"zarr_format": 3}, "zarr_format"),
    ],
)
def test_what_cannot_be_said_in_the_new_format_is_refused_with_the_reason(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    zarray = written(tmp_path, values("<u2"))
    with pytest.raises(Untranslatable, match=reason):
        to_v3({**zarray, **change}, {}, None, chunk_keys="v2")


def test_names_of_another_number_of_dims_are_refused(tmp_path: Path) -> None:
    zarray = written(tmp_path, values("<u2"))
    with pytest.raises(Untranslatable, match="2 dims"):
        to_v3(zarray, {}, ["x"], chunk_keys="v2")


def test_attributes_stay_and_dims_of_xarray_become_names(tmp_path: Path) -> None:
    zarray = written(tmp_path, values("<u2"))
    attrs = {"mine": {"a": [1]}, "_ARRAY_DIMENSIONS": ["y", "x"]}
    document = to_v3(zarray, attrs, None, chunk_keys="v2")
    assert document["attributes"] == {"mine": {"a": [1]}}
    assert document["dimension_names"] == ["y", "x"]
    other = to_v3(zarray, attrs, ["a", "b"], chunk_keys="v2")
    assert other["attributes"] == attrs


@pytest.mark.parametrize("shape", [(), (0, 3)])
def test_arrays_of_one_pixel_or_none_are_read(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    pixels = np.full(shape, 5, "<u2")
    chunks = tuple(min(size, 2) for size in shape)
    zarray = {**written(tmp_path, np.ones((1,), "<u2"), chunks=(1,))}
    (tmp_path / "0").write_bytes(np.array(5, "<u2").tobytes())
    put_v3(tmp_path, {**zarray, "shape": list(shape), "chunks": list(chunks)})
    assert_read_as(tmp_path, pixels)


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=repr)
def test_there_and_back_is_read_as_before(tmp_path: Path, compressor: Any) -> None:
    pixels = values(">i4")
    zarray = written(tmp_path, pixels, compressor, order="F")
    document = to_v3(zarray, {"a": 1}, ["y", "x"], chunk_keys="v2")
    back, attrs = to_v2(document, separator=".")
    assert attrs == {"a": 1, "_ARRAY_DIMENSIONS": ["y", "x"]}
    assert back["order"] == "F"
    assert back["dtype"] == ">i4"
    (tmp_path / ".zarray").write_text(json.dumps(back))
    for read in (read_by_zarr(tmp_path, 2), read_by_tensorstore(tmp_path, "zarr")):
        np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("name", ["none", "blosc", "zstd", "gzip", "transposed"])
def test_chunks_that_zarr_wrote_in_the_new_format_are_read_in_the_old(
    tmp_path: Path, name: str, level: int
) -> None:
    pixels = values("<u2")
    compressors: dict[str, Any] = {
        "none": None,
        "blosc": zarr.codecs.BloscCodec(clevel=level),
        "zstd": zarr.codecs.ZstdCodec(level=level),
        "gzip": zarr.codecs.GzipCodec(level=level),
        "transposed": zarr.codecs.ZstdCodec(level=level),
    }
    order = (1, 0) if name == "transposed" else (0, 1)
    filters = [zarr.codecs.TransposeCodec(order=order)]
    array: Any = zarr.create_array(
        tmp_path / "new",
        shape=pixels.shape,
        chunks=(2, 3),
        dtype=pixels.dtype,
        compressors=compressors[name],
        filters=filters if name == "transposed" else "auto",
        chunk_key_encoding={"name": "v2", "separator": "."},
        zarr_format=3,
    )
    array[...] = pixels
    document = json.loads((tmp_path / "new" / "zarr.json").read_text())
    zarray, _ = to_v2(document, separator=".")
    (tmp_path / "new" / ".zarray").write_text(json.dumps(zarray))
    for read in (
        read_by_zarr(tmp_path / "new", 2),
        read_by_tensorstore(tmp_path / "new", "zarr"),
    ):
        np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize(
    "compressor", [None, numcodecs.Blosc(), numcodecs.Zstd(), numcodecs.GZip()]
)
@pytest.mark.parametrize("fill_value", [None, 0, "", "none"])
def test_texts_are_read_by_zarr_where_they_may_be(
    tmp_path: Path, compressor: Any, fill_value: Any
) -> None:
    words = np.array(["a", "bb", "", "ü", "x"], dtype=object)
    packed = [numcodecs.VLenUTF8().encode(words[:3])]
    packed += [numcodecs.VLenUTF8().encode(np.append(words[3:], ""))]
    for index, chunk in enumerate(packed):
        stored = chunk if compressor is None else compressor.encode(chunk)
        (tmp_path / f"{index}").write_bytes(bytes(stored))
    zarray = {
        "zarr_format": 2,
        "shape": [9],
        "chunks": [3],
        "dtype": "|O",
        "compressor": None if compressor is None else compressor.get_config(),
        "fill_value": fill_value,
        "order": "C",
        "filters": [{"id": "vlen-utf8"}],
    }
    document = to_v3(zarray, {}, None, chunk_keys="v2", texts=True)
    (tmp_path / "zarr.json").write_text(json.dumps(document))
    expected = [*words, "", *[fill_value or ""] * 3]
    assert read_by_zarr(tmp_path, 3).tolist() == expected
    with pytest.raises(Untranslatable, match="data type"):
        to_v3(zarray, {}, None, chunk_keys="v2")
    with pytest.raises(Untranslatable, match="no text"):
        to_v3({**zarray, "fill_value": 7}, {}, None, chunk_keys="v2", texts=True)


BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
SHARDS = {"chunk_shape": [1, 1], "codecs": [BYTES], "index_codecs": [BYTES]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"codecs": [{"name": "sharding_indexed", "configuration": SHARDS}]}, "shard"),
        ({"codecs": [BYTES, {"name": "crc32c"}]}, "crc32c"),
        ({"codecs": [BYTES, {"name": "numcodecs.lz4"}]}, "lz4"),
        ({"codecs": [BYTES, {"name": "zlib"}]}, "zlib"),
        ({"codecs": [{"name": "bytes"}]}, "bytes"),
        ({"codecs": []}, "none"),
        ({"codecs": {}}, "codecs"),
        ({"codecs": [7]}, "7"),
        ({"data_type": "string"}, "string"),
        ({"data_type": {"name": "uint16"}}, "data type"),
        ({"chunk_grid": {"name": "rectilinear"}}, "rectilinear"),
        ({"chunk_grid": None}, "null"),
        ({"storage_transformers": [{"name": "a"}]}, "storage"),
        ({"fill_value": "0x00"}, "fill value"),
        ({"node_type": "group"}, "array"),
    ],
)
def test_what_cannot_be_said_in_the_old_format_is_refused_with_the_reason(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    zarray = written(tmp_path, values("<u2"))
    document = to_v3(zarray, {}, None, chunk_keys="v2")
    with pytest.raises(Untranslatable, match=reason):
        to_v2({**document, **change}, separator=".")


def test_axes_in_another_order_than_either_are_refused(tmp_path: Path) -> None:
    zarray = written(tmp_path, values("<u2", (2, 3, 4)), chunks=(1, 2, 3), order="F")
    document = to_v3(zarray, {}, None, chunk_keys="v2")
    document["codecs"][0]["configuration"]["order"] = [1, 0, 2]
    with pytest.raises(Untranslatable, match=r"order \[1, 0, 2\]"):
        to_v2(document, separator="/")


def test_the_bits_of_a_fill_value_become_a_number(tmp_path: Path) -> None:
    zarray = written(tmp_path, values("<f4"))
    document = to_v3(zarray, {}, None, chunk_keys="v2")
    for bits, value in (("0x7fc00000", "NaN"), ("0x3f800000", 1.0)):
        old, _ = to_v2({**document, "fill_value": bits}, separator=".")
        assert old["fill_value"] == value


def test_codecs_of_numcodecs_that_the_old_format_knows_are_renamed(
    tmp_path: Path,
) -> None:
    zarray = written(tmp_path, values("<u2"))
    document = to_v3(zarray, {}, None, chunk_keys="v2")
    zlib = {"name": "numcodecs.zlib", "configuration": {"level": 4}}
    old, _ = to_v2({**document, "codecs": [BYTES, zlib]}, separator=".")
    assert old["compressor"] == {"id": "zlib", "level": 4}
