"""Images shaped as a version wants them: with the axes that all of them have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.hierarchy import Hierarchy, Node, join
from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.transforms import Scale, Translation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xarray_omezarr.hierarchy import Readable

_TYPES = {"t": "time", "c": "channel"}


def inserted_axes(old: Sequence[str], new: Sequence[str]) -> tuple[int, ...] | None:
    """Places of the dims in `new` that `old` lacks; None where they do not match.

    Examples
    --------
    >>> inserted_axes("cyx", "tczyx")
    (0, 2)
    >>> inserted_axes("xy", "yx") is None
    True
    """
    if tuple(name for name in new if name in set(old)) != tuple(old):
        return None
    return tuple(at for at, name in enumerate(new) if name not in set(old))


def with_axes(hierarchy: Hierarchy, dims: tuple[str, ...] | None) -> Hierarchy:
    """The images with further axes of size 1, where a version has fixed ones.

    Images whose own axes are others stay: the version says that it cannot hold them.
    """
    if dims is None:
        return hierarchy
    nodes: dict[str, Node] = dict(hierarchy.nodes)
    for path, node in hierarchy.groups.items():
        if isinstance(node.model, Image):
            pictures = tuple(_longer(entry, dims) for entry in node.model.multiscales)
            model = node.model.model_copy(update={"multiscales": pictures})
            nodes[path] = replace(node, model=model)
    return replace(hierarchy, nodes=nodes)


def _longer(picture: Any, dims: tuple[str, ...]) -> Any:
    axes = picture.axes
    at = inserted_axes([axis.name for axis in axes], dims)
    if not at:
        return picture
    named = {axis.name: axis for axis in axes}
    system = picture.coordinate_systems[0].model_copy(
        update={
            "axes": tuple(
                named.get(name) or Axis(name=name, type=_TYPES.get(name, "space"))
                for name in dims
            )
        }
    )
    return picture.model_copy(
        update={
            "coordinate_systems": (system, *picture.coordinate_systems[1:]),
            "levels": tuple(
                level.model_copy(
                    update={"transformation": _with(level.transformation, at)}
                )
                for level in picture.levels
            ),
            "coordinate_transformations": tuple(
                _with(each, at) for each in picture.coordinate_transformations
            ),
        }
    )


def _with(transformation: Any, at: Sequence[int]) -> Any:
    """A transformation that leaves the further axes alone."""
    if isinstance(transformation, Scale):
        scale = _put(transformation.scale, at, 1.0)
        return transformation.model_copy(update={"scale": scale})
    if isinstance(transformation, Translation):
        translation = _put(transformation.translation, at, 0.0)
        return transformation.model_copy(update={"translation": translation})
    parts = getattr(transformation, "transformations", None)
    if parts is None:
        return transformation
    longer = tuple(_with(part, at) for part in parts)
    return transformation.model_copy(update={"transformations": longer})


def _put(
    numbers: Sequence[float], at: Sequence[int], value: float
) -> tuple[float, ...]:
    made = [*numbers]
    for axis in at:
        made.insert(axis, value)
    return tuple(made)


def with_ones(sizes: Sequence[int], at: Sequence[int]) -> tuple[int, ...]:
    """Sizes with 1 for each further axis.

    Examples
    --------
    >>> with_ones((3, 64, 32), (0, 2))
    (1, 3, 1, 64, 32)
    """
    made = [*sizes]
    for axis in at:
        made.insert(axis, 1)
    return tuple(made)


@dataclass(frozen=True, slots=True)
class WithAxes:
    """Pixels with further axes of size 1, read from those without.

    Parameters
    ----------
    array : Readable
        The pixels.
    at : tuple of int
        The further axes, in the new numbering.
    chunks : tuple of int
        What is read at once, in the new numbering.
    """

    array: Readable
    at: tuple[int, ...]
    chunks: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""
        return with_ones(self.array.shape, self.at)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.array.dtype

    def __getitem__(self, key: tuple[slice, ...]) -> NDArray[Any]:
        own = tuple(part for axis, part in enumerate(key) if axis not in self.at)
        return np.expand_dims(np.asarray(self.array[own]), self.at)


def dims_of_levels(hierarchy: Hierarchy) -> Mapping[str, tuple[tuple[str, ...], int]]:
    """Dims and number of each level by the path of its array."""
    found: dict[str, tuple[tuple[str, ...], int]] = {}
    for path, node in hierarchy.groups.items():
        if isinstance(node.model, Image):
            for picture in node.model.multiscales:
                dims = tuple(axis.name for axis in picture.axes)
                for number, level in enumerate(picture.levels):
                    found.setdefault(join(path, level.path), (dims, number))
    return found
