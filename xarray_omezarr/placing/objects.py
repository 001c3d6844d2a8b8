"""DataArrays and Datasets in another system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.grid.names import FRAME_KEY, GENERIC_NAMES, SCALE_KEY
from xarray_omezarr.grid.numbered import numbered
from xarray_omezarr.placing.coords import Placed, placed_coords, with_coords
from xarray_omezarr.placing.frames import frame_of, is_read
from xarray_omezarr.placing.moving import moved_attrs, moved_frame, path_of
from xarray_omezarr.placing.plan import Chain, chain
from xarray_omezarr.placing.positions import own_roles, places
from xarray_omezarr.transforming.chains import key_of

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.transforming.frame import Frame


def place_array(obj: xr.DataArray, frame: Frame, system: str) -> xr.DataArray:
    """A DataArray with the coordinates that it has in a system.

    Parameters
    ----------
    obj : xarray.DataArray
        Its pixels are not touched.
    frame : Frame
        Its own: see `frames.frame_of`.
    system : str
        Key or name of the system.
    """
    key = key_of(frame, system)
    if key == frame.own:
        return obj.copy(deep=False)
    way, placed = _planned(obj, frame, key, told=is_read(obj))
    now = moved_frame(way, placed)
    found = with_coords(obj, placed)
    found.encoding = _encoding(obj, way, placed, now)
    # Arithmetic drops the frame, and the scene would place the image once more.
    elsewhere = bool(path_of(frame, frame.own))
    found.attrs = moved_attrs(obj.attrs, frame, now, told_elsewhere=elsewhere)
    return found


def place_dataset(
    ds: xr.Dataset,
    system: str,
    complete: Callable[[Frame], Frame],
    *,
    told: bool = False,
) -> xr.Dataset:
    """A Dataset of an image and its label images with their coordinates in a system.

    Parameters
    ----------
    ds : xarray.Dataset
        Its variables share coordinates; those of the image count.
    system : str
        Key or name of the system.
    complete : callable
        Gives the frame for that of the image.
    told : bool
        Whether the nodes above it tell of its systems.
    """
    name = principal(ds)
    if name is None:
        raise TransformationError(
            f"The Dataset holds no image to place in {system!r}: none of "
            f"{list(ds.data_vars)} has two dims of space"
        )
    image = ds[name]
    frame = complete(frame_of(image, ds.attrs))
    key = key_of(frame, system)
    if key == frame.own:
        return ds.copy(deep=False)
    told = told or is_read(image, ds.attrs)
    way, placed = _planned(image, frame, key, told=told, beside=ds)
    now = moved_frame(way, placed)
    found = with_coords(ds, placed)
    found.encoding = dict(ds.encoding)
    found.attrs = moved_attrs(ds.attrs, frame, now)
    for other in ds.data_vars:
        if set(ds[other].dims) <= set(image.dims) and _is_image(ds[other]):
            variable = found.variables[other]
            variable.encoding = _encoding(ds[other], way, placed, now)
            variable.attrs = moved_attrs(ds[other].attrs, frame, now)
    return found


def principal(ds: xr.Dataset) -> str | None:
    """The variable whose coordinates count: the image, else the one of most dims."""
    for name in GENERIC_NAMES:
        if name in ds.data_vars:
            return name
    images = [str(name) for name in ds.data_vars if _is_image(ds[name])]
    return max(images, key=lambda name: ds[name].ndim, default=None)


def _is_image(obj: xr.DataArray) -> bool:
    if not all(isinstance(dim, str) for dim in obj.dims):
        return False
    return sum(role.type == "space" for role in own_roles(obj).values()) >= 2


def _planned(
    obj: xr.DataArray,
    frame: Frame,
    key: str,
    *,
    told: bool,
    beside: xr.Dataset | None = None,
) -> tuple[Chain, Placed]:
    own = places(obj, frame.systems[str(frame.own)], is_read=told)
    way = chain(frame, key, own, list(map(str, obj.dims)))
    return way, placed_coords(obj, way, own_roles(obj), beside)


def _encoding(
    obj: xr.DataArray, way: Chain, placed: Placed, now: Frame
) -> dict[Any, Any]:
    """What the encoding says of coordinates is that of the new ones."""
    encoding = {**obj.encoding, FRAME_KEY: now}
    for at, place in enumerate(way.places):
        if place.axis.type == "channel" and place.dim in obj.dims:
            new = placed.replaced.get(at)
            is_replaced = new is not None and not new.same
            encoding |= numbered(encoding, obj, str(place.dim), is_replaced=is_replaced)
    scales = encoding.get(SCALE_KEY)
    if isinstance(scales, Mapping):
        told = dict(scales)
        for at, output in placed.replaced.items():
            dim = way.places[at].dim
            line = way.line(output) if dim is not None else None
            if dim is None or output.axis.type == "channel":
                continue
            told.pop(dim, None)
            if line is not None:
                told[dim] = abs(line.scale)
        encoding[SCALE_KEY] = told
    return encoding
