"""Documents of every kind and version, spoilt in the ways that files are spoilt."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.conformance.cases import all_cases, attributes, groups
from tests.property.scenes import scene

Document = dict[str, Any]
Place = tuple[Any, Any]  # a container and the key or index in it

SIZE, DEEP = 5_000, 3_000

_AXES = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
_SCALE = {"type": "scale", "scale": [1.0, 0.5, 0.5]}
_SHIFT = {"type": "translation", "translation": [0.0, 0.25, 0.25]}
_LEVELS = [{"path": "0", "coordinateTransformations": [_SCALE, _SHIFT]}]
_PICTURE = {"name": "cells", "axes": _AXES, "datasets": _LEVELS}
_WINDOW = {"min": 0.0, "max": 255.0, "start": 0.0, "end": 200.0}
_OMERO = {"channels": [{"label": "DAPI", "color": "0000FF", "window": _WINDOW}]}
_LABEL = {
    "colors": [{"label-value": 1, "rgba": [255, 0, 0, 255]}],
    "properties": [{"label-value": 1, "area": 3}],
    "source": {"image": "../../"},
}
_PLATE = {
    "rows": [{"name": "A"}],
    "columns": [{"name": "1"}],
    "wells": [{"path": "A/1", "rowIndex": 0, "columnIndex": 0}],
    "acquisitions": [{"id": 0, "name": "first", "maximumfieldcount": 1}],
    "field_count": 1,
    "name": "screen",
}
_SYSTEMS = [{"name": "intrinsic", "axes": _AXES}, {"name": "world", "axes": _AXES}]
_TO_WORLD = {
    "type": "affine",
    "affine": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]],
    "input": {"name": "intrinsic"},
    "output": {"name": "world"},
}
_STEP = {
    "type": "sequence",
    "transformations": [_SCALE, _SHIFT],
    "input": {"path": "0"},
    "output": {"name": "intrinsic"},
}
_NEWEST = {
    "name": "cells",
    "coordinateSystems": _SYSTEMS,
    "datasets": [{"path": "0", "coordinateTransformations": [_STEP]}],
    "coordinateTransformations": [_TO_WORLD],
}
_BLOCKS: tuple[Document, ...] = (
    {"multiscales": [_PICTURE], "omero": _OMERO},
    {"multiscales": [_PICTURE], "image-label": _LABEL},
    {"labels": ["cells", "nuclei"]},
    {"plate": _PLATE},
    {"well": {"images": [{"path": "0", "acquisition": 0}, {"path": "1"}]}},
    {"bioformats2raw.layout": 3},
    {"series": ["0", "1"]},
    {"multiscales": [_NEWEST]},
    {"scene": {"coordinateSystems": _SYSTEMS, "coordinateTransformations": [_STEP]}},
)


@functools.cache
def seeds() -> tuple[str, ...]:
    """Valid documents as JSON: our own, and the collected ones where they are there."""
    found = [{"ome": {"version": name, **block}} for name in _NEW for block in _BLOCKS]
    for name in _OLD:
        for block in _BLOCKS[:-2]:
            told = {
                key: [{**value[0], "version": name}]
                if key == "multiscales"
                else {**value, "version": name}
                if isinstance(value, dict)
                else value
                for key, value in block.items()
            }
            found.append(told)
    for case in all_cases():
        if case.valid and case.is_document:
            found.append(attributes(case))
    return tuple(json.dumps(document) for document in found)


_NEW, _OLD = ("0.5", "0.6", "0.6rc0"), ("0.1", "0.2", "0.3", "0.4")


@functools.cache
def stores() -> tuple[dict[str, str], ...]:
    """The metadata files of whole hierarchies, by their keys."""
    # Several times, so that scenes are spoilt about as often as images.
    return (scene(),) * 8 + tuple(
        {
            file.relative_to(case.path).as_posix(): file.read_text("utf-8")
            for file in case.path.rglob("*")
            if file.is_file() and (file.name.startswith(".z") or file.suffix == ".json")
        }
        for case in all_cases()
        if case.mode == "store" and groups(case)
    )


def deep(depth: int, *, as_object: bool) -> Any:
    """A list of lists, or an object of objects, far down."""
    value: Any = 1
    for _ in range(depth):
        value = {"a": value} if as_object else [value]
    return value


def size(chance: random.Random) -> int:
    """How many of something: mostly few, as many cost time and find little more."""
    return chance.choice([20] * 9 + [SIZE])


# Values that programs do not think of. Functions, as some are large or can be changed.
ODD: tuple[Callable[[random.Random], Any], ...] = (
    lambda _: None,
    lambda _: True,
    lambda _: False,
    lambda r: r.choice([0, -1, 1, 2, 3, 255, 256, -(2**63), 2**64, 10**400]),
    lambda r: r.choice([0.0, -0.0, 0.5, 1e308, 5e-324, -1e-300, 3.0]),
    lambda r: r.choice([float("nan"), float("inf"), float("-inf")]),
    lambda r: r.choice(["", " ", ".", "..", "/", "../..", "a/../b", "\0", "\ud800"]),
    lambda r: r.choice(["ü", "e\u0301", "\u202e", "😀", "İ", "ß", "\n", "%", "{}"]),
    lambda r: r.choice(["0", "1", "x", "A/1", "0.4", "0.6.dev4", "9.9", "latest"]),
    lambda r: r.choice(["scale", "sequence", "byDimension", "affine", "bijection"]),
    lambda r: "x" * size(r),
    lambda _: [],
    lambda _: {},
    lambda _: [[]],
    lambda _: [None],
    lambda r: [r.random()] * r.choice([1, 6, size(r)]),
    lambda r: [{"name": "x", "type": "space"} for _ in range(size(r))],
    lambda r: {str(i): i for i in range(size(r))},
    lambda r: deep(
        r.choice([3] * 5 + [50] * 3 + [500, DEEP]), as_object=r.random() < 0.5
    ),
)
# What is no JSON: attributes may come from anywhere.
NO_JSON: tuple[Callable[[], Any], ...] = (
    lambda: b"bytes",
    lambda: {1, 2},
    lambda: (1, 2),
    object,
    lambda: 1j,
    lambda: {1: 2, None: 3},
    lambda: type("Text", (str,), {})("0.5"),
)
KEYS = (
    "ome version multiscales axes datasets path coordinateTransformations scale type "
    "translation name unit omero channels window color plate rows columns wells well "
    "images acquisition acquisitions id labels image-label colors rgba label-value "
    "properties source image series bioformats2raw.layout scene coordinateSystems "
    "input output affine rotation transformations mapAxis projectAxis sequence "
    "byDimension inputAxes outputAxes bijection forward inverse displacements"
).split()


def places(document: Any) -> list[Place]:
    """Every place in a document where another value could stand."""
    found: list[Place] = []
    rest = [document]
    while rest:
        value = rest.pop()
        items: Iterator[tuple[Any, Any]] = iter(())
        if isinstance(value, dict):
            items = iter(value.items())
        elif isinstance(value, list):
            items = enumerate(value)
        for key, inner in items:
            found.append((value, key))
            rest.append(inner)
    return found


def _replace(chance: random.Random, place: Place) -> None:
    holder, key = place
    holder[key] = chance.choice(ODD)(chance)


def _remove(chance: random.Random, place: Place) -> None:
    holder, key = place
    del holder[key]


def _repeat(chance: random.Random, place: Place) -> None:
    holder, key = place
    if isinstance(holder, list):
        holder.insert(chance.randint(0, len(holder)), holder[key])
    else:
        holder[chance.choice(KEYS)] = holder[key]


def _rename(chance: random.Random, place: Place) -> None:
    holder, key = place
    if isinstance(holder, dict):
        other = (key.upper(), f"{key} ", f"_{key}", "", chance.choice(KEYS))
        holder[chance.choice(other)] = holder.pop(key)
    else:
        chance.shuffle(holder)


def _add(chance: random.Random, place: Place) -> None:
    holder, _ = place
    value = chance.choice(ODD)(chance)
    if isinstance(holder, dict):
        holder[chance.choice(KEYS)] = value
    else:
        holder.append(value)


def _retype(chance: random.Random, place: Place) -> None:
    holder, key = place
    value = holder[key]
    forms = ([value], {"name": value}, json.dumps(key), [value, value])
    holder[key] = chance.choice(forms)


CHANGES = (_replace, _remove, _repeat, _rename, _add, _retype)


def spoil(document: Any, chance: random.Random) -> Any:
    """Change a document in one to four places; what is left may be anything."""
    for _ in range(chance.choice([1, 1, 1, 2, 3, 4])):
        found = places(document)
        if found:
            chance.choice(CHANGES)(chance, chance.choice(found))
    if chance.random() < 0.02:
        found = places(document)
        if found:
            holder, key = chance.choice(found)
            holder[key] = chance.choice(NO_JSON)()
    if chance.random() < 0.005:
        return chance.choice(ODD)(chance)
    return document


def spoilt_document(seed: int) -> Any:
    """The document that a seed stands for."""
    chance = random.Random(seed)
    document = spoil(json.loads(chance.choice(seeds())), chance)
    if chance.random() < 0.1 and isinstance(document, dict):
        other = json.loads(chance.choice(seeds()))
        document = {**document, **other} if chance.random() < 0.5 else other | document
    return document


def spoilt_store(seed: int) -> dict[str, bytes]:
    """The files that a seed stands for: one or two of them spoilt, one perhaps gone."""
    chance = random.Random(seed)
    files = {
        key: text.encode() for key, text in chance.choice(stores() or ({},)).items()
    }
    for key in chance.choices([*files], k=chance.choice([1, 1, 2])) if files else []:
        files[key] = _spoilt_file(files[key], chance)
    if files and chance.random() < 0.1:
        del files[chance.choice([*files])]
    return files


_NO_DOCUMENTS = (b"", b"\xff\xfe", b"[" * 50_000, b"null", b'"text"', b"1e999")


def _spoilt_file(content: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.1:
        cut = chance.randrange(len(content) + 1)
        return chance.choice(
            [
                content[:cut],
                b"",
                b"\xff\xfe",
                b"[" * 50_000,
                b"null",
                b'"text"',
                b"1e999",
            ]
        )
    try:
        document = spoil(json.loads(content), chance)
        return json.dumps(document).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError):
        return b'{"a":' * 400 + b"1" + b"}" * 400
