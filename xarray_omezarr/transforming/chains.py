"""The way from one coordinate system of a frame to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from xarray_omezarr.errors import TransformationError, some
from xarray_omezarr.ngff import transforms as t
from xarray_omezarr.ngff.dimensions import outputs
from xarray_omezarr.ngff.matrices import determinant
from xarray_omezarr.transforming.composing import compose
from xarray_omezarr.transforming.inverting import invert
from xarray_omezarr.transforming.parameters import refuse_unknown

if TYPE_CHECKING:
    from xarray_omezarr.transforming.frame import Frame, Way
    from xarray_omezarr.transforming.stored import Arrays

#: Index of a way, and whether it is walked backwards.
_Step = tuple[int, bool]


def between(frame: Frame, start: str, end: str) -> t.Transformation:
    """The transformation of positions in one system to positions in another.

    Parameters
    ----------
    frame : Frame
        The systems and the ways between them, which may go round in circles.
    start, end : str
        Keys of systems, or names that one system alone has; see `key_of`.

    Returns
    -------
    Transformation
        Along the fewest ways; among chains of as many, along that with the fewest ways
        walked backwards, then along the ways that come first. It tells no system at
        its ends. Several are one sequence without sequences or identities in it; from
        a system to itself leads the identity.

    Raises
    ------
    TransformationError
        If there is no such system, or no way to it; if a way leads there and has no
        inverse, it is named.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Axis, CoordinateSystem, Scale
    >>> from xarray_omezarr.transforming.frame import Frame, Way
    >>> systems = {
    ...     name: CoordinateSystem(name=name, axes=(Axis(name="x"),))
    ...     for name in ("physical", "world")
    ... }
    >>> way = Way("physical", "world", Scale(scale=(4,)))
    >>> frame = Frame("physical", systems, (way,))
    >>> between(frame, "world", "physical").to_json()
    {'type': 'scale', 'scale': [0.25]}
    """
    start, end = key_of(frame, start), key_of(frame, end)
    graph = _Graph.of(frame)
    while True:
        steps = graph.steps(start, end)
        if steps is None:
            raise TransformationError(_no_way(frame, graph, start, end))
        parts: list[t.Transformation] = []
        for index, backwards in steps:
            way = frame.ways[index]
            if not backwards:
                parts.append(way.transformation)
                continue
            try:
                parts.append(_inverse(frame, way))
            except TransformationError as error:
                # Only its numbers tell: look for a way round it.
                graph.one_way[index] = str(error)
                break
        else:
            return _chained(parts)


def reachable(frame: Frame, start: str) -> tuple[str, ...]:
    """Keys of the systems that positions in one system can be told in.

    Parameters
    ----------
    frame : Frame
        The systems and the ways between them.
    start : str
        Key of a system, or a name that one system alone has; see `key_of`.

    Returns
    -------
    tuple of str
        That system first, then the others, those along fewer ways first. Stored
        matrices are not read for this: square ones count as having an inverse.

    Raises
    ------
    TransformationError
        If there is no such system.
    """
    start = key_of(frame, start)
    found = _Graph.of(frame).search(start)
    return tuple(key for key in found if key in frame.systems)


def key_of(frame: Frame, name: str) -> str:
    """The key of a system by that key, or by a name that it alone has.

    Parameters
    ----------
    frame : Frame
        The systems.
    name : str
        ``"tile_0/physical"``, or ``"physical"`` if no other system is called so.

    Raises
    ------
    TransformationError
        If there is no such system, or there are several; it lists their keys.
    """
    if name in frame.systems:
        return name
    named = [key for key, system in frame.systems.items() if system.name == name]
    if len(named) == 1:
        return named[0]
    if named:
        raise TransformationError(
            f"{len(named)} coordinate systems are called {name!r}: give the whole key "
            f"of one of {_listed(named)}"
        )
    if not frame.systems:
        raise TransformationError(
            f"There is no coordinate system {name!r}, and no other: add systems and "
            "transformations to the metadata"
        )
    near = sorted(frame.systems, key=lambda key: -_likeness(name, key))
    raise TransformationError(
        f"There is no coordinate system {name!r}: there are {_listed(near)}"
    )


@dataclass(frozen=True, slots=True)
class _Graph:
    """The steps that lead from each system, and those that cannot be walked back."""

    #: By system: index of the way, whether backwards, and where it leads.
    steps_from: Mapping[str, Sequence[tuple[int, bool, str]]]
    #: Why ways have no inverse, by their index; found out as the search goes on.
    one_way: dict[int, str]
    #: Ways that cannot be walked at all, as their type is not known.
    closed: frozenset[int]

    @classmethod
    def of(cls, frame: Frame) -> _Graph:
        steps: dict[str, list[tuple[int, bool, str]]] = {}
        one_way: dict[int, str] = {}
        closed: set[int] = set()
        for index, way in enumerate(frame.ways):
            steps.setdefault(way.start, []).append((index, False, way.end))
            steps.setdefault(way.end, []).append((index, True, way.start))
            inputs = _axes(frame, way.start)
            if reason := _no_inverse(way.transformation, inputs, frame.arrays):
                one_way[index] = reason
            if _cannot_be_applied(way.transformation):
                closed.add(index)
        return cls(steps, one_way, frozenset(closed))

    def steps(
        self, start: str, end: str, *, anyhow: bool = False
    ) -> list[_Step] | None:
        """The best chain; None if there is none.

        ``anyhow`` walks all ways in both directions, to tell what is in the way.
        """
        came = self.search(start, end, anyhow=anyhow)
        if end not in came:
            return None
        chain: list[_Step] = []
        while (last := came[end]) is not None:
            end, index, backwards = last
            chain.append((index, backwards))
        return chain[::-1]

    def search(
        self, start: str, end: str | None = None, *, anyhow: bool = False
    ) -> dict[str, tuple[str, int, bool] | None]:
        """How each system is reached best: from which one, by which way, how."""
        came: dict[str, tuple[str, int, bool] | None] = {start: None}
        # Each with the number of ways walked backwards, in the order of the ways.
        front: list[tuple[int, str]] = [(0, start)]
        while front and end not in came:
            # Of chains that go on alike, the best one before is the best one after.
            best: dict[str, tuple[int, int, int]] = {}
            by: dict[str, tuple[str, int, bool]] = {}
            for place, (count, key) in enumerate(front):
                for index, backwards, other in self.steps_from.get(key, ()):
                    if other in came or not (anyhow or self._open(index, backwards)):
                        continue
                    rank = (count + backwards, place, index)
                    if other not in best or rank < best[other]:
                        best[other], by[other] = rank, (key, index, backwards)
            order = sorted(best, key=lambda key: best[key][1:])
            front = [(best[key][0], key) for key in order]
            came.update((key, by[key]) for key in order)
        return came

    def _open(self, index: int, backwards: bool) -> bool:
        return index not in self.closed and not (backwards and index in self.one_way)


def _inverse(frame: Frame, way: Way) -> t.Transformation:
    inputs = _axes(frame, way.start)
    return invert(way.transformation, frame.arrays, ndim=inputs)


def _axes(frame: Frame, key: str) -> int | None:
    system = frame.systems.get(key)
    return None if system is None else len(system.axes)


def _chained(parts: Iterable[t.Transformation]) -> t.Transformation:
    """One after the other, without ends, sequences in sequences and identities."""
    flat: list[t.Transformation] = []
    stack = list(parts)[::-1]
    while stack:
        part = stack.pop()
        if isinstance(part, t.Sequence):
            stack += part.transformations[::-1]
        elif not isinstance(part, t.Identity):
            flat.append(without_ends(part))
    if not flat:
        return t.Identity()
    return flat[0] if len(flat) == 1 else without_ends(compose(*flat))


def without_ends(transformation: t.Transformation) -> t.Transformation:
    """The transformation that tells neither where it starts nor where it leads."""
    return transformation.model_copy(update={"input": None, "output": None})


def _cannot_be_applied(transformation: t.Transformation) -> bool:
    """Whether it is not known what a transformation does to positions."""
    if isinstance(transformation, t.Bijection):
        return _cannot_be_applied(transformation.forward)
    if isinstance(transformation, t.Sequence):
        return any(map(_cannot_be_applied, transformation.transformations))
    if isinstance(transformation, t.ByDimension):
        parts = transformation.transformations
        return any(_cannot_be_applied(part.transformation) for part in parts)
    try:
        refuse_unknown(transformation)
    except TransformationError:
        return True
    return False


def _no_inverse(
    transformation: t.Transformation, inputs: int | None, arrays: Arrays
) -> str | None:
    """Why a transformation has no inverse, where that is seen without reading it."""
    if isinstance(transformation, t.Bijection):
        return None
    if isinstance(transformation, t.Sequence):
        for part in transformation.transformations:
            if reason := _no_inverse(part, inputs, arrays):
                return reason
            inputs = _given(part, inputs)
        return None
    if isinstance(transformation, t.ByDimension):
        found = (
            _no_inverse(part.transformation, len(part.input_axes), arrays)
            for part in transformation.transformations
        )
        return next((reason for reason in found if reason), None)
    return _no_inverse_of_one(transformation, arrays)


def _no_inverse_of_one(transformation: t.Transformation, arrays: Arrays) -> str | None:
    if isinstance(transformation, t.Displacements | t.Coordinates):
        return f"{transformation.type!r} of a field have no inverse in closed form"
    if isinstance(transformation, t.UnknownTransformation):
        return f"its type {transformation.type!r} is not known"
    if isinstance(transformation, t.ProjectAxis) and transformation.dropped_inputs:
        return f"it drops the axes {list(transformation.dropped_inputs)}"
    if isinstance(transformation, t.Scale) and 0 in transformation.scale:
        return f"its scale {list(transformation.scale)} has a 0"
    if isinstance(transformation, t.Affine):
        return _no_inverse_of_matrix(transformation, arrays)
    return None


def _no_inverse_of_matrix(affine: t.Affine, arrays: Arrays) -> str | None:
    if affine.affine is None:
        stored = arrays.get(affine.path or "")
        size = getattr(stored, "shape", None)
    else:
        size = (len(affine.affine), len(affine.affine[0]))
    if size is None:
        return None
    if len(size) != 2 or size[0] != size[1] - 1:
        return f"its matrix of {' x '.join(map(str, size))} numbers is not square"
    rows = affine.affine
    if rows is not None and determinant([row[:-1] for row in rows]) == 0:
        return "its matrix has the determinant 0"
    return None


def _given(transformation: t.Transformation, inputs: int | None) -> int | None:
    try:
        return outputs(transformation, inputs)
    except ValueError:
        return None


def _no_way(frame: Frame, graph: _Graph, start: str, end: str) -> str:
    """Why there is no way, and what can be done."""
    others = [key for key in graph.search(start) if key != start]
    leads = f"the ways from there lead to {_listed(others)}" if others else "none does"
    text = f"No way leads from the coordinate system {start!r} to {end!r}: {leads}"
    steps = graph.steps(start, end, anyhow=True)
    for index, backwards in steps or ():
        way = frame.ways[index]
        told = f"the {way.transformation.type!r} from {way.start!r} to {way.end!r}"
        if index in graph.closed:
            text += f"; {told} is of a type that cannot be applied: replace it"
        elif backwards and index in graph.one_way:
            text += (
                f"; {told} cannot be walked backwards ({graph.one_way[index]}): give a "
                "'bijection' with the way back as its inverse"
            )
    if steps is None:
        text += "; add a transformation between them"
    return text


def _listed(keys: Sequence[str]) -> str:
    return some([repr(key) for key in keys])


def _likeness(name: str, key: str) -> float:
    return max(
        SequenceMatcher(None, name, part).ratio() for part in {key, key.split("/")[-1]}
    )
