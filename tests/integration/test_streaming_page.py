"""What the page about streaming shows runs, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import zarr

import xarray_omezarr as xo

PAGE = Path(__file__).parents[2] / "docs" / "streaming.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_examples_run_and_do_what_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    for language, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(text, PAGE.name, "exec"), names)
            printed = output.getvalue()
        else:
            assert printed == text
    group = zarr.open_group("movie.ome.zarr")
    finest = xo.open_image("movie.ome.zarr").values
    assert [int(finest[t].max()) for t in (3, 4, 5, 6, 7)] == [1, 0, 7, 9, 1]
    assert int(finest[100].max()) == 7
    bins = finest.reshape(101, 2, 128, 2, 128, 2).astype(float).mean(axis=(3, 5))
    np.testing.assert_array_equal(group["1"][...], np.rint(bins))
