"""What a transformation computes with: its numbers, and what it names by a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xarray_omezarr.errors import TransformationError, some
from xarray_omezarr.ngff.matrices import rotation_problem
from xarray_omezarr.ngff.named import named
from xarray_omezarr.ngff.transforms import UnknownTransformation
from xarray_omezarr.transforming.stored import Field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xarray_omezarr.ngff.transforms import (
        Affine,
        Coordinates,
        Displacements,
        Rotation,
        Transformation,
    )
    from xarray_omezarr.transforming.stored import Arrays, Readable, Stored

# Systems have a few axes; sizes of arrays come from files.
_MOST_ROWS = 64
# Drafts of the standard told the axes of a part of a sequence by these keys. Whoever
# passes over them moves positions along other axes than were meant.
_OF_DRAFTS = frozenset({"inputAxes", "outputAxes", "input_axes", "output_axes"})


def refuse_unknown(transformation: Transformation) -> None:
    """Raise where it is not known what a transformation does.

    Raises
    ------
    TransformationError
        If its type is none of the standard, or it tells axes as drafts of the
        standard did.
    """
    if isinstance(transformation, UnknownTransformation):
        raise TransformationError(
            f"Type {transformation.type!r} is none of the standard, and what it does "
            "to positions is not known: write it with the types of the standard"
        )
    if drafted := _drafted(transformation):
        raise TransformationError(
            f"Transformation {transformation.type!r} has {some(drafted)}, which only "
            "parts of a 'byDimension' have: make it such a part"
        )


def is_known(transformation: Transformation) -> bool:
    """Whether it is known what a transformation does; see `refuse_unknown`."""
    is_unknown = isinstance(transformation, UnknownTransformation)
    return not is_unknown and not _drafted(transformation)


def _drafted(transformation: Transformation) -> list[str]:
    return sorted(_OF_DRAFTS.intersection(transformation.model_extra or ()))


def with_matrices(
    transformation: Transformation, arrays: Arrays, *, needed: bool = False
) -> Arrays:
    """The arrays with the matrices that a transformation names read into memory.

    What is looked at several times is so read once. Arrays that are missing are left
    to those who need them, unless all are ``needed``.
    """
    wanted = {one.path: one.type for one in named(transformation) if one.is_matrix}
    read = {
        path: _stored_matrix(kind, path, arrays)
        for path, kind in wanted.items()
        if needed or path in arrays
    }
    return {**arrays, **read} if read else arrays


def matrix_of(transformation: Affine | Rotation, arrays: Arrays) -> NDArray[np.float64]:
    """The numbers of a transformation, which may be in an array.

    Parameters
    ----------
    transformation : Affine or Rotation
        With its numbers, or the path of the array with the numbers.
    arrays : mapping
        By path.

    Returns
    -------
    array of float64
        (M, N + 1) of an affine, (N, N) of a rotation.

    Raises
    ------
    TransformationError
        If the array is not there, or is no such matrix.
    """
    rows = getattr(transformation, transformation.type)
    if rows is not None:
        return np.array(rows, dtype=np.float64)
    return _stored_matrix(transformation.type, str(transformation.path), arrays)


def shape_of(transformation: Affine | Rotation, arrays: Arrays) -> tuple[int, int]:
    """The shape of what `matrix_of` gives; an array is not read for it.

    Raises
    ------
    TransformationError
        If the array is not there, or cannot be a matrix.
    """
    rows = getattr(transformation, transformation.type)
    if rows is not None:
        return len(rows), len(rows[0])
    kind, path = transformation.type, str(transformation.path)
    stored = _readable(kind, path, arrays)
    count, columns = map(int, stored.shape)
    problem = _shape_problem((count, columns), is_affine=kind == "affine")
    if problem is None and kind != "affine" and count != columns:
        problem = f"has {count} rows and {columns} columns: a rotation has as many"
    if problem:
        raise TransformationError(f"Array {path!r} of {kind!r} {problem}")
    return count, columns


def _stored_matrix(kind: str, path: str, arrays: Arrays) -> NDArray[np.float64]:
    stored = _readable(kind, path, arrays)
    if max(stored.shape, default=0) > _MOST_ROWS:
        raise TransformationError(
            f"Array {path!r} of {kind!r} has the shape {[*stored.shape]}, which is no "
            "matrix between systems of a few axes"
        )
    matrix = np.asarray(stored[...], dtype=np.float64)
    if problem := _problem(matrix, is_affine=kind == "affine"):
        raise TransformationError(f"Array {path!r} of {kind!r} {problem}")
    return matrix


def field_of(transformation: Displacements | Coordinates, arrays: Arrays) -> Field:
    """The field that a transformation names by its path.

    Raises
    ------
    TransformationError
        If it is not there, or a plain array is.
    """
    stored = _found(transformation.type, transformation.path, arrays)
    if not isinstance(stored, Field):
        raise TransformationError(
            f"Array {transformation.path!r} is a plain array, and "
            f"{transformation.type!r} needs an image with a vector per pixel, whose "
            "pixels have positions: give such a field"
        )
    return stored


def _found(kind: str, path: str, arrays: Arrays) -> Stored:
    if path not in arrays:
        known = f"there are {some(sorted(arrays))}" if arrays else "there are none"
        raise TransformationError(
            f"Transformation {kind!r} has its numbers in the array "
            f"{path!r}, which is not among the given ones ({known}): give the store "
            "that holds it, or the array by this path"
        )
    return arrays[path]


def _readable(kind: str, path: str, arrays: Arrays) -> Readable:
    """The array of a matrix, unread: a path may lead to the pixels of an image."""
    stored = _found(kind, path, arrays)
    if isinstance(stored, Field):
        raise TransformationError(
            f"Array {path!r} holds a vector per pixel, and {kind!r} needs a matrix: "
            "name the array of a matrix"
        )
    if len(stored.shape) != 2 or max(stored.shape, default=0) > _MOST:
        raise TransformationError(
            f"Array {path!r} has the shape {tuple(stored.shape)}: a matrix has two "
            f"dims and at most {_MOST} rows and columns"
        )
    if stored.dtype.kind not in "iuf":
        raise TransformationError(
            f"Array {path!r} holds {stored.dtype}: a matrix holds real numbers"
        )
    return stored


#: Rows and columns of the largest matrix that is read; images have far fewer axes.
_MOST = 1000


def _problem(matrix: NDArray[np.float64], *, is_affine: bool) -> str | None:
    if not np.isfinite(matrix).all():
        return "holds NaN or infinity: give finite numbers"
    if problem := _shape_problem(matrix.shape, is_affine=is_affine):
        return problem
    return None if is_affine else rotation_problem(matrix.tolist())


def _shape_problem(shape: tuple[int, ...], *, is_affine: bool) -> str | None:
    if 0 in shape or (is_affine and shape[1] < 2):
        return (
            f"has the shape {shape}: give one row for each output axis, with a "
            "factor for each input axis"
        )
    return None
