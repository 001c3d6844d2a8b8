"""Channels of the standard from the channel coordinate and its companions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import MetadataError, OptionError
from xarray_omezarr.grid.kept import NotJson, to_json
from xarray_omezarr.ngff.colours import channel_colors
from xarray_omezarr.ngff.omero import Channel

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.grid.grid import GridAxis

#: Coordinates along the channel dim whose names begin so describe the channels.
PREFIX = "channel_"
WINDOW_FIELDS = ("min", "max", "start", "end")

# viv, on which several viewers are built, shows no more channels at once.
_SHOWN_AT_FIRST = 6


def plan_channels(
    da: xr.DataArray,
    axis: GridAxis | None,
    given: Sequence[Any] | None,
) -> tuple[Channel, ...] | None:
    """One `Channel` per pixel of the channel axis; None where there is none to say.

    What `given` says wins over the coordinates, and they over the defaults. The
    windows that nobody gave are left out: the pixels will tell them.

    Parameters
    ----------
    da : xarray.DataArray
        Non-index coordinates along its channel dim become fields:
        ``channel_color`` is ``color``, ``channel_window_start`` is part of
        ``window``.
    axis : GridAxis, optional
        The channel axis under its own name, with the channel names as labels.
    given : sequence of str, dict or Channel, optional
        The write option ``channels``.

    Raises
    ------
    OptionError
        If `given` has another length than the axis.
    MetadataError
        If a field has a value that the standard does not allow.
    """
    count = 1 if axis is None else axis.size
    if axis is None and given is None:
        return None
    from_coords = [{} for _ in range(count)] if axis is None else _fields(da, axis)
    from_user = _as_dicts(given, count)
    merged = [{**a, **b} for a, b in zip(from_coords, from_user, strict=True)]
    colors = channel_colors([fields.get("label") for fields in merged])
    return tuple(
        Channel.parse(_with_defaults(fields, color, index), f"channels/{index}")
        for index, (fields, color) in enumerate(zip(merged, colors, strict=True))
    )


def _with_defaults(fields: dict[str, Any], color: str, index: int) -> dict[str, Any]:
    defaults = {"color": color, "active": index < _SHOWN_AT_FIRST}
    return {**defaults, **_with_full_window(fields)}


def _as_dicts(given: Sequence[Any] | None, count: int) -> list[dict[str, Any]]:
    if given is None:
        return [{} for _ in range(count)]
    if isinstance(given, (str, Mapping)) or not isinstance(given, Iterable):
        raise OptionError(
            f"channels is {given!r}; give a list of names, dicts or Channel objects"
        )
    entries = [_as_dict(entry) for entry in given]
    if len(entries) != count:
        raise OptionError(
            f"channels has {len(entries)} entries, and the image has {count} channels"
        )
    return entries


def _as_dict(entry: Any) -> dict[str, Any]:
    if isinstance(entry, str):
        return {"label": entry}
    if isinstance(entry, Channel):
        return entry.to_json()
    if isinstance(entry, Mapping):
        fields = {key: value for key, value in entry.items() if value is not None}
        if "name" in fields and "label" not in fields:
            fields["label"] = fields.pop("name")
        try:
            return dict(to_json(fields))
        except NotJson as error:
            raise MetadataError(f"Channel {entry!r} holds {error}, no JSON") from error
    raise OptionError(
        f"channels holds {entry!r}; give names, dicts or xarray_omezarr.ngff.Channel"
    )


def _fields(da: xr.DataArray, axis: GridAxis) -> list[dict[str, Any]]:
    """What the coordinates along the channel dim say of each channel."""
    found: list[dict[str, Any]] = [{} for _ in range(axis.size)]
    if axis.labels is not None:
        for fields, label in zip(found, axis.labels, strict=True):
            fields["label"] = label
    for name, coordinate in da.coords.items():
        field = str(name).removeprefix(PREFIX)
        is_known = field == "label" and axis.labels is not None
        if is_known or not is_channel_field(name, coordinate, axis.name):
            continue
        for fields, value in zip(found, coordinate.values.tolist(), strict=True):
            _set_field(fields, field, value, name)
    for fields in found:
        window = fields.get("window")
        # Half a window says too little; the pixels will tell the whole.
        if isinstance(window, Mapping) and not {"start", "end"} <= set(window):
            del fields["window"]
    return found


def _set_field(fields: dict[str, Any], field: str, value: Any, name: object) -> None:
    if _is_missing(value):
        return
    try:
        plain = to_json(value)
    except NotJson as error:
        raise MetadataError(f"Coordinate {name!r} holds {error}, no JSON") from error
    part = field.removeprefix("window_")
    if part != field and part in WINDOW_FIELDS:
        fields.setdefault("window", {})[part] = plain
    else:
        fields[field] = plain


def _with_full_window(fields: dict[str, Any]) -> dict[str, Any]:
    """A window of which only the shown part was said reaches just as far."""
    window = fields.get("window")
    if not isinstance(window, Mapping):
        return fields
    ends = [window[end] for end in ("start", "end") if _is_number(window.get(end))]
    if len(ends) < 2:
        return fields
    return {**fields, "window": {"min": min(ends), "max": max(ends), **window}}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def _is_missing(value: Any) -> bool:
    """How a coordinate says that one of several channels has no such field."""
    return (
        value is None or value == "" or (isinstance(value, float) and math.isnan(value))
    )


def is_channel_field(name: object, coordinate: xr.DataArray, channel_dim: str) -> bool:
    """Whether a coordinate is written as a field of the channels.

    Dates are none: JSON has no spelling that would be read as a date again.
    """
    return (
        coordinate.dims == (channel_dim,)
        and str(name).startswith(PREFIX)
        and coordinate.dtype.kind not in "mM"
    )
