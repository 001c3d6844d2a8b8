"""The ``.omezarr`` accessor of a DataArray: a docstring and one call each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

import xarray as xr

from xarray_omezarr.accessors.members import ArrayMemberMethods
from xarray_omezarr.accessors.placed import PlacedMethods
from xarray_omezarr.options import LabelOptions, WriteOptions, shows_write_options

if TYPE_CHECKING:
    from xarray_omezarr.grid.grid import Grid
    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.ngff.axes import Axis
    from xarray_omezarr.ngff.omero import Channel


@xr.register_dataarray_accessor("omezarr")
class DataArrayAccessor(ArrayMemberMethods, PlacedMethods[xr.DataArray]):
    """OME-Zarr for a DataArray: what its pixels mean, and writing it."""

    def __init__(self, obj: xr.DataArray) -> None:
        self._obj = obj

    @property
    def grid(self) -> Grid:
        """What the pixels mean: a `Grid` with one axis per dim, in their order."""
        from xarray_omezarr import api

        return api.image_grid(self._obj)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The dims as axes of the standard: name, type and unit, in their order."""
        from xarray_omezarr import api

        return api.image_axes(self._obj)

    @property
    def scale(self) -> dict[str, float]:
        """Distance between pixel centres by dim, in the unit of the dim."""
        return self.grid.scale

    @property
    def translation(self) -> dict[str, float]:
        """Centre of the first pixel by dim, in the unit of the dim."""
        return self.grid.translation

    @property
    def units(self) -> dict[str, str | None]:
        """Unit by dim, a name of the standard; None where there is none."""
        return self.grid.units

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels: names, colours and windows that the coordinates tell."""
        from xarray_omezarr import api

        return api.image_channels(self._obj)

    @shows_write_options
    def metadata(self, **options: Unpack[WriteOptions]) -> dict[str, Any]:
        """The attributes that the group of the image would have, as a dict.

        See `xarray_omezarr.image_metadata`.

        Parameters
        ----------
        **options
        """
        from xarray_omezarr import api

        return api.image_metadata(self._obj, **options)

    def assign_grid(
        self,
        scale: Mapping[str, Any] | None = None,
        translation: Mapping[str, Any] | None = None,
        units: Mapping[str, str | None] | None = None,
    ) -> xr.DataArray:
        """The object with coordinates; see `xarray_omezarr.assign_grid`."""
        from xarray_omezarr import api

        return api.assign_grid(self._obj, scale, translation, units)

    def pyramid(self, scale_factors: Any = "auto", method: Any = "auto") -> xr.DataTree:
        """The resolutions that `to_image` would write, as a tree of levels.

        See `xarray_omezarr.image_pyramid`.
        """
        from xarray_omezarr import api

        return api.image_pyramid(self._obj, scale_factors, method)

    @shows_write_options
    def plan_image(
        self, *, labels: Any = None, **options: Unpack[WriteOptions]
    ) -> Hierarchy:
        """What `to_image` would write, as a value that prints as a tree.

        See `xarray_omezarr.plan_image`.

        Parameters
        ----------
        labels : mapping, optional
            As for `to_image`.
        **options
        """
        from xarray_omezarr import api

        return api.plan_image(self._obj, labels=labels, **options)

    @shows_write_options
    def to_image(
        self,
        store: Any,
        *,
        labels: Any = None,
        compute: bool = True,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """Write an OME-Zarr image with a pyramid; returns its `zarr.Group`.

        See `xarray_omezarr.write_image`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the image goes.
        labels : mapping, optional
            Label images, DataArrays or trees of levels, by name.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_image(
            self._obj, store, labels=labels, compute=compute, **options
        )

    @shows_write_options
    def plan_labels(
        self,
        image_store: Any,
        name: str,
        *,
        colors: Any = None,
        properties: Any = None,
        source: str | None = None,
        **options: Unpack[LabelOptions],
    ) -> Hierarchy:
        """What `to_labels` would write, as a value that prints as a tree.

        See `xarray_omezarr.plan_labels`.

        Parameters
        ----------
        image_store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the image is.
        name : str
            What the label image is called.
        colors, properties, source : optional
            As for `to_labels`.
        **options
        """
        from xarray_omezarr import api

        return api.plan_labels(
            self._obj,
            image_store,
            name,
            colors=colors,
            properties=properties,
            source=source,
            **options,
        )

    @shows_write_options
    def to_labels(
        self,
        image_store: Any,
        name: str,
        *,
        colors: Any = None,
        properties: Any = None,
        source: str | None = None,
        compute: bool = True,
        **options: Unpack[LabelOptions],
    ) -> Any:
        """Write a label image of an image that exists; returns its `zarr.Group`.

        See `xarray_omezarr.write_labels`.

        Parameters
        ----------
        image_store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the image is.
        name : str
            What the label image is called.
        colors : mapping or sequence, optional
            ``{value: "#rrggbb"}`` or ``{value: (r, g, b[, a])}``.
        properties : pandas.DataFrame, mapping or sequence, optional
            What is known of each value: a table indexed by it, or mappings.
        source : str, optional
            Path from the label image to the image that was segmented; else as in
            ``attrs["image-label"]``, or that it lies in.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_labels(
            self._obj,
            image_store,
            name,
            colors=colors,
            properties=properties,
            source=source,
            compute=compute,
            **options,
        )

    @shows_write_options
    def prepare_image(self, store: Any, **options: Unpack[WriteOptions]) -> Any:
        """Make the image without its pixels; its group, and its arrays by path.

        See `xarray_omezarr.prepare_image`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the image goes.
        **options
        """
        from xarray_omezarr import api

        return api.prepare_image(self._obj, store, **options)

    def quantify(self) -> xr.DataArray:
        """Coordinates as pint quantities; needs the extra ``pint``."""
        from xarray_omezarr import api

        return api.quantify(self._obj)

    @shows_write_options
    def to_plate(
        self,
        store: Any,
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
    ) -> Any:
        """Write a plate whose wells and fields are dims; returns its `zarr.Group`.

        See `xarray_omezarr.write_plate`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the plate goes.
        well, row, column, field : str, optional
            Names of the dims or coordinates that tell wells, or rows and columns, and
            fields; need not be given where they are called so.
        plate, acquisitions, layout, plate_map, ome_xml : optional
            What is known of the plate beyond the array.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_plate(
            self._obj,
            store,
            well=well,
            row=row,
            column=column,
            field=field,
            plate=plate,
            acquisitions=acquisitions,
            layout=layout,
            plate_map=plate_map,
            ome_xml=ome_xml,
            compute=compute,
            **options,
        )

    @shows_write_options
    def to_bioformats2raw(
        self,
        store: Any,
        *,
        series: str,
        ome_xml: Any = "auto",
        compute: bool = True,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """Write each image along a dim as a series; returns the `zarr.Group`.

        See `xarray_omezarr.write_bioformats2raw`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the collection goes.
        series : str
            The dim that tells the images apart, or a coordinate along it.
        ome_xml : "auto", str, bytes, ome_types.OME or None
            OME-XML that describes the series in their order.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_bioformats2raw(
            self._obj,
            store,
            series=series,
            ome_xml=ome_xml,
            compute=compute,
            **options,
        )
