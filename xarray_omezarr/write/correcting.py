"""A correction of an image that stands -> the models of its levels, axes and labels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import (
    AxisError,
    CoordinateError,
    MetadataError,
    Problems,
    UnitError,
    some,
)
from xarray_omezarr.grid.correction import AxisChange, split_after
from xarray_omezarr.grid.model import to_grid
from xarray_omezarr.grid.units import in_unit, split_quantity, standard_unit
from xarray_omezarr.ngff.multiscale import Level, Multiscale
from xarray_omezarr.ngff.transforms import Identity, Scale, Translation
from xarray_omezarr.ngff.transforms import Sequence as Chain

if TYPE_CHECKING:
    from xarray_omezarr.grid.grid import GridAxis
    from xarray_omezarr.ngff.transforms import Transformation

# Scale and translation by axis.
_Numbers = dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What level 0 shall be, by axis: numbers, quantities, and names of units."""

    scale: Mapping[str, Any] = field(default_factory=dict)
    translation: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, Any] = field(default_factory=dict)

    @property
    def axes(self) -> list[str]:
        """All axes that are named, each once."""
        return [*dict.fromkeys([*self.scale, *self.translation, *self.units])]


def plan_changes(
    picture: Multiscale, asked: Asked, read_in: Mapping[str, str] | None = None
) -> dict[str, AxisChange]:
    """What changes along the axes of a picture.

    Parameters
    ----------
    picture : Multiscale
        The picture.
    asked : Asked
        What is asked for.
    read_in : mapping, optional
        Units, by axis, of positions that are kept beside the image: it is read in them.

    Raises
    ------
    AxisError
        If an axis is named that it has not, or that counts channels.
    CoordinateError, UnitError
        If a number or a unit is none, or nobody knows in which unit a number is.
    """
    names = [axis.name for axis in picture.axes]
    unknown = [name for name in asked.axes if name not in names]
    if unknown:
        raise AxisError(f"There is no axis {unknown}; the axes are {names}")
    _refuse_nothing(picture, asked.axes)
    finest = _grid(picture, picture.levels[0])
    problems, changes = Problems(), {}
    for name in asked.axes:
        with problems.collected():
            _refuse_doubt(finest[name], asked, (read_in or {}).get(name))
            changes[name] = _change(finest[name], asked)
    problems.raise_all("The axes cannot be corrected")
    return changes


def _refuse_nothing(picture: Multiscale, names: list[str]) -> None:
    """Refuse scales of 0, from which no factors of levels can be told."""
    places = [n for n, axis in enumerate(picture.axes) if axis.name in names]
    after = [t for t in picture.applied_after_levels if isinstance(t, Scale)]
    scales = [level.scale for level in picture.levels] + [t.scale for t in after]
    told = [scale for scale in scales if scale]
    if len(scales) > 1 and any(scale[n] == 0 for scale in told for n in places):
        raise MetadataError(
            "The file tells a scale of 0, from which nobody knows how the levels "
            "relate; say the whole anew with write_metadata"
        )


def _refuse_doubt(axis: GridAxis, asked: Asked, seen: str | None) -> None:
    """Refuse numbers without a unit where the file tells another than is read."""
    name = axis.name
    if seen in (None, axis.unit) or axis.unit is None:
        return
    given = {"scale": asked.scale.get(name), "translation": asked.translation.get(name)}
    numbers = {what: value for what, value in given.items() if value is not None}
    if name in asked.units:
        # The new unit is that of all numbers of the axis, those of the file as well.
        is_told = len(numbers) == len(given)
        doubtful, value = "unit", asked.units[name]
    else:
        plain = [what for what in numbers if split_quantity(numbers[what])[1] is None]
        is_told = not plain
        doubtful = plain[0] if plain else ""
        value = numbers.get(doubtful)
    if not is_told:
        raise UnitError(
            f"{doubtful} of {name!r} is {value!r}, and this image is read in {seen} "
            f"along {name!r} while its file tells {axis.unit}: say which one is meant, "
            "with a quantity, or with units=, scale= and translation= together"
        )


def _change(axis: GridAxis, asked: Asked) -> AxisChange:
    name = axis.name
    if axis.type == "channel":
        raise AxisError(
            f"Axis {name!r} is the channels, which have names and no positions; name "
            "them with channels="
        )
    scale, own = _measure(asked.scale.get(name), "scale", axis)
    translation, other = _measure(asked.translation.get(name), "translation", axis)
    unit = axis.unit or other if own is None else own
    if name in asked.units:
        told = asked.units[name]
        unit = standard_unit(told, axis_type=axis.type, dim=name, asked=True)
    new_scale = axis.scale if scale is None else _converted(scale, own, unit, name)
    if new_scale <= 0 and scale is not None:
        raise CoordinateError(
            f"scale of {name!r} is {asked.scale[name]!r}; it must be above zero"
        )
    if translation is not None:
        first = _converted(translation, other, unit, name)
    elif name not in asked.units:
        # A quantity as scale brings its unit; where the image lies does not change.
        first = _converted(axis.translation, axis.unit, unit, name)
    else:
        first = axis.translation
    return AxisChange(axis.scale, axis.translation, new_scale, first, axis.unit, unit)


def _measure(value: Any, what: str, axis: GridAxis) -> tuple[float | None, str | None]:
    """Number and unit; no unit for a plain number."""
    if value is None:
        return None, None
    magnitude, unit = split_quantity(value)
    try:
        number = math.nan if isinstance(magnitude, bool | str) else float(magnitude)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise CoordinateError(
            f"{what} of {axis.name!r} is {value!r}; give a finite number"
        )
    known = None
    if unit is not None:
        known = standard_unit(unit, axis_type=axis.type, dim=axis.name, asked=True)
    return number, known


def _converted(number: float, own: str | None, unit: str | None, name: str) -> float:
    if own is None or unit is None:
        return number
    return in_unit(number, own, unit, dim=name)


def follow(picture: Multiscale, changes: Mapping[str, AxisChange]) -> Multiscale:
    """A picture after the change of the image that it belongs to.

    Parameters
    ----------
    picture : Multiscale
        The image itself, one of its label images, or another picture beside it. Axes
        that it has not are passed over.
    changes : mapping
        Changes of level 0 of the image, by axis.

    Raises
    ------
    MetadataError
        If it has another unit than the image, so that the numbers do not compare, or
        if named transformations count in a unit that changes.
    """
    own = {axis.name: axis for axis in picture.axes}
    mine = {
        name: change
        for name, change in changes.items()
        if name in own and (change.moves or change.renames)
    }
    _refuse_nothing(picture, [name for name in mine if mine[name].moves])
    for name, change in mine.items():
        _check_unit(name, own[name].unit, change)
    _check_ways(picture, mine)
    axes = tuple(
        axis.model_copy(update={"unit": mine[axis.name].new_unit})
        if axis.name in mine and mine[axis.name].renames
        else axis
        for axis in picture.axes
    )
    systems = tuple(
        system.model_copy(update={"axes": axes}) if system is picture.system else system
        for system in picture.coordinate_systems
    )
    moved = _moved(picture, mine)
    return moved.model_copy(update={"coordinate_systems": systems})


def _check_unit(name: str, unit: str | None, change: AxisChange) -> None:
    known = {None, unit}
    if change.unit in known or unit is None:
        return
    if unit == change.new_unit and not change.moves:
        return
    raise MetadataError(
        f"Axis {name!r} has the unit {unit!r} here and {change.unit!r} in the image: "
        "one number cannot correct both; correct this group by itself first, with "
        "group= and units="
    )


def _check_ways(picture: Multiscale, changes: Mapping[str, AxisChange]) -> None:
    """Refuse another unit where transformations count on the one that is there."""
    # A unit that nobody told yet is only named: the numbers stay what they were.
    renamed = [
        name
        for name, change in changes.items()
        if change.renames and (change.unit is not None or change.moves)
    ]
    system = picture.system.name
    leading = [
        way
        for way in picture.between_systems
        if system in {end.name for end in (way.input, way.output) if end is not None}
    ]
    _refuse_renaming({name: changes[name].unit for name in renamed}, leading, system)


def check_above(
    before: Multiscale, after: Multiscale, ways: Iterable[Transformation], above: str
) -> None:
    """Refuse another unit where transformations of a group above count on it.

    Parameters
    ----------
    before, after : Multiscale
        The picture as it is, and as it shall be.
    ways : iterable of Transformation
        Of that group, from or to the system of the picture.
    above : str
        What the group is, and where.

    Raises
    ------
    MetadataError
        Naming the axes, the transformations and the group.
    """
    was, now = (_grid(picture, picture.levels[0]) for picture in (before, after))
    renamed = {
        name: axis.unit
        for name, axis in was.items()
        if axis.unit != now[name].unit
        and (axis.unit is not None or _measures(axis) != _measures(now[name]))
    }
    _refuse_renaming(renamed, [*ways], before.system.name, f" of {above}")


def _measures(axis: GridAxis) -> tuple[float, float]:
    return axis.scale, axis.translation


def _refuse_renaming(
    units: Mapping[str, str | None],
    ways: list[Transformation],
    system: str,
    above: str = "",
) -> None:
    """Raise if axes change their unit, by name, and transformations count in it."""
    if not units or not ways:
        return
    told = [f"{way.type!r}{f' {way.name!r}' if way.name else ''}" for way in ways]
    anew = "" if above else ", or say the transformations anew with write_metadata"
    remedy = (
        "name the unit alone first, with units="
        if None in units.values()
        else f"give numbers in the units that are there, {dict(units)}{anew}"
    )
    raise MetadataError(
        f"The unit of {[*units]} cannot change: {len(ways)} transformations{above} "
        f"({some(told, 3)}) lead from or to the system {system!r} and count in "
        f"it, so that all other systems would be off; {remedy}"
    )


def _moved(picture: Multiscale, changes: Mapping[str, AxisChange]) -> Multiscale:
    """The picture with the transformations of its levels corrected."""
    changes = {name: change for name, change in changes.items() if change.moves}
    if not changes:
        return picture
    wanted: list[_Numbers] = []
    for level in picture.levels:
        numbers = _numbers(picture, level)
        for name, change in changes.items():
            numbers[name] = change.of(*numbers[name])
        wanted.append(numbers)
    ones = (1.0,) * len(picture.axes)
    after = _numbers(picture, Level.of("after", ones))
    own = [
        split_after({name: numbers[name] for name in changes}, after)
        for numbers in wanted
    ]
    if any(part is None for part in own):
        # What is applied after the levels cannot stay: no numbers before it would give
        # exactly those asked for.
        levels = [*map(_with_numbers, picture.levels, wanted, [picture] * len(wanted))]
        return picture.model_copy(
            update={
                "levels": tuple(levels),
                "coordinate_transformations": picture.between_systems,
            }
        )
    levels = [
        _with_numbers(level, {**_own(picture, level), **(part or {})}, picture)
        for level, part in zip(picture.levels, own, strict=True)
    ]
    return picture.model_copy(update={"levels": tuple(levels)})


def _grid(picture: Multiscale, level: Level) -> dict[str, GridAxis]:
    grid = to_grid(picture, level, (1,) * len(picture.axes))
    return {axis.name: axis for axis in grid.axes}


def _numbers(picture: Multiscale, level: Level) -> _Numbers:
    axes = _grid(picture, level)
    return {name: (axis.scale, axis.translation) for name, axis in axes.items()}


def _own(picture: Multiscale, level: Level) -> _Numbers:
    """What the level itself tells, to the letter."""
    names = [axis.name for axis in picture.axes]
    scale = level.scale or (1.0,) * len(names)
    shift = level.translation or (0.0,) * len(names)
    return dict(zip(names, zip(scale, shift, strict=True), strict=True))


def _with_numbers(level: Level, numbers: _Numbers, picture: Multiscale) -> Level:
    """The level with other numbers, in the form that it has if that can hold them."""
    order = [axis.name for axis in picture.axes]
    scale = tuple(numbers[name][0] for name in order)
    shift = tuple(numbers[name][1] for name in order)
    known = level.transformation
    if isinstance(known, Chain):
        parts = tuple(
            part.model_copy(
                update={"scale": scale}
                if isinstance(part, Scale)
                else {"translation": shift}
            )
            for part in known.transformations
        )
        if any(shift) and not any(isinstance(part, Translation) for part in parts):
            parts += (Translation(translation=shift),)
        changed: Any = known.model_copy(update={"transformations": parts})
    elif not any(shift):
        changed = _scale(known, scale)
    else:
        ends = {key: getattr(known, key) for key in ("name", "input", "output")}
        first = _scale(known, scale).model_copy(update=dict.fromkeys(ends))
        parts = (first, Translation(translation=shift))
        changed = Chain(transformations=parts, **ends)
    return level.model_copy(update={"transformation": changed})


def _scale(known: Scale | Identity, scale: tuple[float, ...]) -> Scale:
    if isinstance(known, Scale):
        return known.model_copy(update={"scale": scale})
    ends = {key: getattr(known, key) for key in ("name", "input", "output")}
    return Scale(scale=scale, **ends)
