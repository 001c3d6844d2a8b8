"""Write into images that exist: prepare, write regions, append, remake levels."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Unpack

from xarray_omezarr.api.checking import check_amending
from xarray_omezarr.api.writing import prepare_planned, target_of
from xarray_omezarr.byte_counts import parse_bytes
from xarray_omezarr.errors import Problems
from xarray_omezarr.ngff.omero import Omero
from xarray_omezarr.options import (
    WriteOptions,
    complete,
    shows_write_options,
    truth,
)
from xarray_omezarr.read.multiscale import open_image as open_multiscale
from xarray_omezarr.store.amend import Pixels
from xarray_omezarr.store.engine import block_limit
from xarray_omezarr.store.existing import (
    Existing,
    amend,
    open_existing,
    plan_amendment,
    refuse_own_pixels,
)
from xarray_omezarr.store.grow import Grown, grown_handles, grown_nodes
from xarray_omezarr.write.growth import plan_growth
from xarray_omezarr.write.multiscale import plan_multiscale
from xarray_omezarr.write.region import plan_region
from xarray_omezarr.write.regrid import regridded
from xarray_omezarr.write.source import pixels
from xarray_omezarr.write.templates import refuse_template

if TYPE_CHECKING:
    import xarray as xr
    from dask.delayed import Delayed

    from xarray_omezarr.store.arrays import WritableArray
    from xarray_omezarr.store.target import Group, StoreLike


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
    full = complete(options, prepare_image)
    return prepare_planned(partial(plan_multiscale, obj, full), store, full)


# What is said of an image when it is made holds for all that is written into it.
_FOR_REGIONS = frozenset(
    [
        *("mode", "version", "group", "storage_options", "memory_limit", "progress"),
        *("region", "pyramid", "append_dim", "method"),
        "write_empty_chunks",
    ]
)


def amends(options: WriteOptions) -> bool:
    """Whether the options ask to write into an image that exists."""
    given = options["region"] is not None or options["append_dim"] is not None
    return given or options["mode"] == "r+"


def write_into(
    obj: xr.DataArray, store: StoreLike, options: WriteOptions, *, compute: bool
) -> Group | Delayed:
    """Write `obj` into the image at `store`: a region of it, or beyond its end."""
    if options["append_dim"] is not None:
        return append(obj, store, options, compute=compute)
    return write_region(obj, store, options, compute=compute)


def write_region(
    obj: xr.DataArray, store: StoreLike, options: WriteOptions, *, compute: bool
) -> Group | Delayed:
    """Write `obj` into the image at `store`; see `write_image`.

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The group of the image.
    """
    refuse_template(obj)
    check_amending(options, _FOR_REGIONS, "region", "r+")
    pyramid, stores_empty = (
        truth(options, "pyramid"),
        truth(options, "write_empty_chunks"),
    )
    budget = budget_of(options, uses_dask=obj.chunks is not None or not compute)
    existing = existing_at(store, options)
    level0 = level_as_read(existing)
    region = {} if options["region"] is None else options["region"]
    problems = Problems()
    with problems.collected():
        part, box = plan_region(obj, level0, region)
    with problems.collected():
        arrays = existing.levels(options["method"], pyramid=pyramid)
    problems.raise_all(f"The region of {existing.target} cannot be written")
    source = pixels(obj, part.arrangement)
    refuse_own_pixels(existing, source)
    handles = existing.handles([*arrays], write_empty_chunks=stores_empty)
    amendment, reach = plan_amendment(existing, arrays, handles, box, budget)
    with existing.written() if compute else nullcontext():
        written: Group | Delayed = amend(
            existing,
            amendment,
            Pixels(source, box),
            reach=reach,
            compute=compute,
            progress=options["progress"],
        )
    return written


_FOR_APPENDING = frozenset(
    [
        *("mode", "version", "group", "storage_options", "memory_limit", "progress"),
        *("append_dim", "method", "irregular", "write_empty_chunks"),
    ]
)


def append(
    obj: xr.DataArray, store: StoreLike, options: WriteOptions, *, compute: bool
) -> Group | Delayed:
    """Write `obj` beyond the end of the image at `store`; see `write_image`."""
    refuse_template(obj)
    check_amending(options, _FOR_APPENDING, "append_dim", "a")
    stores_empty = truth(options, "write_empty_chunks")
    budget = budget_of(options, uses_dask=obj.chunks is not None or not compute)
    existing = existing_at(store, options)
    opened = open_multiscale(existing.hierarchy, existing.target.uri)
    problems = Problems()
    with problems.collected():
        growth = plan_growth(
            obj,
            _pixels_of(opened.level(0)),
            existing.image,
            opened.kept,
            options,
        )
    with problems.collected():
        arrays = existing.levels(options["method"])
    problems.raise_all(f"{existing.target} cannot grow")
    axis = growth.part.arrangement.names.index(growth.dim)
    nodes = grown_nodes(arrays, axis, growth.size)
    first = existing.paths[0]
    old, new = arrays[first].shape, nodes[first].shape
    box = tuple(
        slice(known if at == axis else 0, size)
        for at, (known, size) in enumerate(zip(old, new, strict=True))
    )
    handles = grown_handles(
        existing.handles([*nodes], write_empty_chunks=stores_empty), nodes
    )
    source = pixels(obj, growth.part.arrangement)
    refuse_own_pixels(existing, source)
    change, reach = plan_amendment(existing, nodes, handles, box, budget, alone=True)
    omero = None if growth.channels is None else Omero(channels=growth.channels)
    grown = Grown(
        existing,
        nodes,
        handles,
        box,
        regridded(existing.image, arrays, growth),
        omero,
        growth.coords,
    )
    with grown.held_alone() if compute else nullcontext():
        written: Group | Delayed = amend(
            existing,
            change,
            Pixels(source, box),
            reach=reach,
            compute=compute,
            progress=options["progress"],
            check=grown.begin,
            finish=grown,
        )
    return written


def existing_at(store: StoreLike, options: WriteOptions) -> Existing:
    """The image at `store`, to be written into."""
    return open_existing(target_of(store, options), options["version"])


def level_as_read(existing: Existing) -> xr.DataArray:
    """Level 0 with all its coordinates; lazy."""
    opened = open_multiscale(existing.hierarchy, existing.target.uri)
    return _pixels_of(opened.level(0))


def _pixels_of(level: xr.Dataset) -> xr.DataArray:
    """The one variable of a level, whatever it is called."""
    (pixels,) = level.data_vars.values()
    return pixels


def budget_of(options: WriteOptions, *, uses_dask: bool) -> int:
    """Bytes of a block with what it is made from."""
    limit = options["memory_limit"]
    return block_limit(None if limit is None else parse_bytes(limit), uses_dask)
