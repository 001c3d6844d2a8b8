"""Graphs of dask that are made task by task, and the chunks that go into them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from itertools import accumulate
from typing import Any, TypeAlias, cast

import dask
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

Key: TypeAlias = "str | tuple[Any, ...]"


class Layer:
    """Tasks that are added to a graph of dask, all as one layer.

    A `dask.delayed` call per block would go through all tasks each time.
    """

    def __init__(self, dependencies: list[Any]) -> None:
        self._name = f"write-block-{uuid.uuid4().hex}"
        self._tasks: dict[Key, tuple[Any, ...]] = {}
        self.dependencies = dependencies

    def add(self, function: Callable[..., Any], *arguments: Any) -> Key:
        """Add a task; keys among its arguments, or in lists, stand for results."""
        key = (self._name, len(self._tasks))
        self._tasks[key] = (function, *arguments)
        return key

    def delayed(self, key: Key) -> Any:
        """A Delayed that gives the result of one of the tasks."""
        tasks = cast("dict[Any, Any]", self._tasks)
        graph = HighLevelGraph.from_collections(
            self._name, tasks, dependencies=self.dependencies
        )
        # The key of a Delayed is its name; those of the blocks are numbered.
        return dask.delayed(_same, pure=False)(Delayed(key, graph, layer=self._name))


def _same(result: Any) -> Any:
    return result


class Chunks:
    """Chunks of arrays of dask by place, each array taken apart only once."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._found: dict[int, tuple[Any, list[list[int]]]] = {}
        # An identity tells arrays apart only as long as they live.
        self._alive: list[object] = []

    def of(self, pixels: Any) -> tuple[Any, list[list[int]]]:
        """The chunks as Delayed, and where they begin along each axis."""
        key = id(pixels)
        if key not in self._found:
            # The graph of the source is shared by all tasks: none copies it.
            chunks = pixels.to_delayed()
            self._layer.dependencies += list(chunks.flat[:1])
            starts = [[0, *accumulate(sizes)] for sizes in pixels.chunks]
            self._found[key] = chunks, starts
            self._alive.append(pixels)
        return self._found[key]
