"""Every official example with a transformation is applied to positions, or refused.

What positions become was computed by hand, on paper, from the numbers in the files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.conformance.cases import Case, all_cases, attributes, select
from xarray_omezarr import transforms, validate_attributes
from xarray_omezarr.errors import MetadataError, TransformationError
from xarray_omezarr.transforming.stored import Field


def with_transformations(case: Case) -> bool:
    """Whether a document of 0.6 is an example of transformations or scenes."""
    told = "transform" in case.path.as_posix() or case.kind == "scene"
    return case.version == "0.6" and told and case.mode != "store"


def document(case: Case) -> Any:
    if case.mode == "fragment":
        return json.loads(case.path.read_text("utf-8"))
    return attributes(case)


def transformations(whole: Any) -> list[Any]:
    """Those of a document: of its levels, then those between systems."""
    if not isinstance(whole, dict):
        return []
    ome = whole["ome"] if isinstance(whole.get("ome"), dict) else whole
    found: list[Any] = []
    for picture in ome.get("multiscales", [ome.get("scene", ome)]):
        for level in picture.get("datasets", []):
            found += level["coordinateTransformations"]
        found += picture.get("coordinateTransformations", [])
    return found


def constant(*vector: float) -> Field:
    """A field with the same vector at every pixel, from -1000 to 1000."""
    shape = (len(vector), *(3,) * len(vector))
    values = np.broadcast_to(np.reshape(vector, (-1, *(1,) * len(vector))), shape)
    place = (1000.0,) * len(vector), (-1000.0,) * len(vector)
    return Field(values, 0, *place)


def line(*values: float) -> Field:
    """Coordinates along one axis, at 0, 1, 2 ..."""
    return Field(np.array([values]), 0, (1.0,), (0.0,))


#: What the examples name by a path and do not come with.
ARRAYS: Mapping[str, Any] = {
    "affineParams": [[1, 0.5, 0], [0, 1, 0]],
    "coordinateTransformations/displacementField": constant(0.5, -1),
    "coordinateTransformations/dfield": constant(1, 0, -1),
    "coordinateTransformations/invdfield": constant(-1, 0, 1),
    "/xCoordinates": line(0, 10, 40),
    "/yCoordinates": line(100, 200),
}

# For each transformation of an example a point, and what becomes of it.
LEVELS_2D = [
    ((2, 3), (2, 3)),
    ((2, 3), (2 * 2 + 0.7071, 2 * 3 + 0.7071)),
    ((2, 3), (4 * 2 + 2.1213, 4 * 3 + 2.1213)),
]
LEVELS_3D = [
    ((1, 2, 3), (1, 2, 3)),
    ((1, 2, 3), (1, 4.7071, 6.7071)),
    ((1, 2, 3), (1, 10.1213, 14.1213)),
]
BY_HAND: Mapping[str, list[tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "attributes/spec/valid/image/multiscales_transform_additional_transforms": [
        ((1, 2, 3), (31, 22, 13)),
        # (6, 12, 18) moved, (12, 24, 36) scaled, (36, 24, 12) in the other order,
        # (72, 14, 12) by dimension: the last axis, which no part gives, stays.
        ((1, 2, 3), (72, 14, 12)),
    ],
    "attributes/spec/valid/image/multiscales_transform_identity": [((2, 3), (2, 3))],
    "attributes/spec/valid/image/multiscales_transform_sequence": [
        ((1, 2, 3), (4 + 30, 6 + 20, 6 + 10))
    ],
    "attributes/spec/valid/scene/authored_scene_ok": [
        ((1, 2, 3), (1, 2, 13)),
        ((1, 2, 3), (1, 2, 3)),
    ],
    "attributes/spec/valid/scene/example_scene_registration": [
        # (11, 20, 29) displaced, and then
        # 6.046557 - 0.276184 + 0.003698254 + 2.9986,
        # 0.9826179 + 20.8678 - 0.003509406 - 6.39702,
        # 0.08572135 + 0.0598036 + 26.328375 - 3.77146.
        ((10, 20, 30), (8.772671254, 15.449888494, 22.70243995))
    ],
    "attributes/spec/valid/scene/tile_stitching": [
        ((1, 2), (1, 2)),
        ((1, 2), (1, 350)),
        ((1, 2), (277, 2)),
        ((1, 2), (277, 350)),
    ],
    "attributes/spec/valid/transforms/affineParams": [
        ((2, 3), (1, 1.5)),
        ((2, 3), (2 + 0.5 * 3, 3)),
    ],
    # Its second system has axes of the type "array", which the text does not allow.
    "attributes/spec/valid/transforms/byDimension": [
        ((2, 3), (2, 3)),
        ((2, 3), (4, -7)),
    ],
    "attributes/spec/valid/transforms/projectAxis": [
        *LEVELS_2D,
        ((2, 3), (0, 0, 2, 3)),
    ],
    "attributes/spec/valid/transforms/projectAxis2": [
        *LEVELS_3D,
        ((1, 2, 3), (0, 2, 3)),
    ],
    "attributes/spec/valid/transforms/rotation": [
        ((2, 3), (2, 3)),
        ((2, 3), (3, -2)),
    ],
    "attributes/strict/valid/image/multiscales_transformations": [
        ((2, 3), (2, 3)),
        ((2, 3), (20, 30)),
    ],
    "fragment/spec/valid/transforms/example_affine2d2d": [
        ((1, 2), (1 + 4 + 3, 4 + 10 + 6))
    ],
    "fragment/spec/valid/transforms/example_affine2d3d": [
        ((1, 2), (1, 2 + 6 + 4, 5 + 12 + 7))
    ],
    "fragment/spec/valid/transforms/example_byDimension1": [((3, 4), (6, 3))],
    # z is twice the second input, y the last and 0.5, x the third and 1.5.
    "fragment/spec/valid/transforms/example_byDimension2": [
        ((1, 2, 3, 5), (4, 5.5, 4.5))
    ],
    "fragment/spec/valid/transforms/example_identity": [((1, 2), (1, 2))],
    # Its "ome" is a text, so it is no image; its transformations can be read.
    "fragment/spec/valid/transforms/example_multiscales": [
        ((2, 3), (4, 6)),
        ((4, 6), (4.5, 5)),
    ],
    "fragment/spec/valid/transforms/example_multiscales_reference_to_label": [
        ((2, 4, 3), (1, 2, 3)),
        ((1, 2, 3), (1, 2, 3)),
    ],
    "fragment/spec/valid/transforms/example_projectAxis2": [((1, 2, 3), (0, 2, 3))],
    "fragment/spec/valid/transforms/example_scale": [((1, 2), (2, 6.24))],
    "fragment/spec/valid/transforms/example_scale_with_discrete": [
        ((1, 2, 3), (1, 6.24, 6))
    ],
    "fragment/spec/valid/transforms/example_sequence": [((1, 2), (2.2, 8.7))],
    "fragment/spec/valid/transforms/example_translation": [((1, 2), (10, 0.58))],
    # Half way from 10 to 40, and a quarter of the way from 100 to 200.
    "fragment/spec/valid/transforms/example_xarrayLike": [((1.5, 0.25), (25, 125))],
    "zarr/strict/valid/image/multiscales_transformations__repaired": [
        ((2, 3), (2, 3)),
        ((2, 3), (20, 30)),
    ],
}

# Examples that are called valid and break the text, and what refuses them.
WRONG: Mapping[str, tuple[type[Exception], str]] = {
    # Its parts have a type beside inputAxes, as drafts did: no transformation within.
    "fragment/spec/valid/transforms/example_byDimensionXarray": (
        MetadataError,
        "/transformations/0/transformation is missing",
    ),
    # Two numbers for an image of three axes, since a field has one more than it had.
    "fragment/spec/valid/transforms/example_displacement_field": (
        TransformationError,
        "takes positions of 2 axes, and is given 3",
    ),
    # Parts of a sequence tell their axes by name, which only drafts knew.
    "fragment/spec/valid/transforms/example_sequenceSubspace1": (
        TransformationError,
        "inputAxes, outputAxes, which only parts of a 'byDimension' have",
    ),
    # Systems are told by a text, as drafts did, not by an object.
    "zarr/strict/valid/image/multiscales_transformations": (
        MetadataError,
        "/input is .* give an object",
    ),
}

# Whole documents among the examples that are no valid metadata, and why.
NOT_VALID = {
    "fragment/spec/valid/transforms/example_displacement_field": "has 2 entries",
    "fragment/spec/valid/transforms/example_multiscales": "not an object",
    "zarr/strict/valid/image/multiscales_transformations": "object",
}


def short(case: Case) -> str:
    return case.id.removeprefix("0.6/")


def is_example(case: Case) -> bool:
    return with_transformations(case) and "/valid/" in case.id


def test_no_example_is_left_out() -> None:
    if not all_cases():
        pytest.skip("the cases of the standard are not beside the checkout")
    examples = {short(case) for case in all_cases() if is_example(case)}
    assert examples == {*BY_HAND, *WRONG}
    assert len(examples) == 30


@pytest.mark.parametrize(
    "case", select(lambda case: is_example(case) and short(case) in BY_HAND)
)
def test_positions_become_what_was_computed_by_hand(case: Case) -> None:
    found = transformations(document(case))
    expected = BY_HAND[short(case)]
    assert len(found) == len(expected)
    for transformation, (point, result) in zip(found, expected, strict=True):
        moved = transforms.apply(transformation, [point, point], arrays=ARRAYS)
        np.testing.assert_allclose(moved, [result, result], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(
    "case", select(lambda case: is_example(case) and short(case) in BY_HAND)
)
def test_what_is_simple_does_the_same(case: Case) -> None:
    for transformation, (point, result) in zip(
        transformations(document(case)), BY_HAND[short(case)], strict=True
    ):
        ndim = len(point)
        simple = transforms.simplify(transformation, ndim=ndim, arrays=ARRAYS)
        moved = transforms.apply(simple, point, arrays=ARRAYS)
        np.testing.assert_allclose(moved, result, rtol=1e-14, atol=1e-14)


# What has no way back: projections, matrices of other numbers of axes, fields alone.
ONE_WAY = {
    "attributes/spec/valid/transforms/projectAxis": [3],
    "attributes/spec/valid/transforms/projectAxis2": [3],
    "fragment/spec/valid/transforms/example_affine2d3d": [0],
    "fragment/spec/valid/transforms/example_byDimension2": [0],
    "fragment/spec/valid/transforms/example_multiscales": [1],
    "fragment/spec/valid/transforms/example_projectAxis2": [0],
    "fragment/spec/valid/transforms/example_xarrayLike": [0],
}


@pytest.mark.parametrize(
    "case", select(lambda case: is_example(case) and short(case) in BY_HAND)
)
def test_the_way_back_leads_to_where_it_started(case: Case) -> None:
    for place, (transformation, (point, result)) in enumerate(
        zip(transformations(document(case)), BY_HAND[short(case)], strict=True)
    ):
        if place in ONE_WAY.get(short(case), []):
            with pytest.raises(TransformationError, match="bijection"):
                transforms.invert(transformation, ndim=len(point), arrays=ARRAYS)
            continue
        back = transforms.invert(transformation, ndim=len(point), arrays=ARRAYS)
        moved = transforms.apply(back, result, arrays=ARRAYS)
        np.testing.assert_allclose(moved, point, rtol=1e-12)


@pytest.mark.parametrize(
    "case", select(lambda case: is_example(case) and short(case) in WRONG)
)
def test_an_example_that_breaks_the_text_is_refused(case: Case) -> None:
    whole = document(case)
    error, says = WRONG[short(case)]
    count = 3 if "displacement" in case.id else 2
    with pytest.raises(error, match=says):
        for transformation in transformations(whole):
            transforms.apply(transformation, [1.0] * count, arrays=ARRAYS)


@pytest.mark.parametrize(
    "case", select(lambda case: is_example(case) and "ome" in document(case))
)
def test_whole_documents_are_as_valid_as_their_transformations(case: Case) -> None:
    report = validate_attributes(document(case))
    if short(case) in NOT_VALID:
        assert not report.ok
        assert NOT_VALID[short(case)] in str(report)
    elif not case.contested:
        assert report.ok, str(report)


def is_wrong_document(case: Case) -> bool:
    return with_transformations(case) and "/invalid/" in case.id


def test_no_invalid_example_is_left_out() -> None:
    if not all_cases():
        pytest.skip("the cases of the standard are not beside the checkout")
    assert len([case for case in all_cases() if is_wrong_document(case)]) == 32


@pytest.mark.parametrize("case", select(is_wrong_document))
def test_invalid_examples_are_refused(case: Case) -> None:
    whole = document(case)
    if "ome" in whole:
        assert not validate_attributes(whole).ok
        return
    with pytest.raises(MetadataError, match="each of 0 to 1 once"):
        for transformation in transformations(whole):
            transforms.apply(transformation, [1.0, 2.0])
