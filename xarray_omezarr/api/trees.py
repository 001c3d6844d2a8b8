"""What the nodes of a DataTree are, and a DataArray as a tree of resolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

from xarray_omezarr.api.stacked_channels import one_name, with_channels
from xarray_omezarr.grid.names import (
    CHANNEL_PREFIX,
    FRAME_KEY,
    KIND_KEY,
    LEVELS_KEY,
    NAME_KEY,
    NUMBERED_KEY,
    SCALE_KEY,
    VARIABLE,
)
from xarray_omezarr.options import WriteOptions, complete
from xarray_omezarr.read.multiscale import datasets, open_image
from xarray_omezarr.windows import ShownWindow
from xarray_omezarr.write.dataset import labelled_image_of
from xarray_omezarr.write.derived import with_pixels
from xarray_omezarr.write.image import plan_labelled
from xarray_omezarr.write.multiscale import plan_multiscale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xarray_omezarr.hierarchy import Hierarchy

# Entries of the encoding that say what an image means, not how it was stored.
_MEANING = (SCALE_KEY, NAME_KEY, LEVELS_KEY)


def image_pyramid(
    obj: xr.DataArray, scale_factors: Any = "auto", method: Any = "auto"
) -> xr.DataTree:
    """The resolutions that `write_image` would write, as a tree, without a store.

    Pixels, coordinates and attributes of every level are those that the written
    image has when it is opened again.

    Parameters
    ----------
    obj : xarray.DataArray
        As for `write_image`: any order and case of dims.
    scale_factors : "auto", int, sequence of int or mapping, or None
        As for `write_image`: relative to level 0.
    method : str or callable
        As for `write_image`.

    Returns
    -------
    xarray.DataTree
        Children ``"0"``, ``"1"``, ..., the finest first, each with the variable
        ``image``, in the order and with the names of the stored dims. From pixels in
        memory all levels are in memory; from dask all are dask arrays of chunks about
        as large as those of `obj`; from lazily opened pixels each level is read and
        computed when it is used. The contrast windows of channels are measured only
        where the pixels are in memory.

    Raises
    ------
    OmeZarrError
        As `write_image`.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(
    ...     np.arange(16.0).reshape(4, 4), dims=("y", "x"), coords={"x": [0, 2, 4, 6]}
    ... )
    >>> tree = xo.image_pyramid(da, scale_factors=[2])
    >>> tree["1"]["image"].sel(x=1).values
    array([ 2.5, 10.5])
    """
    options = complete(WriteOptions(scale_factors=scale_factors, method=method))
    hierarchy = with_pixels(plan_multiscale(checked_array(obj), options))
    tree = xr.DataTree.from_dict(dict(_levels(hierarchy)))
    tree.encoding[KIND_KEY] = "image"
    if (frame := obj.encoding.get(FRAME_KEY)) is not None:
        tree.encoding[FRAME_KEY] = frame
        for level in tree.children.values():
            encoding = level.variables[VARIABLE].encoding
            encoding[FRAME_KEY] = frame
            if (channels := obj.encoding.get(NUMBERED_KEY)) is not None:
                encoding[NUMBERED_KEY] = channels
    return tree


def plan_object(
    obj: Any,
    options: WriteOptions,
    image: str | Sequence[str] | None = None,
    stem: str | None = None,
    *,
    labels: Any = None,
) -> Hierarchy:
    """What `write_image` stores for an object of any kind it takes.

    Parameters
    ----------
    obj : xarray.DataArray, xarray.Dataset or xarray.DataTree
        One image.
    options : WriteOptions
        All of them.
    image : str or sequence of str, optional
        Name of the variable, of a Dataset or of every level of a tree; several of a
        Dataset are its channels.
    stem : str, optional
        Name to fall back to: the target's.
    labels : optional
        As for `write_image`.
    """
    if isinstance(obj, xr.Dataset):
        obj, image = with_channels(obj, image, labels)
        obj, labels, options = labelled_image_of(obj, image, labels, options)
    if not isinstance(obj, xr.DataTree):
        checked_array(obj)
    image = one_name(image)
    return plan_labelled(obj, options, image=image, labels=labels, stem=stem)


def _levels(hierarchy: Hierarchy) -> Mapping[str, xr.Dataset]:
    """Datasets as the engine makes them, but for what only a store can tell."""
    image = open_image(hierarchy, source="")
    found = dict(datasets(image))
    for dataset in found.values():
        dataset.encoding.clear()
        for variable in dataset.data_vars.values():
            known = variable.encoding
            variable.encoding = {key: known[key] for key in _MEANING}
    channels = () if image.image.omero is None else image.image.omero.channels
    if not any(isinstance(channel.window, ShownWindow) for channel in channels):
        return found
    # Where only the shown part of a window is known, its limits are not.
    limits = [f"{CHANNEL_PREFIX}window_{name}" for name in ("min", "max")]
    return {
        path: dataset.drop_vars(limits, errors="ignore")
        for path, dataset in found.items()
    }


def checked_array(obj: object) -> xr.DataArray:
    """`obj`, if it is what an image is made from.

    Raises
    ------
    TypeError
        If it is no DataArray.
    """
    if not isinstance(obj, xr.DataArray):
        raise TypeError(
            f"An image is made from an xarray.DataArray, not from {type(obj)}; make "
            "one with xarray.DataArray(pixels, dims=('y', 'x'))"
        )
    return obj
