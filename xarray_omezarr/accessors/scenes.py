"""Writing the scene that a tree is, for its accessor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from xarray_omezarr.options import WriteOptions, shows_write_options

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.hierarchy import Hierarchy


class SceneMethods:
    """Images that share a space."""

    _obj: xr.DataTree

    @shows_write_options
    def plan_scene(self, **options: Unpack[WriteOptions]) -> Hierarchy:
        """What `to_scene` would write, as a value that prints as a tree.

        See `xarray_omezarr.plan_scene`.

        Parameters
        ----------
        **options
        """
        from xarray_omezarr import api

        return api.plan_scene(self._obj, **options)

    @shows_write_options
    def to_scene(
        self, store: Any, *, compute: bool = True, **options: Unpack[WriteOptions]
    ) -> Any:
        """Write the images of the tree as a scene; returns its `zarr.Group`.

        See `xarray_omezarr.write_scene`. A tree that was read from a scene keeps its
        transformations; others are given them with ``transforms``.

        Parameters
        ----------
        store : str, path, URL, zarr store, zarr.Group or obstore store
            Where the scene goes.
        compute : bool, default True
            False returns a ``dask.delayed.Delayed`` that writes everything.
        **options
        """
        from xarray_omezarr import api

        return api.write_scene(self._obj, store, compute=compute, **options)
