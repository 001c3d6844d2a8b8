"""Matrices and fields that transformations name, told from nodes of a hierarchy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.grid.model import to_grid
from xarray_omezarr.hierarchy import ArrayNode, Given, GroupNode, Hierarchy, join
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.named import Named, named, within
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.transforming.stored import Field

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Readable
    from xarray_omezarr.transforming.stored import Arrays, Stored

#: Types of the axis along which the entries of a vector lie.
VECTOR_AXES = ("displacement", "coordinate")


@dataclass(frozen=True, slots=True)
class OneVector:
    """Numbers along one axis, as vectors of one entry.

    Parameters
    ----------
    numbers : Readable
        Of one dim.
    """

    numbers: Readable

    @property
    def shape(self) -> tuple[int, ...]:
        """One entry, and the number of vectors."""
        return 1, *self.numbers.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return self.numbers.dtype

    def __getitem__(self, key: tuple[slice, ...], /) -> Any:
        entry, *places = key
        return np.asarray(self.numbers[tuple(places)])[np.newaxis][entry]


def told_by(model: object) -> Iterator[Named]:
    """What the transformations between systems of an image or scene name."""
    if isinstance(model, Image):
        # Nearly all images have none, and there may be thousands of them.
        if model.multiscale.coordinate_transformations:
            for way in model.multiscale.between_systems:
                yield from named(way)
    elif isinstance(model, Scene):
        for way in model.coordinate_transformations:
            yield from named(way)


def numbers_of(hierarchy: Hierarchy) -> dict[str, Named]:
    """What transformations of a hierarchy name, by path from its root.

    What lies out of their group is none of it.
    """
    found: dict[str, Named] = {}
    for path, node in hierarchy.nodes.items():
        if isinstance(node, GroupNode):
            for one in told_by(node.model):
                try:
                    found.setdefault(join(path, within(one.path)), one)
                except ValueError:
                    continue
    return found


def arrays_in(hierarchy: Hierarchy, numbers: Mapping[str, Named]) -> Arrays:
    """Matrices and fields of a hierarchy by path, unread; what is broken is missing.

    Parameters
    ----------
    hierarchy : Hierarchy
        As it was opened.
    numbers : mapping
        What to look for, by path from its root.
    """
    found: dict[str, Stored] = {}
    for path, one in numbers.items():
        node = hierarchy.nodes.get(path)
        try:
            if isinstance(node, ArrayNode):
                found[path] = array_of(node, is_matrix=one.is_matrix)
            elif isinstance(node, GroupNode) and isinstance(node.model, Image):
                found[path] = field_of(hierarchy, path)
        except MetadataError:
            # Whoever opened it has told.
            continue
    return found


def field_of(hierarchy: Hierarchy, path: str) -> Field:
    """The field that the image at `path` is: its finest level.

    Raises
    ------
    MetadataError
        If it has not one axis with the entries of vectors, or no such numbers.
    """
    multiscale = hierarchy.image(path).multiscale
    finest = multiscale.levels[0]
    node = hierarchy.nodes.get(join(path, finest.path))
    if not isinstance(node, ArrayNode):
        raise MetadataError(f"the finest level {finest.path!r} is not there")
    _check_numbers(node)
    grid = to_grid(multiscale, finest, node.shape)
    places = [n for n, axis in enumerate(grid.axes) if axis.type in VECTOR_AXES]
    if len(places) != 1:
        types = [axis.type for axis in grid.axes]
        raise MetadataError(
            f"its axes are of the types {types}, and one is 'displacement' or "
            "'coordinate'"
        )
    others = [axis for axis in grid.axes if axis.type not in VECTOR_AXES]
    return Field(
        node.given,
        places[0],
        tuple(axis.scale for axis in others),
        tuple(axis.translation for axis in others),
    )


def array_of(node: ArrayNode, *, is_matrix: bool | None) -> Stored:
    """The matrix that an array is, or the field on the indices of its pixels.

    Parameters
    ----------
    node : ArrayNode
        An array that exists.
    is_matrix : bool, optional
        Whether a matrix is wanted, or a field. None: two dims make a matrix.

    Raises
    ------
    MetadataError
        If it is not what is wanted.
    """
    _check_numbers(node)
    if is_matrix or (is_matrix is None and len(node.shape) == 2):
        if len(node.shape) != 2:
            raise MetadataError(
                f"it has the shape {list(node.shape)}, and a matrix has two dims"
            )
        return node.given
    vectors, shape = node.given, node.shape
    if len(shape) == 1:
        vectors, component = OneVector(vectors), 0
    else:
        component = _component(node)
    count = max(len(shape) - 1, 1)
    return Field(vectors, component, (1.0,) * count, (0.0,) * count)


def _component(node: ArrayNode) -> int:
    """The dim of the entries of vectors: by its name, else by its size."""
    of_name = [n for n, dim in enumerate(node.dims) if dim in VECTOR_AXES]
    if len(of_name) == 1:
        return of_name[0]
    count = len(node.shape) - 1
    ends = [at for at in (0, count) if node.shape[at] == count]
    if not ends:
        raise MetadataError(
            f"it has the shape {list(node.shape)}, none of whose ends is {count}, the "
            "number of entries of a vector; store it as an image with an axis of type "
            "'displacement' or 'coordinate'"
        )
    return ends[0]


def _check_numbers(node: ArrayNode) -> None:
    if node.dtype.kind not in "iuf" or not isinstance(node.source, Given):
        raise MetadataError(f"it holds {node.dtype}, and numbers are wanted")
    if 0 in node.shape:
        raise MetadataError(f"it is empty: its shape is {list(node.shape)}")
