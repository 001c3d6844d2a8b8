"""Matrices and fields that transformations name, read beside the images that do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import MetadataError, OmeZarrError, warn
from xarray_omezarr.hierarchy import ArrayNode, GroupNode, Hierarchy, Node, join
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.named import Named, within
from xarray_omezarr.store.open_documents import ARRAY_NAMES, GROUP_NAMES
from xarray_omezarr.store.open_nodes import ArrayReader, GroupReader
from xarray_omezarr.store.open_words import told
from xarray_omezarr.stored_numbers import array_of, field_of, told_by

if TYPE_CHECKING:
    from xarray_omezarr.store.arrays import ZarrFormat
    from xarray_omezarr.store.target import Target

NOTHING = "there is nothing of that name"
#: Dims of a matrix: what a row gives, and what a column takes.
MATRIX_DIMS = ("output", "input")


@dataclass(slots=True)
class Numbers:
    """What transformations name, while a hierarchy is being read.

    Parameters
    ----------
    target : Target
        What paths count from.
    zarr_format : int
        2 or 3.
    groups : GroupReader
        Understands documents of groups.
    named : dict
        What is looked for, by path.
    unusable : dict
        Why something is not what the transformation needs, by path.
    are_opened : bool
        Whether anything is looked for.
    """

    target: Target
    zarr_format: ZarrFormat
    groups: GroupReader
    named: dict[str, Named] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    are_opened: bool = True

    def wanted(self, groups: Mapping[str, GroupNode]) -> list[str]:
        """Paths that groups name and nobody named before; they are noted."""
        if not self.are_opened:
            return []
        known = {*self.named}
        for above, node in groups.items():
            self.look_for(told_by(node.model), above)
        return [path for path in self.named if path not in known]

    def look_for(self, told: Iterable[Named], above: str = "") -> dict[str, str]:
        """Note what the group at a path names; paths from the target by those told."""
        found = {}
        for one in told:
            try:
                found[one.path] = join(above, within(one.path))
            except ValueError as reason:
                self.unusable[one.path] = str(reason)
            else:
                self.named.setdefault(found[one.path], one)
        return found

    def keys(self, paths: Iterable[str]) -> list[str]:
        """Where documents are that tell what stands at paths."""
        names = {GROUP_NAMES[self.zarr_format], ARRAY_NAMES[self.zarr_format]}
        return [join(path, name) for path in paths for name in sorted(names)]

    def understood(
        self, paths: Iterable[str], documents: Mapping[str, bytes]
    ) -> dict[str, Node]:
        """Arrays and groups of images at paths; what is broken is noted."""
        found: dict[str, Node] = {}
        for path in paths:
            try:
                found[path] = self._understood(path, documents)
            except OmeZarrError as error:
                self.unusable[path] = str(error)
        return found

    def _understood(self, path: str, documents: Mapping[str, bytes]) -> Node:
        document = documents.get(join(path, ARRAY_NAMES[self.zarr_format]))
        if document is not None and _is_array(document, self.zarr_format):
            return self._array(path, document)
        document = documents.get(join(path, GROUP_NAMES[self.zarr_format]))
        if document is None:
            raise MetadataError(NOTHING)
        if self.named[path].is_matrix:
            raise MetadataError("it is a group, and a matrix is an array")
        node = self.groups.read(path, document)
        if not isinstance(node.model, Image):
            raise MetadataError("it is no image with a vector per pixel")
        return node

    def _array(self, path: str, document: bytes) -> ArrayNode:
        reader = ArrayReader(self.target, self.zarr_format)
        node = reader.node(path, document, None)
        if self.named[path].is_matrix is not False and len(node.shape) == 2:
            return replace(node, dims=MATRIX_DIMS)
        stored: Any = node.given
        names = getattr(stored.array.metadata, "dimension_names", None) or ()
        is_named = all(names) and len(set(names)) == len(node.dims)
        return replace(node, dims=tuple(names)) if is_named else node

    def check(self, nodes: Mapping[str, Node]) -> None:
        """Tell what cannot be used, once, after all nodes were read."""
        hierarchy = Hierarchy(self.groups.version, nodes)
        for path, one in self.named.items():
            node = nodes.get(path)
            try:
                if isinstance(node, ArrayNode):
                    array_of(node, is_matrix=one.is_matrix)
                elif isinstance(node, GroupNode) and isinstance(node.model, Image):
                    field_of(hierarchy, path)
            except MetadataError as error:
                self.unusable.setdefault(path, str(error))
        if self.unusable:
            warn(
                f"Transformations of {self.target} that take their numbers from these "
                f"paths cannot be applied: {told(self.unusable)}"
            )


def _is_array(document: bytes, zarr_format: int) -> bool:
    if zarr_format == 2:
        return True
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        # Whoever reads it as a group tells what is wrong.
        return False
    return isinstance(found, Mapping) and found.get("node_type") == "array"
