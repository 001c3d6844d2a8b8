"""Ranges of grey values: what a type can hold, what an array does hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    if block.dtype.kind != "f":
        return int(block.min()), int(block.max())
    low, high = block.min(), block.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        finite = np.isfinite(block)
        if not finite.any():
            return None
        low = block.min(where=finite, initial=np.inf)
        high = block.max(where=finite, initial=-np.inf)
    return float(low), float(high)
