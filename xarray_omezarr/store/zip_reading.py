"""An archive on this machine, to be read: what cannot be read in it says why."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from zarr.core.buffer import default_buffer_prototype
from zarr.storage import ZipStore

from xarray_omezarr.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError)


class ArchiveStore(ZipStore):
    """An archive that is read, as zarr does it.

    Raises
    ------
    OptionError
        On reading an entry that is damaged, encrypted, or packed in a way that nobody
        here knows.
    """

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """An entry, or a part of it; None if it is not there."""
        wanted: Any = prototype or default_buffer_prototype()
        try:
            return await super().get(key, wanted, byte_range)
        except _DAMAGED as error:
            raise damaged(self.path, key, error) from error
        except (NotImplementedError, RuntimeError) as error:
            raise OptionError(
                f"{self.path}: entry {key!r} cannot be read, for it is encrypted or "
                f"packed in an unusual way ({error}); unpack the archive and pack it "
                "again without compression"
            ) from error

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Parts of entries."""
        return [await self.get(key, prototype, part) for key, part in key_ranges]


def damaged(path: object, key: str, reason: object) -> OptionError:
    """What to raise for an entry whose bytes are not those that were stored."""
    return OptionError(
        f"{path}: entry {key!r} is damaged ({reason}); get another copy of the archive"
    )
