"""Write a tree of images as a collection, in the layout of bioformats2raw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Unpack, overload

from xarray_omezarr.api.checking import check_new
from xarray_omezarr.api.writing import (
    fit_planned,
    prepare_planned,
    refuse_amending,
    text_for,
    write_planned,
)
from xarray_omezarr.options import WriteOptions, complete, shows_write_options
from xarray_omezarr.store.create import check_arrays
from xarray_omezarr.write.fields import plan_any_collection as plan_images
from xarray_omezarr.write.templates import refuse_templates

if TYPE_CHECKING:
    import xarray as xr
    from dask.delayed import Delayed

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.store.arrays import WritableArray
    from xarray_omezarr.store.target import Group, StoreLike

    Images: TypeAlias = xr.DataTree | xr.Dataset | xr.DataArray | Mapping[Any, Any]

_INSTEAD = "write one image after another with .omezarr.to_series(store, '0')"


@overload
def write_bioformats2raw(
    tree: Images,
    store: StoreLike,
    *,
    series: str | None = None,
    ome_xml: Any = "auto",
    compute: Literal[True] = True,
    **options: Unpack[WriteOptions],
) -> Group: ...
@overload
def write_bioformats2raw(
    tree: Images,
    store: StoreLike,
    *,
    series: str | None = None,
    ome_xml: Any = "auto",
    compute: Literal[False],
    **options: Unpack[WriteOptions],
) -> Delayed: ...
@overload
def write_bioformats2raw(
    tree: Images,
    store: StoreLike,
    *,
    series: str | None = None,
    ome_xml: Any = "auto",
    compute: bool,
    **options: Unpack[WriteOptions],
) -> Group | Delayed: ...
@shows_write_options
def write_bioformats2raw(
    tree: Images,
    store: StoreLike,
    *,
    series: str | None = None,
    ome_xml: Any = "auto",
    compute: bool = True,
    **options: Unpack[WriteOptions],
) -> Group | Delayed:
    """Write images that belong together as a collection, each as a series.

    The series may differ in dims, sizes, types and channels. Everything that is wrong
    with any of them is said at once, before the first byte, and the metadata of the
    collection come last.

    Parameters
    ----------
    tree : xarray.DataTree, mapping, xarray.DataArray or xarray.Dataset
        Children are the series: a variable, a pyramid of level children, with label
        images under ``labels`` if need be; or images (DataArray, Dataset or tree) by
        name. They are stored in natural order, 2 before 10; a tree that was read with
        OME-XML keeps the order of that. Programs that know nothing of OME-XML find
        series that are called 0, 1, 2, ... Or one array of all images.
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the collection goes.
    series : str, optional
        Of an array: its dim that tells the images apart, or a coordinate along it.
        They are called 0, 1, ...; texts there are the names of the images. Those where
        a bool coordinate ``present`` is False are left out.
    ome_xml : "auto", str, bytes, ome_types.OME or None
        OME-XML that describes the series in their order. ``"auto"`` keeps the text
        that was read (``attrs["ome_xml"]`` of the root) where it still describes
        them, else makes one: names, dims and sizes, types of pixels, distances with
        their units, names and colours of channels. A text that is given is checked
        against the series; places of pixels in other files (``TiffData``) become
        ``MetadataOnly``. None: no OME-XML, but still the list of series.
    compute : bool, default True
        False returns a ``dask.delayed.Delayed`` that writes pixels and metadata.
    **options

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The group of the collection.

    Raises
    ------
    OmeZarrError
        Of the kind that fits, all before the first byte; several problems come
        together as an `OmeZarrErrorGroup`, each with the name of its series.
    TypeError
        For an option that does not exist.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> images = {
    ...     "0": xr.DataArray(np.zeros((2, 16, 16), "uint16"), dims=("c", "y", "x")),
    ...     "1": xr.DataArray(np.zeros((4, 32, 32), "uint8"), dims=("z", "y", "x")),
    ... }
    >>> group = xo.write_bioformats2raw(images, zarr.storage.MemoryStore())
    >>> sorted(group.keys()), group["OME"].attrs["ome"]["series"]
    (['0', '1', 'OME'], ['0', '1'])
    """
    full = complete(options, write_bioformats2raw)
    refuse_amending(full, _INSTEAD)
    ome_xml = text_for(ome_xml, store, full)

    def plan(stem: str | None) -> Hierarchy:
        hierarchy = plan_images(tree, full, series=series, ome_xml=ome_xml, stem=stem)
        refuse_templates(hierarchy)
        return hierarchy

    return write_planned(plan, store, full, compute=compute)


@shows_write_options
def plan_bioformats2raw(
    tree: Images,
    *,
    series: str | None = None,
    ome_xml: Any = "auto",
    **options: Unpack[WriteOptions],
) -> Hierarchy:
    """What `write_bioformats2raw` would write, as a value that prints as a tree.

    Parameters
    ----------
    tree : xarray.DataTree, mapping, xarray.DataArray or xarray.Dataset
        As for `write_bioformats2raw`.
    series, ome_xml : optional
        As for `write_bioformats2raw`.
    **options

    Returns
    -------
    Hierarchy
        Every group, array and file; nothing is computed or touched.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((64, 64), "uint8"), dims=("y", "x"), name="dots")
    >>> xo.plan_bioformats2raw({"0": da}, ome_xml=None)
    <Hierarchy OME-Zarr 0.5, 1 arrays, 4.0 KiB uncompressed>
    /  collection of images (bioformats2raw.layout 3)
        0  image 'dots', axes yx, 1 level
            0  (y: 64, x: 64) uint8, chunks (64, 64), 4.0 KiB
        OME  1 series: 0
    """
    full = complete(options, plan_bioformats2raw)
    refuse_amending(full, _INSTEAD)
    check_new(full)
    planned = plan_images(tree, full, series=series, ome_xml=ome_xml)
    hierarchy = fit_planned(planned, full)
    check_arrays(hierarchy)
    return hierarchy


@shows_write_options
def prepare_bioformats2raw(
    tree: Images,
    store: StoreLike,
    *,
    series: str | None = None,
    ome_xml: Any = "auto",
    **options: Unpack[WriteOptions],
) -> tuple[Group, dict[str, WritableArray]]:
    """Make a collection without pixels: all metadata, and an empty array per level.

    It is a finished collection at once, of the fill value. Pixels are written later,
    from any number of processes, with ``to_series(store, "0", mode="r+")``,
    ``region=``, or through the arrays.

    Parameters
    ----------
    tree : xarray.DataTree, mapping, xarray.DataArray or xarray.Dataset
        As for `write_bioformats2raw`; images may be templates, and no pixels are read.
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the collection goes.
    series, ome_xml : optional
        As for `write_bioformats2raw`.
    **options

    Returns
    -------
    group : zarr.Group
        The group of the collection.
    arrays : dict
        The zarr array of each level of each series by its path, ``"0/0"``. What is
        written to one of them does not reach the others: `build_pyramid` does.

    Raises
    ------
    OmeZarrError
        As `write_bioformats2raw`.

    Examples
    --------
    >>> import zarr
    >>> import xarray_omezarr as xo
    >>> series = {str(n): xo.template("yx", (64, 64), "uint8") for n in range(2)}
    >>> group, arrays = xo.prepare_bioformats2raw(
    ...     series, zarr.storage.MemoryStore(), scale_factors=[2]
    ... )
    >>> [*arrays]
    ['0/0', '0/1', '1/0', '1/1']
    >>> arrays["1/0"][:] = 7
    """
    full = complete(options, prepare_bioformats2raw)
    ome_xml = text_for(ome_xml, store, full)

    def plan(stem: str | None) -> Hierarchy:
        return plan_images(tree, full, series=series, ome_xml=ome_xml, stem=stem)

    return prepare_planned(plan, store, full)
