"""Fields of displacements and coordinates, as ngff-zarr reads them for ITK."""

from typing import Any

import numpy as np
import pytest

from xarray_omezarr import ngff
from xarray_omezarr.transforming.applying import apply
from xarray_omezarr.transforming.stored import Field

sitk = pytest.importorskip("SimpleITK")
theirs = pytest.importorskip(
    "ngff_zarr.displacement_field_transform",
    reason="older versions of this neighbour do not know fields",
)

SCALES = {"y": 0.5, "x": 0.25, "z": 2.0}
MOVES = {"y": 10.0, "x": -3.0, "z": 100.0}


def itk_transform(kind: str, vectors: Any, dims: str) -> Any:
    """What ngff-zarr makes of a field, in the hands of ITK."""
    from ngff_zarr import NgffImage
    from ngff_zarr.v06.zarr_metadata import Coordinates, Displacements

    image = NgffImage(
        data=vectors,
        dims=("c", *dims),
        scale={"c": 1.0, **{dim: SCALES[dim] for dim in dims}},
        translation={"c": 0.0, **{dim: MOVES[dim] for dim in dims}},
        axes_types={"c": kind},
    )
    told = {"displacement": Displacements, "coordinate": Coordinates}[kind]
    (found,) = theirs.ngff_displacement_field_to_itk_transform(
        told(path="field", interpolation="linear"), image, list(dims)
    )
    count = len(dims)
    size, origin, spacing = np.reshape(found.fixedParameters[: 3 * count], (3, count))
    pixels = np.reshape(found.parameters, (*size[::-1].astype(int), count))
    moves = sitk.GetImageFromArray(pixels.astype("float64"), isVector=True)
    moves.SetOrigin(origin.tolist())
    moves.SetSpacing(spacing.tolist())
    moves.SetDirection(found.fixedParameters[3 * count :].tolist())
    return sitk.DisplacementFieldTransform(moves)


@pytest.mark.parametrize(("dims", "shape"), [("yx", (9, 13)), ("zyx", (5, 7, 9))])
@pytest.mark.parametrize("kind", ["displacement", "coordinate"])
def test_positions_are_those_of_itk_by_the_reading_of_ngff_zarr(
    kind: str, dims: str, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(len(dims), *shape))
    scale, moved = (tuple(numbers[dim] for dim in dims) for numbers in (SCALES, MOVES))
    # ITK goes on with displacements beyond the centres at the border, and so differs
    # there for coordinates.
    indices = rng.uniform(0, np.array(shape) - 1, (300, len(dims)))
    points = indices * scale + moved
    told = {"displacement": ngff.Displacements, "coordinate": ngff.Coordinates}[kind]
    field = Field(vectors, 0, scale, moved)
    found = apply(told(path="field"), points, {"field": field})
    transform = itk_transform(kind, vectors, dims)
    expected = [
        transform.TransformPoint(point[::-1].tolist())[::-1] for point in points
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
