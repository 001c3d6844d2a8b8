"""Write into images that exist: prepare, write regions, append, remake levels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import xarray as xr

from xarray_omezarr.errors import OptionError
from xarray_omezarr.hierarchy import ArrayNode, Deferred, GroupNode, Hierarchy
from xarray_omezarr.options import (
    WriteOptions,
    complete,
    shows_write_options,
)
from xarray_omezarr.store.create import write
from xarray_omezarr.store.target import Group, StoreLike, open_target
from xarray_omezarr.windows import with_default_windows
from xarray_omezarr.write.multiscale import plan_multiscale

if TYPE_CHECKING:
    from xarray_omezarr.store.arrays import WritableArray


@shows_write_options
def prepare_image(
    obj: xr.DataArray, store: StoreLike, **options: Unpack[WriteOptions]
) -> tuple[Group, dict[str, WritableArray]]:
    """Make an image without pixels: all metadata, and an empty array per level.

    It is a finished image at once, of the fill value, with the range of the type
    as contrast windows. Its pixels are written later, with ``region=`` from any
    number of processes, or through the arrays.

    Parameters
    ----------
    obj : xarray.DataArray
        As for `write_image`, or a `template`; its pixels are not read.
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the image goes.
    **options

    Returns
    -------
    group : zarr.Group
        The group of the image.
    arrays : dict
        The zarr array of each level by its path, the finest first. What is
        written to one of them does not reach the others: `build_pyramid` does.

    Raises
    ------
    OmeZarrError
        As `write_image`.

    Examples
    --------
    >>> import numpy as np, zarr
    >>> import xarray_omezarr as xo
    >>> movie = xo.template("tyx", (9, 64, 64), "uint8", scale={"y": 0.5, "x": 0.5})
    >>> group, levels = xo.prepare_image(
    ...     movie, zarr.storage.MemoryStore(), scale_factors=[2]
    ... )
    >>> {path: array.shape for path, array in levels.items()}
    {'0': (9, 64, 64), '1': (9, 32, 32)}
    >>> frame = movie.isel(t=0).copy(data=np.full((64, 64), 7, "uint8"))
    >>> _ = xo.write_image(frame, group, region={"t": 4})
    >>> int(levels["1"][4].min()), int(levels["1"][3].max())
    (7, 0)
    """
    full = complete(options)
    for name in ("region", "append_dim"):
        if full[name] is not None:
            raise OptionError(
                f"{name} is {full[name]!r}, and an image is prepared as a whole; "
                "give it to write_image afterwards"
            )
    target = open_target(
        store, group=full["group"], storage_options=full["storage_options"]
    )
    hierarchy = _without_pixels(plan_multiscale(obj, full, target.stem))
    group = write(hierarchy, target, mode=full["mode"], compute=True)
    return group, {path: group[path] for path in _level_paths(hierarchy)}


def _level_paths(hierarchy: Hierarchy) -> list[str]:
    image = hierarchy.group("").model
    return [] if image is None else [level.path for level in image.multiscale.levels]


def _without_pixels(hierarchy: Hierarchy) -> Hierarchy:
    """The hierarchy with levels that somebody fills later, and windows for them."""
    nodes = dict(hierarchy.nodes)
    root, paths = hierarchy.group(""), _level_paths(hierarchy)
    for path in paths:
        node = hierarchy.array(path)
        nodes[path] = _deferred(node)
        if root.model is not None:
            root = GroupNode(with_default_windows(root.model, node.dtype), root.attrs)
    nodes[""] = root
    return replace(hierarchy, nodes=nodes)


def _deferred(node: ArrayNode) -> ArrayNode:
    return replace(node, source=Deferred())
