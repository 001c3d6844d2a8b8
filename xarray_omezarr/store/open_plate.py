"""A plate -> one level of all its fields, of which nothing is understood twice."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from xarray_omezarr.errors import (
    MetadataError,
    NotOmeZarrError,
    OmeZarrError,
    OmeZarrWarning,
    OptionError,
    warn,
)
from xarray_omezarr.grid import kept
from xarray_omezarr.grid.model import to_grid
from xarray_omezarr.hierarchy import (
    GroupNode,
    Hierarchy,
    Node,
    join,
    natural_key,
)
from xarray_omezarr.ngff.labels import LabelsGroup
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.plate import Plate, Well
from xarray_omezarr.store.alike import Differences, with_differences
from xarray_omezarr.store.likeness import Likeness
from xarray_omezarr.store.open import level_paths
from xarray_omezarr.store.open_documents import (
    ARRAY_NAMES,
    GROUP_NAMES,
    group_attrs,
    read_documents,
)
from xarray_omezarr.store.open_images import NOTHING, Opening
from xarray_omezarr.store.open_nodes import ArrayReader
from xarray_omezarr.store.open_tree import Selection, begin, nothing_left, told

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.arrays import StoredArray
    from xarray_omezarr.store.target import Target

Place: TypeAlias = tuple[str, str, str]
Limits: TypeAlias = Mapping[str, float]

_LIMITS = ("min", "max", "start", "end")
_LABELS = "labels"

# Fields that a server is asked for label images: where some have them, most do.
_MOST_ASKED = 16


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
    translation : tuple of float
        Centre of the first pixel by axis.
    acquisition : int, optional
        The one that it belongs to.
    windows : tuple of dict
        Contrast of each channel: ``min``, ``max``, ``start`` and ``end``.
    """

    place: Place
    path: str
    metadata: Any
    translation: tuple[float, ...]
    acquisition: int | None
    windows: tuple[Limits, ...]


@dataclass(frozen=True, slots=True)
class StoredPlate:
    """One level of the fields of a plate.

    Parameters
    ----------
    group : GroupNode
        The plate.
    first : Hierarchy
        The image of the first field, with the level; the others are like it.
    number : int
        Of the level.
    fields : tuple of StoredField
        All of them.
    reader : ArrayReader
        Opens their arrays.
    labels : tuple of str
        Names of the label images that fields have.
    """

    group: GroupNode
    first: Hierarchy
    number: int
    fields: tuple[StoredField, ...]
    reader: ArrayReader
    labels: tuple[str, ...] = ()

    def pixels(self, field: StoredField) -> FieldPixels:
        """The pixels of a field, read when they are indexed."""
        return FieldPixels(self.reader, field.path, field.metadata)


@dataclass(frozen=True, slots=True)
class FieldPixels:
    """The pixels of a field; the array is opened when it is indexed."""

    reader: ArrayReader
    path: str
    metadata: Any

    @property
    def array(self) -> StoredArray:
        """The array that is read."""
        return self.reader.stored(self.path, self.metadata)

    def outer(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Pixels at the product of slices, numbers and 1-D index arrays."""
        return self.array.outer(key)

    def points(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Pixels at the points that 1-D index arrays name."""
        return self.array.points(key)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A field that a well lists."""

    place: Place
    path: str
    acquisition: int | None


def open_fields(
    target: Target, level: int = 0, acquisition: int | None = None
) -> StoredPlate:
    """One level of all fields of the plate at `target`, pixels unread.

    Parameters
    ----------
    target : Target
        Where the plate is.
    level : int
        0 is the finest, -1 the coarsest.
    acquisition : int, optional
        Only fields of this acquisition.

    Raises
    ------
    NotOmeZarrError
        If there is no plate.
    OptionError
        If the plate has no such acquisition.
    PlateError
        If fields have other shapes, types, axes, scales or channels than the first.
    """
    version, group, opening = begin(target, Selection(levels=(level,), labels=False))
    plate = group.model
    if not isinstance(plate, Plate):
        what = "nothing" if plate is None else plate.summary()
        raise NotOmeZarrError(f"{target} is not a plate, but holds {what}")
    listed = _listed(plate, opening, acquisition)
    reader = _FieldReader(opening, version)
    fields = reader.read(listed)
    if reader.first is None or not fields:
        raise nothing_left(target, opening.left_out)
    reader.raise_differences()
    if opening.left_out:
        warn(
            f"Not everything that {target} lists can be opened; left out: "
            f"{told(opening.left_out)}"
        )
    return StoredPlate(
        group, reader.first, reader.number, fields, reader.arrays, tuple(reader.labels)
    )


def _listed(plate: Plate, opening: Opening, acquisition: int | None) -> list[_Listed]:
    """The fields that wells list, in natural order."""
    wells, _ = opening.read_groups(well.path for well in plate.wells)
    found = []
    for path, node in wells.items():
        if not isinstance(node.model, Well) or path.count("/") != 1:
            opening.left_out[path] = "it is no well in a row and a column"
            continue
        row, _, column = path.partition("/")
        found += [
            _Listed(
                (row, column, entry.path), join(path, entry.path), entry.acquisition
            )
            for entry in node.model.images
        ]
    if not found:
        raise nothing_left(opening.target, opening.left_out)
    if acquisition is not None:
        known = sorted({f.acquisition for f in found if f.acquisition is not None})
        found = [field for field in found if field.acquisition == acquisition]
        if not found:
            raise OptionError(
                f"acquisition is {acquisition!r}, and the fields of {opening.target} "
                f"are of the acquisitions {known}"
            )
    return sorted(found, key=lambda field: [*map(natural_key, field.place)])


@dataclass(frozen=True, slots=True)
class _Group:
    """The group of a field: one that is like it, what differs, path of the level."""

    node: GroupNode
    differences: Differences
    level: str


class _FieldReader:
    """Reads fields, and compares each to the first."""

    def __init__(self, opening: Opening, version: Version) -> None:
        self._opening = opening
        self._version = version
        self._likeness: Likeness | None = None
        self._levels: dict[int, str] = {}
        self.arrays = ArrayReader(opening.target, opening.zarr_format)
        self.first: Hierarchy | None = None
        self.number = 0
        self.labels: dict[str, None] = {}

    def read(self, listed: Sequence[_Listed]) -> tuple[StoredField, ...]:
        """The fields that can be opened."""
        opening = self._opening
        groups = self._groups(listed)
        name = ARRAY_NAMES[opening.zarr_format]
        keys = [f"{path}/{group.level}/{name}" for path, group in groups.items()]
        labels = _label_keys([*groups], opening)
        documents = read_documents(
            opening.target, [*keys, *self._kept(groups), *labels]
        )
        self._note_labels(documents[key] for key in labels if key in documents)
        found = []
        for field in listed:
            if field.path in groups:
                try:
                    found.append(self._field(field, groups[field.path], documents))
                except OmeZarrError as error:
                    opening.left_out[field.path] = str(error)
        return tuple(found)

    def _groups(self, listed: Sequence[_Listed]) -> dict[str, _Group]:
        """The groups of the fields; of like ones that of the first."""
        opening = self._opening
        name = GROUP_NAMES[opening.zarr_format]
        keys = {field.path: f"{field.path}/{name}" for field in listed}
        documents = read_documents(opening.target, keys.values())
        groups = {}
        for path, key in keys.items():
            if key not in documents:
                opening.left_out[path] = NOTHING
                continue
            try:
                node, differences = opening.groups.compare(path, documents[key])
                groups[path] = _Group(node, differences, self._level(path, node))
            except OmeZarrError as error:
                opening.left_out[path] = str(error)
        return groups

    def raise_differences(self) -> None:
        """Raise if not all fields are like the first."""
        if self._likeness is not None:
            self._likeness.raise_differences(str(self._opening.target))

    def _level(self, path: str, node: GroupNode) -> str:
        """Path of the level below a field."""
        if not isinstance(node.model, Image):
            raise NotOmeZarrError("it is no image")
        known = self._levels.get(id(node))
        if known is None:
            place = self._opening.target.child(path)
            (known,) = level_paths(node.model, self._opening.levels, place)
            self._levels[id(node)] = known
        return known

    def _kept(self, groups: Mapping[str, _Group]) -> list[str]:
        """Documents of the arrays that are kept beside the first field."""
        name = ARRAY_NAMES[self._opening.zarr_format]
        for path, group in groups.items():
            names = kept.array_names(group.node.attrs.get(kept.KEY))
            return [join(path, kept.KEY, array, name) for array in names]
        return []

    def _note_labels(self, documents: Iterable[bytes]) -> None:
        for document in documents:
            # Groups of labels that are wrong are told of when they are opened.
            with contextlib.suppress(OmeZarrError), warnings.catch_warnings():
                warnings.simplefilter("ignore", OmeZarrWarning)
                attrs = group_attrs(document, self._opening.zarr_format, _LABELS)
                model = self._version.from_attrs(attrs)
                if isinstance(model, LabelsGroup):
                    self.labels |= dict.fromkeys(model.labels)

    def _field(
        self, listed: _Listed, group: _Group, documents: Mapping[str, bytes]
    ) -> StoredField:
        image = group.node.model
        if not isinstance(image, Image):
            raise TypeError(f"{listed.path} is no image")
        dims = tuple(axis.name for axis in image.multiscale.axes)
        path = f"{listed.path}/{group.level}"
        metadata, members = self.arrays.understood(
            path, self._document(path, documents), dims
        )
        if self._likeness is None:
            self._begin(listed.path, group, image, documents)
            self._likeness = Likeness(self.number)
        shape = members["shape"]
        self._likeness.compare(listed.path, image, shape, members["dtype"])
        return StoredField(
            place=listed.place,
            path=path,
            metadata=metadata,
            translation=_translation(image, group.differences, self.number, shape),
            acquisition=listed.acquisition,
            windows=_windows(image, group.differences),
        )

    def _document(self, path: str, documents: Mapping[str, bytes]) -> bytes:
        document = documents.get(join(path, ARRAY_NAMES[self._opening.zarr_format]))
        if document is None:
            name = path.rpartition("/")[2]
            raise MetadataError(f"it lists {name!r}, but there is no such array")
        return document

    def _begin(
        self, path: str, group: _Group, image: Image, documents: Mapping[str, bytes]
    ) -> None:
        """Keep the first field, which the others are compared to."""
        levels = [level.path for level in image.multiscale.levels]
        dims = tuple(axis.name for axis in image.multiscale.axes)
        names = kept.array_names(group.node.attrs.get(kept.KEY))
        arrays: dict[str, tuple[str, ...] | None] = {group.level: dims}
        arrays |= {join(kept.KEY, name): None for name in names}
        nodes: dict[str, Node] = {"": group.node}
        for own, own_dims in arrays.items():
            place = join(path, own)
            document = self._document(place, documents)
            nodes[own] = self.arrays.node(place, document, own_dims)
        self.first = Hierarchy(self._version, nodes)
        self.number = levels.index(group.level)


def _label_keys(paths: Sequence[str], opening: Opening) -> list[str]:
    """Documents that tell of label images; of a server only some are asked for."""
    is_near = opening.target.directory is not None
    step = 1 if is_near else max(1, -(-len(paths) // _MOST_ASKED))
    name = GROUP_NAMES[opening.zarr_format]
    return [join(path, _LABELS, name) for path in paths[::step]]


def _translation(
    image: Image, differences: Differences, number: int, shape: tuple[int, ...]
) -> tuple[float, ...]:
    multiscale = image.multiscale
    level = multiscale.levels[number]
    if not multiscale.coordinate_transformations and level.scale:
        found = differences.get(("translation", number, ""))
        return level.translation if found is None else tuple(map(float, found))
    multiscale = with_differences(image, differences).multiscale
    grid = to_grid(multiscale, multiscale.levels[number], shape)
    return tuple(grid.translation.values())


def _windows(image: Image, differences: Differences) -> tuple[Limits, ...]:
    """Smallest, largest, first and last value of each channel that tells them."""
    channels = image.omero.channels if image.omero else ()
    return tuple(
        {
            name: differences.get(("window", number, name), getattr(window, name))
            for name in _LIMITS
        }
        if (window := channel.window)
        else {}
        for number, channel in enumerate(channels)
    )
