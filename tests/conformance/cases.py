"""The collected cases of the standard: what each is, and what is right about it.

They lie beside the checkout, in ``shared/spec``, with their labels in an index.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SPEC = Path(__file__).parents[2].parent / "shared" / "spec"
VERSIONS = ("0.4", "0.5", "0.6")


@dataclass(frozen=True, slots=True)
class Case:
    """One document or hierarchy with its labels.

    ``valid`` is what the whole standard says, ``schema_valid`` what the official
    schema says; None where no schema covers the kind.
    """

    id: str
    version: str
    mode: str
    kind: str
    path: Path
    strict: bool
    valid: bool
    schema_valid: bool | None
    contested: bool
    official: bool
    schemas: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    note: str = ""
    breaks: tuple[str, ...] = field(default=(), repr=False)

    @property
    def level(self) -> str:
        """The level of the official runner's question, which only knows the path."""
        return "strict" if "/strict/" in self.path.as_posix() else "schema"

    @property
    def is_document(self) -> bool:
        """Whether the case is one document that the official runner could ask for."""
        return self.mode in ("attributes", "zarr")


def _read(version: str, entry: dict[str, Any]) -> Case:
    schema = entry.get("schema") or ()
    return Case(
        id=entry["id"],
        version=version,
        mode=entry["mode"],
        kind=entry["kind"],
        path=SPEC / version / entry["file"],
        strict=entry["strict"],
        valid=entry["valid"],
        schema_valid=entry["schema_valid"],
        contested=entry["contested"],
        official=entry["official"],
        schemas=(schema,) if isinstance(schema, str) else tuple(schema),
        flags=tuple(entry["flags"]),
        note=entry.get("note") or "",
        breaks=tuple(entry.get("prose_breaks") or ()),
    )


@functools.cache
def all_cases() -> tuple[Case, ...]:
    """Every case of every version; none where they are not beside the checkout."""
    found = []
    for version in VERSIONS:
        index = SPEC / version / "index.json"
        if index.exists():
            entries = json.loads(index.read_text("utf-8"))["cases"]
            found += [_read(version, entry) for entry in entries]
    return tuple(found)


def select(wanted: Callable[[Case], bool]) -> list[Any]:
    """Parameters of a test: the cases that are wanted, or one that is skipped."""
    import pytest

    if not all_cases():
        skip = pytest.mark.skip(reason=f"the cases of the standard are not at {SPEC}")
        return [pytest.param(None, marks=skip)]
    return [pytest.param(case, id=case.id) for case in all_cases() if wanted(case)]


def attributes(case: Case) -> Any:
    """The attributes of the (root) group, without what the collectors added.

    Raises ValueError where the file is no JSON.
    """
    path = case.path
    if path.is_dir():
        inner = path / "zarr.json"
        path = inner if inner.exists() else path / ".zattrs"
    document = json.loads(path.read_text("utf-8"))
    if path.name == "zarr.json":
        document = document["attributes"]
    if isinstance(document, dict):
        return {key: value for key, value in document.items() if key != "_conformance"}
    return document


def groups(case: Case) -> list[tuple[str, dict[str, Any]]]:
    """Every group of a stored hierarchy that has attributes, by its path."""
    found = []
    for file in sorted(case.path.rglob("*")):
        if file.name not in ("zarr.json", ".zattrs"):
            continue
        if (file.parent / ".zarray").exists():
            continue
        document = json.loads(file.read_text("utf-8"))
        if file.name == "zarr.json":
            if document.get("node_type") != "group":
                continue
            document = document.get("attributes", {})
        found.append((file.parent.relative_to(case.path).as_posix(), document))
    return found
