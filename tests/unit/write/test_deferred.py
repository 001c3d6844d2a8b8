"""Hierarchies whose pixels come later."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.hierarchy import Deferred, Downsampled, Given
from xarray_omezarr.options import complete
from xarray_omezarr.write.deferred import awaiting_pixels, level_paths
from xarray_omezarr.write.image import plan_labelled
from xarray_omezarr.write.plate import plan_plate

LEVELS = ["A/1/0/0", "A/1/0/1", "A/1/0/2", "B/2/0/0", "B/2/0/1", "B/2/0/2"]


def field(dtype="uint16"):
    return xr.DataArray(np.zeros((2, 16, 16), dtype), {"c": ["a", "b"]}, list("cyx"))


def plate():
    fields = {"A/1/0": field(), "B/2/0": field("float32")}
    with pytest.warns(OmeZarrWarning, match="types of pixels"):
        return plan_plate(fields, complete({"scale_factors": [2, 4]}))


def test_levels_of_all_images_come_the_finest_first() -> None:
    assert level_paths(plate()) == LEVELS


def test_levels_of_labels_are_among_them() -> None:
    cells = xr.DataArray(np.zeros((16, 16), "u1"), dims=("y", "x"))
    options = complete({"scale_factors": [2]})
    planned = plan_labelled(field(), options, labels={"cells": cells})
    assert level_paths(planned) == ["0", "1", "labels/cells/0", "labels/cells/1"]


def test_nothing_is_given_or_made_and_everything_else_stays() -> None:
    planned = plate()
    kinds = [type(planned.array(path).source) for path in LEVELS]
    assert kinds == [Given, Downsampled, Downsampled] * 2
    waiting = awaiting_pixels(planned)
    assert {type(waiting.array(path).source) for path in LEVELS} == {Deferred}
    assert [*waiting.nodes] == [*planned.nodes]
    for path in LEVELS:
        old, new = planned.array(path), waiting.array(path)
        assert (new.shape, new.dtype, new.layout) == (old.shape, old.dtype, old.layout)
    assert waiting.group("").model == planned.group("").model


def test_contrast_is_that_of_the_type_of_pixels() -> None:
    waiting = awaiting_pixels(plate())
    windows = {
        path: [
            (window.min, window.max, window.start, window.end)
            for window in (c.window for c in image.omero.channels)
        ]
        for path, image in waiting.images.items()
    }
    # All numbers of an integer; from 0 to 1 where there is no largest.
    assert windows == {
        "A/1/0": [(0, 65535, 0, 65535)] * 2,
        "B/2/0": [(0, 1, 0, 1)] * 2,
    }
