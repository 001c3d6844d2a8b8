"""All that a store holds at a place: the OME-Zarr, and what others put beside it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from zarr.core.sync import sync

from xarray_omezarr.errors import MetadataError, NotOmeZarrError, OmeZarrError, warn
from xarray_omezarr.hierarchy import GroupNode, Hierarchy, Node, join
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.plain import endless_number
from xarray_omezarr.ngff.plate import Plate, Well
from xarray_omezarr.store.in_flight import Room, each
from xarray_omezarr.store.occupancy import METADATA, is_litter
from xarray_omezarr.store.open_documents import group_attrs, read_documents
from xarray_omezarr.store.open_nodes import ArrayReader
from xarray_omezarr.store.open_tree import begin, open_begun
from xarray_omezarr.store.open_words import told
from xarray_omezarr.store.transfer import check_key, keys_below
from xarray_omezarr.store.transfer_arrays import ArrayDocument
from xarray_omezarr.store.update_log import LOG, half_updated

if TYPE_CHECKING:
    from xarray_omezarr.store.arrays import ZarrFormat
    from xarray_omezarr.store.open_images import Opening
    from xarray_omezarr.store.selection import Selection
    from xarray_omezarr.store.target import Target

_Found: TypeAlias = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class StoredSource:
    """What a conversion starts from.

    Parameters
    ----------
    target : Target
        Where it is.
    hierarchy : Hierarchy
        Its groups, those of others too, and the arrays that can be read.
    arrays : mapping
        The documents of all arrays by path.
    dims : mapping
        The dims of arrays that are levels, by path.
    files : tuple of str
        Keys of objects that belong to no node.
    lists : bool
        Whether the store tells what is in it.
    """

    target: Target
    hierarchy: Hierarchy
    arrays: Mapping[str, ArrayDocument]
    dims: Mapping[str, tuple[str, ...]]
    files: tuple[str, ...]
    lists: bool


def read_source(
    target: Target, selection: Selection, *, lossy: bool = False
) -> StoredSource:
    """All that is at `target`, pixels unread.

    Parameters
    ----------
    target : Target
        An image, a label image, a labels group, a plate, a well, a collection or a
        scene.
    selection : Selection
        Which wells and fields of it.
    lossy : bool
        Whether what is listed and cannot be opened is left out, with a warning.

    Raises
    ------
    TargetNotFoundError, NotOmeZarrError
        If there is nothing of the kind.
    OptionError
        If a well or field is chosen that is not there.
    MetadataError
        If something that is listed cannot be opened.
    LockedError
        If an update of it was interrupted half way.
    """
    begun = begin(target, selection)
    opening = begun[2]
    with warnings.catch_warnings():
        if not lossy:
            # Said below, as the reason why nothing is converted.
            warnings.filterwarnings("ignore", "Not everything that ")
        hierarchy = open_begun(target, selection, begun)
    if opening.left_out and not lossy:
        models = [node.model for node in hierarchy.groups.values()]
        is_plate = any(isinstance(model, Plate | Well) for model in models)
        others = ", choose others with wells= or fields=" if is_plate else ""
        raise MetadataError(
            f"Not everything that {target} lists can be opened: "
            f"{told(opening.left_out)}. Repair it{others}, or give lossy=True to leave "
            "it out"
        )
    walk = _Walk(opening, hierarchy)
    lists = walk.run()
    if not lists:
        warn(
            f"{target} cannot list what it holds: groups, arrays and files that are "
            "not of OME-Zarr cannot be found, and are not carried along"
        )
    return walk.found(target, lists)


@dataclass(slots=True)
class _Walk:
    """Everything below a group, in rounds of lists and documents."""

    opening: Opening
    hierarchy: Hierarchy
    nodes: dict[str, Node] = field(default_factory=dict)
    dims: dict[str, tuple[str, ...]] = field(default_factory=dict)
    raw: dict[str, ArrayDocument] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    ancestors: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    alike: dict[tuple[bytes, bytes], ArrayDocument] = field(default_factory=dict)

    def run(self) -> bool:
        """Look everywhere; False where the store does not list."""
        self.nodes = dict(self.hierarchy.nodes)
        self.ancestors = {
            above for path in self.nodes for above in _above(path) if above
        } - set(self.nodes)
        self.left_out = {*_not_chosen(self.hierarchy), *self.opening.left_out}
        for path, image in self.hierarchy.images.items():
            self._note_levels(path, image)
        self._read_arrays(self.hierarchy.arrays)
        if not self._lists():
            self._groups_between(self._documents(self.ancestors))
            return False
        groups = [""]
        while groups:
            groups = self._round(groups)
        return True

    def found(self, target: Target, lists: bool) -> StoredSource:
        """What was found."""
        reader = ArrayReader(target, self._format)
        for path, array in self.raw.items():
            if path not in self.nodes:
                document = json.dumps(
                    {**array.document, "attributes": array.attrs}
                    if self._format == 3
                    else array.document
                ).encode()
                try:
                    node = reader.node(path, document, self.dims.get(path))
                except (OmeZarrError, ImportError):
                    # Of others: perhaps its bytes can be copied all the same.
                    continue
                self.nodes[path] = node
        return StoredSource(
            target,
            replace(self.hierarchy, nodes=self.nodes),
            self.raw,
            self.dims,
            tuple(self.files),
            lists,
        )

    @property
    def _format(self) -> ZarrFormat:
        return self.opening.zarr_format

    def _lists(self) -> bool:
        """Whether a list of the root has the document that is known to be there."""
        try:
            (names,) = sync(self._names([""]))
        except Exception:
            # Each store says in its own way that it cannot.
            return False
        return bool(METADATA & set(names))

    def _round(self, groups: list[str]) -> list[str]:
        """Look into groups; those below them."""
        further: list[str] = []
        unknown: list[str] = []
        for group, names in zip(groups, sync(self._names(groups)), strict=True):
            if LOG in names:
                raise half_updated(self.opening.target.child(group))
            for name in names:
                check_key(self.opening.target, name)
                path = join(group, name)
                if self._is_skipped(path, name):
                    continue
                if isinstance(self.nodes.get(path), GroupNode):
                    further.append(path)
                elif path not in self.nodes:
                    unknown.append(path)
        documents = self._documents(unknown)
        between = self._groups_between(documents, unknown)
        loose = [path for path in unknown if path not in between]
        groups_of_others = self._of_others(loose, documents)
        return [*further, *between, *groups_of_others]

    def _is_skipped(self, path: str, name: str) -> bool:
        is_ours = name in METADATA or is_litter(name)
        return is_ours or path in self.left_out or path in self.hierarchy.files

    async def _names(self, groups: list[str]) -> list[list[str]]:
        room = Room(self.opening.target.store)
        target = self.opening.target

        async def names_of(group: str) -> list[str]:
            listed = target.store.list_dir(join(target.path, group))
            names = {name.strip("/") async for name in listed}
            return sorted(name for name in names if name)

        return await each(names_of, groups, room.request)

    def _documents(self, paths: Iterable[str]) -> dict[str, bytes]:
        names = _NAMES[self._format]
        keys = [join(path, name) for path in paths for name in names]
        return read_documents(self.opening.target, keys)

    def _groups_between(
        self, documents: _Found, paths: Iterable[str] | None = None
    ) -> list[str]:
        """Put the groups that lead to what is known, such as rows; their paths."""
        wanted = self.ancestors if paths is None else self.ancestors & set(paths)
        for path in wanted:
            attrs = self._attrs_of_group(path, documents)
            self.nodes[path] = GroupNode(None, attrs or {})
        return sorted(wanted)

    def _of_others(self, paths: list[str], documents: _Found) -> list[str]:
        """Put groups and arrays that nothing lists, and note files; the groups."""
        groups = []
        for path in paths:
            if (array := self._array(path, documents)) is not None:
                self.raw[path] = array
            elif (attrs := self._attrs_of_group(path, documents)) is not None:
                self.nodes[path] = self._group(path, attrs)
                groups.append(path)
            else:
                self.files += sync(_objects(self.opening.target, path))
        return groups

    def _group(self, path: str, attrs: Mapping[str, Any]) -> GroupNode:
        """A group that nothing lists; it may be of OME-Zarr all the same."""
        try:
            node = self.opening.groups.understand(attrs)
        except NotOmeZarrError:
            return GroupNode(None, attrs)
        except OmeZarrError as error:
            warn(
                f"The attributes of {path!r} in {self.opening.target} are carried as "
                f"they are, for they cannot be understood: {error}"
            )
            return GroupNode(None, attrs)
        if isinstance(node.model, Image):
            self._note_levels(path, node.model)
        return node

    def _note_levels(self, path: str, image: Image) -> None:
        for picture in image.multiscales:
            dims = tuple(axis.name for axis in picture.axes)
            for level in picture.levels:
                self.dims.setdefault(join(path, level.path), dims)

    def _read_arrays(self, paths: Iterable[str]) -> None:
        documents = self._documents(paths)
        for path in paths:
            array = self._array(path, documents)
            if array is not None:
                self.raw[path] = array

    def _array(self, path: str, documents: _Found) -> ArrayDocument | None:
        """The documents of an array; None where there is none."""
        main, *others = (join(path, name) for name in _ARRAY[self._format])
        content = documents.get(main)
        if content is None:
            return None
        attrs = documents.get(others[0], b"{}") if others else b""
        if (content, attrs) not in self.alike:
            where = str(self.opening.target.child(path))
            made = _array_document(content, attrs, self._format, where)
            self.alike[content, attrs] = made
        found = self.alike[content, attrs]
        return found if found.document.get("node_type", "array") == "array" else None

    def _attrs_of_group(self, path: str, documents: _Found) -> Mapping[str, Any] | None:
        """The attributes of a group; None where there is none."""
        where = str(self.opening.target.child(path))
        if self._format == 3:
            content = documents.get(join(path, "zarr.json"))
            return None if content is None else group_attrs(content, 3, where)
        if join(path, ".zgroup") not in documents:
            return None
        return group_attrs(documents.get(join(path, ".zattrs"), b"{}"), 2, where)


_ARRAY: Mapping[int, tuple[str, ...]] = {2: (".zarray", ".zattrs"), 3: ("zarr.json",)}
_NAMES: Mapping[int, tuple[str, ...]] = {
    2: (".zarray", ".zgroup", ".zattrs"),
    3: ("zarr.json",),
}


def _array_document(
    content: bytes, attrs: bytes, zarr_format: Literal[2, 3], where: str
) -> ArrayDocument:
    """Documents of an array, perhaps of a group in Zarr v3."""
    try:
        document = json.loads(content)
        own = json.loads(attrs) if zarr_format == 2 else None
    except ValueError as error:
        number = endless_number(error)
        problem = f"hold {number}" if number else f"are no JSON: {error}"
        raise MetadataError(f"The metadata of {where} {problem}") from None
    if not isinstance(document, dict):
        raise MetadataError(f"The metadata of {where} are {document!r}, no object")
    if zarr_format == 3:
        own = document.pop("attributes", None)
    return ArrayDocument(document, own if isinstance(own, dict) else {})


async def _objects(target: Target, path: str) -> list[str]:
    """Keys of an object, or of all below a folder."""
    below = [join(path, key) async for key in keys_below(target, path)]
    if below or not await target.store.exists(join(target.path, path)):
        return below
    return [path]


def _above(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def _not_chosen(hierarchy: Hierarchy) -> set[str]:
    """Paths of wells, rows and fields that are listed and were not opened."""
    found = set()
    for path, node in hierarchy.groups.items():
        model = node.model
        if isinstance(model, Plate):
            listed = [join(path, well.path) for well in model.wells]
            chosen = [well for well in listed if well in hierarchy.nodes]
            rows = {well.rpartition("/")[0] for well in listed}
            found |= rows - {well.rpartition("/")[0] for well in chosen} - {path}
        elif isinstance(model, Well):
            listed = [join(path, entry.path) for entry in model.images]
        else:
            continue
        found |= {path for path in listed if path not in hierarchy.nodes}
    return found
