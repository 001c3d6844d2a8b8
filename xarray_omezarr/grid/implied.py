"""Where levels lie in versions that do not say it: the sizes of their arrays tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from xarray_omezarr.ngff.multiscale import Image, Level
from xarray_omezarr.pixels.methods import KERNELS, METHODS, NEAREST, position

if TYPE_CHECKING:
    from xarray_omezarr.ngff.multiscale import Multiscale

M = TypeVar("M", bound=Image)

#: Number of pixels by axis, of arrays by path.
Sizes: TypeAlias = Mapping[str, Mapping[str, int]]

#: What `metadata.method` says in images written here.
OURS = "xarray_omezarr.pixels.downsample"
# Programs agree on what these mean, but not on the filters.
_PLAIN = (*KERNELS, NEAREST)
# What other programs call methods that make the same pixels, at most one grey value
# apart where they round otherwise.
_OF_OTHERS = {"itkwasm_bin_shrink": "mean", "itk_bin_shrink": "mean"}


def told_method(multiscale: Multiscale) -> str | None:
    """The method that the metadata tell; None if they tell none that is known."""
    about = multiscale.metadata if isinstance(multiscale.metadata, Mapping) else {}
    kwargs = about.get("kwargs")
    if about.get("method") == OURS:
        told = kwargs.get("method") if isinstance(kwargs, Mapping) else None
        return told if told in METHODS else None
    told = _OF_OTHERS.get(str(multiscale.type), multiscale.type)
    # A program that names its own function may round or cut in a way of its own.
    is_known = told in _PLAIN and ("method" not in about or told != multiscale.type)
    return told if is_known else None


def placed(image: M, sizes: Sizes) -> M:
    """The image with its levels where the sizes of their arrays say that they lie.

    The finest level has the scale 1 and begins at 0. A coarser one has a whole factor
    wherever one explains its size, and begins in the middle of its first block, or at
    its first pixel where the method says that pixels were picked.

    Parameters
    ----------
    image : Image
        Of a version without transformations.
    sizes : mapping
        Number of pixels by axis, of the levels by path. Pictures of which a level is
        missing stay as they are; a dim that an array lacks counts as one pixel.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Axis, Multiscale
    >>> axes = [Axis(name="y", type="space"), Axis(name="x", type="space")]
    >>> levels = [Level.of("0", (1, 1)), Level.of("1", (1, 1))]
    >>> image = Image(multiscales=(Multiscale.of(axes, levels),))
    >>> found = placed(image, {"0": {"y": 5, "x": 8}, "1": {"y": 2, "x": 4}})
    >>> found.multiscale.levels[1].scale, found.multiscale.levels[1].translation
    ((2.0, 2.0), (0.5, 0.5))
    """
    pictures = tuple(_placed(entry, sizes) for entry in image.multiscales)
    if pictures == image.multiscales:
        return image
    return image.model_copy(update={"multiscales": pictures})


def _placed(multiscale: Multiscale, sizes: Sizes) -> Multiscale:
    if not all(level.path in sizes for level in multiscale.levels):
        return multiscale
    if any({*(level.scale or ()), 1.0} != {1.0} for level in multiscale.levels):
        # Of a later version than what it lies in, such as labels that joined later.
        return multiscale
    method = told_method(multiscale)
    is_centre = method is None or position(method) == "centre"
    factors = implied_factors(multiscale, sizes)
    levels = tuple(
        _at(level, scale, is_centre)
        for level, scale in zip(multiscale.levels, factors, strict=True)
    )
    return multiscale.model_copy(update={"levels": levels})


def _at(level: Level, scale: Sequence[float], is_centre: bool) -> Level:
    translation = [(factor - 1) / 2 if is_centre else 0.0 for factor in scale]
    made = Level.of(level.path, scale, translation)
    return level.model_copy(update={"transformation": made.transformation})


def implied_factors(multiscale: Multiscale, sizes: Sizes) -> list[tuple[float, ...]]:
    """Pixels of level 0 per pixel of each level, by axis."""
    names = [axis.name for axis in multiscale.axes]
    shapes = [
        tuple(sizes[level.path].get(name, 1) for name in names)
        for level in multiscale.levels
    ]
    finest = shapes[0]
    found = [(1.0,) * len(names)]
    for before, shape in pairwise(shapes):
        found.append(_factors(finest, shape, before, found[-1]))
    return found


def _factors(
    finest: Sequence[int],
    shape: Sequence[int],
    before: Sequence[int],
    known: Sequence[float],
) -> tuple[float, ...]:
    """The factors of one level; those of the level before it are known."""
    smaller = [at for at, size in enumerate(shape) if size != before[at]]
    # The largest axis tells best, as only one factor explains its size.
    usual = 1.0
    if smaller:
        main = max(smaller, key=lambda at: finest[at])
        usual = _factor(finest[main], shape[main])
    return tuple(
        known[at]
        if at not in smaller
        else usual
        if _explains(usual, finest[at], size)
        else _factor(finest[at], size)
        for at, size in enumerate(shape)
    )


def _factor(fine: int, size: int) -> float:
    if size < 1:
        return 1.0
    nearest = float(max(round(fine / size), 1))
    return nearest if _explains(nearest, fine, size) else fine / size


def _explains(factor: float, fine: int, size: int) -> bool:
    whole = int(factor)
    return whole == factor and size in (fine // whole, -(-fine // whole))
