"""Matrices and fields that transformations name by a path, as they will be stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xarray_omezarr.errors import DataTypeError, MetadataError, OptionError, Problems
from xarray_omezarr.grid.assign import assign_grid
from xarray_omezarr.hierarchy import (
    ArrayNode,
    Given,
    GroupNode,
    Hierarchy,
    Layout,
    Node,
)
from xarray_omezarr.ngff.matrices import rotation_problem
from xarray_omezarr.ngff.named import Named, named, within
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import WriteOptions, complete
from xarray_omezarr.transforming.stored import Field
from xarray_omezarr.write.field_axes import COMPONENTS, as_field, bare_field, field_dims
from xarray_omezarr.write.field_ends import Ends, in_order, in_units
from xarray_omezarr.write.levels import named as about

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.write.systems import Transforms

#: What makes a plan of one image from an array.
Plan: TypeAlias = Callable[[xr.DataArray, WriteOptions, str | None], Hierarchy]
#: Axes at both ends of fields, by the path of the field.
Starts: TypeAlias = Mapping[str, Ends]

_MATRIX_DIMS = ("output", "input")
# More axes than any system has: what is larger is no matrix but a mistake.
_LARGEST = 64
_PROBLEM = "The arrays of these transformations cannot be written"


def plan_numbers(
    wanted: Iterable[Named],
    arrays: Mapping[str, Any],
    options: WriteOptions,
    plan: Plan,
    starts: Starts | None = None,
) -> dict[str, Hierarchy]:
    """What is stored at each path that transformations name; nothing is computed.

    Matrices are read, which have a few numbers; fields stay as lazy as they are.

    Parameters
    ----------
    wanted : iterable of Named
        What transformations name, once for each path.
    arrays : mapping
        Matrices, fields, and planned images of fields, by path.
    options : WriteOptions
        Of the image or scene, whose version and compression all get.
    plan : callable
        `plan_multiscale`.
    starts : mapping, optional
        Axes at both ends of fields: these have the units of those that they start
        from, and dims and vectors in their order.

    Raises
    ------
    OmeZarrError
        For all arrays that are missing or are not what their transformation needs.
    """
    problems = Problems()
    found: dict[str, Hierarchy] = {}
    for one in wanted:
        path = within(one.path)
        with problems.collected(), about(f"The array at {path!r}"):
            if path not in arrays:
                raise MetadataError(
                    f"is missing, and a transformation of type {one.type!r} names it; "
                    "give it under 'arrays' of transforms, by this path"
                )
            ends = (starts or {}).get(one.path, Ends())
            found[path] = _planned(one, arrays[path], options, plan, ends)
    problems.raise_all(_PROBLEM)
    return found


def arrays_hierarchy(
    transforms: Transforms, options: WriteOptions, plan: Plan
) -> Hierarchy:
    """The arrays of transformations by path, with the groups above them.

    Parameters
    ----------
    transforms : Transforms
        With an array for each path.
    options : WriteOptions
        All of them.
    plan : callable
        `plan_multiscale`.
    """
    wanted = paths_of(transforms.transformations)
    parts = plan_numbers(wanted, transforms.arrays, options, plan)
    version = registry.get(options["version"] or registry.DEFAULT)
    return Hierarchy(version, dict(groups_above(parts))).around(parts)


def groups_above(paths: Iterable[str]) -> Iterator[tuple[str, Node]]:
    """Groups in which nodes at these paths lie, the root left out."""
    for path in paths:
        parts = path.split("/")
        for end in range(1, len(parts)):
            yield "/".join(parts[:end]), GroupNode()


def paths_of(ways: Iterable[Transformation]) -> tuple[Named, ...]:
    """What transformations name, once for each path."""
    found: dict[str, Named] = {}
    for way in ways:
        for one in named(way):
            found.setdefault(within(one.path), one)
    return tuple(found.values())


def _planned(
    one: Named,
    array: Any,
    options: WriteOptions,
    plan: Plan,
    ends: Ends,
) -> Hierarchy:
    start = ends.start
    version = registry.get(options["version"] or registry.DEFAULT)
    if one.is_matrix:
        node = _matrix_node(matrix(array, one.type), options)
        return Hierarchy(version, {"": node})
    name = within(one.path).rpartition("/")[2]
    if isinstance(array, Hierarchy):
        return as_field(array, one.type, start)
    if isinstance(array, Field):
        return as_field(
            _lazy_field(array, one.type, options, plan, name), one.type, start
        )
    if isinstance(array, xr.DataArray):
        array = in_units(in_order(array, one.type, ends), ends)
        return as_field(_own_field(array, options, plan, name), one.type, start)
    raise OptionError(
        f"is a {type(array).__name__}, and {one.type!r} needs a field: give a "
        "DataArray with the dim of the vectors first and coordinates along the others, "
        "e.g. xarray.DataArray(vectors, dims=('displacement', 'y', 'x'), coords=...)"
    )


def matrix(array: Any, type: str) -> NDArray[np.float64]:
    """The numbers of an affine (M, N + 1) or a rotation (N, N).

    Raises
    ------
    OmeZarrError
        If they are none; it says what they are.
    """
    if isinstance(array, Hierarchy) and isinstance(array.nodes[""], ArrayNode):
        array = array.array("").given
    if isinstance(array, Field | Hierarchy | xr.DataTree | xr.Dataset):
        raise OptionError(f"is a field or tree, and {type!r} needs a matrix")
    if not hasattr(array, "shape"):
        array = np.asarray(array)
    shape = tuple(array.shape)
    if len(shape) != 2 or 0 in shape or max(shape) > _LARGEST:
        wanted = "N x (N + 1)" if type == "affine" else "N x N"
        raise MetadataError(f"has the shape {shape}, and {type!r} needs {wanted}")
    if np.dtype(array.dtype).kind not in "iuf":
        raise DataTypeError(f"holds {array.dtype}, and a matrix holds real numbers")
    whole = np.asarray(array[:, :])
    numbers = np.array(whole, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise MetadataError("holds NaN or infinity, and a matrix has finite numbers")
    if type == "affine" and shape[1] < 2:
        raise MetadataError(f"has the shape {shape}: give a factor for each axis too")
    if type == "rotation" and (problem := rotation_problem(numbers.tolist())):
        raise MetadataError(problem)
    return numbers


def _matrix_node(numbers: NDArray[np.float64], options: WriteOptions) -> ArrayNode:
    layout = Layout(numbers.shape, compression=options["compression"])
    return ArrayNode(_MATRIX_DIMS, numbers.shape, numbers.dtype, layout, Given(numbers))


def field_options(options: WriteOptions, **others: Any) -> WriteOptions:
    """The options of an image, as far as they hold for a field of it."""
    shared: Any = options
    kept = ("version", "compression", "lossy", "irregular", "write_empty_chunks")
    own: Any = {"scale_factors": None, **{name: shared[name] for name in kept}}
    own.update(others)
    return complete(own)


def _own_field(
    da: xr.DataArray, options: WriteOptions, plan: Plan, name: str
) -> Hierarchy:
    dims, component = field_dims(da)
    if da.dtype.kind not in "iuf":
        raise DataTypeError(f"holds {da.dtype}, and vectors are real numbers")
    own = field_options(options, dims=dims, chunks={component: da.sizes[component]})
    return plan(bare_field(da, component), own, name)


def _lazy_field(
    field: Field, type: str, options: WriteOptions, plan: Plan, name: str
) -> Hierarchy:
    """A field of which only numbers are known, as it was read with an image."""
    before, count = field.component, len(field.scale)
    space = {2: ("y", "x"), 3: ("z", "y", "x")}.get(count - before)
    if before > 1 or space is None:
        raise MetadataError(
            f"is a field of {count} axes with its vectors along axis {before}, which "
            "cannot be stored as an image of two or three dims of space"
        )
    places = ("t",) * before + space
    dims = (*places[:before], COMPONENTS[type], *space)
    nothing = np.broadcast_to(np.zeros((), field.vectors.dtype), field.vectors.shape)
    template = assign_grid(
        xr.DataArray(nothing, dims=dims),
        scale=dict(zip(places, field.scale, strict=True)),
        translation=dict(zip(places, field.translation, strict=True)),
    )
    planned = _own_field(template, options, plan, name)
    finest = planned.image().multiscale.levels[0].path
    node = replace(planned.array(finest), source=Given(field.vectors))
    return replace(planned, nodes={**planned.nodes, finest: node})
