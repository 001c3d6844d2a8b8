"""Documents -> nodes of a hierarchy: what is the same in many is understood once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import zarr
from zarr.core.metadata.v2 import ArrayV2Metadata
from zarr.core.metadata.v3 import ArrayV3Metadata
from zarr.storage import StorePath

from xarray_omezarr.errors import MetadataError, NotOmeZarrError
from xarray_omezarr.hierarchy import ArrayNode, Given, GroupNode, Layout, join
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.plain import endless_number
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.ngff.versions.document import attributes_of
from xarray_omezarr.store.alike import (
    Differences,
    Template,
    cut,
    template,
    with_differences,
)
from xarray_omezarr.store.arrays import StoredArray, ZarrFormat
from xarray_omezarr.store.as_opened import Opened, opened
from xarray_omezarr.store.occupancy import UNFINISHED
from xarray_omezarr.store.open_documents import group_attrs

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.target import Target

# A document of an array, and its dims.
_ArrayKey: TypeAlias = tuple[bytes, tuple[str, ...] | None]

# What zarr runs into where metadata are broken, or need codecs it does not have.
# The last is raised for chunks of uneven size, of which newer versions of zarr know.
_UNREADABLE = (
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,
    NotImplementedError,
)


class GroupReader:
    """Understands documents of groups, those that are alike only once.

    Parameters
    ----------
    target : Target
        What paths count from.
    zarr_format : int
        2 or 3.
    version : Version
        Of the group at the target; groups below that tell none have the same.
    """

    def __init__(
        self, target: Target, zarr_format: ZarrFormat, version: Version
    ) -> None:
        self._target = target
        self._format = zarr_format
        self._version = version
        self._same: dict[bytes, GroupNode] = {}
        self._alike: dict[tuple[bytes, ...], tuple[Template, GroupNode]] = {}

    @property
    def version(self) -> Version:
        """Of the group at the target."""
        return self._version

    def read(self, path: str, document: bytes) -> GroupNode:
        """The group at `path` below the target.

        Raises
        ------
        OmeZarrError
            If its metadata are broken, or not of this standard.
        """
        node, differences = self.compare(path, document)
        if not differences or not isinstance(node.model, Image):
            return node
        return replace(node, model=with_differences(node.model, differences))

    def compare(self, path: str, document: bytes) -> tuple[GroupNode, Differences]:
        """A group like that at `path`, and what differs in the one at `path`.

        Raises
        ------
        OmeZarrError
            As `read`.
        """
        if document in self._same:
            return self._same[document], {}
        key, values = cut(document)
        if key in self._alike:
            known, node = self._alike[key]
            differences = known.differences(values)
            if differences is not None:
                return node, differences
        where = str(self._target.child(path))
        with attributes_of(path):
            node = self.understand(group_attrs(document, self._format, where))
        if not isinstance(node.model, Image):
            self._same[document] = node
        elif key not in self._alike and (made := template(document)) is not None:
            self._alike[key] = made, node
        return node, {}

    def foreign(self, path: str, document: bytes) -> dict[str, Any]:
        """The attributes of others of a group for which the standard has none.

        Raises
        ------
        OmeZarrError
            If they cannot be read.
        """
        where = str(self._target.child(path))
        attrs = self._version.foreign(group_attrs(document, self._format, where))
        return {key: value for key, value in attrs.items() if key != UNFINISHED}

    def understand(
        self, attrs: Mapping[str, Any], *, is_root: bool = False
    ) -> GroupNode:
        """The group with these attributes.

        Groups below the root need not tell their version, and neither need those
        that list labels: files in use leave it out (RULES L3 wants it).
        """
        version = registry.detect(attrs)
        if version is None:
            state = (
                "its writing was interrupted"
                if UNFINISHED in attrs
                else "it is a Zarr group without OME-Zarr metadata"
            )
            raise NotOmeZarrError(state)
        ome = attrs.get("ome")
        if not is_root or (isinstance(ome, Mapping) and "labels" in ome):
            attrs = registry.with_version(attrs, self._version)
            version = registry.detect(attrs) or version
        other = None if version == self._version else version
        return GroupNode(version.from_attrs(attrs), version.foreign(attrs), other)


class ArrayReader:
    """Makes lazily readable arrays of documents, without asking the store again."""

    def __init__(self, target: Target, zarr_format: ZarrFormat) -> None:
        self._target = target
        self._format = zarr_format
        self._folder = None if target.directory is None else str(target.directory)
        self._known: dict[_ArrayKey, tuple[Any, dict[str, Any]]] = {}

    def node(
        self, path: str, document: bytes, dims: tuple[str, ...] | None
    ) -> ArrayNode:
        """The array at `path` below the target.

        Parameters
        ----------
        path : str
            Of the array.
        document : bytes
            Its metadata.
        dims : tuple of str, optional
            Its dims; numbered ones if None.

        Raises
        ------
        MetadataError
            If it cannot be read, or has another number of dims.
        """
        metadata, members = self.understood(path, document, dims)
        found = self.stored(path, metadata, self.opened(path))
        return ArrayNode(**members, source=Given(found))

    def understood(
        self, path: str, document: bytes, dims: tuple[str, ...] | None
    ) -> tuple[Any, dict[str, Any]]:
        """Metadata of an array as zarr has them, and what a node of it says."""
        key = (document, dims)
        if key not in self._known:
            self._known[key] = self._understand(path, document, dims)
        return self._known[key]

    def opened(self, path: str) -> Opened | None:
        """The folder of the array at `path`, whose document was just read."""
        return None if self._folder is None else opened(f"{self._folder}/{path}")

    def stored(
        self, path: str, metadata: Any, opened: Opened | None = None
    ) -> StoredArray:
        """The array at `path`, which has these metadata."""
        place = StorePath(self._target.store, join(self._target.path, path))
        made: Any = zarr.AsyncArray(metadata=metadata, store_path=place)
        return StoredArray(zarr.Array(made), opened)

    def _understand(
        self, path: str, document: bytes, dims: tuple[str, ...] | None
    ) -> tuple[Any, dict[str, Any]]:
        try:
            metadata = _array_metadata(document, self._format)
            array = self.stored(path, metadata).array
            layout = _layout(array)
        except _UNREADABLE as error:
            raise MetadataError(
                f"Array {path!r} of {self._target} cannot be read: {error!r}"
            ) from error
        names = dims or tuple(f"dim_{axis}" for axis in range(array.ndim))
        if len(names) != array.ndim:
            raise MetadataError(
                f"Array {path!r} of {self._target} has shape {array.shape}, but there "
                f"are {len(names)} axes: {names}"
            )
        members = {
            "dims": names,
            "shape": array.shape,
            "dtype": array.dtype,
            "layout": layout,
        }
        return metadata, members


def _array_metadata(document: bytes, zarr_format: ZarrFormat) -> Any:
    try:
        found = json.loads(document)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        if (number := endless_number(error)) is None:
            raise
        raise ValueError(f"it holds {number}") from None
    if zarr_format == 2:
        return ArrayV2Metadata.from_dict({**found, "attributes": {}})
    if found["node_type"] != "array":
        raise ValueError(f"it is a {found['node_type']}")
    return ArrayV3Metadata.from_dict(found)


def _layout(array: zarr.Array[Any]) -> Layout:
    fill_value = array.fill_value
    if isinstance(fill_value, np.generic):
        fill_value = fill_value.item()
    return Layout(
        chunks=array.chunks,
        shards=array.shards,
        compression=list(array.compressors),
        fill_value=fill_value,
    )
