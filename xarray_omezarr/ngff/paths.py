"""Paths and names of groups that metadata list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from xarray_omezarr.ngff.base import Text
from xarray_omezarr.ngff.plain import shown

# ``https://``, ``file:/``, ``C:``; a colon further on is an ordinary character.
_URL_OR_DRIVE = re.compile(r"[A-Za-z]:|[A-Za-z][A-Za-z0-9+.-]*:/")
_FIELD = re.compile(r"[A-Za-z0-9_.-]+")
_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]+")


def below(path: str) -> str:
    """`path` if it leads below the group that lists it.

    What points elsewhere could make a reader open any file of its machine.
    """
    refused = {"..", ".", ""} & set(path.split("/")) or {"\\", "\0"} & set(path)
    if refused or _URL_OR_DRIVE.match(path):
        raise ValueError(
            f"is {shown(path)}: give the path of a group below this one, such as "
            "'0', without '.', '..', backslash, drive or protocol"
        )
    return path


#: Path of a group below the one that lists it, with ``/`` between names.
Below: TypeAlias = Annotated[Text, AfterValidator(below)]


def is_alphanumeric(name: str) -> bool:
    """Whether a name has ASCII letters and digits only, and at least one."""
    return _ALPHANUMERIC.fullmatch(name) is not None


def is_field_name(name: str) -> bool:
    """Whether versions with coordinate systems allow a field to be called so.

    Examples
    --------
    >>> [is_field_name(name) for name in ("fov_0", "a-1.b", "..", "__x", "ä")]
    [True, True, False, False, False]
    """
    known = _FIELD.fullmatch(name) is not None
    return known and not name.startswith("__") and name.strip(".") != ""


def repeated(names: Iterable[object]) -> list[object]:
    """What occurs more than once, each told once, in the order of its first."""
    return [name for name, times in Counter(names).items() if times > 1]
