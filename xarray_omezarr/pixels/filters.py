"""Filters: the weights with which the methods of the extra ``resize`` add pixels.

All of them are linear, treat the axes one after the other, and treat every bin
alike. So what they do is told by one row of weights per factor, and scikit-image and
scipy are asked for it: they are shown single bright pixels. Rows of weights can be
applied to blocks, with no seam between them; calls of those packages could not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Sequence

Row: TypeAlias = NDArray[np.float64]

# The spline of `zoom` reaches infinitely far, but not even a 32-bit integer is
# changed by weights as small as these.
_NEGLIGIBLE = 1e-12


class Taps(NamedTuple):
    """The pixels that are added up to one coarse pixel along one axis.

    Parameters
    ----------
    first : int
        The first of them, counted from the first pixel of the bin: negative.
    weights : array
        One per pixel; symmetric, of sum 1.
    """

    first: int
    weights: Row

    @property
    def stop(self) -> int:
        """One past the last pixel, counted from the first of the bin."""
        return self.first + len(self.weights)


class Filter(NamedTuple):
    """What one method does with the pixels.

    Parameters
    ----------
    add : callable
        ``factor -> Taps`` of the sum that makes a coarse pixel.
    subtract : callable, optional
        ``factor -> Taps`` of another sum that is subtracted from it.
    border : {"mirror", "symmetric"}
        What lies beyond the array: its pixels in reverse, without or with the
        outermost.
    overshoots : bool
        Some weights are negative.
    """

    add: Callable[[int], Taps]
    subtract: Callable[[int], Taps] | None
    border: Literal["mirror", "symmetric"]
    overshoots: bool


def require_extra(method: str) -> None:
    """Make sure that scikit-image and scipy are there.

    Raises
    ------
    MissingDependencyError
        If one of them is not.
    """
    try:
        import scipy.ndimage  # noqa: F401
        import skimage.transform  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"Method {method!r} needs scikit-image and scipy: "
            "pip install 'xarray-omezarr[resize]'"
        ) from error


def overlap_of(method: str, factors: Sequence[int]) -> tuple[int, ...]:
    """Pixels that `method` needs around a block, along each axis."""
    return tuple(0 if f == 1 else _reach(FILTERS[method], f) for f in factors)


def _reach(method: Filter, factor: int) -> int:
    rows = [method.add(factor)]
    if method.subtract is not None:
        rows.append(method.subtract(factor))
    reach = max(max(-taps.first, taps.stop - factor) for taps in rows)
    return -(-reach // factor) * factor


def _taps(make_coarser: Callable[[Row, int], Any], factor: int, bins: int) -> Taps:
    """Weights of a linear method of the given reach, in bins."""
    size = (2 * bins + 1) * factor
    weights = np.empty(size)
    for offset in range(factor):
        impulse = np.zeros(size)
        impulse[bins * factor + offset] = 1
        # Weights far from the bright pixel are too small for doubles: no accident.
        with np.errstate(all="ignore"):
            seen = np.asarray(make_coarser(impulse, factor))
        # The bin that lies n bins after the bright pixel sees it n bins before.
        weights[offset::factor] = seen[::-1]
    kept = np.flatnonzero(np.abs(weights) > _NEGLIGIBLE)
    first, last = int(kept[0]), int(kept[-1])
    return _exact_taps(first - bins * factor, weights[first : last + 1])


def _exact_taps(first: int, weights: Row) -> Taps:
    """Taps without the last bits in which the weights are not what they should be."""
    weights = (weights + weights[::-1]) / 2
    weights /= weights.sum()
    weights.flags.writeable = False
    return Taps(first, weights)


@functools.cache
def _resized(factor: int) -> Taps:
    from skimage.transform import resize

    def make_coarser(pixels: Row, factor: int) -> Any:
        return resize(
            pixels,
            (len(pixels) // factor,),
            order=1,
            mode="reflect",
            anti_aliasing=True,
            preserve_range=True,
        )

    return _taps(make_coarser, factor, bins=4)


@functools.cache
def _zoomed(factor: int) -> Taps:
    from scipy.ndimage import zoom

    def make_coarser(pixels: Row, factor: int) -> Any:
        return zoom(pixels, 1 / factor, order=3, mode="mirror", grid_mode=True)

    return _taps(make_coarser, factor, bins=2 + 40 // factor)


@functools.cache
def _reduced(factor: int) -> Taps:
    from skimage.transform import pyramid_reduce

    def make_coarser(pixels: Row, factor: int) -> Any:
        return pyramid_reduce(pixels, downscale=factor, preserve_range=True)

    return _taps(make_coarser, factor, bins=4)


@functools.cache
def _smoothed(factor: int) -> Taps:
    """What `_reduced` makes, smoothed once more as every level of a band-pass is."""
    from skimage.filters import gaussian

    def smoothen(pixels: Row, _: int) -> Any:
        return gaussian(pixels, sigma=2 * factor / 6, preserve_range=True)

    reduced = _reduced(factor)
    smooth = _taps(smoothen, 1, bins=2 * factor + 2)
    spread = np.zeros((len(smooth.weights) - 1) * factor + 1)
    spread[::factor] = smooth.weights
    weights = np.convolve(reduced.weights, spread)
    return _exact_taps(reduced.first + smooth.first * factor, weights)


FILTERS: MappingProxyType[str, Filter] = MappingProxyType(
    {
        "resize": Filter(_resized, None, "mirror", overshoots=False),
        "zoom": Filter(_zoomed, None, "mirror", overshoots=True),
        "gaussian": Filter(_reduced, None, "symmetric", overshoots=False),
        "laplacian": Filter(_reduced, _smoothed, "symmetric", overshoots=False),
    }
)
