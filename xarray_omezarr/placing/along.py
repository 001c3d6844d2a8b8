"""Along: where pixels lie along one dim, and which pixel is nearest to a position."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

# Positions that were computed on the border of a pixel may lie a rounding beyond it.
_NOISE = 1e-9
# Far from 0 numbers themselves are rounded to more than that.
ROUNDED = 4 * float(np.finfo(np.float64).eps)
# However they are rounded, what is outside is not taken for inside.
_MOST = 1e-2


@dataclass(frozen=True, slots=True, eq=False)
class Along:
    """The centres of pixels along one dim, in any order and spacing.

    Parameters
    ----------
    values : array of float64, shape (n,)
        Positions in the unit of the axis.
    pixel : float
        Extent of a pixel, which a single one cannot tell.
    unit : str, optional
        For messages.
    """

    values: Floats
    pixel: float = 1.0
    unit: str | None = None

    def __post_init__(self) -> None:
        self.values.flags.writeable = False

    @property
    def size(self) -> int:
        """Number of pixels."""
        return int(self.values.size)

    @property
    def spacing(self) -> float:
        """Mean distance of neighbours."""
        if self.size < 2:
            return self.pixel
        return float(np.ptp(self.values)) / (self.size - 1)

    def at(self, index: Any) -> Floats:
        """Positions at indices of any shape; between pixels they are interpolated."""
        index = np.asarray(index)
        if index.dtype.kind in "iub":
            return np.asarray(self.values[index.astype(np.intp, copy=False)])
        return np.asarray(np.interp(index, np.arange(self.size), self.values))

    def taken(self, indexer: slice | NDArray[Any]) -> Along:
        """What is left after ``isel``."""
        step = abs(indexer.step or 1) if isinstance(indexer, slice) else 1
        # A copy, so that a small crop does not keep the positions of all pixels.
        values = np.array(self.values[indexer])
        return replace(self, values=values, pixel=self.spacing * step)

    def fraction(self, positions: Floats) -> Floats:
        """Indices of positions, with fractions between pixels; beyond the ends, too.

        Of the nearest pixel where the positions of pixels neither ascend nor descend.
        """
        values, index = self.values, np.arange(self.size, dtype=np.float64)
        steps = np.diff(values)
        if self.size > 1 and (steps < 0).all():
            values, index, steps = values[::-1], index[::-1], -steps[::-1]
        if not (steps > 0).all():
            return self.nearest(positions)[0].astype(np.float64)
        first, last = (steps[0], steps[-1]) if self.size > 1 else (self.pixel,) * 2
        sign = index[-1] - index[0] if self.size > 1 else 1.0
        below = np.minimum(positions - values[0], 0) / first
        above = np.maximum(positions - values[-1], 0) / last
        inside = np.interp(positions, values, index)
        return np.asarray(inside + np.sign(sign) * (below + above))

    def nearest(
        self, positions: Floats, rounding: float = 0.0
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """The nearest pixel of each position, and whether one reaches as far.

        Pixels reach halfway to the next, those at the border as far outwards as
        inwards.

        Parameters
        ----------
        positions : array of float64
            In the unit of the axis.
        rounding : float
            By how much computing them may have changed them.
        """
        shape = np.shape(positions)
        if not self.size:
            return np.zeros(shape, np.intp), np.zeros(shape, np.bool_)
        order = np.argsort(self.values, kind="stable")
        values = self.values[order]
        after = np.clip(np.searchsorted(values, positions), 1, max(self.size - 1, 1))
        if self.size == 1:
            found = np.zeros(shape, np.intp)
            ends = (self.pixel, self.pixel)
        else:
            closer = positions - values[after - 1] <= values[after] - positions
            found = after - closer
            ends = (values[1] - values[0], values[-1] - values[-2])
        rounding = rounding + ROUNDED * max(abs(values[0]), abs(values[-1]))
        margin = min(_NOISE * self.spacing + rounding, _MOST * self.spacing)
        inside = (positions >= values[0] - ends[0] / 2 - margin) & (
            positions <= values[-1] + ends[1] / 2 + margin
        )
        return order[found], np.asarray(inside)

    def same(self, other: Along) -> bool:
        """Whether all positions are equal."""
        return np.array_equal(self.values, other.values)

    def __str__(self) -> str:
        if not self.size:
            return "no pixels"
        low, high = float(np.min(self.values)), float(np.max(self.values))
        return f"{low:.9g} to {high:.9g} {self.unit or ''}".rstrip()
