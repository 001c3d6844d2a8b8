"""Blocks as their source gives them -> arrays of numpy that are what was promised.

Lazy arrays promise a type and a shape before anything is computed, and what their
functions give may be something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.errors import DataTypeError, LayoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_NUMBERS = "biuf"


def dense(values: Any) -> NDArray[Any]:
    """The array of numpy that a block of any library stands for.

    Parameters
    ----------
    values : array
        Of numpy, or sparse, on a graphics card, or whatever numpy can read. Masked
        pixels stay masked.

    Raises
    ------
    DataTypeError
        For what numpy cannot read.
    """
    if type(values) is np.ndarray or isinstance(values, np.ma.MaskedArray):
        return values
    try:
        # These refuse to be copied unless they are told to.
        if hasattr(values, "__cuda_array_interface__") and hasattr(values, "get"):
            values = values.get()
        elif hasattr(values, "todense"):
            values = values.todense()
        return np.asarray(values)
    except (TypeError, RuntimeError, ValueError) as error:
        raise DataTypeError(
            f"Pixels are a {type(values).__module__}.{type(values).__qualname__}, "
            f"which numpy cannot read ({error}); convert them to a numpy array first"
        ) from error


def as_promised(
    values: Any, dtype: np.dtype[Any], shape: Sequence[int]
) -> NDArray[Any]:
    """A block in the type and shape that its source promised.

    Parameters
    ----------
    values : array
        As for `dense`.
    dtype : numpy.dtype
        Booleans, integers or floats in native byte order.
    shape : sequence of int
        Pixels along each axis.

    Returns
    -------
    numpy.ndarray
        Not copied where it has the type. Numbers of other types are cast where they
        keep their values, floats up to rounding. Masked pixels become NaN.

    Raises
    ------
    DataTypeError
        For values that the type cannot hold, and for masked integers.
    LayoutError
        For another shape.

    Examples
    --------
    >>> as_promised(np.array([1.0, 2.0]), np.dtype("u1"), (2,))
    array([1, 2], dtype=uint8)
    """
    block = _without_mask(dense(values), dtype)
    if block.shape != tuple(shape):
        raise LayoutError(
            f"A block of the pixels has shape {block.shape} where its source promised "
            f"{tuple(shape)}; correct what computes it, or tell its chunks= truly"
        )
    return _cast(block, dtype)


def _without_mask(block: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if not isinstance(block, np.ma.MaskedArray):
        return block
    if not np.ma.is_masked(block):
        return np.asarray(block.data)
    if dtype.kind != "f" or block.dtype.kind != "f":
        raise DataTypeError(
            f"Some pixels are masked, and {dtype} has no value that says so; choose "
            "one with .filled(), or convert the pixels to floats, where it is NaN"
        )
    return np.asarray(block.filled(np.nan))


def _cast(block: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if block.dtype.kind in _NUMBERS and np.can_cast(block.dtype, dtype, "safe"):
        return block.astype(dtype, copy=False)
    if block.dtype.kind in _NUMBERS:
        with np.errstate(all="ignore"):
            made = block.astype(dtype)
        if _is_kept(block, made):
            return made
    raise DataTypeError(
        f"A block of the pixels is {block.dtype} where its source promised {dtype}, "
        "which cannot hold its values; convert it with .astype() where it is computed, "
        "or tell its type truly (dtype=, meta=, output_dtypes=)"
    )


def _is_kept(block: NDArray[Any], made: NDArray[Any]) -> bool:
    """Whether a cast has changed no value, except that floats are rounded."""
    if made.dtype.kind == "f":
        return bool((np.isfinite(made) | ~np.isfinite(block)).all())
    if block.dtype.kind == "f" and made.dtype.kind in "iu":
        # What lies beyond the limits is cast to anything, even to the limit itself.
        info = np.iinfo(made.dtype)
        low, beyond = float(info.min), 2.0 ** (info.bits - (made.dtype.kind == "i"))
        if not ((block >= low) & (block < beyond)).all():
            return False
    return bool((made == block).all())
