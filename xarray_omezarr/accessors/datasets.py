"""The ``.omezarr`` accessor of a Dataset: a docstring and one call each."""

from __future__ import annotations

from typing import Any, Unpack

import xarray as xr

from xarray_omezarr.options import WriteOptions, shows_write_options


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
