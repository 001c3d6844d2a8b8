"""The way from one coordinate system of a frame to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from xarray_omezarr.errors import TransformationError, some
from xarray_omezarr.ngff import transforms as t
from xarray_omezarr.transforming.composing import compose, flat
from xarray_omezarr.transforming.graphs import Graph

if TYPE_CHECKING:
    from xarray_omezarr.transforming.frame import Frame


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
    graph = Graph(frame)
    # Where only the numbers of a way tell that it cannot be walked backwards, it is
    # looked for another one.
    while (steps := graph.chain(start, end)) is not None:
        parts = [
            graph.inverse(index) if backwards else graph.forward(index)
            for index, backwards in steps
        ]
        if None not in parts:
            return _chained(part for part in parts if part is not None)
    raise TransformationError(_no_way(graph, start, end))


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
    found = Graph(frame).search(start, trying=True)
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


def _chained(parts: Iterable[t.Transformation]) -> t.Transformation:
    """One after the other, without ends, sequences in sequences and identities."""
    kept = [
        part
        for whole in parts
        for part in flat(whole)
        if not isinstance(part, t.Identity)
    ]
    return compose(*kept) if kept else t.Identity()


def _no_way(graph: Graph, start: str, end: str) -> str:
    """Why there is no way, and what can be done."""
    others = [key for key in graph.search(start) if key != start]
    leads = f"ways lead to {_listed(others)}" if others else "no way starts there"
    text = f"No way leads from the coordinate system {start!r} to {end!r}: {leads}"
    chain = graph.chain(start, end, anyhow=True)
    for index, backwards in chain or ():
        way = graph.frame.ways[index]
        told = f"the {way.transformation.type!r} from {way.start!r} to {way.end!r}"
        if index in graph.closed:
            text += f"; {told} cannot be applied ({graph.closed[index]})"
        elif backwards and index in graph.one_way:
            text += (
                f"; {told} cannot be walked backwards ({graph.one_way[index]}): make "
                "it a 'bijection' with the way back as its inverse"
            )
    return text if chain else f"{text}; add a transformation between them"


def _listed(keys: Sequence[str]) -> str:
    return some([repr(key) for key in keys])


def _likeness(name: str, key: str) -> float:
    return max(
        SequenceMatcher(None, name, part).ratio() for part in {key, key.split("/")[-1]}
    )
