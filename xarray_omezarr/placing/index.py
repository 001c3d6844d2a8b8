"""WorldIndex: pixels are selected by where they lie in another system."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import xarray as xr
from xarray.core.indexing import CoordinateTransformIndexingAdapter, IndexSelResult
from xarray.indexes import CoordinateTransformIndex, PandasIndex

from xarray_omezarr.errors import OutsideError, TransformationError
from xarray_omezarr.grid.names import PLACED_KEY

if TYPE_CHECKING:
    from xarray.core.indexes import Index

    from xarray_omezarr.placing.transform import WorldTransform

#: The dim along which pixels lie that are selected with lists of positions.
POINTS = "points"


class _LazyCoordinate(CoordinateTransformIndexingAdapter):
    """Values that are computed when they are looked at, along some of the dims."""

    @property
    def shape(self) -> tuple[int, ...]:
        # Older xarray supposes all dims of the transform.
        return tuple(self._transform.dim_size[dim] for dim in self._dims)


class WorldIndex(CoordinateTransformIndex):
    """The index of coordinates that several dims tell together.

    Positions select the pixel that they lie in, with ``method="nearest"``: numbers,
    lists of one length (along a new dim ``points``) or DataArrays (along their dims).
    Coordinates that one dim alone tells are selected as any others, also exactly or
    with slices.
    """

    transform: WorldTransform

    def create_variables(
        self, variables: Mapping[Any, xr.Variable] | None = None
    ) -> dict[Any, xr.Variable]:
        """Lazy coordinates, each along all dims of the index."""
        return {
            name: self._variable(name, (variables or {}).get(name))
            for name in self.transform.coord_names
        }

    def _variable(self, name: Hashable, known: xr.Variable | None) -> xr.Variable:
        dims = self.transform.dims
        attrs = None
        if known is not None:
            attrs = known.attrs
            # Objects that were transposed keep the order of their dims.
            if set(dims) <= set(known.dims):
                dims = tuple(str(dim) for dim in known.dims if dim in dims)
        data: Any = _LazyCoordinate(self.transform, name, dims)
        return xr.Variable(dims, data, attrs, {PLACED_KEY: True})

    def isel(self, indexers: Mapping[Any, Any]) -> WorldIndex | None:
        """The index of some of the pixels; None where they lie along new dims."""
        transform = self.transform
        for dim, indexer in indexers.items():
            if dim not in transform.dims:
                continue
            if isinstance(indexer, xr.Variable):
                if indexer.dims not in ((), (dim,)):
                    return None
                indexer = indexer.values
            if isinstance(indexer, slice):
                transform = transform.taken(dim, indexer)
            elif np.ndim(indexer) == 0:
                transform = transform.fixed(dim, int(indexer))
            else:
                transform = transform.taken(dim, np.asarray(indexer))
        return type(self)(transform) if transform.dims else None

    def sel(
        self, labels: dict[Any, Any], method: Any = None, tolerance: Any = None
    ) -> IndexSelResult:
        """Indices of the nearest pixels.

        Raises
        ------
        OutsideError
            If a position lies outside of the image; it is a KeyError.
        TransformationError
            If the coordinates do not tell which pixel is meant, slices are given for
            coordinates along several dims, or another method than ``"nearest"``.
        """
        dims = [self.transform.used_by(name) for name in labels]
        alone = [dim for (dim,) in (own for own in dims if len(own) == 1)]
        if len(alone) == len(dims) and len(set(alone)) == len(alone):
            return self._one_by_one(labels, method, tolerance)
        self._check(labels, method)
        wanted, template = _broadcast(labels)
        found = self._nearest(wanted, tolerance)
        return IndexSelResult(
            {dim: template.copy(data=index) for dim, index in found.items()}
        )

    def _one_by_one(
        self, labels: Mapping[Any, Any], method: Any, tolerance: Any
    ) -> IndexSelResult:
        found: dict[Any, Any] = {}
        for name, label in labels.items():
            (dim,) = self.transform.used_by(name)
            values = self.transform.generate_coords((dim,))[name]
            index = PandasIndex(values, dim, coord_dtype=np.dtype(np.float64))
            if isinstance(label, list | tuple):
                label = np.asarray(label)
            part = index.sel({name: label}, method=method, tolerance=tolerance)
            found |= part.dim_indexers
        return IndexSelResult(found)

    def _check(self, labels: Mapping[Any, Any], method: Any) -> None:
        names = [*labels]
        system, dims = self.transform.system, self.transform.dims
        if any(isinstance(label, slice) for label in labels.values()):
            raise TransformationError(
                f"A slice of {names} is no box of pixels, as the system {system!r} is "
                f"turned or sheared against the dims {list(dims)}: select these with "
                "slices, or take values with .where() on the coordinates"
            )
        if method != "nearest":
            raise TransformationError(
                f"Positions in {system!r} lie between pixels: select the nearest with "
                f'.sel(..., method="nearest")'
            )
        if self.transform.rank(names) < len(self.transform.columns(names)):
            others = [name for name in self.transform.coord_names if name not in names]
            along = [dims[column] for column in self.transform.columns(names)]
            remedy = f"give {others} as well" if others else f"select {along} instead"
            raise TransformationError(
                f"Coordinates {names} alone do not tell which pixel along {along} is "
                f"meant: {remedy}"
            )

    def _nearest(
        self, wanted: Mapping[Any, Any], tolerance: Any
    ) -> dict[str, np.ndarray[Any, Any]]:
        found = {}
        rounding = self.transform.rounding(wanted)
        for dim, positions in self.transform.positions(wanted).items():
            along = self.transform.along[dim]
            found[dim], inside = along.nearest(positions, rounding[dim])
            if not inside.all():
                first = int(np.argmin(inside))
                told = ", ".join(
                    f"{name}={np.ravel(v)[first]:.9g}" for name, v in wanted.items()
                )
                raise OutsideError(
                    f"Position {told} in {self.transform.system!r} lies outside of the "
                    f"image: it is {np.ravel(positions)[first]:.9g} along {dim!r}, "
                    f"where the pixels lie from {along}"
                )
        if tolerance is not None:
            self._check_distance(wanted, found, tolerance)
        return found

    def _check_distance(
        self, wanted: Mapping[Any, Any], found: Mapping[str, Any], tolerance: Any
    ) -> None:
        there = self.transform.forward(found)
        for name, values in wanted.items():
            if (np.abs(there[name] - values) > tolerance).any():
                raise OutsideError(
                    f"The centre of the pixel that holds a position is farther than "
                    f"{tolerance} from it along {name!r}: give a larger tolerance"
                )

    def to_pandas_index(self) -> NoReturn:
        """Nothing: coordinates along several dims are no index of pandas.

        Raises
        ------
        TypeError
            Always.
        """
        names = list(self.transform.coord_names)
        raise TypeError(
            f"Coordinates {names} lie along {list(self.transform.dims)} together, and "
            f"are no index of pandas, which was asked for: leave them out first, with "
            f".drop_vars({names})"
        )

    def equals(
        self, other: Index, *, exclude: frozenset[Hashable] | None = None
    ) -> bool:
        """Whether both have the same coordinates, but for pixels of some dims."""
        return isinstance(other, WorldIndex) and self.transform.equals(
            other.transform, exclude=exclude
        )

    def join(self, other: Index, how: str = "inner") -> WorldIndex:
        """Nothing: pixels of images in different places are not matched.

        Raises
        ------
        TransformationError
            Always, as it is asked of unequal indexes only.
        """
        names = list(self.transform.coord_names)
        raise TransformationError(
            f"Objects that lie differently in {self.transform.system!r} cannot be "
            f"aligned by {names}: select the same pixels of both with .isel() or "
            f".sel(), or drop these coordinates with .drop_vars({names})"
        )

    def rename(
        self, name_dict: Mapping[Any, Hashable], dims_dict: Mapping[Any, Hashable]
    ) -> WorldIndex:
        """The index with other names."""
        return type(self)(self.transform.renamed(name_dict, dims_dict))

    @classmethod
    def concat(
        cls,
        indexes: Sequence[WorldIndex],
        dim: Hashable,
        positions: Any = None,
    ) -> WorldIndex:
        """The index of parts of one image, side by side along a dim."""
        first, *others = (index.transform for index in indexes)
        joined = None
        if positions is None and dim in first.dims:
            joined = first.joined(others, str(dim))
        if joined is None:
            raise TransformationError(
                f"Objects cannot be joined along {dim!r}, as they lie in "
                f"{first.system!r} in different ways; drop {list(first.coord_names)} "
                "with .drop_vars() first"
            )
        return cls(joined)

    def _repr_inline_(self, max_width: int) -> str:
        return f"WorldIndex({self.transform.system!r})"


def _broadcast(labels: Mapping[Any, Any]) -> tuple[dict[Any, Any], xr.DataArray]:
    """Labels as arrays of one shape, and a DataArray of that shape."""
    given = [_labelled(name, label) for name, label in labels.items()]
    sizes = {array.size for array in given if array.dims == (POINTS,)}
    if len(sizes) > 1:
        raise TransformationError(
            f"Lists of {sorted(sizes)} positions are given for {list(labels)}, and "
            "they go point by point: give lists of one length, or DataArrays"
        )
    arrays = xr.broadcast(*given)
    template = arrays[0]
    wanted = {
        name: np.asarray(array.values, dtype=np.float64)
        for name, array in zip(labels, arrays, strict=True)
    }
    plain = template.drop_vars([name for name in labels if name in template.coords])
    return wanted, xr.DataArray(
        np.zeros(plain.shape), coords=plain.coords, dims=plain.dims
    )


def _labelled(name: Hashable, label: Any) -> xr.DataArray:
    if isinstance(label, xr.DataArray):
        return label
    if isinstance(label, xr.Variable):
        return xr.DataArray(label)
    values = np.asarray(label, dtype=np.float64)
    if values.ndim > 1:
        raise TransformationError(
            f"Positions for {name!r} have {values.ndim} dims: give a DataArray, whose "
            "dims have names"
        )
    return xr.DataArray(values, dims=(POINTS,) if values.ndim else ())
