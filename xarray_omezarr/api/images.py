"""Write a DataArray, a variable of a Dataset or a tree of levels as one image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Unpack, overload

import xarray as xr

from xarray_omezarr.api.amending import amends, write_into
from xarray_omezarr.api.checking import check_new
from xarray_omezarr.api.stacked_channels import with_channels
from xarray_omezarr.api.trees import checked_array, plan_object
from xarray_omezarr.api.writing import fit_planned, write_planned
from xarray_omezarr.errors import OptionError
from xarray_omezarr.options import (
    WriteOptions,
    complete,
    shows_write_options,
)
from xarray_omezarr.store.create import check_arrays
from xarray_omezarr.write.dataset import labelled_image_of
from xarray_omezarr.write.templates import refuse_template, refuse_templates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dask.delayed import Delayed

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.store.target import Group, StoreLike

    Labels = (
        Mapping[str, xr.DataArray | xr.DataTree]
        | Sequence[str]
        | Literal["auto"]
        | None
    )


@overload
def write_image(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    store: StoreLike,
    *,
    image: str | Sequence[str] | None = None,
    labels: Labels = None,
    compute: Literal[True] = True,
    **options: Unpack[WriteOptions],
) -> Group: ...
@overload
def write_image(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    store: StoreLike,
    *,
    image: str | Sequence[str] | None = None,
    labels: Labels = None,
    compute: Literal[False],
    **options: Unpack[WriteOptions],
) -> Delayed: ...
@overload
def write_image(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    store: StoreLike,
    *,
    image: str | Sequence[str] | None = None,
    labels: Labels = None,
    compute: bool,
    **options: Unpack[WriteOptions],
) -> Group | Delayed: ...
@shows_write_options
def write_image(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    store: StoreLike,
    *,
    image: str | Sequence[str] | None = None,
    labels: Labels = None,
    compute: bool = True,
    **options: Unpack[WriteOptions],
) -> Group | Delayed:
    """Write a DataArray, a variable of a Dataset, or a tree of levels, as an image.

    Scale, translation and units come from the coordinates the object has now:
    they name the centres of its pixels. Everything is planned and checked before
    the first byte is written, and the metadata come last, so a write that fails
    leaves nothing that looks like an image.

    Parameters
    ----------
    obj : xarray.DataArray, xarray.Dataset or xarray.DataTree
        2 to 5 dims of any case and order, of which two or three are spatial;
        numpy, dask or lazily opened, larger than memory if need be. Attributes of
        a Dataset or tree become attributes of the group, those of `attrs` win. The
        children of a tree are the levels, of any names, and are written as they
        are, the finest first; a single level gets a pyramid. A tree that was opened
        with fewer levels than are stored gets the stored factors, from level 0.
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the image goes.
    image : str or list of str, optional
        Which variable of a Dataset, or of the levels of a tree; may be left out
        where there is only one, or where all other variables are `labels`. A list of
        variables of a Dataset: each is a channel of that name.
    labels : mapping, list of str or "auto", optional
        Label images of the image: DataArrays or trees of levels by name; of a
        Dataset also names of variables, or ``"auto"`` for those that are plainly
        label images. They hold integers (or booleans, which are stored as uint8),
        and their dims have the size of the image's, or 1, or are missing. Without
        coordinates they lie where the image does, others are checked. They get the
        levels and chunks of the image; coarser ones have the most frequent value
        (``"nearest"`` where that is the method of the image), never a new one.
        Label images below a node ``labels`` of a tree are written too.
    compute : bool, default True
        False returns a ``dask.delayed.Delayed`` that writes pixels and metadata.
    **options

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The group of the image.

    Raises
    ------
    OmeZarrError
        Of the kind that fits, all before the first byte; several problems come
        together as an `OmeZarrErrorGroup`.
    TypeError
        For an option that does not exist.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(
    ...     np.zeros((2, 32, 32), "uint16"),
    ...     dims=("c", "y", "x"),
    ...     coords={"c": ["DAPI", "GFP"], "x": ("x", 0.5 * np.arange(32))},
    ... )
    >>> da["x"].attrs["units"] = "micrometer"
    >>> group = xo.write_image(da, zarr.storage.MemoryStore(), scale_factors=[2])
    >>> sorted(group.keys())
    ['0', '1']
    """
    full = complete(options, write_image)
    if isinstance(obj, xr.Dataset):
        obj, image = with_channels(obj, image, labels)
        obj, labels, with_attrs = labelled_image_of(obj, image, labels, full)
        # Attributes of a Dataset are those of a new image.
        full = full if amends(full) else with_attrs
    if not isinstance(obj, xr.DataTree):
        refuse_template(checked_array(obj))
    if amends(full):
        if labels:
            raise OptionError(
                f"labels are {[*labels]}, and region and append_dim write into the "
                "image alone; write into a label image with write_labels and region"
            )
        if isinstance(obj, xr.DataTree):
            raise OptionError(
                "obj is a tree of levels, and region and append_dim take one level, a "
                "DataArray, from which the others are made; give that of the finest"
            )
        obj = checked_array(obj)
        return write_into(obj, store, full, compute=compute)

    def plan(stem: str | None) -> Hierarchy:
        hierarchy = plan_object(obj, full, image, stem, labels=labels)
        refuse_templates(hierarchy)
        return hierarchy

    return write_planned(plan, store, full, compute=compute)


@shows_write_options
def plan_image(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    *,
    image: str | Sequence[str] | None = None,
    labels: Labels = None,
    **options: Unpack[WriteOptions],
) -> Hierarchy:
    """What `write_image` would write, as a value that prints as a tree.

    Parameters
    ----------
    obj : xarray.DataArray, xarray.Dataset or xarray.DataTree
        As for `write_image`.
    image : str or list of str, optional
        As for `write_image`.
    labels : mapping, list of str or "auto", optional
        As for `write_image`.
    **options

    Returns
    -------
    Hierarchy
        Every group and array with its layout; nothing is computed or touched.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((64, 64), "uint8"), dims=("y", "x"), name="dots")
    >>> xo.plan_image(da, scale_factors=[2])
    <Hierarchy OME-Zarr 0.5, 2 arrays, 5.0 KiB uncompressed>
    /  image 'dots', axes yx, 2 levels
        0  (y: 64, x: 64) uint8, chunks (64, 64), 4.0 KiB
        1  (y: 32, x: 32) uint8, chunks (32, 32), 1.0 KiB, mean of 0 by (2, 2)
    """
    full = complete(options, plan_image)
    if amends(full):
        raise OptionError(
            "region, append_dim and mode='r+' write into an image that exists, and a "
            "plan is of a new one; leave them out"
        )
    check_new(full)
    hierarchy = fit_planned(plan_object(obj, full, image, labels=labels), full)
    check_arrays(hierarchy)
    return hierarchy
