"""Axes: what each dimension of an image is, and which of them make an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pydantic import Field, field_validator

from xarray_omezarr.ngff.base import Flag, Model, Text
from xarray_omezarr.ngff.units import SPACE_UNITS, TIME_UNITS


class Axis(Model):
    """One dimension of an image.

    Examples
    --------
    >>> Axis(name="x", type="space", unit="micrometer").to_json()
    {'name': 'x', 'type': 'space', 'unit': 'micrometer'}
    """

    name: Text = Field(
        min_length=1,
        description="Name of the axis, unique among the axes of its image",
    )
    type: Text | None = Field(
        default=None,
        description="'space', 'time', 'channel', or another word for a custom axis",
    )
    unit: Text | None = Field(
        default=None,
        description="Unit of scale and translation, a name of UDUNITS-2 such as "
        "'micrometer' or 'second'",
    )
    long_name: Text | None = Field(
        default=None, description="What the axis is, in words for people"
    )
    discrete: Flag | None = Field(
        default=None,
        description="Whether only whole indices have a meaning, as for channels",
    )


class CoordinateSystem(Model):
    """A named set of axes, in the order of the dimensions of the arrays."""

    name: Text = Field(
        min_length=1, description="Name of the system, unique in its image"
    )
    axes: tuple[Axis, ...] = Field(
        min_length=1, description="The axes, in the order of the array's dimensions"
    )

    @field_validator("axes")
    @classmethod
    def _names_are_unique(cls, axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
        # RULES A2: no two axes of a system may have one name. It holds for every
        # system; the other rules of AXES_RULES only for those that images have.
        if problem := _names(axes):
            raise ValueError(problem)
        return axes


def repeated_names(systems: Iterable[CoordinateSystem]) -> list[str]:
    """Names that several coordinate systems have, each told once."""
    count = Counter(system.name for system in systems)
    return sorted(name for name, times in count.items() if times > 1)


@dataclass(frozen=True, slots=True)
class AxesRule:
    """A MUST about the axes of an image.

    Parameters
    ----------
    clause : str
        The MUST, in words.
    broken : callable
        Says how axes break it, or None.
    """

    clause: str
    broken: Callable[[Sequence[Axis]], str | None]


def _names(axes: Sequence[Axis]) -> str | None:
    count = Counter(axis.name for axis in axes)
    twice = [name for name, times in count.items() if times > 1]
    return f"has several axes called {twice}: rename them" if twice else None


def _number_of_axes(axes: Sequence[Axis]) -> str | None:
    if 2 <= len(axes) <= 5:
        return None
    return (
        f"has {len(axes)} axes {_described(axes)}: images have 2 to 5; select from "
        "the others, or add a dimension of size 1"
    )


def _space(axes: Sequence[Axis]) -> str | None:
    space = [axis.name for axis in axes if axis.type == "space"]
    if 2 <= len(space) <= 3:
        return None
    return (
        f"has {len(space)} axes of type 'space' in {_described(axes)}: images have 2 "
        "or 3"
    )


def _time(axes: Sequence[Axis]) -> str | None:
    time = [axis.name for axis in axes if axis.type == "time"]
    if len(time) <= 1:
        return None
    return f"has {len(time)} axes of type 'time', {time}: images have one at most"


def _channel_or_custom(axes: Sequence[Axis]) -> str | None:
    other = [axis for axis in axes if axis.type not in ("space", "time")]
    if len(other) <= 1:
        return None
    return (
        f"has {len(other)} axes that are channels, custom or without type, "
        f"{_described(other)}: images have one at most; stack them into one"
    )


def _order(axes: Sequence[Axis]) -> str | None:
    ranks = [{"time": 0, "space": 2}.get(axis.type or "", 1) for axis in axes]
    if ranks == sorted(ranks):
        return None
    wanted = [axes[i] for i in sorted(range(len(axes)), key=ranks.__getitem__)]
    return (
        f"has axes in the order {_described(axes)}: time comes first, then the "
        f"channel or custom axis, then space; transpose to {_described(wanted)}"
    )


def _described(axes: Iterable[Axis]) -> str:
    return ", ".join(f"{axis.name!r} ({axis.type or 'no type'})" for axis in axes)


# One table, so that a version without these limits (RFC-3) brings its own.
AXES_RULES: tuple[AxesRule, ...] = (
    # RULES L8
    AxesRule("An image has 2 to 5 dimensions", _number_of_axes),
    # RULES A2
    AxesRule("Names of axes are unique", _names),
    # RULES A5
    AxesRule("There are 2 or 3 axes of type 'space'", _space),
    # RULES A6
    AxesRule("There is at most one axis of type 'time'", _time),
    # RULES A7
    AxesRule(
        "There is at most one axis that is a channel, custom or without type",
        _channel_or_custom,
    ),
    # RULES A8
    AxesRule("Axes are ordered: time, channel or custom, space", _order),
)


def check_axes(
    axes: Sequence[Axis], rules: Iterable[AxesRule] = AXES_RULES
) -> list[str]:
    """Say how axes, in the order of the array, break the MUSTs of an image.

    Examples
    --------
    >>> check_axes([Axis(name="y", type="space"), Axis(name="x", type="space")])
    []
    """
    return [problem for rule in rules if (problem := rule.broken(axes)) is not None]


def advice(axes: Sequence[Axis]) -> list[str]:
    """Say how axes, in the order of the array, break the SHOULDs of an image.

    Examples
    --------
    >>> advice([Axis(name="y", type="space"), Axis(name="x", type="space", unit="um")])
    ... # doctest: +NORMALIZE_WHITESPACE
    ["Axis 'y' has no unit: readers cannot show sizes",
     "Axis 'x' has the unit 'um', which is not in the standard's list: readers may
     not know it"]
    """
    found = [text for axis in axes for text in _advice_for(axis)]
    space = [axis.name for axis in axes if axis.type == "space"]
    if sorted(space) == ["x", "y", "z"] and space != ["z", "y", "x"]:  # RULES A9
        found.append(
            f"Space axes have the order {space}: readers expect ['z', 'y', 'x']"
        )
    return found


def _advice_for(axis: Axis) -> Iterable[str]:
    if axis.type is None:  # RULES A3
        yield f"Axis {axis.name!r} has no type: readers must guess what it is"
    listed = {"space": SPACE_UNITS, "time": TIME_UNITS}.get(axis.type or "")
    if listed is None:
        return
    if axis.unit is None:  # RULES A10
        yield f"Axis {axis.name!r} has no unit: readers cannot show sizes"
    elif axis.unit not in listed:  # RULES A11
        yield (
            f"Axis {axis.name!r} has the unit {axis.unit!r}, which is not in the "
            "standard's list: readers may not know it"
        )
