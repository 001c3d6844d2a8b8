"""Fuzzing by the hundred thousand: ``python -m tests.performance.fuzz``.

Every input is told by its seed, so that what goes wrong can be had again:
``--first SEED --count 1``. Ranges of seeds go to processes, which changes nothing but
the time it takes.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import resource
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from typing import Any, Literal

from tests.property import mutations, targets

# Seconds of the processor that count as a hang, and of the clock that end the run.
SLOW, STUCK = 2.0, 60.0
# Seeds that a process is given at once.
BLOCK = 2_000

Inputs = Literal["documents", "stores"]


class Tally:
    """What happened to the inputs of one target."""

    def __init__(self) -> None:
        self.inputs = 0
        self.seconds = 0.0
        self.slowest = (0.0, 0)
        self.slow: list[int] = []
        self.raised: dict[str, list[int]] = collections.defaultdict(list)

    def ask(self, target: Callable[[Any], None], given: Any, seed: int) -> None:
        """Give one input to a target."""
        start = time.process_time()
        try:
            target(given)
        except Exception as problem:
            self.raised[_where(problem)].append(seed)
        took = time.process_time() - start
        self.inputs += 1
        self.seconds += took
        self.slowest = max(self.slowest, (took, seed))
        if took > SLOW:
            self.slow.append(seed)

    def add(self, other: Tally) -> None:
        """Take in what happened in another process."""
        self.inputs += other.inputs
        self.seconds += other.seconds
        self.slowest = max(self.slowest, other.slowest)
        self.slow += other.slow
        for where, seeds in other.raised.items():
            self.raised[where] += seeds

    def told(self, name: str) -> str:
        """One line, and one for each thing that was raised."""
        took, seed = self.slowest
        lines = [
            f"{name}: {self.inputs} inputs, {sum(map(len, self.raised.values()))} "
            f"raised, {len(self.slow)} slow, {1e3 * self.seconds / self.inputs:.2f} ms "
            f"each, slowest {took:.2f} s (seed {seed})"
        ]
        for where, seeds in sorted(self.raised.items(), key=lambda item: -len(item[1])):
            lines.append(f"  {len(seeds)} x {where} (seeds {seeds[:3]})")
        return "\n".join(lines)


def _where(problem: Exception) -> str:
    """The last line of ours that an exception passed, and its words."""
    place = "nowhere of ours"
    for frame in traceback.extract_tb(problem.__traceback__):
        _, ours, file = frame.filename.partition("xarray_omezarr/")
        if ours:
            place = f"{file}:{frame.lineno}"
    return f"{type(problem).__name__} at {place}: {str(problem)[:100]}"


def block(inputs: Inputs, seeds: range) -> tuple[dict[str, Tally], int]:
    """Give the inputs of some seeds to all targets; what happened, and peak memory."""
    if inputs == "documents":
        chosen: dict[str, Callable[[Any], None]] = targets.DOCUMENTS
        make: Callable[[int], Any] = mutations.spoilt_document
    else:
        chosen, make = targets.STORES, mutations.spoilt_store
    tallies = {name: Tally() for name in chosen}
    for target in chosen.values():
        # What is imported late is no input's fault.
        with suppress(Exception):
            target(make(seeds[0]))
    for seed in seeds:
        faulthandler.dump_traceback_later(STUCK, exit=True)
        # One for all targets, none of which may change it.
        given = make(seed)
        for name, target in chosen.items():
            tallies[name].ask(target, given, seed)
    faulthandler.cancel_dump_traceback_later()
    return tallies, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run(inputs: Inputs, seeds: range, processes: int) -> None:
    """Give the inputs of all seeds to all targets, and print what happened."""
    size = min(BLOCK, -(-len(seeds) // processes))
    blocks = [seeds[i : i + size] for i in range(0, len(seeds), size)]
    if processes == 1:
        _tell(inputs, (block(inputs, some) for some in blocks))
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        _tell(inputs, pool.map(block, [inputs] * len(blocks), blocks))


def _tell(inputs: Inputs, done: Iterable[tuple[dict[str, Tally], int]]) -> None:
    total: dict[str, Tally] = collections.defaultdict(Tally)
    peak = 0
    for tallies, memory in done:
        peak = max(peak, memory)
        for name, tally in tallies.items():
            total[name].add(tally)
    for name, tally in total.items():
        print(tally.told(name), flush=True)
    print(f"{inputs}: peak memory of a process {peak / 1024:.0f} MiB", flush=True)


def main() -> None:
    """Fuzz documents, then stores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="documents")
    parser.add_argument("--stores", type=int, default=5_000, help="hierarchies")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=1, help="at once")
    arguments = parser.parse_args()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{before / 1024:.0f} MiB before the first input", flush=True)
    first = arguments.first
    counts: dict[Inputs, int] = {
        "documents": arguments.count,
        "stores": arguments.stores,
    }
    for inputs, count in counts.items():
        if count:
            seeds = range(first, first + count)
            run(inputs, seeds, max(1, arguments.processes))


if __name__ == "__main__":
    main()
