"""One coarser block from a block: the door to all methods of downsampling."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.errors import OptionError
from xarray_omezarr.pixels.bins import Block, coarse_shape, parts
from xarray_omezarr.pixels.casting import to_pixels
from xarray_omezarr.pixels.filters import FILTERS
from xarray_omezarr.pixels.methods import (
    KERNELS,
    NEAREST,
    NUMBERS,
    CustomMethod,
    Kernel,
    Method,
    check_method,
    check_method_for,
    method_name,
    overlap,
)
from xarray_omezarr.pixels.smooth import smooth

if TYPE_CHECKING:
    from collections.abc import Sequence


def downsample(block: Block, factors: Sequence[int], method: Method) -> Block:
    """Make one pixel of every bin of ``factors`` pixels.

    The result depends on each bin alone: blocks cut from an array at multiples of
    the factors give, bit for bit, the same pixels as the whole array. Not so for
    ``"resize"``, ``"zoom"``, ``"gaussian"`` and ``"laplacian"``: they look at the
    pixels around the bin, and take `block` for the whole array. For blocks of an
    array there is `downsample_within`.

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
        ``"resize"``: `skimage.transform.resize`, bilinear and anti-aliased.
        ``"gaussian"``: `skimage.transform.pyramid_reduce`, which smooths more.
        ``"zoom"``: `scipy.ndimage.zoom` with ``grid_mode=True``, cubic splines; not
        anti-aliased.
        ``"laplacian"``: the band-pass of `skimage.transform.pyramid_laplacian`, what
        ``"gaussian"`` makes less the same smoothed once more.
        These four need the extra ``resize``. Axes of factor 1 are left alone; the
        last pixels are repeated up to whole bins, and at its borders the array is
        reflected. Sums are made in double precision and rounded half to even and
        clipped for integers; booleans are True from a half on.
        A function gets the block, its last pixels repeated up to whole bins, and
        the factors; floats it returns for integers are rounded half to even and
        clipped.

    Returns
    -------
    numpy.ndarray
        C-contiguous, of the type and byte order of `block`. Sizes are rounded up:
        a partial bin at the far border counts with the pixels it has. All but
        ``"nearest"`` skip NaN; a bin of nothing else gives NaN. An infinity reaches
        as far as the weights do, but for ``"zoom"``: where an infinity or NaN is in
        reach, a pixel is the mean of its bin. Where every factor is 1, this may be
        `block` itself.

    Raises
    ------
    OptionError
        For impossible factors, unknown methods, and functions whose result does
        not fit.
    DataTypeError
        For pixels that are not numbers, unless the method is ``"nearest"``; for a
        ``"laplacian"`` of booleans or unsigned integers.
    MissingDependencyError
        Without the extra that the method needs.

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
    check_method_for(method, block.dtype)
    if method in FILTERS:
        nothing = (0,) * block.ndim
        return smooth(block, sizes, method, nothing, nothing)
    return _by_kernel(block, sizes, KERNELS[method])


def downsample_within(
    block: Block,
    factors: Sequence[int],
    method: Method,
    before: Sequence[int],
    after: Sequence[int],
) -> Block:
    """Make the coarse pixels of the inside of a block; no seam to its neighbours.

    Parameters
    ----------
    block : numpy.ndarray
        The inside and the pixels around it that `overlap` asks for.
    factors : tuple of int
        Pixels of a bin along each axis, in the order of the axes.
    method : str or callable
        As for `downsample`.
    before, after : tuple of int
        Pixels around the inside along each axis: as many as `overlap` says, or as
        the array has. Fewer than `overlap` tell that the array ends there.

    Returns
    -------
    numpy.ndarray
        Bit for bit what `downsample` makes of the whole array at this place.

    Raises
    ------
    OptionError
        As `downsample`, and where more surrounds the inside than the method needs
        or an inside does not start with a whole bin.

    Examples
    --------
    >>> ramp = np.arange(0.0, 80.0, 2)
    >>> overlap("resize", (2,))
    (2,)
    >>> downsample_within(ramp[8:16], (2,), "resize", (2,), (2,))
    array([21., 25.])
    """
    check_method(method)
    sizes = _checked_factors(factors, block.ndim)
    _check_surroundings(block.shape, sizes, method, before, after)
    if not (any(before) or any(after)):
        return downsample(block, factors, method)
    check_method_for(method, block.dtype)
    # Only these methods have surroundings, as was checked.
    assert isinstance(method, str)
    return smooth(block, sizes, method, before, after)


def _check_surroundings(
    shape: Sequence[int],
    factors: Sequence[int],
    method: Method,
    before: Sequence[int],
    after: Sequence[int],
) -> None:
    needed = overlap(method, factors)
    for axis, sizes in enumerate(
        zip(shape, factors, needed, before, after, strict=True)
    ):
        length, factor, most, front, back = sizes
        inside = length - front - back
        whole = front % factor == 0 and (back == 0 or inside % factor == 0)
        if not (whole and 0 <= front <= most and 0 <= back <= most and inside > 0):
            raise OptionError(
                f"A block of {length} pixels along axis {axis} has {front} before "
                f"and {back} after its inside: method {method_name(method)!r} with a "
                f"factor of {factor} takes whole bins, up to {most} pixels of them"
            )


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
    if dtype.kind not in NUMBERS or result.dtype.kind not in NUMBERS:
        raise OptionError(
            f"Method {method_name(function)!r} returned {result.dtype} for pixels "
            f"of type {dtype}: it must return {dtype}"
        )
    if dtype.kind != "f" and result.dtype.kind == "f" and np.isnan(result).any():
        raise OptionError(
            f"Method {method_name(function)!r} returned NaN for pixels of type "
            f"{dtype}, which cannot hold it: return a number for every pixel"
        )
    return to_pixels(result, dtype)
