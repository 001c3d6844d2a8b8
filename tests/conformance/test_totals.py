"""The page of totals says what the script gives, for this package's own lines."""

from __future__ import annotations

import pytest

from tests.conformance import totals
from tests.conformance.cases import Case, all_cases
from tests.conformance.judges import OURS, Verdict

pytestmark = pytest.mark.skipif(
    not all_cases(), reason="the cases of the standard are not beside the checkout"
)


def test_the_page_holds_our_lines_as_they_are_counted_now() -> None:
    text = totals.block("totals", totals.PAGE.read_text("utf-8"))
    shown = [line for line in text.splitlines() if line.startswith("| xarray-omezarr")]
    counted = totals.tables(OURS).splitlines()
    assert shown == [line for line in counted if line.startswith("| xarray-omezarr")]


def test_the_page_holds_our_answers_to_contested_cases() -> None:
    text = totals.PAGE.read_text("utf-8")
    assert totals.block("contested", text) == totals.contested()


def test_the_page_holds_our_answers_to_pieces_of_the_text() -> None:
    text = totals.PAGE.read_text("utf-8")
    assert totals.block("fragments", text) == totals.fragments()


def test_a_crash_is_never_right_and_who_does_not_answer_is_not_counted() -> None:
    valid = next(case for case in all_cases() if case.valid)
    invalid = next(case for case in all_cases() if not case.valid)
    answers: list[tuple[Case, Verdict | None]] = [
        (valid, Verdict(True)),
        (valid, Verdict(False)),
        (valid, Verdict(True, crashed=True)),
        (invalid, Verdict(True)),
        (invalid, None),
    ]
    assert totals.score(answers) == totals.Score(4, 1, 1, 1, 1)
