"""A store in memory that answers each request late, as one far away does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from zarr.storage import MemoryStore, WrapperStore

#: Seconds that one request takes.
LATENCY = 0.05


class SlowStore(WrapperStore[MemoryStore]):
    """Every request waits `latency` seconds; requests may wait side by side.

    Bandwidth is not limited: what is measured is how many requests are made one after
    the other. `requests` counts them.
    """

    def __init__(self, store: MemoryStore | None = None, latency: float = LATENCY):
        super().__init__(MemoryStore() if store is None else store)
        self.latency = latency
        self.requests = 0

    def _with_store(self, store: MemoryStore) -> SlowStore:
        return type(self)(store, self.latency)

    @property
    def _supports_sync_io(self) -> bool:
        # A store far away cannot be asked without waiting; the one inside could.
        return False

    async def _travel(self) -> None:
        self.requests += 1
        if self.latency:
            await asyncio.sleep(self.latency)

    async def get(self, *args: Any, **kwargs: Any) -> Any:
        await self._travel()
        return await super().get(*args, **kwargs)

    async def get_partial_values(self, *args: Any, **kwargs: Any) -> Any:
        await self._travel()
        return await super().get_partial_values(*args, **kwargs)

    async def get_ranges(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        await self._travel()
        async for group in super().get_ranges(*args, **kwargs):
            yield group

    async def exists(self, key: str) -> bool:
        await self._travel()
        return await super().exists(key)

    async def set(self, key: str, value: Any) -> None:
        await self._travel()
        await super().set(key, value)

    async def set_if_not_exists(self, key: str, value: Any) -> None:
        await self._travel()
        await super().set_if_not_exists(key, value)

    async def _set_many(self, values: Iterable[tuple[str, Any]]) -> None:
        await asyncio.gather(*(self.set(key, value) for key, value in values))

    async def delete(self, key: str) -> None:
        await self._travel()
        await super().delete(key)

    async def delete_dir(self, prefix: str) -> None:
        await self._travel()
        await super().delete_dir(prefix)

    async def is_empty(self, prefix: str) -> bool:
        await self._travel()
        return await super().is_empty(prefix)

    async def list(self) -> AsyncIterator[str]:
        await self._travel()
        async for key in super().list():
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        await self._travel()
        async for key in super().list_prefix(prefix):
            yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        await self._travel()
        async for key in super().list_dir(prefix):
            yield key
