"""Units in any spelling -> names of the standard; the only room that knows pint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pint

from xarray_omezarr.errors import UnitError, warn
from xarray_omezarr.ngff.exact import times
from xarray_omezarr.ngff.units import SPACE_UNITS, TIME_UNITS

_STANDARD = SPACE_UNITS | TIME_UNITS
_LISTED: Mapping[str, frozenset[str]] = {"space": SPACE_UNITS, "time": TIME_UNITS}
_EXAMPLES: Mapping[str, str] = {"space": "micrometer", "time": "second"}
# What units outside the list are converted to.
_BASES: Mapping[str, str] = {"space": "meter", "time": "second"}

# What pint does not know, or takes for something else ("A" is ampere).
_SPELLINGS: Mapping[str, str] = {
    "micron": "micrometer",
    "microns": "micrometer",
    # ImageJ spells the letter out in its ASCII metadata.
    r"\u00B5m": "micrometer",
    r"\u00b5m": "micrometer",
    "A": "angstrom",
    "ångström": "angstrom",
    "angstroem": "angstrom",
    "fermi": "femtometer",  # which is what pint takes "fm" for
    "msec": "millisecond",
    "msecs": "millisecond",
    "secs": "second",
    "mins": "minute",
    "hrs": "hour",
}
# Words for "counted, not measured". pint knows some of them as something else: "unit"
# is a micronit, "px" a length of print.
_NO_UNIT = frozenset(
    [
        *("", "-", "1", "none", "null", "n/a", "unknown", "undefined"),
        *("px", "pixel", "pixels", "css_pixel", "voxel", "voxels"),
        *("unit", "units", "dimensionless", "a.u.", "arbitrary", "arbitrary units"),
        *("index", "indices", "frame", "frames"),
    ]
)
_EPOCH = re.compile(r"(\w+)\s+since\s.+", re.DOTALL)


def standard_unit(
    unit: object, *, axis_type: str, dim: str, asked: bool = False
) -> str | None:
    """The name that the standard has for a unit; None where there is no unit.

    Parameters
    ----------
    unit : str, pint.Unit, pint.Quantity or None
        In any spelling: ``"um"``, ``"µm"``, ``"micron"``, ``"Micrometer"``; for
        time also ``"seconds since 2020-01-01"``. Of a quantity, its unit.
    axis_type : str
        ``"space"``, ``"time"``, ``"channel"`` (which has no unit) or another word.
    dim : str
        For messages.
    asked : bool
        Whether it was given by itself, and stands at no coordinate; for messages too.

    Raises
    ------
    UnitError
        If the standard has no such unit for such an axis.

    Warns
    -----
    OmeZarrWarning
        If a custom axis has a unit outside the standard's list, in pint's spelling.

    Examples
    --------
    >>> standard_unit("µm", axis_type="space", dim="x")
    'micrometer'
    >>> standard_unit("seconds since 2020-01-01", axis_type="time", dim="t")
    'second'
    """
    text = _text(unit)
    if axis_type == "channel" or text.lower() in _NO_UNIT:
        return None
    if axis_type != "space" and (epoch := _EPOCH.fullmatch(text)):
        text = epoch[1]
    name = _by_spelling(text) or _by_pint(text)
    if axis_type not in _LISTED:
        return _custom_unit(text, name, dim, asked)
    if name in _LISTED[axis_type]:
        return name
    raise UnitError(_about(text, name, axis_type, dim, asked))


def _text(unit: object) -> str:
    if unit is None:
        return ""
    if isinstance(unit, bytes):
        return unit.decode("utf-8", errors="replace").strip()
    if isinstance(unit, str):
        return unit.strip()
    unit = getattr(unit, "units", unit)
    # Two registries of pint do not mix; the name is the same in all. "D" is the long
    # spelling, whatever the registry's default format.
    return f"{unit:D}" if isinstance(unit, pint.Unit) else str(unit).strip()


def _by_spelling(text: str) -> str | None:
    if text in _STANDARD:
        return text
    if text in _SPELLINGS:
        return _SPELLINGS[text]
    # Only whole words mean the same in any case: folding "MM" to "mm" would turn
    # megamolar into millimeter.
    word = text.lower()
    for name in (word, word.removesuffix("s")):
        if len(name) > 3 and (name in _STANDARD or name in _SPELLINGS):
            return _SPELLINGS.get(name, name)
    return None


def _by_pint(text: str) -> str | None:
    """The long name that pint has for a unit; None for what it cannot read."""
    try:
        name = f"{_registry().Unit(text):D}"
    except Exception:
        # The parser raises whatever its tokens run into: undefined units, but also
        # AssertionError, AttributeError, TypeError, ValueError, tokenize errors.
        return None
    return _SPELLINGS.get(name, name)


def _custom_unit(text: str, name: str | None, dim: str, asked: bool) -> str:
    """Custom axes may have any unit (degree, hertz)."""
    if name is None:
        remedy = "correct attrs['units'] of the coordinate, or remove it"
        if asked:
            remedy = "give another name, or none"
        raise UnitError(f"Unit {text!r} of {dim!r} is not known; {remedy}")
    if name not in _STANDARD:
        warn(
            f"Unit {name!r} of {dim!r} is not in the standard's list; other readers "
            "may not know it"
        )
    return name


def _about(text: str, name: str | None, axis_type: str, dim: str, asked: bool) -> str:
    example = _EXAMPLES[axis_type]
    start = f"Unit {text!r} of {dim!r}"
    remedy = f"set attrs['units'] of the coordinate, e.g. to {example!r}, or remove it"
    if asked:
        remedy = f"give one such as {example!r}, or none"
    meant = _by_spelling(text.lower()) or _by_pint(text.lower())
    if meant in _LISTED[axis_type]:
        return (
            f"{start} is not known; if it is {meant}, {remedy.replace(example, meant)}"
        )
    if name is None:
        return f"{start} is not known; {remedy}"
    if _registry().Unit(name).is_compatible_with(example):
        factor = conversion_factor(name, _BASES[axis_type])
        base = _BASES[axis_type]
        how = f"the coordinate by that number and set its attrs['units'] = {base!r}"
        if asked:
            how = f"the numbers by that, and give {base!r}"
        return (
            f"{start} is not in the standard's list: 1 {name} = {factor:.9g} {base}. "
            f"Multiply {how}"
        )
    kind = "length" if axis_type == "space" else "time"
    return f"{start} is no {kind}, and {dim!r} is an axis of {axis_type}; {remedy}"


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
    factor = _registry().Quantity(1, unit).to(into).magnitude
    # pint multiplies prefixes as floats; their product is off in the last digit.
    return Decimal(f"{float(factor):.15g}")


def in_unit(number: float, unit: str, into: str, *, dim: str) -> float:
    """A number in `unit` as the number in `into`, in exact decimals.

    Raises
    ------
    UnitError
        If one unit cannot be converted to the other.

    Examples
    --------
    >>> in_unit(500.0, "nanometer", "micrometer", dim="x")
    0.5
    """
    if unit == into:
        return number
    try:
        factor = conversion_factor(unit, into)
    except pint.PintError as error:
        raise UnitError(
            f"Numbers of {dim!r} are in {unit!r} and in {into!r}, of which one cannot "
            "be converted to the other; give them in one unit"
        ) from error
    return times(number, factor)


def _registry() -> pint.UnitRegistry[Any]:
    """The registry of the application, which pint-xarray uses too."""
    registry: pint.UnitRegistry[Any] = pint.get_application_registry()  # type: ignore[no-untyped-call]
    return registry
