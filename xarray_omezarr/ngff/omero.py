"""omero: how viewers shall show the channels of an image."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from xarray_omezarr.ngff.base import Flag, Model, Number, Text
from xarray_omezarr.ngff.plain import shown, unboxed

_SIX_HEX_DIGITS = re.compile(r"#?([0-9A-Fa-f]{6})")


def _color(value: object) -> str:
    # RULES O2: exactly six hex digits, without "#". The schemas only ask for text,
    # and readers in use refuse or misread everything else.
    value = unboxed(value)
    match = _SIX_HEX_DIGITS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"is {shown(value)}: give six hex digits, such as 'FF8000'")
    return match[1].upper()


class Window(Model):
    """The contrast of a channel, in the values of its pixels."""

    # RULES O3: a window has all four.
    min: Number = Field(description="Smallest value that may be chosen as start")
    max: Number = Field(description="Largest value that may be chosen as end")
    start: Number = Field(description="Value that is shown black")
    end: Number = Field(description="Value that is shown in full colour")


class Channel(Model):
    """How one channel shall be shown.

    Examples
    --------
    >>> Channel(label="DAPI", color="#0000ff").to_json()
    {'label': 'DAPI', 'color': '0000FF'}
    """

    label: Text | None = Field(default=None, description="Name of the channel")
    color: Annotated[str, BeforeValidator(_color)] | None = Field(
        default=None,
        description="Colour of the brightest pixels, six hex digits RRGGBB; '#' and "
        "lower case are accepted and not kept",
    )
    active: Flag | None = Field(
        default=None, description="Whether the channel is shown at first"
    )
    window: Window | None = Field(default=None, description="Contrast of the channel")
    family: Text | None = Field(
        default=None, description="Shape of the contrast curve, such as 'linear'"
    )
    inverted: Flag | None = Field(
        default=None, description="Whether small values are shown bright"
    )
    coefficient: Number | None = Field(
        default=None, description="Parameter of the contrast curve"
    )


class Omero(Model):
    """How the channels of an image shall be shown, in the order of its channel axis.

    Further keys of OMERO (``rdefs``, ``id``, ``name``) are kept as they are.
    """

    # RULES O1: where omero is, channels are.
    channels: tuple[Channel, ...] = Field(
        description="One entry per pixel of the channel axis, in order"
    )


def check_channels(omero: Omero) -> list[str]:
    """Say what channels lack that the standard demands of them (RULES O2, O3).

    Files without it exist and are read; they are not written.
    """
    problems = []
    for index, channel in enumerate(omero.channels):
        where = f"omero channel {index} ({channel.label or 'no label'})"
        if channel.color is None:
            problems.append(f"{where} has no color: give six hex digits")
        if channel.window is None:
            problems.append(f"{where} has no window: give min, max, start and end")
    return problems
