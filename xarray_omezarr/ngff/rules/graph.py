"""Graph: which systems are joined by transformations, over any number of steps."""

from __future__ import annotations

from collections.abc import Hashable, Iterable


class Graph:
    """Systems, and which of them are joined.

    Examples
    --------
    >>> graph = Graph(["pixels", "stage", "atlas"])
    >>> graph.join("pixels", "stage")
    >>> graph.apart_from("stage")
    ['atlas']
    """

    def __init__(self, systems: Iterable[Hashable] = ()) -> None:
        self._above: dict[Hashable, Hashable] = {system: system for system in systems}

    @property
    def first(self) -> Hashable:
        """The system that came first; None if there are none."""
        return next(iter(self._above), None)

    def join(self, one: Hashable, other: Hashable) -> None:
        """Note that a transformation leads from one to the other."""
        self._above[self._top(one)] = self._top(other)

    def apart_from(self, system: Hashable) -> list[Hashable]:
        """The systems that nothing joins to `system`, in the order they came."""
        top = self._top(system)
        return [other for other in list(self._above) if self._top(other) != top]

    def _top(self, system: Hashable) -> Hashable:
        path = []
        while self._above.setdefault(system, system) != system:
            path.append(system)
            system = self._above[system]
        for passed in path:
            self._above[passed] = system
        return system
