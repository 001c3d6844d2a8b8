"""Linear: a transformation as one matrix, or axis by axis, with exact decimals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff.exact import decimal
from xarray_omezarr.ngff.transforms import (
    Affine,
    Bijection,
    ByDimension,
    Coordinates,
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
from xarray_omezarr.transforming.composing import flat
from xarray_omezarr.transforming.counting import check_part, outputs_of, staying
from xarray_omezarr.transforming.parameters import is_known, matrix_of, with_matrices

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays

#: One row for each output: a factor for each input, and what is added. Each number
#: is the decimal that its shortest spelling tells, so that 3 times 0.1 is 0.3.
ExactRow: TypeAlias = tuple[Fraction, ...]
Exact: TypeAlias = tuple[ExactRow, ...]


@dataclass(frozen=True, slots=True)
class AlignedAxis:
    """Where the positions of an output come from: scale * input + translation.

    Parameters
    ----------
    input : int or None
        The input by its place; None where the output has one position everywhere,
        then the scale is 0.
    scale, translation : float
        Products and sums of the decimals that the transformation tells, rounded once.
    """

    input: int | None
    scale: float
    translation: float


def matrix(
    transformation: Transformation, ndim: int, arrays: Arrays = NONE
) -> NDArray[np.float64] | None:
    """The matrix that does the same as a transformation.

    Parameters
    ----------
    transformation : Transformation
        Of any type.
    ndim : int
        Number N of axes of the system that it starts from.
    arrays : mapping, optional
        What it names by a path.

    Returns
    -------
    array of shape (M, N + 1) or None
        One row for each output axis: a factor for each input axis, and what is added.
        None if there is no such matrix, since a field takes part.

    Raises
    ------
    TransformationError
        If it does not take so many axes, or an array is missing.

    Examples
    --------
    >>> both = Sequence(
    ...     transformations=(Scale(scale=(0.1, 2)), Translation(translation=(5, 7)))
    ... )
    >>> matrix(both, 2)
    array([[0.1, 0. , 5. ],
           [0. , 2. , 7. ]])
    """
    rows = exact(transformation, ndim, arrays)
    return None if rows is None else np.array(rounded(rows))


def aligned(
    transformation: Transformation, ndim: int, arrays: Arrays = NONE
) -> tuple[AlignedAxis, ...] | None:
    """Scale and translation of each output, where each depends on one input at most.

    Parameters
    ----------
    transformation, ndim, arrays
        As for `matrix`.

    Returns
    -------
    tuple of AlignedAxis or None
        One for each output; None where an output depends on several inputs, or on a
        field.

    Raises
    ------
    TransformationError
        If it does not take so many axes, or an array is missing.

    Examples
    --------
    >>> aligned(MapAxis(map_axis=(1, 0)), 2)[0]
    AlignedAxis(input=1, scale=1.0, translation=0.0)
    """
    rows = exact(transformation, ndim, arrays)
    if rows is None:
        return None
    axes = []
    for row, numbers in zip(rows, rounded(rows), strict=True):
        *factors, _ = row
        used = [axis for axis, factor in enumerate(factors) if factor]
        if len(used) > 1:
            return None
        source = used[0] if used else None
        scale = 0.0 if source is None else numbers[source]
        axes.append(AlignedAxis(source, scale, numbers[-1]))
    return tuple(axes)


def rounded(rows: Exact) -> list[list[float]]:
    """Exact numbers as floats, each rounded once.

    Raises
    ------
    TransformationError
        If one is beyond the range of floats.
    """
    try:
        return [[float(value) for value in row] for row in rows]
    except OverflowError:
        raise TransformationError(
            "The numbers of the transformations multiply to more than 1.8e308, which "
            "no float can hold: give smaller ones, perhaps in another unit"
        ) from None


def exact(
    transformation: Transformation, ndim: int, arrays: Arrays = NONE
) -> Exact | None:
    """As `matrix`, with fractions that are not rounded."""
    return _exact(transformation, ndim, with_matrices(transformation, arrays))


def _exact(transformation: Transformation, ndim: int, arrays: Arrays) -> Exact | None:
    outputs_of(transformation, ndim, arrays)
    match transformation:
        case Identity():
            return _identity(ndim)
        case Scale(scale=numbers):
            return _diagonal(numbers)
        case Translation(translation=numbers):
            return _moved(_identity(ndim), numbers)
        case MapAxis(map_axis=order):
            return tuple(_identity(ndim)[axis] for axis in order)
        case ProjectAxis():
            return _projection(transformation, ndim)
        case Affine():
            return _exact_rows(matrix_of(transformation, arrays).tolist())
        case Rotation():
            rows = _exact_rows(matrix_of(transformation, arrays).tolist())
            return tuple((*row, Fraction(0)) for row in rows)
        case Sequence(transformations=parts):
            return chain(parts, ndim, arrays)
        case Bijection(forward=forward):
            return _exact(forward, ndim, arrays)
        case ByDimension():
            return _by_dimension(transformation, ndim, arrays)
        case Displacements() | Coordinates():
            return None
    raise AssertionError(transformation.type)


def is_linear(transformation: Transformation) -> bool:
    """Whether there is a matrix of a transformation that is no sequence or bijection.

    Only those are asked for that stay what they are in a row of others.
    """
    if not is_known(transformation):
        return False
    if isinstance(transformation, ByDimension):
        inner = (part.transformation for part in transformation.transformations)
        return all(is_linear(part) for whole in inner for part in flat(whole))
    return not isinstance(transformation, Displacements | Coordinates | Bijection)


def fraction(value: float) -> Fraction:
    """The decimal that a float is the shortest spelling of."""
    return Fraction(decimal(value))


def _exact_rows(rows: Iterable[Iterable[float]]) -> Exact:
    return tuple(tuple(map(fraction, row)) for row in rows)


def _identity(ndim: int) -> Exact:
    return _diagonal([1.0] * ndim)


def _diagonal(numbers: Iterable[float]) -> Exact:
    factors = list(map(fraction, numbers))
    size, nothing = len(factors), Fraction(0)
    return tuple(
        tuple(factors[row] if row == column else nothing for column in range(size + 1))
        for row in range(size)
    )


def _moved(rows: Exact, numbers: Iterable[float]) -> Exact:
    return tuple(
        (*row[:-1], row[-1] + fraction(number))
        for row, number in zip(rows, numbers, strict=True)
    )


def _projection(transformation: ProjectAxis, ndim: int) -> Exact:
    dropped = transformation.dropped_inputs or ()
    created = transformation.created_outputs or ()
    kept = (row for axis, row in enumerate(_identity(ndim)) if axis not in dropped)
    count = ndim - len(dropped) + len(created)
    nothing = (Fraction(0),) * (ndim + 1)
    return tuple(nothing if axis in created else next(kept) for axis in range(count))


def chain(parts: Iterable[Transformation], ndim: int, arrays: Arrays) -> Exact | None:
    """As `exact`, of transformations of which the first one is applied first."""
    rows = _identity(ndim)
    for part in parts:
        following = _exact(part, len(rows), arrays)
        if following is None:
            return None
        rows = after(following, rows)
    return rows


def after(second: Exact, first: Exact) -> Exact:
    """The matrix that does what `first` does, then what `second` does.

    Both are (M, N + 1); the second takes as many axes as the first gives.
    """
    return tuple(
        tuple(
            sum(
                (a * b[column] for a, b in zip(row[:-1], first, strict=True)),
                start=row[-1] if column == len(first[0]) - 1 else Fraction(0),
            )
            for column in range(len(first[0]))
        )
        for row in second
    )


def _by_dimension(
    transformation: ByDimension, ndim: int, arrays: Arrays
) -> Exact | None:
    given = {axis: _identity(ndim)[axis] for axis in staying(transformation, ndim)}
    for part in transformation.transformations:
        taken = tuple(_identity(ndim)[axis] for axis in part.input_axes)
        rows = _exact(part.transformation, len(taken), arrays)
        if rows is None:
            return None
        check_part(part, len(rows))
        given.update(zip(part.output_axes, after(rows, taken), strict=True))
    return tuple(given[axis] for axis in sorted(given))
