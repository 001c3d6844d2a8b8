"""Words of OME-XML: units, types of pixels and colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
SCHEMA = "http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd"

_PREFIXES = {
    "yotta": "Y",
    "zetta": "Z",
    "exa": "E",
    "peta": "P",
    "tera": "T",
    "giga": "G",
    "mega": "M",
    "kilo": "k",
    "hecto": "h",
    "": "",
    "deci": "d",
    "centi": "c",
    "milli": "m",
    "micro": "µ",
    "nano": "n",
    "pico": "p",
    "femto": "f",
    "atto": "a",
    "zepto": "z",
    "yocto": "y",
}

#: What OME-XML calls the units that OME-Zarr lists.
UNITS: dict[str, str] = {
    **{f"{prefix}meter": f"{sign}m" for prefix, sign in _PREFIXES.items()},
    **{f"{prefix}second": f"{sign}s" for prefix, sign in _PREFIXES.items()},
    "angstrom": "Å",
    "foot": "ft",
    "inch": "in",
    "mile": "mi",
    "parsec": "pc",
    "yard": "yd",
    "minute": "min",
    "hour": "h",
    "day": "d",
}

_TYPES = {
    "bool": "bit",
    "float32": "float",
    "float64": "double",
    "complex64": "complex",
    "complex128": "double-complex",
    **{name: name for name in ("int8", "int16", "int32", "uint8", "uint16", "uint32")},
}
# OME-XML has no words for these. Readers take the type from the arrays; here they
# learn whether the numbers may be negative, whole or large.
_NEAREST = {"float16": "float", "int64": "double", "uint64": "double"}


def pixel_type(dtype: np.dtype[Any]) -> tuple[str, bool]:
    """The word for a type of pixels, and whether it is that type.

    Examples
    --------
    >>> import numpy as np
    >>> pixel_type(np.dtype("float32")), pixel_type(np.dtype("uint64"))
    (('float', True), ('double', False))
    """
    name = dtype.name
    if name in _TYPES:
        return _TYPES[name], True
    return _NEAREST.get(name, "double"), False


def color_number(rgb: str) -> int:
    """An opaque colour of six hex digits as red, green, blue and alpha in 32 bits.

    The number is signed, as the schema wants it.

    Examples
    --------
    >>> color_number("FFFFFF"), color_number("0000FF")
    (-1, 65535)
    """
    number = int(rgb, 16) << 8 | 0xFF
    return number - 2**32 if number >= 2**31 else number
