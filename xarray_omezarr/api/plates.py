"""Write a tree of rows, columns and fields, or an array with such dims, as a plate."""

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
from xarray_omezarr.write.fields import plan_any_plate
from xarray_omezarr.write.templates import refuse_templates

if TYPE_CHECKING:
    import xarray as xr
    from dask.delayed import Delayed

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.store.arrays import WritableArray
    from xarray_omezarr.store.target import Group, StoreLike

    Plates: TypeAlias = xr.DataTree | xr.Dataset | xr.DataArray | Mapping[Any, Any]

_INSTEAD = "write fields with .omezarr.to_field(store, 'A/1/0')"


@overload
def write_plate(
    tree: Plates,
    store: StoreLike,
    *,
    well: str | None = None,
    row: str | None = None,
    column: str | None = None,
    field: str | None = None,
    plate: Any = None,
    acquisitions: Any = None,
    layout: int | str | None = None,
    plate_map: Any = None,
    ome_xml: Any = None,
    compute: Literal[True] = True,
    **options: Unpack[WriteOptions],
) -> Group: ...
@overload
def write_plate(
    tree: Plates,
    store: StoreLike,
    *,
    well: str | None = None,
    row: str | None = None,
    column: str | None = None,
    field: str | None = None,
    plate: Any = None,
    acquisitions: Any = None,
    layout: int | str | None = None,
    plate_map: Any = None,
    ome_xml: Any = None,
    compute: Literal[False],
    **options: Unpack[WriteOptions],
) -> Delayed: ...
@overload
def write_plate(
    tree: Plates,
    store: StoreLike,
    *,
    well: str | None = None,
    row: str | None = None,
    column: str | None = None,
    field: str | None = None,
    plate: Any = None,
    acquisitions: Any = None,
    layout: int | str | None = None,
    plate_map: Any = None,
    ome_xml: Any = None,
    compute: bool,
    **options: Unpack[WriteOptions],
) -> Group | Delayed: ...
@shows_write_options
def write_plate(
    tree: Plates,
    store: StoreLike,
    *,
    well: str | None = None,
    row: str | None = None,
    column: str | None = None,
    field: str | None = None,
    plate: Any = None,
    acquisitions: Any = None,
    layout: int | str | None = None,
    plate_map: Any = None,
    ome_xml: Any = None,
    compute: bool = True,
    **options: Unpack[WriteOptions],
) -> Group | Delayed:
    """Write a tree of rows, columns and fields, or an array of them, as a plate.

    A field is a variable directly in its node, or a pyramid of level children, and
    may have label images under ``labels``. Its coordinates are those of the stage.
    All fields get the same number of levels, and everything that is wrong with any
    of them is said at once, before the first byte. The metadata of wells and of the
    plate come last.

    Parameters
    ----------
    tree : xarray.DataTree, mapping, xarray.DataArray or xarray.Dataset
        Nodes row/column/field of any names of letters and digits; or images
        (DataArray, Dataset or tree) by ``"A/1/0"`` or ``("A", "1", "0")``; or one
        array of all fields, of which wells and fields are dims, or coordinates along
        some. What was read may have been filtered and selected from.
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the plate goes.
    well, row, column, field : str, optional
        Of an array: names of the dims or coordinates that tell wells (``"B2"``,
        ``"B02"``, ``"B/2"``), or rows and columns, and fields. They need not be given
        where they are called so. Rows without a coordinate are A, B, ..., columns 1,
        2, ..., and fields 0, 1, ... Fields that there are not are those where a bool
        coordinate ``present`` is False; without one, those of pixels in memory that
        are all NaN. Coordinates ``origin_y`` and the like are where each field begins,
        ``acquisition`` is its acquisition, and what has no dims but those of wells
        becomes the plate map.
    plate : mapping or xarray_omezarr.ngff.Plate, optional
        What the standard says of a plate, in its words: name, rows, columns,
        field_count, ... It wins over what the tree tells, which must fit it: a list
        of wells is checked against the fields.
    acquisitions : sequence or mapping, optional
        Names and times, as the standard's list of dicts, as models, or as names by
        id. A scalar coordinate or attribute ``acquisition`` of a field, an id or a
        name, says to which it belongs.
    layout : {6, 12, 24, 48, 96, 384, 1536}, optional
        Number of wells of the physical plate, to declare all its rows and columns.
        Without it they are filled up to the last that is used, where they are
        letters and numbers.
    plate_map : pandas.DataFrame, path or mapping, optional
        What is known of each well, such as compound and dose: a table, or a file
        of comma-separated values, with the wells (B2, B02, B/2) in the index or in a
        column ``well``, or with columns ``row`` and ``column``.
    ome_xml : str, ome_types.OME, "auto" or None
        OME-XML of all fields, stored beside the plate.
    compute : bool, default True
        False returns a ``dask.delayed.Delayed`` that writes pixels and metadata.
    **options

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The group of the plate.

    Raises
    ------
    OmeZarrError
        Of the kind that fits, all before the first byte; several problems come
        together as an `OmeZarrErrorGroup`, each with the path of its field.
    TypeError
        For an option that does not exist.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> def field(x):
    ...     coords = {"x": ("x", x + 0.5 * np.arange(16), {"units": "micrometer"})}
    ...     pixels = np.zeros((16, 16), "uint16")
    ...     return xr.DataArray(pixels, coords, ("y", "x"), name="image")
    >>> fields = {f"A/{c}/{f}": field(x=8.0 * f) for c in (1, 3) for f in (0, 1)}
    >>> plate = xo.write_plate(fields, zarr.storage.MemoryStore(), layout=96)
    >>> sorted(plate["A"].keys()), len(plate.attrs["ome"]["plate"]["columns"])
    (['1', '3'], 12)
    """
    full = complete(options, write_plate)
    refuse_amending(full, _INSTEAD)
    ome_xml = text_for(ome_xml, store, full)

    def plan(stem: str | None) -> Hierarchy:
        hierarchy = plan_any_plate(
            tree,
            full,
            roles={"well": well, "row": row, "column": column, "field": field},
            plate=plate,
            acquisitions=acquisitions,
            layout=layout,
            plate_map=plate_map,
            ome_xml=ome_xml,
            stem=stem,
        )
        refuse_templates(hierarchy)
        return hierarchy

    return write_planned(plan, store, full, compute=compute)


@shows_write_options
def plan_plate(
    tree: Plates,
    *,
    well: str | None = None,
    row: str | None = None,
    column: str | None = None,
    field: str | None = None,
    plate: Any = None,
    acquisitions: Any = None,
    layout: int | str | None = None,
    plate_map: Any = None,
    ome_xml: Any = None,
    **options: Unpack[WriteOptions],
) -> Hierarchy:
    """What `write_plate` would write, as a value that prints as a tree.

    Parameters
    ----------
    tree : xarray.DataTree, mapping, xarray.DataArray or xarray.Dataset
        As for `write_plate`.
    well, row, column, field : str, optional
        As for `write_plate`.
    plate, acquisitions, layout, plate_map, ome_xml : optional
        As for `write_plate`.
    **options

    Returns
    -------
    Hierarchy
        Every group and array with its layout; nothing is computed or touched.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((64, 64), "uint8"), dims=("y", "x"))
    >>> xo.plan_plate({"B/2/0": da}, plate={"name": "demo"})
    <Hierarchy OME-Zarr 0.5, 1 arrays, 4.0 KiB uncompressed>
    /  plate 'demo', 2 rows, 2 columns, 1 well
        B  group
            2  well, 1 field
                0  image 'B/2/0', axes yx, 1 level
                    0  (y: 64, x: 64) uint8, chunks (64, 64), 4.0 KiB
    """
    full = complete(options, plan_plate)
    refuse_amending(full, _INSTEAD)
    check_new(full)
    planned = plan_any_plate(
        tree,
        full,
        roles={"well": well, "row": row, "column": column, "field": field},
        plate=plate,
        acquisitions=acquisitions,
        layout=layout,
        plate_map=plate_map,
        ome_xml=ome_xml,
    )
    hierarchy = fit_planned(planned, full)
    check_arrays(hierarchy)
    return hierarchy


@shows_write_options
def prepare_plate(
    tree: Plates,
    store: StoreLike,
    *,
    well: str | None = None,
    row: str | None = None,
    column: str | None = None,
    field: str | None = None,
    plate: Any = None,
    acquisitions: Any = None,
    layout: int | str | None = None,
    plate_map: Any = None,
    ome_xml: Any = None,
    **options: Unpack[WriteOptions],
) -> tuple[Group, dict[str, WritableArray]]:
    """Make a plate without pixels: all metadata, and an empty array per level.

    It is a finished plate at once, of the fill value, with the range of the type as
    contrast windows. Pixels are written later, from any number of processes, with
    ``to_field(store, "A/1/0", mode="r+")``, ``region=``, or through the arrays.

    Parameters
    ----------
    tree : xarray.DataTree, mapping, xarray.DataArray or xarray.Dataset
        As for `write_plate`; images may be templates, and no pixels are read.
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the plate goes.
    well, row, column, field : str, optional
        As for `write_plate`.
    plate, acquisitions, layout, plate_map, ome_xml : optional
        As for `write_plate`.
    **options

    Returns
    -------
    group : zarr.Group
        The group of the plate.
    arrays : dict
        The zarr array of each level of each field by its path, ``"A/1/0/0"``. What
        is written to one of them does not reach the others: `build_pyramid` does.

    Raises
    ------
    OmeZarrError
        As `write_plate`.

    Examples
    --------
    >>> import zarr
    >>> import xarray_omezarr as xo
    >>> field = xo.template("yx", (64, 64), "uint8", scale={"y": 0.5, "x": 0.5})
    >>> wells = {f"A/{column}/0": field for column in (1, 2)}
    >>> group, arrays = xo.prepare_plate(
    ...     wells, zarr.storage.MemoryStore(), scale_factors=[2]
    ... )
    >>> [*arrays]
    ['A/1/0/0', 'A/1/0/1', 'A/2/0/0', 'A/2/0/1']
    >>> arrays["A/2/0/0"][:] = 7
    """
    full = complete(options, prepare_plate)
    ome_xml = text_for(ome_xml, store, full)

    def plan(stem: str | None) -> Hierarchy:
        return plan_any_plate(
            tree,
            full,
            roles={"well": well, "row": row, "column": column, "field": field},
            plate=plate,
            acquisitions=acquisitions,
            layout=layout,
            plate_map=plate_map,
            ome_xml=ome_xml,
            stem=stem,
        )

    return prepare_planned(plan, store, full)
