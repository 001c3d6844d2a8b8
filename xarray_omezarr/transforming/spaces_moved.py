"""The systems of a picture once its coordinates are positions in another of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.errors import TransformationError, warn
from xarray_omezarr.ngff.folding import is_foldable
from xarray_omezarr.ngff.named import named, renamed
from xarray_omezarr.ngff.spaces import Spaces, parse
from xarray_omezarr.ngff.transforms import Identity, SystemReference
from xarray_omezarr.ngff.unknown import unknown
from xarray_omezarr.transforming.chains import between, reachable
from xarray_omezarr.transforming.composing import compose
from xarray_omezarr.transforming.frame import Frame, Way
from xarray_omezarr.transforming.linear import matrix
from xarray_omezarr.transforming.simplifying import simplify

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import CoordinateSystem
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays

_NONE: Mapping[str, Any] = MappingProxyType({})
# Of what is kept of a picture: its systems, and the unknown keys of its own one.
SPACES = ("coordinateSystems", "coordinateTransformations", "intrinsic")
_NOISE = 1e-12
_OWN_KEYS = "coordinate_systems"


def moved(
    keys: Mapping[str, Any],
    name: str,
    arrays: Arrays = _NONE,
    *,
    system: CoordinateSystem | None = None,
    way: Transformation | None = None,
) -> dict[str, Any]:
    """What is kept of a picture whose coordinates are now positions in another system.

    Parameters
    ----------
    keys : mapping
        What is kept of the picture, for which `ngff.spaces.has_spaces` holds.
    name : str
        Name of the system that coordinates are positions in from now on.
    arrays : mapping, optional
        Matrices and fields by the path that its transformations name.
    system : CoordinateSystem, optional
        The system of that name, where the picture does not tell it.
    way : Transformation, optional
        From the system that coordinates were positions in to that one, where the
        picture does not tell it; or back, if its ends say so.

    Returns
    -------
    dict
        JSON of the same form. Ways with the new system at one end are as they were;
        so are those that did not start or end at the former one. Those between the
        former and a third system start or end at the new one (RULES C7), with their
        names and unknown keys: other numbers, the same positions. Where that cannot
        be computed, they are left out with a warning. Systems stay in their order.

    Raises
    ------
    TransformationError
        If there is no such system.
    MetadataError
        If the keys break a MUST of the standard.

    Examples
    --------
    >>> axes = [{"name": "x", "type": "space"}]
    >>> keys = {
    ...     "coordinateSystems": [{"name": n, "axes": axes} for n in ("a", "b", "c")],
    ...     "coordinateTransformations": [
    ...         {"type": "scale", "scale": [2.0], "input": {"name": "a"},
    ...          "output": {"name": "b"}},
    ...         {"type": "scale", "scale": [6.0], "input": {"name": "a"},
    ...          "output": {"name": "c"}},
    ...     ],
    ... }
    >>> now = moved(keys, "b")
    >>> now["intrinsic"]
    'b'
    >>> way = now["coordinateTransformations"][1]
    >>> way["input"], way["output"], way["scale"]
    ({'name': 'b'}, {'name': 'c'}, [3.0])
    """
    told = parse(keys)
    if name == told.intrinsic:
        return dict(keys)
    now = moved_spaces(told, name, arrays, system=system, way=way)
    left = {key: value for key, value in keys.items() if key not in SPACES}
    left.pop(_OWN_KEYS, None)
    if own_keys := unknown(now.own):
        left[_OWN_KEYS] = [{"name": name, **own_keys}]
    return {**left, **now.keys()}


def framed(frame: Frame, key: str) -> Frame:
    """The frame of a picture whose coordinates are now positions in another system.

    Parameters
    ----------
    frame : Frame
        Of the picture, before.
    key : str
        Of the system, which may be one of a scene, or of another image.

    Returns
    -------
    Frame
        Its own system is one of the picture. Where that of the key is not, the picture
        has a system more, which is the same: of its name, with ``_`` behind it as long
        as the picture has one that is called so.

    Raises
    ------
    TransformationError
        If no way leads from the former system to the new one.
    """
    before, system = str(frame.own), frame.systems[key]
    group = _group(frame)
    if key == group + system.name:
        return replace(frame, own=key)
    for known in _alike(frame, group, system):
        if _is_same(frame, known, key):
            return replace(frame, own=known)
    name = system.name
    while group + name in frame.systems:
        name += "_"
    own = group + name
    ways = [
        Way(own, key, _between(Identity(), _under(group, name), _of_key(frame, key)))
    ]
    told, forward = _told_or_found(frame, before, key)
    if all(one.path.startswith(group) for one in named(told)):
        ends = _under(group, frame.systems[before].name), _under(group, name)
        start, end = ends if forward else ends[::-1]
        keys = (before, own) if forward else (own, before)
        ways.insert(0, Way(*keys, _between(told, start, end)))
    return replace(
        frame,
        own=own,
        systems={**frame.systems, own: system.model_copy(update={"name": name})},
        ways=(*frame.ways, *ways),
    )


def moved_as_framed(
    keys: Mapping[str, Any], before: Frame, now: Frame
) -> dict[str, Any]:
    """As `moved`, of an object whose frame tells which its own system was and is.

    Parameters
    ----------
    keys : mapping
        What is kept of the picture; may be empty where it had one system only.
    before, now : Frame
        Of the object before and after its coordinates became positions in another
        system of the picture, which may be new to it; see `framed`.

    Returns
    -------
    dict
        See `moved`.
    """
    was, own = before.systems[str(before.own)], now.systems[str(now.own)]
    group = _group(before)
    arrays = {
        path.removeprefix(group): array
        for path, array in now.arrays.items()
        if path.startswith(group)
    }
    if not keys.get("coordinateSystems"):
        keys = {**keys, "coordinateSystems": [was.to_json()]}
    told = parse(keys)
    here = _frame(told.intrinsic, told.systems, told.ways, arrays)
    if own.name in here.systems and own.name in reachable(here, told.intrinsic):
        return moved(keys, own.name, arrays)
    way, forward = _told_or_found(now, str(before.own), str(now.own))
    if not all(one.path.startswith(group) for one in named(way)):
        # Fields of a scene lie where no path of an image leads.
        return moved(keys, own.name, arrays, system=own)
    way = renamed(way, lambda path: path.removeprefix(group))
    way = way if forward else _between(way, _end(own.name), _end(told.intrinsic))
    return moved(keys, own.name, arrays, system=own, way=way)


def _group(frame: Frame) -> str:
    """The path of the picture with a slash behind it; nothing of the opened one."""
    own = str(frame.own)
    return own.removesuffix(frame.systems[own].name)


def _alike(frame: Frame, group: str, system: CoordinateSystem) -> Iterator[str]:
    """Systems of the picture that may be the same as one that is not of it."""
    measures = [(axis.name, axis.unit) for axis in system.axes]
    for key, known in frame.systems.items():
        is_of_picture = key == group + known.name
        is_called_so = known.name.rstrip("_") == system.name.rstrip("_")
        if is_of_picture and is_called_so:
            if measures == [(axis.name, axis.unit) for axis in known.axes]:
                yield key


def _is_same(frame: Frame, key: str, other: str) -> bool:
    """Whether positions in two systems are the same."""
    count = len(frame.systems[key].axes)
    try:
        found = matrix(between(frame, key, other), count, frame.arrays)
    except TransformationError:
        return False
    wanted = np.eye(count, count + 1)
    # Back and forth by numbers with decimals leaves some noise.
    return found is not None and np.allclose(found, wanted, rtol=0, atol=_NOISE)


def _told_or_found(frame: Frame, start: str, end: str) -> tuple[Transformation, bool]:
    """The way between two systems, and whether it leads there, or back.

    As it is told, where it is, since an inverse may need more digits than a number has.
    """
    group = _group(frame)
    for ends in ((start, end), (end, start)):
        for way in frame.ways:
            if (way.start, way.end) == ends:
                told = way.transformation
                if not all(one.path.startswith(group) for one in named(told)):
                    told = _simplified(told, frame.arrays)
                return told, ends[0] == start
    return _simplified(between(frame, start, end), frame.arrays), True


def moved_spaces(
    told: Spaces,
    name: str,
    arrays: Arrays = _NONE,
    *,
    system: CoordinateSystem | None = None,
    way: Transformation | None = None,
) -> Spaces:
    """As `moved`, of models.

    Raises
    ------
    TransformationError
        If there is no such system.
    """
    systems, ways = told.systems, told.ways
    names = {known.name for known in systems}
    if name not in names and system is not None:
        systems = (*systems, system.model_copy(update={"name": name}))
    if way is not None:
        ends = _end(told.intrinsic), _end(name)
        start, end = ends[::-1] if _is(way.input, name) else ends
        ways = (*ways, _between(way, start, end))
    frame = _frame(told.intrinsic, systems, ways, arrays)
    moving = _Moving(frame, told.intrinsic, name)
    found: list[Transformation] = []
    for one in ways:
        if (other := moving.moved(one)) is not None:
            found.append(other)
    if not any(_ends(one) == {told.intrinsic, name} for one in found):
        found += moving.between_both()
    if moving.lost:
        warn(
            f"Transformations between {told.intrinsic!r} and other systems are left "
            f"out, as they cannot be told from {name!r} on: {'; '.join(moving.lost)}"
        )
    return Spaces(systems, tuple(found), name)


class _Moving:
    """Ways from and to one system, told from and to another one instead."""

    def __init__(self, frame: Frame, before: str, now: str) -> None:
        self._frame, self._before, self._now = frame, before, now
        self.lost: list[str] = []
        self._chains: dict[bool, Transformation | TransformationError] = {
            forward: self._chain(*ends)
            for forward, ends in ((True, (before, now)), (False, (now, before)))
        }

    def _chain(self, start: str, end: str) -> Transformation | TransformationError:
        """The way between both; why there is none, where there is none."""
        if end not in self._frame.systems or start not in self._frame.systems:
            # Raises what lists the systems that there are.
            return between(self._frame, start, end)
        try:
            return between(self._frame, start, end)
        except TransformationError as error:
            return error

    def moved(self, way: Transformation) -> Transformation | None:
        """One way; None if it is left out."""
        starts, leads = _is(way.input, self._before), _is(way.output, self._before)
        if not (starts or leads) or self._now in _ends(way):
            return way
        other = way.output if starts else way.input
        try:
            if starts and leads:
                raise TransformationError("it leads back to where it starts")
            return self._other_end(way, starts=starts)
        except TransformationError as error:
            name = None if other is None else other.name
            self.lost.append(f"{way.type!r} and {name!r} ({error})")
            return None

    def _other_end(self, way: Transformation, *, starts: bool) -> Transformation:
        chain = self._chains[not starts]
        if isinstance(chain, TransformationError):
            raise chain
        here, bare = _end(self._now), _between(way, None, None)
        whole = compose(chain, bare) if starts else compose(bare, chain)
        first, last = (here, way.output) if starts else (way.input, here)
        whole = _between(_simplified(whole, self._frame.arrays), first, last)
        ends = (end for end in (first, last) if end is not None)
        if any(end.path for end in ends) and not is_foldable(whole):
            # RULES C7: to label images lead the simplest types alone.
            raise TransformationError(f"{whole.type!r} may not lead to a label image")
        return whole.model_copy(update={"name": way.name, **way.extras()})

    def between_both(self) -> Iterator[Transformation]:
        """A way between the former system and the new one, if there is none."""
        for forward in (True, False):
            chain = self._chains[forward]
            if not isinstance(chain, TransformationError):
                ends = _end(self._before), _end(self._now)
                first, last = ends if forward else ends[::-1]
                yield _between(_simplified(chain, self._frame.arrays), first, last)
                return


def _simplified(way: Transformation, arrays: Arrays) -> Transformation:
    try:
        return simplify(way, arrays)
    except TransformationError:
        # A matrix is stored elsewhere: as it is, it is right as well.
        return way


def _frame(
    own: str,
    systems: Iterable[CoordinateSystem],
    ways: Iterable[Transformation],
    arrays: Arrays,
) -> Frame:
    """What a picture tells, but for ways to label images."""
    steps = (_step(way) for way in ways)
    known = {system.name: system for system in systems}
    return Frame(own, known, tuple(step for step in steps if step), arrays)


def _step(way: Transformation) -> Way | None:
    """The way in a frame; None if it leads to a label image, or nowhere."""
    start, end = way.input, way.output
    if start is None or end is None or start.path or end.path:
        return None
    return Way(start.name, end.name, way) if start.name and end.name else None


def _between(
    way: Transformation, start: SystemReference | None, end: SystemReference | None
) -> Transformation:
    return way.model_copy(update={"input": start, "output": end})


def _under(group: str, name: str) -> SystemReference:
    return SystemReference(name=name, path=group.rstrip("/") or None)


def _of_key(frame: Frame, key: str) -> SystemReference:
    name = frame.systems[key].name
    return _under(key.removesuffix(name), name)


def _end(name: str) -> SystemReference:
    return SystemReference(name=name)


def _is(end: SystemReference | None, name: str) -> bool:
    return end is not None and not end.path and end.name == name


def _ends(way: Transformation) -> set[str | None]:
    return {
        end.name for end in (way.input, way.output) if end is not None and not end.path
    }
