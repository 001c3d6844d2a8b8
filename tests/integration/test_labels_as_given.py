"""What a label image is told after it was written, and levels of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaozarrs
import zarr

import xarray_omezarr as xo

CELLS = (np.arange(64 * 48).reshape(64, 48) // 500).astype("uint16")
COLORS = [{"label-value": 1, "rgba": [255, 0, 0, 255]}]
PROPERTIES = [{"label-value": 1, "class": "nucleus"}, {"label-value": 2, "area": 9.5}]


def image_label(target: Path, name: str) -> dict[str, object]:
    text = (target / "labels" / name / "zarr.json").read_text("utf-8")
    return json.loads(text)["attributes"]["ome"]["image-label"]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "image.ome.zarr"
    da = xr.DataArray(np.ones((64, 48), "uint8"), dims=("y", "x"))
    da = da.omezarr.assign_grid(
        scale={"y": 0.5, "x": 0.5}, units={"y": "um", "x": "um"}
    )
    da.omezarr.to_image(path, scale_factors=[2])
    return path


def test_what_is_known_of_values_is_said_of_a_label_image_that_is_there(target) -> None:
    xr.DataArray(CELLS, dims=("y", "x")).omezarr.to_labels(target, "cells")
    assert "colors" not in image_label(target, "cells")
    there = xr.open_dataset(target, engine="omezarr").cells
    # It is read from where it is written.
    there.omezarr.to_labels(
        target, "cells", mode="w", colors=COLORS, properties=PROPERTIES
    )
    assert image_label(target, "cells")["colors"] == COLORS
    assert image_label(target, "cells")["properties"] == PROPERTIES
    group = zarr.open_group(target, mode="r")
    np.testing.assert_array_equal(group["labels/cells/0"][...], CELLS)
    assert group["labels"].attrs["ome"]["labels"] == ["cells"]
    yaozarrs.validate_zarr_store(target)


@pytest.mark.parametrize("prepared", [False, True])
def test_given_levels_of_a_label_image_are_written_as_they_are(
    target, prepared
) -> None:
    levels = {"0": CELLS, "1": CELLS[1::2, 1::2]}
    tree = xr.DataTree.from_dict(
        {
            name: xr.Dataset({"labels": (("y", "x"), values)})
            for name, values in levels.items()
        }
    )
    if prepared:
        _, arrays = xo.prepare_labels({"cells": tree}, target)
        assert sorted(arrays) == ["cells/0", "cells/1"]
        for name, values in levels.items():
            arrays[f"cells/{name}"][:] = values
    else:
        tree.omezarr.to_labels(target, "cells", colors=COLORS)
        assert image_label(target, "cells")["colors"] == COLORS
    group = zarr.open_group(target / "labels/cells", mode="r")
    for name, values in levels.items():
        np.testing.assert_array_equal(group[name][...], values)
    (multiscale,) = group.attrs["ome"]["multiscales"]
    scales = [
        level["coordinateTransformations"][0]["scale"]
        for level in multiscale["datasets"]
    ]
    assert scales == [[0.5, 0.5], [1.0, 1.0]]
    yaozarrs.validate_zarr_store(target)


def test_a_label_image_needs_an_image_and_a_name_that_is_free(target, tmp_path) -> None:
    label = xr.DataArray(CELLS, dims=("y", "x"))
    label.omezarr.to_labels(target, "cells")
    for refusal in (ValueError, FileExistsError):
        with pytest.raises(refusal, match="cells"):
            label.omezarr.to_labels(target, "cells")
        with pytest.raises(refusal, match="cells"):
            xo.prepare_labels({"cells": label}, target)
    with pytest.raises(xo.OmeZarrError):
        label.omezarr.to_labels(tmp_path / "nothing", "cells")
    assert not (tmp_path / "nothing").exists()
