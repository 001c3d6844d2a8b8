"""How a pyramid is cut into blocks, so that each source block is read once.

docs/design/engine.md explains this with a picture.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from xarray_omezarr.hierarchy import ArrayNode, Downsampled, Given
from xarray_omezarr.pixels.methods import overlap

Shape: TypeAlias = tuple[int, ...]
Slices: TypeAlias = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One level that a stage makes from another: `path`, of `shape`, from `parent`.

    It may lack the last pixel that could be made, where sizes were rounded down.
    """

    path: str
    parent: str
    factors: Shape
    total: Shape
    shape: Shape


@dataclass(frozen=True, slots=True)
class Stage:
    """One pass over an array: all levels that are made from its blocks in memory.

    Parameters
    ----------
    root : str
        Path of the array whose blocks are read.
    writes_root : bool
        True where `root` is given pixels, which are written too; False where it
        is made by an earlier stage, or stored already.
    steps : tuple of Step
        The levels made, parents first; ``total`` is relative to `root`.
    shape : tuple of int
        Shape of `root`.
    block : tuple of int
        Shape of a block of `root`. Blocks are cut so that none shares a stored
        object of any level with another.
    halo : tuple of int
        Pixels of `root` that the method looks at beyond a block, on each side.
    nests : bool
        Whether every block consists of whole blocks of the stage before, so that
        it can be put together from their parts instead of being read back.
    """

    root: str
    writes_root: bool
    steps: tuple[Step, ...]
    shape: Shape
    block: Shape
    halo: Shape
    nests: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """Arrays whose pixels are in memory at some time: the root, then the steps."""
        return (self.root, *(step.path for step in self.steps))

    def parts(self, block: Slices) -> Iterator[tuple[str, Slices]]:
        """Where a block of the root lies in each array that is written with it."""
        if self.writes_root:
            yield self.root, block
        for step in self.steps:
            yield (
                step.path,
                tuple(
                    slice(
                        min(part.start // total, size),
                        # What reaches the border there does so here.
                        size if part.stop == whole else part.stop // total,
                    )
                    for part, total, size, whole in zip(
                        block, step.total, step.shape, self.shape, strict=True
                    )
                ),
            )

    def blocks(self, within: Slices | None = None) -> Iterator[Slices]:
        """The blocks of `root`, as slices, in C order; those `within` a place."""
        area = within or tuple(slice(0, size) for size in self.shape)
        ranges = (
            range(part.start, part.stop, block)
            for part, block in zip(area, self.block, strict=True)
        )
        for origin in product(*ranges):
            yield tuple(
                slice(start, min(start + block, part.stop))
                for start, block, part in zip(origin, self.block, area, strict=True)
            )


def plan_stages(
    arrays: Mapping[str, ArrayNode],
    budget: int,
    *,
    outer_budget: int | None = None,
    in_memory: Collection[str] = (),
    source_chunks: Mapping[str, Shape] | None = None,
) -> tuple[Stage, ...]:
    """Stages that fill `arrays`, in the order in which they must run.

    Parameters
    ----------
    arrays : mapping
        Nodes by path, parents before children.
    budget : int
        Bytes that one block may hold with all levels made from it. Where a single
        stored object is larger than that, the block is that object.
    outer_budget : int, optional
        The same of blocks that nest round others; as `budget` if None.
    in_memory : collection of str
        Paths of arrays whose given pixels cost nothing to hold: they are held.
    source_chunks : mapping, optional
        Shape of what is read as a whole, by path of arrays with given pixels that
        are read block by block.
    """
    planner = _Planner(
        arrays,
        budget,
        outer_budget or budget,
        frozenset(in_memory),
        source_chunks or {},
    )
    for path, node in arrays.items():
        if isinstance(node.source, Given):
            planner.add(path, writes_root=True)
        elif isinstance(node.source, Downsampled) and path not in planner.made:
            planner.add(node.source.parent, writes_root=False)
    return tuple(planner.stages)


class _Planner:
    """The stages so far, and what they make."""

    def __init__(
        self,
        arrays: Mapping[str, ArrayNode],
        budget: int,
        outer_budget: int,
        in_memory: frozenset[str],
        source_chunks: Mapping[str, Shape],
    ) -> None:
        self.stages: list[Stage] = []
        self.made: set[str] = set()
        self._arrays = arrays
        self._budget = budget
        self._outer_budget = outer_budget
        self._in_memory = in_memory
        self._source_chunks = source_chunks
        # Pixels of the array that was read first, per pixel of the arrays that are
        # in memory while it is read.
        self._chain: dict[str, Shape] = {}
        self._place = {path: index for index, path in enumerate(arrays)}
        self._children: dict[str, list[str]] = {}
        for path, node in arrays.items():
            if isinstance(node.source, Downsampled):
                self._children.setdefault(node.source.parent, []).append(path)

    def add(self, root: str, *, writes_root: bool) -> None:
        """Add the stage that makes as much as possible from `root`."""
        before = self._before(root) if not writes_root else None
        stage = None if before is None else self._stage(root, False, before)
        if stage is None:
            self._chain = {root: (1,) * len(self._arrays[root].shape)}
            stage = self._stage(root, writes_root, None)
        assert stage is not None  # without a stage before nothing is refused
        if any(stage.halo):
            self._chain = {}
        else:
            here = self._chain[root]
            self._chain |= {s.path: _times(here, s.total) for s in stage.steps}
        self.stages.append(stage)
        self.made.update(step.path for step in stage.steps)

    def _before(self, root: str) -> Stage | None:
        """The stage before, if blocks of `root` pass by while it runs."""
        return self.stages[-1] if root in self._chain and self.stages else None

    def _stage(
        self, root: str, writes_root: bool, before: Stage | None
    ) -> Stage | None:
        """The stage; None if it cannot nest round the stage before."""
        least = self._least(root, before)
        steps: list[Step] = []
        best = self._unit(root, writes_root, steps, least)
        halo = (0,) * len(best)
        for step in self._descendants(root):
            reach = self._overlap(step)
            is_first = not writes_root and not steps
            if any(reach):
                # Its blocks overlap: only a stored array can be read so.
                if is_first and before is None:
                    steps, halo = [step], reach
                    best = self._unit(root, writes_root, steps, least)
                    break
                if is_first:
                    return None
                continue
            if step.parent != root and all(step.parent != s.path for s in steps):
                continue
            unit = self._unit(root, writes_root, [*steps, step], least)
            room = self._outer_budget if before else self._budget
            fits = self._held(unit, root, [*steps, step], writes_root) <= room
            if fits or (is_first and before is None):
                steps.append(step)
                best = unit
            elif is_first:
                return None
        block = best if before else self._grown(best, root, steps)
        return Stage(
            root,
            writes_root,
            tuple(steps),
            self._arrays[root].shape,
            block,
            halo,
            nests=before is not None,
        )

    def _least(self, root: str, before: Stage | None) -> Shape | None:
        """A block of the stage before, in pixels of `root`."""
        if before is None:
            return None
        shape = self._arrays[root].shape
        theirs, ours = self._chain[before.root], self._chain[root]
        return tuple(
            # A block that is as long as the array need not be a whole multiple.
            size if block >= whole else block * their // our
            for size, block, whole, their, our in zip(
                shape, before.block, before.shape, theirs, ours, strict=True
            )
        )

    def _overlap(self, step: Step) -> Shape:
        source = self._arrays[step.path].source
        assert isinstance(source, Downsampled)  # as all that has a parent
        return overlap(source.method, step.factors)

    def _descendants(self, root: str) -> Iterator[Step]:
        totals = {root: (1,) * len(self._arrays[root].shape)}
        found = []
        generation = [root]
        while generation:
            generation = [c for p in generation for c in self._children.get(p, ())]
            found += generation
        for path in sorted(found, key=self._place.__getitem__):
            source = self._arrays[path].source
            assert isinstance(source, Downsampled)  # as all that has a parent
            totals[path] = _times(totals[source.parent], source.factors)
            if path not in self.made:
                shape = self._arrays[path].shape
                yield Step(path, source.parent, source.factors, totals[path], shape)

    def _unit(
        self, root: str, writes_root: bool, steps: list[Step], least: Shape | None
    ) -> Shape:
        """Smallest block of `root` that covers whole stored objects of all levels."""
        node = self._arrays[root]
        unit = node.layout.objects if writes_root else (1,) * len(node.shape)
        if least is not None:
            unit = _common(unit, least)
        for step in steps:
            objects = self._arrays[step.path].layout.objects
            unit = _common(unit, _times(objects, step.total))
        return tuple(min(a, b) for a, b in zip(unit, node.shape, strict=True))

    def _grown(self, unit: Shape, root: str, steps: list[Step]) -> Shape:
        """The unit doubled along x, then y, ... while half the budget holds it.

        Larger blocks mean fewer tasks; half is left to the copies that codecs make.
        Pieces that are read as a whole come first, and may take more room: one that
        lies in two blocks is read twice.
        """
        shape = self._arrays[root].shape
        reads = self._source_chunks.get(root, (1,) * len(shape))
        block = list(unit)
        for wanted, room in ((reads, 3 * self._budget), (shape, self._budget // 2)):
            for axis in reversed(range(len(block))):
                while block[axis] < min(wanted[axis], shape[axis]):
                    wider = block.copy()
                    wider[axis] = min(block[axis] * 2, shape[axis])
                    if self._held(tuple(wider), root, steps, False) > room:
                        return tuple(block)
                    block = wider
        return tuple(block)

    def _held(
        self, block: Shape, root: str, steps: list[Step], writes_root: bool
    ) -> int:
        """Bytes of a block and all levels made from it."""
        pixels = math.prod(block)
        made = sum(-(-pixels // math.prod(step.total)) for step in steps)
        is_free = writes_root and root in self._in_memory
        return (made + (0 if is_free else pixels)) * self._arrays[root].dtype.itemsize


def _times(a: Shape, b: Shape) -> Shape:
    return tuple(x * y for x, y in zip(a, b, strict=True))


def _common(a: Shape, b: Shape) -> Shape:
    return tuple(math.lcm(x, y) for x, y in zip(a, b, strict=True))
