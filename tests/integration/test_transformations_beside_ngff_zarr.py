"""ngff-zarr makes the same positions of transformations that have a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.transformations import linear, points, size
from xarray_omezarr.transforming.applying import apply
from xarray_omezarr.transforming.inverting import invert
from xarray_omezarr.transforming.simplifying import simplify

theirs = pytest.importorskip("ngff_zarr.v06.zarr_metadata")
itk = pytest.importorskip("ngff_zarr.ngff_transform_to_itk_transform")
pytest.importorskip("itkwasm")

# What it converts, all of it between as many axes.
KINDS = (
    "identity",
    "scale",
    "translation",
    "mapAxis",
    "rotation",
    "affine",
    "byDimension",
    "sequence",
    "bijection",
)


def by_them(transformation: Any, positions: Any) -> Any:
    """Positions by the affine of ITK that ngff-zarr makes of the JSON.

    ITK has the axes in the other order: x first.
    """
    ndim = positions.shape[1]
    (model,) = theirs.Metadata._parse_transforms([transformation.to_json()], [])
    (entry,) = itk.ngff_transform_to_itk_transform(model, "zyx"[-ndim:])
    numbers = np.asarray(entry.parameters)
    matrix = numbers[: ndim * ndim].reshape(ndim, ndim)
    moved = positions[:, ::-1] @ matrix.T + numbers[ndim * ndim :]
    return moved[:, ::-1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ndim", (2, 3))
@settings(max_examples=20)
@given(data=st.data())
def test_positions_are_those_of_ngff_zarr(
    kind: str, ndim: int, data: st.DataObject
) -> None:
    t = data.draw(linear(ndim)[kind])
    positions = data.draw(points(ndim))
    for transformation in (t, simplify(t), invert(t)):
        expected = by_them(transformation, positions)
        np.testing.assert_allclose(
            apply(transformation, positions),
            expected,
            rtol=1e-12,
            atol=1e-12 * size(transformation, positions),
        )
