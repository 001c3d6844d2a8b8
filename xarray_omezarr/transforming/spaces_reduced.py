"""The systems of a picture of which some axes were dropped."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xarray_omezarr.errors import OmeZarrError, TransformationError, warn
from xarray_omezarr.ngff.axes import check_axes
from xarray_omezarr.ngff.folding import is_foldable
from xarray_omezarr.ngff.spaces import Spaces
from xarray_omezarr.ngff.transforms import Scale, SystemReference
from xarray_omezarr.transforming.applying import NONE
from xarray_omezarr.transforming.composing import compose
from xarray_omezarr.transforming.dependence import depends
from xarray_omezarr.transforming.inverting import invert
from xarray_omezarr.transforming.linear import fraction
from xarray_omezarr.transforming.reducing import Left, reduced
from xarray_omezarr.transforming.simplifying import simplify

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import CoordinateSystem
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays


def spaces_reduced(
    told: Spaces, dropped: Mapping[str, float | None], arrays: Arrays = NONE
) -> Spaces:
    """The systems of a picture without axes that were dropped from its own one.

    Parameters
    ----------
    told : Spaces
        As they were.
    dropped : mapping
        By the name of each axis that was dropped the position that was selected, in
        the unit of the axis; None where it is not known.
    arrays : mapping, optional
        What transformations name by a path.

    Returns
    -------
    Spaces
        Systems lose the axes that depend on dropped ones alone. Transformations whose
        other axes depend on dropped ones have the selected position in them; without
        one they are left out with a warning, as are systems that they led to.

    Examples
    --------
    >>> from xarray_omezarr.ngff.spaces import parse
    >>> axes = [{"name": "t", "type": "time"}]
    >>> axes += [{"name": name, "type": "space"} for name in "yx"]
    >>> told = parse({
    ...     "coordinateSystems": [{"name": n, "axes": axes} for n in ("own", "world")],
    ...     "coordinateTransformations": [
    ...         {"type": "scale", "scale": [1, 2, 3], "input": {"name": "own"},
    ...          "output": {"name": "world"}},
    ...     ],
    ... })
    >>> found = spaces_reduced(told, {"t": None})
    >>> [[axis.name for axis in system.axes] for system in found.systems]
    [['y', 'x'], ['y', 'x']]
    >>> found.ways[0].scale
    (2.0, 3.0)
    """
    positions = {
        name: None if place is None else fraction(place)
        for name, place in dropped.items()
    }
    own: tuple[Left, ...] = tuple(
        positions[axis.name] if axis.name in positions else True
        for axis in told.own.axes
    )
    reducing = _Reducing(told, own, arrays)
    ways = [found for way in told.ways if (found := reducing.way(way)) is not None]
    if reducing.lost:
        warn(
            f"Transformations are left out that cannot be told without the axes "
            f"{', '.join(dropped)}: {'; '.join(reducing.lost)}. "
            f"{_remedy(told, dropped)}"
        )
    systems = tuple(reducing.system(system) for system in told.systems)
    return Spaces(systems, tuple(ways), told.intrinsic)


def _remedy(told: Spaces, dropped: Collection[str]) -> str:
    """How the axes are kept; of a part of the channels, positions are lost as well."""
    channels = {axis.name for axis in told.own.axes if axis.type == "channel"}
    others = [name for name in dropped if name not in channels]
    steps = []
    if others:
        keep = ", ".join(f"{name}=[0]" for name in others)
        steps.append(f"keep {others}, with a size of 1, as .isel({keep}) does")
    if len(others) < len(dropped):
        steps.append("write all channels, in their order")
    told_as = "; ".join(steps)
    return told_as[:1].upper() + told_as[1:]


def spaces_rescaled(
    told: Spaces, units: Mapping[str, tuple[str, float]], arrays: Arrays = NONE
) -> Spaces:
    """The systems of a picture whose own one is told in other units.

    Parameters
    ----------
    told : Spaces
        As they were.
    units : mapping
        By the name of an axis its new unit, and what that is in the former one.
    arrays : mapping, optional
        What transformations name by a path.
    """
    axes = tuple(
        axis.model_copy(update={"unit": units[axis.name][0]})
        if axis.name in units
        else axis
        for axis in told.own.axes
    )
    own = told.own.model_copy(update={"axes": axes})
    factors = [units[axis.name][1] if axis.name in units else 1.0 for axis in axes]
    there = Scale(scale=tuple(factors))
    back = Scale(scale=tuple(float(1 / fraction(factor)) for factor in factors))
    ways = []
    for way in told.ways:
        bare = way.model_copy(update={"input": None, "output": None, "name": None})
        ends = {"input": way.input, "output": way.output, "name": way.name}
        whole: Transformation | None = None
        if _name(way.input) == own.name:
            whole = compose(there, bare)
        elif _name(way.output) == own.name:
            whole = compose(bare, back)
        if whole is not None:
            whole = simplify(whole, arrays)
            whole = whole.model_copy(update={**ends, **way.extras()})
        ways.append(way if whole is None else whole)
    systems = tuple(own if one is told.own else one for one in told.systems)
    return Spaces(systems, tuple(ways), told.intrinsic)


@dataclass(slots=True)
class _Reducing:
    """Transformations from and to the own system, while they lose axes."""

    told: Spaces
    own: tuple[Left, ...]
    arrays: Arrays
    lost: list[str] = field(default_factory=list)
    #: Which axes stay, by the name of the system.
    stays: dict[str, tuple[bool, ...]] = field(default_factory=dict)

    def way(self, way: Transformation) -> Transformation | None:
        """One transformation; None if it is left out."""
        ends = [_name(way.input), _name(way.output)]
        if self.told.intrinsic not in ends:
            # Its systems may lose axes that it needs.
            self.lost.append(f"{way.type!r} from {ends[0]!r} to {ends[1]!r}")
            return None
        starts = ends[0] == self.told.intrinsic
        try:
            found, after = self._forward(way) if starts else self._backward(way)
            self._note(way.output if starts else way.input, after)
        except OmeZarrError as error:
            self.lost.append(f"{way.type!r} from {ends[0]!r} to {ends[1]!r}: {error}")
            return None
        if found is None:
            return None
        known = {"input": way.input, "output": way.output, "name": way.name}
        if found.input is not None:  # It was turned round.
            known |= {"input": way.output, "output": way.input}
        return found.model_copy(update={**known, **way.extras()})

    def _forward(
        self, way: Transformation
    ) -> tuple[Transformation | None, tuple[Left, ...]]:
        found, after = reduced(way, self.own, self.arrays)
        leads = None if way.output is None else way.output.path
        if leads and found is not None and not is_foldable(found):
            # RULES C7: to label images lead the simplest types alone.
            raise TransformationError(f"{found.type!r} may not lead to a label image")
        return found, after

    def _backward(
        self, way: Transformation
    ) -> tuple[Transformation | None, tuple[Left, ...]]:
        """A way to the own system; turned round where it cannot be told otherwise."""
        count = self._size(way.input)
        needed = depends(way, count, self.arrays)
        if len(needed) != len(self.own):
            raise TransformationError(f"it gives {len(needed)} axes")
        kept = {
            axis
            for inputs, one in zip(needed, self.own, strict=True)
            if one is True
            for axis in inputs
        }
        others: frozenset[int] = frozenset().union(*needed) - kept
        if len(others) == sum(one is not True for one in self.own):
            left: tuple[Left, ...] = tuple(
                None if axis in others else True for axis in range(count)
            )
            found, after = reduced(way, left, self.arrays)
            if _stay(after) == _stay(self.own):
                return found, left
        found, after = reduced(invert(way, self.arrays), self.own, self.arrays)
        if found is None:
            return None, after
        return found.model_copy(update={"input": SystemReference()}), after

    def _size(self, end: SystemReference | None) -> int:
        if end is not None and not end.path:
            for system in self.told.systems:
                if system.name == end.name:
                    return len(system.axes)
        return len(self.own)

    def _note(self, end: SystemReference | None, after: tuple[Left, ...]) -> None:
        name = _name(end)
        if name is None:
            return
        stays = _stay(after)
        for system in self.told.systems:
            if system.name == name and any(stays):
                left = self._without(system, stays)
                for problem in check_axes(left.axes):  # RULES C2
                    raise TransformationError(f"{name!r} {problem}")
        if self.stays.setdefault(name, stays) != stays:
            raise TransformationError(
                "another transformation needs other axes of the system"
            )

    def system(self, system: CoordinateSystem) -> CoordinateSystem:
        """A system with the axes that stay."""
        stays = self.stays.get(system.name)
        if system.name == self.told.intrinsic:
            stays = _stay(self.own)
        return system if stays is None else self._without(system, stays)

    @staticmethod
    def _without(system: CoordinateSystem, stays: tuple[bool, ...]) -> CoordinateSystem:
        if len(stays) != len(system.axes) or not any(stays):
            return system
        axes = tuple(axis for axis, one in zip(system.axes, stays, strict=True) if one)
        return system.model_copy(update={"axes": axes})


def _stay(left: tuple[Left, ...]) -> tuple[bool, ...]:
    return tuple(one is True for one in left)


def _name(end: SystemReference | None) -> str | None:
    """The name of a system of the same picture; None of any other."""
    return None if end is None or end.path else end.name
