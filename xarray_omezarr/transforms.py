"""Arithmetic of transformations: apply, invert, compose and simplify them.

A transformation is a model of `xarray_omezarr.ngff`, or the JSON of the standard. Its
positions are those of pixel centres: a row for each point, a column for each axis, in
the order of the axes of the system that it starts from, and in their units.

Matrices and fields that a transformation names by a path are read from a store, or
given as `arrays`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.errors import MetadataError, TransformationError
from xarray_omezarr.ngff.named import Named, named
from xarray_omezarr.ngff.plain import shown
from xarray_omezarr.ngff.transforms import Transformation, parse_transformation
from xarray_omezarr.transforming import applying, composing, inverting, simplifying
from xarray_omezarr.transforming.stored import Field

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from xarray_omezarr.transforming.stored import Arrays, Stored

__all__ = ["apply", "compose", "invert", "simplify"]


def apply(
    transformation: Transformation | Mapping[str, Any],
    points: ArrayLike,
    *,
    store: Any = None,
    group: str | None = None,
    arrays: Mapping[str, Any] | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> NDArray[np.float64]:
    """Positions after a transformation.

    Parameters
    ----------
    transformation : Transformation or mapping
        A model, or the JSON of the standard.
    points : array_like of shape (..., N)
        Positions, one column for each axis of the system that the transformation
        starts from, in its order and units; a single point may be of shape (N,).
    store : str, path, URL, zarr store, zarr.Group or obstore store, optional
        Where matrices and fields are that the transformation names by a path.
    group : str, optional
        Path inside the store of the group that the paths count from.
    arrays : mapping, optional
        Matrices and fields by their path, instead of a store: a matrix as array_like,
        a field as `xarray.DataArray` with the dims ``("displacement", "y", "x")``,
        whose evenly spaced coordinates are positions in the system that the
        transformation starts from; pixels without coordinates count as 0, 1, 2 ...
        Its dims are in the order of the columns of `points`, whatever their names.
        So are the entries of its vectors, unless they are labelled like its dims.
    storage_options : mapping, optional
        For URLs: passed to fsspec.

    Returns
    -------
    array of float64, shape (..., M)
        Positions, one column for each axis of the system that it leads to. NaN
        outside a field: nothing is known there.

    Raises
    ------
    MetadataError
        If the JSON is no transformation.
    TransformationError
        If the number of columns is another than the transformation takes, an array is
        missing or does not fit, or the type is none of the standard.

    Examples
    --------
    >>> from xarray_omezarr import transforms
    >>> pixels = {"type": "scale", "scale": [0.5, 0.25]}
    >>> transforms.apply(pixels, [[0, 0], [10, 100]])
    array([[ 0.,  0.],
           [ 5., 25.]])
    >>> stage = {"type": "affine", "path": "stage"}
    >>> transforms.apply(stage, [2, 3], arrays={"stage": [[0, 1, 10], [1, 0, 20]]})
    array([13., 22.])
    """
    model = _model(transformation)
    found = _Sources(store, group, storage_options).arrays(model, arrays)
    return applying.apply(model, points, found)


def invert(
    transformation: Transformation | Mapping[str, Any],
    *,
    ndim: int | None = None,
    store: Any = None,
    group: str | None = None,
    arrays: Mapping[str, Any] | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Transformation:
    """The transformation that leads back.

    Parameters
    ----------
    transformation : Transformation or mapping
        A model, or the JSON of the standard: of a type with an inverse in closed
        form, or a bijection.
    ndim : int, optional
        Number of axes of the system that it starts from; only needed for a
        byDimension that leaves out axes.
    store, group, arrays, storage_options
        As for `apply`; the inverse of a stored matrix holds its numbers itself.

    Returns
    -------
    Transformation
        From the output to the input, without a name.

    Raises
    ------
    MetadataError
        If the JSON is no transformation.
    TransformationError
        For fields, projections, matrices that are singular or lead to another number
        of axes, and scales of 0: they need a bijection, which tells the way back.

    Examples
    --------
    >>> from xarray_omezarr import transforms
    >>> transforms.invert({"type": "scale", "scale": [0.1, 4]}).to_json()
    {'type': 'scale', 'scale': [10.0, 0.25]}
    """
    model = _model(transformation)
    found = _Sources(store, group, storage_options).arrays(model, arrays)
    return inverting.invert(model, found, ndim=ndim)


def compose(
    first: Transformation | Mapping[str, Any],
    *others: Transformation | Mapping[str, Any],
) -> Transformation:
    """Several transformations as one.

    Parameters
    ----------
    first, *others : Transformation or mapping
        Models, or the JSON of the standard, in the order in which they are applied.

    Returns
    -------
    Transformation
        A sequence without sequences inside, from the input of the first to the output
        of the last; a single transformation as it is.

    Raises
    ------
    MetadataError
        If a JSON is no transformation.
    TransformationError
        If one takes another number of axes than the one before gives, or starts from
        a system of another name.

    Examples
    --------
    >>> from xarray_omezarr import transforms
    >>> pixels = {"type": "scale", "scale": [0.5, 0.25]}
    >>> moved = {"type": "translation", "translation": [10, 20]}
    >>> transforms.apply(transforms.compose(pixels, moved), [2, 2])
    array([11. , 20.5])
    """
    return composing.compose(_model(first), *map(_model, others))


def simplify(
    transformation: Transformation | Mapping[str, Any],
    *,
    ndim: int | None = None,
    store: Any = None,
    group: str | None = None,
    arrays: Mapping[str, Any] | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Transformation:
    """The least expressive transformation of the standard that does the same.

    Parameters
    ----------
    transformation : Transformation or mapping
        A model, or the JSON of the standard.
    ndim : int, optional
        Number of axes of the system that it starts from, where it does not tell.
    store, group, arrays, storage_options
        As for `apply`; stored matrices become numbers of the result.

    Returns
    -------
    Transformation
        From the same input to the same output, with the same name: the first that
        does the same of identity, translation, scale, both in a sequence, mapAxis,
        projectAxis, rotation and affine. Fields, bijections and types that are not
        known stay what they are, in a sequence with what lies between them.

    Raises
    ------
    MetadataError
        If the JSON is no transformation.
    TransformationError
        If it does not take so many axes, or the array of a matrix is missing.

    Examples
    --------
    >>> from xarray_omezarr import transforms
    >>> pixels = {"type": "affine", "affine": [[0.5, 0, 10], [0, 0.25, 0]]}
    >>> for part in transforms.simplify(pixels).transformations:
    ...     print(part.to_json())
    {'type': 'scale', 'scale': [0.5, 0.25]}
    {'type': 'translation', 'translation': [10.0, 0.0]}
    """
    model = _model(transformation)
    found = _Sources(store, group, storage_options).arrays(model, arrays)
    return simplifying.simplify(model, found, ndim=ndim)


def _model(value: Any) -> Transformation:
    found = parse_transformation(value, "transformation")
    if found is None:
        raise MetadataError(
            f"Transformation is {shown(value)}: give a model of xarray_omezarr.ngff, "
            "or an object with a type, such as {'type': 'scale', 'scale': [2, 2]}"
        )
    return found


@dataclass(frozen=True, slots=True)
class _Sources:
    """Where the arrays of a transformation may be."""

    store: Any
    group: str | None
    storage_options: Mapping[str, Any] | None

    def arrays(
        self, transformation: Transformation, given: Mapping[str, Any] | None
    ) -> Arrays:
        """What the transformation names: what was given, the others from the store."""
        given = {} if given is None else given
        wanted = list(named(transformation))
        found = {one.path: _stored(one, given) for one in wanted if one.path in given}
        others = [one for one in wanted if one.path not in given]
        if self.store is None or not others:
            return found
        # Needs zarr, which nobody without a store should wait for.
        from xarray_omezarr.store.open_arrays import read_arrays

        read = read_arrays(
            self.store, others, group=self.group, storage_options=self.storage_options
        )
        return {**read, **found}


def _stored(one: Named, given: Mapping[str, Any]) -> Stored:
    value = given[one.path]
    if isinstance(value, Field):
        return value
    if not one.is_matrix:
        return _field(value, one)
    if hasattr(value, "shape"):
        return value  # type: ignore[no-any-return]
    try:
        return np.asarray(value)
    except ValueError:
        raise TransformationError(
            f"Array {one.path!r} of {one.type!r} has rows of several lengths: give a "
            "row for each output axis, with as many numbers in each"
        ) from None


def _field(value: Any, one: Named) -> Field:
    # Needs pint for the units of coordinates.
    import xarray as xr

    from xarray_omezarr.write.field_axes import field_dims
    from xarray_omezarr.write.field_ends import in_order

    if not isinstance(value, xr.DataArray):
        raise TransformationError(
            f"Array {one.path!r} of {one.type!r} is {type(value).__name__}, which does "
            "not tell where its pixels are: give a DataArray with coordinates"
        )
    value = in_order(value, one.type)
    _, component = field_dims(value)
    places = [str(dim) for dim in value.dims if dim != component]
    lines = [_line(value, dim) for dim in places]
    return Field(
        _Pixels(value.variable),
        value.dims.index(component),
        tuple(scale for scale, _ in lines),
        tuple(translation for _, translation in lines),
    )


def _line(da: xr.DataArray, dim: str) -> tuple[float, float]:
    """Scale and translation of the pixels of a field along a dim."""
    from xarray_omezarr.grid.positions import Circumstances, place_numbers

    if dim not in da.coords or not da.sizes[dim]:
        return 1.0, 0.0
    values = np.asarray(da.coords[dim])
    if values.dtype.kind not in "iuf":
        raise TransformationError(
            f"Coordinate {dim!r} of a field holds {values.dtype}: give positions as "
            "numbers, in the unit of the system that the transformation starts from"
        )
    about = Circumstances(dim, "space", irregular="raise")
    line = place_numbers(values.astype(np.float64), about)
    return line.scale, line.translation


@dataclass(frozen=True, slots=True)
class _Pixels:
    """Pixels of a variable, read when they are indexed."""

    variable: xr.Variable

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        return self.variable.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its type."""
        dtype: np.dtype[Any] = self.variable.dtype
        return dtype

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        return np.asarray(self.variable[key])
