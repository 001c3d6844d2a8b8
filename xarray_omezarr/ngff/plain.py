"""Plain values: what JSON can hold, and how messages show it."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from xarray_omezarr.errors import MetadataError

_SHOWN = 80  # characters of a value that a message repeats


def shown(value: object) -> str:
    """A value as messages repeat it, cut where it is long."""
    try:
        text = repr(_start(value, iter(range(_SHOWN + 1))))
    except ValueError as error:
        if (number := endless_number(error)) is None:
            raise
        return f"what holds {number}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def endless_number(error: BaseException) -> str | None:
    """In words, what Python refused to read or write; None if it was something else.

    Its own words tell how to lift a limit of Python, which is no advice to those whose
    file is broken.

    Examples
    --------
    >>> try:
    ...     int("9" * 5000)
    ... except ValueError as error:
    ...     print(endless_number(error))
    a number of more than 4300 digits
    """
    if "set_int_max_str_digits" not in str(error):
        return None
    return f"a number of more than {sys.get_int_max_str_digits()} digits"


def _start(value: object, parts: Iterator[int]) -> object:
    """As much of a value as `shown` needs: no document is too large or too deep for it.

    Every part is at least a character of the text; what follows the last of `parts` is
    cut off it anyway.
    """
    if type(value) is str:
        return value[: _SHOWN + 1]
    if type(value) is dict:
        within = zip(value.items(), parts, strict=False)
        return {_start(key, parts): _start(item, parts) for (key, item), _ in within}
    if type(value) is list or type(value) is tuple:
        return type(value)(
            _start(item, parts) for item, _ in zip(value, parts, strict=False)
        )
    return value


def unboxed(value: object) -> object:
    """A scalar of an array library (``ndim`` 0) as the Python value it holds."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "ndim", None) == 0 else value


def escaped(key: str) -> str:
    """A key as JSON pointers spell it."""
    return key.replace("~", "~0").replace("/", "~1")


_PLAIN = (str, int, bool, type(None))


def plain(value: object, pointer: str = "") -> Any:
    """`value` as JSON holds it: lists, str-keyed dicts and Python's own scalars.

    Nulls inside free metadata say something there and stay.
    """
    try:
        return _plain(value, pointer)
    except RecursionError:
        # Neither the place nor the value could be told: both are as deep.
        raise MetadataError(
            f"{pointer or '/'} is nested too deeply, or holds itself"
        ) from None


def _plain(value: object, pointer: str) -> Any:
    # Most values are these, and asking for more of them takes time.
    if type(value) in _PLAIN:
        return value
    members = getattr(value, "members", None)
    # A model becomes the object of its members.
    value = members() if callable(members) else unboxed(value)
    if isinstance(value, Mapping):
        return {
            _key(key, pointer): _plain(item, f"{pointer}/{escaped(str(key))}")
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(item, f"{pointer}/{i}") for i, item in enumerate(value)]
    return _scalar(value, pointer)


def _key(key: object, pointer: str) -> str:
    if not isinstance(key, str):
        raise MetadataError(
            f"{pointer or '/'} has the key {shown(key)}: keys of JSON are text"
        )
    return str(key)


def _scalar(value: object, pointer: str) -> bool | int | float | str | None:
    if value is None or isinstance(value, bool):
        return value
    # Subclasses (enumerations, numpy.float64) become the plain type.
    for plain_type in (str, int, float):
        if isinstance(value, plain_type):
            if isinstance(value, float) and not math.isfinite(value):
                raise MetadataError(
                    f"{pointer or '/'} is {value!r}: JSON has no such number; leave "
                    "it out or write it as text"
                )
            return plain_type(value)
    raise MetadataError(
        f"{pointer or '/'} is {shown(value)}, a {type(value).__name__}, which JSON "
        "cannot hold: give text, numbers, lists or objects (arrays: .tolist())"
    )
