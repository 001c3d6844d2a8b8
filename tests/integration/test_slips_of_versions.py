"""Versions that are missing, or numbers: what is read all the same, with a warning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo

PIXELS = np.arange(64, dtype="uint8").reshape(8, 8)


def stored(path: Path, version: str, told: Any) -> Path:
    """An image that tells its version so; None: not at all."""
    da = xr.DataArray(PIXELS, dims=("y", "x"))
    da.omezarr.to_image(path, version=version, scale_factors=[2])
    file = path / ("zarr.json" if version == "0.5" else ".zattrs")
    document = json.loads(file.read_text())
    attrs = document.get("attributes", document)
    block = attrs["ome"] if version == "0.5" else attrs["multiscales"][0]
    block["version"] = told
    if told is None:
        del block["version"]
    file.write_text(json.dumps(document))
    return path


slips = pytest.mark.parametrize(
    ("version", "told", "words"),
    [
        ("0.5", None, "version is not given"),
        ("0.5", 0.5, "version is a number"),
        ("0.4", 0.4, "version is a number"),
    ],
)


@slips
def test_all_readers_say_so_and_read_it(tmp_path, version, told, words) -> None:
    path = stored(tmp_path / "image.zarr", version, told)
    for read in (
        lambda: xo.open_image(path),
        lambda: xr.open_dataset(path, engine="omezarr")["image"],
        lambda: xr.open_datatree(path, engine="omezarr")["0"]["image"],
    ):
        with pytest.warns(xo.OmeZarrWarning, match=words):
            np.testing.assert_array_equal(read().values, PIXELS)
    with pytest.warns(xo.OmeZarrWarning, match=words):
        assert len(xo.read_metadata(path).multiscale.levels) == 2
    assert not xo.validate(path).ok


@slips
def test_converting_and_upgrading_repair_it(tmp_path, version, told, words) -> None:
    path = stored(tmp_path / "image.zarr", version, told)
    with pytest.warns(xo.OmeZarrWarning, match=words):
        xo.convert(path, tmp_path / "copy.zarr", version=version)
    assert xo.validate(tmp_path / "copy.zarr").ok
    with pytest.warns(xo.OmeZarrWarning, match=words):
        xo.upgrade(path, version="0.5")
    assert xo.validate(path).ok
    np.testing.assert_array_equal(xo.open_image(path).values, PIXELS)
