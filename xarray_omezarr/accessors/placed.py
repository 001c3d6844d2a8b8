"""Methods of all accessors: an object in other coordinate systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.ngff.axes import CoordinateSystem

T = TypeVar("T", "xr.DataArray", "xr.Dataset", "xr.DataTree")


class PlacedMethods(Generic[T]):
    """Where an object lies, told in any system that a transformation leads to."""

    _obj: T

    @property
    def coordinate_systems(self) -> Mapping[str, CoordinateSystem]:
        """The systems that positions can be told in, by name.

        See `xarray_omezarr.coordinate_systems`.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> import xarray_omezarr as xo
        >>> da = xr.DataArray(np.zeros((4, 4)), dims=("y", "x"))
        >>> list(da.omezarr.coordinate_systems)
        ['physical']
        """
        from xarray_omezarr import api

        return api.coordinate_systems(self._obj)

    def to_system(self, system: str, *, transforms: Any = None) -> T:
        """The object with the coordinates that its pixels have in another system.

        See `xarray_omezarr.to_system`.

        Parameters
        ----------
        system : str
            Name of the system, one of `coordinate_systems`.
        transforms : mapping or Scene, optional
            Further systems and transformations, as for writing.

        Returns
        -------
        as the object
            1-D coordinates in exact decimals where the transformation keeps to the
            axes; else lazy ones of several dims, for ``.sel(..., method="nearest")``.

        Examples
        --------
        >>> import numpy as np, xarray as xr
        >>> import xarray_omezarr as xo
        >>> da = xr.DataArray(
        ...     np.zeros((2, 4)),
        ...     {"y": [0.0, 1.0], "x": [0.0, 0.1, 0.2, 0.3]},
        ...     ("y", "x"),
        ... )
        >>> axes = [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
        >>> onto_stage = {
        ...     "type": "sequence",
        ...     "transformations": [
        ...         {"type": "scale", "scale": [1, 3]},
        ...         {"type": "translation", "translation": [500, 0.1]},
        ...     ],
        ...     "input": {"name": "physical"},
        ...     "output": {"name": "stage"},
        ... }
        >>> transforms = {
        ...     "coordinateSystems": [{"name": "stage", "axes": axes}],
        ...     "coordinateTransformations": [onto_stage],
        ... }
        >>> da.omezarr.to_system("stage", transforms=transforms).x.values
        array([0.1, 0.4, 0.7, 1. ])
        """
        from xarray_omezarr import api

        return api.to_system(self._obj, system, transforms=transforms)
