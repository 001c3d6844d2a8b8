"""Totals of all judges over all cases, written into ``docs/conformance.md``.

``python -m tests.conformance.totals`` needs the cases, beside the checkout, and the
packages of the neighbours; with ``--print`` the page is left alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path

from tests.conformance.cases import SPEC, VERSIONS, Case, all_cases
from tests.conformance.judges import OURS, Judge, Verdict, ours_official, ours_standard

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
DOCUMENTS, HIERARCHIES = "documents", "hierarchies"
HEAD = (
    "| | right | wrong accept | wrong reject | crash | right, official cases "
    "| right, contested too |\n|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Score:
    """How often a judge was asked and right, and how it was wrong."""

    asked: int = 0
    right: int = 0
    accepted: int = 0
    rejected: int = 0
    crashed: int = 0


def score(judged: Iterable[tuple[Case, Verdict | None]]) -> Score:
    """Count verdicts against the labels; a crash is never right."""
    counts = dict.fromkeys(("asked", "right", "accepted", "rejected", "crashed"), 0)
    for case, verdict in judged:
        if verdict is None:
            continue
        counts["asked"] += 1
        if verdict.crashed:
            counts["crashed"] += 1
        elif verdict.valid == case.valid:
            counts["right"] += 1
        else:
            counts["accepted" if verdict.valid else "rejected"] += 1
    return Score(**counts)


def cases_of(version: str, part: str) -> list[Case]:
    """Cases of a version: single documents, or stored hierarchies."""
    return [
        case
        for case in all_cases()
        if case.version == version
        and case.mode != "fragment"
        and (case.mode == "store") is (part == HIERARCHIES)
    ]


def row(name: str, judge: Judge, cases: Sequence[Case]) -> str:
    """One line of a table."""
    judged = [(case, judge(case)) for case in cases]
    clear = score(pair for pair in judged if not pair[0].contested)
    official = score(
        pair for pair in judged if pair[0].official and not pair[0].contested
    )
    everything = score(judged)
    if not everything.asked:
        return f"| {name} | does not know it | | | | | |"
    return (
        f"| {name} | {_of(clear)} | {clear.accepted} | {clear.rejected} "
        f"| {clear.crashed} | {_of(official)} | {_of(everything)} |"
    )


def _of(one: Score) -> str:
    return f"{one.right} of {one.asked}" if one.asked else "-"


def tables(judges: Mapping[str, Judge]) -> str:
    """All tables of totals as text."""
    lines: list[str] = []
    for part in (DOCUMENTS, HIERARCHIES):
        for version in VERSIONS:
            cases = cases_of(version, part)
            clear = sum(not case.contested for case in cases)
            lines += [
                f"\n### {version}, {part}: {clear} cases, "
                f"and {len(cases) - clear} contested\n",
                HEAD,
            ]
            lines += [row(name, judge, cases) for name, judge in judges.items()]
    return "\n".join(lines).strip()


def contested() -> str:
    """What is answered to each contested case, and why its label is doubtful."""
    lines = [
        "| case | its label | official question | standard | why it is contested |",
        "|---|---|---|---|---|",
    ]
    for case in all_cases():
        if case.contested:
            answers = [_word(judge(case)) for judge in (ours_official, ours_standard)]
            label = "valid" if case.valid else "invalid"
            lines.append(
                f"| `{case.id}` | {label} | {' | '.join(answers)} | {reason(case)} |"
            )
    return "\n".join(lines)


def _word(verdict: Verdict | None) -> str:
    if verdict is None:
        return "-"
    return "crash" if verdict.crashed else "valid" if verdict.valid else "invalid"


# What is doubtful about the labels, by what the collectors say of a case.
_REASONS = {
    "stale_official_case": "`input` and `output` are texts, as in drafts; the schema "
    "of the candidate wants objects",
    "unit_is_null": '`"unit": null`: the text is silent, the schema rejects it',
    "labels_list_is_empty": "an empty list of labels: the text does not forbid it, "
    "others reject it",
    "has_non_ome_tables_group": "the image is fine; its group of labels keeps the list "
    "outside `ome`",
}
_BY_NAME = {
    "authored_plate_listed_well_missing": "a listed well is absent: judges disagree "
    "whether that is a fault",
    "authored_untyped_axis_in_channel_place": "an axis without type in the place of "
    "the channel: the text allows it, the schemas before 0.6 count it as space",
    "authored_extra_input_path_null": "`path` may be null by the text, not by the "
    "schema's words",
    "ngio_base_ome_zarr_image_meta": "the label is the reading of one project",
}


# Pieces of the text that stand for themselves: nobody checks them upstream. What is
# wrong with those that are labelled valid and are refused here.
FRAGMENTS = {
    "example_byDimension2": "four axes of space in a system; a system has two or three",
    "example_byDimensionXarray": "steps that are not within `transformation`, as in "
    "drafts; the schema refuses them as well",
    "example_displacement_field": "two numbers in a scale of three axes",
    "example_multiscales": '`"ome": "0.6rc0"`, where an object must stand',
    "example_projectAxis2": "axes without types: none of them is of space",
    "example_sequenceSubspace1": "steps with axes by name, as in drafts",
}


def fragments() -> str:
    """What is answered to the pieces of systems and transformations in the text."""
    lines = ["| piece | its label | standard | why not |", "|---|---|---|---|"]
    for case in all_cases():
        if case.mode == "fragment":
            name = case.path.name.split(".")[0]
            label = "valid" if case.valid else "invalid"
            answer = _word(ours_standard(case))
            why = FRAGMENTS.get(name, "")
            lines.append(f"| `{name}` | {label} | {answer} | {why} |")
    return "\n".join(lines)


def reason(case: Case) -> str:
    """Why a label is doubtful, in words."""
    name = case.path.name.split(".")[0]
    if name in _BY_NAME:
        return _BY_NAME[name]
    for flag, words in _REASONS.items():
        if flag in case.flags:
            return words
    return f"labelled valid, but the text says otherwise: {'; '.join(case.breaks)}"


def marked(name: str, text: str, content: str) -> str:
    """A page with the block of a name replaced."""
    start, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n{content}\n{end}{after}"


def block(name: str, text: str) -> str:
    """The block of a name in a page."""
    rest = text.partition(f"<!-- {name}: begin -->")[2]
    return rest.partition(f"<!-- {name}: end -->")[0].strip()


def main(arguments: Sequence[str]) -> None:
    """Ask everybody, and write the page or show what would be written."""
    peers = _peers()
    blocks = {
        "totals": tables({**OURS, **peers}),
        "contested": contested(),
        "fragments": fragments(),
    }
    if "--print" in arguments:
        print("\n\n".join(blocks.values()))
        return
    text = PAGE.read_text("utf-8")
    for name, content in blocks.items():
        text = marked(name, text, content)
    PAGE.write_text(text, "utf-8")


def _peers() -> dict[str, Judge]:
    """The others by name and version; the program ends where anything is missing."""
    if not all_cases():
        sys.exit(
            f"no cases at {SPEC}: they lie beside the checkout; nothing is written"
        )
    try:
        import jsonschema
        import referencing

        from tests.conformance.peers import PACKAGES, PEERS

        assert jsonschema and referencing
        return {f"{name} {version_of(PACKAGES[name])}": PEERS[name] for name in PEERS}
    except (ImportError, PackageNotFoundError) as problem:
        sys.exit(
            f"a package that is compared is not installed ({problem}); pip install "
            "jsonschema ome-zarr-models ngff-zarr yaozarrs; nothing is written"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
