"""The fields of a plate as one lazy array, of which only what is used is read."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

# Fields that are read at a time: what waits for a server waits together.
_AT_A_TIME = 16


class Member(Protocol):
    """Pixels of one field."""

    def outer(self, key: tuple[Any, ...], /) -> NDArray[Any]:
        """Pixels at the product of slices, numbers and 1-D index arrays."""
        ...

    def points(self, key: tuple[Any, ...], /) -> NDArray[Any]:
        """Pixels at the points that 1-D index arrays name."""
        ...


@dataclass(frozen=True, slots=True)
class VariableMember:
    """Pixels of a field that is a variable of a tree, stored or in memory."""

    variable: xr.Variable

    def outer(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Pixels at the product of slices, numbers and 1-D index arrays."""
        return np.asarray(self.variable[key].values)

    def points(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Pixels at the points that 1-D index arrays name."""
        named = tuple(xr.Variable("points", index) for index in key)
        return np.asarray(self.variable[named].values)


class StackedPixels(BackendArray):
    """Fields side by side along further dims in front; where there is none, 0.

    Parameters
    ----------
    members : array of object
        The field at each place, or None.
    shape : tuple of int
        Of each field.
    dtype : dtype
        Of each field.
    """

    __slots__ = ("_inner", "_members", "dtype", "shape")

    def __init__(
        self, members: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self._members = members
        self._inner = shape
        self.shape = (*members.shape, *shape)
        self.dtype = dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        is_points = isinstance(key, indexing.VectorizedIndexer)
        return indexing.explicit_indexing_adapter(
            key,
            self.shape,
            indexing.IndexingSupport.VECTORIZED,
            self._points if is_points else self._outer,
        )

    async def async_getitem(self, key: indexing.ExplicitIndexer) -> Any:
        """As indexing, without blocking the event loop."""
        return await asyncio.to_thread(self.__getitem__, key)

    def _outer(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Pixels at the product of slices, numbers and 1-D index arrays."""
        count = self._members.ndim
        places = [
            np.atleast_1d(np.arange(size)[part])
            for part, size in zip(key[:count], self._members.shape, strict=True)
        ]
        chosen = self._members[np.ix_(*places)]
        pairs = list(zip(key[count:], self._inner, strict=True))
        inner = tuple(_ascending(part, size) for part, size in pairs)
        sizes = [
            len(np.arange(size)[part]) for part, size in pairs if not _is_number(part)
        ]
        found = np.zeros((*chosen.shape, *sizes), self.dtype)

        def read(index: tuple[int, ...]) -> None:
            found[index] = chosen[index].outer(inner)

        if math.prod(sizes):
            _at_once(read, _there(chosen))
        return found[tuple(0 if _is_number(k) else slice(None) for k in key[:count])]

    def _points(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Pixels at the points that broadcast index arrays name."""
        parts = np.broadcast_arrays(*key)
        shape = parts[0].shape
        flat = [part.ravel() for part in parts]
        count = self._members.ndim
        wrapped = [
            np.where(part < 0, part + size, part)
            for part, size in zip(flat, self.shape, strict=True)
        ]
        numbers = np.ravel_multi_index(tuple(wrapped[:count]), self._members.shape)
        members = self._members.ravel()
        found = np.zeros(numbers.shape, self.dtype)

        def read(number: int) -> None:
            at = numbers == number
            found[at] = members[number].points(tuple(p[at] for p in wrapped[count:]))

        _at_once(read, [n for n in np.unique(numbers) if members[n] is not None])
        return found.reshape(shape)


def _there(members: NDArray[Any]) -> list[tuple[int, ...]]:
    return [index for index in np.ndindex(members.shape) if members[index] is not None]


def _at_once(read: Callable[[Any], None], items: list[Any]) -> None:
    """Read many fields at a time, each of them by itself."""
    if len(items) < 2:
        for item in items:
            read(item)
        return
    with ThreadPoolExecutor(min(_AT_A_TIME, len(items))) as threads:
        done: Iterator[None] = threads.map(read, items)
        for _ in done:
            pass


def _is_number(part: Any) -> bool:
    return isinstance(part, int | np.integer)


def _ascending(part: Any, size: int) -> Any:
    """Stored arrays cannot be sliced backwards; indices may run as they like."""
    if isinstance(part, slice) and part.step is not None and part.step < 0:
        return np.arange(size)[part]
    return part
