"""One image of a hierarchy -> one lazy Dataset per level."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.core import indexing

from xarray_omezarr.errors import MetadataError, UnitError, warn
from xarray_omezarr.grid.axis_attrs import with_axis_attrs, without_axis_attrs
from xarray_omezarr.grid.dims import is_axis
from xarray_omezarr.grid.grid import Grid
from xarray_omezarr.grid.inspect import channel_texts
from xarray_omezarr.grid.kept import KEY, Kept, decode, is_kept
from xarray_omezarr.grid.model import to_grid
from xarray_omezarr.grid.names import (
    CHANNEL_LABEL,
    FRAME_KEY,
    LEVELS_KEY,
    NAME_KEY,
    NUMBERED_KEY,
    SCALE_KEY,
    VARIABLE,
    StoredLevels,
)
from xarray_omezarr.grid.units import in_unit, standard_unit
from xarray_omezarr.hierarchy import LazyArray, join
from xarray_omezarr.ngff.labels import LabelImage
from xarray_omezarr.ngff.unknown import unknown
from xarray_omezarr.read.channels import (
    channel_coords,
    channel_names,
    only_channel_coords,
    unique_names,
    without_coords,
)
from xarray_omezarr.read.keeping import restore
from xarray_omezarr.read.lazy import LazyPixels
from xarray_omezarr.read.sharing import Shared

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import ArrayNode, Hierarchy
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.ngff.omero import Channel
    from xarray_omezarr.transforming.frame import Frame

T = TypeVar("T")

#: Variable of the levels of a label image.
LABELS = "labels"
#: Attribute of a label image: what its values mean, as the standard spells it.
LABEL_KEY = "image-label"
# Values of a coordinate that was kept: as many as fit into 1 GiB.
_MOST_KEPT = 2**27


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
    shared : Shared
        What images that are opened together have in common.
    frame : Frame, optional
        The systems that its positions can be told in, where there are several.
    """

    hierarchy: Hierarchy
    image: Image
    kept: Kept
    source: str
    shared: Shared = field(default_factory=Shared)
    frame: Frame | None = None

    @property
    def variable(self) -> str:
        """Name of the variable in each level."""
        return LABELS if isinstance(self.image, LabelImage) else VARIABLE

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the group: those of others, and unknown keys of ``ome``.

        A label image has what its values mean under ``image-label``.
        """
        node = self.hierarchy.group("")
        own = {KEY} if is_kept(node.attrs.get(KEY)) else set()
        attrs = {key: value for key, value in node.attrs.items() if key not in own}
        unknown_keys = self._once("unknown", self._unknown)
        if unknown_keys:
            attrs["ome"] = copy.deepcopy(unknown_keys)
        return {**attrs, **self.label_attrs}

    @property
    def label_attrs(self) -> dict[str, Any]:
        """What the values of a label image mean, as the standard spells it."""
        if not isinstance(self.image, LabelImage):
            return {}
        told = self.image.image_label.to_json()
        return {LABEL_KEY: {k: v for k, v in told.items() if k != "version"}}

    def _unknown(self) -> dict[str, Any]:
        image = self.image
        image = image.image if isinstance(image, LabelImage) else image
        return unknown(_beside_coords(without_axis_attrs(image)))

    def _once(self, what: str, make: Callable[[], T], *others: Hashable) -> T:
        """What depends on nothing but what images alike have in common.

        Their coordinate systems are one object: see `store.alike`. What they do not
        share are positions, names and windows.
        """
        systems = self.image.multiscale.coordinate_systems
        return self.shared.once((what, id(systems), *others), make, systems)

    def paths(self) -> dict[int, str]:
        """Path of each opened level by its number."""
        return {
            number: level.path
            for number, level in enumerate(self.image.multiscale.levels)
            if level.path in self.hierarchy.nodes
        }

    def level(
        self, number: int, further: Mapping[str, xr.Variable] | None = None
    ) -> xr.Dataset:
        """The Dataset of one level, 0 being the finest: one lazy variable.

        Parameters
        ----------
        number : int
            Which one.
        further : mapping, optional
            Coordinates without dims that are told elsewhere.
        """
        multiscale = self.image.multiscale
        level = multiscale.levels[number]
        node = self.hierarchy.array(level.path)
        grid = to_grid(multiscale, level, node.shape)
        channels = self._channels(grid)
        grid = _with_names(grid, channel_names(channels))
        coords = self.shared.coordinates(grid)
        dims = [axis.name for axis in grid.axes if axis.type == "channel"]
        if dims:
            coords |= channel_coords(channels, dims[0])
        elif channels:
            coords |= only_channel_coords(channels[0])
        if self.kept.coords:
            # Sizes of the finest do not matter, and it may not have been opened.
            finest = to_grid(multiscale, multiscale.levels[0], node.shape)
            coords = restore(self.kept, coords, grid, finest)
        coords = with_axis_attrs(coords, multiscale.axes)
        if not dims and _tells_the_label(coords):
            del coords[CHANNEL_LABEL]
        encoding = self._encoding(number, node, _scales(grid, coords))
        if self.frame is not None and dims:
            encoding[NUMBERED_KEY] = _numbered(coords, grid, dims[0])
        variable = self._variable(node, grid, encoding)
        coords |= further or {}
        return self.shared.dataset({self.variable: variable}, coords, grid)

    def _channels(self, grid: Grid) -> tuple[Channel, ...]:
        channels = self.image.omero.channels if self.image.omero else ()
        sizes = [axis.size for axis in grid.axes if axis.type == "channel"]
        # Without a channel dim all pixels are of one channel.
        count = sizes[0] if sizes else 1
        if len(channels) == count:
            return channels
        if channels:
            warn(
                f"{self.source} describes {len(channels)} channels and stores "
                f"{count}; their names and colours are left out",
            )
        return ()

    def _variable(
        self, node: ArrayNode, grid: Grid, encoding: dict[str, Any]
    ) -> xr.Variable:
        attrs = dict(self.kept.attrs)
        name = self.image.multiscale.name
        if name and "long_name" not in attrs:
            attrs["long_name"] = name
        data: Any = node.given
        # Asking a Protocol is slow; what holds for one array holds for its kind.
        kind = ("lazy", type(data))
        if self.shared.once(kind, lambda: isinstance(data, LazyArray)):
            data = indexing.LazilyIndexedArray(LazyPixels(data))
        return xr.Variable(grid.dims, data, attrs, encoding)

    def _encoding(
        self, number: int, node: ArrayNode, scales: dict[str, float]
    ) -> dict[str, Any]:
        layout = node.layout
        framed = {} if self.frame is None else {FRAME_KEY: self.frame}
        return {
            **framed,
            "source": self.source,
            "dtype": node.dtype,
            "chunks": layout.chunks,
            "shards": layout.shards,
            "compressors": layout.compression,
            "preferred_chunks": dict(zip(node.dims, layout.objects, strict=True)),
            SCALE_KEY: scales,
            NAME_KEY: self.image.multiscale.name,
            LEVELS_KEY: self._once(
                "levels",
                lambda: self._levels(number),
                *(number, *self.paths()),
            ),
        }

    def _levels(self, number: int) -> StoredLevels:
        multiscale = self.image.multiscale
        # Scales do not depend on sizes, and not every array was opened.
        sizes = (1,) * len(multiscale.axes)
        grids = [to_grid(multiscale, level, sizes) for level in multiscale.levels]
        finest = grids[0].scale
        return StoredLevels(
            number=number,
            opened=tuple(self.paths()),
            factors=tuple(
                {dim: scale / finest[dim] for dim, scale in grid.scale.items()}
                for grid in grids
            ),
            type=multiscale.type,
            metadata=multiscale.metadata,
        )


def _beside_coords(image: Image) -> Image:
    """The image with what of its channels no coordinate tells."""
    if image.omero is None:
        return image
    channels = tuple(without_coords(channel) for channel in image.omero.channels)
    omero = image.omero.model_copy(update={"channels": channels})
    return image.model_copy(update={"omero": omero})


def open_image(
    hierarchy: Hierarchy,
    source: str,
    shared: Shared | None = None,
    frame: Frame | None = None,
) -> OpenImage:
    """The image at the root of an opened hierarchy.

    Parameters
    ----------
    hierarchy : Hierarchy
        The image and its levels.
    source : str
        Where the store is.
    shared : Shared, optional
        What other images have that are opened together with this one.
    frame : Frame, optional
        The systems that its positions can be told in, where there are several.
    """
    node = hierarchy.group("")
    kept = decode(node.attrs.get(KEY), lambda name: _read(hierarchy, name))
    image, shared = hierarchy.image(), shared or Shared()
    return OpenImage(hierarchy, image, kept, source, shared, frame)


def _scales(grid: Grid, coords: Mapping[str, xr.Variable]) -> dict[str, float]:
    """Scale by dim in the unit of its coordinate, which may not be that of the axis."""
    scales = {}
    for axis in grid.axes:
        own = coords[axis.name].attrs.get("units") if axis.name in coords else None
        with contextlib.suppress(UnitError):
            unit = axis.unit
            if own is not None and own != unit:
                unit = standard_unit(own, axis_type=axis.type, dim=axis.name)
            scales[axis.name] = (
                axis.scale
                if axis.unit is None or unit is None or axis.unit == unit
                else in_unit(axis.scale, axis.unit, unit, dim=axis.name)
            )
    return scales


def _numbered(
    coords: Mapping[str, xr.Variable], grid: Grid, dim: str
) -> tuple[str | None, ...]:
    """Names of the channels as they are selected by, in their order."""
    if dim in coords:
        return channel_texts(coords[dim].values)
    return (None,) * grid.shape[grid.dims.index(dim)]


def _tells_the_label(coords: Mapping[str, xr.Variable]) -> bool:
    """Whether a channel that was selected still has its name under the dim's."""
    label = coords.get(CHANNEL_LABEL)
    return label is not None and any(
        variable.ndim == 0
        and is_axis(name, "c")
        and channel_texts(variable.values) == (str(label.values),)
        for name, variable in coords.items()
        if name != CHANNEL_LABEL
    )


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
    if math.prod(node.shape) > _MOST_KEPT:
        raise MetadataError(
            f"Array {join(KEY, name)!r} of a coordinate has the shape {node.shape}, "
            f"and coordinates have up to {_MOST_KEPT} values; delete its entry under "
            f"attributes/{KEY}/coords to open the image without it"
        )
    return np.asarray(node.given[(slice(None),) * len(node.shape)])


def datasets(image: OpenImage) -> Mapping[str, xr.Dataset]:
    """Datasets by path in a tree: the node of the image, then its levels."""
    levels = {f"/{path}": image.level(n) for n, path in image.paths().items()}
    root = xr.Dataset(attrs=image.attrs)
    root.encoding["source"] = image.source
    return {"/": root, **levels}
