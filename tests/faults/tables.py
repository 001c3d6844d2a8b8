"""Tables of what came of crashes, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.faults.crashes import Result

_ENDS = ("nothing", "old", "between", "new")
_PEER_ENDS = ("nothing", "old", "new", "torn", "gone")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def crashes(results: Sequence[Result]) -> str:
    """What came of situations, and the sum."""
    head = ("situation", "runs", "killed", *_ENDS, "lost")
    rows = [_row(result, _ENDS, len(result.lost)) for result in results]
    total = Result("**all**")
    for each in results:
        total.runs += each.runs
        total.killed += each.killed
        total.ends += each.ends
    lost = sum(len(each.lost) for each in results)
    return table(head, [*rows, _row(total, _ENDS, lost)])


def beside(results: Sequence[Result]) -> str:
    """What peers leave."""
    head = (
        "writer",
        "runs",
        "killed",
        "no image",
        "old, whole",
        "new, whole",
        "an image, pixels missing or mixed",
        "old image gone",
    )
    return table(head, [_row(result, _PEER_ENDS) for result in results])


def _row(result: Result, ends: Sequence[str], *more: object) -> list[object]:
    counted: Counter[str] = result.ends
    numbers = [counted[end] or "" for end in ends]
    return [result.name, result.runs, result.killed, *numbers, *more]


def put(page: Path, name: str, text: str) -> None:
    """Put a table between two marks of a page."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, rest = page.read_text("utf-8").split(start)
    _, after = rest.split(end)
    page.write_text(f"{before}{start}{text}\n{end}{after}", "utf-8")
