"""The ways of a frame as a graph: which chain of them is the shortest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.transforming.fitting import fitted
from xarray_omezarr.transforming.inverting import invert
from xarray_omezarr.transforming.one_way import (
    is_to_be_tried,
    not_known,
    without_inverse,
)

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.frame import Frame

#: From which system one is reached, by the way of which index, and whether backwards.
Came = tuple[str, int, bool]


@dataclass(frozen=True, slots=True)
class Graph:
    """The steps that lead from each system, each way in both directions."""

    frame: Frame
    #: By system: index of the way, whether backwards, and where it leads.
    steps_from: Mapping[str, Sequence[tuple[int, bool, str]]]
    #: Why ways cannot be walked at all, by their index.
    closed: Mapping[int, str]
    #: Why ways cannot be walked backwards; more is found out as the search goes on.
    one_way: dict[int, str]
    _tried: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, frame: Frame) -> Graph:
        """The graph of all ways of a frame."""
        steps: dict[str, list[tuple[int, bool, str]]] = {}
        closed: dict[int, str] = {}
        one_way: dict[int, str] = {}
        for index, way in enumerate(frame.ways):
            steps.setdefault(way.start, []).append((index, False, way.end))
            steps.setdefault(way.end, []).append((index, True, way.start))
            if reason := not_known(way.transformation):
                closed[index] = reason
            elif reason := without_inverse(way.transformation, frame.arrays):
                one_way[index] = reason
        return cls(frame, steps, closed, one_way)

    def forward(self, index: int) -> Transformation:
        """The way forward, with what it leaves open told by the systems at its ends.

        Raises
        ------
        TransformationError
            If it does not lead from so many axes to so many.
        """
        way = self.frame.ways[index]
        start = self.frame.systems.get(way.start)
        end = self.frame.systems.get(way.end)
        if start is None or end is None:
            return way.transformation
        sizes = len(start.axes), len(end.axes)
        return fitted(way.transformation, *sizes, self.frame.arrays)

    def inverse(self, index: int) -> Transformation | None:
        """The way backwards; None, and no step from then on, if there is none."""
        way = self.frame.ways[index]
        system = self.frame.systems.get(way.start)
        ndim = None if system is None else len(system.axes)
        try:
            return invert(self.forward(index), self.frame.arrays, ndim=ndim)
        except TransformationError as error:
            self.one_way[index] = str(error)
            return None

    def chain(
        self, start: str, end: str, *, anyhow: bool = False
    ) -> list[tuple[int, bool]] | None:
        """Ways of the best chain by their index, and whether backwards; None if none.

        ``anyhow`` walks all ways in both directions, to tell what is in the way.
        """
        came = self.search(start, end, anyhow=anyhow)
        if end not in came:
            return None
        chain: list[tuple[int, bool]] = []
        while (last := came[end]) is not None:
            end, index, backwards = last
            chain.append((index, backwards))
        return chain[::-1]

    def search(
        self,
        start: str,
        end: str | None = None,
        *,
        anyhow: bool = False,
        trying: bool = False,
    ) -> dict[str, Came | None]:
        """How each system is reached best, as far as ``end``; the nearest first.

        Parameters
        ----------
        start : str
            Where from.
        end : str, optional
            Where to; everywhere if not given.
        anyhow : bool
            Walk all ways in both directions.
        trying : bool
            Invert what is walked backwards where its numbers have to tell whether it
            can be.
        """
        came: dict[str, Came | None] = {start: None}
        # Each with the number of ways walked backwards, in the order of the ways.
        front: list[tuple[int, str]] = [(0, start)]
        while front and end not in came:
            # Of chains that go on alike, the best one before is the best one after.
            best: dict[str, tuple[int, int, int]] = {}
            by: dict[str, Came] = {}
            for place, (count, key) in enumerate(front):
                for index, backwards, other in self.steps_from.get(key, ()):
                    if other in came:
                        continue
                    rank = (count + backwards, place, index)
                    if other in best and best[other] <= rank:
                        continue
                    if anyhow or self._is_open(index, backwards, trying):
                        best[other], by[other] = rank, (key, index, backwards)
            order = sorted(best, key=lambda key: best[key][1:])
            front = [(best[key][0], key) for key in order]
            came.update((key, by[key]) for key in order)
        return came

    def _is_open(self, index: int, backwards: bool, trying: bool) -> bool:
        if index in self.closed or (backwards and index in self.one_way):
            return False
        if not (backwards and trying) or index in self._tried:
            return True
        self._tried.add(index)
        if not is_to_be_tried(self.frame.ways[index].transformation):
            return True
        return self.inverse(index) is not None
