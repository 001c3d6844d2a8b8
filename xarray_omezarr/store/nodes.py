"""Metadata documents of groups and arrays, made in memory and put all at once.

zarr makes one node after the other and asks the store what is there before each; for
an image with many levels, or a plate with many images, that is most of the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import zarr
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.group import GroupMetadata
from zarr.core.sync import sync
from zarr.storage import StorePath

from xarray_omezarr.hierarchy import join
from xarray_omezarr.store.arrays import ZarrFormat, model_array

if TYPE_CHECKING:
    from zarr.abc.store import Store

    from xarray_omezarr.hierarchy import ArrayNode

Documents: TypeAlias = dict[str, Buffer]

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
        metadata = GroupMetadata(attributes=dict(attrs), zarr_format=zarr_format)
        documents |= _documents(metadata, join(path, below))
    put(store, documents)


def new_group(
    store: Store, path: str, attributes: Mapping[str, Any], zarr_format: ZarrFormat
) -> zarr.Group:
    """Store the metadata of a group, and give the group."""
    put_groups(store, path, {"": attributes}, zarr_format)
    metadata = GroupMetadata(attributes=dict(attributes), zarr_format=zarr_format)
    return zarr.Group(zarr.AsyncGroup(metadata, StorePath(store, path)))


def empty_group(path: str, zarr_format: ZarrFormat) -> tuple[str, Buffer]:
    """Key and document that make a group of `path`, with no attributes."""
    documents = _documents(GroupMetadata(zarr_format=zarr_format), path)
    key = next(key for key in documents if not key.endswith(".zattrs"))
    return key, documents[key]


def new_arrays(
    root: zarr.Group, nodes: Mapping[str, ArrayNode], zarr_format: ZarrFormat
) -> dict[str, zarr.Array[Any]]:
    """Store the metadata of empty arrays below `root`, and give the arrays.

    Nothing may be there: whether something is, has been looked at before.
    """
    documents: Documents = {}
    arrays: dict[str, zarr.Array[Any]] = {}
    for path, node in nodes.items():
        model = model_array(node, zarr_format)
        where = StorePath(root.store, join(root.path, path))
        documents |= _documents(model.metadata, where.path)
        made: Any = zarr.AsyncArray(
            metadata=model.metadata, store_path=where, config=model.async_array.config
        )
        arrays[path] = zarr.Array(made)
    put(root.store, documents)
    return arrays


def put(store: Store, documents: Documents) -> None:
    """Put all documents, many at a time."""

    async def put_all() -> None:
        room = asyncio.Semaphore(_IN_FLIGHT)

        async def put_one(key: str, value: Buffer) -> None:
            async with room:
                await store.set(key, value)

        await asyncio.gather(*(put_one(*item) for item in documents.items()))

    sync(put_all())


def _documents(metadata: Any, path: str) -> Documents:
    made = metadata.to_buffer_dict(default_buffer_prototype())
    return {join(path, name): value for name, value in made.items()}
