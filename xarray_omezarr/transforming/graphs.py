"""The ways of a frame as a graph: which chain of them is the shortest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
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
    from xarray_omezarr.transforming.frame import Frame, Way

#: Index of a way, whether it is walked backwards, and where it leads then.
Step = tuple[int, bool, str]
#: From which system one is reached, by the way of which index, and whether backwards.
Came = tuple[str, int, bool]


class _Ways:
    """Ways that are the same only as the same object, which is told in no time."""

    __slots__ = ("told",)

    def __init__(self, told: tuple[Way, ...]) -> None:
        self.told = told

    def __hash__(self) -> int:
        return id(self.told)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ways) and self.told is other.told


# The frames of the images of a scene share their ways, of which there may be as many
# as images: what is found out for the first one is known for all.
@lru_cache(maxsize=4)
def _steps_from(ways: _Ways) -> Mapping[str, Sequence[Step]]:
    steps: dict[str, list[Step]] = {}
    for index, way in enumerate(ways.told):
        steps.setdefault(way.start, []).append((index, False, way.end))
        steps.setdefault(way.end, []).append((index, True, way.start))
    return steps


@dataclass(frozen=True, slots=True)
class Graph:
    """The steps that lead from each system, each way in both directions."""

    frame: Frame
    #: Why ways cannot be walked at all, by their index; found out as the search goes.
    closed: dict[int, str] = field(default_factory=dict)
    #: Why ways cannot be walked backwards, likewise.
    one_way: dict[int, str] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)
    _tried: set[int] = field(default_factory=set)

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
        steps_from = _steps_from(_Ways(self.frame.ways))
        # Each with the number of ways walked backwards, in the order of the ways.
        front: list[tuple[int, str]] = [(0, start)]
        while front and end not in came:
            # Of chains that go on alike, the best one before is the best one after.
            best: dict[str, tuple[int, int, int]] = {}
            by: dict[str, Came] = {}
            for place, (count, key) in enumerate(front):
                for index, backwards, other in steps_from.get(key, ()):
                    if other in came:
                        continue
                    rank = (count + backwards, place, index)
                    if other in best and best[other] <= rank:
                        continue
                    if self._is_open(index, backwards, trying) or anyhow:
                        best[other], by[other] = rank, (key, index, backwards)
            order = sorted(best, key=lambda key: best[key][1:])
            front = [(best[key][0], key) for key in order]
            came.update((key, by[key]) for key in order)
        return came

    def _is_open(self, index: int, backwards: bool, trying: bool) -> bool:
        self._look_at(index)
        if index in self.closed or (backwards and index in self.one_way):
            return False
        if not (backwards and trying) or index in self._tried:
            return True
        self._tried.add(index)
        if not is_to_be_tried(self.frame.ways[index].transformation):
            return True
        return self.inverse(index) is not None

    def _look_at(self, index: int) -> None:
        """Note why a way cannot be walked, where that is seen without computing."""
        if index in self._seen:
            return
        self._seen.add(index)
        transformation = self.frame.ways[index].transformation
        if reason := not_known(transformation):
            self.closed[index] = reason
        elif reason := without_inverse(transformation, self.frame.arrays):
            self.one_way[index] = reason
