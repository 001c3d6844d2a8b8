"""Names and paths as metadata may have them: said once, for models and for rules."""

from __future__ import annotations

import re
from urllib.parse import unquote

# ``https://``, ``file:/``, ``C:``; a colon further on is an ordinary character.
_URL_OR_DRIVE = re.compile(r"[A-Za-z]:|[A-Za-z][A-Za-z0-9+.-]*:/")
_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]+")
_BLANK = re.compile(r"[\x00-\x20]")
_READERS = 3
# What ends a path in the address of a resource.
_END = re.compile(r"[?#;]")
_FIELD = re.compile(r"(?!__)(?!\.+$)[A-Za-z0-9_.-]+")


def names_elsewhere(path: str) -> bool:
    """Whether a path starts with a drive or a protocol.

    Examples
    --------
    >>> [names_elsewhere(path) for path in ("s3://a", "C:/a", "0", "at 10:30")]
    [True, True, False, False]
    """
    return _URL_OR_DRIVE.match(path) is not None


def goes_up(path: str) -> bool:
    """Whether a part of a path is ``.`` or ``..``, or is so for others that read it.

    Clients of the web read ``%2e`` as a dot before they follow a path, leave line
    breaks out, and end it at ``?`` or ``#``. Windows leaves blanks out.

    Examples
    --------
    >>> [goes_up(path) for path in ("a/../b", "%2e%2E/b", "..?a", "a..b", "100%")]
    [True, True, True, False, False]
    """
    if "." not in path and "%" not in path:
        return False
    # What is spelled twice is read twice, by a server behind another.
    for _ in range(_READERS):
        path = unquote(path)
    parts = _BLANK.sub("", path).replace("\\", "/").split("/")
    return any(_END.split(part, maxsplit=1)[0] in (".", "..") for part in parts)


def is_alphanumeric(name: str) -> bool:
    """Whether a name has ASCII letters and digits only, and at least one."""
    return _ALPHANUMERIC.fullmatch(name) is not None


def is_well_path(path: str) -> bool:
    """Whether a path has the names of a row and a column.

    Examples
    --------
    >>> [is_well_path(path) for path in ("A/1", "A1", "A/1/0", "A/", "A/_")]
    [True, False, False, False, False]
    """
    row, between, column = path.partition("/")
    return bool(between) and is_alphanumeric(row) and is_alphanumeric(column)


def is_field_name(name: str) -> bool:
    """Whether versions with coordinate systems allow a field to be called so.

    Examples
    --------
    >>> [is_field_name(name) for name in ("fov_0", "a-1.b", "..", "__x", "ä")]
    [True, True, False, False, False]
    """
    return _FIELD.fullmatch(name) is not None
