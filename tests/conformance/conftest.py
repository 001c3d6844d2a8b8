"""The official schemas, which lie beside the checkout."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

SPEC = Path(__file__).parents[2].parent / "shared" / "spec"

# The candidate of 0.6 has a set of its own, beside that of the version.
FOLDERS = {
    "0.4": "0.4/schemas",
    "0.5": "0.5/schemas",
    "0.6rc0": "0.6/schemas",
    "0.6": "0.6/schemas_0.6_final",
}


@functools.cache
def load(version: str) -> tuple[dict[str, Any], Registry[Any]]:
    """The schemas of a version by name, and the register that they find each other in.

    Their references are addresses on the web; nothing is downloaded.
    """
    files = (SPEC / FOLDERS[version]).glob("*.schema")
    schemas = {path.stem: json.loads(path.read_text("utf-8")) for path in files}
    resources = [
        (schema["$id"], Resource.from_contents(schema, DRAFT202012))
        for schema in schemas.values()
    ]
    return schemas, Registry().with_resources(resources)


@pytest.fixture(scope="session")
def schema_errors() -> Callable[[str, str, dict[str, Any]], list[str]]:
    """Function that says what a schema of a version has against attributes."""
    if not SPEC.is_dir():
        pytest.skip(f"the schemas of the standard are not at {SPEC}")

    def errors(version: str, schema: str, attrs: dict[str, Any]) -> list[str]:
        schemas, registry = load(version)
        validator = Draft202012Validator(schemas[schema], registry=registry)
        return [error.message for error in validator.iter_errors(attrs)]

    return errors
