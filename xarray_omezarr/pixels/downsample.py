"""One coarser block from a block: the door to all methods of downsampling."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.errors import DataTypeError, OptionError
from xarray_omezarr.pixels.bins import Block, coarse_shape, parts
from xarray_omezarr.pixels.methods import (
    KERNELS,
    NEAREST,
    CustomMethod,
    Kernel,
    Method,
    check_method,
    method_name,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

# Kinds of numpy types that can be averaged and compared.
_NUMBERS = "biuf"


def downsample(block: Block, factors: Sequence[int], method: Method) -> Block:
    """Make one pixel of every bin of ``factors`` pixels.

    The result depends on each bin alone: blocks cut from an array at multiples of
    the factors give, bit for bit, the same pixels as the whole array.

    Parameters
    ----------
    block : numpy.ndarray
        Pixels, in any memory layout and byte order; it is not changed.
    factors : tuple of int
        Pixels of a bin along each axis of `block`, in the order of its axes.
    method : str or callable
        ``"mean"`` (also called ``"local_mean"``): integers round half to even,
        booleans follow the majority, True where both are equal.
        ``"median"``: likewise, of the two in the middle if the number is even.
        ``"mode"``: the most frequent value; of equals the smallest that is not
        zero.
        ``"max"`` and ``"min"``: as they say.
        ``"nearest"``: the first pixel of the bin.
        A function gets the block, its last pixels repeated up to whole bins, and
        the factors; floats it returns for integers are rounded half to even and
        clipped.

    Returns
    -------
    numpy.ndarray
        C-contiguous, of the type and byte order of `block`. Sizes are rounded up:
        a partial bin at the far border counts with the pixels it has. All but
        ``"nearest"`` skip NaN; a bin of nothing else gives NaN. Where every factor
        is 1, this may be `block` itself.

    Raises
    ------
    OptionError
        For impossible factors, unknown methods, and functions whose result does
        not fit.
    DataTypeError
        For pixels that are not numbers, unless the method is ``"nearest"``.

    Examples
    --------
    >>> block = np.array([[1, 2, 7], [4, 3, 8]], dtype=np.uint8)
    >>> downsample(block, (2, 2), "mean")
    array([[2, 8]], dtype=uint8)
    >>> downsample(block, (1, 2), "max")
    array([[2, 7],
           [4, 8]], dtype=uint8)
    """
    check_method(method)
    sizes = _checked_factors(factors, block.ndim)
    if all(size == 1 for size in sizes):
        return np.asarray(block, order="C")
    if not isinstance(method, str):
        return _by_function(block, sizes, method)
    if method == NEAREST:
        return np.array(block[tuple(slice(None, None, f) for f in sizes)], order="C")
    if block.dtype.kind not in _NUMBERS:
        raise DataTypeError(
            f"Method {method!r} needs pixels that are booleans, integers or floats, "
            f"not {block.dtype}; use method='nearest'"
        )
    return _by_kernel(block, sizes, KERNELS[method])


def _checked_factors(factors: Sequence[int], ndim: int) -> tuple[int, ...]:
    if len(factors) != ndim:
        raise OptionError(
            f"Factors {tuple(factors)} are {len(factors)} for a block of {ndim} "
            "dimensions: give one per dimension"
        )
    return tuple(_checked_factor(factor, axis) for axis, factor in enumerate(factors))


def _checked_factor(factor: int, axis: int) -> int:
    try:
        whole = operator.index(factor)
    except TypeError:
        whole = 0
    if whole < 1:
        raise OptionError(
            f"Factor of axis {axis} is {factor!r}: give an integer of at least 1"
        )
    return whole


def _by_kernel(block: Block, factors: tuple[int, ...], kernel: Kernel) -> Block:
    coarse = np.empty(coarse_shape(block.shape, factors), dtype=block.dtype)
    native = block.dtype.newbyteorder("=")
    if native == np.float16:
        # Single precision holds every half float and is compared ten times faster.
        native = np.dtype(np.float32)
    # Infinities and NaN are pixels like others here, not accidents of arithmetic.
    with np.errstate(all="ignore"):
        for part in parts(block.shape, factors, block.dtype.itemsize):
            pixels = np.asarray(block[part.inside], dtype=native)
            alone = math.prod(part.sizes) == 1
            coarse[part.outside] = pixels if alone else kernel(pixels, part.sizes)
    return coarse


def _by_function(
    block: Block, factors: tuple[int, ...], function: CustomMethod
) -> Block:
    missing = [(0, -n % f) for n, f in zip(block.shape, factors, strict=True)]
    # np.pad of nothing would copy the whole block.
    padded = np.pad(block, missing, mode="edge") if any(map(any, missing)) else block
    result = np.asarray(function(padded, factors))
    expected = coarse_shape(block.shape, factors)
    if result.shape != expected:
        raise OptionError(
            f"Method {method_name(function)!r} returned the shape {result.shape} for "
            f"a block of shape {padded.shape} and factors {factors}: "
            f"it must return {expected}"
        )
    return np.ascontiguousarray(_cast(result, block.dtype, function))


def _cast(result: Block, dtype: np.dtype[Any], function: CustomMethod) -> Block:
    """Give the result of a function the type of the pixels it was made from."""
    if result.dtype == dtype:
        return result
    if dtype.kind not in _NUMBERS or result.dtype.kind not in _NUMBERS:
        raise OptionError(
            f"Method {method_name(function)!r} returned {result.dtype} for pixels "
            f"of type {dtype}: it must return {dtype}"
        )
    if dtype.kind != "f" and result.dtype.kind == "f":
        if np.isnan(result).any():
            raise OptionError(
                f"Method {method_name(function)!r} returned NaN for pixels of type "
                f"{dtype}, which cannot hold it: return a number for every pixel"
            )
        whole = result >= 0.5 if dtype.kind == "b" else np.rint(result)
        # In double precision: half floats have no room for the limits of integers.
        result = whole.astype(np.float64)
    if dtype.kind in "iu":
        return _clip(result, dtype)
    with np.errstate(all="ignore"):
        return result.astype(dtype)


def _clip(whole: Block, dtype: np.dtype[Any]) -> Block:
    """Cast whole numbers to an integer type; its limits stand for what is beyond."""
    info = np.iinfo(dtype)
    low, high = whole <= info.min, whole >= info.max
    # Only what lies between is cast: a float of 2**63 would not survive it, and as
    # a float the limit of int64 is 2**63, so np.clip would let it pass.
    clipped = np.where(low | high, 0, whole).astype(dtype)
    clipped[low] = info.min
    clipped[high] = info.max
    return clipped
