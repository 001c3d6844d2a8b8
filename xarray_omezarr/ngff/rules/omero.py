"""Omero: what the standard demands of the rendering of an image."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.finding import seen

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.spot import Spot

_OMERO = "omero"
_WINDOW = ("min", "max", "start", "end")
_COLOR = re.compile("[0-9A-Fa-f]{6}")


def check_omero(omero: Spot) -> None:
    """Measure the object ``omero``."""
    if not omero.is_object(f"{_OMERO}: an object"):
        return
    channels = omero.need("channels", f"{_OMERO}: has channels")  # RULES O1
    if channels is not None and channels.is_list(f"{_OMERO}: channels are a list"):
        for channel in channels.items():
            _check_channel(channel)


def _check_channel(channel: Spot) -> None:
    if not channel.is_object(f"{_OMERO}: each channel is an object"):
        return
    demand = f"{_OMERO}: each channel has a window and a color"
    for key in ("window", "color"):
        if channel.child(key) is None:
            _report(channel, key)(f"has no {key!r}", f"{demand}: {key}", f"add {key!r}")
    if (window := channel.child("window")) is not None:
        _check_window(window)
    if (color := channel.child("color")) is not None:
        _check_color(color)
    for key in ("label", "family"):  # RULES O4
        channel.text_member(key, f"{_OMERO}: members of a channel")
    if (active := channel.child("active")) is not None:
        active.is_boolean(f"{_OMERO}: active")
    if (inverted := channel.given("inverted")) is not None:
        if not isinstance(inverted.value, bool):
            inverted.should(
                f"is {seen(inverted.value)}, not true or false",
                f"{_OMERO}: inverted",
                "write true or false",
            )


def _report(channel: Spot, key: str) -> Callable[[str, str, str], None]:
    """How much it weighs that a channel has no `key`."""
    if key in channel.dialect.channel_members:
        return channel.error
    return channel.must if channel.dialect.channels_demanded else channel.should


def _check_window(window: Spot) -> None:
    demand = f"{_OMERO}: a window has the numbers {', '.join(_WINDOW)}"  # RULES O3
    if window.is_object(demand):
        for key in _WINDOW:
            if (number := window.need(key, demand)) is not None:
                number.is_number(demand)


def _check_color(color: Spot) -> None:
    demand = f"{_OMERO}: a color is six hexadecimal digits"  # RULES O2
    if color.is_text(demand) and not _COLOR.fullmatch(color.value):
        color.must(
            f"is {seen(color.value)}", demand, "write RRGGBB without '#', as 'FF0000'"
        )
