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
    known = [*families, "s3"]
    parser.add_argument("--runs", type=int, default=300, help="of all together (300)")
    words_of_only = f"of {','.join(known)} (all but s3, whose server fails)"
    parser.add_argument("--only", help=words_of_only)
    parser.add_argument("--peers", action="store_true", help="those, side by side")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    parser.add_argument("--processes", type=int, default=2, help="at a time (2)")
    parser.add_argument("--folder", type=Path, help="where to write (temporary)")
    parser.add_argument("--page", type=Path, help="whose table is replaced")
    chosen = parser.parse_args(words)
    chosen.only = families if chosen.only is None else chosen.only.split(",")
    if unknown := sorted(set(chosen.only) - set(known)):
        parser.error(f"--only names {unknown}; there are {known}")
    return chosen


def fail_servers(runs: int, seed: int) -> int:
    """Write to servers that fail, print the table; 1 if something is lost."""
    from tests.faults import s3

    rows = s3.table(runs, seed)
    print(f"\n{s3.markdown(rows)}")
    return int(any(row.lost for row in rows))


def main(words: list[str] | None = None) -> int:
    """Crash, print the table; 1 if something is lost."""
    chosen = arguments(words)
    lost = fail_servers(chosen.runs, chosen.seed) if "s3" in chosen.only else 0
    situations = [s for s in SITUATIONS.values() if s.family in chosen.only]
    if chosen.peers:
        situations = of_peers()
    if not situations:
        return lost
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
    return lost or int(any(result.lost for result in results))


if __name__ == "__main__":
    sys.exit(main())
