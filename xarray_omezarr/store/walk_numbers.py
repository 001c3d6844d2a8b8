"""Numbers of a tiny array, such as a matrix: read whole, or why they cannot be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from xarray_omezarr.store.walk_pixels import opened

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target
    from xarray_omezarr.store.walk import Node

# The largest matrix is for five axes; a chunk larger than this is not decoded.
_MOST = 64
_LARGEST_CHUNK = 1 << 20

#: Rows of numbers, or what is wrong with them; None of what is no small matrix.
Numbers = tuple[tuple[float, ...], ...] | str | None


def read_numbers(target: Target, node: Node) -> Numbers:
    """The numbers of an array of two dims; nothing is raised.

    Parameters
    ----------
    target : Target
        What paths count from.
    node : Node
        The array.

    Returns
    -------
    tuple of tuple of float, str or None
        Rows; what is wrong, in words; or None if it has other dims or is large.
    """
    try:
        array = opened(target, node)
        if array.ndim != 2 or array.size > _MOST:
            return None
        if math.prod(array.chunks) > _LARGEST_CHUNK:
            return None
        values = np.asarray(array[...])
    # What zarr, codecs and clients of servers raise is anything.
    except Exception as error:
        return f"cannot be read: {type(error).__name__}: {error}"[:200]
    if values.dtype.kind not in "fiu":
        return f"is of {values.dtype}, not of real numbers"
    if not np.isfinite(values).all():
        return "has entries that are no finite numbers"
    return tuple(tuple(float(one) for one in row) for row in values)
