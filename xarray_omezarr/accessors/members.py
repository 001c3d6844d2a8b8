"""Methods of all accessors: writing an object as one field or one series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from xarray_omezarr.options import WriteOptions, shows_write_options


class MemberMethods:
    """One image more, in a plate or a collection."""

    _obj: Any

    @shows_write_options
    def to_field(
        self,
        plate_store: Any,
        path: str,
        *,
        image: str | Sequence[str] | None = None,
        labels: Any = None,
        acquisition: int | str | None = None,
        plate: Any = None,
        acquisitions: Any = None,
        layout: int | str | None = None,
        compute: bool = True,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """Write one field of a plate, and list it; returns the plate's `zarr.Group`.

        See `xarray_omezarr.write_field`.

        Parameters
        ----------
        plate_store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the plate is, or will be.
        path : str
            Row, column and field, such as ``"B/3/0"``.
        image : str or list of str, optional
            Name of the variable; may be left out where there is only one. A list:
            each variable is a channel of that name.
        labels : optional
            Label images, as for `to_image`.
        acquisition : int or str, optional
            Number, or name, of the acquisition that the field is of.
        plate, acquisitions, layout : optional
            As for `to_plate`, added to what the plate says.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_field(
            self._obj,
            plate_store,
            path,
            image=image,
            labels=labels,
            acquisition=acquisition,
            plate=plate,
            acquisitions=acquisitions,
            layout=layout,
            compute=compute,
            **options,
        )

    @shows_write_options
    def to_series(
        self,
        store: Any,
        path: str,
        *,
        image: str | Sequence[str] | None = None,
        labels: Any = None,
        ome_xml: str | None = "auto",
        compute: bool = True,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """Write one series of a collection, and list it; returns its `zarr.Group`.

        See `xarray_omezarr.write_series`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the collection is, or will be.
        path : str
            Of the series, such as ``"0"``.
        image : str or list of str, optional
            Name of the variable; may be left out where there is only one. A list:
            each variable is a channel of that name.
        labels : optional
            Label images, as for `to_image`.
        ome_xml : {"auto", None}
            Whether the series is added to the OME-XML of the collection.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_series(
            self._obj,
            store,
            path,
            image=image,
            labels=labels,
            ome_xml=ome_xml,
            compute=compute,
            **options,
        )


class ArrayMemberMethods:
    """The same of a DataArray, which is the image itself."""

    _obj: Any

    @shows_write_options
    def to_field(
        self,
        plate_store: Any,
        path: str,
        *,
        labels: Any = None,
        acquisition: int | str | None = None,
        plate: Any = None,
        acquisitions: Any = None,
        layout: int | str | None = None,
        compute: bool = True,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """Write one field of a plate, and list it; returns the plate's `zarr.Group`.

        See `xarray_omezarr.write_field`.

        Parameters
        ----------
        plate_store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the plate is, or will be.
        path : str
            Row, column and field, such as ``"B/3/0"``.
        labels : optional
            Label images, as for `to_image`.
        acquisition : int or str, optional
            Number, or name, of the acquisition that the field is of.
        plate, acquisitions, layout : optional
            As for `to_plate`, added to what the plate says.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_field(
            self._obj,
            plate_store,
            path,
            labels=labels,
            acquisition=acquisition,
            plate=plate,
            acquisitions=acquisitions,
            layout=layout,
            compute=compute,
            **options,
        )

    @shows_write_options
    def to_series(
        self,
        store: Any,
        path: str,
        *,
        labels: Any = None,
        ome_xml: str | None = "auto",
        compute: bool = True,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """Write one series of a collection, and list it; returns its `zarr.Group`.

        See `xarray_omezarr.write_series`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the collection is, or will be.
        path : str
            Of the series, such as ``"0"``.
        labels : optional
            Label images, as for `to_image`.
        ome_xml : {"auto", None}
            Whether the series is added to the OME-XML of the collection.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_series(
            self._obj,
            store,
            path,
            labels=labels,
            ome_xml=ome_xml,
            compute=compute,
            **options,
        )
