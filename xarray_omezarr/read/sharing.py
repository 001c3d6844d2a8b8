"""What images that are alike share: coordinates, their indexes, what levels know."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
import xarray as xr
from xarray.indexes import PandasIndex

from xarray_omezarr.grid.coords import coordinates
from xarray_omezarr.grid.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xarray_omezarr.grid.grid import GridAxis

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shared:
    """Values made once for all images of one store that are opened together.

    The fields of a plate have their positions for themselves and nearly all else in
    common. Datasets copy the variables they are given, so that changes to one do not
    reach the others; pixels and indexes never change.
    """

    axes: dict[GridAxis, tuple[xr.Variable, PandasIndex] | None] = field(
        default_factory=dict
    )
    made: dict[Hashable, Any] = field(default_factory=dict)
    # Keeps what is known by its identity alive, so that nothing else gets the same.
    held: list[object] = field(default_factory=list)

    def once(self, key: Hashable, make: Callable[[], T], *held: object) -> T:
        """What `make` gives, made the first time only.

        Parameters
        ----------
        key : hashable
            What it depends on; may hold ids of the objects in `held`.
        make : callable
            Makes it.
        *held : object
            Objects whose ids are in the key.
        """
        if key not in self.made:
            self.made[key] = make()
            self.held.extend(held)
        found: T = self.made[key]
        return found

    def coordinates(self, grid: Grid) -> dict[str, xr.Variable]:
        """The coordinates of a grid, as `grid.coords.coordinates` makes them."""
        found = {}
        for axis in grid.axes:
            if axis not in self.axes:
                self.axes[axis] = _indexed(axis)
            known = self.axes[axis]
            if known is not None:
                found[axis.name] = known[0]
        return found

    def dataset(
        self,
        variables: Mapping[str, xr.Variable],
        coords: Mapping[str, xr.Variable],
        grid: Grid,
    ) -> xr.Dataset:
        """The Dataset of one level, with the indexes that are there already."""
        indexes: dict[str, PandasIndex] = {}
        for axis in grid.axes:
            known = self.axes.get(axis)
            own = coords.get(axis.name)
            if known is not None and own is known[0]:
                indexes[axis.name] = known[1]
            elif own is not None:
                # Restored from what was kept: xarray makes the index.
                return xr.Dataset(dict(variables), dict(coords))
        return assembled(variables, coords, indexes)


def assembled(
    variables: Mapping[str, xr.Variable],
    coords: Mapping[str, xr.Variable],
    indexes: dict[str, PandasIndex],
    attrs: dict[str, Any] | None = None,
) -> xr.Dataset:
    """A Dataset of parts that are known to fit together.

    The public way looks whether they do, which for the thousands of fields of a plate
    takes longer than everything else.
    """
    parts = {name: part.copy(deep=False) for name, part in coords.items()}
    make: Any = xr.Dataset._construct_direct
    dataset: xr.Dataset = make(
        {**variables, **parts}, set(coords), attrs=attrs, indexes=indexes
    )
    return dataset


def _indexed(axis: GridAxis) -> tuple[xr.Variable, PandasIndex] | None:
    variable = coordinates(Grid((axis,))).get(axis.name)
    if variable is None:
        return None
    values = variable.values
    # As the public constructors make it, without a look at what is known here.
    positions = pd.Index(values, name=axis.name, copy=False)
    index = PandasIndex(positions, axis.name, coord_dtype=values.dtype)
    made = index.create_variables({axis.name: variable})
    return made[axis.name], index
