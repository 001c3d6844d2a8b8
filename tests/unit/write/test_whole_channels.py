"""Channels that were read without colour or window get the usual ones."""

from __future__ import annotations

import numpy as np
import pytest

from xarray_omezarr import errors
from xarray_omezarr.hierarchy import ArrayNode, Deferred, GroupNode, Hierarchy, Layout
from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.omero import Channel, Omero, Window
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.write.whole_channels import with_whole_channels

WHOLE = Channel(label="a", color="FF0000", window=Window(min=0, max=9, start=1, end=2))


def hierarchy(*channels: Channel) -> Hierarchy:
    types = {"c": "channel", "y": "space", "x": "space"}
    axes = [Axis(name=name, type=kind) for name, kind in types.items()]
    pictures = (Multiscale.of(axes, [Level.of("0", (1, 1, 1))]),)
    image = Image(multiscales=pictures, omero=Omero(channels=channels))
    shape = (len(channels), 8, 6)
    array = ArrayNode(
        ("c", "y", "x"), shape, np.dtype("uint8"), Layout(shape), Deferred()
    )
    version = registry.get(registry.DEFAULT)
    return Hierarchy(version, {"": GroupNode(image), "0": array})


def test_only_channels_that_are_not_whole_are_touched() -> None:
    with pytest.warns(errors.OmeZarrWarning, match="color or window"):
        made = with_whole_channels(hierarchy(WHOLE, Channel(label="b")))
    omero = made.image().omero
    assert omero is not None
    first, second = omero.channels
    assert first == WHOLE
    assert second.window == Window(min=0, max=255, start=0, end=255)
    assert second.color is not None


def test_where_all_are_whole_nothing_is_said() -> None:
    whole = hierarchy(WHOLE)
    assert with_whole_channels(whole).image() is whole.image()
