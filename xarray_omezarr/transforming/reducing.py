"""Reducing: transformations without some of the axes that they start from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff.transforms import (
    Affine,
    Bijection,
    ByDimension,
    Coordinates,
    DimensionPart,
    Displacements,
    Identity,
    Transformation,
)
from xarray_omezarr.ngff.transforms import Sequence as Chain
from xarray_omezarr.transforming.applying import NONE
from xarray_omezarr.transforming.composing import flat
from xarray_omezarr.transforming.counting import outputs_of, staying
from xarray_omezarr.transforming.linear import Exact, chain, exact, is_linear, rounded
from xarray_omezarr.transforming.parameters import with_matrices
from xarray_omezarr.transforming.simplifying import simplify

if TYPE_CHECKING:
    from xarray_omezarr.transforming.stored import Arrays

#: Of an axis: True if it stays, else the one position along it that is left, None
#: where nobody knows it.
Left: TypeAlias = bool | Fraction | None


def reduced(
    transformation: Transformation, left: Sequence[Left], arrays: Arrays = NONE
) -> tuple[Transformation | None, tuple[Left, ...]]:
    """A transformation without some of the axes that it starts from.

    Parameters
    ----------
    transformation : Transformation
        Of any type that the standard knows.
    left : sequence
        For each axis that it starts from whether it stays, or the one position along
        it that is left.
    arrays : mapping, optional
        What it names by a path.

    Returns
    -------
    transformation : Transformation or None
        From the axes that stay to those that do, without ends. None if none stays.
    left : tuple
        The same of the axes that it leads to: those go that depend only on axes that
        are gone.

    Raises
    ------
    TransformationError
        If an axis depends on one that stays, and on one that is gone and whose
        position is not known or stands in a field.

    Examples
    --------
    >>> sheared = Affine(affine=((1, 0, 0, 5), (0, 2, 0.1, 0), (0, 0, 4, 7)))
    >>> left = (None, Fraction(3), True)
    >>> found, after = reduced(sheared, left)
    >>> found.to_json(), after
    ({'type': 'affine', 'affine': [[0.1, 6.0], [4.0, 7.0]]}, (None, True, True))
    """
    bare = transformation.model_copy(update={"input": None, "output": None})
    found, after = _reduced(bare, tuple(left), with_matrices(bare, arrays))
    if found is None or not _stay(after):
        return None, after
    found = found.model_copy(update={"name": None})
    return simplify(found, arrays, ndim=len(_stay(left))), after


def _stay(left: Sequence[Left]) -> list[int]:
    return [axis for axis, one in enumerate(left) if one is True]


def _reduced(
    whole: Transformation, left: tuple[Left, ...], arrays: Arrays
) -> tuple[Transformation | None, tuple[Left, ...]]:
    if len(_stay(left)) == len(left):
        count = outputs_of(whole, len(left), arrays)
        return whole, (True,) * (count or len(left))
    if isinstance(whole, Bijection):
        return _bijection(whole, left, arrays)
    rows = exact(whole, len(left), arrays)
    if rows is not None:
        return _matrix(rows, left)
    if isinstance(whole, Chain):
        return _chain(whole, left, arrays)
    if isinstance(whole, ByDimension):
        return _by_dimension(whole, left, arrays)
    return _field(whole, left, arrays)


def _matrix(
    rows: Exact, left: tuple[Left, ...]
) -> tuple[Transformation | None, tuple[Left, ...]]:
    kept = _stay(left)
    after: list[Left] = []
    numbers = []
    for row in rows:
        used = [axis for axis, factor in enumerate(row[:-1]) if factor]
        stays = not used or any(left[axis] is True for axis in used)
        total: Fraction | None = row[-1]
        for axis in used:
            place = left[axis]
            if place is True:
                continue
            if place is None:
                total = None
            elif total is not None:
                total += row[axis] * place
        if stays and total is None:
            raise TransformationError("axes that are left depend on those that are not")
        after.append(True if stays else total)
        if stays and total is not None:
            numbers.append((*(row[axis] for axis in kept), total))
    if not kept or not numbers:
        return None, tuple(after)
    floats = tuple(map(tuple, rounded(tuple(numbers))))
    return Affine(affine=floats), tuple(after)


def _bijection(
    whole: Bijection, left: tuple[Left, ...], arrays: Arrays
) -> tuple[Transformation | None, tuple[Left, ...]]:
    forward, after = _reduced(whole.forward, left, arrays)
    if forward is None:
        return None, after
    try:
        # Where nothing is known of what is gone, nothing that is left may need it.
        gone = tuple(True if one is True else None for one in after)
        inverse, back = _reduced(whole.inverse, gone, arrays)
    except TransformationError:
        return forward, after
    if inverse is None or _stay(back) != _stay(left):
        return forward, after
    return Bijection(forward=forward, inverse=inverse), after


def _chain(
    whole: Chain, left: tuple[Left, ...], arrays: Arrays
) -> tuple[Transformation | None, tuple[Left, ...]]:
    found: list[Transformation] = []
    size = len(left)
    # Matrices in a row are multiplied, since what one adds another may take away.
    for has_matrix, run in groupby(flat(whole), key=is_linear):
        for part, rows in _steps(tuple(run), left, arrays, has_matrix=has_matrix):
            step, left = (
                _reduced(part, left, arrays) if rows is None else _matrix(rows, left)
            )
            if step is None:
                count = outputs_of(whole, size, arrays)
                return None, (None,) * (size if count is None else count)
            found.append(step)
    return Chain(transformations=tuple(found)), left


def _steps(
    run: tuple[Transformation, ...],
    left: tuple[Left, ...],
    arrays: Arrays,
    *,
    has_matrix: bool,
) -> Iterator[tuple[Transformation, Exact | None]]:
    if has_matrix:
        yield run[0], chain(run, len(left), arrays)
    else:
        yield from ((part, None) for part in run)


def _by_dimension(
    whole: ByDimension, left: tuple[Left, ...], arrays: Arrays
) -> tuple[Transformation | None, tuple[Left, ...]]:
    pieces = [
        (part.transformation, part.input_axes, part.output_axes)
        for part in whole.transformations
    ]
    pieces += [(Identity(), (axis,), (axis,)) for axis in staying(whole, len(left))]
    after: dict[int, Left] = {}
    found = []
    for inner, taken, given in pieces:
        step, told = _reduced(inner, tuple(left[axis] for axis in taken), arrays)
        after.update(zip(given, told, strict=True))
        if step is not None:
            found.append((step, taken, given))
    everything = tuple(after[axis] for axis in sorted(after))
    starts, ends = _places(left), _places(everything)
    parts = tuple(
        DimensionPart(
            transformation=step,
            input_axes=tuple(starts[axis] for axis in taken if axis in starts),
            output_axes=tuple(ends[axis] for axis in given if axis in ends),
        )
        for step, taken, given in found
    )
    if not parts or sum(len(part.output_axes) for part in parts) < len(ends):
        if ends:
            raise TransformationError("axes that are left depend on those that are not")
        return None, everything
    only = parts[0]
    stays = tuple(range(len(ends)))
    if len(parts) == 1 and only.output_axes == stays == only.input_axes:
        if len(starts) == len(stays):
            return only.transformation, everything
    return ByDimension(transformations=parts), everything


def _places(left: Sequence[Left]) -> dict[int, int]:
    """The place that each axis that stays has among these."""
    return {axis: place for place, axis in enumerate(_stay(left))}


def _field(
    whole: Transformation, left: tuple[Left, ...], arrays: Arrays
) -> tuple[Transformation | None, tuple[Left, ...]]:
    if _stay(left):
        path = getattr(whole, "path", None)
        raise TransformationError(
            f"the field {path!r} needs all axes that it is told along"
        )
    assert isinstance(whole, Displacements | Coordinates)
    count = outputs_of(whole, len(left), arrays)
    return None, (None,) * (len(left) if count is None else count)
