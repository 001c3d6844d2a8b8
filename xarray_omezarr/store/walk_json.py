"""Bytes -> JSON, and what is wrong with them; nothing is raised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from xarray_omezarr.ngff.plain import endless_number

# As deep as metadata may nest: what reads them recursively must end before the stack.
_DEEPEST = 100
# Duplicate members that are named one by one.
_SHOWN = 5
_KINDS = {type(None): "null", bool: "true or false", str: "text", list: "a list"}


@dataclass(frozen=True, slots=True)
class Parsed:
    """What bytes say as JSON.

    Parameters
    ----------
    value : object
        None where they are no JSON.
    problems : tuple of str
        What is wrong, as words that follow the name of the document.
    is_json : bool
        Whether there is a value.
    """

    value: object
    problems: tuple[str, ...] = ()
    is_json: bool = True


def parse(raw: bytes) -> Parsed:
    """The JSON in a document.

    NaN and Infinity, which are no JSON but which others write, are told of and give a
    value; of members that occur twice the last one is kept.

    Examples
    --------
    >>> parse(b'{"a": 1, "a": 2}').problems
    ("has the member 'a' more than once",)
    >>> parse(b"{").is_json
    False
    """
    problems: list[str] = []
    repeated: list[str] = []
    constants: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            for name, _ in pairs:
                if name in seen:
                    repeated.append(name)
                seen.add(name)
        return found

    def constant(text: str) -> float:
        constants.append(text)
        return float(text)

    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=members, parse_constant=constant
        )
        _check_depth(value)
    except UnicodeDecodeError as error:
        return Parsed(None, (f"is no UTF-8 text: {error.reason}",), is_json=False)
    except RecursionError:
        words = f"nests deeper than {_DEEPEST} levels"
        return Parsed(None, (words,), is_json=False)
    except ValueError as error:
        number = endless_number(error)
        words = f"holds {number}" if number else f"is no JSON: {str(error)[:200]}"
        return Parsed(None, (words,), is_json=False)
    if constants:
        problems.append(f"holds {constants[0]}, which is no JSON")
    names = list(dict.fromkeys(repeated))
    for name in names[:_SHOWN]:
        problems.append(f"has the member {name[:80]!r} more than once")
    if not isinstance(value, Mapping):
        problems.append(
            f"holds {_KINDS.get(type(value), 'a number')} instead of an object"
        )
    return Parsed(value, tuple(problems))


def _check_depth(value: object) -> None:
    layer = [value]
    for _ in range(_DEEPEST):
        layer = [
            inner
            for each in layer
            if isinstance(each, (dict, list))
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, (dict, list))
        ]
        if not layer:
            return
    _too_deep()


def _too_deep() -> NoReturn:
    raise RecursionError
