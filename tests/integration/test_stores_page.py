"""What the page about stores shows runs, and does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr

from tests.integration.pages import run_page


def test_the_examples_run_and_do_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("icechunk")
    monkeypatch.chdir(tmp_path)
    names = run_page("stores.md")
    opened = xr.open_dataarray(
        tmp_path / "lab.zarr", engine="omezarr", group="day 1", labels=False
    )
    xr.testing.assert_equal(opened.drop_vars(["y", "x"]), names["image"])
