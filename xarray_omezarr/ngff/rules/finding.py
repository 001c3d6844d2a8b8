"""Finding: one place where a document is not as the standard says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from xarray_omezarr.errors import printable

#: A broken MUST is an error, a broken SHOULD a warning.
Severity: TypeAlias = Literal["error", "warning"]

#: Whose demands count: of the official schemas, of their strict forms, or of the text.
Strictness: TypeAlias = Literal["schema", "strict", "standard"]

_SHOWN = 80  # characters of a value that a finding repeats
_MEMBERS = 6  # members of a list or an object that it repeats
_DEPTH = 3
_DIGITS = 60  # bits per digit are more than three; longer numbers are not spelled out


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a document.

    Parameters
    ----------
    severity : {"error", "warning"}
        Whether a MUST or a SHOULD of the standard is broken.
    path : str
        Node of the hierarchy below the target; ``""`` is the target itself.
    pointer : str
        JSON pointer into the attributes of the node; ``""`` where the finding is about
        all of them, or about a file.
    message : str
        What is wrong, with what was seen.
    clause : str
        The rule: version, the part of the standard, the demand, and MUST or SHOULD.
    seen : str
        The value, short.
    remedy : str
        What to do about it.

    Examples
    --------
    >>> print(Finding("error", "0", "/ome/version", "tells no version"))
    error at 0#/ome/version: tells no version
    """

    severity: Severity
    path: str
    pointer: str
    message: str
    clause: str = ""
    seen: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.path}#{self.pointer}" if self.pointer else self.path or "/"
        parts = [f"{self.severity} at {place}: {self.message}"]
        if self.clause:
            parts.append(f"[{self.clause}]")
        if self.remedy:
            parts.append(f"-> {self.remedy}")
        return printable(" ".join(parts))

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def seen(value: object) -> str:
    """A value as findings repeat it: short, and made without running foreign code.

    Examples
    --------
    >>> seen({"name": "x", "scale": [0.5, 1.0]})
    '{"name": "x", "scale": [0.5, 1.0]}'
    >>> seen([[[[1]]]])
    '[[[...]]]'
    """
    text = _seen(value, _DEPTH)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _seen(value: object, depth: int) -> str:
    kind = type(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{_safe(str.__str__(value)[: _SHOWN + 1])}"'
    if kind is int or kind is float:
        return _number(value)
    if isinstance(value, dict | list | tuple):
        return _several(value, depth)
    return f"a Python {kind.__name__}"


def _number(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 4 * _DIGITS:
        return f"a number of about {value.bit_length() * 3 // 10} digits"
    return repr(value)


def _several(value: dict[Any, Any] | list[Any] | tuple[Any, ...], depth: int) -> str:
    is_object = isinstance(value, dict)
    left, right = "{}" if is_object else "[]"
    if not len(value):
        return left + right
    if depth == 0:
        return f"{left}...{right}"
    shown: list[str] = []
    for i, item in enumerate(value):
        if i == _MEMBERS:
            shown.append("...")
            break
        if isinstance(value, dict):
            shown.append(f"{_seen(item, 0)}: {_seen(value[item], depth - 1)}")
        else:
            shown.append(_seen(item, depth - 1))
    return left + ", ".join(shown) + right


def _safe(text: str) -> str:
    """Text on one line, without what a terminal would obey."""
    plain = (c if c.isprintable() else c.encode("unicode_escape") for c in text)
    return "".join(c if isinstance(c, str) else c.decode("ascii") for c in plain)


def pointed(pointer: str, key: object) -> str:
    """The pointer of a member, as RFC 6901 spells it.

    Examples
    --------
    >>> pointed("/ome", "a/b")
    '/ome/a~1b'
    """
    if isinstance(key, str):
        return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
    return f"{pointer}/{key}" if type(key) is int else f"{pointer}/{_seen(key, 0)}"
