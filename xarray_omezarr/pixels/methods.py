"""Methods of downsampling: their names, and where the values they make stand."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from xarray_omezarr.errors import DataTypeError, OptionError
from xarray_omezarr.pixels.bins import Block
from xarray_omezarr.pixels.filters import FILTERS, overlap_of, require_extra
from xarray_omezarr.pixels.mean import mean_of_bins
from xarray_omezarr.pixels.ranks import (
    max_of_bins,
    median_of_bins,
    min_of_bins,
    mode_of_bins,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

# What a user's own method looks like: (block, factors) -> coarse block.
CustomMethod: TypeAlias = Callable[[Block, tuple[int, ...]], Any]
Method: TypeAlias = str | CustomMethod

# (part, sizes of its bins, whole and of two pixels at least) -> one value per bin.
Kernel: TypeAlias = Callable[[Block, tuple[int, ...]], Block]

KERNELS: MappingProxyType[str, Kernel] = MappingProxyType(
    {
        "mean": mean_of_bins,
        "local_mean": mean_of_bins,
        "mode": mode_of_bins,
        "max": max_of_bins,
        "min": min_of_bins,
        "median": median_of_bins,
    }
)

# The one method without a kernel: it takes pixels as they are.
NEAREST = "nearest"

METHODS: tuple[str, ...] = (*KERNELS, NEAREST, *FILTERS)

# Kinds of numpy types that can be averaged and compared.
NUMBERS = "biuf"


def check_method(method: Method) -> None:
    """Refuse what is neither the name of a method nor a function.

    Parameters
    ----------
    method : str or callable
        As the user gave it; ``"auto"`` must have been decided before.

    Raises
    ------
    OptionError
        Naming the methods there are, the most similar one first.

    Examples
    --------
    >>> check_method("mean")
    >>> check_method("meen")
    Traceback (most recent call last):
    ...
    xarray_omezarr.errors.OptionError: Unknown method 'meen', did you mean 'mean'? \
Choose 'mean', 'local_mean', 'mode', 'max', 'min', 'median', 'nearest', \
'resize', 'zoom', 'gaussian', 'laplacian' or a function (block, factors) -> block
    """
    if callable(method) or method in METHODS:
        return
    similar = difflib.get_close_matches(str(method).lower(), METHODS, n=1)
    hint = f", did you mean {similar[0]!r}?" if similar else "."
    known = ", ".join(repr(name) for name in METHODS)
    raise OptionError(
        f"Unknown method {method!r}{hint} Choose {known} or a function "
        "(block, factors) -> block"
    )


def check_method_for(method: Method, dtype: DTypeLike) -> None:
    """Refuse a method that cannot work on such pixels, or not in this environment.

    Parameters
    ----------
    method : str or callable
        As for `check_method`.
    dtype : numpy.dtype
        Of the pixels.

    Raises
    ------
    OptionError
        For an unknown method.
    DataTypeError
        For pixels that the method cannot work on.
    MissingDependencyError
        Where the method needs an extra that is not installed.

    Examples
    --------
    >>> check_method_for("mean", "uint8")
    >>> check_method_for("laplacian", "uint8")
    Traceback (most recent call last):
    ...
    xarray_omezarr.errors.DataTypeError: Method 'laplacian' makes differences, half \
of them below zero, which uint8 cannot hold: convert the pixels to floats or signed \
integers, or choose method='gaussian'
    """
    check_method(method)
    if not isinstance(method, str) or method == NEAREST:
        return
    pixels = np.dtype(dtype)
    if pixels.kind not in NUMBERS:
        raise DataTypeError(
            f"Method {method!r} needs pixels that are booleans, integers or floats, "
            f"not {pixels}; use method='nearest'"
        )
    if method == "laplacian" and pixels.kind in "bu":
        raise DataTypeError(
            f"Method {method!r} makes differences, half of them below zero, which "
            f"{pixels} cannot hold: convert the pixels to floats or signed integers, "
            "or choose method='gaussian'"
        )
    if method in FILTERS:
        require_extra(method)


def overlap(method: Method, factors: Sequence[int]) -> tuple[int, ...]:
    """Pixels around a block that `downsample_within` needs along each axis.

    Parameters
    ----------
    method : str or callable
        As for `check_method`.
    factors : sequence of int
        Pixels of a bin along each axis.

    Returns
    -------
    tuple of int
        On each side, in pixels of the finer level; multiples of the factors. None
        are needed along axes of factor 1, by functions, and by methods that look at
        each bin alone.

    Raises
    ------
    MissingDependencyError
        Where the method needs an extra that is not installed.

    Examples
    --------
    >>> overlap("mean", (1, 2, 2)), overlap("resize", (1, 2, 3))
    ((0, 0, 0), (0, 2, 3))
    """
    check_method(method)
    if not isinstance(method, str) or method not in FILTERS:
        return (0,) * len(factors)
    require_extra(method)
    return overlap_of(method, factors)


def position(method: Method) -> Literal["centre", "first"]:
    """Where the values of a coarser level stand within their bins.

    Returns
    -------
    {"centre", "first"}
        ``"first"``: on the centre of the first pixel of the bin, so that the
        translation of the finer level is kept; ``"centre"``: in the middle of the
        bin, half the difference of the two scales further.

    Examples
    --------
    >>> position("nearest"), position("mean")
    ('first', 'centre')
    """
    check_method(method)
    return "first" if method == NEAREST else "centre"


def method_name(method: Method) -> str:
    """Name for metadata: the method's own, or that of the function.

    Examples
    --------
    >>> method_name("mode"), method_name(abs)
    ('mode', 'abs')
    """
    check_method(method)
    if isinstance(method, str):
        return method
    if isinstance(method, functools.partial):
        return method_name(method.func)
    name = getattr(method, "__name__", type(method).__name__)
    return str(name)
