"""Every uncontested case of the standard is judged right, at each level.

Contested ones have labels that competent readers doubt; what is answered to them is in
``docs/conformance.md`` with the reason, and not asserted to please anybody.
"""

from __future__ import annotations

import pytest

from tests.conformance import totals
from tests.conformance.cases import Case, all_cases, select
from tests.conformance.judges import (
    OURS,
    Verdict,
    jsonschema,
    ours_official,
    ours_standard,
)


def is_document(case: Case) -> bool:
    return case.is_document and not case.contested


# The labels say what the official schema of each says: where it was asked, and where
# the two strings that the candidate has for its name do not make a difference.
@pytest.mark.parametrize(
    "case", select(lambda case: is_document(case) and case.schema_valid is not None)
)
def test_at_the_level_of_its_path_a_case_is_as_the_official_schema_says(
    case: Case,
) -> None:
    verdict = ours_official(case)
    assert verdict is not None
    assert (verdict.valid, verdict.crashed) == (case.schema_valid, False), verdict


@pytest.mark.parametrize(
    "case", select(lambda case: is_document(case) and case.official)
)
def test_an_official_case_is_as_its_path_says_unless_no_schema_could_say_it(
    case: Case,
) -> None:
    verdict = ours_official(case)
    assert verdict is not None
    if "prose_only_rule" not in case.flags:
        assert verdict.valid is case.valid, verdict


@pytest.mark.parametrize(
    "case", select(lambda case: not case.contested and case.mode != "fragment")
)
def test_at_the_level_of_the_standard_a_case_is_as_its_label_says(case: Case) -> None:
    verdict = ours_standard(case)
    assert verdict is not None
    assert (verdict.valid, verdict.crashed) == (case.valid, False), verdict


@pytest.mark.parametrize("case", select(lambda case: case.contested))
def test_a_contested_case_gets_an_answer_and_a_reason(case: Case) -> None:
    for judge in OURS.values():
        verdict = judge(case)
        assert isinstance(verdict, Verdict)
        assert not verdict.crashed, verdict
    assert totals.reason(case)


@pytest.mark.parametrize(
    "case", select(lambda case: is_document(case) and case.schema_valid is not None)
)
def test_the_schemas_say_what_the_index_says_they_say(case: Case) -> None:
    verdict = jsonschema(case)
    assert verdict is None or verdict.valid is case.schema_valid


@pytest.mark.parametrize("case", select(lambda case: case.mode == "fragment"))
def test_a_piece_of_the_text_is_as_labelled_unless_it_breaks_the_text(
    case: Case,
) -> None:
    verdict = ours_standard(case)
    assert verdict is not None
    broken = case.path.name.split(".")[0] in totals.FRAGMENTS
    assert (verdict.valid, verdict.crashed) == (case.valid and not broken, False)


def test_all_cases_are_there() -> None:
    if not all_cases():
        pytest.skip("the cases of the standard are not beside the checkout")
    assert len(all_cases()) == 165 + 174 + 255
    assert len({case.id for case in all_cases()}) == len(all_cases())
