"""Composing: transformations one after the other, as one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from xarray_omezarr.errors import MetadataError, TransformationError
from xarray_omezarr.ngff.transforms import Sequence

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import SystemReference, Transformation


def compose(first: Transformation, *others: Transformation) -> Transformation:
    """Several transformations as one, the first one applied first.

    Parameters
    ----------
    first, *others : Transformation
        Each starts where the one before leads to.

    Returns
    -------
    Transformation
        A sequence without sequences inside, from the input of the first to the output
        of the last; a single transformation as it is.

    Raises
    ------
    TransformationError
        If one takes another number of axes than the one before gives, or starts from
        a system of another name.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Scale, Translation
    >>> both = compose(Scale(scale=(2,)), Translation(translation=(5,)))
    >>> [part.type for part in both.transformations]
    ['scale', 'translation']
    """
    if not others:
        return first
    chain = (first, *others)
    for one, following in pairwise(chain):
        _check_meet(one.output, following.input)
    parts = tuple(part for transformation in chain for part in flat(transformation))
    try:
        return Sequence(
            transformations=parts, input=first.input, output=others[-1].output
        )
    except MetadataError as error:
        raise TransformationError(
            f"The transformations do not follow one another: {error}"
        ) from None


def flat(transformation: Transformation) -> Iterator[Transformation]:
    """The parts of nested sequences, without the systems at their ends."""
    if isinstance(transformation, Sequence):
        for part in transformation.transformations:
            yield from flat(part)
    elif transformation.input is None and transformation.output is None:
        yield transformation
    else:
        # Parts of a sequence name no systems, and those would be of no use.
        yield transformation.model_copy(update={"input": None, "output": None})


def _check_meet(end: SystemReference | None, start: SystemReference | None) -> None:
    # Paths count from different groups, so only names tell that something is wrong.
    if end is None or start is None or None in (end.name, start.name):
        return
    if end.name != start.name:
        raise TransformationError(
            f"A transformation leads to the system {end.name!r}, and the next one "
            f"starts from {start.name!r}: give them in the order in which they are "
            "applied, the first one first"
        )
