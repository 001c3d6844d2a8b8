"""Parameters: the stored matrices and fields that transformations name by a path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from xarray_omezarr.ngff.matrices import rotation_problem
from xarray_omezarr.ngff.rules.facts import objects, part
from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.spot import text

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.spot import Spot

_T = "transformations"
_SIZES: TypeAlias = "tuple[int | None, int | None]"
_MOST_AXES = 5
_LARGEST = 1e9  # above it no entry is that of a rotation
_AXES = {"displacements": "displacement", "coordinates": "coordinate"}


@dataclass(frozen=True, slots=True)
class Matrix:
    """A stored matrix.

    Parameters
    ----------
    shape : tuple of int
        Of its array.
    rows : tuple of tuple of float, optional
        Its numbers, where they were read: only of arrays of two dims.
    """

    shape: tuple[int, ...]
    rows: tuple[tuple[float, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class Vectors:
    """A stored field: an image with a vector per pixel.

    Parameters
    ----------
    axes : tuple of mapping
        Of the system that its levels lead to, in the order of the array.
    shape : tuple of int, optional
        Of its finest level.
    """

    axes: tuple[Mapping[str, object], ...]
    shape: tuple[int, ...] | None


#: What transformations name, by path; what is not there, or broken, is left out.
Known: TypeAlias = Mapping[str, "Matrix | Vectors"]


def field_axes(attrs: object) -> tuple[Mapping[str, object], ...]:
    """The axes of the system that levels of an image lead to; else of its first one.

    Examples
    --------
    >>> axes = [{"name": "d"}, {"name": "x"}]
    >>> system = {"name": "physical", "axes": axes}
    >>> field_axes({"ome": {"multiscales": [{"coordinateSystems": [system]}]}})
    ({'name': 'd'}, {'name': 'x'})
    """
    for _, entry in objects(part(attrs)[0].get("multiscales")):
        systems = [system for _, system in objects(entry.get("coordinateSystems"))]
        wanted = _intrinsic(entry)
        named = [system for system in systems if system.get("name") == wanted]
        for system in [*named, *systems][:1]:
            return tuple(axis for _, axis in objects(system.get("axes")))
    return ()


def _intrinsic(entry: Mapping[str, object]) -> object:
    """Name of the system that the finest level leads to."""
    for _, dataset in objects(entry.get("datasets")):
        for _, transform in objects(dataset.get("coordinateTransformations")):
            output = transform.get("output")
            return output.get("name") if isinstance(output, Mapping) else output
    return None


def check_stored(transform: Spot, inputs: int | None, outputs: int | None) -> _SIZES:
    """Measure the parameters that a transformation names by a path (RULES C10).

    Parameters
    ----------
    transform : Spot
        An affine, a rotation or a field.
    inputs, outputs : int, optional
        Numbers of axes of its input and its output, where they are known.

    Returns
    -------
    tuple
        The numbers of axes of both ends, those that the parameters have where nothing
        else tells them.
    """
    path, kind = transform.child("path"), text(transform.value, "type") or ""
    known = None if path is None else transform.log.stored.get(_told(path))
    if path is not None and isinstance(known, Matrix) and kind not in _AXES:
        return _check_matrix(path, kind, known, (inputs, outputs))
    if path is not None and isinstance(known, Vectors) and kind in _AXES:
        return _check_field(path, kind, known, (inputs, outputs))
    return inputs, outputs


def _told(path: Spot) -> str:
    return path.value if isinstance(path.value, str) else ""


def _check_matrix(path: Spot, kind: str, matrix: Matrix, wanted: _SIZES) -> _SIZES:
    form = "N x N" if kind == "rotation" else "M x (N + 1)"
    shape = matrix.shape
    fits = len(shape) == 2 and (shape[0] > 0 and shape[1] > 1)
    if not fits or (kind == "rotation" and shape[0] != shape[1]):
        path.must(
            f"names an array with the shape {list(shape)} instead of {form}",
            f"{_T}: parameters of {kind} fit",
            "store the matrix row by row as an array of two dims",
        )
        return wanted
    taken = shape[1] if kind == "rotation" else shape[1] - 1
    has = taken, shape[0]
    for end, known, size in zip(("input", "output"), wanted, has, strict=True):
        if known is not None and known != size:
            path.must(
                f"names an array with the shape {list(shape)}, which is for {size} "
                f"{end} axes, but the {end} has {known}",
                f"{_T}: {kind} fits the axes of input and output",
                f"store a matrix for {known} {end} axes",
            )
            break
    if kind == "rotation":
        _check_rotation(path, matrix)
    elif matrix.rows is not None and not any(any(row) for row in matrix.rows):
        path.should(
            "names an array whose numbers are all 0, as if none had been written",
            f"{_T}: parameters of {kind} are stored",
            "write the numbers of the matrix",
        )
    known_inputs, known_outputs = wanted
    return (
        taken if known_inputs is None else known_inputs,
        shape[0] if known_outputs is None else known_outputs,
    )


def _check_rotation(path: Spot, matrix: Matrix) -> None:
    if matrix.rows is None or len(matrix.rows) > _MOST_AXES:
        return
    is_large = any(abs(number) > _LARGEST for row in matrix.rows for number in row)
    problem = rotation_problem(matrix.rows) if not is_large else "has large entries"
    if problem is not None:
        path.must(
            f"names a matrix that {problem.partition(';')[0]}",
            f"{_T}: rotation has rows of length 1 at right angles, determinant 1",
            "write an affine transformation where it mirrors, scales or shears",
        )


def _check_field(path: Spot, kind: str, field: Vectors, wanted: _SIZES) -> _SIZES:
    inputs, outputs = wanted
    if kind == "displacements":
        inputs = outputs if inputs is None else inputs
    named = _AXES[kind]
    along = [i for i, axis in enumerate(field.axes) if axis.get("type") == named]
    if len(along) != 1:
        path.must(
            f"names an image with {len(along) or 'no'} axes of type {named!r}: "
            f"{seen([axis.get('type') for axis in field.axes])}",
            f"{_T}: the image of {kind} has one axis of type {named}",
            f"give the axis of the vectors the type {named!r}",
        )
        return wanted
    size = len(field.axes) - 1
    if inputs is not None and size != inputs:
        path.must(
            f"names an image with {size} axes beside that of the vectors, but the "
            f"input has {inputs}",
            f"{_T}: the image of {kind} has an axis for each input axis, and one more",
            f"store vectors for each pixel of {inputs} axes",
        )
    _check_place(path, kind, field, along[0])
    vector = _length(field, along[0])
    _check_vector(path, kind, vector, inputs if kind == "displacements" else outputs)
    inputs = size if inputs is None else inputs
    gives = inputs if kind == "displacements" else vector
    return inputs, gives if outputs is None else outputs


def _length(field: Vectors, along: int) -> int | None:
    shape = field.shape
    return shape[along] if shape and len(shape) == len(field.axes) else None


def _check_vector(path: Spot, kind: str, has: int | None, wanted: int | None) -> None:
    if None not in (has, wanted) and has != wanted:
        end = "input and output have" if kind == "displacements" else "the output has"
        path.must(
            f"names an image with vectors of {has} entries, but {end} {wanted} axes",
            f"{_T}: vectors of {kind} have an entry for each output axis",
            f"store vectors of {wanted} entries",
        )


def _check_place(path: Spot, kind: str, field: Vectors, along: int) -> None:
    """The axis of the vectors: marked as discrete, after time, before space."""
    axis = field.axes[along]
    if axis.get("discrete") is not True:
        path.must(
            f"names an image whose axis {seen(axis.get('name'))} of type "
            f"{seen(axis.get('type'))} has no discrete: true",
            f"{_T}: the axis of the vectors of {kind} is discrete",
            "write discrete: true into the axis",
        )
    types = [one.get("type") for one in field.axes]
    if "time" in types[along:] or "space" in types[:along]:
        path.must(
            f"names an image with axes of types {seen(types)}",
            f"{_T}: the axis of the vectors of {kind} is after time and before space",
            "store the field with its axes in this order",
        )
