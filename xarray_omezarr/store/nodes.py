"""Metadata documents of groups and arrays, made in memory and put all at once.

zarr makes one node after the other and asks the store what is there before each; for
an image with many levels, or a plate with many images, that is most of the time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import zarr
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.group import GroupMetadata
from zarr.core.sync import sync
from zarr.storage import LocalStore, StorePath

from xarray_omezarr.hierarchy import join
from xarray_omezarr.store.arrays import Separator, ZarrFormat, model_array
from xarray_omezarr.store.in_flight import each

if TYPE_CHECKING:
    from zarr.abc.store import Store

    from xarray_omezarr.hierarchy import ArrayNode

Documents: TypeAlias = dict[str, Buffer]

# Arrays of a plate are alike: each kind once, with its documents.
Models: TypeAlias = "dict[Any, tuple[zarr.Array[Any], Documents]]"

# Puts of metadata in flight: more than there are levels, few enough for any server.
_IN_FLIGHT = 64


def put_groups(
    store: Store, path: str, attributes: Mapping[str, Any], zarr_format: ZarrFormat
) -> None:
    """Store the metadata of groups, those that are there being replaced.

    Parameters
    ----------
    store : Store
        Where.
    path : str
        Of the group that `attributes` counts from.
    attributes : mapping
        Attributes of the groups by path below `path`.
    zarr_format : int
        2 or 3.
    """
    documents: Documents = {}
    for below, attrs in attributes.items():
        for name, members in _group(attrs, zarr_format).items():
            value = json.dumps(members, indent=_indent()).encode()
            key = join(path, below, name)
            documents[key] = default_buffer_prototype().buffer.from_bytes(value)
    put(store, documents)


def _group(
    attrs: Mapping[str, Any], zarr_format: ZarrFormat
) -> dict[str, Mapping[str, Any]]:
    """The documents of a group, as zarr makes them, at a fifth of the time."""
    if zarr_format == 2:
        return {".zgroup": {"zarr_format": 2}, ".zattrs": attrs}
    members = {"attributes": attrs, "zarr_format": 3, "node_type": "group"}
    return {"zarr.json": members}


def _indent() -> int | None:
    told: int | None = zarr.config.get("json_indent")
    return told


def new_group(
    store: Store, path: str, attributes: Mapping[str, Any], zarr_format: ZarrFormat
) -> zarr.Group:
    """Store the metadata of a group, and give the group."""
    put_groups(store, path, {"": attributes}, zarr_format)
    metadata = GroupMetadata(attributes=dict(attributes), zarr_format=zarr_format)
    return zarr.Group(zarr.AsyncGroup(metadata, StorePath(store, path)))


def put_files(store: Store, path: str, files: Mapping[str, bytes]) -> None:
    """Store files that are no nodes, by path below `path`."""
    buffer = default_buffer_prototype().buffer
    put(store, {join(path, p): buffer.from_bytes(f) for p, f in files.items()})


def empty_group(path: str, zarr_format: ZarrFormat) -> tuple[str, Buffer]:
    """Key and document that make a group of `path`, with no attributes."""
    documents = _documents(GroupMetadata(zarr_format=zarr_format), path)
    key = next(key for key in documents if not key.endswith(".zattrs"))
    return key, documents[key]


def new_arrays(
    root: zarr.Group,
    nodes: Mapping[str, ArrayNode],
    zarr_format: ZarrFormat,
    separator: Separator = "/",
) -> dict[str, zarr.Array[Any]]:
    """Store the metadata of empty arrays below `root`, and give the arrays.

    Nothing may be there: whether something is, has been looked at before.
    """
    arrays, documents = planned_arrays(root, nodes, zarr_format, separator)
    put(root.store, documents)
    return arrays


def planned_arrays(
    root: zarr.Group,
    nodes: Mapping[str, ArrayNode],
    zarr_format: ZarrFormat,
    separator: Separator = "/",
) -> tuple[dict[str, zarr.Array[Any]], Documents]:
    """Arrays as they will be below `root`, and their documents by key; none is put."""
    documents: Documents = {}
    arrays: dict[str, zarr.Array[Any]] = {}
    models: Models = {}
    for path, node in nodes.items():
        model, documents_of_model = _model(node, zarr_format, separator, models)
        where = StorePath(root.store, join(root.path, path))
        for name, document in documents_of_model.items():
            documents[join(where.path, name)] = document
        made: Any = zarr.AsyncArray(
            metadata=model.metadata, store_path=where, config=model.async_array.config
        )
        arrays[path] = zarr.Array(made)
    return arrays, documents


def array_documents(
    nodes: Mapping[str, ArrayNode], zarr_format: ZarrFormat, separator: Separator = "/"
) -> Iterator[tuple[str, Documents]]:
    """Path of every array, and the documents that it will have, by their names.

    Arrays that are alike share one mapping.
    """
    models: Models = {}
    for path, node in nodes.items():
        yield path, _model(node, zarr_format, separator, models)[1]


def _model(
    node: ArrayNode,
    zarr_format: ZarrFormat,
    separator: Separator,
    known: Models,
) -> tuple[zarr.Array[Any], Documents]:
    """An empty array and its documents; those of a plate are alike, and made once."""
    # Objects of codecs are kept by the nodes, so that no other has their identity.
    layout = replace(node.layout, compression=id(node.layout.compression))
    key = (node.dims, node.shape, node.dtype, layout)
    if node.attrs or key not in known:
        model = model_array(node, zarr_format, separator)
        made = (model, _documents(model.metadata, ""))
        if node.attrs:
            return made
        known[key] = made
    return known[key]


def put(store: Store, documents: Documents) -> None:
    """Put all documents, many at a time."""
    if type(store) is LocalStore and hasattr(store, "set_sync"):
        # Files need no event loop; older zarr has no other way.
        for key, value in documents.items():
            store.set_sync(key, value)
        return

    async def put_all() -> None:
        room = asyncio.Semaphore(_IN_FLIGHT)

        async def put_one(key: str) -> None:
            await store.set(key, documents[key])

        await each(put_one, documents, lambda: room)

    sync(put_all())


def get(store: Store, keys: Iterable[str]) -> dict[str, bytes | None]:
    """Contents of objects by key, many at a time; None of those that are not there."""

    async def get_all() -> list[tuple[str, bytes | None]]:
        room = asyncio.Semaphore(_IN_FLIGHT)

        async def get_one(key: str) -> tuple[str, bytes | None]:
            found = await store.get(key, default_buffer_prototype())
            return key, None if found is None else found.to_bytes()

        return await each(get_one, keys, lambda: room)

    return dict(sync(get_all()))


def _documents(metadata: Any, path: str) -> Documents:
    made = metadata.to_buffer_dict(default_buffer_prototype())
    return {join(path, name): value for name, value in made.items()}
