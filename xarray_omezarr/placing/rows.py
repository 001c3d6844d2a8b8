"""Rows: the exact numbers of each output that has some, where others have a field."""

from __future__ import annotations

from collections.abc import Sequence as Several
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from xarray_omezarr.ngff.transforms import Bijection, ByDimension, Sequence
from xarray_omezarr.transforming.counting import staying
from xarray_omezarr.transforming.dependence import depends
from xarray_omezarr.transforming.linear import ExactRow, exact

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays

#: One for each output: factors of the inputs and what is added; None where a field
#: takes part.
Rows: TypeAlias = tuple[ExactRow | None, ...]


def rows_of(transformation: Transformation, ndim: int, arrays: Arrays) -> Rows:
    """The exact row of each output that has one.

    Parameters
    ----------
    transformation : Transformation
        Of any type.
    ndim : int
        Number of axes that it starts from.
    arrays : mapping
        What it names by a path.
    """
    found = exact(transformation, ndim, arrays)
    if found is not None:
        return found
    if isinstance(transformation, Bijection):
        return rows_of(transformation.forward, ndim, arrays)
    if isinstance(transformation, Sequence):
        rows = _identity(range(ndim), ndim)
        for part in transformation.transformations:
            rows = _after(rows_of(part, len(rows), arrays), rows, ndim)
        return rows
    if isinstance(transformation, ByDimension):
        return _by_dimension(transformation, ndim, arrays)
    return (None,) * len(depends(transformation, ndim, arrays))


def _identity(axes: Several[int], ndim: int) -> Rows:
    return tuple(
        (*(Fraction(int(at == axis)) for at in range(ndim)), Fraction(0))
        for axis in axes
    )


def _by_dimension(transformation: ByDimension, ndim: int, arrays: Arrays) -> Rows:
    kept = tuple(staying(transformation, ndim))
    given = dict(zip(kept, _identity(kept, ndim), strict=True))
    for part in transformation.transformations:
        rows = rows_of(part.transformation, len(part.input_axes), arrays)
        taken = _identity(part.input_axes, ndim)
        given.update(zip(part.output_axes, _after(rows, taken, ndim), strict=True))
    return tuple(given[axis] for axis in sorted(given))


def _after(second: Rows, first: Rows, ndim: int) -> Rows:
    return tuple(None if row is None else _through(row, first, ndim) for row in second)


def _through(row: ExactRow, first: Rows, ndim: int) -> ExactRow | None:
    total = [Fraction(0)] * ndim + [row[-1]]
    for factor, given in zip(row[:-1], first, strict=True):
        if not factor:
            continue
        if given is None:
            return None
        total = [sum_ + factor * part for sum_, part in zip(total, given, strict=True)]
    return tuple(total)
