"""The ``.omezarr`` accessor of a Dataset: a docstring and one call each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import xarray as xr

from xarray_omezarr.accessors.members import MemberMethods
from xarray_omezarr.accessors.placed import PlacedMethods
from xarray_omezarr.options import WriteOptions, shows_write_options

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy


@xr.register_dataset_accessor("omezarr")
class DatasetAccessor(MemberMethods, PlacedMethods[xr.Dataset]):
    """OME-Zarr for a Dataset: writing one of its variables as an image."""

    def __init__(self, obj: xr.Dataset) -> None:
        self._obj = obj

    @shows_write_options
    def plan_image(
        self,
        *,
        image: str | Sequence[str] | None = None,
        labels: Any = None,
        **options: Unpack[WriteOptions],
    ) -> Hierarchy:
        """What `to_image` would write, as a value that prints as a tree.

        See `xarray_omezarr.plan_image`.

        Parameters
        ----------
        image : str or list of str, optional
            As for `to_image`.
        labels : list of str, mapping or "auto", optional
            As for `to_image`.
        **options
        """
        from xarray_omezarr import api

        return api.plan_image(self._obj, image=image, labels=labels, **options)

    @shows_write_options
    def to_image(
        self,
        store: Any,
        *,
        image: str | Sequence[str] | None = None,
        labels: Any = None,
        compute: bool = True,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """Write a variable as an OME-Zarr image; the attributes go beside it.

        See `xarray_omezarr.write_image`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the image goes.
        image : str or list of str, optional
            Name of the variable; may be left out where there is only one, or where
            all others are `labels`. A list: each variable is a channel of that name.
        labels : list of str, mapping or "auto", optional
            Variables that are label images of it; ``"auto"``: those that plainly are.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_image(
            self._obj, store, image=image, labels=labels, compute=compute, **options
        )

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
