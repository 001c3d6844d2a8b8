"""Contrast windows of channels, put into the metadata of an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from xarray_omezarr.ngff.omero import Channel, Window
from xarray_omezarr.pixels.contrast import Shown, contrast_window
from xarray_omezarr.pixels.ranges import default_window

if TYPE_CHECKING:
    import numpy as np

    from xarray_omezarr.ngff.multiscale import Image


class ShownWindow(Window):
    """A window of which somebody gave the shown part: the pixels tell the limits.

    Until then ``min`` and ``max`` enclose just that part.
    """

    @classmethod
    def of(cls, numbers: Mapping[str, float]) -> ShownWindow:
        """From ``start``, ``end`` and perhaps one of ``min`` and ``max``."""
        values = numbers.values()
        return cls(**{"min": min(values), "max": max(values), **numbers})

    def widened(self, low: float, high: float) -> Window:
        """A whole window whose limits reach from `low` to `high` at least."""
        return Window(
            min=min(self.min, low),
            max=max(self.max, high),
            start=self.start,
            end=self.end,
        )


def needs_windows(image: Image) -> bool:
    """Whether the pixels must tell the window of a channel, or its limits."""
    omero = image.omero
    return omero is not None and any(map(_is_open, omero.channels))


def _is_open(channel: Channel) -> bool:
    return channel.window is None or isinstance(channel.window, ShownWindow)


def with_windows(
    image: Image,
    limits: Mapping[int, tuple[float, float]],
    sample: Callable[[int], NDArray[Any] | Shown | None],
) -> Image:
    """The image with a whole window for each of its channels.

    Parameters
    ----------
    image : Image
        The metadata.
    limits : mapping
        Smallest and largest finite value by index of the channel; a channel
        without finite values is missing.
    sample : callable
        Gives pixels of the coarsest level of a channel by its index, or the part of
        their values that shall be shown.
    """

    def completed(index: int, given: Window | None) -> Window:
        if isinstance(given, ShownWindow):
            return given.widened(*limits.get(index, (given.min, given.max)))
        low, high, start, end = contrast_window(limits.get(index), sample(index))
        return Window(min=low, max=high, start=start, end=end)

    return _completed(image, completed)


def with_default_windows(image: Image, dtype: np.dtype[Any]) -> Image:
    """The image with the range of the dtype where its channels have no window."""
    low, high = default_window(dtype)

    def completed(_: int, given: Window | None) -> Window:
        if isinstance(given, ShownWindow):
            return given.widened(low, high)
        return Window(min=low, max=high, start=low, end=high)

    return _completed(image, completed)


def with_stored_windows(image: Image, stored: Image) -> Image:
    """The image with the windows that were measured when it was stored.

    Raises
    ------
    ValueError
        If `stored` lacks one, or shows another part than is given.
    """
    known = () if stored.omero is None else stored.omero.channels

    def completed(index: int, given: Window | None) -> Window:
        window = known[index].window if index < len(known) else None
        if window is None:
            raise ValueError(f"channel {index} has no window")
        if given is not None and (given.start, given.end) != (window.start, window.end):
            raise ValueError(f"channel {index} shows another part")
        return window

    return _completed(image, completed)


def _completed(
    image: Image, window_of: Callable[[int, Window | None], Window]
) -> Image:
    omero = image.omero
    if omero is None:
        return image
    channels = tuple(
        channel.model_copy(update={"window": window_of(index, channel.window)})
        if _is_open(channel)
        else channel
        for index, channel in enumerate(omero.channels)
    )
    return image.model_copy(
        update={"omero": omero.model_copy(update={"channels": channels})}
    )
