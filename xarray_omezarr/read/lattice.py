"""Places for the fields of a plate, in rows and columns that are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xarray_omezarr.hierarchy import natural_key

#: Row, column and name of a field.
Place: TypeAlias = tuple[str, str, str]

#: Dims that tell the fields of a plate apart.
DIMS = ("row", "column", "field")


@dataclass(frozen=True, slots=True)
class Lattice:
    """Places for fields: names of the rows, columns and fields that are used."""

    names: tuple[NDArray[Any], ...]
    index: Mapping[Place, tuple[int, ...]]

    @classmethod
    def of(cls, places: Sequence[Place]) -> Lattice:
        """The smallest that holds fields at these places, in natural order."""
        used = ({place[axis] for place in places} for axis in range(3))
        names = [sorted(part, key=natural_key) for part in used]
        numbers = [{name: n for n, name in enumerate(part)} for part in names]
        index = {
            place: tuple(at[name] for at, name in zip(numbers, place, strict=True))
            for place in places
        }
        return cls(tuple(np.asarray(part, dtype=np.str_) for part in names), index)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, columns and fields."""
        return tuple(part.size for part in self.names)

    def filled(self, empty: Any, values: Mapping[Place, Any]) -> NDArray[Any]:
        """An array of values by place; `empty` where there is none."""
        kind = type(empty) if isinstance(empty, bool | int | float) else object
        found = np.full(self.shape, empty, dtype=kind)
        for place, value in values.items():
            found[self.index[place]] = value
        return found

    def along(self, values: Mapping[Place, xr.Variable]) -> xr.Variable:
        """Variables of one kind side by side; missing numbers and dates are NaN.

        Whole numbers, texts and flags have no such value: theirs are 0, "" and False.
        """
        first = next(iter(values.values()))
        kind = np.result_type(*{value.dtype for value in values.values()})
        empty = np.asarray("NaT" if kind.kind in "mM" else 0, dtype=kind)
        if kind.kind in "fc":
            empty = np.asarray(np.nan, dtype=kind)
        if kind.kind in "UO":
            empty = np.asarray("" if kind.kind == "U" else None, dtype=kind)
        found = np.full((*self.shape, *first.shape), empty, dtype=kind)
        for place, value in values.items():
            found[self.index[place]] = value.values
        return xr.Variable((*DIMS, *first.dims), found, first.attrs)
