"""What is kept beside an image, after its grid, its name or its channels changed.

What is kept wins over the metadata of the standard when the image is read; left as it
is, it would bring back what was corrected.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import CoordinateError, UnitError
from xarray_omezarr.grid.correction import AxisChange
from xarray_omezarr.grid.kept import KEY, is_kept
from xarray_omezarr.grid.units import in_unit, standard_unit

Json: TypeAlias = Any

_SINCE = " since "
_VALUES = ("dims", "dtype", "values", "array")
# Seconds per tick of dates.
_TICKS = {"s": 0, "ms": 3, "us": 6, "ns": 9, "ps": 12, "fs": 15, "as": 18}
_LONGER = {"m": 60, "h": 3600, "D": 86400, "W": 604800}
# What dates that are nearer to each other are told in, and where ticks end.
_FINER = ("s", "ms", "us", "ns")
_MOST = 2**63


@dataclass(frozen=True, slots=True)
class KeptChange:
    """What changed of an image.

    Parameters
    ----------
    axes : mapping
        Changes by axis.
    names : tuple of str or None, optional
        The name before and after.
    renamed : collection of str
        Axes whose pixels have other names now: that of the channels.
    """

    axes: Mapping[str, AxisChange] = field(default_factory=dict)
    names: tuple[str | None, str | None] | None = None
    renamed: Collection[str] = ()


def correct_kept(
    attrs: Mapping[str, Json], change: KeptChange
) -> tuple[dict[str, Json], list[str]]:
    """Attributes of a group with what is kept in them corrected, and what was lost.

    Exact positions along a corrected axis move with it: uneven steps stay uneven, dates
    stay dates. Those in an array of their own cannot be changed with metadata alone:
    they are forgotten, and named.

    Parameters
    ----------
    attrs : mapping
        All attributes of the group.
    change : KeptChange
        What changed.
    """
    kept: Json = attrs.get(KEY)
    if not is_kept(kept) or not isinstance(kept.get("coords", {}), Mapping):
        return dict(attrs), []
    kept = copy.deepcopy(dict(kept))
    lost: list[str] = []
    _rename(kept, change)
    coords = kept.get("coords", {})
    for name, entry in [*coords.items()]:
        if not isinstance(entry, Mapping) or entry.get("dims", [name]) != [name]:
            continue
        new = dict(entry)
        if name in change.renamed:
            _forget(new)
        if name in change.axes:
            _correct(name, new, change.axes[name], lost)
        coords[name] = new
        if not new:
            del coords[name]
    return {**attrs, KEY: kept}, lost


def kept_units(attrs: Mapping[str, Json]) -> dict[str, str]:
    """Units that kept positions along axes are told in, whatever the axes tell.

    Parameters
    ----------
    attrs : mapping
        All attributes of the group.
    """
    kept: Json = attrs.get(KEY)
    if not is_kept(kept) or not isinstance(kept.get("coords", {}), Mapping):
        return {}
    own = {
        name: _own_unit(name, entry)
        for name, entry in kept.get("coords", {}).items()
        if isinstance(entry, Mapping) and entry.get("dims") == [name]
    }
    return {name: unit for name, unit in own.items() if unit is not None}


def _rename(kept: dict[str, Json], change: KeptChange) -> None:
    own = kept.get("attrs")
    if change.names is None or not isinstance(own, Mapping):
        return
    before, after = change.names
    if own.get("long_name") == before and before is not None:
        kept["attrs"] = {**own, "long_name": after}


def _forget(entry: dict[str, Json]) -> None:
    for key in _VALUES:
        entry.pop(key, None)


def _correct(
    name: str, entry: dict[str, Json], change: AxisChange, lost: list[str]
) -> None:
    if not (change.moves or change.renames):
        return
    own = _own_unit(name, entry)
    _correct_unit(entry, change)
    kind = "" if "dtype" not in entry else np.dtype(entry["dtype"]).kind
    if kind in ("m", "M"):
        # Dates have a length of their own: another unit makes them longer.
        change = _in_seconds(name, change)
    elif own not in (None, change.unit) and change.unit is not None:
        change = _from(change, str(own), name)
    if kind not in tuple("biufmM") or not change.moves:
        return
    if "array" in entry:
        lost.append(name)
        _forget(entry)
        return
    moved = _moved(entry, kind, change)
    entry |= {"dtype": moved.dtype.str, "values": moved.tolist()}
    if kind in "mM":
        entry["values"] = moved.astype(np.int64).tolist()


def _own_unit(name: str, entry: Mapping[str, Json]) -> str | None:
    """The unit of the kept values, if it is told and a name of the standard."""
    own = entry.get("attrs", {})
    told = own.get("units") if isinstance(own, Mapping) else None
    if not isinstance(told, str):
        return None
    for kind in ("time", "space"):
        with contextlib.suppress(UnitError):
            return standard_unit(told.partition(_SINCE)[0], axis_type=kind, dim=name)
    return None


def _correct_unit(entry: dict[str, Json], change: AxisChange) -> None:
    """Let the unit be that of the axis; an epoch stays."""
    own = entry.get("attrs", {})
    told = own.get("units")
    if not isinstance(told, str):
        return
    _, since, epoch = told.partition(_SINCE)
    attrs = {key: value for key, value in own.items() if key != "units"}
    if since and change.new_unit is not None:
        attrs["units"] = f"{change.new_unit}s{since}{epoch}"
    if attrs:
        entry["attrs"] = attrs
    else:
        entry.pop("attrs")


def _from(change: AxisChange, own: str, name: str) -> AxisChange:
    """The change of positions that were in a unit of their own before."""
    assert change.unit is not None
    scale, translation = (
        in_unit(number, change.unit, own, dim=name)
        for number in (change.scale, change.translation)
    )
    return replace(change, scale=scale, translation=translation, unit=own)


def _in_seconds(name: str, change: AxisChange) -> AxisChange:
    def seconds(number: float, unit: str | None) -> float:
        return number if unit is None else in_unit(number, unit, "second", dim=name)

    return AxisChange(
        seconds(change.scale, change.unit),
        seconds(change.translation, change.unit),
        seconds(change.new_scale, change.new_unit),
        seconds(change.new_translation, change.new_unit),
    )


def _moved(entry: Mapping[str, Json], kind: str, change: AxisChange) -> NDArray[Any]:
    if kind not in ("m", "M"):
        values = [change.position(float(value)) for value in entry["values"]]
        return np.asarray(values, dtype="<f8")
    dtype = np.dtype(entry["dtype"])
    tick = _tick(dtype)
    ratio = _fraction(change.new_scale) / _fraction(change.scale)
    shift = _fraction(change.new_translation) - _fraction(change.translation)
    first = entry["values"][0] if entry["values"] else 0
    seconds = [
        first * tick + shift + (v - first) * tick * ratio for v in entry["values"]
    ]
    return _dates(seconds, dtype)


def _tick(dtype: Json) -> Fraction:
    """Seconds per tick of a type of dates."""
    unit, count = np.datetime_data(dtype)
    return Fraction(_LONGER.get(unit, 1), 10 ** _TICKS.get(unit, 0)) * count


def _dates(seconds: list[Fraction], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Dates in the ticks that they had, or in finer ones that tell them exactly.

    Where none do, nanoseconds are near enough, unless they do not reach so far.
    """
    finer = (np.dtype(f"{dtype.kind}8[{unit}]") for unit in _FINER)
    kinds = [dtype, *(kind for kind in finer if _tick(kind) < _tick(dtype))]
    reached = [
        kind
        for kind in kinds
        if all(abs(moment / _tick(kind)) < _MOST for moment in seconds)
    ]
    exact = (
        kind
        for kind in reached
        if all((moment / _tick(kind)).denominator == 1 for moment in seconds)
    )
    if not reached:
        raise CoordinateError(
            f"Dates of type {dtype} do not reach where the correction puts them"
        )
    chosen = next(exact, reached[-1])
    ticks = [round(moment / _tick(chosen)) for moment in seconds]
    return np.asarray(ticks, dtype=np.int64).astype(chosen)


def _fraction(value: float) -> Fraction:
    return Fraction(repr(float(value)))
