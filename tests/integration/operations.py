"""Stores and arrays that count what is asked of them, for tests of the engine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing
from zarr.abc.store import Store
from zarr.storage import WrapperStore

METADATA = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")


class Ledger:
    """What was asked of a store: keys in order, per kind of request.

    Engines ask from many threads and event loops, so every entry takes a lock.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self.put = []
        self.got = []
        self.partly_got = []
        self.asked = []
        self.listed = []
        self.deleted = []
        self.in_flight = 0
        self.most_in_flight = 0

    def note(self, kind, key):
        with self._lock:
            getattr(self, kind).append(key)

    def enter(self):
        with self._lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def leave(self):
        with self._lock:
            self.in_flight -= 1

    @property
    def pixels_put(self):
        return [key for key in self.put if not is_metadata(key)]

    @property
    def metadata_put(self):
        return [key for key in self.put if is_metadata(key)]

    @property
    def pixels_got(self):
        return [key for key in self.got if not is_metadata(key)]

    @property
    def metadata_got(self):
        return [key for key in self.got if is_metadata(key)]

    def put_twice(self):
        return {key: n for key, n in Counter(self.pixels_put).items() if n > 1}


def is_metadata(key):
    return key.rsplit("/", 1)[-1] in METADATA


class CountingStore(WrapperStore):
    """Hands everything on to another store and notes it in a ledger.

    Parameters
    ----------
    store : zarr.abc.store.Store
        Where things are kept.
    ledger : Ledger, optional
        Copies of the store, such as read-only ones, share it.
    latency : float
        Seconds that every request takes longer.
    """

    def __init__(self, store: Store, ledger: Ledger | None = None, latency: float = 0):
        super().__init__(store)
        self.ledger = Ledger() if ledger is None else ledger
        self.latency = latency

    def _with_store(self, store):
        return type(self)(store, self.ledger, self.latency)

    def with_read_only(self, read_only=False):
        return self._with_store(self._store.with_read_only(read_only))

    async def _wait(self):
        if self.latency:
            await asyncio.sleep(self.latency)

    async def get(self, key, prototype, byte_range=None):
        self.ledger.note("got" if byte_range is None else "partly_got", key)
        await self._wait()
        return await self._store.get(key, prototype, byte_range)

    async def get_partial_values(self, prototype, key_ranges):
        key_ranges = list(key_ranges)
        for key, _ in key_ranges:
            self.ledger.note("partly_got", key)
        await self._wait()
        return await self._store.get_partial_values(prototype, key_ranges)

    async def exists(self, key):
        self.ledger.note("asked", key)
        await self._wait()
        return await self._store.exists(key)

    async def set(self, key, value):
        await self._put(key, self._store.set(key, value))

    async def set_if_not_exists(self, key, value):
        await self._put(key, self._store.set_if_not_exists(key, value))

    async def _put(self, key, request):
        self.ledger.note("put", key)
        self.ledger.enter()
        try:
            await self._wait()
            await request
        finally:
            self.ledger.leave()

    async def delete(self, key):
        self.ledger.note("deleted", key)
        await self._wait()
        await self._store.delete(key)

    async def delete_dir(self, prefix):
        self.ledger.note("deleted", prefix)
        await self._wait()
        await self._store.delete_dir(prefix)

    async def list_dir(self, prefix):
        self.ledger.note("listed", prefix)
        await self._wait()
        async for name in self._store.list_dir(prefix):
            yield name

    async def list_prefix(self, prefix):
        self.ledger.note("listed", prefix)
        await self._wait()
        async for name in self._store.list_prefix(prefix):
            yield name


class FailingStore(CountingStore):
    """A store whose puts of pixels fail from number `fails_at` on, counted from 1."""

    fails_at = 1

    async def set(self, key, value):
        if not is_metadata(key) and len(self.ledger.pixels_put) + 1 >= self.fails_at:
            self.ledger.note("asked", key)
            raise OSError("the disk is full")
        await super().set(key, value)

    def _with_store(self, store):
        made = super()._with_store(store)
        made.fails_at = self.fails_at
        return made


class GatedStore(CountingStore):
    """A store that lets no put of pixels end before `wanted` of them are under way.

    It gives up after a while, so that a test of too timid a writer ends. Unlike a
    store that is merely slow, it tells the same on a busy machine.
    """

    wanted = 1
    patience = 3.0

    def _with_store(self, store):
        made = super()._with_store(store)
        made.wanted = self.wanted
        return made

    async def _put(self, key, request):
        self.ledger.note("put", key)
        if is_metadata(key):
            await request
            return
        self.ledger.enter()
        try:
            deadline = time.monotonic() + self.patience
            while self.ledger.most_in_flight < self.wanted:
                if time.monotonic() > deadline:
                    self.wanted = 0
                await asyncio.sleep(0.005)
            await request
        finally:
            self.ledger.leave()


class CountingArray(BackendArray):
    """Pixels that an engine of xarray would read; counts how often each is read."""

    def __init__(self, pixels):
        self.pixels = pixels
        self.shape, self.dtype = pixels.shape, pixels.dtype
        self.times_read = np.zeros(pixels.shape, "uint8")
        self.largest_read = 0

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key):
        self.times_read[key] += 1
        self.largest_read = max(self.largest_read, self.times_read[key].size)
        return self.pixels[key]

    def lazily(self):
        """The array as xarray holds it after opening a file."""
        return indexing.LazilyIndexedArray(self)


class CountingPixels:
    """An array that is no numpy array, for ``dask.array.from_array``; counts reads."""

    def __init__(self, pixels):
        self.pixels = pixels
        self.shape, self.dtype, self.ndim = pixels.shape, pixels.dtype, pixels.ndim
        self.times_read = np.zeros(pixels.shape, "uint8")
        self._lock = threading.Lock()

    def __getitem__(self, key):
        with self._lock:
            self.times_read[key] += 1
        return self.pixels[key]
