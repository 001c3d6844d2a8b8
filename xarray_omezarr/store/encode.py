"""The bytes of one stored object: its pixels cut into chunks, encoded, packed.

zarr encodes through an event loop and, before 3.4, chunk by chunk through several
layers, which costs as much again as the compression itself. The formats of a chunk
and of a shard are simple and fixed, so what is common is encoded here, by the same
codecs of numcodecs; `encoder_of` gives None for everything else, and zarr does it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import google_crc32c
import numcodecs
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import zarr
    from numcodecs.abc import Codec

Pixels: TypeAlias = NDArray[Any]
Encoded: TypeAlias = bytes | bytearray | memoryview

_OF_THREAD = threading.local()

# Larger chunks are rare, and threads of others would keep them.
_MOST_KEPT = 16 * 2**20

# A chunk that is not in its shard (Zarr v3, sharding codec).
_ABSENT = 2**64 - 1

_SHUFFLES = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}

# What blosc can shuffle without being told the size of an item apart from the dtype.
_ITEM_SIZES = (1, 2, 4, 8)


class Encoder(Protocol):
    """Encodes the pixels of one stored object."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels of a whole object along each axis."""
        ...

    def encode(self, pixels: Pixels) -> Encoded | None:
        """Bytes of an object; None if nothing is to be stored.

        Parameters
        ----------
        pixels : array
            At most `shape`; what lies beyond the border of the array is left out.
        """
        ...


@dataclass(frozen=True, slots=True)
class ChunkEncoder:
    """Encodes a chunk.

    Parameters
    ----------
    shape : tuple of int
        Of a whole chunk; a partial one is filled up.
    dtype : numpy.dtype
        As stored, little endian.
    fill_value : number
        Value beyond the border, and of chunks that are not stored.
    keeps_empty : bool
        Whether chunks of nothing but the fill value are stored.
    codecs : tuple of Codec
        Applied one after the other.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fill_value: Any
    keeps_empty: bool
    codecs: tuple[Codec, ...]

    def encode(self, pixels: Pixels) -> Encoded | None:
        """Bytes of a chunk; None where it is empty and not to be stored."""
        chunk = self._whole(pixels)
        if not self.keeps_empty and self._is_empty(chunk):
            return None
        encoded: Any = chunk
        for codec in self.codecs:
            encoded = codec.encode(encoded)
        # A store in memory keeps what it is given: never the pixels of the caller.
        return encoded if self.codecs else chunk.tobytes()

    def _whole(self, pixels: Pixels) -> Pixels:
        """The pixels of a whole chunk, in the order and type that are stored."""
        is_whole = pixels.shape == self.shape
        if is_whole and pixels.flags.c_contiguous and pixels.dtype == self.dtype:
            return pixels
        chunk = _scratch(self.shape, self.dtype)
        if not is_whole:
            chunk[...] = self.fill_value
        chunk[tuple(slice(size) for size in pixels.shape)] = pixels
        return chunk

    def _is_empty(self, chunk: Pixels) -> bool:
        """Whether every pixel is the fill value, bit for bit: -0.0 is not 0.0."""
        bits = f"u{self.dtype.itemsize}"
        fill = np.asarray(self.fill_value, dtype=self.dtype).view(bits)
        values = chunk.reshape(-1).view(bits)
        # Most chunks show with their first pixel that they are not empty.
        return bool(values[0] == fill and (values == fill).all())


def _scratch(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Pixels:
    """An array of this thread for the chunk it encodes, until it encodes the next.

    Workers of a cluster give memory back at once (dask tells malloc to), so that each
    new array costs them more than the copy into it.
    """
    size = math.prod(shape) * dtype.itemsize
    held: NDArray[np.uint8] | None = getattr(_OF_THREAD, "bytes", None)
    if held is None or held.size < size:
        held = np.empty(size, np.uint8)
        if size <= _MOST_KEPT:
            _OF_THREAD.bytes = held
    return held[:size].view(dtype).reshape(shape)


@dataclass(frozen=True, slots=True)
class ShardEncoder:
    """Encodes a shard: its chunks in C order, then the index of where each one is.

    The index is the one that zarr writes unless told otherwise: at the end, little
    endian, with a checksum.
    """

    shape: tuple[int, ...]
    chunk: ChunkEncoder

    def encode(self, pixels: Pixels) -> Encoded | None:
        """Bytes of a shard; None where all its chunks are empty."""
        counts = tuple(
            size // chunk
            for size, chunk in zip(self.shape, self.chunk.shape, strict=True)
        )
        index = np.full((*counts, 2), _ABSENT, dtype="<u8")
        shard = bytearray()
        for at, place in _chunks(pixels.shape, self.chunk.shape):
            encoded = self.chunk.encode(pixels[place])
            if encoded is not None:
                index[at] = (len(shard), memoryview(encoded).nbytes)
                # Not joined at the end: that would hold all of it twice.
                shard += encoded
        if not shard:
            return None
        table = index.tobytes()
        shard += table
        shard += int(google_crc32c.value(table)).to_bytes(4, "little")
        return shard


def _chunks(
    shape: Sequence[int], chunk: Sequence[int]
) -> Iterable[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Indices and places of the chunks that have pixels in an array of `shape`."""
    counts = [range(math.ceil(n / c)) for n, c in zip(shape, chunk, strict=True)]
    for at in product(*counts):
        yield (
            at,
            tuple(slice(i * c, (i + 1) * c) for i, c in zip(at, chunk, strict=True)),
        )


def encoder_of(array: zarr.Array[Any]) -> Encoder | None:
    """What encodes the objects of `array`; None where only zarr can.

    Parameters
    ----------
    array : zarr.Array
        Of either format.
    """
    metadata = array.metadata
    chunk = (
        _of_v2(array)
        if metadata.zarr_format == 2
        else _of_v3(array, cast("dict[str, Any]", metadata.to_dict()))
    )
    if chunk is None or array.shards is None:
        return chunk
    return ShardEncoder(array.shards, chunk)


def _of_v2(array: zarr.Array[Any]) -> ChunkEncoder | None:
    metadata = cast("Any", array.metadata)
    if metadata.filters or metadata.order != "C":
        return None
    codecs = () if metadata.compressor is None else (metadata.compressor,)
    return _chunk_encoder(array, codecs)


def _of_v3(array: zarr.Array[Any], metadata: dict[str, Any]) -> ChunkEncoder | None:
    if metadata["chunk_grid"]["name"] != "regular":
        return None
    codecs = [_named(codec) for codec in metadata["codecs"]]
    if codecs[0][0] == "sharding_indexed":
        sharding = codecs[0][1]
        if len(codecs) > 1 or not _is_usual_index(sharding):
            return None
        codecs = [_named(codec) for codec in sharding["codecs"]]
    (name, configuration), *others = codecs
    if name != "bytes" or configuration.get("endian", "little") != "little":
        return None
    compressors = [_compressor(*codec, array.dtype) for codec in others]
    if any(codec is None for codec in compressors):
        return None
    return _chunk_encoder(array, tuple(codec for codec in compressors if codec))


def _named(codec: Any) -> tuple[str, Mapping[str, Any]]:
    if isinstance(codec, str):
        return codec, {}
    return codec["name"], codec.get("configuration") or {}


def _is_usual_index(sharding: Mapping[str, Any]) -> bool:
    names = [_named(codec) for codec in sharding["index_codecs"]]
    return (
        sharding.get("index_location", "end") == "end"
        and [name for name, _ in names] == ["bytes", "crc32c"]
        and names[0][1].get("endian") == "little"
    )


def _compressor(
    name: str, configuration: Mapping[str, Any], dtype: np.dtype[Any]
) -> Codec | None:
    """The codec of numcodecs that writes what the codec of Zarr v3 is to write."""
    if name == "blosc":
        # numcodecs takes the size of an item from the pixels it is given.
        if configuration.get("typesize", dtype.itemsize) != dtype.itemsize:
            return None
        return cast(
            "Codec",
            numcodecs.Blosc(
                configuration["cname"],
                configuration["clevel"],
                _SHUFFLES[configuration["shuffle"]],
                configuration.get("blocksize", 0),
            ),
        )
    if name == "zstd":
        return cast(
            "Codec",
            numcodecs.Zstd(
                configuration["level"], checksum=configuration.get("checksum", False)
            ),
        )
    if name == "gzip":
        return cast("Codec", numcodecs.GZip(configuration["level"]))
    return None


def _chunk_encoder(
    array: zarr.Array[Any], codecs: tuple[Codec, ...]
) -> ChunkEncoder | None:
    dtype = array.dtype
    plain = dtype.kind in "biuf" and dtype.itemsize in _ITEM_SIZES
    if not plain or 0 in array.chunks:
        return None
    is_big = array.metadata.zarr_format == 2 and dtype.byteorder == ">"
    return ChunkEncoder(
        shape=array.chunks,
        dtype=dtype.newbyteorder(">" if is_big else "<"),
        # Zarr v2 may leave it out: nothing is said of pixels that are not stored.
        fill_value=0 if array.fill_value is None else array.fill_value,
        keeps_empty=array.fill_value is None or _keeps_empty(array),
        codecs=codecs,
    )


def _keeps_empty(array: zarr.Array[Any]) -> bool:
    return bool(array.async_array.config.write_empty_chunks)
