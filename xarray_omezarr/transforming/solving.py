"""Solving: the inverse of a matrix, exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff.matrices import determinant
from xarray_omezarr.transforming.linear import Exact, rounded

#: By how much errors in the numbers of a matrix may grow in its inverse. Above that,
#: not one digit of a float64 is left, and the matrix was meant to be singular.
_MOST_GROWTH = 1e13


def inverse(rows: Exact) -> Exact:
    """The matrix that leads back.

    Parameters
    ----------
    rows : Exact
        N rows of N factors and what is added.

    Raises
    ------
    TransformationError
        If there is no such matrix, or none that means anything.
    """
    size = len(rows)
    if len(rows[0]) - 1 != size:
        raise TransformationError(
            f"A transformation from {len(rows[0]) - 1} to {size} axes has no inverse: "
            "give a 'bijection' with the way back that is meant"
        )
    factors = [list(row[:-1]) for row in rows]
    solved = _solved(factors)
    if solved is None or _growth(factors, solved) > _MOST_GROWTH:
        shown = determinant(rounded(tuple(map(tuple, factors))))
        raise TransformationError(
            f"A matrix whose determinant is {shown if solved else 0:g} has no inverse, "
            "as it maps many positions to the same: correct the matrix, or give a "
            "'bijection' with the way back that is meant"
        )
    moves = [row[-1] for row in rows]
    return tuple(
        (*row, -sum((a * b for a, b in zip(row, moves, strict=True)), Fraction(0)))
        for row in solved
    )


def _solved(factors: list[list[Fraction]]) -> list[list[Fraction]] | None:
    """The inverse by elimination; None if there is none."""
    size = len(factors)
    work = [
        [*row, *(Fraction(int(place == column)) for column in range(size))]
        for place, row in enumerate(factors)
    ]
    for column in range(size):
        pivot = next((row for row in range(column, size) if work[row][column]), None)
        if pivot is None:
            return None
        work[column], work[pivot] = work[pivot], work[column]
        by = work[column][column]
        work[column] = [value / by for value in work[column]]
        for row in range(size):
            factor = work[row][column]
            if row != column and factor:
                pairs = zip(work[row], work[column], strict=True)
                work[row] = [value - factor * other for value, other in pairs]
    return [row[size:] for row in work]


def _growth(factors: list[list[Fraction]], solved: list[list[Fraction]]) -> float:
    """The condition of a matrix, which does not change with the units of its axes.

    The largest eigenvalue of abs(inverse) @ abs(matrix): other conditions call a matrix
    singular that holds seconds along one axis and micrometers along another.
    """
    there = [[abs(value) for value in row] for row in factors]
    back = [[abs(value) for value in row] for row in solved]
    columns = list(zip(*there, strict=True))
    product = tuple(
        tuple(
            sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0))
            for column in columns
        )
        for row in back
    )
    return float(np.abs(np.linalg.eigvals(np.array(rounded(product)))).max())
