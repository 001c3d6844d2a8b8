"""How a pyramid is cut into blocks, so that each source block is read once.

docs/design/engine.md explains this with a picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from xarray_omezarr.hierarchy import ArrayNode, Downsampled, Given

Slices: TypeAlias = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One level that a stage makes from another: `path` from `parent`."""

    path: str
    parent: str
    factors: tuple[int, ...]
    total: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """One pass over an array: all levels that are made from its blocks in memory.

    Parameters
    ----------
    root : str
        Path of the array whose blocks are read.
    writes_root : bool
        True where `root` is given pixels, which are written too; False where it
        is read back from the store.
    steps : tuple of Step
        The levels made, parents first; ``total`` is relative to `root`.
    shape : tuple of int
        Shape of `root`.
    block : tuple of int
        Shape of a block of `root`. Blocks are cut so that none shares a stored
        object of any level with another.
    """

    root: str
    writes_root: bool
    steps: tuple[Step, ...]
    shape: tuple[int, ...]
    block: tuple[int, ...]

    def blocks(self) -> Iterator[Slices]:
        """The blocks of `root`, as slices, in C order."""
        ranges = (
            range(0, size, block)
            for size, block in zip(self.shape, self.block, strict=True)
        )
        for origin in product(*ranges):
            yield tuple(
                slice(start, min(start + block, size))
                for start, block, size in zip(
                    origin, self.block, self.shape, strict=True
                )
            )


def plan_stages(arrays: Mapping[str, ArrayNode], budget: int) -> tuple[Stage, ...]:
    """Stages that fill `arrays`, in the order in which they must run.

    Parameters
    ----------
    arrays : mapping
        Nodes by path, parents before children.
    budget : int
        Bytes that one block may hold with all levels made from it. Where a single
        stored object is larger than that, the block is that object.
    """
    done: set[str] = set()
    stages = []
    for path, node in arrays.items():
        if isinstance(node.source, Given):
            stages.append(_stage(path, True, arrays, done, budget))
            done.update(step.path for step in stages[-1].steps)
        elif isinstance(node.source, Downsampled) and path not in done:
            stages.append(_stage(node.source.parent, False, arrays, done, budget))
            done.update(step.path for step in stages[-1].steps)
    return tuple(stages)


def _stage(
    root: str,
    writes_root: bool,
    arrays: Mapping[str, ArrayNode],
    done: set[str],
    budget: int,
) -> Stage:
    """As many descendants of `root` as fit the budget, and at least one to make."""
    steps: list[Step] = []
    best = _unit(root, writes_root, steps, arrays)
    for step in _descendants(root, arrays, done):
        if step.parent != root and all(step.parent != made.path for made in steps):
            continue
        unit = _unit(root, writes_root, [*steps, step], arrays)
        is_first_to_make = not writes_root and not steps
        if _held(unit, [*steps, step], arrays[root]) <= budget or is_first_to_make:
            steps.append(step)
            best = unit
    block = _grown(best, steps, arrays[root], budget)
    return Stage(root, writes_root, tuple(steps), arrays[root].shape, block)


def _descendants(
    root: str, arrays: Mapping[str, ArrayNode], done: set[str]
) -> Iterator[Step]:
    totals = {root: (1,) * len(arrays[root].shape)}
    for path, node in arrays.items():
        source = node.source
        if isinstance(source, Downsampled) and source.parent in totals:
            total = tuple(
                a * b
                for a, b in zip(totals[source.parent], source.factors, strict=True)
            )
            totals[path] = total
            if path not in done:
                yield Step(path, source.parent, source.factors, total)


def _unit(
    root: str,
    writes_root: bool,
    steps: list[Step],
    arrays: Mapping[str, ArrayNode],
) -> tuple[int, ...]:
    """Smallest block of `root` that covers whole stored objects of all levels."""
    shape = arrays[root].shape
    unit = arrays[root].layout.objects if writes_root else (1,) * len(shape)
    for step in steps:
        reach = (
            stored * factor
            for stored, factor in zip(
                arrays[step.path].layout.objects, step.total, strict=True
            )
        )
        unit = tuple(math.lcm(a, b) for a, b in zip(unit, reach, strict=True))
    return tuple(min(a, b) for a, b in zip(unit, shape, strict=True))


def _grown(
    unit: tuple[int, ...], steps: list[Step], root: ArrayNode, budget: int
) -> tuple[int, ...]:
    """The unit doubled along x, then y, ... while half the budget holds it.

    Larger blocks mean fewer tasks; half is left to the copies that codecs make.
    """
    block = list(unit)
    for axis in reversed(range(len(block))):
        while block[axis] < root.shape[axis]:
            wider = block.copy()
            wider[axis] = min(block[axis] * 2, root.shape[axis])
            if _held(tuple(wider), steps, root) > budget // 2:
                return tuple(block)
            block = wider
    return tuple(block)


def _held(block: tuple[int, ...], steps: list[Step], root: ArrayNode) -> int:
    """Bytes of a block and all levels made from it."""
    pixels = math.prod(block)
    made = sum(-(-pixels // math.prod(step.total)) for step in steps)
    return (pixels + made) * root.dtype.itemsize
