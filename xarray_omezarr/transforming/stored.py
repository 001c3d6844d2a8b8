"""What transformations keep in arrays: matrices, and images with a vector per pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np


class Readable(Protocol):
    """An array that is read when it is indexed with slices."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its type."""
        ...

    def __getitem__(self, key: Any, /) -> Any:
        """Its values there."""
        ...


@dataclass(frozen=True, slots=True)
class Field:
    """An image with a vector per pixel: of displacements, or of coordinates.

    Parameters
    ----------
    vectors : Readable
        Unread; one dim more than the axes that positions have.
    component : int
        The dim along which the entries of a vector lie.
    scale, translation : tuple of float
        Of the other dims in their order: position = scale * index + translation, at
        the centres of the pixels, in the system that the transformation starts from.
    """

    vectors: Readable
    component: int
    scale: tuple[float, ...]
    translation: tuple[float, ...]


Stored: TypeAlias = Readable | Field
#: What transformations name by a path, by that path.
Arrays: TypeAlias = Mapping[str, Stored]
