"""Matrices of transformations: their shapes, and which of them are rotations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

Matrix: TypeAlias = Sequence[Sequence[float]]

#: By how much products of rows of a rotation may differ from 0 and 1. Some files round
#: its entries to three decimals, by up to 0.0005, and products of two rows of three
#: such entries are off by up to 2 * 0.0005 * sqrt(3), which is 0.0017.
ROTATION_TOLERANCE = 2e-3


def shape(matrix: Matrix) -> tuple[int, int]:
    """Numbers of rows and columns.

    Raises
    ------
    ValueError
        If rows are of several lengths, or there is none.

    Examples
    --------
    >>> shape([[1, 0, 5], [0, 1, 7]])
    (2, 3)
    """
    lengths = {len(row) for row in matrix}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            f"has rows of lengths {[len(row) for row in matrix]}: give rows of one "
            "length"
        )
    return len(matrix), lengths.pop()


def rotation_problem(matrix: Matrix) -> str | None:
    """Say why a matrix is no rotation; None if it is one.

    Examples
    --------
    >>> rotation_problem([[0, -1], [1, 0]])
    >>> rotation_problem([[0, 1], [1, 0]])
    'has the determinant -1, not 1: it is a reflection; give an affine'
    """
    try:
        rows, columns = shape(matrix)
    except ValueError as error:
        return str(error)
    if rows != columns:
        return f"has {rows} rows and {columns} columns: a rotation has as many of both"
    for i, one in enumerate(matrix):
        for j, other in enumerate(matrix[: i + 1]):
            product = sum(a * b for a, b in zip(one, other, strict=True))
            if not math.isclose(product, i == j, rel_tol=0, abs_tol=ROTATION_TOLERANCE):
                return (
                    f"is no rotation: rows {j} and {i} have the product {product:g}, "
                    f"not {int(i == j)}; give an affine"
                )
    if determinant(matrix) < 0:
        return "has the determinant -1, not 1: it is a reflection; give an affine"
    return None


def determinant(matrix: Matrix) -> float:
    """The determinant of a square matrix.

    Examples
    --------
    >>> determinant([[2, 1], [0, 3]])
    6.0
    """
    rows = [[float(value) for value in row] for row in matrix]
    result = 1.0
    for column in range(len(rows)):
        best = max(range(column, len(rows)), key=lambda row: abs(rows[row][column]))
        if rows[best][column] == 0:
            return 0.0
        if best != column:
            rows[best], rows[column] = rows[column], rows[best]
            result = -result
        pivot = rows[column]
        result *= pivot[column]
        for row in rows[column + 1 :]:
            factor = row[column] / pivot[column]
            row[column:] = [
                a - factor * b
                for a, b in zip(row[column:], pivot[column:], strict=True)
            ]
    return result
