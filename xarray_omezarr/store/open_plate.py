"""A plate -> one level of all its fields, of which nothing is understood twice."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
from xarray_omezarr.ngff.plate import Plate, Well, acquisition_of
from xarray_omezarr.places import with_places
from xarray_omezarr.store.alike import Differences, with_differences
from xarray_omezarr.store.open import level_paths, measured_levels
from xarray_omezarr.store.open_documents import (
    ARRAY_NAMES,
    GROUP_NAMES,
    group_attrs,
    read_documents,
)
from xarray_omezarr.store.open_nodes import ArrayReader
from xarray_omezarr.store.open_numbers import NOTHING
from xarray_omezarr.store.open_tree import XML, begin
from xarray_omezarr.store.open_words import nothing_left, told
from xarray_omezarr.store.selection import Selection
from xarray_omezarr.store.stored_plate import (
    Limits,
    Place,
    Sample,
    StoredField,
    StoredPlate,
)

if TYPE_CHECKING:
    from collections.abc import Hashable

    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.open_images import Opening
    from xarray_omezarr.store.target import Target

_LIMITS = ("min", "max", "start", "end")
_LABELS = "labels"

# Fields that a server is asked for label images: where some have them, most do.
_MOST_ASKED = 16


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
    MetadataError
        If none of its fields can be opened.
    """
    version, group, opening = begin(target, Selection(levels=(level,), labels=False))
    plate = group.model
    if not isinstance(plate, Plate):
        what = "nothing" if plate is None else plate.summary()
        raise NotOmeZarrError(f"{target} is not a plate, but holds {what}")
    listed, xml = _listed(plate, opening, acquisition)
    reader = _FieldReader(opening, version)
    fields = reader.read(listed)
    if not fields:
        raise nothing_left(opening)
    if opening.left_out:
        warn(
            f"Not everything that {target} lists can be opened; left out: "
            f"{told(opening.left_out)}"
        )
    samples, labels = tuple(reader.samples), tuple(reader.labels)
    return StoredPlate(group, samples, fields, reader.arrays, labels, xml)


def _listed(
    plate: Plate, opening: Opening, acquisition: int | None
) -> tuple[list[_Listed], bytes | None]:
    """The fields that wells list, in natural order; the OME-XML of the plate."""
    further = () if plate.bioformats2raw_layout is None else (XML,)
    paths = (well.path for well in plate.wells)
    wells, documents = opening.read_groups(paths, further)
    found = []
    for path, node in wells.items():
        if not isinstance(node.model, Well) or path.count("/") != 1:
            opening.left_out[path] = "it is no well in a row and a column"
            continue
        row, _, column = path.partition("/")
        for entry in node.model.images:
            place, run = (row, column, entry.path), acquisition_of(entry, plate)
            found.append(_Listed(place, join(path, entry.path), run))
    if not found:
        raise nothing_left(opening)
    if acquisition is not None:
        known = sorted({f.acquisition for f in found if f.acquisition is not None})
        found = [field for field in found if field.acquisition == acquisition]
        if not found:
            raise OptionError(
                f"acquisition is {acquisition!r}, and the fields of {opening.target} "
                f"are of the acquisitions {known}"
            )
    found.sort(key=lambda field: [*map(natural_key, field.place)])
    return found, documents.get(XML)


@dataclass(frozen=True, slots=True)
class _Group:
    """The group of a field: one that is like it, and what differs; its level."""

    node: GroupNode
    differences: Differences
    image: Image
    level: str
    number: int

    @property
    def dims(self) -> tuple[str, ...]:
        """Dims of the level."""
        return tuple(axis.name for axis in self.image.multiscale.axes)

    @property
    def kept(self) -> list[str]:
        """Paths of the arrays that are kept beside the level."""
        names = kept.array_names(self.node.attrs.get(kept.KEY))
        return [join(kept.KEY, name) for name in names]


class _FieldReader:
    """Reads fields, and knows which of them are alike."""

    def __init__(self, opening: Opening, version: Version) -> None:
        self._opening = opening
        self._version = version
        self._levels: dict[int, tuple[Image, str, int]] = {}
        self._numbers: dict[Hashable, int] = {}
        self._places: dict[Hashable, _Group] = {}
        self.arrays = ArrayReader(opening.target, opening.zarr_format)
        self.samples: list[Sample] = []
        self.labels: dict[str, None] = {}

    def read(self, listed: Sequence[_Listed]) -> tuple[StoredField, ...]:
        """The fields that can be opened."""
        opening = self._opening
        groups = self._groups(listed)
        name = ARRAY_NAMES[opening.zarr_format]
        keys = [
            f"{path}/{below}/{name}"
            for path, group in groups.items()
            for below in (*self._measured(group), *group.kept)
        ]
        labels = _label_keys([*groups], opening)
        documents = read_documents(opening.target, [*keys, *labels])
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
                level = self._level(node)
                groups[path] = _Group(node, differences, *level)
            except OmeZarrError as error:
                opening.leave_out(path, error)
        return groups

    def _level(self, node: GroupNode) -> tuple[Image, str, int]:
        """The image of a field, path of the level below it, and number of that."""
        image = node.model
        if not isinstance(image, Image):
            raise NotOmeZarrError("it is no image")
        known = self._levels.get(id(node))
        if known is None:
            (level,) = level_paths(image, self._opening.levels)
            # -1 is another level where there are others.
            number = level_paths(image, None).index(level)
            known = self._levels[id(node)] = image, level, number
        return known

    def _note_labels(self, documents: Iterable[bytes]) -> None:
        for document in documents:
            # Groups of labels that are wrong are told of when they are opened.
            with contextlib.suppress(OmeZarrError), warnings.catch_warnings():
                warnings.simplefilter("ignore", OmeZarrWarning)
                attrs = group_attrs(document, self._opening.zarr_format, _LABELS)
                model = self._opening.groups.understand(attrs).model
                if isinstance(model, LabelsGroup):
                    self.labels |= dict.fromkeys(model.labels)

    def _measured(self, group: _Group) -> tuple[str, ...]:
        """Paths of the levels of a field whose arrays are needed."""
        version = group.node.version or self._version
        return measured_levels(version, group.image, (group.level,))

    def _placed(
        self, path: str, group: _Group, documents: Mapping[str, bytes]
    ) -> _Group:
        """The group with the places of its levels; those of like fields are one."""
        version = group.node.version or self._version
        if version.features.transformations:
            return group
        arrays = {
            below: self.arrays.node(
                join(path, below), self._document(join(path, below), documents), dims
            )
            for below, dims in dict.fromkeys(self._measured(group), group.dims).items()
        }
        key = (id(group.node), *(node.shape for node in arrays.values()))
        if key not in self._places:
            measured = Hierarchy(version, {"": group.node, **arrays})
            told = with_places(measured)
            self._places[key] = replace(group, node=told.group(""), image=told.image())
        known = self._places[key]
        return replace(known, differences=group.differences)

    def _field(
        self, listed: _Listed, group: _Group, documents: Mapping[str, bytes]
    ) -> StoredField:
        group = self._placed(listed.path, group, documents)
        path = f"{listed.path}/{group.level}"
        metadata, members = self.arrays.understood(
            path, self._document(path, documents), group.dims
        )
        # Documents that say the same may name arrays that hold other values.
        own = listed.path if group.kept else ""
        alike = (id(group.node), id(metadata), own)
        if alike not in self._numbers:
            self.samples.append(self._sample(listed.path, group, documents))
            self._numbers[alike] = len(self.samples) - 1
        shape, image = members["shape"], group.image
        return StoredField(
            place=listed.place,
            path=path,
            metadata=metadata,
            opened=self.arrays.opened(path),
            translation=_translation(image, group.differences, group.number, shape),
            acquisition=listed.acquisition,
            windows=_windows(image, group.differences),
            sample=self._numbers[alike],
        )

    def _document(self, path: str, documents: Mapping[str, bytes]) -> bytes:
        document = documents.get(join(path, ARRAY_NAMES[self._opening.zarr_format]))
        if document is None:
            name = path.rpartition("/")[2]
            raise MetadataError(f"it lists {name!r}, but there is no such array")
        return document

    def _sample(
        self, path: str, group: _Group, documents: Mapping[str, bytes]
    ) -> Sample:
        """The field at `path`, for all that are alike."""
        arrays: dict[str, tuple[str, ...] | None] = {group.level: group.dims}
        arrays |= dict.fromkeys(group.kept)
        model = with_differences(group.image, group.differences)
        nodes: dict[str, Node] = {"": replace(group.node, model=model)}
        for own, dims in arrays.items():
            place = join(path, own)
            nodes[own] = self.arrays.node(place, self._document(place, documents), dims)
        return Sample(Hierarchy(self._version, nodes), group.number)


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
    if not multiscale.applied_after_levels and level.scale:
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
