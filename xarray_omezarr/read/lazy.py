"""Stored arrays as xarray's lazily indexed arrays, without dask."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing


class LazyArray(Protocol):
    """What a stored array must offer: three ways of indexing, twice."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, key: tuple[Any, ...], /) -> NDArray[Any]: ...

    def outer(self, key: tuple[Any, ...], /) -> NDArray[Any]: ...

    def points(self, key: tuple[Any, ...], /) -> NDArray[Any]: ...

    async def load(self, key: tuple[Any, ...], /) -> NDArray[Any]: ...

    async def load_outer(self, key: tuple[Any, ...], /) -> NDArray[Any]: ...

    async def load_points(self, key: tuple[Any, ...], /) -> NDArray[Any]: ...


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
