"""The protocol of the official conformance runner, spoken to any command.

``python -m tests.conformance.runner attributes 0.6 -- xarray-omezarr validate
--conformance attributes`` asks for every case of a version, one process each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conformance.cases import SPEC

PATTERNS = {"attributes": "tests/attributes", "zarr": "tests/zarr"}


def discover(version: str, mode: str) -> list[Path]:
    """The cases as the official runner finds them: by their place alone."""
    root = SPEC / version / PATTERNS[mode]
    pattern = "**/*.json" if mode == "attributes" else "**/*.ome.zarr"
    return sorted(root.glob(pattern))


def is_valid(case: Path) -> bool:
    """The truth, which the official runner takes from the path."""
    return "/valid/" in case.as_posix()


def ask(command: Sequence[str], case: Path) -> str:
    """``pass``, ``fail`` or ``error``, as the official runner decides it."""
    done = subprocess.run(
        [*command, str(case)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        return "error"
    # Whatever else is printed makes the official runner stop.
    answer = json.loads(done.stdout)
    if not isinstance(answer["valid"], bool) or not isinstance(answer["message"], str):
        return "error"
    return "pass" if answer["valid"] == is_valid(case) else "fail"


def run(command: Sequence[str], cases: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """The results of all cases, asked by as many processes as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda case: ask(command, case), cases)
        yield from zip(cases, results, strict=True)


def main(arguments: Sequence[str]) -> int:
    """Print one line per case and a line of totals."""
    split = list(arguments).index("--")
    mode, version = arguments[:split]
    cases = discover(version, mode)
    if not cases:
        sys.exit(f"no cases at {SPEC / version / PATTERNS[mode]}")
    counts = {"pass": 0, "fail": 0, "error": 0}
    for case, result in run(arguments[split + 1 :], cases):
        counts[result] += 1
        print(case.relative_to(SPEC).as_posix(), result, sep="\t")
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    return (counts["fail"] > 0) + 2 * (counts["error"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
