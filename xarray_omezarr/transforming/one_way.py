"""Transformations that cannot be walked backwards, told without computing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff.matrices import determinant
from xarray_omezarr.ngff.transforms import (
    Affine,
    Bijection,
    ByDimension,
    Coordinates,
    Displacements,
    ProjectAxis,
    Scale,
    Sequence,
)
from xarray_omezarr.transforming.parameters import refuse_unknown

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays


def parts_of(transformation: Transformation) -> Iterator[Transformation]:
    """The transformation and those in it; of a bijection, those of its way forward.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Identity
    >>> whole = Sequence(transformations=(Identity(), Scale(scale=(2,))))
    >>> [part.type for part in parts_of(whole)]
    ['sequence', 'identity', 'scale']
    """
    yield transformation
    if isinstance(transformation, Bijection):
        yield from parts_of(transformation.forward)
    elif isinstance(transformation, Sequence):
        for part in transformation.transformations:
            yield from parts_of(part)
    elif isinstance(transformation, ByDimension):
        for entry in transformation.transformations:
            yield from parts_of(entry.transformation)


def not_known(transformation: Transformation) -> str | None:
    """Why it is not known what a transformation does; None if it is."""
    for part in parts_of(transformation):
        try:
            refuse_unknown(part)
        except TransformationError as error:
            return str(error)
    return None


def without_inverse(transformation: Transformation, arrays: Arrays) -> str | None:
    """Why a transformation surely has no inverse; None where that is to be tried.

    Stored matrices are not read for this.
    """
    if isinstance(transformation, Bijection):
        return None
    if isinstance(transformation, Sequence | ByDimension):
        return _field_in(transformation)
    if isinstance(transformation, Displacements | Coordinates):
        return _field_in(transformation)
    if isinstance(transformation, ProjectAxis):
        return "it drops or makes axes"
    if isinstance(transformation, Scale) and 0 in transformation.scale:
        return f"its scale {list(transformation.scale)} has a 0"
    if isinstance(transformation, Affine):
        return _of_matrix(transformation, arrays)
    return None


def is_to_be_tried(transformation: Transformation) -> bool:
    """Whether its numbers, which stand in it, have to tell if it has an inverse.

    Of a stored matrix it is taken for granted, as it would have to be read.
    """
    if isinstance(transformation, Bijection) or _is_stored(transformation):
        return False
    if isinstance(transformation, Affine):
        return not _is_regular(transformation)
    if isinstance(transformation, Sequence):
        return any(map(_may_need_others, transformation.transformations))
    # One may take an axis twice.
    return isinstance(transformation, ByDimension)


def _is_stored(transformation: Transformation) -> bool:
    return any(
        isinstance(part, Affine) and part.path is not None
        for part in parts_of(transformation)
    )


def _may_need_others(part: Transformation) -> bool:
    # Axes that one part of a sequence makes another one may drop.
    if isinstance(part, ProjectAxis):
        return True
    if isinstance(part, Scale):
        return 0 in part.scale
    return is_to_be_tried(part)


def _is_regular(affine: Affine) -> bool:
    """Whether a matrix has an inverse for sure, rounding included."""
    rows = [row[:-1] for row in affine.affine or ()]
    if any(len(row) != len(rows) for row in rows):
        return False
    largest = math.prod(math.hypot(*row) for row in rows)
    return abs(determinant(rows)) > 1e-9 * largest


def _field_in(transformation: Transformation) -> str | None:
    # Parts without an inverse may have one together, but for fields.
    if isinstance(transformation, Displacements | Coordinates):
        return "the way back through a field has no closed form"
    if isinstance(transformation, Sequence):
        found = map(_field_in, transformation.transformations)
        return next((reason for reason in found if reason), None)
    if isinstance(transformation, ByDimension):
        entries = transformation.transformations
        reasons = (_field_in(entry.transformation) for entry in entries)
        return next((reason for reason in reasons if reason), None)
    return None


def _of_matrix(affine: Affine, arrays: Arrays) -> str | None:
    if affine.affine is not None:
        size: tuple[int, ...] = (len(affine.affine), len(affine.affine[0]))
    else:
        size = getattr(arrays.get(affine.path or ""), "shape", ())
    if len(size) == 2 and size[0] != size[1] - 1:
        return f"it leads from {size[1] - 1} axes to {size[0]}"
    return None
