"""Stored arrays as xarray's lazily indexed arrays, without dask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xarray.backends import BackendArray
from xarray.core import indexing

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import LazyArray


class LazyPixels(BackendArray):
    """A stored array that reads the pixels it is indexed for, and no others."""

    __slots__ = ("_stored", "dtype", "shape")

    def __init__(self, stored: LazyArray) -> None:
        self._stored = stored
        self.shape = stored.shape
        self.dtype = stored.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        stored = self._stored
        reads = {
            indexing.BasicIndexer: stored.__getitem__,
            indexing.OuterIndexer: stored.outer,
            indexing.VectorizedIndexer: stored.points,
        }
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.VECTORIZED, reads[type(key)]
        )

    async def async_getitem(self, key: indexing.ExplicitIndexer) -> Any:
        """As indexing, without blocking the event loop."""
        stored = self._stored
        reads = {
            indexing.BasicIndexer: stored.load,
            indexing.OuterIndexer: stored.load_outer,
            indexing.VectorizedIndexer: stored.load_points,
        }
        return await indexing.async_explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.VECTORIZED, reads[type(key)]
        )
