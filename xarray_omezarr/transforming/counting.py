"""How many axes a transformation takes and gives, its arrays looked into."""

from __future__ import annotations

from collections.abc import Sequence as Many
from typing import TYPE_CHECKING

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff.dimensions import outputs
from xarray_omezarr.ngff.transforms import (
    Affine,
    Bijection,
    ByDimension,
    Coordinates,
    DimensionPart,
    Displacements,
    MapAxis,
    ProjectAxis,
    Rotation,
    Scale,
    Sequence,
    Transformation,
    Translation,
)
from xarray_omezarr.transforming.parameters import field_of, refuse_unknown, shape_of

if TYPE_CHECKING:
    from xarray_omezarr.transforming.stored import Arrays


def inputs_of(transformation: Transformation, arrays: Arrays) -> int | None:
    """Number of axes that a transformation takes; None where it does not tell.

    A byDimension counts as of the axes that it names. Arrays that are not there tell
    nothing.
    """
    match transformation:
        case Scale(scale=numbers) | Translation(translation=numbers):
            return len(numbers)
        case MapAxis(map_axis=order):
            return len(order)
        case Affine() | Rotation():
            return _matrix_inputs(transformation, arrays)
        case Displacements(path=path) | Coordinates(path=path) if path in arrays:
            return len(field_of(transformation, arrays).scale)
        case ByDimension(transformations=parts):
            return 1 + max(axis for part in parts for axis in part.input_axes)
        case Bijection(forward=forward):
            return inputs_of(forward, arrays)
        case Sequence(transformations=parts):
            return chain_inputs(parts, arrays)
    return None


def _matrix_inputs(transformation: Affine | Rotation, arrays: Arrays) -> int | None:
    if transformation.path is not None and transformation.path not in arrays:
        return None
    columns = shape_of(transformation, arrays)[1]
    return columns - 1 if isinstance(transformation, Affine) else columns


def chain_inputs(parts: Many[Transformation], arrays: Arrays) -> int | None:
    """Number of axes that transformations take, the first one applied first."""
    more = 0  # axes that the parts so far drop, less those that they create
    for part in parts:
        if (taken := inputs_of(part, arrays)) is not None:
            return taken + more
        if isinstance(part, ProjectAxis):
            more += len(part.dropped_inputs or ()) - len(part.created_outputs or ())
        elif not _keeps_number(part):
            return None
    return None


def _keeps_number(transformation: Transformation) -> bool:
    return transformation.type in ("identity", "displacements", "rotation")


def outputs_of(transformation: Transformation, ndim: int, arrays: Arrays) -> int | None:
    """Number of axes that a transformation gives for `ndim` axes.

    Returns
    -------
    int or None
        None where an array tells it that is not there.

    Raises
    ------
    TransformationError
        If it does not take so many, or its parts do not fit together.
    """
    refuse_unknown(transformation)
    _check_inputs(transformation, ndim, arrays)
    match transformation:
        case Affine(path=path) if path is None or path in arrays:
            return shape_of(transformation, arrays)[0]
        case Rotation():
            return ndim
        case Coordinates(path=path):
            if path not in arrays:
                return None
            field = field_of(transformation, arrays)
            return int(field.vectors.shape[field.component])
        case Sequence(transformations=parts):
            return chain_outputs(parts, ndim, arrays)
        case Bijection(forward=forward):
            return outputs_of(forward, ndim, arrays)
        case ByDimension():
            return len(_given(transformation)) + len(staying(transformation, ndim))
    try:
        count = outputs(transformation, ndim)
    except ValueError as error:
        kind = transformation.type
        raise TransformationError(f"Transformation {kind!r} {error}") from None
    if count == 0:
        raise TransformationError(
            f"Transformation {transformation.type!r} drops all {ndim} axes: keep one"
        )
    return count


def chain_outputs(
    parts: Many[Transformation], ndim: int | None, arrays: Arrays
) -> int | None:
    """Number of axes that transformations give, the first one applied first."""
    for place, part in enumerate(parts):
        if ndim is None:
            ndim = chain_inputs(parts[place:], arrays)
        ndim = None if ndim is None else outputs_of(part, ndim, arrays)
    return ndim


def _check_inputs(transformation: Transformation, ndim: int, arrays: Arrays) -> None:
    if isinstance(transformation, ByDimension):
        _check_axes(transformation, ndim)
    elif not isinstance(transformation, Sequence | Bijection):
        taken = inputs_of(transformation, arrays)
        if taken not in (None, ndim):
            path = getattr(transformation, "path", None)
            stored = "" if path is None else f", whose numbers are at {path!r},"
            raise TransformationError(
                f"Transformation {transformation.type!r}{stored} takes positions of "
                f"{taken} axes, and is given {ndim}: give one column for each axis of "
                "the system that it starts from"
            )


def _check_axes(transformation: ByDimension, ndim: int) -> None:
    for part in transformation.transformations:
        if beyond := [axis for axis in part.input_axes if axis >= ndim]:
            raise TransformationError(
                f"Transformation 'byDimension' has inputAxes {beyond}, and is given "
                f"positions of {ndim} axes, counted from 0: give one column for each "
                "axis of the system that it starts from"
            )


def staying(transformation: ByDimension, ndim: int) -> tuple[int, ...]:
    """The axes that no part of a byDimension gives, and that stay what they are.

    The standard has each output axis given by a part; files in use leave out axes at
    the end that do not change. Such are those that no part takes either, where they
    are all that is missing from as many outputs as there are inputs. Other axes that
    no part takes are dropped.

    Examples
    --------
    >>> from xarray_omezarr.ngff import DimensionPart, Translation
    >>> part = DimensionPart(
    ...     transformation=Translation(translation=(5,)), input_axes=(0,),
    ...     output_axes=(0,),
    ... )
    >>> staying(ByDimension(transformations=(part,)), 2)
    (1,)
    """
    parts = transformation.transformations
    taken = {axis for part in parts for axis in part.input_axes}
    unused = tuple(axis for axis in range(ndim) if axis not in taken)
    missing = tuple(range(len(_given(transformation)), ndim))
    return missing if unused == missing else ()


def check_part(part: DimensionPart, count: int) -> None:
    """Raise if a part of a byDimension gives another number of axes than it should."""
    if count != len(part.output_axes):
        raise TransformationError(
            f"A {part.transformation.type!r} in a 'byDimension' gives {count} axes for "
            f"outputAxes {list(part.output_axes)}: give as many"
        )


def _given(transformation: ByDimension) -> list[int]:
    parts = transformation.transformations
    return [axis for part in parts for axis in part.output_axes]
