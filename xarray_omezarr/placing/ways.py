"""Straight and Curved: from positions along dims to coordinates, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.transforming.applying import apply
from xarray_omezarr.transforming.dependence import depends
from xarray_omezarr.transforming.stored import Field

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays, Stored

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Straight:
    """Coordinates = matrix @ positions + offset.

    Parameters
    ----------
    matrix : array of shape (k, d)
        One row for each coordinate, a column for each dim.
    offset : array of shape (k,)
        What is added; dims that were selected away are in it.
    """

    matrix: Floats
    offset: Floats

    def uses(self, row: int) -> frozenset[int]:
        """The dims that a coordinate depends on, by place."""
        return frozenset(map(int, np.flatnonzero(self.matrix[row])))

    def forward(self, rows: Sequence[int], positions: Sequence[Any]) -> list[Floats]:
        """Coordinates at positions, which broadcast against each other.

        Those of dims that no row uses may be None.
        """
        return [self._at(row, positions) for row in rows]

    def _at(self, row: int, positions: Sequence[Any]) -> Floats:
        total: Any = self.offset[row]
        for column in sorted(self.uses(row)):
            total = total + self.matrix[row, column] * positions[column]
        return np.asarray(total, dtype=np.float64)

    def fixed(self, column: int, position: float) -> Straight:
        """The same where one dim is selected away at a position."""
        moved = self.offset + self.matrix[:, column] * position
        return Straight(np.delete(self.matrix, column, axis=1), moved)

    def rank(
        self, rows: Sequence[int], columns: Sequence[int], pixels: Sequence[float]
    ) -> int:
        """How many of the dims these coordinates tell."""
        # In pixels, and each row by its largest factor: units must not matter.
        part = self.matrix[np.ix_(rows, columns)] * np.abs(pixels)
        largest = np.max(np.abs(part), axis=1, keepdims=True, initial=0.0)
        return int(np.linalg.matrix_rank(part / np.where(largest > 0, largest, 1.0)))

    def back(
        self, rows: Sequence[int], columns: Sequence[int], labels: Floats
    ) -> Floats:
        """Positions (columns, n) whose coordinates are closest to labels (rows, n)."""
        part = self.matrix[np.ix_(rows, columns)]
        wanted = labels - self.offset[list(rows), np.newaxis]
        if len(rows) == len(columns):
            return np.asarray(np.linalg.solve(part, wanted))
        return np.asarray(np.linalg.lstsq(part, wanted, rcond=None)[0])

    def reach(
        self, rows: Sequence[int], columns: Sequence[int], largest: Floats
    ) -> Floats:
        """How large numbers are that `back` adds, in positions (columns,)."""
        inverse = np.linalg.pinv(self.matrix[np.ix_(rows, columns)])
        return np.asarray(np.abs(inverse) @ (largest + np.abs(self.offset[list(rows)])))

    def same(self, other: object) -> bool:
        """Whether both do the same, number by number."""
        return (
            isinstance(other, Straight)
            and np.array_equal(self.matrix, other.matrix)
            and np.array_equal(self.offset, other.offset)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Curved:
    """Coordinates by a transformation that no matrix does: with a field.

    Parameters
    ----------
    transformation : Transformation
        From the system of the object.
    inputs : tuple of int
        The input that each dim is.
    outputs : tuple of int
        The output that each coordinate is.
    constant : mapping
        Positions of the other inputs.
    ndim : int
        Number of inputs.
    arrays : mapping
        What the transformations name by a path.
    inverse : Transformation, optional
        The way back, where there is one; else `missing` tells why there is none.
    missing : str
        For a message.
    """

    transformation: Transformation
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    constant: Mapping[int, float]
    ndim: int
    arrays: Arrays = field(default_factory=dict)
    inverse: Transformation | None = None
    missing: str = ""

    def uses(self, row: int) -> frozenset[int]:
        """The dims that a coordinate depends on, by place."""
        needed = depends(self.transformation, self.ndim, self.arrays)
        inputs = needed[self.outputs[row]]
        return frozenset(i for i, axis in enumerate(self.inputs) if axis in inputs)

    def forward(self, rows: Sequence[int], positions: Sequence[Any]) -> list[Floats]:
        """Coordinates at positions; see `Straight.forward`."""
        used = frozenset[int]().union(*(self.uses(row) for row in rows))
        given = {self.inputs[i]: positions[i] for i in used}
        told = [given.get(i, self.constant.get(i, 0.0)) for i in range(self.ndim)]
        points = np.stack(np.broadcast_arrays(*told), axis=-1)
        found = apply(self.transformation, points, self.arrays)
        return [found[..., self.outputs[row]] for row in rows]

    def fixed(self, column: int, position: float) -> Curved:
        """The same where one dim is selected away at a position."""
        axis = self.inputs[column]
        left = tuple(i for i in self.inputs if i != axis)
        constant = {**self.constant, axis: position}
        return replace(self, inputs=left, constant=constant)

    def rank(
        self, rows: Sequence[int], columns: Sequence[int], pixels: Sequence[float]
    ) -> int:
        """How many of the dims these coordinates tell."""
        return min(len(rows), len(columns))

    def back(
        self, rows: Sequence[int], columns: Sequence[int], labels: Floats
    ) -> Floats:
        """Positions (columns, n) with these coordinates (rows, n)."""
        if self.inverse is None:
            raise TransformationError(self.missing)
        known = {self.outputs[row]: labels[i] for i, row in enumerate(rows)}
        count = len(depends(self.transformation, self.ndim, self.arrays))
        needed = depends(self.inverse, count, self.arrays)
        wanted = [self.inputs[column] for column in columns]
        lacking = sorted(frozenset().union(*(needed[i] for i in wanted)) - set(known))
        if lacking:
            raise TransformationError(
                "The way back needs positions along the axes "
                f"{lacking} of the system as well: select with all its coordinates"
            )
        zeros = np.zeros(labels.shape[1])
        points = np.stack([known.get(i, zeros) for i in range(count)], axis=-1)
        found = apply(self.inverse, points, self.arrays)
        return np.asarray(found[..., wanted].T)

    def reach(
        self, rows: Sequence[int], columns: Sequence[int], largest: Floats
    ) -> Floats:
        """How large numbers are that `back` adds, as far as labels tell it."""
        return np.full(len(columns), np.max(largest, initial=0.0))

    def same(self, other: object) -> bool:
        """Whether both do the same, by what they tell."""
        return (
            isinstance(other, Curved)
            and self.transformation == other.transformation
            and self.inverse == other.inverse
            and (self.inputs, self.outputs) == (other.inputs, other.outputs)
            and self.constant == other.constant
            and self.ndim == other.ndim
            and self.arrays.keys() == other.arrays.keys()
            and all(
                _are_same(array, other.arrays[path])
                for path, array in self.arrays.items()
            )
        )


def _are_same(one: Stored, other: Stored) -> bool:
    """Whether two have the same numbers, by what is known without reading any."""
    if one is other:
        return True
    if isinstance(one, Field) and isinstance(other, Field):
        told = (one.component, one.scale, one.translation)
        is_told = told == (other.component, other.scale, other.translation)
        return is_told and _are_same(one.vectors, other.vectors)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=True)
    # Arrays of a store are equal where they are the same ones; what compares number
    # by number, as dask does, gives no bool.
    equal: Any = one == other
    return equal is True


Way: TypeAlias = Straight | Curved
