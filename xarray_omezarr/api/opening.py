"""Open a store: as a tree of levels, as one level, as a DataArray."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

import xarray as xr

from xarray_omezarr.errors import OmeZarrError, OptionError
from xarray_omezarr.grid.names import NAME_KEY, VARIABLE
from xarray_omezarr.read.multiscale import datasets
from xarray_omezarr.read.multiscale import open_image as open_multiscale
from xarray_omezarr.store.open import holds_ome_zarr, open_hierarchy
from xarray_omezarr.store.target import StoreLike, open_target


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
