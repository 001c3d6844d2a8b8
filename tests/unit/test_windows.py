"""Contrast windows in the metadata of an image."""

from __future__ import annotations

import numpy as np
import pytest

from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.omero import Channel, Omero, Window
from xarray_omezarr.windows import needs_windows, with_default_windows, with_windows

GIVEN = Window(min=0, max=9, start=1, end=8)


def image(*channels, rdefs=None):
    axes = [
        Axis(name=n, type=t)
        for n, t in zip("cyx", ["channel", "space", "space"], strict=True)
    ]
    multiscale = Multiscale.of(axes, [Level.of("0", (1.0, 1.0, 1.0))])
    extra = {} if rdefs is None else {"rdefs": rdefs}
    omero = Omero(channels=channels, **extra) if channels else None
    return Image(multiscales=(multiscale,), omero=omero)


def windows(of):
    return [channel.window for channel in of.omero.channels]


@pytest.mark.parametrize(
    ("channels", "needed"),
    [
        ((), False),
        ((Channel(window=GIVEN),), False),
        ((Channel(),), True),
        ((Channel(window=GIVEN), Channel()), True),
    ],
)
def test_windows_are_needed_where_a_channel_lacks_one(channels, needed) -> None:
    assert needs_windows(image(*channels)) is needed


def test_only_what_is_missing_is_measured() -> None:
    asked = []

    def sample(index):
        asked.append(index)
        return np.array([10, 20])

    planned = image(Channel(label="A", window=GIVEN), Channel(label="B"))
    done = with_windows(planned, {0: (0, 99), 1: (5, 30)}, sample)
    given, measured = windows(done)
    assert given == GIVEN
    assert (measured.min, measured.max) == (5.0, 30.0)
    assert (measured.start, measured.end) == pytest.approx((10, 20), abs=0.1)
    assert asked == [1]


def test_a_channel_without_finite_pixels_has_a_window_nevertheless() -> None:
    done = with_windows(image(Channel()), {}, lambda _: np.array([np.nan]))
    assert windows(done) == [Window(min=0, max=1, start=0, end=1)]


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("uint8", 0, 255), ("int16", -32768, 32767), ("float32", 0, 1), ("bool", 0, 1)],
)
def test_without_pixels_the_type_tells_the_window(dtype, low, high) -> None:
    done = with_default_windows(image(Channel()), np.dtype(dtype))
    assert windows(done) == [Window(min=low, max=high, start=low, end=high)]


def test_everything_else_stays() -> None:
    planned = image(
        Channel(label="A", color="FF0000", note=1), rdefs={"model": "color"}
    )
    done = with_default_windows(planned, np.dtype("u1"))
    (channel,) = done.omero.channels
    assert (channel.label, channel.color, channel.extras()) == (
        "A",
        "FF0000",
        {"note": 1},
    )
    assert done.omero.extras() == {"rdefs": {"model": "color"}}
    assert planned.omero.channels[0].window is None


def test_an_image_without_channels_is_returned_as_it_is() -> None:
    assert with_default_windows(image(), np.dtype("u1")) == image()
