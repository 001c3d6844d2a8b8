"""Many requests at a time, few of a web server next door, and none after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from zarr.storage import FsspecStore, ObjectStore, WrapperStore

if TYPE_CHECKING:
    from zarr.abc.store import Store

# A plate has thousands of documents, and a server takes only so many connections from
# one client.
MANY = 64
# Small web servers let five connections wait, and forget about others: each of those
# is tried anew after a second or more.
FEW = 4
# A server that answers later than this, in seconds, is far away: the way to it takes
# the time, and only many requests at once make up for it.
_FAR = 0.02


Item = TypeVar("Item")
Result = TypeVar("Result")


class SkippedError(Exception):
    """Another request has failed before this one was made; seen by nobody."""


async def each(
    ask: Callable[[Item], Awaitable[Result]],
    items: Iterable[Item],
    room: Callable[[], AbstractAsyncContextManager[None]],
) -> list[Result]:
    """What `ask` gives for each of the items, many asked at a time.

    When this returns or raises, no request is under way: a put that ended later would
    undo what is done next, such as cleaning up. After a failure no more are made.

    Parameters
    ----------
    ask : callable
        Makes the request for one item.
    items : iterable
        What is asked for.
    room : callable
        Gives a context in which one request is made, when there is room for it.
    """
    failures: list[BaseException] = []

    async def one(item: Item) -> Result:
        async with room():
            if failures:
                raise SkippedError
            try:
                return await ask(item)
            except BaseException as error:
                failures.append(error)
                raise

    done = await asyncio.gather(*map(one, items), return_exceptions=True)
    if failures:
        raise failures[0]
    return [result for result in done if not isinstance(result, BaseException)]


class Room:
    """Lets only so many requests of one store be under way.

    Web servers get few at first, and many if even the quickest of their first answers
    was slow.

    Parameters
    ----------
    store : Store
        Where requests go.
    many : int
        How many at a time, where there is no reason for less.
    """

    def __init__(self, store: Store, many: int = MANY) -> None:
        self._first = min(FEW, many) if is_web(store) else many
        self._more = many - self._first
        self._semaphore = asyncio.Semaphore(self._first)
        self._answers = 0
        self._quickest = float("inf")

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """Wait for one's turn; the request is made inside."""
        async with self._semaphore:
            began = perf_counter()
            yield
            self._answered(perf_counter() - began)

    def _answered(self, seconds: float) -> None:
        if not self._more:
            return
        self._answers += 1
        self._quickest = min(self._quickest, seconds)
        if self._answers < self._first:
            return
        if self._quickest > _FAR:
            for _ in range(self._more):
                self._semaphore.release()
        self._more = 0


def is_web(store: Store) -> bool:
    """Whether a store is read from a web server."""
    while isinstance(store, WrapperStore):
        store = store._store
    if isinstance(store, FsspecStore):
        told = store.fs.protocol
        return not {"http", "https"}.isdisjoint((told,) if type(told) is str else told)
    return isinstance(store, ObjectStore) and type(store.store).__name__ == "HTTPStore"
