"""The verbs of the package as typed functions: plan, write, open."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack, cast, overload

import xarray as xr

from xarray_omezarr.errors import MissingDependencyError, OmeZarrError, OptionError
from xarray_omezarr.grid.assign import assign_grid
from xarray_omezarr.grid.inspect import inspect
from xarray_omezarr.grid.model import to_axes
from xarray_omezarr.grid.names import NAME_KEY, VARIABLE
from xarray_omezarr.options import (
    WriteOptions,
    complete,
    parse_bytes,
    shows_write_options,
)
from xarray_omezarr.read.multiscale import datasets
from xarray_omezarr.read.multiscale import open_image as open_multiscale
from xarray_omezarr.store.create import DEFAULT_BUDGET, check_arrays, write
from xarray_omezarr.store.open import holds_ome_zarr, open_hierarchy
from xarray_omezarr.store.target import Group, StoreLike, open_target
from xarray_omezarr.write.dataset import image_of
from xarray_omezarr.write.metadata import image_attributes
from xarray_omezarr.write.multiscale import own_channels, plan_multiscale

if TYPE_CHECKING:
    from dask.delayed import Delayed

    from xarray_omezarr.grid.grid import Grid
    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.ngff.axes import Axis
    from xarray_omezarr.ngff.omero import Channel

__all__ = [
    "assign_grid",
    "image_axes",
    "image_channels",
    "image_grid",
    "image_metadata",
    "open_image",
    "plan_image",
    "write_image",
]


@overload
def write_image(
    obj: xr.DataArray | xr.Dataset,
    store: StoreLike,
    *,
    image: str | None = None,
    compute: Literal[True] = True,
    **options: Unpack[WriteOptions],
) -> Group: ...
@overload
def write_image(
    obj: xr.DataArray | xr.Dataset,
    store: StoreLike,
    *,
    image: str | None = None,
    compute: Literal[False],
    **options: Unpack[WriteOptions],
) -> Delayed: ...
@overload
def write_image(
    obj: xr.DataArray | xr.Dataset,
    store: StoreLike,
    *,
    image: str | None = None,
    compute: bool,
    **options: Unpack[WriteOptions],
) -> Group | Delayed: ...
@shows_write_options
def write_image(
    obj: xr.DataArray | xr.Dataset,
    store: StoreLike,
    *,
    image: str | None = None,
    compute: bool = True,
    **options: Unpack[WriteOptions],
) -> Group | Delayed:
    """Write a DataArray, or a variable of a Dataset, as an image with a pyramid.

    Scale, translation and units come from the coordinates the object has now:
    they name the centres of its pixels. Everything is planned and checked before
    the first byte is written, and the metadata come last, so a write that fails
    leaves nothing that looks like an image.

    Parameters
    ----------
    obj : xarray.DataArray or xarray.Dataset
        2 to 5 dims of any case and order, of which two or three are spatial;
        numpy, dask or lazily opened, larger than memory if need be. Attributes of
        a Dataset become attributes of the group, those of `attrs` win.
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the image goes.
    image : str, optional
        Which variable of a Dataset; may be left out where there is only one.
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
    full = complete(options)
    if isinstance(obj, xr.Dataset):
        obj, full = image_of(obj, image, full)
    target = open_target(
        store, group=full["group"], storage_options=full["storage_options"]
    )
    hierarchy = plan_multiscale(_checked(obj), full, target.stem)
    limit = full["memory_limit"]
    return write(  # type: ignore[no-any-return]  # Group or Delayed, as asked
        hierarchy,
        target,
        mode=full["mode"],
        compute=compute,
        budget=DEFAULT_BUDGET if limit is None else parse_bytes(limit),
    )


@shows_write_options
def plan_image(obj: xr.DataArray, **options: Unpack[WriteOptions]) -> Hierarchy:
    """What `write_image` would write, as a value that prints as a tree.

    Parameters
    ----------
    obj : xarray.DataArray
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
    hierarchy = plan_multiscale(_checked(obj), complete(options))
    check_arrays(hierarchy)
    return hierarchy


def _checked(obj: xr.DataArray) -> xr.DataArray:
    if not isinstance(obj, xr.DataArray):
        raise TypeError(
            f"An image is made from an xarray.DataArray, not from {type(obj)}; make "
            "one with xarray.DataArray(pixels, dims=('y', 'x'))"
        )
    return obj


@shows_write_options
def image_metadata(
    obj: xr.DataArray, **options: Unpack[WriteOptions]
) -> dict[str, Any]:
    """The attributes that the group of the image would have, as a dict.

    Contrast windows are measured where the pixels are in memory; for lazy pixels
    they are the range of the dtype, as nothing is computed here.

    Parameters
    ----------
    obj : xarray.DataArray
        As for `write_image`.
    **options

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"))
    >>> level, *_ = xo.image_metadata(da)["ome"]["multiscales"][0]["datasets"]
    >>> level["coordinateTransformations"]
    [{'type': 'scale', 'scale': [1.0, 1.0]}]
    """
    return image_attributes(plan_multiscale(obj, complete(options)))


def image_grid(obj: xr.DataArray) -> Grid:
    """What the pixels of `obj` mean: one `GridAxis` per dim, in its own order.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(
    ...     np.zeros((4, 4)), dims=("y", "x"), coords={"x": [0.1, 0.2, 0.3, 0.4]}
    ... )
    >>> xo.image_grid(da).scale
    {'y': 1.0, 'x': 0.1}
    """
    return inspect(obj)


def image_axes(obj: xr.DataArray) -> tuple[Axis, ...]:
    """The dims of `obj` as axes of the standard: name, type, unit; in its order."""
    return to_axes(inspect(obj))


def image_channels(obj: xr.DataArray) -> tuple[Channel, ...]:
    """The channels of `obj`: names, colours and windows its coordinates tell."""
    return own_channels(obj, complete({}))


def open_groups(
    store: StoreLike,
    *,
    group: str | None = None,
    levels: None | Literal["all"] | int | Iterable[int] = None,
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, xr.Dataset]:
    """Lazy Datasets of an image by path in a tree: its node, then its levels."""
    target = open_target(
        store, group=group, storage_options=storage_options, read_only=True
    )
    hierarchy = open_hierarchy(target, _level_numbers(levels))
    return dict(datasets(open_multiscale(hierarchy, target.uri)))


def _level_numbers(
    levels: None | Literal["all"] | int | Iterable[int],
) -> Sequence[int] | None:
    if levels is None or (isinstance(levels, str) and levels == "all"):
        return None
    given = levels if isinstance(levels, Iterable) else [levels]
    try:
        return [operator.index(level) for level in given]
    except TypeError:
        raise OptionError(
            f"levels is {levels!r}; give 'all', a number or a list of numbers"
        ) from None


def open_level(
    store: StoreLike,
    *,
    group: str | None = None,
    level: int = 0,
    storage_options: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """One level of an image as a lazy Dataset with the attributes of the image."""
    target = open_target(
        store, group=group, storage_options=storage_options, read_only=True
    )
    image = open_multiscale(open_hierarchy(target, [level]), target.uri)
    (number,) = image.paths()
    dataset = image.level(number)
    dataset.attrs = image.attrs
    dataset.encoding["source"] = target.uri
    return dataset


def open_image(
    store: StoreLike,
    *,
    level: int = 0,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    chunks: int | Literal["auto"] | Mapping[str, int] | None = None,
) -> xr.DataArray:
    """Open one level of an OME-Zarr image as a lazy DataArray.

    Parameters
    ----------
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the image is.
    level : int, default 0
        Which resolution; 0 is the finest, -1 the coarsest.
    group : str, optional
        Path inside the store.
    storage_options : mapping, optional
        For URLs: passed to fsspec.
    chunks : int, "auto" or mapping, optional
        As in `xarray.open_dataset`: None does without dask, ``{}`` makes dask
        chunks of the stored shards or chunks.

    Returns
    -------
    xarray.DataArray
        Dims in stored order, coordinates in the units of the axes at the centres
        of the pixels; named as the image is.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> store = zarr.storage.MemoryStore()
    >>> da = xr.DataArray(
    ...     np.eye(4, dtype="uint8"),
    ...     dims=("y", "x"),
    ...     coords={"x": [0.5, 1.0, 1.5, 2.0]},
    ...     name="diagonal",
    ... )
    >>> _ = xo.write_image(da, store)
    >>> xo.open_image(store).sel(x=1.5).values
    array([0, 0, 1, 0], dtype=uint8)
    """
    dataset = xr.open_dataset(
        cast("str", store),  # engines may take more than xarray says
        engine="omezarr",
        level=level,
        group=group,
        storage_options=storage_options,
        chunks=chunks,
    )
    image = dataset[VARIABLE]
    name = image.encoding.get(NAME_KEY)
    # An array cannot be put into a Dataset beside a coordinate of the same name.
    return image.rename(name) if name and name not in image.coords else image


def can_open(store: object) -> bool:
    """Whether the engine takes `store` without being asked: OME-Zarr, nothing else.

    Remote stores are not looked into: they may belong to other engines, and no
    request is made for those.
    """
    try:
        return holds_ome_zarr(open_target(store, read_only=True))
    except (OmeZarrError, OSError, ValueError):
        return False


def quantify(obj: xr.DataArray) -> xr.DataArray:
    """The object with coordinates as pint quantities, made from their units.

    Raises
    ------
    MissingDependencyError
        Without pint-xarray, the extra ``pint``.
    """
    try:
        import pint_xarray  # noqa: F401 - registers the accessor, if installed
    except ImportError as error:
        raise MissingDependencyError(
            "Quantities need pint-xarray; pip install 'xarray-omezarr[pint]'"
        ) from error
    units = {
        dim: unit
        for dim, unit in inspect(obj).units.items()
        if unit is not None and dim in obj.coords
    }
    return obj.pint.quantify(units)  # type: ignore[no-any-return]


def node_kind(tree: xr.DataTree) -> Literal["image"] | None:
    """What a node of a tree is: ``"image"`` where its children are levels."""
    return "image" if node_levels(tree) else None


def node_levels(tree: xr.DataTree) -> tuple[xr.Dataset, ...]:
    """Levels of an image node, finest first; empty where it is no image."""
    found = [
        child.to_dataset()
        for child in tree.children.values()
        if VARIABLE in child.data_vars
    ]
    return tuple(sorted(found, key=lambda ds: -ds[VARIABLE].size))
