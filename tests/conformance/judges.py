"""Who judges the cases: this package at each level, and the official schemas.

Each judge is a function of a case that returns a verdict, or None where it has no
answer to give: a version or a kind of group that it does not know.
"""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.conformance.cases import SPEC, Case, attributes, groups

Judge = Callable[[Case], "Verdict | None"]
Attributes = dict[str, Any]

# The candidate's name in the collected cases, and the name of the release.
CANDIDATE, RELEASE = "0.6rc0", "0.6"

# What programs raise by mistake. Anything else that is raised counts as a refusal.
MISTAKES = (
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    NotImplementedError,
    RecursionError,
    TypeError,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says; ``crashed`` where it raised what is no word about the case."""

    valid: bool
    message: str = ""
    crashed: bool = False


def asked(question: Callable[[], object]) -> Verdict:
    """The verdict of a judge that raises what it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            question()
        except Exception as problem:
            told = f"{type(problem).__name__}: {line(problem)}"
            return Verdict(False, told, crashed=isinstance(problem, MISTAKES))
    return Verdict(True)


def line(problem: Exception) -> str:
    return " ".join(str(problem).split())[:200]


def read(case: Case) -> Any:
    """Attributes of a case as its judges get them; None where it is no JSON."""
    try:
        return attributes(case)
    except (ValueError, KeyError):
        return None


# --- this package --------------------------------------------------------------------


def ours_official(case: Case) -> Verdict | None:
    """The answer to the official runner's question: the level is told by the path."""
    return _ours(case, (case.level,))


def ours_standard(case: Case) -> Verdict | None:
    """Everything that the standard says; of strict cases, the strict schema as well."""
    return _ours(case, ("standard", "strict") if case.strict else ("standard",))


def _ours(case: Case, levels: tuple[str, ...]) -> Verdict | None:
    errors = []
    try:
        for level in levels:
            errors += _errors(case, level)
    except Exception as crash:  # of ours, whatever is raised is one
        return Verdict(False, f"{type(crash).__name__}: {line(crash)}", crashed=True)
    return Verdict(not errors, "; ".join(errors[:3]))


def _errors(case: Case, level: Any) -> list[str]:
    from xarray_omezarr.conformance import judge
    from xarray_omezarr.ngff.rules.check import check_attributes

    if case.mode == "store":
        import xarray_omezarr as xo

        report = xo.validate(str(case.path), level=level, data=False)
        return [f"{one.path}{one.pointer}: {one.message}" for one in report.errors]
    if case.mode == "fragment":
        checked = check_attributes(as_scene(attributes(case)), level)
        return [one.message for one in checked.findings if one.severity == "error"]
    if level == case.level:
        answer = judge(case.mode, case.path)  # type: ignore[arg-type]
        return [] if answer["valid"] else [answer["message"]]
    attrs = read(case)
    if attrs is None:
        return ["no JSON"]
    checked = check_attributes(attrs, level)
    return [one.message for one in checked.findings if one.severity == "error"]


def as_scene(fragment: Attributes) -> Attributes:
    """A bare piece of coordinate systems and transformations where it may stand."""
    if "ome" in fragment:
        return fragment
    return {"ome": {"version": CANDIDATE, "scene": fragment}}


# --- the official schemas ------------------------------------------------------------


@functools.cache
def _schemas(version: str) -> tuple[dict[str, Any], Any]:
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    files = (SPEC / version / "schemas").glob("*.schema")
    schemas = {path.stem: json.loads(path.read_text("utf-8")) for path in files}
    resources = [
        (schema["$id"], Resource.from_contents(schema, DRAFT202012))
        for schema in schemas.values()
    ]
    return schemas, Registry().with_resources(resources)


@functools.cache
def _validator(version: str, name: str) -> Any:
    from jsonschema import Draft202012Validator

    schemas, registry = _schemas(version)
    return Draft202012Validator(schemas[name], registry=registry)


def jsonschema(case: Case) -> Verdict | None:
    """The official schema of the kind; in a hierarchy, that of every group."""
    if case.mode == "store":
        named = [(name, attrs) for _, attrs in groups(case) for name in _names(attrs)]

        def question() -> None:
            for name, attrs in named:
                _validator(case.version, name).validate(attrs)

        return asked(question)
    names = [name for name in case.schemas if name in _schemas(case.version)[0]]
    if not names:
        return None
    attrs = read(case)
    if attrs is None:
        return Verdict(False, "no JSON")
    strict = "strict_" if case.strict else ""
    chosen = [f"{strict}{name}".replace("strict_strict_", "strict_") for name in names]

    def check() -> None:
        for name in chosen:
            _validator(case.version, name).validate(attrs)

    return asked(check)


def _names(attrs: Attributes) -> list[str]:
    """Names of the schemas for what attributes of a group hold."""
    blocks = attrs.get("ome", attrs)
    keys = {
        "plate": "plate",
        "well": "well",
        "bioformats2raw.layout": "bf2raw",
        "series": "ome",
        "scene": "scene",
        "multiscales": "label" if "image-label" in blocks else "image",
    }
    return [name for key, name in keys.items() if key in blocks]


OURS: dict[str, Judge] = {
    "xarray-omezarr, official question": ours_official,
    "xarray-omezarr, standard": ours_standard,
}
