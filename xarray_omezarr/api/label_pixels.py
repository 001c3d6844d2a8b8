"""Write pixels into a label image that exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask
import xarray as xr

from xarray_omezarr.api.amending import write_into
from xarray_omezarr.api.trees import checked_array
from xarray_omezarr.api.writing import target_of
from xarray_omezarr.errors import LayoutError, OptionError
from xarray_omezarr.hierarchy import join
from xarray_omezarr.options import WriteOptions
from xarray_omezarr.store.existing import open_existing
from xarray_omezarr.store.standing import group_at
from xarray_omezarr.write.tree import LABELS

if TYPE_CHECKING:
    from dask.delayed import Delayed

    from xarray_omezarr.store.target import Group, StoreLike, Target


def write_into_label(
    obj: Any,
    image_store: StoreLike,
    name: str,
    options: WriteOptions,
    said: tuple[Any, Any],
    *,
    compute: bool,
) -> Group | Delayed:
    """Write a region of a label image, or beyond its end.

    Parameters
    ----------
    obj : xarray.DataArray
        The pixels.
    image_store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the image is.
    name : str
        Of the label image.
    options : WriteOptions
        All of them, as they are said of the image.
    said : tuple
        The options colors and properties, which are none.
    compute : bool
        False returns a ``dask.delayed.Delayed``.

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The group of the image.

    Raises
    ------
    LayoutError
        If the label image would be longer than its image.
    OmeZarrError
        As `write_region` and `append`.
    """
    if isinstance(obj, xr.DataTree):
        raise OptionError(
            "obj is a tree of levels, and region, append_dim and mode='r+' take one "
            "level, a DataArray, from which the others are made; give the finest"
        )
    if any(part is not None for part in said):
        raise OptionError(
            "colors and properties are of a whole label image, and pixels are written "
            "into one that exists; leave them out"
        )
    da = checked_array(obj)
    image = target_of(image_store, options)
    full = WriteOptions(**options)
    full["group"] = join(options["group"] or "", LABELS, name)
    if options["append_dim"] is not None:
        label = target_of(image_store, full)
        _check_end(da, str(options["append_dim"]), image, label, options["version"])
    written = write_into(da, image_store, full, compute=compute)
    if compute:
        return group_at(image)
    later: Delayed = dask.delayed(_after)(written, image)
    return later


def _check_end(
    da: xr.DataArray, dim: str, image: Target, label: Target, version: str | None
) -> None:
    """Refuse pixels that no pixel of the image lies below; it grows first."""
    sizes = [
        dict(zip(node.dims, node.shape, strict=True))
        for existing in (open_existing(at, version) for at in (image, label))
        for node in (existing.hierarchy.array(existing.paths[0]),)
    ]
    known, own = (size.get(dim) for size in sizes)
    added = da.sizes.get(dim, 1)
    # A dim that one of them lacks is refused by what appends.
    if known is not None and own is not None and own + added > known:
        raise LayoutError(
            f"The label image has {own} pixels along {dim!r} and would get {added} "
            f"more, and its image has {known}; append to the image first"
        )


def _after(_: object, image: Target) -> Group:
    """The group of the image, when the pixels of its label image are written."""
    return group_at(image)
