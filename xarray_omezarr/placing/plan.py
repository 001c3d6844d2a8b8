"""Output: what an object is told of one axis of another system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from xarray_omezarr.errors import Problems, TransformationError
from xarray_omezarr.grid.grid import GridAxis
from xarray_omezarr.placing.rows import Rows, rows_of
from xarray_omezarr.placing.ways import Curved, Straight, Way
from xarray_omezarr.transforming.chains import between
from xarray_omezarr.transforming.dependence import depends
from xarray_omezarr.transforming.linear import fraction
from xarray_omezarr.transforming.parameters import with_matrices

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import Axis
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.placing.along import Floats
    from xarray_omezarr.placing.positions import Place
    from xarray_omezarr.transforming.frame import Frame
    from xarray_omezarr.transforming.linear import ExactRow
    from xarray_omezarr.transforming.stored import Arrays


@dataclass(frozen=True, slots=True)
class Output:
    """One axis of the other system.

    Parameters
    ----------
    number : int
        Its place.
    axis : Axis
        The axis.
    inputs : tuple of int
        Axes of the own system that it depends on.
    dims : tuple of str
        Those of them that are dims, in the order of the object.
    same : bool
        Whether positions are those along its one input.
    """

    number: int
    axis: Axis
    inputs: tuple[int, ...]
    dims: tuple[str, ...]
    same: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """The way of an object from its own system to another.

    Parameters
    ----------
    frame : Frame
        Tells both.
    key : str
        Of the other system.
    places : tuple of Place
        Where pixels lie along the axes of the own system.
    transformation : Transformation
        From the one to the other.
    rows : tuple
        Of its matrix, in exact numbers; None for outputs of fields.
    outputs : tuple of Output
        Axes of the other system that the object can be told of.
    arrays : mapping
        What the transformation names by a path: matrices are read, fields are not.
    """

    frame: Frame
    key: str
    places: tuple[Place, ...]
    transformation: Transformation
    rows: Rows
    outputs: tuple[Output, ...]
    arrays: Arrays

    @property
    def system(self) -> str:
        """The name of the other system, without a path."""
        return self.frame.systems[self.key].name

    def line(self, output: Output) -> GridAxis | None:
        """Exact positions along the one dim of an output; None if they are uneven."""
        at = self._input(output.dims[0])
        source, row = self.places[at].line, self.rows[output.number]
        if row is None or source is None or not row[at]:
            return None
        factor, offset = row[at], self._offset(row)
        return GridAxis(
            name=output.dims[0],
            type=output.axis.type or "",
            unit=output.axis.unit,
            size=source.size,
            scale=float(fraction(source.scale) * factor),
            translation=float(fraction(source.translation) * factor + offset),
        )

    def numbers(self, output: Output, at: int) -> tuple[float, float] | None:
        """Scale and translation from one input to an output; None if not linear."""
        row = self.rows[output.number]
        if row is None:
            return None
        others = (*row[:at], Fraction(0), *row[at + 1 :])
        return float(row[at]), float(self._offset(others))

    def values(self, output: Output) -> Floats:
        """Positions of an output along its dim, if it has one."""
        row = self.rows[output.number]
        if not output.dims and row is not None:
            return np.asarray(float(self._offset(row)))
        if output.dims and (line := self.line(output)) is not None:
            return line.coordinates()
        way = self.way([output], output.dims)
        own = [self.place(dim).known.values for dim in output.dims]
        return way.forward([0], own)[0]

    def way(self, outputs: Sequence[Output], dims: Sequence[str]) -> Way:
        """From positions along dims to several outputs."""
        rows = [row for output in outputs if (row := self.rows[output.number])]
        if len(rows) < len(outputs):
            return self._curved(outputs, dims)
        columns = [self._input(dim) for dim in dims]
        matrix = [[float(row[column]) for column in columns] for row in rows]
        return Straight(
            np.array(matrix, dtype=np.float64).reshape(len(rows), len(columns)),
            np.array([float(self._offset(row)) for row in rows]),
        )

    def _curved(self, outputs: Sequence[Output], dims: Sequence[str]) -> Curved:
        inverse, missing = None, ""
        try:
            inverse = between(self.frame, self.key, str(self.frame.own))
        except TransformationError as error:
            missing = f"Pixels cannot be found by their position: {error}"
        return Curved(
            transformation=self.transformation,
            inputs=tuple(self._input(dim) for dim in dims),
            outputs=tuple(output.number for output in outputs),
            constant=self._constants(outputs),
            ndim=len(self.places),
            arrays=self.arrays,
            inverse=inverse,
            missing=missing,
        )

    def _constants(self, outputs: Sequence[Output]) -> Mapping[int, float]:
        """Positions of inputs that were selected away."""
        needed = {at for output in outputs for at in output.inputs}
        return {
            at: float(self.places[at].known.values[0])
            for at in sorted(needed)
            if self.places[at].dim is None
        }

    def place(self, dim: str) -> Place:
        """Where pixels lie along a dim."""
        return self.places[self._input(dim)]

    def _input(self, dim: str) -> int:
        return next(at for at, place in enumerate(self.places) if place.dim == dim)

    def _offset(self, row: ExactRow) -> Fraction:
        """What is added, with the positions of inputs that were selected away."""
        total = row[-1]
        for factor, place in zip(row[:-1], self.places, strict=True):
            if factor and place.dim is None:
                told = float(place.known.values[0])
                # The coordinate as it is spelled, in the unit of the axis.
                told = told if place.line is None else place.line.translation
                total += factor * fraction(told)
        return total


def chain(
    frame: Frame,
    key: str,
    own: tuple[Place, ...],
    dims: Sequence[str],
) -> Chain:
    """The way of an object to a system, and which axes of that it can be told of.

    Parameters
    ----------
    frame : Frame
        Of the object.
    key : str
        Of the system.
    own : tuple of Place
        Where the object lies in its own system.
    dims : sequence of str
        Of the object.

    Raises
    ------
    TransformationError
        If there is no way, or it needs positions that are not known.
    """
    transformation = between(frame, str(frame.own), key)
    count, axes = len(own), frame.systems[key].axes
    arrays = with_matrices(transformation, frame.arrays)
    rows = rows_of(transformation, count, arrays)
    needed = [
        inputs if row is None else _used(row)
        for row, inputs in zip(
            rows, depends(transformation, count, arrays), strict=True
        )
    ]
    if len(needed) != len(axes):
        raise TransformationError(
            f"The transformations to {key!r} give {len(needed)} axes, and it has "
            f"{len(axes)}: correct them"
        )
    problems = Problems()
    outputs = []
    for number, (axis, inputs) in enumerate(zip(axes, needed, strict=True)):
        same = _is_same(rows[number], inputs)
        # Label images lack axes of their image, and so do parts of one: nothing is
        # said of what depends on these alone.
        if inputs and all(own[at].is_missing for at in inputs):
            continue
        with problems.collected():
            for at in sorted(inputs):
                # Where nothing changes, nothing need be known.
                if not same:
                    _needed(own[at], axis, key)
            live = {own[at].dim for at in inputs}
            along = tuple(dim for dim in dims if dim in live)
            outputs.append(Output(number, axis, tuple(sorted(inputs)), along, same))
    problems.raise_all(f"The object cannot be placed in {key!r}")
    return Chain(frame, key, own, transformation, rows, tuple(outputs), arrays)


def _used(row: ExactRow) -> frozenset[int]:
    return frozenset(at for at, factor in enumerate(row[:-1]) if factor)


def _is_same(row: ExactRow | None, inputs: frozenset[int]) -> bool:
    if len(inputs) != 1 or row is None:
        return False
    (at,) = inputs
    return row[at] == 1 and row[-1] == 0


def _needed(place: Place, axis: Axis, key: str) -> None:
    if place.along is None:
        raise TransformationError(
            f"Axis {axis.name!r} of {key!r} depends on positions along "
            f"{place.axis.name!r}. {place.problem}"
        )
