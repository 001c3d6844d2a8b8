"""Plates and collections in one array: wells, fields and series as dims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import xarray as xr

from xarray_omezarr.errors import OptionError, PlateError, some, warn
from xarray_omezarr.grid.names import LABEL_IMAGES, VARIABLE
from xarray_omezarr.write.bioformats2raw import OME_XML, Collection, plan_bioformats2raw
from xarray_omezarr.write.dataset import image_of
from xarray_omezarr.write.multiscale import own_name
from xarray_omezarr.write.plate import PLATE, plan_plate
from xarray_omezarr.write.plate_map import PLATE_MAP, merged_columns, plain_value
from xarray_omezarr.write.plate_tree import ACQUISITION, PlateTree
from xarray_omezarr.write.present import PRESENT, present
from xarray_omezarr.write.splitting import Filler, Split, along, without_multiindex
from xarray_omezarr.write.stage import find_origins, origin_names
from xarray_omezarr.write.wells import (
    Roles,
    dims_of,
    find_empty,
    find_fields,
    find_roles,
)

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.options import WriteOptions
    from xarray_omezarr.write.plate_tree import FieldObject, Place
    from xarray_omezarr.write.wells import FieldPlace

# Attributes of an array that was stacked which are those of the plate.
_TOLD = (PLATE, PLATE_MAP, OME_XML)
_OF_PLATE = (*_TOLD, LABEL_IMAGES)
_NAME = ("long_name",)


@dataclass(frozen=True, slots=True)
class Images:
    """Images that lie in one array.

    Parameters
    ----------
    by_path : mapping
        The images; those of dask have no pixels yet.
    split : Split
        What they were cut from.
    places : mapping
        Index in the array, by path.
    """

    by_path: Mapping[str, xr.DataArray]
    split: Split
    places: Mapping[str, tuple[int, ...]]

    def filled(self, planned: Hierarchy, options: WriteOptions) -> Hierarchy:
        """The plan of all of them, with the pixels that dask computes put in."""
        filler = Filler(self.split, options)
        nodes = dict(planned.nodes)
        for path, index in self.places.items():
            nodes |= filler.filled(planned, path, index)
        return replace(planned, nodes=nodes)


def plan_any_plate(
    obj: xr.DataTree | xr.Dataset | xr.DataArray | Mapping[Any, Any],
    options: WriteOptions,
    *,
    roles: Mapping[str, str | None],
    **further: Any,
) -> Hierarchy:
    """Everything that will be stored for a plate of any form.

    Parameters
    ----------
    obj : xarray.DataTree, mapping, xarray.DataArray or xarray.Dataset
        A tree or mapping as for `plan_plate`; or an array as for
        `plan_stacked_plate`, which may be the only variable of a Dataset, or its
        variable ``image``.
    options : WriteOptions
        As for `plan_plate`.
    roles : mapping
        As for `plan_stacked_plate`.
    **further
        As for `plan_plate`.
    """
    if isinstance(obj, xr.Dataset):
        da = _variable(obj, options)
        return plan_stacked_plate(da, options, roles=roles, attrs=obj.attrs, **further)
    if isinstance(obj, xr.DataArray):
        return plan_stacked_plate(obj, options, roles=roles, **further)
    named = {option: name for option, name in roles.items() if name is not None}
    if named:
        raise OptionError(
            f"{', '.join(named)} name dims or coordinates of an array, and the object "
            "is none; leave them out"
        )
    return plan_plate(obj, options, **further)


def plan_stacked_plate(
    da: xr.DataArray,
    options: WriteOptions,
    *,
    roles: Mapping[str, str | None],
    attrs: Mapping[Any, Any] | None = None,
    **further: Any,
) -> Hierarchy:
    """Everything that will be stored for a plate that lies in one array.

    Parameters
    ----------
    da : xarray.DataArray
        Wells and fields are dims, or coordinates along one or more dims; the other
        dims are those of every image.
    options : WriteOptions
        As for `plan_plate`.
    roles : mapping
        Names of the dims or coordinates by ``well``, ``row``, ``column`` and
        ``field``.
    attrs : mapping, optional
        Attributes of the plate.
    **further
        As for `plan_plate`.

    Raises
    ------
    OmeZarrError
        All problems that can be told, before anything is computed.
    """
    images, of_plate = split_plate(da, roles)
    places: dict[Place, FieldObject] = {}
    for path, image in images.by_path.items():
        row, column, name = path.split("/")
        places[row, column, name] = image
    tree = PlateTree(places, attrs=_with_attrs(of_plate, attrs or {}))
    return images.filled(plan_plate(tree, options, **further), options)


def _with_attrs(
    of_plate: Mapping[Any, Any], attrs: Mapping[Any, Any]
) -> dict[Any, Any]:
    """What the array tells of the plate, and the attributes of its Dataset."""
    joined = {**of_plate, **attrs}
    if PLATE_MAP in of_plate and PLATE_MAP in attrs:
        joined[PLATE_MAP] = merged_columns(attrs[PLATE_MAP], of_plate[PLATE_MAP])
    return joined


def plan_any_collection(
    obj: xr.DataTree | xr.Dataset | xr.DataArray | Mapping[Any, Any],
    options: WriteOptions,
    *,
    series: str | None = None,
    **further: Any,
) -> Hierarchy:
    """Everything that will be stored for a collection of any form.

    Parameters
    ----------
    obj : xarray.DataTree, mapping, xarray.DataArray or xarray.Dataset
        A tree or mapping as for `plan_bioformats2raw`; or an array, which may be the
        only variable of a Dataset, or its variable ``image``.
    options : WriteOptions
        As for `plan_bioformats2raw`.
    series : str, optional
        Of an array: see `split_series`.
    **further
        As for `plan_bioformats2raw`.

    Raises
    ------
    OptionError
        If the dim of an array is not said, or something else has none.
    """
    attrs: Mapping[Any, Any] = {}
    if isinstance(obj, xr.Dataset) and series is not None:
        attrs = obj.attrs
        obj = _variable(obj, options)
    if not isinstance(obj, xr.DataArray):
        if series is not None:
            raise OptionError(
                f"series is {series!r}, a dim of an array, and the object is none; "
                "leave it out"
            )
        return plan_bioformats2raw(obj, options, **further)
    if series is None:
        raise OptionError(
            f"The object is an array with the dims {obj.dims}; name the one that tells "
            "its images apart with series="
        )
    images = split_series(obj, series)
    kept = {OME_XML: obj.attrs[OME_XML]} if OME_XML in obj.attrs else {}
    found = Collection(images.by_path, {**kept, **attrs})
    return images.filled(plan_bioformats2raw(found, options, **further), options)


def _variable(ds: xr.Dataset, options: WriteOptions) -> xr.DataArray:
    """The array in a Dataset, whose own attributes are not those of an image."""
    names = [str(name) for name in ds.data_vars]
    if len(names) > 1:
        others = [name for name in names if name != VARIABLE]
        raise OptionError(
            f"The Dataset has the variables {names}, and all images are in one. Write "
            "label images afterwards, image by image, with to_labels(store, name, "
            f"group=path); leave out others, e.g. with .drop_vars({others[:1]})"
        )
    return image_of(ds.drop_attrs(deep=False), None, options)[0]


def split_plate(
    da: xr.DataArray, roles: Mapping[str, str | None]
) -> tuple[Images, dict[Any, Any]]:
    """The fields of a plate in one array, and what it tells of the whole plate."""
    named = find_roles(da, **roles)
    da = without_multiindex(da)
    dims = dims_of(da, named.names)
    places = find_fields(da, named, dims)
    of_plate: dict[Any, Any] = {key: da.attrs[key] for key in _TOLD if key in da.attrs}
    _warn_of_labels(da)
    columns = _well_columns(da, named, dims)
    if columns:
        wells = _map_of(da, named, dims, columns, places)
        of_plate[PLATE_MAP] = merged_columns(of_plate.get(PLATE_MAP), wells)
    name = own_name(da, None, None)
    told = of_plate.get(PLATE)
    if name is not None and (told is None or isinstance(told, Mapping)):
        of_plate[PLATE] = {"name": name, **(told or {})}
    by_path = {place.path: place.index for place in places}
    # What the whole is called is the name of the plate; fields are called by path.
    return _cut(
        da.rename(None), dims, by_path, [*named.names, *columns], _NAME
    ), of_plate


def _warn_of_labels(da: xr.DataArray) -> None:
    """Warn if what was stacked had label images, which are not in the array."""
    labels = da.attrs.get(LABEL_IMAGES)
    if isinstance(labels, (list, tuple)) and labels:
        warn(
            "The stack holds images only, and its fields have the label images "
            f"{some([*map(repr, labels)])}, which are not written with it; write the "
            "tree of the plate, or the label images afterwards with to_labels(store, "
            "name, group='A/1/0')"
        )


def _cut(
    da: xr.DataArray,
    dims: Sequence[str],
    places: Mapping[str, tuple[int, ...]],
    left_out: Iterable[str],
    attrs_left_out: Iterable[str] = (),
) -> Images:
    """The images at their places, each where its origin says that it is."""
    origins = find_origins(da, dims)
    left_out = [PRESENT, *left_out, *origin_names(da).values()]
    split = Split.of(da, dims, left_out, [*_OF_PLATE, *attrs_left_out])
    images = {
        path: origins.moved(split.image(index), index) for path, index in places.items()
    }
    return Images(images, split, places)


def split_series(da: xr.DataArray, series: str) -> Images:
    """The images of a collection in one array, numbered in order.

    Parameters
    ----------
    da : xarray.DataArray
        Its other dims are those of every image.
    series : str
        The dim, or a coordinate along it. Where it is texts, they are the names of
        the images. Those where a coordinate ``present`` is False are left out.

    Raises
    ------
    OptionError
        If there is no such dim.
    """
    if series not in da.dims and series not in da.coords:
        raise OptionError(
            f"series is {series!r}, and the object has no dim or coordinate of this "
            f"name: its dims are {da.dims}, its coordinates {[*da.coords]}"
        )
    da = without_multiindex(da)
    dims = dims_of(da, [series])
    if len(dims) != 1:
        raise OptionError(
            f"series is {series!r}, which is along the dims {dims}; images of a "
            "collection are in one row. Join the dims with .stack(), or name one"
        )
    there = present(da, dims)
    places = [(index,) for index in range(da.sizes[dims[0]]) if there[index]]
    if not places:
        raise OptionError(
            f"Coordinate {PRESENT!r} is False everywhere: no image is left to write"
        )
    names = along(da, dims, da.coords[series]) if series in da.coords else None
    images = _cut(da, dims, {str(n): at for n, at in enumerate(places)}, [])
    if names is None or names.dtype.kind not in "UO":
        return images
    named = {
        path: image.rename(str(names[images.places[path]]))
        for path, image in images.by_path.items()
    }
    return replace(images, by_path=named)


def _well_columns(da: xr.DataArray, roles: Roles, dims: Sequence[str]) -> list[str]:
    """Names of the coordinates that tell something of wells, not of fields."""
    of_wells = {*dims_of(da, roles.of_wells)}
    # Where each well has a dim of its own, none of them is of fields alone.
    by_fields = roles.field is not None and bool(dims_of(da, [roles.field]))
    if of_wells == {*dims} and by_fields:
        return []
    known = {PRESENT, ACQUISITION, *roles.names, *origin_names(da).values(), *dims}
    return [
        str(name)
        for name, value in da.coords.items()
        if value.dims and {*value.dims} <= of_wells and name not in known
    ]


def _map_of(
    da: xr.DataArray,
    roles: Roles,
    dims: Sequence[str],
    columns: Sequence[str],
    places: Iterable[FieldPlace],
) -> dict[str, dict[str, Any]]:
    """What the coordinates tell of wells with fields, and of those without."""
    used = [(place.index, f"{place.row}/{place.column}") for place in places]
    wells = {well for _, well in used}
    # What stands where a well has no further field is padding.
    empty = [entry for entry in find_empty(da, roles, dims) if entry[1] not in wells]
    return _plate_map(da, dims, columns, [*used, *empty])


def _plate_map(
    da: xr.DataArray,
    dims: Sequence[str],
    columns: Iterable[str],
    places: Iterable[tuple[tuple[int, ...], str]],
) -> dict[str, dict[str, Any]]:
    """What the coordinates tell of the well at each place, by its path."""
    values = {name: along(da, dims, da.coords[name]) for name in columns}
    found: dict[str, dict[str, Any]] = {}
    for index, well in places:
        told = {
            name: plain_value(of[index], f"Coordinate {name!r} of well {well}")
            for name, of in values.items()
        }
        if told and found.setdefault(well, told) != told:
            different = next(n for n in told if told[n] != found[well][n])
            raise PlateError(
                f"Coordinate {different!r} tells two things of well {well}, "
                f"{found[well][different]!r} and {told[different]!r}; give it a dim "
                "of fields, or one value for each well"
            )
    return found
