"""Stores on servers: asked again where a fault passes, told of where it does not.

What clients ask again by themselves is left to them (docs/design/object-stores.md).
These are the requests that they do not: reading from web servers with fsspec, and
answers that break off, with obstore.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from zarr.storage import FsspecStore, ObjectStore

from xarray_omezarr.store.in_flight import is_web

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest, Store
    from zarr.core.buffer import Buffer, BufferPrototype

T = TypeVar("T")

#: Seconds before a request is made again, as often as there are numbers; each is
#: drawn from half of it to one and a half.
PAUSES = (0.1, 0.3, 1.0, 3.0)

#: Seconds after which a request is not made again, however seldom it has been made:
#: clients wait for answers for minutes.
LONGEST = 30.0

#: Answers of HTTP that another answer may follow.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})

# How often objects are removed that are still there.
_ROUNDS = 3

# Protocols of fsspec whose files are near, where nothing breaks off.
_NEAR = frozenset({"file", "local", "memory"})

# Stores of obstore that are on servers.
_SERVERS = frozenset({"S3Store", "GCSStore", "AzureStore", "HTTPStore"})

_SHOWN = 3


def steady(store: Store) -> Store:
    """The store itself; one on a server as one that is asked again.

    Parameters
    ----------
    store : zarr.abc.store.Store
        Any store.

    Returns
    -------
    zarr.abc.store.Store
        A store of the same class, or of one below it, of the same client and path.
    """
    # Classes of others have their own ways.
    if type(store) is FsspecStore:
        told = store.fs.protocol
        if _NEAR.isdisjoint((told,) if type(told) is str else told):
            return SteadyFsspecStore(
                fs=store.fs,
                path=store.path,
                read_only=store.read_only,
                allowed_exceptions=store.allowed_exceptions,
            )
    if type(store) is ObjectStore and type(store.store).__name__ in _SERVERS:
        return SteadyObjectStore(store.store, read_only=store.read_only)
    return store


async def again(
    ask: Callable[[], Awaitable[T]],
    passes: Callable[[BaseException], bool],
    doing: str,
) -> T:
    """What `ask` gives; it is asked again where its failure `passes`.

    Only for requests that may be made twice.

    Parameters
    ----------
    ask : callable
        Makes the request.
    passes : callable
        Whether a failure may be over soon.
    doing : str
        What is done, and where, for the note of the error.
    """
    began = time.monotonic()
    try:
        for pause in PAUSES:
            try:
                return await ask()
            except Exception as error:
                if not passes(error) or time.monotonic() - began > LONGEST:
                    raise
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
        return await ask()
    except Exception as error:
        error.add_note(f"Raised while {doing}")
        raise


def _never(_error: BaseException) -> bool:
    return False


def _passes_on_the_web(error: BaseException) -> bool:
    """Whether a failure of aiohttp may be over soon."""
    status = getattr(error, "status", None)
    kinds = {each.__name__ for each in type(error).__mro__}
    if "ClientResponseError" in kinds:
        return status in PASSING
    if "ClientConnectorDNSError" in kinds:
        return False
    broken = {"ClientConnectionError", "ClientPayloadError", "FSTimeoutError"}
    return isinstance(error, TimeoutError) or not broken.isdisjoint(kinds)


def passes_in_obstore(error: BaseException) -> bool:
    """Whether an answer broke off, or was late where obstore does not ask again.

    Its errors have no more than a text. Those of requests that it has given up have
    the number of times in it.
    """
    if type(error).__name__ != "GenericError":
        return False
    told = str(error)
    if ", after " in told or "Status {" in told:
        return False
    signs = ("response body", "Interrupted", "TimedOut", "Timeout", "UnexpectedEof")
    return any(sign in told for sign in signs)


class SteadyFsspecStore(FsspecStore):
    """A filesystem of fsspec on a server.

    Its listings are never those that the filesystem remembers: others write, too.
    """

    def _passes(self) -> Callable[[BaseException], bool]:
        # Clients of object stores ask again themselves.
        return _passes_on_the_web if is_web(self) else _never

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """What is stored under a key, or a part of it."""
        ask = partial(super().get, key, prototype, byte_range)
        return await again(ask, self._passes(), f"reading {key!r} of {self}")

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Parts of what is stored."""
        ask = partial(super().get_partial_values, prototype, [*key_ranges])
        return await again(ask, self._passes(), f"reading from {self}")

    async def set(
        self, key: str, value: Buffer, byte_range: tuple[int, int] | None = None
    ) -> None:
        """Store an object."""
        ask = partial(super().set, key, value, byte_range)
        await again(ask, _never, f"putting {key!r} into {self}")

    async def delete(self, key: str) -> None:
        """Remove an object."""
        ask = partial(self._remove, key)
        await again(ask, _never, f"removing {key!r} from {self}")

    async def _remove(self, key: str) -> None:
        self._check_writable()
        try:
            with suppress(*self.allowed_exceptions):
                # Of the other way of the client nobody is told what it could not do.
                await self.fs._rm_file(f"{self.path.rstrip('/')}/{key}")
        except NotImplementedError:
            await super().delete(key)

    async def delete_dir(self, prefix: str) -> None:
        """Remove what is below, and see that it is gone.

        Servers answer that objects could not be removed, and the client tells nobody.
        """
        ask = partial(super().delete_dir, prefix)
        left: list[str] = []
        for _ in range(_ROUNDS):
            await again(ask, _never, f"removing what is below {prefix!r} of {self}")
            below = f"{prefix.rstrip('/')}/" if prefix else ""
            left = [key async for key in self.list_prefix(below)]
            if not left:
                return
        shown = ", ".join(map(repr, left[:_SHOWN]))
        raise OSError(
            f"{len(left)} objects below {prefix!r} of {self} are still there after "
            f"they were removed, such as {shown}; see whether they may be removed, "
            "and do it, or write to another place"
        )

    async def exists(self, key: str) -> bool:
        """Whether there is an object."""
        self.fs.invalidate_cache()
        ask = partial(super().exists, key)
        return await again(ask, self._passes(), f"looking for {key!r} in {self}")

    async def list(self) -> AsyncIterator[str]:
        """Keys of all objects."""
        for key in await self._listed(super().list, ""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Keys that begin so."""
        for key in await self._listed(partial(super().list_prefix, prefix), prefix):
            yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Names right below a path."""
        for key in await self._listed(partial(super().list_dir, prefix), prefix):
            yield key

    async def _listed(
        self, ask: Callable[[], AsyncIterator[str]], prefix: str
    ) -> Iterable[str]:
        # The filesystem has them all at once as well.
        async def collect() -> Iterable[str]:
            self.fs.invalidate_cache()
            return [key async for key in ask()]

        return await again(collect, self._passes(), f"listing {prefix!r} of {self}")


class SteadyObjectStore(ObjectStore[Any]):
    """A store of obstore on a server."""

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """What is stored under a key, or a part of it."""
        ask = partial(super().get, key, prototype, byte_range)
        return await again(ask, passes_in_obstore, f"reading {key!r} of {self}")

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Parts of what is stored."""
        ask = partial(super().get_partial_values, prototype, [*key_ranges])
        return await again(ask, passes_in_obstore, f"reading from {self}")

    async def set(self, key: str, value: Buffer) -> None:
        """Store an object."""
        ask = partial(super().set, key, value)
        await again(ask, passes_in_obstore, f"putting {key!r} into {self}")

    async def delete(self, key: str) -> None:
        """Remove an object."""
        ask = partial(super().delete, key)
        await again(ask, passes_in_obstore, f"removing {key!r} from {self}")

    async def delete_dir(self, prefix: str) -> None:
        """Remove what is below."""
        ask = partial(super().delete_dir, prefix)
        doing = f"removing what is below {prefix!r} of {self}"
        await again(ask, passes_in_obstore, doing)

    async def exists(self, key: str) -> bool:
        """Whether there is an object."""
        ask = partial(super().exists, key)
        return await again(ask, passes_in_obstore, f"looking for {key!r} in {self}")

    async def list_dir(self, prefix: str) -> AsyncGenerator[str, None]:
        """Names right below a path."""
        ask = partial(super().list_dir, prefix)

        async def collect() -> list[str]:
            return [key async for key in ask()]

        doing = f"listing {prefix!r} of {self}"
        for key in await again(collect, passes_in_obstore, doing):
            yield key

    async def list(self) -> AsyncGenerator[str, None]:
        """Keys of all objects."""
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncGenerator[str, None]:
        """Keys that begin so."""
        stream: AsyncIterator[Any] | None = None
        last: str | None = None

        async def following() -> list[str]:
            nonlocal stream
            try:
                if stream is None:
                    # Servers list in the order of names.
                    stream = aiter(self.store.list(prefix or None, offset=last))
                return [each["path"] for each in await anext(stream)]
            except StopAsyncIteration:
                return []
            except Exception:
                stream = None
                raise

        doing = f"listing {prefix!r} of {self}"
        while page := await again(following, passes_in_obstore, doing):
            for key in page:
                yield key
            last = page[-1]
