"""The ``.omezarr`` accessor of a DataTree: a docstring and one call each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import xarray as xr

from xarray_omezarr.accessors.members import MemberMethods
from xarray_omezarr.accessors.nodes import NodeMethods
from xarray_omezarr.accessors.placed import PlacedMethods
from xarray_omezarr.accessors.scenes import SceneMethods
from xarray_omezarr.options import LabelOptions, WriteOptions, shows_write_options

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy


@xr.register_datatree_accessor("omezarr")
class DataTreeAccessor(
    NodeMethods, MemberMethods, SceneMethods, PlacedMethods[xr.DataTree]
):
    """OME-Zarr for a DataTree: what a node is, its levels, and writing them."""

    def __init__(self, obj: xr.DataTree) -> None:
        self._obj = obj

    @shows_write_options
    def plan_image(
        self,
        *,
        image: str | None = None,
        labels: Any = None,
        **options: Unpack[WriteOptions],
    ) -> Hierarchy:
        """What `to_image` would write, as a value that prints as a tree.

        See `xarray_omezarr.plan_image`.

        Parameters
        ----------
        image : str, optional
            As for `to_image`.
        labels : mapping, optional
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
        image: str | None = None,
        labels: Any = None,
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
            one.
        labels : mapping, optional
            Further label images by name, beside those below a node ``labels``.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_image(
            self._obj, store, image=image, labels=labels, compute=compute, **options
        )

    @shows_write_options
    def plan_labels(
        self,
        image_store: Any,
        name: str | None = None,
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
            What the label image is called; None: all below a node
            ``labels``, as `prepare_labels` makes them.
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
    def prepare_labels(self, image_store: Any, **options: Unpack[LabelOptions]) -> Any:
        """Make the labels of this tree without pixels in an image that exists.

        See `xarray_omezarr.prepare_labels`.

        Parameters
        ----------
        image_store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the image is.
        **options
        """
        from xarray_omezarr import api

        return api.prepare_labels(self._obj, image_store, **options)

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

    @shows_write_options
    def plan_bioformats2raw(
        self, *, ome_xml: Any = "auto", **options: Unpack[WriteOptions]
    ) -> Hierarchy:
        """What `to_bioformats2raw` would write, as a value that prints as a tree.

        See `xarray_omezarr.plan_bioformats2raw`.

        Parameters
        ----------
        ome_xml : optional
            As for `to_bioformats2raw`.
        **options
        """
        from xarray_omezarr import api

        return api.plan_bioformats2raw(self._obj, ome_xml=ome_xml, **options)

    @shows_write_options
    def to_bioformats2raw(
        self,
        store: Any,
        *,
        ome_xml: Any = "auto",
        compute: bool = True,
        **options: Unpack[WriteOptions],
    ) -> Any:
        """Write the children as the series of a collection; returns its `zarr.Group`.

        See `xarray_omezarr.write_bioformats2raw`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the collection goes.
        ome_xml : "auto", str, bytes, ome_types.OME or None
            OME-XML of the series, in their order; ``"auto"`` keeps the one that was
            read, or makes one.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_bioformats2raw(
            self._obj, store, ome_xml=ome_xml, compute=compute, **options
        )

    @shows_write_options
    def prepare_bioformats2raw(
        self, store: Any, *, ome_xml: Any = "auto", **options: Unpack[WriteOptions]
    ) -> Any:
        """Make the collection without pixels; its group, and its arrays by path.

        See `xarray_omezarr.prepare_bioformats2raw`.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the collection goes.
        ome_xml : optional
            As for `to_bioformats2raw`.
        **options
        """
        from xarray_omezarr import api

        return api.prepare_bioformats2raw(self._obj, store, ome_xml=ome_xml, **options)
