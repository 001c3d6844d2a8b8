"""The ``.omezarr`` accessors: a docstring and one call each.

The verbs are imported inside the methods, so that importing the package costs no
zarr, pint or dask; a test holds that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack

import xarray as xr

from xarray_omezarr.options import WriteOptions, shows_write_options

if TYPE_CHECKING:
    from xarray_omezarr.grid.grid import Grid
    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.ngff.axes import Axis
    from xarray_omezarr.ngff.omero import Channel


@xr.register_dataarray_accessor("omezarr")
class DataArrayAccessor:
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
    def plan_image(self, **options: Unpack[WriteOptions]) -> Hierarchy:
        """What `to_image` would write, as a value that prints as a tree.

        See `xarray_omezarr.plan_image`.

        Parameters
        ----------
        **options
        """
        from xarray_omezarr import api

        return api.plan_image(self._obj, **options)

    @shows_write_options
    def to_image(
        self, store: Any, *, compute: bool = True, **options: Unpack[WriteOptions]
    ) -> Any:
        """Write an OME-Zarr image with a pyramid; returns its `zarr.Group`.

        See `xarray_omezarr.write_image`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the image goes.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_image(self._obj, store, compute=compute, **options)

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


@xr.register_dataset_accessor("omezarr")
class DatasetAccessor:
    """OME-Zarr for a Dataset: writing one of its variables as an image."""

    def __init__(self, obj: xr.Dataset) -> None:
        self._obj = obj

    @shows_write_options
    def to_image(
        self,
        store: Any,
        *,
        image: str | None = None,
        compute: bool = True,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """Write a variable as an OME-Zarr image; the attributes go beside it.

        See `xarray_omezarr.write_image`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the image goes.
        image : str, optional
            Name of the variable; may be left out where there is only one.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_image(
            self._obj, store, image=image, compute=compute, **options
        )


@xr.register_datatree_accessor("omezarr")
class DataTreeAccessor:
    """OME-Zarr for a DataTree: what a node is, its levels, and writing them."""

    def __init__(self, obj: xr.DataTree) -> None:
        self._obj = obj

    @property
    def kind(self) -> Literal["image"] | None:
        """``"image"`` where the children of the node are levels, else None."""
        from xarray_omezarr import api

        return api.node_kind(self._obj)

    @property
    def levels(self) -> tuple[xr.Dataset, ...]:
        """The Datasets of the levels of an image node, finest first."""
        from xarray_omezarr import api

        return api.node_levels(self._obj)

    @shows_write_options
    def plan_image(
        self, *, image: str | None = None, **options: Unpack[WriteOptions]
    ) -> Hierarchy:
        """What `to_image` would write, as a value that prints as a tree.

        See `xarray_omezarr.plan_image`.

        Parameters
        ----------
        image : str, optional
            As for `to_image`.
        **options
        """
        from xarray_omezarr import api

        return api.plan_image(self._obj, image=image, **options)

    @shows_write_options
    def to_image(
        self,
        store: Any,
        *,
        image: str | None = None,
        compute: bool = True,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """Write the children as the levels of an image; returns its `zarr.Group`.

        See `xarray_omezarr.write_image`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the image goes.
        image : str, optional
            Name of the variable in each level; may be left out where there is only
            one, or one called ``image``.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_image(
            self._obj, store, image=image, compute=compute, **options
        )

    @shows_write_options
    def plan_plate(
        self,
        *,
        plate: Any = None,
        acquisitions: Any = None,
        layout: int | str | None = None,
        plate_map: Any = None,
        ome_xml: Any = None,
        **options: Unpack[WriteOptions],
    ) -> Hierarchy:
        """What `to_plate` would write, as a value that prints as a tree.

        See `xarray_omezarr.plan_plate`.

        Parameters
        ----------
        plate, acquisitions, layout, plate_map, ome_xml : optional
            As for `to_plate`.
        **options
        """
        from xarray_omezarr import api

        return api.plan_plate(
            self._obj,
            plate=plate,
            acquisitions=acquisitions,
            layout=layout,
            plate_map=plate_map,
            ome_xml=ome_xml,
            **options,
        )

    @shows_write_options
    def to_plate(
        self,
        store: Any,
        *,
        plate: Any = None,
        acquisitions: Any = None,
        layout: int | str | None = None,
        plate_map: Any = None,
        ome_xml: Any = None,
        compute: bool = True,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """Write nodes row/column/field as a plate; returns its `zarr.Group`.

        See `xarray_omezarr.write_plate`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the plate goes.
        plate : mapping or xarray_omezarr.ngff.Plate, optional
            Name, field_count and what else the standard says of a plate.
        acquisitions : sequence or mapping, optional
            Dicts or models of the standard, or names by id.
        layout : {6, 12, 24, 48, 96, 384, 1536}, optional
            Number of wells of the physical plate.
        plate_map : pandas.DataFrame, path or mapping, optional
            What is known of each well, such as compound and dose.
        ome_xml : str, ome_types.OME, "auto" or None
            OME-XML of all fields.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_plate(
            self._obj,
            store,
            plate=plate,
            acquisitions=acquisitions,
            layout=layout,
            plate_map=plate_map,
            ome_xml=ome_xml,
            compute=compute,
            **options,
        )

    @shows_write_options
    def prepare_plate(
        self,
        store: Any,
        *,
        plate: Any = None,
        acquisitions: Any = None,
        layout: int | str | None = None,
        plate_map: Any = None,
        ome_xml: Any = None,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """Make the plate without pixels; its group, and its arrays by path.

        See `xarray_omezarr.prepare_plate`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the plate goes.
        plate, acquisitions, layout, plate_map, ome_xml : optional
            As for `to_plate`.
        **options
        """
        from xarray_omezarr import api

        return api.prepare_plate(
            self._obj,
            store,
            plate=plate,
            acquisitions=acquisitions,
            layout=layout,
            plate_map=plate_map,
            ome_xml=ome_xml,
            **options,
        )
