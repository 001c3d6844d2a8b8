"""What cannot be written is refused where an object is placed, too."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.placing.building import affine, image, way
from xarray_omezarr.errors import OmeZarrError


def part(axis, told):
    return {"inputAxes": [axis], "outputAxes": [axis], "transformation": told}


def by_dimension(*parts):
    return {"type": "byDimension", "transformations": list(parts)}


SCALE = part(1, {"type": "scale", "scale": [2]})


@pytest.mark.parametrize(
    ("names", "told", "problem"),
    [
        (
            "yx",
            by_dimension(part(0, {"type": "mapAxis", "mapAxis": [0]}), SCALE),
            "'mapAxis' of one axis",
        ),
        (
            "yx",
            by_dimension(part(0, {"type": "rotation", "rotation": [[1]]}), SCALE),
            "'rotation' of one axis",
        ),
        ("yx", by_dimension(part(0, {"type": "identity"})), "not each of 2 once"),
        ("y", affine([[1, 0, 0]]), "has 1 axes"),
        ("abcd", affine(np.ones((4, 3))), "4 axes of type 'space'"),
    ],
)
def test_what_cannot_be_written_is_refused(names, told, problem) -> None:
    axes = [{"name": name, "type": "space"} for name in names]
    transforms = {
        "coordinateSystems": [{"name": "world", "axes": axes}],
        "coordinateTransformations": [way(told)],
    }
    da = image(None, y=np.arange(4.0), x=np.arange(5.0))
    with pytest.raises(OmeZarrError) as caught:
        da.omezarr.to_system("world", transforms=transforms)
    assert problem in str(caught.value)
