"""Transformations of images that are larger than memory; no time is judged here."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from tests.performance import transforms

MIB = 2**20
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
needs_scipy = pytest.mark.skipif(
    importlib.util.find_spec("scipy") is None, reason="scipy is not installed"
)


@linux
@pytest.mark.parametrize("affine", [False, True], ids=["plain", "affine"])
def test_a_pixel_of_ten_thousand_million_is_found_by_its_place(
    tmp_path, affine
) -> None:
    path = transforms.large_image(tmp_path, affine=affine)
    figures = transforms.opened(path, affine=affine)
    # The image has 20 GB; one chunk of 512 KiB is decoded, and coordinates of two
    # dims have 0.8 MB each.
    assert figures["rise"] < 32 * MIB
    assert figures["read"] < MIB
    assert figures["requests"] < 12


@needs_scipy
def test_positions_of_contestants_agree(monkeypatch) -> None:
    monkeypatch.setattr(transforms, "POINTS", 1000)
    for calls in transforms.contests().values():
        first, *others = [call() for call in calls.values()]
        assert first.shape == (1000, 2)
        for other in others:
            np.testing.assert_allclose(first, other, rtol=1e-9)


@needs_scipy
def test_tables_are_put_between_the_marks(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(transforms, "tables", lambda folder, repeats: "| a |")
    page = tmp_path / "page.md"
    page.write_text(f"above\n\n{transforms.MARKS[0]}\nold\n{transforms.MARKS[1]}\nend")
    transforms.main(["--page", str(page), "--folder", str(tmp_path)])
    begin, end = transforms.MARKS
    assert page.read_text() == f"above\n\n{begin}\n\n| a |\n\n{end}\nend"
