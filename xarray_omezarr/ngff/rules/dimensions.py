"""Dimensions: whether transformations fit the systems at both of their ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from xarray_omezarr.ngff.matrices import rotation_problem
from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.parameters import check_stored
from xarray_omezarr.ngff.rules.spot import Spot, is_integer, numbers, text

_T = "transformations"
_LARGEST = 1e9  # above it no entry is that of a rotation

#: Numbers of axes of input and output; None where they cannot be told.
Sizes: TypeAlias = tuple[int | None, int | None]
_UNKNOWN: Sizes = (None, None)


def check_dimensions(
    transform: Spot, inputs: int | None, outputs: int | None, depth: int = 0
) -> Sizes:
    """Measure the parameters of a transformation (RULES C10).

    Parameters
    ----------
    transform : Spot
        The transformation; what is wrong with its form is found elsewhere.
    inputs, outputs : int, optional
        Numbers of axes of its input and its output, where they are known.
    depth : int
        How many transformations it is inside of.

    Returns
    -------
    tuple
        Numbers of axes that it is given, or else has itself: of those of wrong length,
        what comes next is not measured with them.
    """
    if not transform.log.may_enter(depth):
        return _UNKNOWN
    measure = _MEASURES.get(text(transform.value, "type") or "")
    if measure is None:
        return inputs, outputs
    return measure(transform, inputs, outputs, depth)


def _same(
    transform: Spot, inputs: int | None, outputs: int | None, depth: int
) -> Sizes:
    if inputs is not None and outputs is not None and inputs != outputs:
        transform.must(
            f"leads from {inputs} axes to {outputs}",
            f"{_T}: {text(transform.value, 'type')} keeps the number of axes",
            "join systems with as many axes, or use another type",
        )
        return inputs, outputs
    known = outputs if inputs is None else inputs
    return known, known


def _vector(
    transform: Spot, inputs: int | None, outputs: int | None, depth: int
) -> Sizes:
    """Scale, translation and mapAxis have one entry for each axis."""
    key = text(transform.value, "type") or ""
    vector = transform.child(key)
    if vector is None or not isinstance(vector.value, list | tuple):
        return _same(transform, inputs, outputs, depth)
    size = len(vector.value)
    ends = [("input", inputs), ("output", outputs)]
    for end, known in ends:
        if known is not None and known != size:
            vector.must(
                f"has {size} entries, but the {end} has {known} axes",
                f"{_T}: {key} has one entry for each axis",
                f"write {known} entries",
            )
            break
    if key == "mapAxis":
        _check_permutation(vector, size)
    # A wrong length is one fault: what comes next fits the axes that there are.
    known = next((one for _, one in ends if one is not None), size)
    return known, known


def _check_permutation(vector: Spot, size: int) -> None:
    if not _are_all(vector.value, size):
        vector.must(
            f"is {seen(vector.value)}, not the numbers 0 to {size - 1} in some order",
            f"{_T}: mapAxis is a permutation of all axes",
            f"write each of 0 to {size - 1} once",
        )


def _are_all(indices: Sequence[object], size: int) -> bool:
    whole = {index for index in indices if is_integer(index)}
    return len(indices) == size and whole == set(range(size))


def _are_distinct(indices: Sequence[object]) -> bool:
    return len({index for index in indices if is_integer(index)}) == len(indices)


def _project(
    transform: Spot, inputs: int | None, outputs: int | None, depth: int
) -> Sizes:
    dropped = _listed(transform, "droppedInputs", inputs, "input")
    created = _listed(transform, "createdOutputs", outputs, "output")
    change = created - dropped
    expected = None if inputs is None else inputs + change
    if outputs is not None and expected is not None and outputs != expected:
        transform.must(
            f"leads from {inputs} axes to {expected}, but the output has {outputs}",
            f"{_T}: projectAxis drops and creates what the systems differ in",
            "list all axes that go and come",
        )
    if inputs is None and outputs is not None:
        return outputs - change, outputs
    return inputs, expected


def _listed(transform: Spot, key: str, size: int | None, end: str) -> int:
    indices = transform.child(key)
    if indices is None or not isinstance(indices.value, list | tuple):
        return 0
    for index in indices.items():
        _check_index(index, size, end)
    return len(indices.value)


def _check_index(index: Spot, size: int | None, end: str) -> None:
    if not is_integer(index.value) or index.value < 0:
        index.must(
            f"is {seen(index.value)}, not an integer from 0 on",
            f"{_T}: axes are told by their indices",
            "write the place of the axis in its system, from 0 on",
        )
    elif size is not None and index.value >= size:
        index.must(
            f"is {seen(index.value)}, but the {end} has {size} axes",
            f"{_T}: indices point to axes, from 0 on",
            f"write one of 0 to {size - 1}",
        )


def _affine(
    transform: Spot, inputs: int | None, outputs: int | None, depth: int
) -> Sizes:
    matrix = transform.child("affine")
    rows = _rows(matrix)
    if matrix is None:
        return check_stored(transform, inputs, outputs)
    if rows is None:
        return inputs, outputs
    if len({len(row) for row in rows}) > 1 or len(rows[0]) < 2:
        matrix.must(
            f"has rows of {', '.join(str(len(row)) for row in rows[:6])} numbers",
            f"{_T}: each row of affine has a number for each input axis, and the shift",
            "write rows of equal length",
        )
        return inputs, outputs
    shape = (len(rows[0]) - 1, len(rows))
    _check_shape(matrix, "affine", shape, (inputs, outputs))
    _prefer_simple(matrix, rows)
    return (
        shape[0] if inputs is None else inputs,
        shape[1] if outputs is None else outputs,
    )


def _prefer_simple(matrix: Spot, rows: list[list[float]]) -> None:
    """RULES C11: the least expressive type that says it."""
    size = len(rows)
    linear = [row[:-1] for row in rows]
    others = (
        linear[i][k] for i in range(size) for k in range(len(linear[i])) if i != k
    )
    if size != len(linear[0]) or any(others):
        return
    factors = [linear[i][i] for i in range(size)]
    if all(factor > 0 for factor in factors):
        simple = "translation" if set(factors) == {1} else "scale and translation"
        matrix.should(
            f"is {seen(matrix.value)}, no more than {simple}",
            f"{_T}: of the type that can express the least",
            f"write it as {simple}",
        )


def _rows(matrix: Spot | None) -> list[list[float]] | None:
    if matrix is None or not isinstance(matrix.value, list | tuple):
        return None
    rows = [numbers(row) for row in matrix.value]
    found = [row for row in rows if row is not None]
    return found if found and len(found) == len(rows) else None


def _check_shape(matrix: Spot, key: str, shape: Sizes, wanted: Sizes) -> None:
    for end, has, known in zip(("input", "output"), shape, wanted, strict=True):
        if known is not None and has != known:
            matrix.must(
                f"is for {has} {end} axes, but the {end} has {known}",
                f"{_T}: {key} fits the axes of input and output",
                f"write it for {known} {end} axes",
            )


def _rotation(
    transform: Spot, inputs: int | None, outputs: int | None, depth: int
) -> Sizes:
    matrix = transform.child("rotation")
    rows = _rows(matrix)
    if matrix is None and "path" in transform.value:
        inputs, outputs = _same(transform, inputs, outputs, depth)
        return check_stored(transform, inputs, outputs)
    if matrix is None or rows is None or any(len(row) != len(rows) for row in rows):
        return _same(transform, inputs, outputs, depth)
    size = len(rows)
    _check_shape(matrix, "rotation", (size, size), (inputs, outputs))
    if size <= 5 and not _is_rotation(rows):
        matrix.must(
            f"is {seen(matrix.value)}",
            f"{_T}: rotation has rows of length 1 at right angles, determinant 1",
            "write an affine transformation where it mirrors, scales or shears",
        )
    known = next((one for one in (inputs, outputs) if one is not None), size)
    return known, known


def _is_rotation(rows: list[list[float]]) -> bool:
    if any(abs(number) > _LARGEST for row in rows for number in row):
        return False
    return rotation_problem(rows) is None


def _sequence(
    transform: Spot, inputs: int | None, outputs: int | None, depth: int
) -> Sizes:
    inner = transform.child("transformations")
    parts = [] if inner is None else list(inner.items())
    if not parts:
        return inputs, outputs
    first, reached = inputs, inputs
    for i, part in enumerate(parts):
        wanted = outputs if i == len(parts) - 1 else None
        begins, reached = check_dimensions(part, reached, wanted, depth + 1)
        first = begins if i == 0 and first is None else first
    return first, reached


def _bijection(
    transform: Spot, inputs: int | None, outputs: int | None, depth: int
) -> Sizes:
    inputs, outputs = _same(transform, inputs, outputs, depth)
    if (forward := transform.child("forward")) is not None:
        found = check_dimensions(forward, inputs, outputs, depth + 1)
        inputs, outputs = inputs or found[0], outputs or found[1]
    if (inverse := transform.child("inverse")) is not None:
        check_dimensions(inverse, outputs, inputs, depth + 1)
    transform.log.bijections.append((transform, inputs))
    return inputs, outputs


def _field(
    transform: Spot, inputs: int | None, outputs: int | None, depth: int
) -> Sizes:
    if text(transform.value, "type") == "displacements":
        inputs, outputs = _same(transform, inputs, outputs, depth)
    return check_stored(transform, inputs, outputs)


def _by_dimension(
    transform: Spot, inputs: int | None, outputs: int | None, depth: int
) -> Sizes:
    inner = transform.child("transformations")
    parts = [] if inner is None else list(inner.items())
    written: list[object] = []
    for part in parts:
        sizes: list[int | None] = []
        for key, size in (("inputAxes", inputs), ("outputAxes", outputs)):
            axes = part.child(key)
            known = axes is not None and isinstance(axes.value, list | tuple)
            sizes.append(len(axes.value) if axes is not None and known else None)
            for index in axes.items() if axes is not None else ():
                _check_index(index, size, "input" if key == "inputAxes" else "output")
                if key == "outputAxes":
                    written.append(index.value)
        if (one := part.child("transformation")) is not None:
            check_dimensions(one, sizes[0], sizes[1], depth + 1)
    size = len(written) if outputs is None else outputs
    if parts and not _are_all(written, size):
        # A step of a sequence names no axes of its own. A valid document of the
        # standard's authors leaves one out there: that is told, and not refused.
        is_part = depth > 0 and _are_distinct(written)
        (transform.should if is_part else transform.must)(
            f"writes the output axes {seen(written)}, not each of {size} once",
            f"{_T}: byDimension writes each output axis exactly once",
            f"write each of 0 to {size - 1} once",
        )
    return inputs, size


_MEASURES: Mapping[str, Callable[[Spot, int | None, int | None, int], Sizes]] = {
    "identity": _same,
    "scale": _vector,
    "translation": _vector,
    "mapAxis": _vector,
    "projectAxis": _project,
    "affine": _affine,
    "rotation": _rotation,
    "sequence": _sequence,
    "byDimension": _by_dimension,
    "bijection": _bijection,
    "displacements": _field,
    "coordinates": _field,
}
