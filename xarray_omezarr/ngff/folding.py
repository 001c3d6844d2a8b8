"""Scales and translations one after the other, folded into one of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xarray_omezarr.ngff.exact import plus, times
from xarray_omezarr.ngff.transforms import Identity, Scale, Sequence, Translation

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation

#: (scale, translation) along one axis: physical = scale * index + translation.
Affine1D = tuple[float, float]


def is_foldable(transformation: Transformation) -> bool:
    """Whether it is made of identities, scales and translations alone."""
    if isinstance(transformation, Sequence):
        return all(map(is_foldable, transformation.transformations))
    return isinstance(transformation, Identity | Scale | Translation)


def composed(chain: Iterable[Transformation], ndim: int) -> list[Affine1D]:
    """Scale and translation per axis of transformations, first to last.

    Parameters
    ----------
    chain : iterable of Transformation
        Those for which `is_foldable`; others count as identities.
    ndim : int
        Number of axes.

    Examples
    --------
    >>> moved = Translation(translation=(0.1, 0.0))
    >>> composed([Scale(scale=(0.1, 2)), moved, Scale(scale=(3, 1))], 2)
    [(0.3, 0.3), (2.0, 0.0)]
    """
    numbers: list[Affine1D] = [(1.0, 0.0)] * ndim
    for transformation in _flat(chain):
        if isinstance(transformation, Scale):
            pairs = zip(numbers, transformation.scale, strict=True)
            numbers = [(times(s, by), times(t, by)) for (s, t), by in pairs]
        elif isinstance(transformation, Translation):
            moves = zip(numbers, transformation.translation, strict=True)
            numbers = [(s, plus(t, by)) for (s, t), by in moves]
    return numbers


def _flat(chain: Iterable[Transformation]) -> Iterable[Transformation]:
    for transformation in chain:
        if isinstance(transformation, Sequence):
            yield from _flat(transformation.transformations)
        elif not isinstance(transformation, Identity):
            yield transformation
