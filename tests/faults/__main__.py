"""Writers that are killed, by the hundred: ``python -m tests.faults --help``."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.faults import tables
from tests.faults.crashes import crash_by_name
from tests.faults.situations import SITUATIONS, of_peers


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Kill writers with SIGKILL at random moments, judge what they "
        "leave, and write again. Linux only.",
    )
    families = list(dict.fromkeys(each.family for each in SITUATIONS.values()))
    parser.add_argument("--runs", type=int, default=300, help="of all together (300)")
    parser.add_argument("--only", help=f"of {','.join(families)} (all)")
    parser.add_argument("--peers", action="store_true", help="those, side by side")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    parser.add_argument("--processes", type=int, default=2, help="at a time (2)")
    parser.add_argument("--folder", type=Path, help="where to write (temporary)")
    parser.add_argument("--page", type=Path, help="whose table is replaced")
    chosen = parser.parse_args(words)
    chosen.only = families if chosen.only is None else chosen.only.split(",")
    if unknown := sorted(set(chosen.only) - set(families)):
        parser.error(f"--only names {unknown}; there are {families}")
    return chosen


def main(words: list[str] | None = None) -> int:
    """Crash, print the table; 1 if something is lost."""
    chosen = arguments(words)
    situations = [s for s in SITUATIONS.values() if s.family in chosen.only]
    if chosen.peers:
        situations = of_peers()
    runs = -(-chosen.runs // len(situations))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(chosen.processes, mp_context=spawn) as pool:
        waiting = [
            pool.submit(crash_by_name, each.name, runs, chosen.seed, chosen.folder)
            for each in situations
        ]
        results = []
        for each in waiting:
            results.append(each.result())
            told = results[-1]
            print(f"{told.name}: {told.runs} runs, {len(told.lost)} lost", flush=True)
            for line in told.lost:
                print(f"    {line}", flush=True)
    text = tables.beside(results) if chosen.peers else tables.crashes(results)
    print(f"\n{text}")
    if chosen.page is not None:
        tables.put(chosen.page, "peers" if chosen.peers else "crashes", text)
    return int(any(result.lost for result in results))


if __name__ == "__main__":
    sys.exit(main())
