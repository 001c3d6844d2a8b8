"""What the engine wants to know of pixels that it is given, before it reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array
import numpy as np

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Readable


def is_in_memory(pixels: Readable) -> bool:
    """Whether a block of them is a view that costs nothing to hold."""
    return isinstance(pixels, np.ndarray) or bool(
        getattr(pixels, "is_in_memory", False)
    )


def read_as_a_whole(pixels: Readable) -> tuple[int, ...]:
    """Shape of what is read at once, however little of it is wanted.

    Of dask nothing is: it holds a chunk until all blocks have got their part.
    """
    chunks: Any = getattr(pixels, "chunks", None)
    if chunks is None or isinstance(pixels, dask.array.Array):
        return (1,) * len(pixels.shape)
    return tuple(chunks)
