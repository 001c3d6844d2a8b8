"""Fields: the vectors of an image at any position, read where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import TransformationError

if TYPE_CHECKING:
    from xarray_omezarr.transforming.stored import Field

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int64]
#: First pixel of a box along each axis, and the one after its last.
Box: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]

#: Bytes of a field that are in memory at a time.
TILE_BYTES = 32 * 2**20
# Boxes this small are read whole, however few of their pixels are asked for: more
# requests would take longer than more bytes.
_SMALL_BYTES = 2**20
# Larger boxes are read whole where one pixel in so many is asked for.
_SPARSE = 64
# Points whose neighbours are gathered at a time.
_BLOCK = 2**16


def sample(
    field: Field,
    points: NDArray[Any],
    interpolation: str | None = None,
    *,
    components: int | None = None,
) -> Floats:
    """Vectors of a field at positions, interpolated per component.

    Parameters
    ----------
    field : Field
        Its scale and translation tell the positions of the centres of its pixels.
        Only the pixels around the points are read, some 32 MiB of them at a time.
    points : array of shape (n, N)
        Positions, in the order and units of the axes of the system that the
        transformation starts from; N is the number of dims of the field without that
        of the components.
    interpolation : {"linear", "nearest"}, optional
        ``"linear"`` (also if None) is multilinear between the centres of pixels.
        ``"nearest"`` takes the pixel whose centre is nearest, and half way between two
        the one with the higher index.
    components : int, optional
        How many entries a vector must have; any number if not given.

    Returns
    -------
    array of shape (n, C)
        In float64, C the number of components. Between the centre of a pixel at the
        border and its outer edge, half a pixel further, the value of the border holds.
        Beyond the edge, and where a position is NaN, all components are NaN: nothing
        is known there.

    Raises
    ------
    TransformationError
        For another interpolation, and where the field does not fit the points.

    Examples
    --------
    >>> import numpy as np
    >>> from xarray_omezarr.transforming.stored import Field
    >>> vectors = np.array([[0.0, 10.0, 20.0]])  # one component, then x
    >>> field = Field(vectors, component=0, scale=(0.5,), translation=(4.0,))
    >>> points = np.array([[4.0], [4.25], [5.2], [5.3]])
    >>> sample(field, points).ravel()
    array([ 0.,  5., 20., nan])
    >>> sample(field, points, "nearest").ravel()
    array([ 0., 10., 20., nan])
    """
    lattice = _Lattice(field, nearest=_is_nearest(interpolation))
    points = np.asarray(points, dtype=np.float64)
    _check(field, points, components)
    result = np.full((len(points), field.vectors.shape[field.component]), np.nan)
    cells = _Cells.of(points, lattice)
    for chosen, box in _boxes(field, cells):
        pixels = _read(field, box)
        for part in _blocks(chosen):
            at = cells.where[part]
            result[at] = _interpolated(pixels, points[at], lattice, box)
    return result


def sizes(field: Field) -> tuple[int, ...]:
    """Numbers of pixels of a field along the axes of positions."""
    shape = field.vectors.shape
    return (*shape[: field.component], *shape[field.component + 1 :])


def _is_nearest(interpolation: str | None) -> bool:
    if interpolation not in (None, "linear", "nearest"):
        raise TransformationError(
            f"Interpolation {interpolation!r} of a field cannot be computed here: set "
            "interpolation to 'linear' or 'nearest', and for a smoother one resample "
            "the field onto a finer grid first"
        )
    return interpolation == "nearest"


def _check(field: Field, points: Floats, components: int | None) -> None:
    shape, axes = field.vectors.shape, len(field.vectors.shape) - 1
    if not 0 <= field.component <= axes:
        raise TransformationError(
            f"A field of shape {shape} has its components along dim "
            f"{field.component}: give one of 0 to {axes}"
        )
    if not len(field.scale) == len(field.translation) == axes:
        raise TransformationError(
            f"A field of shape {shape} has {axes} dims beside its components, but "
            f"scale {field.scale} and translation {field.translation}: give one entry "
            "for each"
        )
    if not all(np.isfinite(field.scale)) or 0 in field.scale:
        raise TransformationError(
            f"A field has the scale {field.scale}: no position tells a pixel; give "
            "the distance between its pixels, which is not 0"
        )
    if points.ndim != 2 or points.shape[1] != axes:
        raise TransformationError(
            f"Points of shape {points.shape} do not fit a field of shape {shape}, "
            f"which has {axes} axes: give an array of shape (n, {axes})"
        )
    if field.vectors.dtype.kind not in "iuf":
        raise TransformationError(
            f"A field has vectors of type {field.vectors.dtype}: give real numbers"
        )
    found = shape[field.component]
    if components not in (None, found):
        raise TransformationError(
            f"A field of shape {shape} has vectors of {found} entries, and "
            f"{components} are needed, one per axis: give as many along dim "
            f"{field.component}"
        )


@dataclass(frozen=True, slots=True)
class _Lattice:
    """Which pixels lie about a position, and how much each of them counts."""

    field: Field
    nearest: bool

    def indices(self, points: Floats) -> tuple[Floats, Floats]:
        """Indices with fractions, and how far each may be off by rounding.

        A position that is spelled 0.35 lies half way between pixels that are 0.1
        apart, and 0.35 / 0.1 is a little less than 3.5.
        """
        scale, translation = map(np.asarray, (self.field.scale, self.field.translation))
        # What is too far away for a number is outside.
        with np.errstate(over="ignore"):
            indices = (points - translation) / scale
            largest = np.maximum(np.abs(points), np.abs(translation)) / np.abs(scale)
        rounding = 4 * np.finfo(np.float64).eps * np.maximum(largest, 1)
        # Where positions tell no pixels apart any more, none is chosen by this.
        return indices, np.minimum(rounding, 1e-3)

    def inside(self, points: Floats) -> NDArray[np.bool_]:
        """Which points are no further out than half a pixel, of shape (n,)."""
        indices, rounding = self.indices(points)
        edge = np.asarray(sizes(self.field)) - 0.5
        # NaN is not inside, as it compares with nothing.
        near = (indices >= -0.5 - rounding) & (indices <= edge + rounding)
        return np.asarray(near.all(axis=1))

    def neighbours(self, points: Floats) -> tuple[Indices, Floats]:
        """First pixel about each point inside, and how much the ones after it count.

        Both of shape (n, N). The share is 0 where the first pixel has the value, and
        then there need not be one after it.
        """
        indices, rounding = self.indices(points)
        last = np.asarray(sizes(self.field)) - 1
        if self.nearest:
            lower = np.floor(indices + 0.5 + rounding).astype(np.int64)
            return np.clip(lower, 0, last), np.zeros(indices.shape)
        np.clip(indices, 0, last, out=indices)
        whole = np.rint(indices)
        # Centres of pixels have the value of the pixel, whatever lies beside it.
        indices = np.where(np.abs(indices - whole) <= rounding, whole, indices)
        lower = np.floor(indices).astype(np.int64)
        return lower, indices - lower


@dataclass(frozen=True, slots=True)
class _Cells:
    """The pixels about all points that are inside.

    Shares are not kept: there may be more points than there is room for them.
    """

    #: Indices of the points, of shape (k,).
    where: Indices
    #: First pixels, of shape (k, N), and whether the ones after them count.
    lower: NDArray[Any]
    reaches: NDArray[np.bool_]

    @classmethod
    def of(cls, points: Floats, lattice: _Lattice) -> _Cells:
        """The cells of points of shape (n, N)."""
        everything = np.arange(len(points))
        inside = [lattice.inside(points[part]) for part in _blocks(everything)]
        where = everything[np.concatenate([np.empty(0, bool), *inside])]
        small = max(sizes(lattice.field), default=0) < 2**31
        lower = np.empty((len(where), points.shape[1]), "int32" if small else "int64")
        reaches = np.empty(lower.shape, bool)
        for part in _blocks(np.arange(len(where))):
            first, share = lattice.neighbours(points[where[part]])
            lower[part], reaches[part] = first, share > 0
        return cls(where, lower, reaches)


def _blocks(indices: Indices) -> Iterator[Indices]:
    """Indices, some at a time."""
    for start in range(0, len(indices), _BLOCK):
        yield indices[start : start + _BLOCK]


def _boxes(field: Field, cells: _Cells) -> Iterator[tuple[Indices, Box]]:
    """Points that are near each other, and the box of pixels about them.

    Boxes are halved until they fit into memory and are worth reading whole; so empty
    parts of a field are never read.
    """
    pixel = field.vectors.shape[field.component] * field.vectors.dtype.itemsize
    chunks = _chunks(field)
    stack = [np.arange(len(cells.lower))] if len(cells.lower) else []
    while stack:
        chosen = stack.pop()
        lower = cells.lower[chosen]
        start = tuple(lower.min(axis=0).tolist())
        reach = (lower + cells.reaches[chosen]).max(axis=0)
        stop = tuple(index + 1 for index in reach.tolist())
        # Python's integers: the number of pixels may be beyond 64 bits.
        count = prod(b - a for a, b in zip(start, stop, strict=True))
        large = count * pixel > TILE_BYTES
        sparse = count > _SPARSE * chosen.size and count * pixel > _SMALL_BYTES
        last = tuple(lower.max(axis=0).tolist())
        cut = _cut(start, last, chunks) if large or sparse else None
        if cut is None:
            yield chosen, (start, stop)
            continue
        axis, position = cut
        left = lower[:, axis] < position
        stack += [chosen[~left], chosen[left]]


def _cut(
    start: tuple[int, ...], last: tuple[int, ...], chunks: tuple[int, ...]
) -> tuple[int, int] | None:
    """Axis and index at which a box is halved: between chunks, across its length.

    None where all points are in one chunk: it is decoded whole for any part of it.
    """
    cells = [b // c - a // c for a, b, c in zip(start, last, chunks, strict=True)]
    axis = max(range(len(cells)), key=lambda i: (cells[i] > 0) * (last[i] - start[i]))
    if not cells[axis]:
        return None
    first = start[axis] // chunks[axis]
    return axis, (first + (cells[axis] + 1) // 2) * chunks[axis]


def _chunks(field: Field) -> tuple[int, ...]:
    """Sizes of chunks along the axes of positions; 1 where they are not known."""
    told: Any = getattr(field.vectors, "chunks", None)
    if not isinstance(told, tuple) or len(told) != len(field.vectors.shape):
        return (1,) * len(sizes(field))
    # dask tells each of them along a dim.
    first = [size[0] if isinstance(size, tuple) and size else size for size in told]
    del first[field.component]
    return tuple(max(size, 1) if isinstance(size, int) else 1 for size in first)


def _read(field: Field, box: Box) -> NDArray[Any]:
    """Pixels of a box, one after the other: of shape (pixels, components)."""
    slices = [slice(a, b) for a, b in zip(*box, strict=True)]
    slices.insert(field.component, slice(None))
    pixels = np.asarray(field.vectors[tuple(slices)])
    # The entries of a vector beside each other, as they are needed together; in place,
    # as what takes some of an array that is strewn copies all of it each time.
    vectors = np.ascontiguousarray(np.moveaxis(pixels, field.component, -1))
    return vectors.reshape(-1, vectors.shape[-1])


def _interpolated(
    pixels: NDArray[Any], points: Floats, lattice: _Lattice, box: Box
) -> Floats:
    """Vectors at points inside a box, of shape (points, components)."""
    shape = [b - a for a, b in zip(*box, strict=True)]
    steps = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    lower, share = lattice.neighbours(points)
    first = (lower - box[0]) @ np.array(steps)
    if lattice.nearest:
        return np.asarray(pixels.take(first, axis=0), dtype=np.float64)
    further = (share > 0) * np.array(steps)
    result = np.zeros((len(points), pixels.shape[-1]))
    for sides in product((False, True), repeat=len(shape)):
        weight, index = np.ones(len(points)), first
        for axis, side in enumerate(sides):
            weight = weight * (share[:, axis] if side else 1 - share[:, axis])
            index = index + further[:, axis] if side else index
        values = pixels.take(index, axis=0).astype(np.float64)
        if not weight.all():
            # NaN times 0 is NaN, and pixels without weight do not count.
            values[weight == 0] = 0
        result += weight[:, np.newaxis] * values
    return result
