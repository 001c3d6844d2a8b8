"""Where pixels go: one stored array, written one stored object at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import zarr
from numpy.typing import NDArray
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore

from xarray_omezarr.hierarchy import join
from xarray_omezarr.store.encode import Encoder, encoder_of
from xarray_omezarr.store.stored import cut
from xarray_omezarr.store.zip_writing import ZipWriting

if TYPE_CHECKING:
    from xarray_omezarr.store.arrays import WritableArray
    from xarray_omezarr.store.blocks import Slices


class Sink(Protocol):
    """A stored array that takes pixels piece by piece, from many threads at once."""

    def pieces(self, place: Slices) -> Iterator[Slices]:
        """Cut a place in the array into what can be written at the same time."""
        ...

    def write(self, place: Slices, pixels: NDArray[Any]) -> None:
        """Store the pixels of one piece; when this returns, they are stored."""
        ...


@dataclass(frozen=True, slots=True)
class ObjectSink:
    """Encodes whole objects of a new zarr array and puts each one once."""

    array: zarr.Array[Any]
    encoder: Encoder

    def pieces(self, place: Slices) -> Iterator[Slices]:
        """The stored objects that `place` consists of."""
        return cut(place, self.encoder.shape)

    def write(self, place: Slices, pixels: NDArray[Any]) -> None:
        """Encode and put the object at `place`; an empty one stays absent."""
        encoded = self.encoder.encode(pixels)
        if encoded is None:
            return
        index = tuple(
            part.start // size
            for part, size in zip(place, self.encoder.shape, strict=True)
        )
        where = self.array.store_path
        key = join(where.path, self.array.metadata.encode_chunk_key(index))
        value = default_buffer_prototype().buffer.from_bytes(encoded)
        store: Any = where.store
        if type(store) in (LocalStore, ZipWriting) and hasattr(store, "set_sync"):
            # A file needs no event loop; older zarr has no other way.
            store.set_sync(key, value)
        else:
            sync(store.set(key, value))


@dataclass(frozen=True, slots=True)
class HandleSink:
    """Assigns blocks to an array that does everything itself."""

    array: WritableArray

    def pieces(self, place: Slices) -> Iterator[Slices]:
        """The place as a whole: the array knows best how to cut it."""
        yield place

    def write(self, place: Slices, pixels: NDArray[Any]) -> None:
        """Assign the pixels."""
        self.array[place] = pixels


def sinks_for(handles: Mapping[str, WritableArray]) -> dict[str, Sink]:
    """The fastest sink for each new array.

    Blocks must consist of whole stored objects, up to the border of the array.
    """
    # Arrays of a plate share their metadata, and what encodes them is found once.
    known: dict[tuple[int, Any], Encoder | None] = {}
    made: dict[str, Sink] = {}
    for path, array in handles.items():
        encoder = None
        if isinstance(array, zarr.Array):
            key = id(array.metadata), array.async_array.config
            if key not in known:
                known[key] = encoder_of(array)
            encoder = known[key]
        if encoder is None:
            made[path] = HandleSink(array)
        else:
            made[path] = ObjectSink(cast("zarr.Array[Any]", array), encoder)
    return made
