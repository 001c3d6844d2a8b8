"""How many axes a transformation takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xarray_omezarr.ngff import transforms


def outputs(transformation: Any, inputs: int | None) -> int | None:
    """Number of axes that a transformation gives for `inputs` axes.

    Parameters
    ----------
    transformation : Transformation
        Of any type.
    inputs : int, optional
        Number of axes that it is given; None where that is not known.

    Returns
    -------
    int or None
        None where the transformation alone does not tell.

    Raises
    ------
    ValueError
        If it does not take so many, or its parts do not fit together.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Affine, ProjectAxis
    >>> outputs(Affine(affine=((1, 0, 5),)), 2)
    1
    >>> outputs(ProjectAxis(created_outputs=(0,)), 2)
    3
    """
    kind = transformation.type
    if kind in _FIXED:
        rows, taken = _FIXED[kind](transformation)
        if taken is not None and inputs not in (None, taken):
            raise ValueError(
                f"is a {kind!r} of {taken} axes, and is given {inputs}: "
                + _REMEDIES.get(kind, "give one number per axis")
            )
        return inputs if rows is None else rows
    rule = _RULES.get(kind)
    return None if rule is None else rule(transformation, inputs)


def fitting_problems(
    transformation: transforms.Transformation, sizes: Mapping[str, int]
) -> list[str]:
    """Say where a transformation does not fit the systems at its ends (RULES C10).

    Parameters
    ----------
    transformation : Transformation
        Of any type.
    sizes : mapping
        Number of axes of each system of the same group, by name.
    """
    inputs = _size(transformation.input, sizes)
    wanted = _size(transformation.output, sizes)
    problems = [
        f"transformation {transformation.type!r} names the system {end.name!r}, which "
        "is not among coordinateSystems"
        for end in (transformation.input, transformation.output)
        if end is not None and end.path is None and end.name not in (None, *sizes)
    ]
    try:
        given = outputs(transformation, inputs)
    except ValueError as error:
        return [*problems, f"a transformation between systems {error}"]
    if given is not None and wanted is not None and given != wanted:
        problems.append(
            f"transformation {transformation.type!r} gives {given} axes, and the "
            f"system that it leads to has {wanted}{homogeneous(transformation)}"
        )
    return problems


def homogeneous(transformation: Any) -> str:
    """What is to be said of a matrix with a last row that the standard leaves out."""
    rows = transformation.affine if transformation.type == "affine" else None
    if rows is None or len(rows) != len(rows[0]):
        return ""
    return (
        f"; its matrix has {len(rows)} rows and as many columns, as homogeneous "
        f"coordinates have: leave out the last row, {list(rows[-1])}"
    )


def _size(
    reference: transforms.SystemReference | None, sizes: Mapping[str, int]
) -> int | None:
    if reference is None or reference.path is not None or reference.name is None:
        return None
    return sizes.get(reference.name)


def _square(numbers: Any) -> tuple[int | None, int | None]:
    return (None, None) if numbers is None else (len(numbers), len(numbers))


def _matrix(rows: Any) -> tuple[int | None, int | None]:
    return (None, None) if rows is None else (len(rows), len(rows[0]) - 1)


_REMEDIES = {
    "affine": "an affine has one row per output axis and one column per input axis, "
    "and a last one that is added",
    "rotation": "a rotation has one row and one column per axis",
    "mapAxis": "name each input axis once",
}

# Numbers of axes that are given and taken; None for as many as there are.
_FIXED: dict[str, Any] = {
    "scale": lambda t: _square(t.scale),
    "translation": lambda t: _square(t.translation),
    "mapAxis": lambda t: _square(t.map_axis),
    "rotation": lambda t: _square(t.rotation),
    "affine": lambda t: _matrix(t.affine),
}


def _same(transformation: object, inputs: int | None) -> int | None:
    return inputs


def _project(transformation: transforms.ProjectAxis, inputs: int | None) -> int | None:
    dropped = transformation.dropped_inputs or ()
    created = transformation.created_outputs or ()
    if inputs is None:
        return None
    _check_exist(dropped, inputs, "droppedInputs")
    count = inputs - len(dropped) + len(created)
    _check_exist(created, count, "createdOutputs")
    return count


def _check_exist(indices: tuple[int, ...], count: int, field: str) -> None:
    beyond = [index for index in indices if index >= count]
    if beyond:
        raise ValueError(
            f"has {field} {beyond}, and there are {count} axes, counted from 0"
        )


def _sequence(transformation: transforms.Sequence, inputs: int | None) -> int | None:
    count = inputs
    for part in transformation.transformations:
        count = outputs(part, count)
    return count


def _by_dimension(
    transformation: transforms.ByDimension, inputs: int | None
) -> int | None:
    given: list[int] = []
    for part in transformation.transformations:
        if inputs is not None:
            _check_exist(part.input_axes, inputs, "inputAxes")
        count = outputs(part.transformation, len(part.input_axes))
        if count not in (None, len(part.output_axes)):
            raise ValueError(
                f"has a {part.transformation.type!r} that gives {count} axes for "
                f"outputAxes {list(part.output_axes)}: give as many"
            )
        given += part.output_axes
    if sorted(given) != list(range(len(given))):
        raise ValueError(
            f"has outputAxes {sorted(given)} in all: give each of 0 to "
            f"{len(given) - 1} once"
        )
    # Files in use leave out axes that stay as they are, so fewer may be meant as all.
    return len(given) if inputs is None or len(given) >= inputs else None


def _bijection(transformation: transforms.Bijection, inputs: int | None) -> int | None:
    inputs = _taken(transformation.forward) if inputs is None else inputs
    there = outputs(transformation.forward, inputs)
    back = outputs(transformation.inverse, inputs if there is None else there)
    known = {count for count in (inputs, there, back) if count is not None}
    if len(known) > 1:
        raise ValueError(
            f"has a way there and back between {sorted(known)} axes: give two with "
            "as many"
        )
    return next(iter(known), None)


def _taken(transformation: Any) -> int | None:
    """Number of axes that a transformation takes; None if any number."""
    kind = transformation.type
    if kind == "sequence":
        return _taken(transformation.transformations[0])
    taken: int | None = _FIXED[kind](transformation)[1] if kind in _FIXED else None
    return taken


_RULES: dict[str, Any] = {
    "identity": _same,
    "displacements": _same,
    "projectAxis": _project,
    "sequence": _sequence,
    "byDimension": _by_dimension,
    "bijection": _bijection,
}
