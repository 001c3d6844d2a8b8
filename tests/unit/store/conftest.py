"""A small planned image, for tests of what stores make of it."""

from __future__ import annotations

import numpy as np
import pytest

from xarray_omezarr.hierarchy import (
    ArrayNode,
    Downsampled,
    Given,
    GroupNode,
    Hierarchy,
    Layout,
)
from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.create import Start
from xarray_omezarr.store.reach import Reach


@pytest.fixture
def plan_image():
    """Plans an image of two levels, 8 x 6 and 4 x 3 pixels, from its pixels."""

    def plan(pixels=None, *, version="0.5", attrs=None, name="cells", extra=None):
        if pixels is None:
            pixels = np.arange(48, dtype=np.uint16).reshape(8, 6)
        axes = [Axis(name="y", type="space"), Axis(name="x", type="space")]
        levels = [Level.of("0", (1.0, 1.0)), Level.of("1", (2.0, 2.0), (0.5, 0.5))]
        image = Image(multiscales=(Multiscale.of(axes, levels, name=name),))
        dims, half = ("y", "x"), (4, 3)
        nodes = {
            "": GroupNode(image, attrs or {}),
            "0": ArrayNode(
                dims, pixels.shape, pixels.dtype, Layout((4, 6)), Given(pixels)
            ),
            "1": ArrayNode(
                dims, half, pixels.dtype, Layout(half), Downsampled("0", (2, 2), "max")
            ),
        }
        return Hierarchy(registry.get(version), {**nodes, **(extra or {})})

    return plan


@pytest.fixture
def interrupt():
    """Leaves a target as a write does that was killed before the first block."""

    def begin(hierarchy, target, mode=None):
        Start(hierarchy, target, mode, Reach.from_here(target))()

    return begin
