"""Our rules answer as the official schemas do, whatever happened to a document.

The schemas and the documents lie beside the checkout, in ``shared/spec``.
"""

from __future__ import annotations

import copy
import functools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xarray_omezarr.ngff.rules.check import check_attributes

SPEC = Path(__file__).parents[2].parent / "shared" / "spec"
needs_spec = pytest.mark.skipif(not SPEC.is_dir(), reason="the cases are not here")

FOLDERS = {
    "0.4": "0.4/schemas",
    "0.5": "0.5/schemas",
    "0.6": "0.6/schemas_0.6_final",
}
TOLD = {"0.5": "0.5", "0.6": "0.6", "0.6rc0": "0.6"}
SCHEMAS = {
    "multiscales": "image",
    "image-label": "label",
    "plate": "plate",
    "well": "well",
    "bioformats2raw.layout": "bf2raw",
    "series": "ome",
    "scene": "scene",
}
WORDS = """
    A space time channel array scale translation identity sequence affine rotation
    mapAxis projectAxis byDimension bijection displacements coordinates intrinsic world
    x y z 0 1 A/1 B1 __x .. a_b 0.4 0.5 0.6 0.6rc0 micrometer linear cubic
    """.split()
KEYS = """
    name type path scale translation version unit axes input output affine rotation
    transformations transformation label-value rgba inputAxes outputAxes droppedInputs
    createdOutputs mapAxis forward inverse interpolation color window acquisition id
    discrete longName coordinateTransformations metadata omero image-label scene series
    """.split()
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 3, 3.0, 5, 0.5, 1.0, 256, -0.5, "", [], {}),
    *([1], [1, 1], [1.0, 2.0, 3.0], [0, 1], [[1, 0], [0, 1]], [{"name": "a"}]),
    *({"name": "a"}, {"path": "0"}, {"path": "0", "name": "x"}, {"type": "identity"}),
    {"type": "scale", "scale": [1, 2]},
    {"type": "translation", "translation": [1, 2]},
]


@functools.cache
def validators(version: str) -> dict[str, Any]:
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    files = sorted((SPEC / FOLDERS[version]).glob("*.schema"))
    schemas = {file.stem: json.loads(file.read_text("utf-8")) for file in files}
    registry: Any = Registry()
    for schema in schemas.values():
        resource = Resource.from_contents(schema, default_specification=DRAFT202012)
        registry = registry.with_resource(schema["$id"], resource)
    return {
        name: Draft202012Validator(schema, registry=registry)
        for name, schema in schemas.items()
    }


@functools.cache
def right_documents() -> list[tuple[str, Any]]:
    return list(_right_documents())


def _right_documents() -> Iterator[tuple[str, Any]]:
    for version in FOLDERS:
        index = json.loads((SPEC / version / "index.json").read_text("utf-8"))
        for case in index["cases"]:
            if case["mode"] not in ("attributes", "zarr") or not case["schema_valid"]:
                continue
            path = SPEC / version / case["file"]
            path = path / "zarr.json" if path.is_dir() else path
            document = json.loads(path.read_text("utf-8"))
            if case["mode"] == "zarr":
                document = document["attributes"]
            document.pop("_conformance", None)
            yield version, document


def places(document: Any) -> list[tuple[Any, Any]]:
    waiting, found = [document], []
    while waiting:
        value = waiting.pop()
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in members:
            found.append((value, key))
            if isinstance(item, dict | list):
                waiting.append(item)
    return found


@functools.cache
def values_in_use() -> dict[str, list[Any]]:
    used: dict[str, list[Any]] = {}
    for _, document in right_documents():
        for holder, key in places(document):
            if isinstance(holder, dict):
                used.setdefault(key, []).append(holder[key])
    return used


def some_value(chance: random.Random, key: object) -> Any:
    kind = chance.random()
    if kind < 0.3:
        return chance.choice(WORDS)
    used = values_in_use().get(key, VALUES) if isinstance(key, str) else VALUES
    return copy.deepcopy(chance.choice(VALUES if kind < 0.6 else used))


def mutate(document: Any, chance: random.Random) -> Any:
    document = copy.deepcopy(document)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        found = places(document)
        if found:
            change(*chance.choice(found), chance)
    return document


def change(holder: Any, key: Any, chance: random.Random) -> None:
    what = chance.random()
    if what < 0.2:
        del holder[key]
    elif isinstance(holder, list):
        if what < 0.4:
            at = chance.randrange(len(holder) + 1)
            holder.insert(at, copy.deepcopy(holder[key]))
        elif what < 0.5:
            chance.shuffle(holder)
        else:
            holder[key] = some_value(chance, None)
    elif what < 0.35:
        name = chance.choice(KEYS)
        holder[name] = some_value(chance, name)
    elif what < 0.4:
        holder[chance.choice(KEYS)] = holder.pop(key)
    else:
        holder[key] = some_value(chance, key)


def official_answer(version: str, document: Any, *, strict: bool) -> bool | None:
    """What the schemas of all kinds that a document is say; None if no one is meant."""
    holder = document
    if version != "0.4":
        holder = document.get("ome")
        if not isinstance(holder, dict):
            return False
        told = holder.get("version")
        version = TOLD.get(told, "") if isinstance(told, str) else ""
    kinds = [key for key in SCHEMAS if key in holder]
    telling = {"multiscales", "image-label", "plate", "well"}
    if version == "0.4" and telling & set(kinds):
        # Beside an image or a plate the word may be anybody's.
        kinds = [key for key in kinds if key != "series"]
    if version:
        kinds = [key for key in kinds if SCHEMAS[key] in validators(version)]
    if not kinds:
        return None if "labels" in holder else False
    if not version:
        return False
    names = [SCHEMAS[key] for key in kinds]
    if strict:
        names = [
            f"strict_{name}" if f"strict_{name}" in validators(version) else name
            for name in names
        ]
    return all(validators(version)[name].is_valid(document) for name in names)


@needs_spec
@settings(max_examples=1000)
@given(seed=st.integers(0, 2**40))
@example(seed=0)
def test_the_rules_of_the_schemas_answer_as_the_schemas(seed: int) -> None:
    pytest.importorskip("jsonschema")
    chance = random.Random(seed)
    version, right = chance.choice(right_documents())
    strict = chance.random() < 0.3
    document = mutate(right, chance)
    expected = official_answer(version, document, strict=strict)
    told = "0.4" if version == "0.4" else None
    level = "strict" if strict else "schema"
    found = check_attributes(document, level, expected=told).findings
    if expected is not None:
        assert (found == ()) is expected, (document, [str(one) for one in found])


@needs_spec
@settings(max_examples=300)
@given(seed=st.integers(0, 2**40))
def test_what_breaks_a_schema_breaks_the_text_but_where_the_text_is_kinder(
    seed: int,
) -> None:
    chance = random.Random(seed)
    version, right = chance.choice(right_documents())
    document = mutate(right, chance)
    told = "0.4" if version == "0.4" else None
    by_schema = check_attributes(document, "schema", expected=told).findings
    by_text = check_attributes(document, "standard", expected=told)
    assert not [one for one in by_text.findings if "cannot be measured" in one.message]
    # Nulls, untyped axes, drafts and one word: the text has advice for each.
    if by_schema:
        assert by_text.findings
