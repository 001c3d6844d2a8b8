"""Zarr arrays: created from an ArrayNode, read lazily behind a small Protocol."""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import numcodecs
import numpy as np
import zarr
import zarr.codecs
from numpy.typing import NDArray
from zarr.abc.codec import BytesBytesCodec
from zarr.storage import MemoryStore

from xarray_omezarr.errors import LayoutError, MetadataError, OptionError

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import ArrayNode
    from xarray_omezarr.store.as_opened import Opened

ZarrFormat = Literal[2, 3]
# What stands between the indices in keys of chunks of Zarr v2.
Separator = Literal[".", "/"]

#: Names that `compression` understands, beside codec objects.
COMPRESSIONS = ("auto", "blosc-zstd", "blosc-lz4", "zstd", "gzip", "none")

# Level 1 gives the same size as level 3 on microscopy data at a third of the time.
_BLOSC_LEVEL = 1

# zarr's own codecs, which read every layout there is.
_OWN_CODECS = "zarr.core.codec_pipeline.BatchedCodecPipeline"
_CHOOSING_CODECS = threading.Lock()


class WritableArray(Protocol):
    """What the engine needs of an array: blocks are assigned by tuple of slices."""

    def __setitem__(self, key: tuple[slice, ...], value: Any, /) -> None: ...

    def __getitem__(self, key: tuple[slice, ...], /) -> Any: ...


def model_array(
    node: ArrayNode, zarr_format: ZarrFormat, separator: Separator = "/"
) -> zarr.Array[Any]:
    """An empty array in memory, with the metadata that `node` describes."""
    layout = node.layout
    specific: dict[str, Any]
    if zarr_format == 2:
        # Nested keys are the standard's for v2 (RULES L5), but for the first version.
        specific = {"chunk_key_encoding": {"name": "v2", "separator": separator}}
    else:
        specific = {"dimension_names": node.dims, "shards": layout.shards}
    return zarr.create_array(
        MemoryStore(),
        shape=node.shape,
        dtype=node.dtype,
        chunks=layout.chunks,
        compressors=compressors(layout.compression, node.dtype, zarr_format),
        fill_value=layout.fill_value,
        attributes=array_attributes(node, zarr_format),
        config={"write_empty_chunks": layout.write_empty_chunks},
        zarr_format=zarr_format,
        **specific,
    )


def array_attributes(node: ArrayNode, zarr_format: ZarrFormat) -> dict[str, Any]:
    """Attributes of the stored array."""
    # xarray and others read the names of dims of Zarr v2 from here (RULES L7).
    dims = {"_ARRAY_DIMENSIONS": list(node.dims)} if zarr_format == 2 else {}
    return {**node.attrs, **dims}


def compressors(
    compression: object, dtype: np.dtype[Any], zarr_format: ZarrFormat
) -> Any:
    """Codecs for zarr's ``compressors`` argument, in the dialect of the format.

    Raises
    ------
    OptionError
        For an unknown name.
    LayoutError
        For a codec object that belongs to the other Zarr format.
    """
    if isinstance(compression, str):
        return _by_name(compression, dtype, zarr_format)
    if compression is None:
        return None
    codecs = compression if isinstance(compression, (list, tuple)) else [compression]
    for codec in codecs:
        _check_dialect(codec, zarr_format)
    if zarr_format == 2 and len(codecs) > 1:
        raise LayoutError(
            f"compression is {codecs!r}, but this version of OME-Zarr is stored in "
            "Zarr v2, which holds one codec; give one"
        )
    return list(codecs)


def _by_name(name: str, dtype: np.dtype[Any], zarr_format: ZarrFormat) -> Any:
    if name not in COMPRESSIONS:
        raise OptionError(
            f"compression is {name!r}; there are {COMPRESSIONS}, or a codec of zarr"
        )
    if name == "none":
        return None
    name = "blosc-zstd" if name == "auto" else name
    old = zarr_format == 2
    if name.startswith("blosc-"):
        codec = cast("Any", name.removeprefix("blosc-"))
        # One byte has no bytes to shuffle (docs/design/defaults.md).
        small = dtype.itemsize == 1
        if old:
            shuffle = numcodecs.Blosc.BITSHUFFLE if small else numcodecs.Blosc.SHUFFLE
            return numcodecs.Blosc(codec, _BLOSC_LEVEL, shuffle)
        return zarr.codecs.BloscCodec(
            cname=codec,
            clevel=_BLOSC_LEVEL,
            shuffle="bitshuffle" if small else "shuffle",
            typesize=dtype.itemsize,
        )
    if name == "zstd":
        return numcodecs.Zstd(3) if old else zarr.codecs.ZstdCodec(level=3)
    return numcodecs.GZip(5) if old else zarr.codecs.GzipCodec(level=5)


def _check_dialect(codec: object, zarr_format: ZarrFormat) -> None:
    if isinstance(codec, numcodecs.abc.Codec if zarr_format == 2 else BytesBytesCodec):
        return
    wanted = "numcodecs (Zarr v2)" if zarr_format == 2 else "zarr.codecs (Zarr v3)"
    raise LayoutError(
        f"compression holds {codec!r}, but this version of OME-Zarr needs codecs of "
        f"{wanted} that compress bytes; give one of those or a name of {COMPRESSIONS}"
    )


def readable(array: zarr.Array[Any]) -> zarr.Array[Any]:
    """The array as it is, or with zarr's own codecs if others may not read it.

    Other codecs, which a session may have chosen for their speed (and some packages
    choose for it), refuse pixels in Fortran order or in another machine's byte order.

    Parameters
    ----------
    array : zarr.Array
        A stored array. No I/O is done.

    Returns
    -------
    zarr.Array
        Of the same metadata and place.

    Examples
    --------
    >>> array = zarr.create_array({}, shape=(4, 6), chunks=(2, 3), dtype="u2")
    >>> readable(array) is array
    True
    """
    if array.dtype.isnative and array.order == "C":
        return array
    known = array.async_array
    # The settings may be another thread's by now: the array knows what it has.
    codecs = type(known.codec_pipeline)
    if f"{codecs.__module__}.{codecs.__qualname__}" == _OWN_CODECS:
        return array
    # An array takes its codecs from the settings when it is made. They are everybody's:
    # two threads that set and restored them at once could leave ours in place.
    with _CHOOSING_CODECS, zarr.config.set({"codec_pipeline.path": _OWN_CODECS}):
        made: Any = zarr.AsyncArray(
            metadata=known.metadata, store_path=known.store_path, config=known.config
        )
    return zarr.Array(made)


@dataclass(frozen=True, slots=True)
class StoredArray:
    """A stored array, read block by block; it does no I/O until it is indexed.

    Parameters
    ----------
    array : zarr.Array
        The array.
    opened : Opened, optional
        Its folder on a disk, to be read while it is the same one. It is not known any
        more after pickling.
    """

    array: zarr.Array[Any]
    opened: Opened | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if any(size > sys.maxsize for size in self.array.shape):
            raise MetadataError(
                f"Array {self.array.path!r} says that it has more than {sys.maxsize} "
                "pixels along an axis, which nobody can index"
            )
        object.__setattr__(self, "array", readable(self.array))

    def __reduce__(self) -> tuple[type[StoredArray], tuple[zarr.Array[Any]]]:
        # Other machines number folders otherwise.
        return StoredArray, (self.array,)

    def __deepcopy__(self, memo: dict[int, Any]) -> StoredArray:
        return StoredArray(copy.deepcopy(self.array, memo), self.opened)

    def _read(self, get: Callable[[], Any]) -> NDArray[Any]:
        return np.asarray(get() if self.opened is None else self.opened.read(get))

    async def _load(self, get: Callable[[], Awaitable[Any]]) -> NDArray[Any]:
        opened = self.opened
        return np.asarray(await (get() if opened is None else opened.load(get)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.array.dtype

    def __getitem__(self, key: tuple[Any, ...]) -> NDArray[Any]:
        return self._read(lambda: self.array[key])

    def outer(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Pixels at the product of 1-D index arrays."""
        return self._read(lambda: self.array.oindex[key])

    def points(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Pixels at the points that broadcast index arrays name."""
        return self._read(lambda: self.array.vindex[key])

    async def load(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """As indexing, without blocking the event loop."""
        return await self._load(lambda: self.array.async_array.getitem(key))

    async def load_outer(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """As `outer`, without blocking the event loop."""
        return await self._load(lambda: self.array.async_array.oindex.getitem(key))

    async def load_points(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """As `points`, without blocking the event loop."""
        return await self._load(lambda: self.array.async_array.vindex.getitem(key))
