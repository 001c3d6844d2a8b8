"""Channels of the standard from the channel coordinate and its companions."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.errors import MetadataError, OptionError
from xarray_omezarr.grid.dims import is_axis
from xarray_omezarr.grid.inspect import channel_texts
from xarray_omezarr.grid.kept import NotJson, to_json
from xarray_omezarr.grid.names import CHANNEL_LABEL, CHANNEL_PREFIX
from xarray_omezarr.ngff.colours import channel_colors
from xarray_omezarr.ngff.omero import Channel
from xarray_omezarr.windows import ShownWindow

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.grid.grid import GridAxis

WINDOW_FIELDS = ("min", "max", "start", "end")
# Coordinates that nobody has by chance: with one of them, an image without a channel
# dim is the picture of one channel.
_TELLING = frozenset(
    CHANNEL_PREFIX + field
    for field in ("label", "color", "active", *(f"window_{w}" for w in WINDOW_FIELDS))
)

# viv, on which several viewers are built, shows no more channels at once.
SHOWN_AT_FIRST = 6


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
    if axis is None and given is None and not is_one_channel(da):
        return None
    from_coords = _fields(da, axis)
    from_user = _as_dicts(given, count)
    merged = [{**a, **b} for a, b in zip(from_coords, from_user, strict=True)]
    colors = channel_colors([fields.get("label") for fields in merged])
    return tuple(
        _channel({"color": color, "active": index < SHOWN_AT_FIRST, **fields}, index)
        for index, (fields, color) in enumerate(zip(merged, colors, strict=True))
    )


def complete_channels(
    known: Sequence[Channel], given: Sequence[Any], count: int
) -> tuple[Channel, ...]:
    """Channels of an image that stands, completed by the option ``channels``.

    Parameters
    ----------
    known : sequence of Channel
        What is known of them; of no use where their number is another.
    given : sequence of str, dict or Channel
        As for `plan_channels`. What it does not say stays.
    count : int
        How many channels the image has.

    Raises
    ------
    OptionError, MetadataError
        As `plan_channels`.
    """
    fields = [channel.to_json() for channel in known]
    if len(fields) != count:
        shown = range(count)
        fields = [{"active": index < SHOWN_AT_FIRST} for index in shown]
    merged = []
    for old, new in zip(fields, _as_dicts(given, count), strict=True):
        window = new.get("window")
        if isinstance(window, Mapping) and isinstance(old.get("window"), Mapping):
            new = {**new, "window": {**old["window"], **window}}
        merged.append({**old, **new})
    colors = channel_colors([entry.get("label") for entry in merged])
    return tuple(
        _channel({"color": color, **entry}, index)
        for index, (entry, color) in enumerate(zip(merged, colors, strict=True))
    )


def is_one_channel(da: xr.DataArray) -> bool:
    """Whether coordinates without dims tell of a channel that was selected."""
    return any(
        name in da.coords and is_channel_field(name, da.coords[name], None)
        for name in _TELLING
    )


def _channel(fields: dict[str, Any], index: int) -> Channel:
    """The channel; of a window whose limits are not said the pixels tell them."""
    window = fields.get("window")
    shown = None
    if isinstance(window, Mapping) and not {"min", "max"} <= set(window):
        numbers = [value for value in window.values() if _is_number(value)]
        if {"start", "end"} <= set(window) and len(numbers) == len(window):
            shown = ShownWindow.of(window)
            fields = {**fields, "window": shown.to_json()}
    channel = Channel.parse(fields, f"channels/{index}")
    return channel if shown is None else channel.model_copy(update={"window": shown})


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


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
        _refuse_slips(fields)
        try:
            return dict(to_json(fields))
        except NotJson as error:
            raise MetadataError(f"Channel {entry!r} holds {error}, no JSON") from error
    raise OptionError(
        f"channels holds {entry!r}; give names, dicts or xarray_omezarr.ngff.Channel"
    )


def _refuse_slips(fields: Mapping[Any, Any]) -> None:
    """Refuse keys that are nearly those of a channel; others are kept as they are."""
    for key in fields:
        near = difflib.get_close_matches(str(key), Channel.model_fields, 1, cutoff=0.8)
        if near and near[0] != key:
            raise OptionError(
                f"channels has the key {key!r}, which viewers do not know; write "
                f"{near[0]!r}"
            )


def _fields(da: xr.DataArray, axis: GridAxis | None) -> list[dict[str, Any]]:
    """What the coordinates along the channel dim say of each channel.

    Of an image without that dim: what coordinates without dims say of its one.
    """
    labels = (_selected_name(da),) if axis is None else axis.labels
    dim, count = (None, 1) if axis is None else (axis.name, axis.size)
    found: list[dict[str, Any]] = [{} for _ in range(count)]
    if labels is not None:
        for fields, label in zip(found, labels, strict=True):
            _set_field(fields, "label", label, CHANNEL_LABEL)
    for name, coordinate in da.coords.items():
        field = str(name).removeprefix(CHANNEL_PREFIX)
        is_known = field == "label" and labels is not None
        if is_known or not is_channel_field(name, coordinate, dim):
            continue
        values = np.atleast_1d(coordinate.values).tolist()
        for fields, value in zip(found, values, strict=True):
            _set_field(fields, field, value, name)
    for fields in found:
        window = fields.get("window")
        # Half a window says too little; the pixels will tell the whole.
        if isinstance(window, Mapping) and not {"start", "end"} <= set(window):
            del fields["window"]
    return found


def _selected_name(da: xr.DataArray) -> str | None:
    """The name of the channel that was selected: a label, else the coordinate's."""
    names = [CHANNEL_LABEL, *(key for key in da.coords if is_axis(str(key), "c"))]
    for name in names:
        if name in da.coords and da.coords[name].ndim == 0:
            return channel_texts(da.coords[name].values)[0]
    return None


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


def _is_missing(value: Any) -> bool:
    """How a coordinate says that one of several channels has no such field."""
    return (
        value is None or value == "" or (isinstance(value, float) and math.isnan(value))
    )


def is_channel_field(
    name: object, coordinate: xr.DataArray, channel_dim: str | None
) -> bool:
    """Whether a coordinate is written as a field of the channels.

    Without a channel dim, those without dims are fields of the one channel.
    Dates are none: JSON has no spelling that would be read as a date again.
    """
    dims = () if channel_dim is None else (channel_dim,)
    return (
        coordinate.dims == dims
        and str(name).startswith(CHANNEL_PREFIX)
        and coordinate.dtype.kind not in "mM"
        # A channel that was selected may lack what others have: that is kept.
        and not (channel_dim is None and _is_missing(coordinate.values.item()))
    )
