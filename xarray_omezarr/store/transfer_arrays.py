"""An array whose stored objects are copied: its new document, and what they are called.

The bytes of a chunk are the same in both formats of Zarr, and with further axes of
size 1; only documents and keys differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, TypeAlias

import numcodecs
import numpy as np
from zarr.registry import get_codec_class

from xarray_omezarr.store.translated import DIMENSIONS, Untranslatable, to_v2, to_v3

Document: TypeAlias = Mapping[str, Any]

# What holds texts and bytes of any length: an unsigned byte stands for them while the
# rest of a document is translated.
_VARIABLE = {"vlen-utf8": ("string", ""), "vlen-bytes": ("variable_length_bytes", "")}


@dataclass(frozen=True, slots=True)
class Keys:
    """How the objects of an array are called.

    Parameters
    ----------
    separator : {".", "/"}
        Between the numbers.
    prefix : bool
        Whether ``c`` stands before them, as is usual in Zarr v3.

    Examples
    --------
    >>> old, new = Keys(".", prefix=False), Keys("/", prefix=True)
    >>> new.spell(old.parse("2.0.11", 3))
    'c/2/0/11'
    """

    separator: str
    prefix: bool

    def spell(self, index: Sequence[int]) -> str:
        """The key of the object at `index`."""
        numbers = [str(number) for number in index]
        if self.prefix:
            return self.separator.join(["c", *numbers])
        return self.separator.join(numbers) or "0"

    def parse(self, key: str, ndim: int) -> tuple[int, ...] | None:
        """The index that `key` tells; None where it is no key of an object."""
        parts = key.split(self.separator)
        if self.prefix:
            if parts[0] != "c":
                return None
            parts = parts[1:]
        elif not ndim:
            return () if key == "0" else None
        is_index = len(parts) == ndim and all(map(_is_number, parts))
        return tuple(map(int, parts)) if is_index else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and (text == "0" or text[0] != "0")


@dataclass(frozen=True, slots=True)
class ArrayDocument:
    """The documents of a stored array.

    Parameters
    ----------
    document : mapping
        ``zarr.json`` or ``.zarray``.
    attrs : mapping
        Its attributes.
    """

    document: Document
    attrs: Mapping[str, Any]

    @property
    def zarr_format(self) -> Literal[2, 3]:
        """Format of Zarr."""
        return 3 if self.document.get("zarr_format") == 3 else 2


@dataclass(frozen=True, slots=True)
class Copied:
    """An array whose objects keep their bytes.

    Parameters
    ----------
    documents : mapping
        What is written beside them, by name.
    shape, unit : tuple of int
        Pixels of the array and of one stored object, as stored in the source.
    itemsize : int
        Bytes of a pixel.
    old, new : Keys
        What objects are called.
    inserted : tuple of int
        Axes of size 1 that the array has more.
    """

    documents: Mapping[str, Document]
    shape: tuple[int, ...]
    unit: tuple[int, ...]
    itemsize: int
    old: Keys
    new: Keys
    inserted: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels, uncompressed."""
        return math.prod(self.shape) * self.itemsize

    @property
    def object_nbytes(self) -> int:
        """Bytes of the pixels of a whole object, uncompressed."""
        return math.prod(self.unit) * self.itemsize

    def renamed(self, key: str) -> tuple[str, int]:
        """What an object is called, and how many bytes its pixels have.

        What is no object of the array keeps its name.
        """
        index = self.old.parse(key, len(self.shape))
        if index is None:
            return key, 0
        sizes = [
            max(0, min(unit, size - unit * at))
            for at, unit, size in zip(index, self.unit, self.shape, strict=True)
        ]
        longer = [*index]
        for axis in self.inserted:
            longer.insert(axis, 0)
        return self.new.spell(longer), math.prod(sizes) * self.itemsize

    def keys(self) -> Iterator[str]:
        """What objects may be called, whether they are there or not."""
        counts = [
            range(-(-size // unit))
            for size, unit in zip(self.shape, self.unit, strict=True)
        ]
        return map(self.old.spell, product(*counts))


def plan_copy(
    array: ArrayDocument,
    zarr_format: Literal[2, 3],
    separator: Literal[".", "/"],
    dims: Sequence[str] | None,
    inserted: Sequence[int] = (),
) -> Copied:
    """How an array is copied without decoding it.

    Parameters
    ----------
    array : ArrayDocument
        What is stored.
    zarr_format : {2, 3}
        Of the copy.
    separator : {".", "/"}
        Of keys in Zarr v2.
    dims : sequence of str, optional
        Dims of the copy. None: an array of others, of which nothing is changed that
        need not be.
    inserted : sequence of int
        Axes of size 1 that the copy has more, in its own numbering.

    Raises
    ------
    Untranslatable
        If the bytes cannot stay.
    """
    try:
        old = _keys(array)
        shape, unit, itemsize = _extent(array)
    except Untranslatable:
        if dims is None and zarr_format == array.zarr_format:
            # Nobody need understand what nothing is changed of.
            same = Keys("/", prefix=True)
            return Copied(_files(array), (), (), 0, same, same)
        raise
    if zarr_format == array.zarr_format == 3:
        document, attrs = dict(array.document), dict(array.attrs)
    elif zarr_format == 3:
        document = _in_v3(array, None if inserted else dims)
        attrs = document["attributes"]
    elif array.zarr_format == 3:
        document, attrs = _in_v2(array, separator)
    else:
        document, attrs = dict(array.document), dict(array.attrs)
        if dims is not None:
            document["dimension_separator"] = separator
    if inserted:
        document = _longer(document, inserted)
    if dims is not None:
        _name_dims(document, attrs, list(dims))
    made = ArrayDocument(document, attrs)
    return Copied(
        _files(made), shape, unit, itemsize, old, _keys(made), tuple(inserted)
    )


def _files(array: ArrayDocument) -> dict[str, Document]:
    if array.zarr_format == 3:
        return {"zarr.json": {**array.document, "attributes": array.attrs}}
    attrs = {".zattrs": array.attrs} if array.attrs else {}
    return {".zarray": array.document, **attrs}


def _name_dims(
    document: dict[str, Any], attrs: dict[str, Any], dims: list[str]
) -> None:
    """Where each format tells the names of dims; elsewhere they would be stale."""
    if document.get("zarr_format") == 3:
        document["dimension_names"] = dims
        attrs.pop(DIMENSIONS, None)
    else:
        attrs[DIMENSIONS] = dims


def _longer(document: Document, inserted: Sequence[int]) -> dict[str, Any]:
    """The document with further axes of size 1."""
    made = dict(document)
    if document.get("zarr_format") == 2:
        for key in ("shape", "chunks"):
            made[key] = _with_ones(document[key], inserted)
        return made
    if any(codec.get("name") not in _PLAIN_CODECS for codec in document["codecs"]):
        raise Untranslatable("its codecs count axes")
    grid = document["chunk_grid"]
    shape = _with_ones(grid["configuration"]["chunk_shape"], inserted)
    made["shape"] = _with_ones(document["shape"], inserted)
    made["chunk_grid"] = {**grid, "configuration": {"chunk_shape": shape}}
    return made


_PLAIN_CODECS = ("bytes", "blosc", "zstd", "gzip", "crc32c")


def _with_ones(sizes: Sequence[int], inserted: Sequence[int]) -> list[int]:
    longer = [*sizes]
    for axis in inserted:
        longer.insert(axis, 1)
    return longer


def _keys(array: ArrayDocument) -> Keys:
    if array.zarr_format == 2:
        return Keys(array.document.get("dimension_separator", "."), prefix=False)
    encoding = array.document.get("chunk_key_encoding", "default")
    if isinstance(encoding, str):
        encoding = {"name": encoding}
    is_default = encoding.get("name") == "default"
    if not is_default and encoding.get("name") != "v2":
        raise Untranslatable(f"keys of its chunks are {encoding.get('name')!r}")
    told = encoding.get("configuration") or {}
    return Keys(told.get("separator", "/" if is_default else "."), prefix=is_default)


def _extent(array: ArrayDocument) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Shape, pixels of an object, and bytes of a pixel (1 where they vary)."""
    document = array.document
    try:
        if array.zarr_format == 2:
            unit = document["chunks"]
        else:
            unit = document["chunk_grid"]["configuration"]["chunk_shape"]
        shape, unit = tuple(map(int, document["shape"])), tuple(map(int, unit))
    except (KeyError, TypeError, ValueError) as error:
        raise Untranslatable(f"its metadata lack {error}") from None
    if len(shape) != len(unit):
        raise Untranslatable(f"its chunks are {unit}, and its shape is {shape}")
    unit = tuple(max(1, size) for size in unit)
    return shape, unit, _itemsize(document)


def _itemsize(document: Document) -> int:
    try:
        return np.dtype(document.get("dtype", document.get("data_type"))).itemsize or 1
    except TypeError:
        return 1


def _in_v3(array: ArrayDocument, dims: Sequence[str] | None) -> dict[str, Any]:
    zarray = dict(array.document)
    word = _variable_in_v2(zarray)
    if word is None:
        return to_v3(zarray, array.attrs, dims, chunk_keys="default")
    data_type, empty = _VARIABLE[word]
    stand_in = {**zarray, "dtype": "|u1", "filters": None, "fill_value": 0}
    document = to_v3(stand_in, array.attrs, dims, chunk_keys="default")
    codecs = [{"name": word}, *document["codecs"][1:]]
    return {**document, "data_type": data_type, "codecs": codecs, "fill_value": empty}


def _variable_in_v2(zarray: Document) -> str | None:
    filters = zarray.get("filters") or []
    word = filters[0].get("id") if len(filters) == 1 else None
    is_variable = zarray.get("dtype") == "|O" and word in _VARIABLE
    return word if is_variable and zarray.get("order") == "C" else None


def _in_v2(
    array: ArrayDocument, separator: Literal[".", "/"]
) -> tuple[dict[str, Any], dict[str, Any]]:
    document = {**array.document, "attributes": array.attrs}
    codecs = document.get("codecs") or [{}]
    words = {data_type: word for word, (data_type, _) in _VARIABLE.items()}
    word = words.get(str(document.get("data_type")))
    if word is None or codecs[0].get("name") != word:
        return to_v2(document, separator=separator)
    codecs = [{"name": "bytes"}, *codecs[1:]]
    stand_in = {**document, "data_type": "uint8", "codecs": codecs, "fill_value": 0}
    zarray, attrs = to_v2(stand_in, separator=separator)
    filters = [{"id": word}]
    return {**zarray, "dtype": "|O", "filters": filters, "fill_value": ""}, attrs


def similar_codecs(
    array: ArrayDocument, zarr_format: Literal[2, 3]
) -> list[Any] | None:
    """Codecs of another format that compress an array as it is compressed.

    Of shards those of their chunks. None where there are none of the same kind.
    """
    document = {**array.document, "attributes": {}}
    try:
        if zarr_format == 2:
            zarray, _ = to_v2(_inside_shards(document), separator="/")
            if zarray["filters"]:
                return None
            packing = [] if zarray["compressor"] is None else [zarray["compressor"]]
            return [numcodecs.get_codec(codec) for codec in packing]
        bare = {**document, "filters": None, "order": "C"}
        codecs = to_v3(bare, {}, None, chunk_keys="default")["codecs"]
        return [
            get_codec_class(codec["name"]).from_dict(codec)
            for codec in codecs
            if codec["name"] != "bytes"
        ]
    except Untranslatable:
        return None


def _inside_shards(document: Document) -> Document:
    codecs = document.get("codecs")
    if not isinstance(codecs, list) or len(codecs) != 1:
        return document
    if codecs[0].get("name") != "sharding_indexed":
        return document
    inner = codecs[0]["configuration"]
    grid = {"name": "regular", "configuration": {"chunk_shape": inner["chunk_shape"]}}
    return {**document, "chunk_grid": grid, "codecs": inner["codecs"]}
