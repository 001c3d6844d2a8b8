"""Transforms: the form of the transformations between named coordinate systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.spot import DEEPEST

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.spot import Spot

_T = "transformations"
_MOST_AXES = 5


def check_transform(transform: Spot, depth: int = 0) -> None:
    """Measure a transformation of any type, and those inside it (RULES C3)."""
    if not transform.log.may_enter(depth):
        if transform.log.stops_here():
            transform.error(
                "has too many transformations inside each other to be measured",
                f"{_T}: are finite",
                f"write fewer than {DEEPEST} levels",
            )
        return
    if not transform.is_object(f"{_T}: each is an object"):
        return
    transform.text_member("name", f"{_T}: members")
    kind = transform.need("type", f"{_T}: each has a type")
    if kind is None or not kind.is_text(f"{_T}: types are text"):
        return
    if kind.value not in _FORMS:
        kind.error(
            f"is {seen(kind.value)}, which is no type of transformation",
            f"{_T}: type is one of {', '.join(_FORMS)}",
            "use one of these types",
        )
        return
    _FORMS[kind.value](transform, depth)


def _no_members(transform: Spot, depth: int) -> None:
    """Nothing to measure."""


def check_scale(transform: Spot, depth: int = 0) -> None:
    """Measure the members of a scale."""
    demand = f"{_T}: scale is a list of positive numbers"
    vector = transform.need("scale", demand)
    if vector is None or not vector.is_list(demand):
        return
    for factor in vector.items():
        if factor.is_number(demand) and factor.value <= 0:
            factor.error(
                f"is {seen(factor.value)}, not above 0",
                demand,
                "flip the data, or write an affine transformation",
            )


def check_translation(transform: Spot, depth: int = 0) -> None:
    """Measure the members of a translation."""
    demand = f"{_T}: translation is a list of numbers"
    _numbers(transform.need("translation", demand), demand)


def _numbers(vector: Spot | None, demand: str) -> None:
    if vector is not None and vector.is_list(demand):
        for number in vector.items():
            number.is_number(demand)


def _indices(vector: Spot, demand: str, least: int, most: int) -> None:
    if vector.is_list(demand, least, most, unique=True):
        for index in list(vector.items())[: _MOST_AXES + 1]:
            index.is_integer(demand, 0, _MOST_AXES - 1)


def _map_axis(transform: Spot, depth: int) -> None:
    demand = f"{_T}: mapAxis is a permutation of the indices of 2 to {_MOST_AXES} axes"
    vector = transform.need("mapAxis", demand)
    if vector is not None:
        _indices(vector, demand, 2, _MOST_AXES)


def _project_axis(transform: Spot, depth: int) -> None:
    keys = ("droppedInputs", "createdOutputs")
    lists = [found for key in keys if (found := transform.child(key)) is not None]
    if not lists:
        transform.error(
            "has neither 'droppedInputs' nor 'createdOutputs'",
            f"{_T}: projectAxis drops inputs or creates outputs",
            "add one of them, or use identity",
        )
    for one in lists:
        _indices(one, f"{_T}: projectAxis has 1 to 3 different indices", 1, 3)


def _matrix_or_path(
    transform: Spot, key: str, check_matrix: Callable[[Spot], object]
) -> None:
    """Exactly one of a matrix and the path of one; a broken one counts as none."""
    matrix, path = transform.child(key), transform.child("path")
    good_matrix = matrix is not None and matrix.passes(check_matrix)
    good_path = path is not None and isinstance(path.value, str)
    demand = f"{_T}: {key} has either {key!r} or 'path'"
    if good_matrix and good_path:
        transform.error(f"has both {key!r} and 'path'", demand, "remove one of them")
    elif good_matrix or good_path:
        _check_unused(matrix, path, demand, good_path=good_path)
    elif matrix is not None:
        check_matrix(matrix)
    elif path is not None:
        path.is_text(demand)
    else:
        transform.error(f"has neither {key!r} nor 'path'", demand, f"add {key!r}")


def _check_unused(
    matrix: Spot | None, path: Spot | None, demand: str, *, good_path: bool
) -> None:
    """The text takes no broken member beside a good one, the schema does."""
    unused = matrix if good_path else path
    if unused is not None:
        unused.must(f"is {seen(unused.value)} beside a good one", demand, "remove it")


def _affine(transform: Spot, depth: int) -> None:
    _matrix_or_path(transform, "affine", _check_affine)


def _check_affine(matrix: Spot) -> None:
    demand = f"{_T}: affine is a list of rows of numbers"
    if matrix.is_list(demand):
        for row in matrix.items():
            _numbers(row, demand)


def _rotation(transform: Spot, depth: int) -> None:
    _matrix_or_path(transform, "rotation", _check_rotation)


def _check_rotation(matrix: Spot) -> None:
    demand = f"{_T}: rotation is a square of numbers, 2 to {_MOST_AXES} wide"
    if not matrix.is_list(demand, 2, _MOST_AXES):
        return
    size = len(matrix.value)
    for row in list(matrix.items())[: _MOST_AXES + 1]:
        if row.is_list(demand, size, size):
            for number in list(row.items())[: _MOST_AXES + 1]:
                number.is_number(demand)


def _sequence(transform: Spot, depth: int) -> None:
    demand = f"{_T}: sequence has a list of transformations"
    inner = transform.need("transformations", demand)
    if inner is None or not inner.is_list(demand):
        return
    for one in inner.items():
        check_transform(one, depth + 1)
    if not inner.value:
        inner.must("is an empty list", f"{demand}, at least one", "write identity")


def _by_dimension(transform: Spot, depth: int) -> None:
    demand = f"{_T}: byDimension has a list of transformations and their axes"
    inner = transform.need("transformations", demand)
    if inner is None or not inner.is_list(demand):
        return
    if not inner.value:
        inner.must(
            "is an empty list", f"{demand}, at least one", "add one, or use identity"
        )
    for one in inner.items():
        if not one.is_object(demand):
            continue
        for key in ("inputAxes", "outputAxes"):
            _numbers(one.need(key, demand), f"{_T}: {key} are indices")
        part = one.need("transformation", demand)
        if part is not None:
            check_transform(part, depth + 1)


def _bijection(transform: Spot, depth: int) -> None:
    for key in ("forward", "inverse"):
        part = transform.need(key, f"{_T}: bijection has forward and inverse")
        if part is not None:
            check_transform(part, depth + 1)


def _field(transform: Spot, depth: int) -> None:
    demand = f"{_T}: displacements and coordinates have the path of an image"
    path = transform.need("path", demand)
    if path is not None:
        path.is_text(demand)
    if (interpolation := transform.child("interpolation")) is not None:
        _check_interpolation(interpolation)


def _check_interpolation(interpolation: Spot) -> None:
    """Text and schema have different words for the cubic one; both pass as advice."""
    demand = f"{_T}: interpolation is nearest, linear or cubic"
    words = ("nearest", "linear", "cubic")
    told = interpolation.value if isinstance(interpolation.value, str) else ""
    if interpolation.follows_text and told in ("cubic", "bspline-cubic"):
        interpolation.should(
            f"is {seen(interpolation.value)}, for which text and schema of the "
            "standard have different words",
            demand,
            "write nearest or linear",
        )
    else:
        interpolation.is_one_of(words, demand)


_FORMS: Mapping[str, Callable[[Spot, int], None]] = {
    "identity": _no_members,
    "scale": check_scale,
    "translation": check_translation,
    "mapAxis": _map_axis,
    "projectAxis": _project_axis,
    "affine": _affine,
    "rotation": _rotation,
    "sequence": _sequence,
    "byDimension": _by_dimension,
    "bijection": _bijection,
    "displacements": _field,
    "coordinates": _field,
}
