"""Open a store: as a tree of levels, as one level, as a DataArray."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

import xarray as xr

from xarray_omezarr.errors import OmeZarrError, OptionError
from xarray_omezarr.grid.names import NAME_KEY, OME
from xarray_omezarr.ngff.spaces import holds_systems
from xarray_omezarr.read.assembling import nothing_is_garbage
from xarray_omezarr.read.frames import frames_in
from xarray_omezarr.read.labels import with_labels
from xarray_omezarr.read.multiscale import open_image as open_multiscale
from xarray_omezarr.read.sharing import Shared
from xarray_omezarr.read.tree import images_of, tree_datasets
from xarray_omezarr.store.one_moment import at_one_moment
from xarray_omezarr.store.open import holds_ome_zarr
from xarray_omezarr.store.open_tree import open_labelled, open_tree
from xarray_omezarr.store.selection import Selection, named
from xarray_omezarr.store.target import StoreLike, open_target
from xarray_omezarr.stored_numbers import numbers_of

_LABELS = "labels/"


def open_groups(
    store: StoreLike,
    *,
    group: str | None = None,
    levels: None | Literal["all"] | int | Iterable[int] = None,
    wells: Iterable[str] | None = None,
    fields: Iterable[str] | None = None,
    labels: bool = True,
    storage_options: Mapping[str, Any] | None = None,
) -> dict[str, xr.Dataset]:
    """Lazy Datasets of all that a store holds, by path in a tree that mirrors it.

    Parameters
    ----------
    store : str, path, URL, zarr store, zarr.Group or obstore store
        An image, label images, a plate, a well, a collection or a scene.
    group : str, optional
        Path inside the store.
    levels : "all", int or sequence of int, optional
        Resolutions to open, 0 being the finest. All if None, but 0 for plates.
    wells : sequence of str, optional
        Wells of a plate, such as ``["A/1"]``; all if None.
    fields : sequence of str, optional
        Fields of each well, such as ``["0"]``; all if None.
    labels : bool, default True
        Whether label images are opened with their images.
    storage_options : mapping, optional
        For URLs: passed to fsspec.
    """
    selection = Selection(
        levels=_level_numbers(levels),
        wells=named(wells, "wells"),
        fields=named(fields, "fields"),
        labels=_flag(labels),
    )
    target = open_target(
        store, group=group, storage_options=storage_options, read_only=True
    )
    with nothing_is_garbage():
        opened = at_one_moment(target, lambda: open_tree(target, selection))
        return tree_datasets(opened, target.uri)


def _level_numbers(
    levels: None | Literal["all"] | int | Iterable[int],
) -> tuple[int, ...] | Literal["all"] | None:
    if levels is None:
        return None
    if isinstance(levels, str) and levels == "all":
        return "all"
    given = levels if isinstance(levels, Iterable) else [levels]
    try:
        return tuple(operator.index(level) for level in given)
    except TypeError:
        raise OptionError(
            f"levels is {levels!r}; give 'all', a number or a list of numbers"
        ) from None


def _flag(labels: bool) -> bool:
    if not isinstance(labels, bool):
        raise OptionError(f"labels is {labels!r}; give True or False")
    return labels


def open_level(
    store: StoreLike,
    *,
    group: str | None = None,
    level: int = 0,
    labels: bool = True,
    storage_options: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """One level of an image as a lazy Dataset with the attributes of the image.

    Label images that lie exactly on the image are variables of their names.
    """
    target = open_target(
        store, group=group, storage_options=storage_options, read_only=True
    )
    labels = _flag(labels)
    hierarchy = at_one_moment(
        target, lambda: open_labelled(target, level, labels=labels)
    )
    shared = Shared()
    numbers = numbers_of(hierarchy)
    frames = frames_in(hierarchy, numbers)
    images = {
        path: open_multiscale(
            image, f"{target.uri}/{path}".rstrip("/"), shared, frames.get(path)
        )
        for path, image in images_of(hierarchy).items()
        # Fields that transformations name are no label images.
        if path not in numbers
    }
    image = images.pop("")
    (number,) = image.paths()
    own = {path.removeprefix(_LABELS): label for path, label in images.items()}
    dataset = with_labels(image, own, number)
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
        labels=False,
        storage_options=storage_options,
        chunks=chunks,
    )
    (variable,) = dataset.data_vars
    image = dataset[variable]
    if holds_systems(dataset.attrs.get(OME)):
        image.attrs[OME] = dataset.attrs[OME]
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
