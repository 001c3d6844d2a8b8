"""Label images in the tree of an image that is placed."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from tests.unit.placing.building import affine, image, to_world
from xarray_omezarr.errors import OmeZarrError, OmeZarrWarning

TILTED = to_world(affine([[1, 0.2, 0, 0], [0, 1, 0.1, 0], [0.1, 0, 1, 0]]), "zyx")
NAMES = ["z_world", "y_world", "x_world"]


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / "image.ome.zarr"
    da = image(z=np.arange(4) * 2.0, y=np.arange(8) * 0.5, x=np.arange(8) * 0.5)
    cells = (da % 5).astype("uint8")
    labels = {"flat": cells.isel(z=0, drop=True), "cells": cells}
    xo.write_image(da, path, version="0.6", transforms=TILTED, labels=labels)
    return xr.open_datatree(path, engine="omezarr")


def test_label_images_without_an_axis_stay_and_are_named(tree) -> None:
    with pytest.warns(OmeZarrWarning, match=r"labels/flat' \(z\)") as told:
        placed = tree.omezarr.to_system("world")
    assert len(told) == 1
    assert set(NAMES) <= set(placed["0"].coords)
    assert set(NAMES) <= set(placed["labels/cells/0"].coords)
    assert set(placed["labels/flat/0"].coords) == {"y", "x"}


def test_they_are_placed_where_it_is_told_where_they_lie(tree) -> None:
    flat = tree["labels/flat/0"].to_dataset().assign_coords(z=6.0)
    tree["labels/flat/0"] = xr.DataTree(flat)
    placed = tree.omezarr.to_system("world")["labels/flat/0"]
    # By hand: 0.1 z + x.
    np.testing.assert_allclose(placed["x"][:2], [0.6, 1.1])


def test_one_that_is_asked_for_alone_is_refused(tree) -> None:
    with pytest.raises(OmeZarrError, match="depends on positions along 'z'"):
        tree["labels/flat"].omezarr.to_system("world")
