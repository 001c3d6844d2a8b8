"""Casting: values that were computed back to the type of the pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from xarray_omezarr.pixels.bins import Block

# Weights that should sum to one half miss it by the rounding of doubles.
_NEARLY_HALF = 0.5 - 1e-9


def to_pixels(values: Block, dtype: np.dtype[Any]) -> Block:
    """Cast numbers to `dtype`.

    Parameters
    ----------
    values : numpy.ndarray
        Booleans, integers or floats; no NaN where `dtype` cannot hold it.
    dtype : numpy.dtype
        Booleans, integers or floats.

    Returns
    -------
    numpy.ndarray
        `values` itself where it has the type. Floats become integers by rounding
        half to even and clipping to the limits of the type, and booleans by asking
        whether they are at least one half.

    Examples
    --------
    >>> to_pixels(np.array([-3.0, 0.5, 1.5, 300.0]), np.dtype("u1"))
    array([  0,   0,   2, 255], dtype=uint8)
    """
    if values.dtype == dtype:
        return values
    if dtype.kind != "f" and values.dtype.kind == "f":
        if dtype.kind == "b":
            return np.asarray(values >= _NEARLY_HALF)
        # In double precision: half floats have no room for the limits of integers.
        values = np.rint(values, dtype=np.result_type(values.dtype, np.float64))
    if dtype.kind in "iu":
        return _clip(values, dtype)
    with np.errstate(all="ignore"):
        return values.astype(dtype)


def _clip(whole: Block, dtype: np.dtype[Any]) -> Block:
    """Cast whole numbers to an integer type; its limits stand for what is beyond."""
    info = np.iinfo(dtype)
    if whole.dtype.kind == "f" and dtype.itemsize <= 4:
        # Doubles hold these limits exactly.
        return np.clip(whole, info.min, info.max).astype(dtype)
    low, high = whole <= info.min, whole >= info.max
    # Only what lies between is cast: a float of 2**63 would not survive it, and as
    # a float the limit of int64 is 2**63, so np.clip would let it pass.
    clipped = np.where(low | high, 0, whole).astype(dtype)
    clipped[low] = info.min
    clipped[high] = info.max
    return clipped
