"""Contrast windows of channels, put into the metadata of an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from xarray_omezarr.ngff.omero import Channel, Window
from xarray_omezarr.pixels.contrast import contrast_window
from xarray_omezarr.pixels.ranges import default_window

if TYPE_CHECKING:
    import numpy as np

    from xarray_omezarr.ngff.multiscale import Image


def needs_windows(image: Image) -> bool:
    """Whether a channel has no window, so that the pixels must tell it."""
    omero = image.omero
    return omero is not None and any(c.window is None for c in omero.channels)


def with_windows(
    image: Image,
    limits: Mapping[int, tuple[float, float]],
    sample: Callable[[int], NDArray[Any]],
) -> Image:
    """The image with windows where its channels have none.

    Parameters
    ----------
    image : Image
        The metadata.
    limits : mapping
        Smallest and largest finite value by index of the channel; a channel
        without finite values is missing.
    sample : callable
        Gives pixels of the coarsest level of a channel by its index.
    """

    def measured(index: int) -> tuple[float, float, float, float]:
        return contrast_window(limits.get(index), sample(index))

    return _completed(image, measured)


def with_default_windows(image: Image, dtype: np.dtype[Any]) -> Image:
    """The image with the range of the dtype where its channels have no window."""
    low, high = default_window(dtype)
    return _completed(image, lambda _: (low, high, low, high))


def _completed(
    image: Image, window_of: Callable[[int], tuple[float, float, float, float]]
) -> Image:
    omero = image.omero
    if omero is None:
        return image
    channels = tuple(
        channel if channel.window is not None else _shown(channel, window_of(index))
        for index, channel in enumerate(omero.channels)
    )
    return image.model_copy(
        update={"omero": omero.model_copy(update={"channels": channels})}
    )


def _shown(channel: Channel, numbers: tuple[float, float, float, float]) -> Channel:
    low, high, start, end = numbers
    window = Window(min=low, max=high, start=start, end=end)
    return channel.model_copy(update={"window": window})
