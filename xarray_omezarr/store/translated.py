"""Metadata of an array in the other format of Zarr: the same chunks, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from xarray_omezarr.errors import OmeZarrError
from xarray_omezarr.store.fill_values import new_fill_value, old_fill_value

#: How xarray spells names of dims in Zarr v2, which has no place for them.
DIMENSIONS = "_ARRAY_DIMENSIONS"

_NAMES = {
    "b1": "bool",
    **{f"i{n}": f"int{8 * n}" for n in (1, 2, 4, 8)},
    **{f"u{n}": f"uint{8 * n}" for n in (1, 2, 4, 8)},
    **{f"f{n}": f"float{8 * n}" for n in (2, 4, 8)},
    **{f"c{n}": f"complex{8 * n}" for n in (8, 16)},
}
_KINDS = {name: kind for kind, name in _NAMES.items()}
_ENDS = {"<": "little", ">": "big"}
_TEXT = "vlen-utf8"
_SHUFFLES = ("noshuffle", "shuffle", "bitshuffle")
_AUTOMATIC = -1
_BLOSC = ("blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd")
# Codecs of numcodecs that readers of Zarr v2, tensorstore too, know by their own name.
_OLD_CODECS = ("blosc", "bz2", "gzip", "zlib", "zstd")
_GZIP_LEVEL = 6


class Untranslatable(OmeZarrError, ValueError):
    """The same chunks cannot be described in the other format.

    Parameters
    ----------
    reason : str
        Why, as the end of a sentence.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def to_v3(
    zarray: Mapping[str, Any],
    attrs: Mapping[str, Any],
    dims: Sequence[str] | None,
    *,
    chunk_keys: Literal["v2", "default"],
    texts: bool = False,
) -> dict[str, Any]:
    """The document in Zarr v3 of an array whose chunks are those of Zarr v2.

    Parameters
    ----------
    zarray, attrs : mapping
        Its documents in Zarr v2.
    dims : sequence of str, optional
        Names of its dims; those that xarray left in the attributes if not given.
    chunk_keys : {"v2", "default"}
        Whether the chunks keep their keys, or get those that are usual in Zarr v3,
        such as ``c/0/0``.
    texts : bool
        Whether arrays of text are described too, which zarr reads, but not
        tensorstore: tables hold them, images do not.

    Raises
    ------
    Untranslatable
        If zarr and tensorstore could not read the chunks by such a document.

    Examples
    --------
    >>> zarray = {"zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "<u2",
    ...           "compressor": None, "fill_value": 0, "order": "C", "filters": None}
    >>> document = to_v3(zarray, {}, ["x"], chunk_keys="v2")
    >>> document["data_type"], document["dimension_names"]
    ('uint16', ['x'])
    >>> document["codecs"]
    [{'name': 'bytes', 'configuration': {'endian': 'little'}}]
    """
    if zarray.get("zarr_format") != 2:
        raise Untranslatable(f"zarr_format is {_shown(zarray.get('zarr_format'))}")
    shape, chunks = _lengths(zarray, "shape", 0), _lengths(zarray, "chunks", 0)
    if len(shape) != len(chunks):
        raise Untranslatable(f"chunks are {chunks}, and the shape is {shape}")
    described = _text if texts and _is_text(zarray) else _numbers
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        # An axis without pixels may have chunks without any, which Zarr v3 forbids.
        "chunk_grid": _named("regular", {"chunk_shape": [max(1, n) for n in chunks]}),
        "chunk_key_encoding": _new_keys(zarray, chunk_keys),
        **described(zarray, shape),
    }
    attributes, found = _without_dimensions(attrs, dims, len(shape))
    if found is not None:
        document["dimension_names"] = found
    return {**document, "attributes": attributes}


def to_v2(
    document: Mapping[str, Any], *, separator: Literal[".", "/"]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The documents in Zarr v2 of an array whose chunks are those of Zarr v3.

    Parameters
    ----------
    document : mapping
        Its document in Zarr v3.
    separator : {".", "/"}
        Between the numbers of the keys that the chunks get.

    Returns
    -------
    zarray, attrs : dict
        Contents of ``.zarray`` and ``.zattrs``.

    Raises
    ------
    Untranslatable
        If zarr and tensorstore could not read the chunks by such documents; shards
        and checksums have no place in Zarr v2, for example.
    """
    if document.get("zarr_format") != 3 or document.get("node_type") != "array":
        raise Untranslatable("it is no document of an array in Zarr v3")
    if document.get("storage_transformers"):
        raise Untranslatable("it has storage transformers")
    grid = _parsed(document.get("chunk_grid"))
    if grid[0] != "regular":
        raise Untranslatable(f"its chunk grid is {_shown(grid[0])}")
    shape, chunks = _lengths(document, "shape", 0), _lengths(grid[1], "chunk_shape", 1)
    if len(shape) != len(chunks):
        raise Untranslatable(f"chunks are {chunks}, and the shape is {shape}")
    data_type = document.get("data_type")
    if not isinstance(data_type, str) or data_type not in _KINDS:
        raise Untranslatable(f"its data type is {_shown(data_type)}")
    kind = _KINDS[data_type]
    order, end, packing = _old_codecs(document.get("codecs"), len(shape))
    if end is None and _itemsize(kind) > 1:
        raise Untranslatable("the order of its bytes is not told")
    zarray = {
        "zarr_format": 2,
        "shape": shape,
        "chunks": chunks,
        "dtype": f"{'|' if _itemsize(kind) == 1 else end}{kind}",
        "fill_value": _fill_value(document.get("fill_value"), kind, old_fill_value),
        "order": order,
        "filters": packing[:-1] or None,
        "compressor": packing[-1] if packing else None,
        "dimension_separator": separator,
    }
    attrs = dict(document.get("attributes") or {})
    names = document.get("dimension_names")
    if isinstance(names, list) and names and all(isinstance(n, str) for n in names):
        attrs[DIMENSIONS] = names
    return zarray, attrs


def _numbers(zarray: Mapping[str, Any], shape: Sequence[int]) -> dict[str, Any]:
    end, kind = _parsed_dtype(zarray.get("dtype"))
    packing = [*_filters(zarray), zarray.get("compressor")]
    return {
        "data_type": _NAMES[kind],
        "fill_value": _fill_value(zarray.get("fill_value"), kind, new_fill_value),
        "codecs": [
            *_transposed(zarray.get("order", "C"), len(shape)),
            _bytes_codec(end, kind),
            *(_new_codec(codec, kind) for codec in packing if codec is not None),
        ],
    }


def _is_text(zarray: Mapping[str, Any]) -> bool:
    first = next(iter(_filters(zarray)), None)
    is_text = isinstance(first, Mapping) and first.get("id") == _TEXT
    return is_text and zarray.get("dtype") == "|O"


def _text(zarray: Mapping[str, Any], shape: Sequence[int]) -> dict[str, Any]:
    packing = [*_filters(zarray)[1:], zarray.get("compressor")]
    # Readers of Zarr v2 take whatever stands for nothing as an empty text.
    fill_value = zarray.get("fill_value") or ""
    if not isinstance(fill_value, str):
        raise Untranslatable(f"its fill value {_shown(fill_value)} is no text")
    return {
        "data_type": "string",
        "fill_value": fill_value,
        "codecs": [
            *_transposed(zarray.get("order", "C"), len(shape)),
            _named(_TEXT, {}),
            *(_new_codec(codec, "u1") for codec in packing if codec is not None),
        ],
    }


def _named(name: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "configuration": dict(configuration)}


def _parsed(found: object) -> tuple[str, Mapping[str, Any]]:
    """Name and configuration of what Zarr v3 can be extended with."""
    if isinstance(found, str):
        return found, {}
    if isinstance(found, Mapping) and isinstance(found.get("name"), str):
        configuration = found.get("configuration", {})
        if isinstance(configuration, Mapping):
            return found["name"], configuration
    raise Untranslatable(f"{_shown(found)} has no name and configuration")


def _lengths(document: Mapping[str, Any], key: str, least: int) -> list[int]:
    found = document.get(key)
    if isinstance(found, (list, tuple)) and all(
        type(n) is int and n >= least for n in found
    ):
        return list(found)
    raise Untranslatable(f"its {key} is {_shown(found)}")


def _parsed_dtype(found: object) -> tuple[str, str]:
    """Order of the bytes, and kind with size, such as ``("<", "u2")``."""
    if isinstance(found, str) and found[:1] in ("<", ">", "|") and found[1:] in _NAMES:
        end, kind = found[0], found[1:]
        if end != "|" or _itemsize(kind) == 1:
            return end, kind
    raise Untranslatable(f"its data type is {_shown(found)}")


def _itemsize(kind: str) -> int:
    return int(kind[1:])


def _filters(zarray: Mapping[str, Any]) -> list[Any]:
    found = zarray.get("filters") or []
    if isinstance(found, list):
        return found
    raise Untranslatable(f"its filters are {_shown(found)}")


def _new_keys(
    zarray: Mapping[str, Any], chunk_keys: Literal["v2", "default"]
) -> dict[str, Any]:
    if chunk_keys == "default":
        return _named("default", {"separator": "/"})
    separator = zarray.get("dimension_separator", ".")
    if separator not in (".", "/"):
        raise Untranslatable(f"its dimension_separator is {_shown(separator)}")
    return _named("v2", {"separator": separator})


def _transposed(order: object, ndim: int) -> list[dict[str, Any]]:
    if order not in ("C", "F"):
        raise Untranslatable(f"its order is {_shown(order)}")
    if order == "C" or ndim < 2:
        return []
    return [_named("transpose", {"order": list(range(ndim))[::-1]})]


def _bytes_codec(end: str, kind: str) -> dict[str, Any]:
    # Single bytes have no order, though numpy lets one be told.
    if _itemsize(kind) == 1:
        return {"name": "bytes"}
    return _named("bytes", {"endian": _ENDS[end]})


def _new_codec(codec: object, kind: str) -> dict[str, Any]:
    name = codec.get("id") if isinstance(codec, Mapping) else codec
    spelled = _NEW_CODECS.get(name) if isinstance(name, str) else None
    if not isinstance(codec, Mapping) or spelled is None:
        raise Untranslatable(f"readers of Zarr v3 do not know its codec {_shown(name)}")
    return spelled(codec, kind)


def _new_blosc(codec: Mapping[str, Any], kind: str) -> dict[str, Any]:
    size = _itemsize(kind)
    shuffle = codec.get("shuffle", 1)
    if shuffle == _AUTOMATIC:
        shuffle = 2 if size == 1 else 1
    if type(shuffle) is not int or not 0 <= shuffle < len(_SHUFFLES):
        raise Untranslatable(f"shuffle of blosc is {_shown(shuffle)}")
    cname = codec.get("cname", "lz4")
    if cname not in _BLOSC:
        raise Untranslatable(f"cname of blosc is {_shown(cname)}")
    return _named(
        "blosc",
        {
            "cname": cname,
            "clevel": _integer(codec, "clevel", 5, 0, 9),
            "shuffle": _SHUFFLES[shuffle],
            "typesize": size,
            "blocksize": _integer(codec, "blocksize", 0, 0, 2**31 - 1),
        },
    )


def _new_zstd(codec: Mapping[str, Any], kind: str) -> dict[str, Any]:
    level = _integer(codec, "level", 0, -131072, 22)
    return _named("zstd", {"level": level, "checksum": bool(codec.get("checksum"))})


def _new_gzip(codec: Mapping[str, Any], kind: str) -> dict[str, Any]:
    level = _integer(codec, "level", 1, -1, 9)
    # What decodes does not depend on it, and Zarr v3 knows no "usual" level.
    return _named("gzip", {"level": _GZIP_LEVEL if level < 0 else level})


_NEW_CODECS: Mapping[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    "blosc": _new_blosc,
    "gzip": _new_gzip,
    "zstd": _new_zstd,
}


def _integer(
    found: Mapping[str, Any], key: str, default: int, least: int, most: int
) -> int:
    value = found.get(key, default)
    if type(value) is int and least <= value <= most:
        return value
    raise Untranslatable(f"{key} of its codec is {_shown(value)}")


def _old_codecs(
    codecs: object, ndim: int
) -> tuple[str, str | None, list[dict[str, Any]]]:
    """Order of axes, order of bytes, and codecs of Zarr v2."""
    if not isinstance(codecs, list):
        raise Untranslatable(f"its codecs are {_shown(codecs)}")
    order, at = "C", 0
    named = [_parsed(codec) for codec in codecs]
    while at < len(named) and named[at][0] == "transpose":
        if at:
            raise Untranslatable("its axes are transposed twice")
        order, at = _order(named[at][1], ndim), at + 1
    if at == len(named) or named[at][0] != "bytes":
        names = ", ".join(name for name, _ in named) or "none"
        raise Untranslatable(f"its codecs are {names}")
    ends = {word: end for end, word in _ENDS.items()}
    end = ends.get(str(named[at][1].get("endian")))
    return order, end, [_old_codec(*codec) for codec in named[at + 1 :]]


def _order(configuration: Mapping[str, Any], ndim: int) -> str:
    found, axes = configuration.get("order"), list(range(ndim))
    if found in ("C", axes):
        return "C"
    if found in ("F", axes[::-1]):
        return "F"
    raise Untranslatable(f"its axes are stored in the order {_shown(found)}")


def _old_codec(name: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    own = name.removeprefix("numcodecs.")
    if own not in _OLD_CODECS or (own == name and name in ("bz2", "zlib")):
        raise Untranslatable(f"readers of Zarr v2 do not know its codec {name!r}")
    codec = {"id": own, **configuration}
    if own == "blosc":
        codec.pop("typesize", None)
        shuffle = codec.get("shuffle", "noshuffle")
        if shuffle in _SHUFFLES:
            codec["shuffle"] = _SHUFFLES.index(shuffle)
    elif own == "zstd" and not codec.get("checksum"):
        # Older readers do not know the word.
        codec.pop("checksum", None)
    return codec


def _without_dimensions(
    attrs: Mapping[str, Any], dims: Sequence[str] | None, ndim: int
) -> tuple[dict[str, Any], list[str] | None]:
    """The attributes, and the names of dims, which Zarr v3 has a place for."""
    found = attrs.get(DIMENSIONS)
    names = None if dims is None else list(dims)
    if names is not None and len(names) != ndim:
        raise Untranslatable(f"it has {ndim} dims, and its axes are {names}")
    told = isinstance(found, list) and len(found) == ndim
    if names is None and told and all(isinstance(name, str) for name in found or []):
        names = found
    if found is None or found != names:
        return dict(attrs), names
    return {key: value for key, value in attrs.items() if key != DIMENSIONS}, names


def _fill_value(found: object, kind: str, spelled: Callable[[object, str], Any]) -> Any:
    try:
        return spelled(found, kind)
    except (OverflowError, ValueError):
        said = f"its fill value {_shown(found)} is none of {_NAMES[kind]}"
        raise Untranslatable(said) from None


def _shown(value: object) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."
