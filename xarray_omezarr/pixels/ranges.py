"""Ranges of grey values: what a type can hold, what an array does hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.pixels.bins import parts

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from xarray_omezarr.pixels.bins import Block


def default_window(dtype: DTypeLike) -> tuple[float, float]:
    """Darkest and brightest value to show where the pixels are not known yet.

    Returns
    -------
    tuple of float
        The limits of the type for integers, 0 and 1 for booleans and floats.

    Examples
    --------
    >>> default_window("uint8"), default_window("float32")
    ((0.0, 255.0), (0.0, 1.0))
    """
    kind = np.dtype(dtype)
    if kind.kind not in "iu":
        return 0.0, 1.0
    info = np.iinfo(kind)
    return float(info.min), float(info.max)


def value_range(block: Block) -> tuple[float, float] | None:
    """Smallest and largest finite pixel.

    Returns
    -------
    tuple of int or tuple of float, or None
        Python numbers, exact for every type of pixels; None where no pixel is
        finite.

    Examples
    --------
    >>> value_range(np.array([3, 1, 2], dtype=np.uint8))
    (1, 3)
    >>> value_range(np.array([0.5, np.nan, np.inf]))
    (0.5, 0.5)
    """
    if block.size == 0:
        return None
    # Small parts stay in the cache between the search for one and for the other.
    pieces = parts(block.shape, (1,) * block.ndim, block.dtype.itemsize)
    found = [_range_of_part(block[part.inside]) for part in pieces]
    limits = [pair for pair in found if pair is not None]
    if not limits:
        return None
    low, high = min(low for low, _ in limits), max(high for _, high in limits)
    if block.dtype.kind == "f":
        return float(low), float(high)
    return int(low), int(high)


def _range_of_part(part: Block) -> tuple[Any, Any] | None:
    low, high = part.min(), part.max()
    if part.dtype.kind != "f" or (np.isfinite(low) and np.isfinite(high)):
        return low, high
    finite = np.isfinite(part)
    if not finite.any():
        return None
    low = part.min(where=finite, initial=np.inf)
    high = part.max(where=finite, initial=-np.inf)
    return low, high
