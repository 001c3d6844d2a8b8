from fractions import Fraction

import numpy as np
import pytest

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff.transforms import parse_transformation
from xarray_omezarr.transforming.reducing import reduced
from xarray_omezarr.transforming.stored import Field

FIELD = Field(np.ones((2, 3, 3)), 0, (1.0, 1.0), (0.0, 0.0))
ARRAYS = {"warp": FIELD, "turn": np.array([[0.0, -1.0], [1.0, 0.0]])}
WARP = {"type": "displacements", "path": "warp"}
SCALE = {"type": "scale", "scale": [2.0]}


def part(way, taken, given=None):
    given = taken if given is None else given
    return {"transformation": way, "inputAxes": taken, "outputAxes": given}


def dims(*parts):
    return {"type": "byDimension", "transformations": list(parts)}


def sequence(*parts):
    return {"type": "sequence", "transformations": list(parts)}


def told(way, left):
    found, after = reduced(parse_transformation(way, ""), left, ARRAYS)
    return None if found is None else found.to_json(), after


GONE = (None, True, True)
LEFT = (None, True, True)


@pytest.mark.parametrize(
    ("way", "wanted"),
    [
        ({"type": "identity"}, {"type": "identity"}),
        ({"type": "scale", "scale": [7, 2, 3]}, {"type": "scale", "scale": [2.0, 3.0]}),
        (dims(part(SCALE, [0]), part(WARP, [1, 2])), WARP),
        (dims(part(WARP, [1, 2]), part(SCALE, [0])), WARP),
        (
            sequence(
                {"type": "translation", "translation": [1, 2, 3]},
                dims(part(SCALE, [0]), part(WARP, [1, 2])),
            ),
            sequence({"type": "translation", "translation": [2.0, 3.0]}, WARP),
        ),
        (
            {
                "type": "bijection",
                "forward": dims(part(SCALE, [0]), part(WARP, [1, 2])),
                "inverse": dims(part(SCALE, [0]), part(WARP, [1, 2])),
            },
            {"type": "bijection", "forward": WARP, "inverse": WARP},
        ),
        (
            dims(
                part({"type": "identity"}, [0]),
                part({"type": "rotation", "path": "turn"}, [1, 2]),
            ),
            {"type": "rotation", "rotation": [[0.0, -1.0], [1.0, 0.0]]},
        ),
    ],
)
def test_axes_that_depend_on_dropped_ones_alone_go(way, wanted) -> None:
    assert told(way, GONE) == (wanted, LEFT)


def test_the_position_that_was_selected_stands_in_the_matrix_in_decimals() -> None:
    way = {"type": "affine", "affine": [[1, 0, 0, 0], [0.1, 1, 0, 0.3], [0, 0, 1, 0]]}
    found, after = told(way, (Fraction(3), True, True))
    assert after == (Fraction(3), True, True)
    assert found == {"type": "translation", "translation": [0.6, 0.0]}


def test_axes_may_change_their_places() -> None:
    way = dims(part(SCALE, [0], [2]), part(WARP, [1, 2], [0, 1]))
    assert told(way, GONE) == (WARP, (True, True, None))


@pytest.mark.parametrize(
    ("way", "left"),
    [
        ({"type": "affine", "affine": [[1, 2, 0], [0, 1, 0]]}, (None, True)),
        (WARP, (Fraction(1), True)),
        (sequence({"type": "translation", "translation": [1, 1]}, WARP), (None, True)),
    ],
)
def test_what_needs_an_axis_that_is_gone_is_refused(way, left) -> None:
    with pytest.raises(TransformationError, match=r"depend on those|needs all axes"):
        told(way, left)


def test_nothing_is_left_where_all_depends_on_what_is_gone() -> None:
    assert told({"type": "projectAxis", "droppedInputs": [1]}, (None, True)) == (
        None,
        (None,),
    )
