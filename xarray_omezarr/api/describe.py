"""What an object means: its grid, axes, channels, metadata; nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from xarray_omezarr.api.writing import fit_planned
from xarray_omezarr.errors import MissingDependencyError
from xarray_omezarr.grid.inspect import inspect
from xarray_omezarr.grid.model import to_axes
from xarray_omezarr.options import WriteOptions, complete, shows_write_options
from xarray_omezarr.write.metadata import image_attributes
from xarray_omezarr.write.multiscale import own_channels, plan_multiscale

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.grid.grid import Grid
    from xarray_omezarr.ngff.axes import Axis
    from xarray_omezarr.ngff.omero import Channel


@shows_write_options
def image_metadata(
    obj: xr.DataArray, **options: Unpack[WriteOptions]
) -> dict[str, Any]:
    """The attributes that the group of the image would have, as a dict.

    Contrast windows are measured where the pixels are in memory; for lazy pixels
    they are the range of the dtype, as nothing is computed here.

    Parameters
    ----------
    obj : xarray.DataArray
        As for `write_image`.
    **options

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"))
    >>> level, *_ = xo.image_metadata(da)["ome"]["multiscales"][0]["datasets"]
    >>> level["coordinateTransformations"]
    [{'type': 'scale', 'scale': [1.0, 1.0]}]
    """
    full = complete(options)
    return image_attributes(fit_planned(plan_multiscale(obj, full), full))


def image_grid(obj: xr.DataArray) -> Grid:
    """What the pixels of `obj` mean: one `GridAxis` per dim, in its own order.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(
    ...     np.zeros((4, 4)), dims=("y", "x"), coords={"x": [0.1, 0.2, 0.3, 0.4]}
    ... )
    >>> xo.image_grid(da).scale
    {'y': 1.0, 'x': 0.1}
    """
    return inspect(obj)


def image_axes(obj: xr.DataArray) -> tuple[Axis, ...]:
    """The dims of `obj` as axes of the standard: name, type, unit; in its order."""
    return to_axes(inspect(obj))


def image_channels(obj: xr.DataArray) -> tuple[Channel, ...]:
    """The channels of `obj`: names, colours and windows its coordinates tell."""
    return own_channels(obj, complete({}))


def quantify(obj: xr.DataArray) -> xr.DataArray:
    """The object with coordinates as pint quantities, made from their units.

    Raises
    ------
    MissingDependencyError
        Without pint-xarray, the extra ``pint``.
    """
    try:
        import pint_xarray  # noqa: F401 - registers the accessor, if installed
    except ImportError as error:
        raise MissingDependencyError(
            "Quantities need pint-xarray; pip install 'xarray-omezarr[pint]'"
        ) from error
    units = {
        dim: unit
        for dim, unit in inspect(obj).units.items()
        if unit is not None and dim in obj.coords
    }
    return obj.pint.quantify(units)  # type: ignore[no-any-return]
