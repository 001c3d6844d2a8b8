"""Many images of one store, with their levels and labels, in three rounds of gets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from xarray_omezarr.errors import (
    MetadataError,
    NotOmeZarrError,
    OmeZarrError,
    OptionError,
)
from xarray_omezarr.grid import kept
from xarray_omezarr.hierarchy import ArrayNode, GroupNode, Hierarchy, Node, join
from xarray_omezarr.ngff.labels import LabelsGroup
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.places import with_places
from xarray_omezarr.store.open import level_paths, measured_levels
from xarray_omezarr.store.open_documents import (
    ARRAY_NAMES,
    GROUP_NAMES,
    group_attrs,
    read_documents,
)
from xarray_omezarr.store.open_nodes import ArrayReader, GroupReader
from xarray_omezarr.store.open_numbers import NOTHING, Numbers

if TYPE_CHECKING:
    from xarray_omezarr.store.arrays import ZarrFormat
    from xarray_omezarr.store.target import Target

LABELS = "labels"

Levels: TypeAlias = tuple[int, ...] | Literal["all"] | None
# Paths of the arrays of an image below it, with their dims where they are levels.
_Wanted: TypeAlias = dict[str, tuple[str, ...] | None]


@dataclass(slots=True)
class Opening:
    """Nodes of a hierarchy that is being read.

    Parameters
    ----------
    target : Target
        What paths count from.
    zarr_format : int
        2 or 3.
    groups : GroupReader
        Understands documents of groups.
    levels : tuple of int, optional
        Those that are opened of each image; all if None.
    nodes : dict
        What was opened, by path.
    left_out : dict
        Why something that is listed was not, by path.
    without_level : set
        Paths of what is left out as it has no such level.
    numbers : Numbers
        What transformations name by a path.
    """

    target: Target
    zarr_format: ZarrFormat
    groups: GroupReader
    levels: tuple[int, ...] | None
    nodes: dict[str, Node] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    without_level: set[str] = field(default_factory=set)
    numbers: Numbers = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = Numbers(self.target, self.zarr_format, self.groups)

    def leave_out(self, path: str, error: OmeZarrError) -> None:
        """Note why something that is listed is not opened."""
        self.left_out[path] = str(error)
        if isinstance(error, OptionError):
            self.without_level.add(path)

    def read_groups(
        self, paths: Iterable[str], further: Iterable[str] = ()
    ) -> tuple[dict[str, GroupNode], dict[str, bytes]]:
        """The groups that can be read, and all documents, `further` ones as well."""
        keys = {path: self.key(path) for path in paths}
        documents = read_documents(self.target, (*keys.values(), *further))
        return self.understood(keys, documents), documents

    def understood(
        self, keys: Mapping[str, str], documents: Mapping[str, bytes]
    ) -> dict[str, GroupNode]:
        """The groups whose documents can be understood, by path."""
        found = {}
        for path, key in keys.items():
            if key not in documents:
                self.left_out[path] = NOTHING
                continue
            try:
                found[path] = self.groups.read(path, documents[key])
            except OmeZarrError as error:
                self.left_out[path] = str(error)
        return found

    def key(self, path: str) -> str:
        """Where the document of a group is."""
        return join(path, GROUP_NAMES[self.zarr_format])

    def images(
        self,
        groups: Mapping[str, GroupNode | None],
        *,
        labels: bool,
        required: bool,
        numbers: Collection[str] = (),
        above: Collection[str] = (),
    ) -> None:
        """Put the nodes of images and of their labels.

        Parameters
        ----------
        groups : mapping
            The groups of the images by path; None where they have not been read.
        labels : bool
            Whether label images are opened with them.
        required : bool
            Whether an image that cannot be opened raises.
        numbers : collection of str
            Paths of matrices and fields that are wanted besides.
        above : collection of str
            Paths of groups that images lie in, and of which nothing but their
            attributes matters.
        """
        unread = [path for path, group in groups.items() if group is None]
        lists = {p: self.key(join(p, LABELS)) for p in groups} if labels else {}
        beside = (*self.numbers.keys(numbers), *map(self.key, above))
        found, documents = self.read_groups(unread, (*lists.values(), *beside))
        self._put_above(above, documents)
        fields = self._put_numbers(numbers, documents)
        found |= {path: group for path, group in groups.items() if group is not None}
        # In the order of the list, whatever had been read before.
        opened = self._only_images({p: found[p] for p in groups if p in found})
        listed = {
            path: node
            for path in opened
            if path in lists
            and (node := self._labels(path, documents.get(lists[path]))) is not None
        }
        keys = {label: self.key(label) for label in _all_labels(listed)}
        numbers = self.numbers.wanted(opened)
        further = (*keys.values(), *self.numbers.keys(numbers))
        documents = self._arrays(opened, further, required, fields)
        fields = self._put_numbers(numbers, documents)
        listed = {path: node for path, node in listed.items() if path in self.nodes}
        keys = {label: keys[label] for label in _all_labels(listed)}
        opened = self._only_images(self.understood(keys, documents))
        numbers = self.numbers.wanted(opened)
        documents = self._arrays(opened, self.numbers.keys(numbers), False, fields)
        self._arrays({}, (), False, self._put_numbers(numbers, documents))
        for path, node in listed.items():
            if any(label in self.nodes for label in _all_labels({path: node})):
                self.nodes[join(path, LABELS)] = node

    def _put_above(self, paths: Iterable[str], documents: Mapping[str, bytes]) -> None:
        """Put groups with attributes; images and lists of labels are none of them."""
        for path in paths:
            where = str(self.target.child(path))
            try:
                content = documents.get(self.key(path), b"{}")
                attrs = group_attrs(content, self.zarr_format, where)
            except OmeZarrError:
                continue
            ome = attrs.get("ome")
            told = {*ome} if isinstance(ome, Mapping) else set()
            if attrs and not told & {"multiscales", LABELS}:
                self.nodes[path] = GroupNode(None, attrs)

    def open_numbers(self, numbers: Collection[str]) -> None:
        """Put matrices and fields at paths, and tell of those that cannot be used."""
        documents = read_documents(self.target, self.numbers.keys(numbers))
        self._arrays({}, (), False, self._put_numbers(numbers, documents))
        self.numbers.check(self.nodes)

    def _put_numbers(
        self, paths: Collection[str], documents: Mapping[str, bytes]
    ) -> dict[str, GroupNode]:
        """Put arrays that transformations name; the groups of their fields."""
        fields = {}
        for path, node in self.numbers.understood(paths, documents).items():
            if isinstance(node, GroupNode):
                fields[path] = node
            else:
                # A level stays one.
                self.nodes.setdefault(path, node)
        return fields

    def _labels(self, path: str, document: bytes | None) -> GroupNode | None:
        """The labels group of an image; None where there is none."""
        if document is None:
            return None
        place = join(path, LABELS)
        try:
            node = self.groups.read(place, document)
        except NotOmeZarrError:
            # It lists nothing (yet).
            return None
        except OmeZarrError as error:
            self.left_out[place] = str(error)
            return None
        if isinstance(node.model, LabelsGroup):
            return node
        self.left_out[place] = "it has no list of labels"
        return None

    def _only_images(self, groups: Mapping[str, GroupNode]) -> dict[str, GroupNode]:
        images = {}
        for path, node in groups.items():
            if isinstance(node.model, Image):
                images[path] = node
            elif node.model is not None:
                self.left_out[path] = f"it is no image but a {node.model.summary()}"
        return images

    def _arrays(
        self,
        images: Mapping[str, GroupNode],
        further: Iterable[str],
        required: bool,
        fields: Mapping[str, GroupNode],
    ) -> dict[str, bytes]:
        """Put images whose arrays can be opened; the documents that were read.

        Of fields that transformations name all levels are opened, and none is required.
        """
        wanted: dict[str, _Wanted] = {}
        groups = {**images, **fields}
        for path, group in groups.items():
            try:
                where = self.target.child(path) if required else "it"
                wanted[path] = self._wanted(group, self._levels(path, fields), where)
            except (MetadataError, OptionError) as error:
                self._fail(path, error, required, fields)
        name = ARRAY_NAMES[self.zarr_format]
        keys = [
            join(path, below, name)
            for path, arrays in wanted.items()
            for below in arrays
        ]
        documents = read_documents(self.target, (*keys, *further))
        reader = ArrayReader(self.target, self.zarr_format)
        for path, arrays in wanted.items():
            try:
                nodes = {
                    below: self._array(reader, path, below, dims, documents)
                    for below, dims in arrays.items()
                }
            except (MetadataError, OptionError) as error:
                self._fail(path, error, required, fields)
                continue
            self._put(path, groups[path], nodes, self._levels(path, fields))
        return documents

    def _levels(
        self, path: str, fields: Mapping[str, GroupNode]
    ) -> tuple[int, ...] | None:
        """The levels that are opened of an image; a field is its finest."""
        return None if path in fields else self.levels

    def _fail(
        self,
        path: str,
        error: OmeZarrError,
        required: bool,
        fields: Mapping[str, GroupNode],
    ) -> None:
        if path in fields:
            self.numbers.unusable[path] = str(error)
        elif required:
            raise error
        else:
            self.leave_out(path, error)

    def _put(
        self,
        path: str,
        group: GroupNode,
        arrays: Mapping[str, ArrayNode],
        opened: tuple[int, ...] | None,
    ) -> None:
        """Put an image and those of its arrays that were asked for."""
        image = group.model
        if not isinstance(image, Image):
            raise TypeError(f"{path!r} is no image")
        chosen = level_paths(image, opened)
        levels = {level.path for level in image.multiscale.levels}
        measured = Hierarchy(self.groups.version, {"": group, **arrays})
        self.nodes[path] = with_places(measured).group("")
        for below, node in arrays.items():
            if below not in levels or below in chosen:
                self.nodes[join(path, below)] = node

    def _wanted(
        self, group: GroupNode, levels: tuple[int, ...] | None, where: object
    ) -> _Wanted:
        image = group.model
        if not isinstance(image, Image):
            raise TypeError("it is no image")
        dims = tuple(axis.name for axis in image.multiscale.axes)
        opened = level_paths(image, levels, where)
        version = group.version or self.groups.version
        measured = measured_levels(version, image, opened)
        wanted: _Wanted = dict.fromkeys(measured, dims)
        for name in kept.array_names(group.attrs.get(kept.KEY)):
            wanted[join(kept.KEY, name)] = None
        return wanted

    def _array(
        self,
        reader: ArrayReader,
        path: str,
        below: str,
        dims: tuple[str, ...] | None,
        documents: Mapping[str, bytes],
    ) -> ArrayNode:
        document = documents.get(join(path, below, ARRAY_NAMES[self.zarr_format]))
        if document is None:
            raise MetadataError(
                f"{self.target.child(path)} lists {below!r}, but there is no array of "
                "that name"
            )
        return reader.node(join(path, below), document, dims)


def _all_labels(groups: Mapping[str, GroupNode]) -> list[str]:
    """Paths of the label images that labels groups list, by the path of the image."""
    return [
        join(path, LABELS, name)
        for path, group in groups.items()
        if isinstance(group.model, LabelsGroup)
        for name in group.model.labels
    ]
