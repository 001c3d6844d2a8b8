"""From raw results to medians, tables and the page of the documentation."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from tests.performance.targets import MIB, TARGETS, Medians
from tests.performance.works import WORKS

Result = Mapping[str, Any]
FIGURES = ("wall", "cpu", "rise", "disk", "requests")
BEGIN, END = "<!-- begin: printed -->", "<!-- end: printed -->"
_PACKAGES = (
    *("acquire-zarr", "bioio-ome-zarr", "dask", "distributed", "ngff-zarr", "ngio"),
    *("numcodecs", "numpy", "ome-zarr", "tensorstore", "yaozarrs", "zarr"),
)


def read(path: Path) -> list[dict[str, Any]]:
    """Raw results: one JSON object a line."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def by_pair(results: Iterable[Result]) -> dict[tuple[str, str], list[Result]]:
    """Results that hold figures, by names of work and contestant, in order of works."""
    pairs: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if "error" not in result:
            pair = (result["work"], result["contestant"])
            pairs.setdefault(pair, []).append(result)
    order = list(WORKS)
    return dict(sorted(pairs.items(), key=lambda item: order.index(item[0][0])))


def medians(results: Iterable[Result]) -> Medians:
    """Median of each figure that was measured."""
    return {
        pair: {
            figure: median(row[figure] for row in rows)
            for figure in FIGURES
            if all(figure in row for row in rows)
        }
        for pair, rows in by_pair(results).items()
    }


def _number(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _head(names: tuple[str, ...]) -> list[str]:
    return [_row(names), _row("---" for _ in names)]


def work_table(name: str, results: list[Result]) -> list[str]:
    """The contestants of one work, fastest first."""
    ours = (result for result in results if result["work"] == name)
    pairs = {who: rows for (_, who), rows in by_pair(ours).items()}
    middle = {who: medians(rows)[name, who] for who, rows in pairs.items()}
    work = WORKS[name]
    size = next(iter(pairs.values()))[0]["mebibytes"]
    lines = [f"### {name}: {work.about} ({size} MiB)", ""]
    figures = ("wall s", "min - max", "CPU s", "memory + MiB", "disk MB")
    lines += _head(("", "n", *figures, "/ ours", "/ floor", ""))
    for who in sorted(middle, key=lambda who: middle[who]["wall"]):
        row, walls = middle[who], [one["wall"] for one in pairs[who]]
        disk = row["disk"] / 1e6 if "disk" in row else None
        rise = row["rise"] / MIB if "rise" in row else None
        over = [
            row["wall"] / middle[base]["wall"] if base in middle else None
            for base in ("ours", "floor")
        ]
        notes = {note for one in pairs[who] for note in one.get("problems", ())}
        if "requests" in row:
            notes.add(f"{row['requests']:.0f} requests")
        spread = f"{min(walls):.2f} - {max(walls):.2f}"
        cells = [who, str(len(walls)), _number(row["wall"]), spread]
        cells += [_number(row.get("cpu")), _number(rise, 0), _number(disk, 1)]
        cells += [*map(_number, over), ", ".join(sorted(notes))]
        lines.append(_row(cells))
    return lines


def target_table(results: list[Result]) -> list[str]:
    """Every target of the works that were measured, and whether it is met."""
    middle = medians(results)
    measured = {work for work, _ in middle}
    lines = _head(("work", "what", "target", "measured", "met"))
    for target in TARGETS:
        if target.work not in measured:
            continue
        sign = "<=" if target.at_most else ">="
        bound = f"{sign} {target.bound:g} {target.unit}"
        found = target.reached(middle)
        shown = ("", "not measured")
        if found is not None:
            shown = (f"{found[0]:.2f} {target.unit}", "yes" if found[1] else "**no**")
        lines.append(_row([target.work, target.about, bound, *shown]))
    return lines


def machine() -> list[str]:
    """What the figures depend on: processor, Python, versions."""
    cores = len(os.sched_getaffinity(0))
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    python = platform.python_version()
    return [f"{cores} cores, {platform.system()}, Python {python}; " + ", ".join(found)]


def markdown(results: list[Result], about: list[str]) -> str:
    """All tables."""
    lines = [*about, "", "### Targets", "", *target_table(results)]
    for name in dict.fromkeys(work for work, _ in by_pair(results)):
        lines += ["", *work_table(name, results)]
    errors = {
        f"- {result['work']}, {result['contestant']}: {result['error']}"
        for result in results
        if "error" in result
    }
    if errors:
        lines += ["", "### What failed", "", *sorted(errors)]
    return "\n".join(lines) + "\n"


def put_into(page: Path, text: str) -> None:
    """Replace what stands between the two marks of `page`."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} holds no {BEGIN!r} followed by {END!r}")
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")
