"""Fitting: what a byDimension leaves out, told by the systems at its ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff.transforms import (
    ByDimension,
    DimensionPart,
    Identity,
    ProjectAxis,
    Sequence,
)
from xarray_omezarr.transforming.applying import NONE
from xarray_omezarr.transforming.counting import outputs_of, staying

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays

#: A transformation that leaves nothing open, and how many axes it gives.
Reading = tuple["Transformation", int | None]


def fitted(
    transformation: Transformation, inputs: int, outputs: int, arrays: Arrays = NONE
) -> Transformation:
    """A transformation between systems, with what it leaves open told by them.

    A byDimension of which no part gives the last axes may mean that they stay what
    they are, or that they are dropped: only the system that it leads to tells.

    Parameters
    ----------
    transformation : Transformation
        Of any type.
    inputs, outputs : int
        Numbers of axes of the systems at its ends.
    arrays : mapping, optional
        What it names by a path.

    Returns
    -------
    Transformation
        The same, where it leaves nothing open.

    Raises
    ------
    TransformationError
        If it does not lead from so many axes to so many.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Scale
    >>> part = DimensionPart(
    ...     transformation=Scale(scale=(2,)), input_axes=(0,), output_axes=(0,)
    ... )
    >>> short = ByDimension(transformations=(part,))
    >>> [part.output_axes for part in fitted(short, 3, 3).transformations]
    [(0,), (1, 2)]
    >>> [part.type for part in fitted(short, 3, 1).transformations]
    ['projectAxis', 'byDimension']
    """
    counts = []
    for reading, count in _readings(transformation, inputs, arrays):
        if count in (None, outputs):
            return reading
        counts.append(count)
    raise TransformationError(
        f"Transformation {transformation.type!r} gives {counts[0]} axes for {inputs}, "
        f"and the system that it leads to has {outputs}: correct the transformation, "
        "or the axes of the system"
    )


def _readings(
    transformation: Transformation, ndim: int, arrays: Arrays
) -> Iterator[Reading]:
    """What a transformation may mean, the likeliest first."""
    if isinstance(transformation, Sequence):
        yield from _of_sequence(transformation, ndim, arrays)
        return
    count = outputs_of(transformation, ndim, arrays)
    if isinstance(transformation, ByDimension):
        if stay := staying(transformation, ndim):
            yield _keeping(transformation, stay), count
            yield _dropping(transformation, stay), ndim - len(stay)
            return
    yield transformation, count


def _keeping(transformation: ByDimension, stay: tuple[int, ...]) -> ByDimension:
    same = DimensionPart(transformation=Identity(), input_axes=stay, output_axes=stay)
    parts = (*transformation.transformations, same)
    return transformation.model_copy(update={"transformations": parts})


def _dropping(transformation: ByDimension, stay: tuple[int, ...]) -> Sequence:
    bare = transformation.model_copy(update={"input": None, "output": None})
    return Sequence(
        transformations=(ProjectAxis(dropped_inputs=stay), bare),
        input=transformation.input,
        output=transformation.output,
    )


def _of_sequence(
    transformation: Sequence, ndim: int, arrays: Arrays
) -> Iterator[Reading]:
    own = transformation.transformations
    for parts, count in _of_chain(own, ndim, arrays):
        if all(one is other for one, other in zip(parts, own, strict=True)):
            yield transformation, count
        else:
            yield transformation.model_copy(update={"transformations": parts}), count


def _of_chain(
    parts: tuple[Transformation, ...], ndim: int | None, arrays: Arrays
) -> Iterator[tuple[tuple[Transformation, ...], int | None]]:
    if not parts or ndim is None:
        yield parts, ndim
        return
    first, *others = parts
    problem, found = None, False
    for reading, count in _readings(first, ndim, arrays):
        try:
            for rest, last in _of_chain(tuple(others), count, arrays):
                found = True
                yield (reading, *rest), last
        except TransformationError as error:
            # What follows does not take so many axes: it was not meant so.
            problem = problem or error
    if problem is not None and not found:
        raise problem
