"""All contestants side by side: ``python -m tests.performance --help``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.performance import report
from tests.performance.contestants import CONTESTANTS
from tests.performance.works import WORKS

ROOT = Path(__file__).parents[2]
# Longer than any contestant needs on a machine that is busy with something else.
_PATIENCE = 900


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.performance",
        description="Write the same images and plates with every tool that is "
        "installed, each time in a fresh process, and print medians beside the "
        "targets. Linux only.",
    )
    names = ",".join(WORKS)
    parser.add_argument("--works", default=names, help=f"of {names} (all)")
    names = ",".join(CONTESTANTS)
    parser.add_argument("--contestants", default=names, help=f"of {names} (all)")
    parser.add_argument("--repeats", type=int, default=5, help="of each (5)")
    parser.add_argument(
        "--size", type=int, help="MiB (fields of plates) instead of the works'"
    )
    parser.add_argument("--raw", type=Path, help="file to which raw results are added")
    parser.add_argument("--folder", type=Path, help="for images; kept for the next run")
    parser.add_argument(
        "--cold", action="store_true", help="do not warm up: imports count"
    )
    parser.add_argument(
        "--page", type=Path, help="put the tables between the marks of this page"
    )
    parser.add_argument(
        "--only-tables",
        action="store_true",
        help="of --raw; measure nothing",
    )
    chosen = parser.parse_args(words)
    for what, known in (("works", WORKS), ("contestants", CONTESTANTS)):
        given = getattr(chosen, what).split(",")
        if unknown := [name for name in given if name not in known]:
            parser.error(f"--{what} names {unknown}; there are {list(known)}")
        setattr(chosen, what, given)
    if chosen.only_tables and chosen.raw is None:
        parser.error("--only-tables needs --raw, the results to read")
    return chosen


def present(names: list[str]) -> list[str]:
    """Those contestants that are installed; the others are named in a line each."""
    kept = []
    for name in names:
        if missing := CONTESTANTS[name].missing():
            print(f"left out: {name} ({', '.join(missing)} not installed)")
        else:
            kept.append(name)
    return kept


def orders(chosen: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """All measurements: contestants take turns, so that a slow minute hits all."""
    contestants = present(chosen.contestants)
    for work in chosen.works:
        for _ in range(chosen.repeats):
            for name in contestants:
                if work in CONTESTANTS[name].works:
                    yield {
                        "work": work,
                        "contestant": name,
                        "mebibytes": chosen.size or WORKS[work].mebibytes,
                        "folder": str(folder),
                        "warm": not chosen.cold,
                    }


def measured(order: dict[str, Any]) -> dict[str, Any]:
    """The result of one order, in a process of its own."""
    command = [sys.executable, "-m", "tests.performance.measure", json.dumps(order)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        return {**order, "error": f"no answer within {_PATIENCE} s"}
    # Tools may print; the result is the last line.
    last = (done.stdout.strip().splitlines() or [""])[-1]
    if not last.startswith("{"):
        return {**order, "error": f"exit {done.returncode}: {done.stderr[-300:]}"}
    return dict(json.loads(last))


def line(result: dict[str, Any]) -> str:
    """One result as it is printed while the others still run."""
    start = f"{result['work']:10} {result['contestant']:22}"
    if "error" in result:
        return f"{start} failed: {result['error'][:100]}"
    notes = "; ".join(result.get("problems", ()))
    cpu, rise = (result.get(name, float("nan")) for name in ("cpu", "rise"))
    figures = f"{result['wall']:7.2f} s {cpu:7.2f} CPU s {rise / 2**20:7.0f} MiB"
    return f"{start} {figures} {notes}"


def main() -> None:
    """Measure, print the tables, keep what was asked to be kept."""
    chosen = arguments()
    results = []
    if not chosen.only_tables:
        with tempfile.TemporaryDirectory(prefix="performance-") as scratch:
            folder = chosen.folder or Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            for order in orders(chosen, folder.resolve()):
                result = measured(order)
                results.append(result)
                print(line(result), flush=True)
                if chosen.raw is not None:
                    with open(chosen.raw, "a", encoding="utf-8") as file:
                        # Where it was measured is of no use to a reader.
                        del result["folder"]
                        file.write(json.dumps(result) + "\n")
    if chosen.raw is not None:
        results = report.read(chosen.raw)
    text = report.markdown(results, report.machine())
    print(f"\n{text}")
    if chosen.page is not None:
        report.put_into(chosen.page, text)


if __name__ == "__main__":
    main()
