"""Corrections of a grid: what other levels, labels and kept positions become.

All of it is exact: a level whose pixels are twice as far apart as those of level 0 has
exactly twice the new scale, as if it had been written with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from xarray_omezarr.errors import CoordinateError
from xarray_omezarr.ngff.exact import decimal

# Denominators of factors and shifts that pyramids have: halves of pixels, and the odd
# factors of others.
_DENOMINATORS = (2, 1024)


@dataclass(frozen=True, slots=True)
class AxisChange:
    """One axis of level 0, before and after.

    Parameters
    ----------
    scale, translation : float
        As they were, in `unit`.
    new_scale, new_translation : float
        As they shall be, in `new_unit`.
    unit, new_unit : str, optional
        Names of the standard.
    """

    scale: float
    translation: float
    new_scale: float
    new_translation: float
    unit: str | None = None
    new_unit: str | None = None

    @property
    def moves(self) -> bool:
        """Whether any number changes."""
        old, new = (
            (self.scale, self.translation),
            (
                self.new_scale,
                self.new_translation,
            ),
        )
        return old != new

    @property
    def renames(self) -> bool:
        """Whether the unit changes."""
        return self.unit != self.new_unit

    def of(self, scale: float, translation: float) -> tuple[float, float]:
        """Scale and translation of a level, or of a label image, after the change.

        Its pixels keep their distances and shifts as counted in pixels of level 0.

        Parameters
        ----------
        scale, translation : float
            Of the level, as they were.

        Raises
        ------
        CoordinateError
            If the old scale says nothing, or the new numbers are too large to store.

        Examples
        --------
        >>> AxisChange(0.5, 10.0, 0.1, 10.0).of(1.0, 10.25)
        (0.2, 10.05)
        """
        if not self.moves:
            return scale, translation
        if (scale, translation) == (self.scale, self.translation):
            return self.new_scale, self.new_translation
        if self.scale == 0:
            raise CoordinateError(
                "its scale of level 0 is 0, so that the factors of the other levels "
                "cannot be told; say it anew with write_metadata"
            )
        factor = self._told(lambda f: f * _exact(self.scale), scale)
        first = _exact(self.translation)
        shift = self._told(
            lambda s: first + s * _exact(self.scale), translation, origin=first
        )
        step = _exact(self.new_scale)
        place = _exact(self.new_translation) + shift * step
        return _double(factor * step), _double(place)

    def _told(
        self,
        number: Callable[[Fraction], Fraction],
        stored: float,
        origin: Fraction = Fraction(0),
    ) -> Fraction:
        """How many pixels of level 0: a plain fraction if that gives what is stored."""
        # Stored numbers are rounded; a third of a pixel times 3 is a whole one.
        exact = (_exact(stored) - origin) / _exact(self.scale)
        for denominator in _DENOMINATORS:
            plain = exact.limit_denominator(denominator)
            if float(number(plain)) == stored:
                return plain
        return exact

    def position(self, value: float) -> float:
        """Where a position along the axis lies after the change."""
        ratio = _exact(self.new_scale) / _exact(self.scale)
        distance = _exact(value) - _exact(self.translation)
        return _double(_exact(self.new_translation) + distance * ratio)


def split_after(
    numbers: Mapping[str, tuple[float, float]],
    after: Mapping[str, tuple[float, float]],
) -> dict[str, tuple[float, float]] | None:
    """What comes before a transformation, so that both together give `numbers`.

    Parameters
    ----------
    numbers, after : mapping
        Scale and translation by axis: of both together, and of the one that is
        applied last.

    Returns
    -------
    dict or None
        Scale and translation by axis; None where no doubles give them exactly.
    """
    found = {}
    for name, (scale, translation) in numbers.items():
        by, shift = after[name]
        if by == 0:
            return None
        first = float(_exact(scale) / _exact(by))
        moved = float((_exact(translation) - _exact(shift)) / _exact(by))
        again = (
            float(_exact(first) * _exact(by)),
            float(_exact(moved) * _exact(by) + _exact(shift)),
        )
        if again != (scale, translation):
            return None
        found[name] = (first, moved)
    return found


def _double(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        raise CoordinateError(
            "the correction gives numbers beyond 1.8e308, which cannot be stored; give "
            "a smaller scale and translation, perhaps in another unit"
        ) from None


def _exact(value: float) -> Fraction:
    return Fraction(decimal(value))
