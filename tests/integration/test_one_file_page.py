"""What the page about one file shows runs, and does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.pages import run_page
from tests.integration.test_one_file_written import check_file


def test_the_examples_run_and_do_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_page("one-file.md")
    check_file(tmp_path / "stack.ozx")
