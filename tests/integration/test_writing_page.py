"""What the page about writing shows runs, and does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import zarr

import xarray_omezarr as xo

PAGE = Path(__file__).parents[2] / "docs" / "writing.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_examples_run_and_do_what_is_said(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(text, PAGE.name, "exec"), names)
    assert "Frozen({'t': 4, 'c': 2, 'y': 350, 'x': 450})" in capsys.readouterr().out
    movie = zarr.open_group("movie.ome.zarr")
    for level in movie:
        later = zarr.open_group("later.ome.zarr")[level]
        np.testing.assert_array_equal(later[...], movie[level][...])
    assert zarr.open_group("levels.ome.zarr")["2"].shape == (2, 2, 175, 225)
    clipped = zarr.open_group("clipped.ome.zarr")
    assert all(array[...].max() <= 500 for _, array in clipped.arrays())
    assert xo.open_image("clipped.ome.zarr").omezarr.scale["x"] == 0.325
