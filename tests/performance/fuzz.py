"""Fuzzing by the hundred thousand: ``python -m tests.performance.fuzz``.

Every input is told by its seed, so that what goes wrong can be had again:
``--first SEED --count 1``.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import resource
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from tests.property import mutations, targets

# An input that takes longer counts as a hang; far longer ends the run.
SLOW, STUCK = 2.0, 60.0


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
        faulthandler.dump_traceback_later(STUCK, exit=True)
        start = time.perf_counter()
        try:
            target(given)
        except Exception as problem:
            self.raised[_where(problem)].append(seed)
        took = time.perf_counter() - start
        faulthandler.cancel_dump_traceback_later()
        self.inputs += 1
        self.seconds += took
        self.slowest = max(self.slowest, (took, seed))
        if took > SLOW:
            self.slow.append(seed)

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


def run(
    chosen: Mapping[str, Callable[[Any], None]],
    make: Callable[[int], Any],
    seeds: range,
) -> None:
    """Give the inputs of all seeds to all targets, and print what happened."""
    tallies = {name: Tally() for name in chosen}
    for seed in seeds:
        for name, target in chosen.items():
            tallies[name].ask(target, make(seed), seed)
    for name, tally in tallies.items():
        print(tally.told(name), flush=True)


def main() -> None:
    """Fuzz documents, then stores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="documents")
    parser.add_argument("--stores", type=int, default=5_000, help="hierarchies")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for chosen, make, count in (
        (targets.DOCUMENTS, mutations.spoilt_document, arguments.count),
        (targets.STORES, mutations.spoilt_store, arguments.stores),
    ):
        if count:
            first = arguments.first
            run(chosen, make, range(first, first + count))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {after / 1024:.0f} MiB, {before / 1024:.0f} MiB before")


if __name__ == "__main__":
    main()
