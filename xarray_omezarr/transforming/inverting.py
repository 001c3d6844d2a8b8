"""Inverting: the transformation that leads back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.errors import MetadataError, TransformationError
from xarray_omezarr.ngff.transforms import (
    Affine,
    Bijection,
    ByDimension,
    Coordinates,
    DimensionPart,
    Displacements,
    Identity,
    MapAxis,
    ProjectAxis,
    Rotation,
    Scale,
    Sequence,
    Translation,
)
from xarray_omezarr.transforming.applying import NONE
from xarray_omezarr.transforming.counting import inputs_of, outputs_of, staying
from xarray_omezarr.transforming.linear import Exact, exact, fraction, rounded
from xarray_omezarr.transforming.parameters import (
    matrix_of,
    refuse_unknown,
    with_matrices,
)
from xarray_omezarr.transforming.solving import inverse

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays

#: How far products of rows of a rotation may be from 0 and 1 for its transpose to be
#: its inverse; files hold rotations of three decimals, too.
ORTHONORMAL = 1e-12


def invert(
    transformation: Transformation, arrays: Arrays = NONE, *, ndim: int | None = None
) -> Transformation:
    """The transformation that leads back.

    Parameters
    ----------
    transformation : Transformation
        Of a type that has an inverse in closed form, or a bijection.
    arrays : mapping, optional
        Matrices that it names by a path; the inverse holds its numbers itself.
    ndim : int, optional
        Number of axes of the system that it starts from, where it does not tell: of a
        byDimension that leaves out axes.

    Returns
    -------
    Transformation
        From the output to the input, without a name. Numbers are those that decimals
        give: the inverse of the scale 0.1 is 10.

    Raises
    ------
    TransformationError
        For fields, projections, matrices that are singular or lead to another number
        of axes, scales of 0 and types that are not known.

    Examples
    --------
    >>> invert(Translation(translation=(0.5, -2))).to_json()
    {'type': 'translation', 'translation': [-0.5, 2.0]}
    """
    refuse_unknown(transformation)
    arrays = with_matrices(transformation, arrays)
    ndim = inputs_of(transformation, arrays) if ndim is None else ndim
    if ndim is not None:
        outputs_of(transformation, ndim, arrays)
    ends = {"input": transformation.output, "output": transformation.input}
    if isinstance(transformation, Sequence | ByDimension):
        return _composed(transformation, ndim, arrays, ends)
    return _simple(transformation, arrays, ends)


def _simple(
    transformation: Transformation, arrays: Arrays, ends: dict[str, Any]
) -> Transformation:
    match transformation:
        case Identity():
            return Identity(**ends)
        case Scale(scale=numbers):
            return Scale(scale=_reciprocals(numbers), **ends)
        case Translation(translation=numbers):
            # 0 - 0.0 is 0.0, -(0.0) would be -0.0.
            return Translation(translation=tuple(0 - move for move in numbers), **ends)
        case MapAxis(map_axis=order):
            back = sorted(range(len(order)), key=order.__getitem__)
            return MapAxis(map_axis=tuple(back), **ends)
        case Rotation():
            return _turned_back(transformation, arrays, ends)
        case Affine():
            rows = matrix_of(transformation, arrays).tolist()
            return _affine(tuple(tuple(map(fraction, row)) for row in rows), ends)
        case Bijection(forward=forward, inverse=back):
            return Bijection(forward=back, inverse=forward, **ends)
    raise _without_inverse(transformation)


def _without_inverse(transformation: Transformation) -> TransformationError:
    match transformation:
        case Displacements() | Coordinates():
            why = "the way back through a field has no closed form"
        case ProjectAxis(dropped_inputs=None):
            why = "it leads to few of all positions of its output"
        case _:
            why = "positions along the dropped axes are lost"
    return TransformationError(
        f"Transformation {transformation.type!r} has no inverse, as {why}: give a "
        "'bijection' with the way back that is meant"
    )


def _reciprocals(numbers: tuple[float, ...]) -> tuple[float, ...]:
    if 0 in numbers:
        raise TransformationError(
            f"Scale {list(numbers)} has no inverse, as all positions along an axis "
            "become 0: give factors other than 0"
        )
    row = tuple(1 / fraction(number) for number in numbers)
    return tuple(rounded((row,))[0])


def _turned_back(
    transformation: Rotation, arrays: Arrays, ends: dict[str, Any]
) -> Transformation:
    matrix = matrix_of(transformation, arrays)
    if is_orthonormal(matrix):
        return Rotation(rotation=tuple(map(tuple, matrix.T.tolist())), **ends)
    # Rounded to a few decimals: its transpose would lead to another place.
    rows = tuple((*map(fraction, row), fraction(0)) for row in matrix.tolist())
    return _affine(rows, ends)


def is_orthonormal(matrix: Any) -> bool:
    """Whether the transpose of a square matrix is its inverse, to 1e-12."""
    # What overflows is far from it.
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = np.abs(matrix @ matrix.T - np.eye(len(matrix)))
    return bool(gaps.max() <= ORTHONORMAL)


def _affine(rows: Exact, ends: dict[str, Any]) -> Affine:
    back = rounded(inverse(rows))
    return Affine(affine=tuple(map(tuple, back)), **ends)


def _composed(
    transformation: Sequence | ByDimension,
    ndim: int | None,
    arrays: Arrays,
    ends: dict[str, Any],
) -> Transformation:
    try:
        if isinstance(transformation, Sequence):
            return _backwards(transformation, ndim, arrays, ends)
        return _part_by_part(transformation, ndim, arrays, ends)
    except TransformationError:
        # Parts that have no inverse may still have one together.
        whole = _as_a_whole(transformation, ndim, arrays, ends)
        if whole is None:
            raise
        return whole


def _as_a_whole(
    transformation: Transformation,
    ndim: int | None,
    arrays: Arrays,
    ends: dict[str, Any],
) -> Transformation | None:
    try:
        rows = None if ndim is None else exact(transformation, ndim, arrays)
        return None if rows is None else _affine(rows, ends)
    except TransformationError:
        return None


def _backwards(
    transformation: Sequence, ndim: int | None, arrays: Arrays, ends: dict[str, Any]
) -> Transformation:
    parts = []
    for part in transformation.transformations:
        parts.append(invert(part, arrays, ndim=ndim))
        ndim = None if ndim is None else outputs_of(part, ndim, arrays)
    return Sequence(transformations=tuple(reversed(parts)), **ends)


def _part_by_part(
    transformation: ByDimension, ndim: int | None, arrays: Arrays, ends: dict[str, Any]
) -> Transformation:
    taken = [axis for p in transformation.transformations for axis in p.input_axes]
    stay = () if ndim is None else staying(transformation, ndim)
    if sorted([*taken, *stay]) != list(range(ndim or len(taken))):
        raise TransformationError(
            f"Transformation 'byDimension' has inputAxes {sorted(taken)} in all, and "
            "has an inverse only if it takes each axis once: give a 'bijection' with "
            "the way back that is meant"
        )
    parts = tuple(
        DimensionPart(
            transformation=invert(
                part.transformation, arrays, ndim=len(part.input_axes)
            ),
            input_axes=part.output_axes,
            output_axes=part.input_axes,
        )
        for part in transformation.transformations
    )
    if stay:
        # Told here, since nothing tells it where others follow in a sequence.
        same = DimensionPart(
            transformation=Identity(), input_axes=stay, output_axes=stay
        )
        parts = (*parts, same)
    try:
        return ByDimension(transformations=parts, **ends)
    except MetadataError as error:
        raise TransformationError(f"The inverse of a 'byDimension' {error}") from None
