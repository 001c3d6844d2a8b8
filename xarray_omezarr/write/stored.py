"""A DataArray seen as it will be stored: its dims, coordinates and grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import CoordinateError, NotInVersionError
from xarray_omezarr.grid.axis_attrs import axis_fields
from xarray_omezarr.grid.dims import Arrangement, arrange, check_texts, is_axis, roles
from xarray_omezarr.grid.grid import Grid
from xarray_omezarr.grid.inspect import Inspection, examine, labelled_dims
from xarray_omezarr.grid.model import to_axes
from xarray_omezarr.grid.names import CHANNEL_PREFIX, VARIABLE
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.write.keeping import computed_coords
from xarray_omezarr.write.source import check_sizes

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import Axis
    from xarray_omezarr.ngff.versions.protocol import Features
    from xarray_omezarr.options import WriteOptions


@dataclass(frozen=True, slots=True)
class Stored:
    """A DataArray seen as it will be stored.

    Parameters
    ----------
    da : xarray.DataArray
        The object, with pixels.
    outline : xarray.DataArray
        The same without pixels, with the dims that will be stored (own names).
    arrangement : Arrangement
        How dims of `da` become stored dims.
    inspection : Inspection
        Of the outline.
    """

    da: xr.DataArray
    outline: xr.DataArray
    arrangement: Arrangement
    inspection: Inspection

    @property
    def names(self) -> dict[str, str]:
        """Stored dim by own dim of the outline."""
        return names_of(self.arrangement)

    @property
    def grid(self) -> Grid:
        """The grid with stored dims in stored order."""
        names = self.names
        own = {names[axis.name]: axis for axis in self.inspection.grid}
        return Grid(
            tuple(
                replace(own[name], name=name, type=kind)
                for name, kind in zip(
                    self.arrangement.names, self.arrangement.types, strict=True
                )
            )
        )

    def axes(self, features: Features) -> tuple[Axis, ...]:
        """The axes with all that coordinates tell of them, in stored order."""
        told = {
            name: axis_fields(self.outline.coords[own].attrs, features)
            for own, name in self.names.items()
            if own in self.outline.coords
        }
        return tuple(
            axis.model_copy(update=told.get(axis.name)) for axis in to_axes(self.grid)
        )

    @property
    def channel_dim(self) -> str | None:
        """Own name of the channel dim."""
        types = dict(zip(self.arrangement.names, self.arrangement.types, strict=True))
        for own, name in self.names.items():
            if types[name] == "channel":
                return own
        return None


def store_view(da: xr.DataArray, options: WriteOptions) -> Stored:
    """`da` as it will be stored; raises what is wrong with dims and coordinates."""
    check_texts(da.dims)
    arrangement = arrange(
        dims=tuple(str(dim) for dim in da.dims),
        sizes={str(dim): size for dim, size in da.sizes.items()},
        labelled=labelled_dims(da),
        requested=_requested(da, options),
    )
    outline = outline_of(da, arrangement)
    _check_names(outline, arrangement)
    return Stored(
        da, outline, arrangement, examine(outline, irregular=options["irregular"])
    )


def _requested(da: xr.DataArray, options: WriteOptions) -> Any:
    """The option `dims`, or what the version stores all images with."""
    version = registry.get(options["version"] or registry.DEFAULT)
    fixed, asked = version.features.dims, options["dims"]
    if fixed is None:
        return asked
    if asked is not None and [str(dim).lower() for dim in asked] != [*fixed]:
        raise NotInVersionError(
            f"dims is {asked!r}, and OME-Zarr {version.name} stores all images as "
            f"{''.join(fixed)}; leave dims out, or choose a later version="
        )
    if asked is None:
        _check_known(da, fixed, version.name)
    return fixed


def _check_known(da: xr.DataArray, fixed: tuple[str, ...], version: str) -> None:
    """Refuse dims that would be dropped without having been asked for."""
    found = roles(
        [str(dim) for dim in da.dims],
        {str(dim): size for dim, size in da.sizes.items()},
        labelled_dims(da),
    )
    unnamed = not {role.name for role in found.values()} & {"y", "x"}
    others = [dim for dim, role in found.items() if role.name not in fixed]
    if others and not unnamed:
        raise NotInVersionError(
            f"OME-Zarr {version} has no place for the axes {others}, only for "
            f"{', '.join(fixed)}; rename them, select from them with .isel(), or "
            "choose a later version="
        )


def outline_of(da: xr.DataArray, arrangement: Arrangement) -> xr.DataArray:
    """`da` without pixels: one zero seen from everywhere, with its coordinates.

    Those that are computed from others are left out.
    """
    check_sizes(da)
    da = da.drop_vars(computed_coords(da))
    nothing = np.broadcast_to(np.zeros((), dtype=np.uint8), da.shape)
    outline = xr.DataArray(nothing, coords=da.coords, dims=da.dims, attrs=da.attrs)
    outline.encoding = da.encoding
    outline = outline.squeeze(list(arrangement.dropped))
    types = dict(zip(arrangement.names, arrangement.types, strict=True))
    for name in arrangement.inserted:
        outline = _with_dim(outline, name)
        if types[name] == "channel":
            outline = _with_channel(outline, name)
    return outline


def _with_dim(outline: xr.DataArray, name: str) -> xr.DataArray:
    """The object with a dim put in, at the position that was selected along it."""
    # After isel(time=3) the position along time is a scalar coordinate.
    scalar = next(_scalars_of(outline, name), None)
    if scalar is not None and scalar != name and name not in outline.coords:
        outline = outline.rename({scalar: name})
    return outline.expand_dims(name)


def _scalars_of(outline: xr.DataArray, name: str) -> Iterator[str]:
    """Coordinates without dims that tell a position along `name`, likeliest first."""
    scalars = [str(key) for key, value in outline.coords.items() if value.ndim == 0]
    yield from (key for key in scalars if key == name)
    yield from (key for key in scalars if key.lower() == name)
    yield from (key for key in scalars if is_axis(key, name))


def _with_channel(outline: xr.DataArray, dim: str) -> xr.DataArray:
    """The object with the fields of the channel that was selected along `dim`."""
    fields = {
        key: value.variable.expand_dims(dim)
        for key, value in outline.coords.items()
        if value.ndim == 0 and str(key).startswith(CHANNEL_PREFIX)
    }
    return outline.assign_coords(fields)


def _check_names(outline: xr.DataArray, arrangement: Arrangement) -> None:
    """Refuse further coordinates whose names mean something else in the image."""
    own = {name: own for own, name in names_of(arrangement).items()}
    taken = {
        str(key): f"is not that of dim {own[str(key)]!r}, which is stored as {key!r}"
        for key in outline.coords
        if str(key) in own and key not in outline.dims
    }
    if VARIABLE in outline.coords:
        taken[VARIABLE] = "has the name of the pixels in what will be read"
    if taken:
        said = "; ".join(f"coordinate {key!r} {why}" for key, why in taken.items())
        first = next(iter(taken))
        raise CoordinateError(
            f"{said[0].upper()}{said[1:]}. Rename it, e.g. with "
            f".rename({{{first!r}: '{first}_'}}), or drop it with .drop_vars({first!r})"
        )


def names_of(arrangement: Arrangement) -> dict[str, str]:
    """Stored dim by own dim; of a dim that is put in, the stored name twice."""
    return {
        name if own is None else own: name
        for own, name in zip(arrangement.dims, arrangement.names, strict=True)
    }
