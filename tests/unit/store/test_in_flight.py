"""Web servers get few requests at a time, other stores and far servers many."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest
from fsspec.asyn import AsyncFileSystem
from zarr.core.sync import sync
from zarr.storage import FsspecStore, MemoryStore, WrapperStore

from xarray_omezarr.store import in_flight
from xarray_omezarr.store.in_flight import FEW, MANY, Room, is_web
from xarray_omezarr.store.open_documents import read_documents
from xarray_omezarr.store.target import Target
from xarray_omezarr.store.walk import Walker

KEYS = [f"{number}/zarr.json" for number in range(200)]

# Each request has a clock of its own: how busy the machine is plays no part.
CLOCK: ContextVar[float] = ContextVar("CLOCK", default=0.0)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_flight, "perf_counter", CLOCK.get)


async def wait(seconds: float) -> None:
    CLOCK.set(CLOCK.get() + seconds)
    await asyncio.sleep(seconds)


class Server(AsyncFileSystem):
    """Counts the requests that are under way at the same time."""

    cachable = False

    def __init__(self, protocol: Any, seconds: float) -> None:
        super().__init__(asynchronous=True)
        self.protocol, self.seconds = protocol, seconds
        self.now = self.most = 0

    async def _cat_file(self, path: str, **more: Any) -> bytes:
        self.now += 1
        self.most = max(self.most, self.now)
        await wait(self.seconds)
        self.now -= 1
        return b"{}"


def place(protocol: Any, seconds: float = 0.0) -> tuple[Server, Target]:
    server = Server(protocol, seconds)
    store = FsspecStore(server, read_only=True, path="a.zarr")
    return server, Target(store, "", None, "a.zarr")


@pytest.mark.parametrize("protocol", ["https", ("http", "https")])
def test_a_web_server_gets_few_requests_at_a_time(protocol: Any) -> None:
    server, target = place(protocol)
    assert len(read_documents(target, KEYS)) == len(KEYS)
    Walker(target).files(KEYS)
    assert server.most == FEW


def test_an_object_store_gets_many_requests_at_a_time() -> None:
    server, target = place(("s3", "s3a"))
    read_documents(target, KEYS)
    assert server.most == MANY


def test_a_web_server_that_is_far_away_gets_many_after_its_first_answers() -> None:
    server, target = place("https", seconds=0.03)
    read_documents(target, KEYS)
    assert server.most == MANY


def test_one_slow_answer_does_not_make_a_server_a_far_one() -> None:
    room = Room(place("http")[1].store)
    most = 0

    async def ask() -> None:
        nonlocal most
        now = 0

        async def one(seconds: float) -> None:
            nonlocal now, most
            async with room.request():
                now += 1
                most = max(most, now)
                await wait(seconds)
                now -= 1

        await asyncio.gather(one(0.05), *(one(0.0) for _ in KEYS))

    sync(ask())
    assert most == FEW


def test_what_wraps_a_web_server_is_one_too() -> None:
    assert is_web(WrapperStore(place("http")[1].store))
    assert not is_web(WrapperStore(MemoryStore()))
