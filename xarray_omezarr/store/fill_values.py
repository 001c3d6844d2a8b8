"""Fill values of arrays as the two formats of Zarr spell them."""

from __future__ import annotations

import math
import struct
from typing import Any

_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_CODES = {2: ">e", 4: ">f", 8: ">d"}


def new_fill_value(found: object, kind: str) -> Any:
    """The fill value in Zarr v3 of one in Zarr v2.

    Parameters
    ----------
    found : object
        As JSON; none at all counts as zero, as readers of Zarr v2 have it.
    kind : str
        Letter and bytes of its type, such as ``"u2"``.

    Raises
    ------
    ValueError
        If it is no value of the type.

    Examples
    --------
    >>> new_fill_value(None, "u2"), new_fill_value(0, "f4"), new_fill_value(1, "b1")
    (0, 0.0, True)
    """
    if found is None:
        found = 0
    if kind[0] == "c":
        return _complex(found)
    if kind[0] == "b" and found in (0, 1):
        return bool(found)
    if kind[0] == "f":
        return _float(found)
    if kind[0] in "iu" and isinstance(found, (int, float)):
        return _integer(found, kind)
    raise ValueError(f"{found!r} is none of its type")


def old_fill_value(found: object, kind: str) -> Any:
    """The fill value in Zarr v2 of one in Zarr v3.

    Raises
    ------
    ValueError
        If it is no value of the type.

    Examples
    --------
    >>> old_fill_value("0x7fc00000", "f4"), old_fill_value(7, "u2")
    ('NaN', 7)
    """
    size = int(kind[1:])
    if kind[0] == "c" and isinstance(found, list) and len(found) == 2:
        return [old_fill_value(part, f"f{size // 2}") for part in found]
    if kind[0] == "f" and isinstance(found, str) and found.startswith("0x"):
        try:
            (value,) = struct.unpack(_CODES[size], bytes.fromhex(found[2:]))
        except struct.error as error:
            raise ValueError(str(error)) from None
        return _float(value)
    return new_fill_value(found, kind)


def _complex(found: object) -> list[Any]:
    parts = found if isinstance(found, list) else [found, 0]
    if len(parts) != 2:
        raise ValueError(f"{found!r} has not two parts")
    return [_float(part) for part in parts]


def _float(found: object) -> float | str:
    if isinstance(found, str) and found in _NOT_FINITE:
        return found
    if not isinstance(found, (int, float)):
        raise ValueError(f"{found!r} is no number")
    value = float(found)
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _integer(found: float, kind: str) -> int:
    bits = 8 * int(kind[1:])
    least, end = (
        (0, 2**bits) if kind[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    )
    if not least <= found < end or found != int(found):
        raise ValueError(f"{found!r} is none of its type")
    return int(found)
