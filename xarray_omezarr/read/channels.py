"""Channels of the standard as coordinates along the channel dim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from xarray_omezarr.grid.names import CHANNEL_LABEL, CHANNEL_PREFIX
from xarray_omezarr.ngff.omero import Channel, Window

# What one value of a coordinate can be.
_SCALARS = (str, bool, int, float)


def channel_names(channels: Sequence[Channel]) -> tuple[str, ...] | None:
    """Channel names as written; None if no channel has one."""
    if all(channel.label is None for channel in channels):
        return None
    return tuple(
        str(index) if channel.label is None else channel.label
        for index, channel in enumerate(channels)
    )


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names with ``_1``, ``_2`` ... after repeated ones, for an index."""
    taken = set(names)
    seen: set[str] = set()
    unique = []
    for name in names:
        choice, number = name, 0
        while choice in seen or (number and choice in taken):
            number += 1
            choice = f"{name}_{number}"
        seen.add(choice)
        unique.append(choice)
    return tuple(unique)


def channel_coords(channels: Sequence[Channel], dim: str) -> dict[str, xr.Variable]:
    """Every scalar field of the channels as a coordinate along `dim`.

    ``color`` is ``channel_color``, the ``start`` of the window is
    ``channel_window_start``; names that had to be made unique are kept as they
    were written in ``channel_label``.
    """
    rows = [_scalars(channel) for channel in channels]
    fields = dict.fromkeys(name for row in rows for name in row)
    coords = {
        CHANNEL_PREFIX + name: xr.Variable(
            (dim,), _column([row.get(name) for row in rows])
        )
        for name in fields
    }
    names = channel_names(channels)
    if names is not None and unique_names(names) != names:
        coords[CHANNEL_LABEL] = xr.Variable((dim,), np.asarray(names))
    return coords


def only_channel_coords(channel: Channel) -> dict[str, xr.Variable]:
    """The fields of the channel of an image without a channel dim: no dims either."""
    coords = channel_coords([channel], "c")
    if channel.label is not None:
        coords[CHANNEL_LABEL] = xr.Variable(("c",), np.asarray([channel.label]))
    return {name: variable.isel(c=0) for name, variable in coords.items()}


def without_coords(channel: Channel) -> Channel:
    """The channel without the unknown keys that are coordinates already.

    Kept twice, they would come back as they were after the coordinate was changed.
    """
    known = {name: getattr(channel, name) for name in Channel.model_fields}
    extras = channel.extras().items()
    return Channel(**known, **{k: v for k, v in extras if not isinstance(v, _SCALARS)})


def _scalars(channel: Channel) -> dict[str, Any]:
    # Unknown keys may hold what JSON spells in another way; known ones do not.
    fields = channel.to_json() if channel.extras() else channel.members()
    fields.pop("label", None)
    window = fields.pop("window", {})
    limits = window if isinstance(window, Mapping) else window.members()
    fields |= {f"window_{n}": limits[n] for n in Window.model_fields if n in limits}
    return {key: value for key, value in fields.items() if isinstance(value, _SCALARS)}


def _column(values: list[Any]) -> np.ndarray[Any, Any]:
    """Values of one field; a channel that lacks it has ``""``, NaN or None."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, str) for value in present):
        return np.asarray(["" if value is None else value for value in values])
    if any(isinstance(value, (bool, str)) for value in present):
        same = len(present) == len(values) and len({*map(type, values)}) == 1
        return np.asarray(values, dtype=None if same else object)
    return np.asarray([np.nan if value is None else value for value in values])
