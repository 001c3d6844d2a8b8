"""WorldTransform: coordinates of pixels that no single dim tells, never all at once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from xarray.indexes import CoordinateTransform

from xarray_omezarr.placing.along import ROUNDED, Along, Floats

if TYPE_CHECKING:
    from xarray_omezarr.placing.ways import Way


class WorldTransform(CoordinateTransform):
    """From indices of pixels to coordinates in another system, and back.

    It does not change, so that objects share it.

    Parameters
    ----------
    names : sequence of str
        Of the coordinates.
    along : mapping
        Where pixels lie along each dim, by dim.
    way : Straight or Curved
        From these positions to the coordinates, in the order of dims and names.
    system : str
        The system that the coordinates are positions in, for people.
    """

    def __init__(
        self,
        names: Sequence[Hashable],
        along: Mapping[str, Along],
        way: Way,
        system: str,
    ) -> None:
        super().__init__(names, {dim: part.size for dim, part in along.items()})
        self.along = dict(along)
        self.way = way
        self.system = system

    def __deepcopy__(self, memo: Any) -> WorldTransform:
        return self

    def row(self, name: Hashable) -> int:
        """The place of a coordinate."""
        return self.coord_names.index(name)

    def used_by(self, name: Hashable) -> tuple[str, ...]:
        """The dims whose positions a coordinate depends on, in the order of all."""
        used = self.way.uses(self.row(name))
        return tuple(dim for at, dim in enumerate(self.dims) if at in used)

    def forward(self, dim_positions: Mapping[str, Any]) -> dict[Hashable, Any]:
        """Coordinates at indices.

        Parameters
        ----------
        dim_positions : mapping
            Indices by dim, arrays that broadcast against each other.

        Returns
        -------
        dict
            Arrays of float64 in their common shape, of all coordinates that lie along
            no other dim.
        """
        shape = np.broadcast_shapes(*(np.shape(v) for v in dim_positions.values()))
        told = [name for name in self.coord_names if self._tells(dim_positions, name)]
        positions = [
            self.along[dim].at(dim_positions[dim]) if dim in dim_positions else None
            for dim in self.dims
        ]
        found = self.way.forward([self.row(name) for name in told], positions)
        return {
            name: np.broadcast_to(values, shape)
            for name, values in zip(told, found, strict=True)
        }

    def _tells(self, dim_positions: Mapping[str, Any], name: Hashable) -> bool:
        return set(self.used_by(name)) <= set(dim_positions)

    def generate_coords(
        self, dims: tuple[str, ...] | None = None
    ) -> dict[Hashable, Any]:
        """All values of the coordinates that lie along these dims."""
        own = self.dims if dims is None else dims
        grids = np.ix_(*(np.arange(self.dim_size[dim]) for dim in own))
        return self.forward(dict(zip(own, grids, strict=True)))

    def reverse(self, coord_labels: Mapping[Hashable, Any]) -> dict[str, Any]:
        """Indices with fractions of positions, all of them or enough to tell.

        Parameters
        ----------
        coord_labels : mapping
            Arrays of one shape by name of coordinate.
        """
        positions = self.positions(coord_labels)
        return {
            dim: self.along[dim].fraction(found) for dim, found in positions.items()
        }

    def positions(self, coord_labels: Mapping[Hashable, Any]) -> dict[str, Floats]:
        """Positions along the dims, of coordinates that tell them."""
        labels = np.broadcast_arrays(*coord_labels.values())
        shape = labels[0].shape
        columns = self.columns([*coord_labels])
        flat = np.stack([np.asarray(v, dtype=np.float64).ravel() for v in labels])
        found = self.way.back([self.row(name) for name in coord_labels], columns, flat)
        return {
            self.dims[column]: part.reshape(shape)
            for column, part in zip(columns, found, strict=True)
        }

    def rounding(self, coord_labels: Mapping[Hashable, Any]) -> dict[str, float]:
        """By how much `positions` may be off, as numbers have so many digits."""
        columns = self.columns([*coord_labels])
        largest = [np.max(np.abs(v), initial=0.0) for v in coord_labels.values()]
        rows = [self.row(name) for name in coord_labels]
        found = self.way.reach(rows, columns, np.array(largest, dtype=np.float64))
        return {
            self.dims[column]: ROUNDED * float(part)
            for column, part in zip(columns, found, strict=True)
        }

    def columns(self, names: Sequence[Hashable]) -> list[int]:
        """The dims that some coordinates lie along, by place."""
        return sorted(
            frozenset[int]().union(*(self.way.uses(self.row(name)) for name in names))
        )

    def rank(self, names: Sequence[Hashable]) -> int:
        """How many of their dims some coordinates tell."""
        columns = self.columns(names)
        pixels = [self.along[self.dims[column]].spacing or 1.0 for column in columns]
        return self.way.rank([self.row(name) for name in names], columns, pixels)

    def taken(self, dim: str, indexer: slice | NDArray[Any]) -> WorldTransform:
        """The same of some of the pixels along a dim."""
        along = {**self.along, dim: self.along[dim].taken(indexer)}
        return WorldTransform(self.coord_names, along, self.way, self.system)

    def fixed(self, dim: str, index: int) -> WorldTransform:
        """The same where one pixel of a dim is selected."""
        position = float(self.along[dim].values[index])
        way = self.way.fixed(self.dims.index(dim), position)
        along = {key: part for key, part in self.along.items() if key != dim}
        return WorldTransform(self.coord_names, along, way, self.system)

    def renamed(
        self, names: Mapping[Any, Hashable], dims: Mapping[Any, Hashable]
    ) -> WorldTransform:
        """The same with other names of coordinates and dims."""
        return WorldTransform(
            [names.get(name, name) for name in self.coord_names],
            {str(dims.get(dim, dim)): part for dim, part in self.along.items()},
            self.way,
            self.system,
        )

    def joined(
        self, others: Sequence[WorldTransform], dim: str
    ) -> WorldTransform | None:
        """The pixels of several side by side along a dim; None if they do not fit."""
        if not all(self.equals(other, exclude=frozenset({dim})) for other in others):
            return None
        parts = [self.along[dim].values, *(other.along[dim].values for other in others)]
        own = self.along[dim]
        along = {**self.along, dim: Along(np.concatenate(parts), own.pixel, own.unit)}
        return WorldTransform(self.coord_names, along, self.way, self.system)

    def equals(self, other: Any, *, exclude: frozenset[Hashable] | None = None) -> bool:
        """Whether the other gives the same coordinates, but for pixels of some dims."""
        return (
            isinstance(other, WorldTransform)
            and self.dims == other.dims
            and self.way.same(other.way)
            and all(
                part.same(other.along[dim])
                for dim, part in self.along.items()
                if not exclude or dim not in exclude
            )
        )

    def __repr__(self) -> str:
        return f"WorldTransform({', '.join(self.dims)} -> {self.system!r})"
