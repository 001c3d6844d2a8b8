"""Scripts say what they miss, and write nothing, where the cases are not there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conformance import runner, totals


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    page = tmp_path / "page.md"
    page.write_text("as it was")
    monkeypatch.setattr(totals, "PAGE", page)
    return page


def test_totals_of_no_cases_are_not_written(
    monkeypatch: pytest.MonkeyPatch, page: Path
) -> None:
    monkeypatch.setattr(totals, "all_cases", tuple)
    with pytest.raises(SystemExit, match=r"no cases at .*spec"):
        totals.main([])
    assert page.read_text() == "as it was"


def test_a_package_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, page: Path
) -> None:
    monkeypatch.setattr(totals, "all_cases", lambda: (object(),))
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(SystemExit, match=r"jsonschema.*pip install"):
        totals.main([])
    assert page.read_text() == "as it was"


def test_the_runner_is_not_content_with_no_cases(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runner, "SPEC", tmp_path)
    with pytest.raises(SystemExit, match="no cases at"):
        runner.main(["attributes", "0.6", "--", "true"])
