"""What a way reads of the arrays that transformations name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.unit.placing.building import image, system, to_world
from xarray_omezarr.errors import TransformationError
from xarray_omezarr.grid.names import FRAME_KEY
from xarray_omezarr.ngff import Affine, CoordinateSystem, Rotation, SystemReference
from xarray_omezarr.transforming.fitting import fitted
from xarray_omezarr.transforming.frame import Frame, Way
from xarray_omezarr.write.systems import parse_transforms

TURNED = np.array([[0.0, -1.0, 5.0], [1.0, 0.0, 7.0]])


class Counted:
    """A matrix that counts how often it is read."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.shape, self.dtype = self.values.shape, self.values.dtype
        self.reads = 0

    def __getitem__(self, key: Any) -> Any:
        self.reads += 1
        return self.values[key]


@pytest.mark.parametrize("parts", [1, 2])
def test_a_matrix_is_read_once(parts: int) -> None:
    matrix = Counted(TURNED)
    told: dict[str, Any] = {"type": "affine", "path": "turn"}
    if parts == 2:
        told = {"type": "sequence", "transformations": [told, told]}
    da = image(y=np.arange(3.0), x=np.arange(4.0))
    systems = {
        name: CoordinateSystem.parse(system(name, "yx"), "")
        for name in ("physical", "world")
    }
    ways = parse_transforms(to_world(told, "yx")).transformations
    way = Way("physical", "world", ways[0])
    da.encoding[FRAME_KEY] = Frame("physical", systems, (way,), {"turn": matrix})
    found = da.omezarr.to_system("world")
    assert matrix.reads == 1
    if parts == 1:
        np.testing.assert_array_equal(found.x_world, [7.0, 8, 9])


def test_how_many_axes_a_stored_matrix_has_is_told_by_its_shape() -> None:
    ends = {
        "input": SystemReference(name="physical"),
        "output": SystemReference(name="world"),
    }
    matrix = Counted(TURNED)
    way = Affine(path="turn", **ends)
    assert fitted(way, 2, 2, {"turn": matrix}) == way
    assert matrix.reads == 0
    with pytest.raises(TransformationError, match="gives 2 axes for 2"):
        fitted(way, 2, 3, {"turn": matrix})
    wide = Counted(np.zeros((2, 3)))
    with pytest.raises(TransformationError, match="2 rows and 3 columns"):
        fitted(Rotation(path="turn", **ends), 2, 2, {"turn": wide})
    with pytest.raises(TransformationError, match="two dims"):
        fitted(way, 2, 2, {"turn": Counted(np.zeros((2, 3, 4)))})
    assert matrix.reads == wide.reads == 0
