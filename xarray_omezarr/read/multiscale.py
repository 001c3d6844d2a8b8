"""One image of a hierarchy -> one lazy Dataset per level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.core import indexing

from xarray_omezarr.errors import warn
from xarray_omezarr.grid.coords import coordinates
from xarray_omezarr.grid.grid import Grid
from xarray_omezarr.grid.kept import KEY, Kept, decode, is_kept
from xarray_omezarr.grid.model import to_grid
from xarray_omezarr.hierarchy import LazyArray, join
from xarray_omezarr.ngff.unknown import unknown
from xarray_omezarr.read.channels import channel_coords, channel_names, unique_names
from xarray_omezarr.read.keeping import restore
from xarray_omezarr.read.lazy import LazyPixels

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import ArrayNode, Hierarchy
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.ngff.omero import Channel

#: Name of the variable that holds the pixels of an image.
VARIABLE = "image"
#: Key of a variable's encoding: scale by dim, for dims that shrink to one pixel.
SCALE_KEY = "omezarr_scale"


@dataclass(frozen=True, slots=True)
class OpenImage:
    """An image of a hierarchy, ready to become Datasets.

    Parameters
    ----------
    hierarchy : Hierarchy
        Holds the image at its root.
    image : Image
        Its metadata.
    kept : Kept
        What xarray had and the standard has no place for.
    source : str
        Where the store is, for ``encoding["source"]``.
    """

    hierarchy: Hierarchy
    image: Image
    kept: Kept
    source: str

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the group: those of others, and unknown keys of ``ome``."""
        node = self.hierarchy.group("")
        own = {KEY} if is_kept(node.attrs.get(KEY)) else set()
        attrs = {key: value for key, value in node.attrs.items() if key not in own}
        unknown_keys = unknown(self.image)
        return {**attrs, "ome": unknown_keys} if unknown_keys else attrs

    def paths(self) -> dict[int, str]:
        """Path of each opened level by its number."""
        return {
            number: level.path
            for number, level in enumerate(self.image.multiscale.levels)
            if level.path in self.hierarchy.nodes
        }

    def level(self, number: int) -> xr.Dataset:
        """The Dataset of one level, 0 being the finest: one lazy variable."""
        multiscale = self.image.multiscale
        level = multiscale.levels[number]
        node = self.hierarchy.array(level.path)
        grid = to_grid(multiscale, level, node.shape)
        channels = self._channels(grid)
        grid = _with_names(grid, channel_names(channels))
        coords = coordinates(grid)
        for axis in grid.axes:
            if axis.type == "channel":
                coords |= channel_coords(channels, axis.name)
        # Sizes of the finest do not matter here, and it may not have been opened.
        finest = to_grid(multiscale, multiscale.levels[0], node.shape)
        coords = restore(self.kept, coords, grid, finest)
        return xr.Dataset({VARIABLE: self._variable(node, grid)}, coords)

    def _channels(self, grid: Grid) -> tuple[Channel, ...]:
        channels = self.image.omero.channels if self.image.omero else ()
        sizes = [axis.size for axis in grid.axes if axis.type == "channel"]
        if not sizes or len(channels) == sizes[0]:
            return channels if sizes else ()
        if channels:
            warn(
                f"{self.source} describes {len(channels)} channels and stores "
                f"{sizes[0]}; their names and colours are left out",
            )
        return ()

    def _variable(self, node: ArrayNode, grid: Grid) -> xr.Variable:
        attrs = dict(self.kept.attrs)
        name = self.image.multiscale.name
        if name and "long_name" not in attrs:
            attrs["long_name"] = name
        stored = node.given
        if not isinstance(stored, LazyArray):
            raise TypeError(f"{type(stored)} is no stored array")
        data = indexing.LazilyIndexedArray(LazyPixels(stored))
        return xr.Variable(grid.dims, data, attrs, self._encoding(node, grid))

    def _encoding(self, node: ArrayNode, grid: Grid) -> dict[str, Any]:
        layout = node.layout
        return {
            "source": self.source,
            "dtype": node.dtype,
            "chunks": layout.chunks,
            "shards": layout.shards,
            "compressors": layout.compression,
            "preferred_chunks": dict(zip(node.dims, layout.objects, strict=True)),
            SCALE_KEY: grid.scale,
        }


def open_image(hierarchy: Hierarchy, source: str) -> OpenImage:
    """The image at the root of an opened hierarchy."""
    node = hierarchy.group("")
    if node.model is None:
        raise TypeError(f"The root of {source} has no metadata of an image")
    kept = decode(node.attrs.get(KEY), lambda name: _read(hierarchy, name))
    return OpenImage(hierarchy, node.model, kept, source)


def _with_names(grid: Grid, names: tuple[str, ...] | None) -> Grid:
    """The grid with channel names that an index can hold."""
    if names is None:
        return grid
    labels = unique_names(names)
    return Grid(
        tuple(
            replace(axis, labels=labels) if axis.type == "channel" else axis
            for axis in grid.axes
        )
    )


def _read(hierarchy: Hierarchy, name: str) -> NDArray[Any]:
    node = hierarchy.array(join(KEY, name))
    return np.asarray(node.given[(slice(None),) * len(node.shape)])


def datasets(image: OpenImage) -> Mapping[str, xr.Dataset]:
    """Datasets by path in a tree: the node of the image, then its levels."""
    levels = {f"/{path}": image.level(n) for n, path in image.paths().items()}
    root = xr.Dataset(attrs=image.attrs)
    root.encoding["source"] = image.source
    return {"/": root, **levels}
