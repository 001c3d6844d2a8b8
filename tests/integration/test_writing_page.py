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
    printed = capsys.readouterr().out
    assert "Frozen({'t': 4, 'c': 2, 'y': 350, 'x': 450})" in printed
    assert "[85 20]" in printed
    assert "image, axes yx, 1 level {'y': 0.5, 'x': 0.5}" in printed
    movie = zarr.open_group("movie.ome.zarr")
    for level in movie:
        later = zarr.open_group("later.ome.zarr")[level]
        np.testing.assert_array_equal(later[...], movie[level][...])
    assert zarr.open_group("levels.ome.zarr")["2"].shape == (2, 2, 175, 225)
    clipped = zarr.open_group("clipped.ome.zarr")
    assert all(array[...].max() <= 500 for _, array in clipped.arrays())
    assert xo.open_image("clipped.ome.zarr").omezarr.scale["x"] == 0.325
    assert list(zarr.open_group("one-level.ome.zarr").array_keys()) == ["0"]
    assert not zarr.open_group("given.ome.zarr")["1"][...].any()
    layout = [zarr.open_group("layout.ome.zarr")[level] for level in "01"]
    assert [array.chunks for array in layout] == [(1, 128, 128), (1, 64, 64)]
    assert [array.shards for array in layout] == [(2, 512, 512), None]
    made = zarr.open_group("by-function.ome.zarr")["0"]
    np.testing.assert_array_equal(made[...], zarr.open_group("given.ome.zarr")["0"][:])
    old = zarr.open_group("old.ome.zarr")
    assert old.metadata.zarr_format == 2
    assert [old[level].shape for level in "012"] == [
        (5, 64, 64),
        (5, 32, 32),
        (5, 16, 16),
    ]
