"""Units in any spelling -> names of the standard; the only room that knows pint."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pint

from xarray_omezarr.errors import OmeZarrWarning, UnitError
from xarray_omezarr.ngff.units import SPACE_UNITS, TIME_UNITS

_LISTED: Mapping[str, frozenset[str]] = {"space": SPACE_UNITS, "time": TIME_UNITS}
_EXAMPLES = {"space": "micrometer", "time": "second"}

# What pint reads as something else ("A" is ampere, "px" a length of print, "h" and
# "m" depend on the axis), or not at all.
_SPELLINGS: Mapping[str, Mapping[str, str]] = {
    "space": {
        "micron": "micrometer",
        "microns": "micrometer",
        "A": "angstrom",
        "Angstroem": "angstrom",
        "ångström": "angstrom",
    },
    "time": {
        "sec": "second",
        "secs": "second",
        "msec": "millisecond",
        "msecs": "millisecond",
        "hr": "hour",
        "hrs": "hour",
        "mins": "minute",
    },
}
_NO_UNIT = frozenset(
    ("", "1", "px", "pixel", "pixels", "voxel", "voxels", "unit", "units", "a.u.", "au")
    + ("none", "null", "unknown", "dimensionless", "index", "indices", "frame", "frames")
)
_EPOCH = re.compile(r"(\w+)\s+since\s+.+", re.DOTALL)


def standard_unit(unit: object, *, axis_type: str, dim: str) -> str | None:
    """The name that the standard has for a unit; None where there is no unit.

    Parameters
    ----------
    unit : str, pint.Unit, pint.Quantity or None
        In any spelling: ``"um"``, ``"µm"``, ``"micron"``, ``"Micrometer"``.
    axis_type : str
        ``"space"``, ``"time"``, ``"channel"`` or another word.
    dim : str
        For messages.

    Raises
    ------
    UnitError
        If the standard has no such unit for such an axis.

    Examples
    --------
    >>> standard_unit("µm", axis_type="space", dim="x")
    'micrometer'
    >>> standard_unit("seconds since 2020-01-01", axis_type="time", dim="t")
    'second'
    """
    text = _text(unit)
    if axis_type == "channel" or text is None or text.lower() in _NO_UNIT:
        return None
    if axis_type not in _LISTED:
        return _custom_unit(text, dim)
    if axis_type == "time" and (epoch := _EPOCH.fullmatch(text)):
        text = epoch[1]
    known = _by_spelling(text, axis_type) or _by_pint(text)
    if known in _LISTED[axis_type]:
        return known
    raise UnitError(_about(text, known, axis_type, dim))


def _text(unit: object) -> str | None:
    if unit is None:
        return None
    if isinstance(unit, str):
        return unit.strip()
    # Two registries of pint do not mix; the spelling is the same in all.
    own = getattr(unit, "units", unit)
    text = str(own).strip()
    return "" if text == "dimensionless" else text


def _by_spelling(text: str, axis_type: str) -> str | None:
    listed = _LISTED[axis_type]
    if text in listed:
        return text
    spellings = _SPELLINGS[axis_type]
    if text in spellings:
        return spellings[text]
    # Only whole words are told apart from other units whatever their case: folding
    # "MM" to "mm" would turn megameters into millimeters.
    word = text.lower()
    for candidate in (word, word.removesuffix("s")):
        if len(word) > 3 and (candidate in listed or candidate in spellings):
            return spellings.get(candidate, candidate)
    return None


def _by_pint(text: str) -> str | None:
    """pint's full name of a unit; None for what it cannot read."""
    try:
        unit = pint.get_application_registry().Unit(text)
    except Exception:
        # pint's parser raises whatever its tokens run into: undefined units, but
        # also AttributeError, TypeError, ValueError, tokenize errors.
        return None
    name = str(unit)
    return "micrometer" if name == "micron" else name


def _custom_unit(text: str, dim: str) -> str:
    """Custom axes may have any unit (degree, hertz)."""
    known = text if text in SPACE_UNITS | TIME_UNITS else _by_pint(text)
    if known is None:
        raise UnitError(
            f"Unit {text!r} of {dim!r} is not known to pint; correct or remove "
            f"attrs['units'] of the coordinate"
        )
    if known not in SPACE_UNITS | TIME_UNITS:
        warnings.warn(
            f"Unit {known!r} of {dim!r} is not in the standard's list; it is written, "
            "but others may not know it",
            OmeZarrWarning,
            stacklevel=2,
        )
    return known


def _about(text: str, known: str | None, axis_type: str, dim: str) -> str:
    example = _EXAMPLES[axis_type]
    start = f"Unit {text!r} of {dim!r}"
    if known is None:
        return (
            f"{start} is not known; correct attrs['units'] of the coordinate, e.g. "
            f"to {example!r}, or remove it"
        )
    registry = pint.get_application_registry()
    if registry.Unit(known).is_compatible_with(example):
        factor = conversion_factor(known, example)
        return (
            f"{start} is not in the standard's list; convert the coordinate: multiply "
            f"it by {factor} and set attrs['units'] = {example!r}"
        )
    kind = "length" if axis_type == "space" else "time"
    return (
        f"{start} is no {kind}, and {dim!r} is an axis of {axis_type}; correct "
        f"attrs['units'] of the coordinate, e.g. to {example!r}, or remove it"
    )


def split_quantity(values: Any) -> tuple[Any, Any]:
    """Magnitude and unit of a quantity; anything else as it is, and None.

    Nothing is computed: the magnitude of a lazy quantity is lazy.
    """
    if hasattr(values, "magnitude") and hasattr(values, "units"):
        return values.magnitude, values.units
    return values, None


def conversion_factor(unit: str, into: str) -> Decimal:
    """What a number in `unit` is multiplied by to be in `into`.

    Decimal prefixes are exact; other factors have pint's precision.
    """
    registry = pint.get_application_registry()
    factor = registry.Quantity(1, unit).to(into).magnitude
    # pint computes prefixes in floats; their product is off in the last digit.
    return Decimal(f"{float(factor):.15g}")
