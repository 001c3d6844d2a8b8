"""What is known of a stored plate: one level of its fields, pixels unread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xarray_omezarr.hierarchy import GroupNode, Hierarchy
    from xarray_omezarr.store.arrays import StoredArray
    from xarray_omezarr.store.as_opened import Opened
    from xarray_omezarr.store.open_nodes import ArrayReader

Place: TypeAlias = tuple[str, str, str]
Limits: TypeAlias = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """What fields have in common that differ in place, name and contrast alone.

    Parameters
    ----------
    image : Hierarchy
        The first of these fields, with one level.
    number : int
        Of the level, among all levels of these fields.
    """

    image: Hierarchy
    number: int


@dataclass(frozen=True, slots=True)
class StoredField:
    """One field of a plate.

    Parameters
    ----------
    place : tuple of str
        Row, column and field.
    path : str
        Of the array of its level.
    metadata : object
        Of the array, as zarr has it; fields that are alike share it.
    opened : Opened, optional
        Folder of the array, on a disk.
    translation : tuple of float
        Centre of the first pixel by axis.
    acquisition : int, optional
        The one that it belongs to.
    windows : tuple of dict
        Contrast of each channel: ``min``, ``max``, ``start`` and ``end``.
    sample : int
        Which of the samples it is like.
    """

    place: Place
    path: str
    metadata: Any
    opened: Opened | None
    translation: tuple[float, ...]
    acquisition: int | None
    windows: tuple[Limits, ...]
    sample: int


@dataclass(frozen=True, slots=True)
class StoredPlate:
    """One level of the fields of a plate.

    Parameters
    ----------
    group : GroupNode
        The plate.
    samples : tuple of Sample
        One for all fields that are alike; that of the first field is the first.
    fields : tuple of StoredField
        All of them.
    reader : ArrayReader
        Opens their arrays.
    labels : tuple of str
        Names of the label images that fields have.
    xml : bytes, optional
        OME-XML of the plate.
    """

    group: GroupNode
    samples: tuple[Sample, ...]
    fields: tuple[StoredField, ...]
    reader: ArrayReader
    labels: tuple[str, ...] = ()
    xml: bytes | None = None

    def pixels(self, field: StoredField) -> FieldPixels:
        """The pixels of a field, read when they are indexed."""
        return FieldPixels(self.reader, field.path, field.metadata, field.opened)


@dataclass(frozen=True, slots=True)
class FieldPixels:
    """The pixels of a field; the array is opened when it is indexed."""

    reader: ArrayReader
    path: str
    metadata: Any
    opened: Opened | None = None

    def __reduce__(self) -> tuple[type[FieldPixels], tuple[Any, ...]]:
        # Other machines number folders otherwise.
        return FieldPixels, (self.reader, self.path, self.metadata)

    def __deepcopy__(self, _memo: object) -> FieldPixels:
        return self

    @property
    def array(self) -> StoredArray:
        """The array that is read."""
        return self.reader.stored(self.path, self.metadata, self.opened)

    def outer(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Pixels at the product of slices, numbers and 1-D index arrays."""
        return self.array.outer(key)

    def points(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Pixels at the points that 1-D index arrays name."""
        return self.array.points(key)
