"""Numbers of bytes as people write them."""

from __future__ import annotations

import math

from xarray_omezarr.errors import OptionError

_BYTE_UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}


def parse_bytes(value: int | str) -> int:
    """Number of bytes in ``'64 MiB'``, ``'1 GB'`` or a plain number."""
    text = str(value).strip()
    number = text.rstrip("BKMGTIbkmgti ").strip()
    unit = text[len(number) :].strip().upper()
    try:
        count = float(number) * _BYTE_UNITS[unit]
    except (KeyError, ValueError):
        count = 0.0
    if not 1 <= count < math.inf:
        raise OptionError(
            f"memory_limit is {value!r}; give bytes, e.g. 67108864 or '64 MiB'"
        )
    return int(count)
