"""Applying: positions of one coordinate system as positions of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff.transforms import Bijection, ByDimension, Sequence
from xarray_omezarr.transforming.counting import check_part, outputs_of, staying
from xarray_omezarr.transforming.fields import sample
from xarray_omezarr.transforming.parameters import field_of, matrix_of, with_matrices

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays

Points = NDArray[np.float64]

#: No arrays are given.
NONE: Mapping[str, Any] = MappingProxyType({})


def apply(transformation: Transformation, points: Any, arrays: Arrays = NONE) -> Points:
    """Positions after a transformation.

    Parameters
    ----------
    transformation : Transformation
        Of any type that the standard knows.
    points : array_like of shape (..., N)
        Positions, one column for each axis of the system that the transformation
        starts from, in its order and units; of pixel centres where that system is the
        one of an array.
    arrays : mapping, optional
        Matrices and fields that the transformation names by a path, by that path.

    Returns
    -------
    array of float64, shape (..., M)
        One column for each axis of the system that the transformation leads to. NaN
        where a field tells nothing; NaN and infinity are kept along the axes that they
        concern.

    Raises
    ------
    TransformationError
        If the number of columns is another than the transformation takes, an array is
        missing or does not fit, or a type is not known.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Scale
    >>> apply(Scale(scale=(0.5, 0.25)), [[0, 0], [4, 4]])
    array([[0., 0.],
           [2., 1.]])
    """
    positions = _as_positions(points)
    ndim = positions.shape[-1]
    arrays = with_matrices(transformation, arrays)
    outputs_of(transformation, ndim, arrays)
    flat = positions.reshape(-1, ndim)
    # Infinity less infinity is NaN, which is the answer and no accident.
    with np.errstate(invalid="ignore"):
        moved = _apply(transformation, flat, arrays)
    return moved.reshape(*positions.shape[:-1], moved.shape[1])


def _as_positions(points: Any) -> Points:
    try:
        array = np.asarray(points)
        if array.dtype.kind not in "iufO":
            raise TypeError(f"they are of the type {array.dtype}")
        # A copy in any case: who changes the result must not change what was given.
        positions = np.array(array, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise TransformationError(
            f"Points are no real numbers ({error}): give an array of shape (n, N), a "
            "row for each point and a column for each axis"
        ) from None
    if positions.ndim == 0 or positions.shape[-1] == 0:
        raise TransformationError(
            f"Points have the shape {positions.shape}: give an array of shape (n, N), "
            "a row for each point and a column for each axis"
        )
    return positions


def _apply(transformation: Any, points: Points, arrays: Arrays) -> Points:
    if isinstance(transformation, Sequence):
        for part in transformation.transformations:
            outputs_of(part, points.shape[1], arrays)
            points = _apply(part, points, arrays)
        return points
    if isinstance(transformation, Bijection):
        return _apply(transformation.forward, points, arrays)
    if isinstance(transformation, ByDimension):
        return _by_dimension(transformation, points, arrays)
    return _RULES[transformation.type](transformation, points, arrays)


def _identity(transformation: Any, points: Points, arrays: Arrays) -> Points:
    return points


def _scale(transformation: Any, points: Points, arrays: Arrays) -> Points:
    scaled: Points = points * np.array(transformation.scale)
    return scaled


def _translation(transformation: Any, points: Points, arrays: Arrays) -> Points:
    moved: Points = points + np.array(transformation.translation)
    return moved


def _map_axis(transformation: Any, points: Points, arrays: Arrays) -> Points:
    return points[:, list(transformation.map_axis)]


def _project_axis(transformation: Any, points: Points, arrays: Arrays) -> Points:
    dropped = transformation.dropped_inputs or ()
    created = transformation.created_outputs or ()
    kept = [axis for axis in range(points.shape[1]) if axis not in dropped]
    result = np.zeros((len(points), len(kept) + len(created)))
    filled = [axis for axis in range(result.shape[1]) if axis not in created]
    result[:, filled] = points[:, kept]
    return result


def _affine(transformation: Any, points: Points, arrays: Arrays) -> Points:
    matrix = matrix_of(transformation, arrays)
    return _product(matrix[:, :-1], matrix[:, -1], points)


def _rotation(transformation: Any, points: Points, arrays: Arrays) -> Points:
    matrix = matrix_of(transformation, arrays)
    return _product(matrix, np.zeros(len(matrix)), points)


def _product(
    factors: NDArray[np.float64], moves: NDArray[np.float64], points: Points
) -> Points:
    # Term by term: 0 * NaN is NaN, so a plain product would lose positions along axes
    # that have nothing to do with the one that is NaN. It also makes a diagonal matrix
    # give the very numbers that a scale and a translation give.
    result = np.zeros((len(points), len(factors)))
    for row, factors_of_row in enumerate(factors):
        column = result[:, row]
        for axis in np.flatnonzero(factors_of_row):
            column += points[:, axis] * factors_of_row[axis]
        column += moves[row]
    return result


def _by_dimension(
    transformation: ByDimension, points: Points, arrays: Arrays
) -> Points:
    stay = list(staying(transformation, points.shape[1]))
    count = outputs_of(transformation, points.shape[1], arrays)
    result = np.empty((len(points), count or 0))
    result[:, stay] = points[:, stay]
    for part in transformation.transformations:
        moved = _part(part, points, arrays)
        result[:, list(part.output_axes)] = moved
    return result


def _part(part: Any, points: Points, arrays: Arrays) -> Points:
    given = points[:, list(part.input_axes)]
    outputs_of(part.transformation, given.shape[1], arrays)
    moved = _apply(part.transformation, given, arrays)
    check_part(part, moved.shape[1])
    return moved


def _displacements(transformation: Any, points: Points, arrays: Arrays) -> Points:
    field = field_of(transformation, arrays)
    ndim = points.shape[1]
    vectors = sample(field, points, transformation.interpolation, components=ndim)
    moved: Points = points + vectors
    return moved


def _coordinates(transformation: Any, points: Points, arrays: Arrays) -> Points:
    field = field_of(transformation, arrays)
    return sample(field, points, transformation.interpolation)


_RULES: Mapping[str, Callable[[Any, Points, Arrays], Points]] = {
    "identity": _identity,
    "scale": _scale,
    "translation": _translation,
    "mapAxis": _map_axis,
    "projectAxis": _project_axis,
    "affine": _affine,
    "rotation": _rotation,
    "displacements": _displacements,
    "coordinates": _coordinates,
}
