"""Axes: what the standard demands of the axes of an image or a coordinate system."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.spot import Spot, text
from xarray_omezarr.ngff.units import SPACE_UNITS, TIME_UNITS

_AXES = "axes"
# RULES A1 of the versions whose axes are names or fixed.
_NAMES = ("t", "c", "z", "y", "x")
_LISTED = {"space": SPACE_UNITS, "time": TIME_UNITS}
_EXAMPLES = {"space": "micrometer", "time": "second"}
_MOST = 5


def check_axes(axes: Spot) -> int | None:
    """Measure the axes of an image, or of a system; their number, if it can be told."""
    if axes.dialect.axes == "names":
        return _check_names(axes)
    least = 1 if axes.dialect.axes == "systems" else 2
    # RULES L8
    demand = f"{_AXES}: a list of {least} to {_MOST} different axes"
    # The text demands more: names that differ.
    if not axes.is_list(demand, least, _MOST, unique=not axes.follows_text):
        return None
    for axis in axes.items():
        _check_axis(axis)
    if axes.dialect.axes == "systems":
        _count_in_system(axes)
    elif not axes.follows_text:
        _count_in_schema(axes)
    if axes.follows_text:
        _check_together(axes)
    return len(axes.value)


def _check_axis(axis: Spot) -> None:
    if not axis.is_object(f"{_AXES}: each axis is an object"):
        return
    name = axis.need("name", f"{_AXES}: each axis has a name")  # RULES A1
    if name is not None and name.is_text(f"{_AXES}: names are text"):
        if not name.value:
            (name.error if axis.dialect.axes == "systems" else name.should)(
                "is empty", f"{_AXES}: names are not empty", "give the axis a name"
            )
    _check_type(axis)
    if axis.dialect.axes == "systems":
        axis.text_member("longName", f"{_AXES}: names for people")  # RULES A15
        if (discrete := axis.child("discrete")) is not None:
            discrete.is_boolean(f"{_AXES}: discrete")
    _check_unit(axis)


def _check_type(axis: Spot) -> None:
    kind = axis.child("type")
    if kind is None or (kind.value is None and _null_passes(axis)):
        axis.should(  # RULES A3
            f"has no type: {seen(axis.value)}",
            f"{_AXES}: each axis has a type",
            "add 'type'",
        )
    elif kind.is_text(f"{_AXES}: types are text"):
        if kind.value not in axis.dialect.axis_types:  # RULES A4
            kind.should(
                f"is {seen(kind.value)}, a type that the standard does not know",
                f"{_AXES}: type is one of {', '.join(sorted(axis.dialect.axis_types))}",
                "keep it if none of these fits; other programs may not know it",
            )


def _null_passes(axis: Spot) -> bool:
    # RULES A12: where the text is silent, a null says that nothing is known.
    return axis.follows_text and axis.dialect.null_unit


def _check_unit(axis: Spot) -> None:
    unit = axis.child("unit")
    if unit is not None and unit.value is None and _null_passes(axis):
        unit.should(
            "is null", f"{_AXES}: a unit is text", "leave 'unit' out"
        )  # RULES A12
        return
    kind = text(axis.value, "type")
    if unit is None:
        if kind in _LISTED:  # RULES A10
            axis.should(
                f"has no unit: {seen(axis.value)}",
                f"{_AXES}: axes of type space and time have a unit",
                f"add 'unit', such as {_EXAMPLES[kind]!r}",
            )
        return
    # The older schemas look at units only where they count axes.
    if not isinstance(unit.value, str):
        report = unit.error if axis.dialect.axes == "systems" else unit.must
        report(
            f"is {seen(unit.value)}, not text",
            f"{_AXES}: a unit is text",
            "leave 'unit' out where there is none",
        )
    elif kind in _LISTED and unit.value not in _LISTED[kind]:  # RULES A11
        unit.should(
            f"is {seen(unit.value)}, not in the list of the standard",
            f"{_AXES}: units of {kind} are names of UDUNITS-2",
            f"write the full singular name, such as {_EXAMPLES[kind]!r}",
        )


def _count_in_schema(axes: Spot) -> None:
    """Count axes of space as the schemas of the versions before 0.6 do."""
    count = sum(map(_counts_as_space, axes.value))  # RULES A5, A12, A16
    if not 2 <= count <= 3:
        axes.error(
            f"has {count} axes that count as space, not 2 or 3: a null as unit takes "
            "an axis out, a missing type adds one",
            f"{_AXES}: 2 or 3 are of type space",
            "give each axis a type, and no null as unit",
        )


def _counts_as_space(axis: object) -> bool:
    if not isinstance(axis, dict):
        return False
    is_text = all(isinstance(axis.get(key, ""), str) for key in ("name", "unit"))
    kind = axis.get("type", "space")
    return is_text and isinstance(kind, str) and kind == "space"


def _count_in_system(axes: Spot) -> None:
    """Two or three axes of space, or two and more of an array, not both."""
    kinds = _kinds(axes.value)
    space, array = kinds.count("space"), kinds.count("array")
    if (2 <= space <= 3) == (array >= 2):  # RULES A5
        axes.error(
            f"has {space} axes of type space and {array} of type array",
            f"{_AXES}: 2 or 3 are of type space, or else at least 2 of type array",
            "give each axis the type that it has",
        )


def _check_together(axes: Spot) -> None:
    _check_unique(axes)
    if all(map(_has_kind, axes.value)):
        _check_kinds(axes)
    names = [text(axis, "name") for axis in axes.value if text(axis, "type") == "space"]
    if sorted(map(str, names)) == ["x", "y", "z"] and names != ["z", "y", "x"]:
        axes.should(  # RULES A9
            f"has the space axes in the order {', '.join(map(str, names))}",
            f"{_AXES}: three axes of space are in the order z, y, x",
            "transpose the arrays and reorder the axes",
        )


def _has_kind(axis: object) -> bool:
    """Whether its type, or that it has none, can be told."""
    if not isinstance(axis, dict):
        return False
    kind = axis.get("type")
    return kind is None or isinstance(kind, str)


def _check_unique(axes: Spot) -> None:
    known: set[str] = set()
    for axis in axes.items():
        name = text(axis.value, "name")
        if name is not None and name in known:  # RULES A2
            axis.must(
                f"has the name {seen(name)} of another axis",
                f"{_AXES}: names are unique",
                "rename one of them",
            )
        known.add(name or "")


def _check_kinds(axes: Spot) -> None:
    kinds = _kinds(axes.value)
    space, time = kinds.count("space"), kinds.count("time")
    others = len(kinds) - space - time
    # A system of array axes has other rules.
    if axes.dialect.axes == "systems" and _is_of_array(kinds):
        return
    if axes.dialect.axes != "systems" and not 2 <= space <= 3:  # RULES A5
        axes.must(
            f"has {space} axes of type space",
            f"{_AXES}: 2 or 3 are of type space",
            "give each axis the type that it has",
        )
    if time > 1:  # RULES A6
        axes.must(
            f"has {time} axes of type time",
            f"{_AXES}: at most one is of type time",
            "give each axis the type that it has",
        )
    if others > 1:  # RULES A7
        axes.must(
            f"has {others} axes that are channels, custom or without type",
            f"{_AXES}: at most one is a channel, custom or without type",
            "stack them into one axis",
        )
    ranks = [_rank(kind) for kind in kinds]
    if ranks != sorted(ranks):  # RULES A8
        axes.must(
            f"has axes in the order {_listed(kinds)}",
            f"{_AXES}: in the order time, channel or custom, space",
            "transpose the arrays and reorder the axes",
        )


def _is_of_array(kinds: Sequence[str | None]) -> bool:
    return kinds.count("array") >= 2 and "space" not in kinds


def _kinds(axes: Iterable[Any]) -> list[str | None]:
    return [text(axis, "type") for axis in axes]


def _rank(kind: str | None) -> int:
    return {"time": 0, "space": 2}.get(kind or "", 1)


def _listed(kinds: Iterable[str | None]) -> str:
    return ", ".join(kind or "no type" for kind in kinds)


def _check_names(axes: Spot) -> int | None:
    """Axes of the version in which they are names alone."""
    demand = f"{_AXES}: a list of 2 to {_MOST} names of {', '.join(_NAMES)}"
    if not axes.is_list(demand, 2, _MOST, unique=True):
        return None
    for axis in axes.items():
        axis.is_one_of(_NAMES, demand)
    names = [name for name in axes.value if isinstance(name, str)]
    places = [_NAMES.index(name) for name in names if name in _NAMES]
    if places != sorted(places):
        axes.must(
            f"has the order {seen(axes.value)}",
            f"{_AXES}: in the order {', '.join(_NAMES)}",
            "transpose the arrays and reorder the axes",
        )
    return len(axes.value)
