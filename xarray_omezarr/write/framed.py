"""What an array that was read still knows of the systems of its image."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import TransformationError, warn
from xarray_omezarr.grid.names import FRAME_KEY
from xarray_omezarr.ngff.named import renamed
from xarray_omezarr.ngff.spaces import Spaces
from xarray_omezarr.ngff.transforms import SystemReference
from xarray_omezarr.transforming.chains import between
from xarray_omezarr.transforming.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import xarray as xr

    from xarray_omezarr.ngff.transforms import Transformation


def arrays_of(da: xr.DataArray, *, is_label: bool = False) -> dict[str, Any]:
    """Matrices and fields that an array was read with, by path below its image.

    Parameters
    ----------
    da : xarray.DataArray
        Level 0.
    is_label : bool
        Whether it is a label image, whose arrays are not those of its image.
    """
    frame, group = _frame_of(da, is_label)
    if frame is None:
        return {}
    return {
        path.removeprefix(group): array
        for path, array in frame.arrays.items()
        if path.startswith(group)
    }


def keys_of(da: xr.DataArray, *, is_label: bool = False) -> dict[str, Any]:
    """The systems that an array was read with, as `ngff.unknown` tells them.

    A level that was taken out of a tree has no attributes that tell them.

    Parameters
    ----------
    da : xarray.DataArray
        Level 0.
    is_label : bool
        Whether it is a label image, whose systems are not those of its image.
    """
    frame, group = _frame_of(da, is_label)
    if frame is None or frame.own is None:
        return {}
    systems = {
        key: system
        for key, system in frame.systems.items()
        if key == group + system.name
    }
    ways = tuple(_ways(frame, {*systems}, group))
    if not ways:
        return {}
    name = frame.systems[frame.own].name
    told = Spaces(tuple(systems.values()), ways, name).keys()
    return {"multiscales": [{"index": 0, **told}]}


def _frame_of(da: xr.DataArray, is_label: bool) -> tuple[Frame | None, str]:
    """The frame, and the path of the image in it with a slash, if there is one."""
    frame = da.encoding.get(FRAME_KEY)
    if not isinstance(frame, Frame) or frame.own is None:
        return None, ""
    if frame.own not in frame.systems:
        return None, ""
    group = frame.own.removesuffix(frame.systems[frame.own].name)
    if is_label and "labels/" not in group:
        return None, ""
    return frame, group


def _ways(frame: Frame, inside: set[str], group: str) -> Iterator[Transformation]:
    """Transformations from or to the system of the array, inside of its image."""
    own = str(frame.own)
    reached = {own}
    # Ways through others name arrays that are not below the image.
    ways = tuple(way for way in frame.ways if {way.start, way.end} <= inside)
    frame = replace(frame, ways=ways)
    for way in ways:
        if own in (way.start, way.end):
            reached |= {way.start, way.end}
            yield _below(way.transformation, frame, way.start, way.end, group)
    for key in sorted(inside - reached):
        # It led there from a system that positions were told in before.
        try:
            yield _below(between(frame, own, key), frame, own, key, group)
        except TransformationError as error:
            warn(f"Coordinate system {key!r} is left out: {error}")


def _below(
    way: Transformation, frame: Frame, start: str, end: str, group: str
) -> Transformation:
    """A transformation as the image tells it."""
    told: Transformation = renamed(way, partial(_path, group))
    ends = {"input": start, "output": end}
    update = {
        side: SystemReference(name=frame.systems[key].name)
        for side, key in ends.items()
    }
    return told.model_copy(update=update)


def _path(group: str, path: str) -> str:
    return path.removeprefix(group)
