"""The image that label images belong to: where the pixels of its levels lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import OptionError
from xarray_omezarr.grid.bins import holds_bins
from xarray_omezarr.grid.coords import coordinates
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.grid.kept import KEY, decode
from xarray_omezarr.grid.model import to_grid
from xarray_omezarr.hierarchy import Downsampled, Hierarchy, join

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import ArrayNode
    from xarray_omezarr.ngff.multiscale import Image


@dataclass(frozen=True, slots=True)
class Frame:
    """The image that label images belong to: where the pixels of its levels lie.

    Parameters
    ----------
    image : Image
        Its metadata.
    grids : tuple of Grid
        One per level, the finest first, dims in stored order.
    nodes : tuple of ArrayNode
        The arrays of the levels.
    kept : mapping
        Coordinates of level 0 that a grid does not tell, by stored dim.
    """

    image: Image
    grids: tuple[Grid, ...]
    nodes: tuple[ArrayNode, ...]
    kept: Mapping[str, xr.Variable]

    @classmethod
    def of(cls, hierarchy: Hierarchy) -> Frame:
        """The image at the root of a hierarchy, planned or opened."""
        image = hierarchy.image()
        levels = image.multiscale.levels
        nodes = tuple(hierarchy.array(level.path) for level in levels)
        grids = tuple(
            to_grid(image.multiscale, level, node.shape)
            for level, node in zip(levels, nodes, strict=True)
        )
        return cls(image, grids, nodes, _kept(hierarchy))

    @property
    def dims(self) -> tuple[str, ...]:
        """Stored dims of the image."""
        return self.grids[0].dims

    @property
    def channels(self) -> tuple[str, ...] | None:
        """Names of the channels, where there are any."""
        channels = self.image.omero.channels if self.image.omero else ()
        names = tuple(channel.label or "" for channel in channels)
        return names if any(names) else None

    def coordinate(self, dim: str) -> xr.Variable:
        """Positions of level 0 along a dim: as they were kept, else of the grid."""
        axis = self.grids[0][dim]
        kept = self.kept.get(dim)
        if kept is not None and kept.size == axis.size:
            # Dates have no unit of their own.
            has_unit = axis.unit is not None and kept.dtype.kind not in "mM"
            unit = {"units": axis.unit} if has_unit else {}
            return xr.Variable((dim,), kept.values, {**unit, **kept.attrs})
        return coordinates(Grid((replace(axis, labels=None),)))[dim]

    def step(self, level: int) -> tuple[int, tuple[int, ...]]:
        """The level that another is made from, and its pixels per pixel.

        Raises
        ------
        OptionError
            If they are no whole number.
        """
        source = self.nodes[level].source
        if isinstance(source, Downsampled):
            paths = [entry.path for entry in self.image.multiscale.levels]
            return paths.index(source.parent), source.factors
        totals = [self._factors(index) for index in range(level + 1)]
        # Level 0 makes every other: it has all the pixels that they are of.
        parent = next(
            index for index in reversed(range(level)) if self._makes(index, totals)
        )
        pairs = zip(totals[level], totals[parent], strict=True)
        return parent, tuple(a // b for a, b in pairs)

    def _makes(self, finer: int, totals: Sequence[tuple[int, ...]]) -> bool:
        """Whether a finer level makes all pixels of the last of `totals`."""
        level = len(totals) - 1
        fine = zip(self.grids[finer].shape, totals[finer], strict=True)
        coarse = zip(self.grids[level].shape, totals[level], strict=True)
        return all(map(holds_bins, self.grids[0].shape, fine, coarse))

    def _factors(self, level: int) -> tuple[int, ...]:
        """Pixels of level 0 per pixel of another, whichever way sizes were rounded."""
        found = []
        for axis, finest in zip(self.grids[level], self.grids[0], strict=True):
            told = round(axis.scale / finest.scale)
            fitting = [f for f in range(1, finest.size + 1) if _fits(axis, finest, f)]
            # Where sizes and scales tell different factors, sizes tell the pixels.
            if told not in fitting and len(fitting) != 1:
                raise OptionError(
                    f"Level {level} of the image has {axis.size} pixels of "
                    f"{axis.scale:g} along {axis.name!r}, and level 0 has "
                    f"{finest.size} of {finest.scale:g}: that is no whole factor, so "
                    "labels cannot be made for it; give a tree with a level for each "
                    "of the image"
                )
            found.append(told if told in fitting else fitting[0])
        return tuple(found)


def _fits(axis: GridAxis, finest: GridAxis, factor: int) -> bool:
    return axis.size in (finest.size // factor, -(-finest.size // factor))


def _kept(hierarchy: Hierarchy) -> dict[str, xr.Variable]:
    def read(name: str) -> Any:
        node = hierarchy.array(join(KEY, name))
        return np.asarray(node.given[(slice(None),) * len(node.shape)])

    kept = decode(hierarchy.group("").attrs.get(KEY), read)
    types = {axis.name: axis.type for axis in hierarchy.image().multiscale.axes}
    return {
        name: xr.Variable(entry.dims, entry.values, dict(entry.attrs))
        for name, entry in kept.coords.items()
        if entry.values is not None
        and entry.dims == (name,)
        and types.get(name) not in (None, "channel")
    }
