"""Dependence: which axes of the input each axis of the output depends on."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff.transforms import Bijection, ByDimension, Sequence
from xarray_omezarr.transforming.applying import NONE
from xarray_omezarr.transforming.composing import flat
from xarray_omezarr.transforming.counting import check_part, outputs_of, staying
from xarray_omezarr.transforming.linear import Exact, chain, exact, is_linear
from xarray_omezarr.transforming.parameters import with_matrices

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays

#: For each output the inputs that it depends on, by their place.
Dependence: TypeAlias = tuple[frozenset[int], ...]


def depends(
    transformation: Transformation, ndim: int, arrays: Arrays = NONE
) -> Dependence:
    """For each output axis the input axes that it depends on.

    Parameters
    ----------
    transformation : Transformation
        Of any type that the standard knows.
    ndim : int
        Number of axes of the system that it starts from.
    arrays : mapping, optional
        What it names by a path.

    Returns
    -------
    tuple of frozenset of int
        By place. An output of a field depends on all inputs of the field.

    Raises
    ------
    TransformationError
        If it does not take so many axes, or an array is missing.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Affine
    >>> sheared = Affine(affine=((1, 0, 5), (0.5, 1, 0)))
    >>> [sorted(inputs) for inputs in depends(sheared, 2)]
    [[0], [0, 1]]
    """
    arrays = with_matrices(transformation, arrays)
    rows = exact(transformation, ndim, arrays)
    if rows is not None:
        return _of_matrix(rows)
    if isinstance(transformation, Sequence):
        return _chain(transformation, ndim, arrays)
    if isinstance(transformation, Bijection):
        return depends(transformation.forward, ndim, arrays)
    if isinstance(transformation, ByDimension):
        return _by_dimension(transformation, ndim, arrays)
    count = outputs_of(transformation, ndim, arrays)
    if count is None:
        raise TransformationError(
            f"How many axes {transformation.type!r} gives is told by the array "
            f"{getattr(transformation, 'path', None)!r}, which is not given: give the "
            "store that holds it, or the array by this path"
        )
    return (frozenset(range(ndim)),) * count


def _of_matrix(rows: Exact) -> Dependence:
    return tuple(
        frozenset(axis for axis, factor in enumerate(row[:-1]) if factor)
        for row in rows
    )


def _chain(transformation: Sequence, ndim: int, arrays: Arrays) -> Dependence:
    found = tuple(frozenset({axis}) for axis in range(ndim))
    # Matrices in a row are multiplied, since what one adds another may take away.
    for has_matrix, run in groupby(flat(transformation), key=is_linear):
        if has_matrix:
            rows = chain(run, len(found), arrays)
            found = _through(_of_matrix(rows or ()), found)
            continue
        for part in run:
            found = _through(depends(part, len(found), arrays), found)
    return found


def _through(following: Dependence, found: Dependence) -> Dependence:
    return tuple(
        frozenset().union(*(found[axis] for axis in inputs)) for inputs in following
    )


def _by_dimension(transformation: ByDimension, ndim: int, arrays: Arrays) -> Dependence:
    given = {axis: frozenset({axis}) for axis in staying(transformation, ndim)}
    for part in transformation.transformations:
        taken = tuple(frozenset({axis}) for axis in part.input_axes)
        inner = depends(part.transformation, len(taken), arrays)
        check_part(part, len(inner))
        given.update(zip(part.output_axes, _through(inner, taken), strict=True))
    return tuple(given[axis] for axis in sorted(given))
