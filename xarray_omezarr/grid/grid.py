"""Grid and GridAxis: what the pixels of an array mean, as pure numbers.

Coordinates are pixel *centres*: the pixel with index ``i`` lies at
``translation + i * scale``, in the unit of its axis. All arithmetic is done on
exact decimals and rounded once, at the end, so 3 pixels of 0.1 make 0.3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import AxisError, CoordinateError
from xarray_omezarr.ngff.exact import EXACT, decimal, plus, times

# Doubles hold every integer up to here, and every power of ten up to 10**22,
# without rounding; the quotient of two such numbers is rounded just once.
_EXACT_INTEGER = 2**53
_EXACT_POWER = 22
# As many coordinates as fit into 1 GiB.
_MOST_PIXELS = 2**27


@dataclass(frozen=True, slots=True)
class GridAxis:
    """One dimension: its pixel centres lie at ``translation + i * scale``.

    Parameters
    ----------
    name : str
        The object's own name of the dimension.
    type : str
        ``"space"``, ``"time"``, ``"channel"``, or any other word for a custom axis.
    unit : str, optional
        Name in the standard (``"micrometer"``); None where no unit is known.
    size : int
        Number of pixels.
    scale : float
        Distance between neighbouring pixel centres, in `unit`.
    translation : float
        Position of the centre of the first pixel, in `unit`.
    labels : tuple of str, optional
        Names of the pixels along the axis: the channel names.
    """

    name: str
    type: str
    unit: str | None
    size: int
    scale: float = 1.0
    translation: float = 0.0
    labels: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        # Negative scales exist in files of others (versions before 0.6 allow them)
        # and are read as they are; nothing here writes them.
        if not math.isfinite(self.scale) or self.scale == 0:
            raise CoordinateError(
                f"Scale of axis {self.name!r} is {self.scale!r}: it must be a "
                "finite number other than zero"
            )
        if not math.isfinite(self.translation):
            raise CoordinateError(
                f"Translation of axis {self.name!r} is {self.translation!r}: it "
                "must be a finite number"
            )
        if self.labels is not None and len(self.labels) != self.size:
            raise AxisError(
                f"Axis {self.name!r} has {self.size} pixels but "
                f"{len(self.labels)} labels"
            )

    def coarsen(
        self, factor: int, *, position: Literal["centre", "first"] = "centre"
    ) -> GridAxis:
        """The axis after every `factor` pixels became one.

        Parameters
        ----------
        factor : int
            Number of pixels that become one. A partial block at the far end
            makes a whole pixel: sizes are rounded up, the scale is unchanged
            by it.
        position : {"centre", "first"}
            Where the new pixel's value stands: at the centre of its block
            (means and the like) or at the block's first pixel (sampling).
        """
        if factor == 1:
            return self
        shift = Decimal(factor - 1) / 2 if position == "centre" else Decimal(0)
        labels = None if self.labels is None else self.labels[::factor]
        return replace(
            self,
            size=-(-self.size // factor),
            scale=times(self.scale, factor),
            translation=self._position(shift),
            labels=labels,
        )

    def slice(self, selection: slice) -> GridAxis:
        """The axis after ``isel`` with a slice of positive step."""
        start, stop, step = selection.indices(self.size)
        if step < 1:
            raise CoordinateError(
                f"Slice {selection} of axis {self.name!r} runs backwards; a grid "
                "is always ascending"
            )
        return replace(
            self,
            size=len(range(start, stop, step)),
            scale=times(self.scale, step),
            translation=self._position(Decimal(start)),
            labels=None if self.labels is None else self.labels[selection],
        )

    def coordinates(self) -> NDArray[np.float64]:
        """Positions of all pixel centres, shape ``(size,)``, float64.

        Each is the double nearest to its exact decimal, so that every decimal
        literal (``0.975``) can be selected.

        Raises
        ------
        CoordinateError
            If they would take more than 1 GiB, or are beyond the largest float64.
        """
        if self.size > _MOST_PIXELS:
            # Sizes come from files, and a small one may tell of any.
            raise CoordinateError(
                f"Axis {self.name!r} has {self.size} pixels, whose coordinates would "
                f"take {8 * self.size / 2**30:,.0f} GiB of memory; open a coarser "
                "level, or the array of the level with zarr.open_array, which has none"
            )
        first, step, power = _as_integers(self.translation, self.scale)
        last = first + step * max(self.size - 1, 0)
        # Of a single pixel the step is in neither, and may be longer than both.
        longest = max(abs(first), abs(last), abs(step))
        if power <= _EXACT_POWER and longest < _EXACT_INTEGER:
            index = np.arange(self.size, dtype=np.int64)
            return np.asarray((first + index * step) / np.float64(10**power))
        # Python divides integers of any length with a single rounding.
        denominator = 10**power
        try:
            return np.fromiter(
                ((first + i * step) / denominator for i in range(self.size)),
                dtype=np.float64,
                count=self.size,
            )
        except OverflowError as error:
            raise CoordinateError(
                f"Axis {self.name!r} has {self.size} pixels of scale {self.scale!r} "
                f"from {self.translation!r} on, beyond the largest float64: they have "
                "no positions; correct the scale"
            ) from error

    def isclose(self, other: GridAxis, *, relative: float = 1e-9) -> bool:
        """Whether the pixel centres agree to `relative` of a pixel."""
        tolerance = relative * abs(self.scale)
        last = max(self.size - 1, 0)
        drift = self.translation - other.translation
        return (
            self.unit == other.unit
            and self.size == other.size
            and abs(drift) <= tolerance
            and abs(drift + last * (self.scale - other.scale)) <= tolerance
        )

    def _position(self, index: Decimal) -> float:
        step = EXACT.multiply(decimal(self.scale), index)
        return plus(self.translation, step)


def _as_integers(*values: float) -> tuple[int, ...]:
    """The values as integers over one power of ten, and that power last."""
    decimals = [decimal(value) for value in values]
    exponents = [int(d.as_tuple().exponent) for d in decimals]
    power = max(0, -min(exponents))
    return (*(int(EXACT.scaleb(d, power)) for d in decimals), power)


@dataclass(frozen=True, slots=True)
class Grid:
    """What the pixels of an array mean: one `GridAxis` per dimension, in order."""

    axes: tuple[GridAxis, ...]

    def __post_init__(self) -> None:
        if len(set(self.dims)) != len(self.axes):
            raise AxisError(f"Dims {self.dims} are not unique")

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the axes, in order."""
        return tuple(axis.name for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis, in order."""
        return tuple(axis.size for axis in self.axes)

    @property
    def sizes(self) -> dict[str, int]:
        """Number of pixels by dim."""
        return {axis.name: axis.size for axis in self.axes}

    @property
    def scale(self) -> dict[str, float]:
        """Distance between pixel centres by dim, in the unit of the axis."""
        return {axis.name: axis.scale for axis in self.axes}

    @property
    def translation(self) -> dict[str, float]:
        """Centre of the first pixel by dim, in the unit of the axis."""
        return {axis.name: axis.translation for axis in self.axes}

    @property
    def units(self) -> dict[str, str | None]:
        """Unit by dim: a name of the standard, or None."""
        return {axis.name: axis.unit for axis in self.axes}

    def __getitem__(self, dim: str) -> GridAxis:
        for axis in self.axes:
            if axis.name == dim:
                return axis
        raise AxisError(f"Grid has no axis {dim!r}; it has {self.dims}")

    def __iter__(self) -> Iterator[GridAxis]:
        return iter(self.axes)

    def __contains__(self, dim: object) -> bool:
        return dim in self.dims

    def coarsen(
        self,
        factors: Mapping[str, int],
        *,
        position: Literal["centre", "first"] = "centre",
    ) -> Grid:
        """The grid after blocks of `factors` pixels became one (see `GridAxis`)."""
        self._check(factors)
        return Grid(
            tuple(
                axis.coarsen(factors.get(axis.name, 1), position=position)
                for axis in self.axes
            )
        )

    def slice(self, selection: Mapping[str, slice]) -> Grid:
        """The grid after ``isel`` with slices of positive step."""
        self._check(selection)
        return Grid(
            tuple(
                axis.slice(selection[axis.name]) if axis.name in selection else axis
                for axis in self.axes
            )
        )

    def transpose(self, *dims: str) -> Grid:
        """The grid with its axes in the order of `dims`."""
        return Grid(tuple(self[dim] for dim in dims))

    def isclose(self, other: Grid, *, relative: float = 1e-9) -> bool:
        """Whether both have the same dims and pixel centres."""
        return self.dims == other.dims and all(
            mine.isclose(theirs, relative=relative)
            for mine, theirs in zip(self.axes, other.axes, strict=True)
        )

    def _check(self, by_dim: Mapping[str, object]) -> None:
        unknown = [dim for dim in by_dim if dim not in self.dims]
        if unknown:
            raise AxisError(f"Grid has no axes {unknown}; it has {self.dims}")
