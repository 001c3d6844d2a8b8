"""Whatever metadata hold, they are judged or refused in words; nothing else is raised.

A bounded number of the inputs; ``python -m tests.performance.fuzz`` tries as many as
it is asked to.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property import mutations, targets

SEEDS = st.integers(0, 2**32)
quick = settings(
    max_examples=100,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@quick
@given(SEEDS)
def test_attributes_are_judged_at_every_level_whatever_they_hold(seed: int) -> None:
    targets.check(mutations.spoilt_document(seed))


@quick
@given(SEEDS)
def test_attributes_become_a_report_whatever_they_hold(seed: int) -> None:
    targets.report(mutations.spoilt_document(seed))


@quick
@given(SEEDS)
def test_attributes_are_read_or_refused_in_words(seed: int) -> None:
    targets.read(mutations.spoilt_document(seed))


@settings(quick, max_examples=40)
@given(SEEDS)
def test_stores_are_judged_or_refused_in_words(seed: int) -> None:
    files = mutations.spoilt_store(seed)
    if not files:
        pytest.skip("the cases of the standard are not beside the checkout")
    targets.validate_store(files)


@settings(quick, max_examples=40)
@given(SEEDS)
def test_stores_are_opened_or_refused_in_words(seed: int) -> None:
    files = mutations.spoilt_store(seed)
    if not files:
        pytest.skip("the cases of the standard are not beside the checkout")
    targets.open_store(files)
