"""Numbers of channels: which of those of an image are left, by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import CoordinateError
from xarray_omezarr.grid.inspect import channel_texts
from xarray_omezarr.grid.names import NUMBERED_KEY

if TYPE_CHECKING:
    import xarray as xr


def numbers(obj: xr.DataArray, name: str, *, is_read: bool) -> tuple[int, ...] | None:
    """The numbers that channels have in the image that they were read from.

    Parameters
    ----------
    obj : xarray.DataArray
        With all of its channels or some, in any order.
    name : str
        The dim of channels, or the coordinate that tells the one that is left.
    is_read : bool
        Whether it is of an image that told of its systems.

    Returns
    -------
    tuple of int, or None
        None where channels are counted as they are: nothing was read. Channels without
        names are counted so, too, where all are left.

    Raises
    ------
    CoordinateError
        If channels are of an image that was read, and nobody knows which they are.
    """
    stored = obj.encoding.get(NUMBERED_KEY)
    if stored is None:
        if not is_read:
            return None
        raise CoordinateError(
            f"Which channels of the image those along {name!r} are is not known any "
            "more, as computing drops what it was read with: place the image first"
        )
    if not stored:
        raise CoordinateError(
            f"Coordinate {name!r} holds positions that channels were given, and no "
            "longer tells which they are: place the image that this came from"
        )
    if len(stored) == 1 and obj.sizes.get(name, 1) == 1:
        return (0,)
    if set(stored) == {None} and obj.sizes.get(name) == len(stored):
        if name in obj.coords:
            # They may have been named, and put in another order since.
            raise CoordinateError(
                f"Channels along {name!r} have no names in the image, and their "
                "order is not known any more since they were given some: place the "
                "image before, or write it with transforms="
            )
        # Nothing tells them apart, and they are as many as are stored.
        return tuple(range(len(stored)))
    if None in stored or len({*stored}) < len(stored):
        raise CoordinateError(
            f"Channels along {name!r} are told apart by their names, and those of "
            f"the image are {_told(stored)}: give each a name of its own, as "
            f"coordinate {name!r} of the image that is stored or placed first"
        )
    if name not in obj.coords:
        raise CoordinateError(
            f"The coordinate {name!r} was dropped, and its names tell which of the "
            f"channels {_told(stored)} are left: place the image before"
        )
    now = channel_texts(obj.coords[name].values)
    if other := [text for text in now if text not in stored]:
        raise CoordinateError(
            f"Channels {_told(other)} along {name!r} are none of those of the image, "
            f"which are {_told(stored)}: place the image before they are renamed"
        )
    return tuple(stored.index(text) for text in now)


def numbered(
    known: Mapping[Any, Any], obj: xr.DataArray, dim: str, *, is_replaced: bool
) -> dict[str, tuple[str | None, ...]]:
    """What is kept of the channels of an object that is placed.

    Parameters
    ----------
    known : mapping
        Its encoding.
    obj : xarray.DataArray
        As it was before.
    dim : str
        Of channels.
    is_replaced : bool
        Whether the coordinate of the dim holds positions from now on.
    """
    if is_replaced:
        return {NUMBERED_KEY: ()}
    if NUMBERED_KEY in known:
        return {}
    if dim not in obj.coords:
        return {NUMBERED_KEY: (None,) * obj.sizes[dim]}
    return {NUMBERED_KEY: channel_texts(obj.coords[dim].values)}


def _told(names: tuple[str | None, ...] | list[str]) -> str:
    told = ", ".join("none" if name is None else repr(name) for name in names[:8])
    return told + (", ..." if len(names) > 8 else "")
