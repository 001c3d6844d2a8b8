"""One file as a target: what is in it is read, and nothing in it is changed."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from zarr.abc.store import ByteRequest, Store
from zarr.storage import ZipStore

from xarray_omezarr.errors import (
    NotInVersionError,
    OptionError,
    TargetExistsError,
    warn,
)
from xarray_omezarr.hierarchy import join
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.store.zip_reading import ArchiveStore
from xarray_omezarr.store.zip_writing import ZipWriting
from xarray_omezarr.windows import needs_windows, with_default_windows

if TYPE_CHECKING:
    from typing import Self

    from zarr.core.buffer import Buffer, BufferPrototype

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.store.target import Target

# A directory of so many entries is read before the first pixel is.
_MANY = 10_000
_REMEDY = (
    "nothing in it can be changed or added; unpack it to a folder with "
    "xarray_omezarr.convert, write there, and convert that back"
)
# Of a file that is not there: nothing can be unpacked, and waiting does not help.
_ABSENT = (
    "a one-file store is written as a whole, and nothing can be prepared in, added to "
    "or changed in one. Write to a folder, and make one file of that with "
    "xarray_omezarr.convert"
)


class OneFile(Store):
    """The place of one file that holds a whole store, which may not be there yet.

    It is read as what is there, and refuses to be written to: a new file is made with
    `ZipWriting` and takes its place.

    Parameters
    ----------
    path : pathlib.Path
        Of the file, absolute.
    """

    supports_writes = True
    supports_deletes = False
    supports_listing = True

    def __init__(self, path: Path) -> None:
        super().__init__(read_only=False)
        self._is_open = True
        self.path = path
        self._known: ArchiveStore | None = None

    @property
    def is_there(self) -> bool:
        """Whether there is something at the path, whatever it is."""
        return self.path.exists() or self.path.is_symlink()

    @property
    def is_archive(self) -> bool:
        """Whether there is an archive."""
        return self.path.is_file() and zipfile.is_zipfile(self.path)

    def forget(self) -> None:
        """Close what was there, for something else takes its place."""
        known, self._known = self._known, None
        if known is not None:
            known.close()

    def refuse(self) -> NoReturn:
        """Raise an OptionError that says what to do instead of changing the file."""
        if not self.is_there:
            raise OptionError(f"There is no file {self.path}; {_ABSENT}")
        raise OptionError(f"{self.path} is a one-file store: {_REMEDY}")

    def with_read_only(self, read_only: bool = False) -> Self:
        """The same place: nothing is ever written to it."""
        made = type(self)(self.path)
        made._read_only = read_only
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OneFile) and other.path == self.path

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type[OneFile], tuple[Path]]:
        return OneFile, (self.path,)

    def __str__(self) -> str:
        return f"zip://{self.path}"

    def __repr__(self) -> str:
        return f"OneFile({str(self.path)!r})"

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """What is there under a key."""
        there = await _opened(self)
        options: Any = {} if prototype is None else {"prototype": prototype}
        if there is None:
            return None
        return await there.get(key, byte_range=byte_range, **options)

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Parts of what is there."""
        return [await self.get(key, prototype, part) for key, part in key_ranges]

    async def exists(self, key: str) -> bool:
        """Whether there is a key."""
        there = await _opened(self)
        return there is not None and await there.exists(key)

    async def set(self, key: str, value: Buffer) -> None:
        """Refuse."""
        self.refuse()

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Refuse."""
        self.refuse()

    async def delete(self, key: str) -> None:
        """Refuse."""
        self.refuse()

    async def delete_dir(self, prefix: str) -> None:
        """Refuse."""
        self.refuse()

    async def list(self) -> AsyncIterator[str]:
        """All keys."""
        there = await _opened(self)
        if there is not None:
            async for key in there.list():
                yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Keys that begin so."""
        there = await _opened(self)
        if there is not None:
            async for key in there.list_prefix(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Names right below a path."""
        there = await _opened(self)
        if there is not None:
            async for name in there.list_dir(prefix):
                yield name


async def _opened(store: OneFile) -> ArchiveStore | None:
    if store._known is None and store.is_archive:
        store._known = ArchiveStore(store.path, mode="r")
        # Some releases of zarr want it open.
        await store._known._ensure_open()
    return store._known


def refuse_changing(target: Target) -> None:
    """Raise an OptionError if a target is one file, in which nothing is changed."""
    if isinstance(target.store, OneFile):
        target.store.refuse()
    if isinstance(target.store, ZipStore):
        raise OptionError(
            f"{target} is a zip file, in which nothing can be written twice; unpack "
            "it to a folder, write there, and convert that back"
        )


def refuse_writer(target: Target) -> None:
    """Raise an OptionError if a target is one file, which zarr alone can write."""
    if isinstance(target.store, OneFile):
        raise OptionError(
            f"writer is given, and {target} is one file, which others than zarr cannot "
            "write; leave writer out, or write to a folder and make one file of that "
            "with xarray_omezarr.convert"
        )


def check_one_file(
    store: OneFile, path: str, mode: str | None, hierarchy: Hierarchy
) -> None:
    """Raise what keeps `hierarchy` from becoming the file.

    Raises
    ------
    NotInVersionError
        If its version is not stored in Zarr v3, which such files need.
    OptionError
        For ``mode="a"``, and for a group inside: the file is one OME-Zarr.
    TargetExistsError
        If there is something that is no archive, or an archive that is not replaced.
    """
    version = hierarchy.version
    if version.features.zarr_format != 3:
        raise NotInVersionError(
            f"{store.path} is a one-file store, which there are of the versions of "
            f"OME-Zarr that are stored in Zarr v3, and version is {version.name!r}, "
            "which is stored in Zarr v2; choose a newer version=, or write to a folder"
        )
    if mode == "a":
        if not store.is_there:
            raise OptionError(
                f"mode is 'a', and there is no file {store.path} that could be added "
                "to; leave mode out for a new one-file store"
            )
        raise OptionError(
            f"mode is 'a', and {store.path} is a one-file store: {_REMEDY}. "
            "mode='w' replaces it"
        )
    if path:
        # RULES 12: the root of the archive is that of the OME-Zarr.
        raise OptionError(
            f"group is {path!r}, and {store.path} is a one-file store, the root of "
            "which is that of the one image, plate, collection or scene in it; leave "
            "group out, or write to a folder"
        )
    if store.is_there:
        _check_replacing(store, mode)


def _check_replacing(store: OneFile, mode: str | None) -> None:
    if store.path.is_file() and not store.path.stat().st_size:
        raise TargetExistsError(
            f"{store.path} is no zip archive but an empty file, such as an "
            "interrupted copy leaves; delete it, or choose another path"
        )
    if not store.is_archive:
        raise TargetExistsError(
            f"{store.path} is no zip archive; it is never removed. Choose another "
            "path, or delete it yourself"
        )
    if mode != "w":
        raise TargetExistsError(
            f"{store.path} is there already; mode='w' replaces it as a whole, and "
            f"{_REMEDY}"
        )


def new_file(store: OneFile, path: str, hierarchy: Hierarchy) -> ZipWriting:
    """What `hierarchy` is written into at `path`, and becomes the file."""
    # A link stays one, to the new file.
    real = Path(os.path.realpath(store.path))
    return ZipWriting(
        real,
        hierarchy.version.name,
        _expected(path, hierarchy),
        replaces=store.is_there,
    )


def _expected(path: str, hierarchy: Hierarchy) -> Mapping[str, int]:
    """Bytes of the documents of all groups, as far as the plan tells them."""
    made = {}
    for below, node in hierarchy.groups.items():
        model = node.model
        if isinstance(model, Image) and needs_windows(model):
            # Pixels will tell them; no numbers are longer than those of this type.
            model = with_default_windows(model, np.dtype("int64"))
        ome = {} if model is None else hierarchy.version.to_attrs(model)
        told = json.dumps({**node.attrs, **ome}, indent=2, default=str)
        made[join(path, below, "zarr.json")] = len(told.encode())
    return made


def warn_of_entries(store: object, counts: Iterable[int]) -> None:
    """Say how many entries one file will have, where that makes it slow to open."""
    if not isinstance(store, OneFile):
        return
    count = sum(counts)
    if count > _MANY:
        warn(
            f"{store.path} will have {count:,} entries, all of which are listed before "
            "the first pixel can be read; shards='auto' stores many chunks in one"
        )
