from __future__ import annotations

from dataclasses import replace

from xarray_omezarr.ngff.rules.finding import Finding, pointed, seen
from xarray_omezarr.ngff.rules.report import Report

WRONG = Finding(
    "error", "A/1", "/ome", "has <b>no</b> axes", "OME-Zarr (MUST)", "{}", "add"
)
ADVICE = Finding("warning", "", "", "has no name")


class TestFinding:
    def test_it_reads_as_a_line(self) -> None:
        line = "error at A/1#/ome: has <b>no</b> axes [OME-Zarr (MUST)] -> add"
        assert str(WRONG) == line
        assert str(ADVICE) == "warning at /: has no name"

    def test_a_member_is_pointed_at_as_the_rfc_says(self) -> None:
        assert pointed("/a", "b~c/d") == "/a/b~0c~1d"
        assert pointed("", 3) == "/3"


class TestSeen:
    def test_values_are_shown_as_json(self) -> None:
        assert seen([None, True, 1.5, "a"]) == '[null, true, 1.5, "a"]'
        assert seen({"a": {}}) == '{"a": {}}'

    def test_long_ones_are_cut(self) -> None:
        assert len(seen("x" * 10_000)) == 80
        assert seen(list(range(100))) == "[0, 1, 2, 3, 4, 5, ...]"

    def test_numbers_too_long_to_spell_are_described(self) -> None:
        assert "digits" in seen(10**5000)

    def test_nothing_is_left_that_a_terminal_obeys(self) -> None:
        assert seen("\x1b[31m\n\ud800") == r'"\x1b[31m\n\ud800"'

    def test_foreign_code_is_not_run(self) -> None:
        class Loud:
            def __repr__(self) -> str:
                raise AssertionError

        assert seen(Loud()) == "a Python Loud"


class TestReport:
    def test_warnings_alone_are_ok(self) -> None:
        assert Report((ADVICE,), "a").ok
        both = Report((ADVICE, WRONG), "a")
        assert not both.ok
        assert both.errors == (WRONG,) and both.warnings == (ADVICE,)

    def test_it_prints_by_node(self) -> None:
        lines = str(Report((ADVICE, WRONG), "a.zarr", "0.5", "strict", 3)).split("\n")
        assert lines[0] == (
            "a.zarr: not valid OME-Zarr 0.5 (level 'strict'), 1 error, 1 warning in "
            "3 nodes"
        )
        assert lines[1:] == [
            "  /",
            "    warning: has no name",
            "  A/1",
            "    error #/ome: has <b>no</b> axes [OME-Zarr (MUST)] -> add",
        ]

    def test_many_findings_are_cut_with_their_number(self) -> None:
        several = tuple(replace(ADVICE, pointer=f"/{number}") for number in range(25))
        text = str(Report(several, "a"))
        assert "... and 5 more" in text
        assert text.count("has no name") == 20

    def test_of_a_long_finding_what_was_seen_is_cut_and_not_the_remedy(self) -> None:
        remedy = "write one of " + ", ".join(f"'unit {n}'" for n in range(9))
        long = replace(WRONG, message="is " + "x" * 400, remedy=remedy)
        line = str(Report((long,), "a")).split("\n")[2]
        assert line.startswith("    error #/ome: is xxx")
        assert line.endswith(f"... [OME-Zarr (MUST)] -> {remedy}")
        assert len(line.strip()) == 300
        html = Report((replace(long, remedy="y" * 400),), "a")._repr_html_()
        assert "y" * 400 in html and "x" * 300 not in html

    def test_all_parts_but_the_remedy_give_way_in_turn(self) -> None:
        long = replace(WRONG, message="m" * 300, clause="c" * 300, remedy="r" * 200)
        line = str(Report((long,), "a")).split("\n")[2]
        assert line.strip() == (
            f"error #/ome: {'m' * 57}... [{'c' * 57}...] -> {'r' * 200}"
        )

    def test_what_many_nodes_have_alike_is_printed_once(self) -> None:
        paths = [f"A/{number}/0/labels/cells" for number in range(12)]
        advice = [replace(ADVICE, path=path) for path in paths]
        other = [replace(WRONG, path=path) for path in paths]
        report = Report((*advice, *other, WRONG), "a")
        assert len(report.warnings) == 12 and len(report.errors) == 13
        shown = ", ".join(paths[:5])
        assert str(report).split("\n")[1:] == [
            f"  at 12 nodes: {shown}, ...",
            "    warning: has no name",
            f"  at 13 nodes: {shown}, ...",
            "    error #/ome: has <b>no</b> axes [OME-Zarr (MUST)] -> add",
        ]
        assert report._repr_html_().count("<tr>") == 1 + 2

    def test_arrays_that_were_not_sampled_are_told(self) -> None:
        assert str(Report((), "a", skipped=3)).endswith(
            "in 1 node; no chunk of 3 arrays was decoded"
        )

    def test_html_is_escaped(self) -> None:
        html = Report((WRONG,), "<script>")._repr_html_()
        assert "<b>" not in html and "<script>" not in html
        assert "has &lt;b&gt;no&lt;/b&gt; axes" in html

    def test_json_has_everything(self) -> None:
        told = Report((WRONG,), "a", "0.5").to_json()
        assert told["valid"] is False
        assert told["findings"][0]["pointer"] == "/ome"
        assert set(told) == {
            "valid",
            "target",
            "version",
            "level",
            "nodes",
            "skipped",
            "findings",
        }
