"""Report: all findings about a target, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import printable

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.finding import Finding, Severity, Strictness

_SHOWN_PER_NODE = 20  # findings of one node that are printed; `findings` has all
_SHOWN_NODES = 50
_SHOWN_PATHS = 5
_LONGEST = 300  # characters of a printed line, as far as its remedy leaves room
_SHORTEST = 60  # characters that are left of a part of it
_LONGEST_REMEDY = 1000  # names of others in it may be of any length


@dataclass(frozen=True)
class Report:
    """What was found about a store, or about the attributes of one group.

    Parameters
    ----------
    findings : tuple of Finding
        All of them, in the order of the nodes.
    target : str
        What was looked at.
    version : str, optional
        Version of the standard that it tells; None if it tells none.
    level : {"schema", "strict", "standard"}
        Whose demands counted.
    nodes : int
        Groups and arrays that were looked at.
    skipped : int
        Arrays of which no chunk was decoded, since those of others had taken as much
        as a sample may; ``data="all"`` decodes all.

    Examples
    --------
    >>> from xarray_omezarr.ngff.rules.finding import Finding
    >>> report = Report((Finding("warning", "", "/ome", "has no name"),), "a.zarr")
    >>> report.ok, len(report.warnings)
    (True, 1)
    >>> print(report)
    a.zarr: valid (level 'standard'), 0 errors, 1 warning in 1 node
      /
        warning #/ome: has no name
    """

    findings: tuple[Finding, ...]
    target: str
    version: str | None = None
    level: Strictness = "standard"
    nodes: int = 1
    skipped: int = 0

    @property
    def ok(self) -> bool:
        """Whether there are no errors; there may be warnings."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that break a MUST."""
        return self._of("error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings that break a SHOULD."""
        return self._of("warning")

    def _of(self, severity: Severity) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.severity == severity)

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON holds it."""
        return {
            "valid": self.ok,
            "target": self.target,
            "version": self.version,
            "level": self.level,
            "nodes": self.nodes,
            "skipped": self.skipped,
            "findings": [finding.to_json() for finding in self.findings],
        }

    def __str__(self) -> str:
        return "\n".join(map(_one_line, self._lines()))

    def _lines(self) -> Iterator[str]:
        yield self._headline()
        nodes = self._by_nodes()
        for paths, findings in list(nodes.items())[:_SHOWN_NODES]:
            yield f"  {_places(paths)}"
            for finding in findings[:_SHOWN_PER_NODE]:
                yield f"    {_line(finding)}"
            if len(findings) > _SHOWN_PER_NODE:
                yield f"    ... and {len(findings) - _SHOWN_PER_NODE} more"
        if len(nodes) > _SHOWN_NODES:
            rest = {path for paths in [*nodes][_SHOWN_NODES:] for path in paths}
            yield f"  ... and {len(rest)} more nodes with findings"

    def _headline(self) -> str:
        version = f" OME-Zarr {self.version}" if self.version else ""
        skipped = ""
        if self.skipped:
            skipped = f"; no chunk of {_count(self.skipped, 'array')} was decoded"
        return (
            f"{self.target}: {'valid' if self.ok else 'not valid'}{version} "
            f"(level {self.level!r}), {_count(len(self.errors), 'error')}, "
            f"{_count(len(self.warnings), 'warning')} in {_count(self.nodes, 'node')}"
            f"{skipped}"
        )

    def _by_nodes(self) -> dict[tuple[str, ...], list[Finding]]:
        """Findings by the nodes that have them: what many have is told once."""
        nodes: dict[Finding, dict[str, None]] = {}
        for finding in self.findings:
            nodes.setdefault(replace(finding, path=""), {})[finding.path] = None
        found: dict[tuple[str, ...], list[Finding]] = {}
        for finding, paths in nodes.items():
            found.setdefault(tuple(paths), []).append(finding)
        return found

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(_one_line(cell))}</td>" for cell in cells)
            for paths, findings in list(self._by_nodes().items())[:_SHOWN_NODES]
            for finding in findings[:_SHOWN_PER_NODE]
            for cells in [
                (
                    finding.severity,
                    _places(paths),
                    *map(_cut, (finding.pointer, finding.message, finding.clause)),
                    _cut(finding.remedy, _LONGEST_REMEDY),
                )
            ]
        )
        columns = ("severity", "node", "pointer", "found", "rule", "remedy")
        head = "".join(f"<th>{column}</th>" for column in columns)
        table = f"<table><tr>{head}</tr>{rows}</table>" if rows else ""
        return f"<div><p>{escape(_one_line(self._headline()))}</p>{table}</div>"


def _one_line(text: str) -> str:
    """A line as it is shown: names and texts of others may hold anything."""
    return printable(text.replace("\n", "\\n"))


def _places(paths: Sequence[str]) -> str:
    """One node, or how many and the first of them."""
    shown = ", ".join(path or "/" for path in paths[:_SHOWN_PATHS])
    if len(paths) == 1:
        return shown
    more = ", ..." if len(paths) > _SHOWN_PATHS else ""
    return _cut(f"at {len(paths)} nodes: {shown}{more}")


def _line(finding: Finding) -> str:
    """A finding on one line; where it is too long, what was seen is cut, no remedy."""
    parts = [finding.message, finding.clause, finding.pointer]
    remedy = _cut(finding.remedy, _LONGEST_REMEDY)
    for i, part in enumerate(parts):
        surplus = len(_joined(finding.severity, parts, remedy)) - _LONGEST
        if surplus > 0:
            parts[i] = _cut(part, max(len(part) - surplus, _SHORTEST))
    return _joined(finding.severity, parts, remedy)


def _joined(severity: str, parts: Sequence[str], remedy: str) -> str:
    message, clause, pointer = parts
    where = f" #{pointer}" if pointer else ""
    rule = f" [{clause}]" if clause else ""
    return f"{severity}{where}: {message}{rule}{f' -> {remedy}' if remedy else ''}"


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
