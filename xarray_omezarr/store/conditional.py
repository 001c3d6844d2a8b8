"""Objects that are created only where there are none: what leases are made of."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from zarr.core.sync import sync
from zarr.storage import FsspecStore, LocalStore, ObjectStore

from xarray_omezarr.store.steady import again, passes_in_obstore

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

# Of HTTP: a conflict with another request, and a condition that does not hold.
_CONFLICTS = (409, 412)


class Creator(Protocol):
    """Creates objects on condition; keys are paths inside the store.

    An object that is there already has been created by this very request, or one like
    it, where it holds the same: clients ask again when an answer is lost.
    """

    def create(self, key: str, value: bytes) -> bool:
        """Create the object; False if there is another one."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Store the object, whatever is there."""
        ...

    def read(self, key: str) -> bytes | None:
        """The object; None if there is none."""
        ...

    def remove(self, key: str) -> None:
        """Remove the object, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class FolderCreator:
    """For folders: files that are opened exclusively."""

    folder: Path

    def create(self, key: str, value: bytes) -> bool:
        """Create the file; False if there is one."""
        try:
            with open(self.folder / key, "xb") as file:
                file.write(value)
        except FileExistsError:
            return False
        return True

    def put(self, key: str, value: bytes) -> None:
        """Write the file."""
        (self.folder / key).write_bytes(value)

    def read(self, key: str) -> bytes | None:
        """The content; None if there is no file."""
        try:
            return (self.folder / key).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, key: str) -> None:
        """Remove the file, if there is one."""
        (self.folder / key).unlink(missing_ok=True)

    def __str__(self) -> str:
        return str(self.folder)


@dataclass(frozen=True, slots=True)
class ObstoreCreator:
    """For stores of obstore: ``put`` in the mode "create"."""

    store: Any

    def create(self, key: str, value: bytes) -> bool:
        """Create the object; False if there is another one."""
        from obstore.exceptions import AlreadyExistsError

        try:
            self._call("put", key, value, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return self.read(key) == value
        except Exception as error:
            if _is_conflict(error):
                return self.read(key) == value
            raise
        return True

    def put(self, key: str, value: bytes) -> None:
        """Store the object, whatever is there."""
        self._call("put", key, value, use_multipart=False)

    def read(self, key: str) -> bytes | None:
        """The object; None if there is none."""

        async def read() -> bytes:
            found = await self.store.get_async(key)
            return bytes(await found.bytes_async())

        try:
            return sync(again(read, passes_in_obstore, self._doing("get", key)))
        except FileNotFoundError:
            return None

    def remove(self, key: str) -> None:
        """Remove the object, if there is one."""
        with contextlib.suppress(FileNotFoundError):
            self._call("delete", key)

    def _call(self, name: str, key: str, *args: Any, **kwargs: Any) -> None:
        async def call() -> None:
            await getattr(self.store, f"{name}_async")(key, *args, **kwargs)

        # Whoever creates compares what is there: once more does no harm.
        sync(again(call, passes_in_obstore, self._doing(name, key)))

    def _doing(self, name: str, key: str) -> str:
        return f"asking {self} to {name} {key!r}"

    def __str__(self) -> str:
        return str(self.store)


@dataclass(frozen=True, slots=True)
class FsspecCreator:
    """For filesystems of fsspec: ``pipe_file`` in the mode "create"."""

    store: FsspecStore

    def create(self, key: str, value: bytes) -> bool:
        """Create the object; False if there is another one."""
        try:
            self._call("pipe_file", self._path(key), value, mode="create")
        except FileExistsError:
            return self.read(key) == value
        except Exception as error:
            if _is_conflict(error):
                return self.read(key) == value
            raise
        return True

    def put(self, key: str, value: bytes) -> None:
        """Store the object, whatever is there."""
        self._call("pipe_file", self._path(key), value)

    def read(self, key: str) -> bytes | None:
        """The object; None if there is none."""
        try:
            found: bytes = self._call("cat_file", self._path(key))
        except FileNotFoundError:
            return None
        return found

    def remove(self, key: str) -> None:
        """Remove the object, if there is one."""
        with contextlib.suppress(FileNotFoundError):
            self._call("rm_file", self._path(key))

    def _path(self, key: str) -> str:
        return f"{self.store.path.rstrip('/')}/{key}"

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        # zarr's event loop is the one that the filesystem is bound to.
        return sync(getattr(self.store.fs, f"_{name}")(*args, **kwargs))

    def __str__(self) -> str:
        return str(self.store)


def _is_conflict(error: BaseException) -> bool:
    """Whether somebody else has created the object, or is about to.

    S3 answers 409 while another does, and some servers 412 without the name of the
    condition; clients tell neither as the error of a file that exists.
    """
    seen: set[int] = set()
    errors: list[BaseException | None] = [error]
    while errors:
        each = errors.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if _status(each) in _CONFLICTS:
            return True
        errors += [each.__cause__, each.__context__]
    return False


def _status(error: BaseException) -> object:
    """The status of HTTP that a client of botocore has put into its error."""
    response = getattr(error, "response", None)
    if not isinstance(response, Mapping):
        return None
    told = response.get("ResponseMetadata")
    return told.get("HTTPStatusCode") if isinstance(told, Mapping) else None


def creator_of(target: Target) -> Creator | None:
    """What creates objects on condition in the store of `target`, if it can."""
    store: Any = target.store
    while hasattr(store, "_store"):
        store = store._store  # zarr's wrappers have no public name for what they wrap
    if isinstance(store, LocalStore):
        return FolderCreator(Path(store.root).resolve())
    if isinstance(store, ObjectStore):
        return ObstoreCreator(store.store)
    if isinstance(store, FsspecStore):
        return FsspecCreator(store)
    return None
