"""What the page about label images shows runs, and does what it says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaozarrs
import zarr

from tests.integration.pages import run_page


def test_the_examples_run_and_do_what_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_page("labels.md")
    found = names["found"]
    coins = zarr.open_group("coins.ome.zarr")
    np.testing.assert_array_equal(coins["labels/objects/0"][...], found.values)
    assert coins["labels/bright/0"].dtype == "uint8"
    again = np.where(found.values == 1, 0, found.values)
    # Pixels were replaced by all of those that were found.
    np.testing.assert_array_equal(coins["labels/again/0"][...], found.values)
    assert (again != found.values).any()
    assert not np.setdiff1d(coins["labels/objects/1"][...], found.values).size
    filled = coins["labels/tiles/0"][...]
    expected = np.zeros(found.shape, "uint32")
    expected[:64, :64] = 7
    expected[64:128, :128] = found.values[64:128, :128]
    np.testing.assert_array_equal(filled, expected)
    assert (coins["labels/tiles/1"][:32, :32] == 7).all()
    for other in ("dataset", "tree"):
        group = zarr.open_group(f"{other}.ome.zarr")
        np.testing.assert_array_equal(group["labels/objects/0"][...], found.values)
    attributes = json.loads(
        (tmp_path / "coins.ome.zarr/labels/measured/zarr.json").read_text()
    )
    said = attributes["attributes"]["ome"]["image-label"]
    assert said["colors"][1] == {"label-value": 2, "rgba": [0, 255, 0, 128]}
    described = zarr.open_group("described.ome.zarr")["labels/objects"]
    said_there = described.attrs["ome"]["image-label"]
    assert said_there["properties"] == [{"label-value": 1, "area": 2603}]
    assert said_there["colors"] == [{"label-value": 1, "rgba": [255, 0, 0, 255]}]
    areas = {row["label-value"]: row["area"] for row in said["properties"]}
    assert areas == {n: int((found.values == n).sum()) for n in areas}
    counts = np.bincount(found.values.ravel())
    assert names["area"].to_dict() == dict(enumerate(counts[1:].tolist(), start=1))
    for name in ("coins", "dataset", "tree", "described"):
        yaozarrs.validate_zarr_store(tmp_path / f"{name}.ome.zarr")


def test_replacing_an_image_warns_of_its_labels(tmp_path, monkeypatch) -> None:
    import xarray as xr

    import xarray_omezarr as xo

    image = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"))
    image.omezarr.to_image(tmp_path / "i.ome.zarr", labels={"cells": image})
    with pytest.warns(xo.OmeZarrWarning, match="cells"):
        image.omezarr.to_image(tmp_path / "i.ome.zarr", mode="w")
    assert not (tmp_path / "i.ome.zarr/labels").exists()
