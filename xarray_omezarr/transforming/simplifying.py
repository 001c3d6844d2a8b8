"""Simplifying: the least expressive transformations that do the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff.transforms import (
    Affine,
    Bijection,
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
from xarray_omezarr.transforming.counting import (
    chain_inputs,
    chain_outputs,
    inputs_of,
)
from xarray_omezarr.transforming.inverting import is_orthonormal
from xarray_omezarr.transforming.linear import (
    Exact,
    after,
    chain,
    exact,
    is_linear,
    rounded,
)
from xarray_omezarr.transforming.parameters import is_known, matrix_of, with_matrices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays

#: By how much, relative to its terms, a product may differ from the identity.
_TOLERANCE = 1e-12

#: Axes that a projectAxis drops or makes at most, by the schemas of the standard.
_MOST_PROJECTED = 3


def simplify(
    transformation: Transformation, arrays: Arrays = NONE, *, ndim: int | None = None
) -> Transformation:
    """The least expressive transformation of the standard that does the same.

    Parameters
    ----------
    transformation : Transformation
        Of any type. Fields, types that are not known and bijections stay what they
        are; what lies between them is simplified.
    arrays : mapping, optional
        What it names by a path; matrices are put into the result as numbers.
    ndim : int, optional
        Number of axes of the system that it starts from, where it does not tell.

    Returns
    -------
    Transformation
        From the same input to the same output, with the same name. Of identity,
        translation, scale, a sequence of scale and translation, mapAxis, projectAxis,
        rotation and affine the first that does the same, its numbers products and sums
        of the decimals that were given, rounded once; a sequence of such and of what
        stays otherwise.

    Raises
    ------
    TransformationError
        If it does not take so many axes, or the array of a matrix is missing.

    Examples
    --------
    >>> thrice = Sequence(transformations=(Scale(scale=(0.1,)), Scale(scale=(3,))))
    >>> simplify(thrice).to_json()
    {'type': 'scale', 'scale': [0.3]}
    """
    arrays = with_matrices(transformation, arrays, needed=True)
    parts = tuple(_resolved(flat(transformation), arrays))
    simple: list[Transformation] = []
    done = 0
    for has_matrix, group in groupby(parts, key=is_linear):
        run = tuple(group)
        ndim = chain_inputs(parts[done:], arrays) if ndim is None else ndim
        if has_matrix and ndim is not None:
            simple += _merged(run, ndim, arrays)
        else:
            simple += _without_identities(run)
        known = all(map(is_known, run))
        ndim = chain_outputs(run, ndim, arrays) if known else None
        done += len(run)
    return _with_ends(simple, transformation)


def _with_ends(
    parts: list[Transformation], transformation: Transformation
) -> Transformation:
    ends: dict[str, Any] = {
        "input": transformation.input,
        "output": transformation.output,
        "name": transformation.name,
    }
    if not parts:
        return Identity(**ends)
    if len(parts) > 1:
        return Sequence(transformations=tuple(parts), **ends)
    if ends["name"] is None:
        del ends["name"]
    return parts[0].model_copy(update=ends)


def _without_identities(run: Iterable[Transformation]) -> list[Transformation]:
    return [part for part in run if not isinstance(part, Identity)]


def _resolved(
    parts: Iterable[Transformation], arrays: Arrays
) -> Iterator[Transformation]:
    """The parts, with the way there of bijections that have the inverse anyway."""
    for part in parts:
        if isinstance(part, Bijection) and _is_redundant(part, arrays):
            yield from _resolved(flat(part.forward), arrays)
        else:
            yield part


def _is_redundant(transformation: Bijection, arrays: Arrays) -> bool:
    ways = (transformation.forward, transformation.inverse)
    if not all(is_linear(part) for way in ways for part in flat(way)):
        return False
    ndim = inputs_of(transformation.forward, arrays)
    if ndim is None:
        ndim = inputs_of(transformation.inverse, arrays)
    if ndim is None:
        return all(isinstance(part, Identity) for way in ways for part in flat(way))
    there = exact(transformation.forward, ndim, arrays)
    back = exact(transformation.inverse, len(there or ()), arrays)
    return there is not None and back is not None and _are_inverse(there, back)


def _are_inverse(there: Exact, back: Exact) -> bool:
    size = len(there[0]) - 1
    if len(back) != size:
        return False
    terms = after(_absolute(back), _absolute(there))
    return all(
        abs(value - (row == column)) <= _TOLERANCE * bound
        for row, (values, bounds) in enumerate(
            zip(after(back, there), terms, strict=True)
        )
        for column, (value, bound) in enumerate(zip(values, bounds, strict=True))
    )


def _absolute(rows: Exact) -> Exact:
    return tuple(tuple(map(abs, row)) for row in rows)


def _merged(
    run: tuple[Transformation, ...], ndim: int, arrays: Arrays
) -> list[Transformation]:
    rows = chain(run, ndim, arrays)
    kept = _without_identities(run)
    if rows is None or not _fits_floats(rows):
        return kept
    least = _least(np.array(rounded(rows)))
    if len(kept) == 1:
        return _as_it_was(kept[0], least, arrays)
    return least


def _fits_floats(rows: Exact) -> bool:
    """Whether no number becomes infinite, or 0, by rounding."""
    try:
        numbers = rounded(rows)
    except TransformationError:
        return False
    return all(
        bool(value) == bool(number)
        for row, own in zip(rows, numbers, strict=True)
        for value, number in zip(row, own, strict=True)
    )


def _as_it_was(
    part: Transformation, least: list[Transformation], arrays: Arrays
) -> list[Transformation]:
    """What a single transformation becomes: itself, if it is the least already."""
    types = [one.type for one in least]
    if isinstance(part, Rotation) and types == ["affine"]:
        # Rounded to a few decimals, which the standard still calls a rotation.
        rows = tuple(map(tuple, matrix_of(part, arrays).tolist()))
        return [part.model_copy(update={"rotation": rows, "path": None})]
    has_path = getattr(part, "path", None) is not None
    return [part] if types == [part.type] and not has_path else least


def _least(matrix: NDArray[np.float64]) -> list[Transformation]:
    factors, moves = matrix[:, :-1], matrix[:, -1]
    if (found := _along_axes(factors, moves)) is not None:
        return found
    if not moves.any():
        if order := _reordered(factors):
            return [order]
        if _is_rotation(factors):
            return [Rotation(rotation=_rows(factors))]
    return [Affine(affine=_rows(matrix))]


def _rows(matrix: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, matrix.tolist()))


def _along_axes(
    factors: NDArray[np.float64], moves: NDArray[np.float64]
) -> list[Transformation] | None:
    """Identity, translation, scale or both, where they are enough."""
    if factors.shape[0] != factors.shape[1]:
        return None
    diagonal = np.diagonal(factors)
    # A scale of the standard is positive.
    if np.any(factors != np.diag(diagonal)) or np.any(diagonal <= 0):
        return None
    parts: list[Transformation] = []
    if np.any(diagonal != 1):
        parts.append(Scale(scale=tuple(diagonal.tolist())))
    if moves.any():
        parts.append(Translation(translation=tuple(moves.tolist())))
    return parts


def _reordered(factors: NDArray[np.float64]) -> MapAxis | ProjectAxis | None:
    """The axes in another order, or some left out and some made; None if neither."""
    count = np.count_nonzero(factors, axis=1)
    if np.any(count > 1) or not np.isin(factors, (0, 1)).all():
        return None
    sources = np.argmax(factors, axis=1)[count == 1].tolist()
    ndim = factors.shape[1]
    if len(sources) == len(factors) and sorted(sources) == list(range(ndim)):
        return MapAxis(map_axis=tuple(sources))
    if sources != sorted(set(sources)):
        return None
    created = tuple(np.flatnonzero(count == 0).tolist())
    dropped = tuple(axis for axis in range(ndim) if axis not in sources)
    if max(len(created), len(dropped)) > _MOST_PROJECTED:
        return None
    return ProjectAxis(dropped_inputs=dropped or None, created_outputs=created or None)


def _is_rotation(factors: NDArray[np.float64]) -> bool:
    if factors.shape[0] != factors.shape[1] or not is_orthonormal(factors):
        return False
    return bool(np.linalg.det(factors) > 0)
