"""Arrays that a function of the user made: checked, completed, and written to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.core.metadata.v2 import ArrayV2Metadata

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.arrays import array_attributes

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import ArrayNode
    from xarray_omezarr.ngff.versions.protocol import Features
    from xarray_omezarr.store.arrays import ZarrFormat
    from xarray_omezarr.store.target import Target


@dataclass(frozen=True, slots=True, eq=False)
class CreatedArray:
    """The array of a user, as the engine sees it.

    Parameters
    ----------
    array : object
        Takes blocks by tuple of slices, and gives what `numpy.asarray` reads.
    path : str
        Path inside the hierarchy, for messages.
    """

    array: Any
    path: str

    def __setitem__(self, key: tuple[slice, ...], value: NDArray[Any]) -> None:
        try:
            self.array[key] = value
        except Exception as error:
            error.add_note(
                f"Raised by the writer's array {self.path!r}, while it stored the "
                f"block {_spelled(key)}"
            )
            raise

    def __getitem__(self, key: tuple[slice, ...]) -> NDArray[Any]:
        return np.asarray(self.array[key])

    def __reduce__(self) -> tuple[Callable[..., CreatedArray], tuple[Any, str]]:
        # As workers get it: cloudpickle comes with dask and takes local classes too.
        import cloudpickle

        try:
            cloudpickle.dumps(self.array)
        except Exception as error:
            raise OptionError(
                f"writer made the array {self.path!r} of {type(self.array)}, which "
                f"cannot be sent to the workers of a cluster ({error}); use threads, "
                "or an array that opens what it needs where it is used"
            ) from error
        return CreatedArray, (self.array, self.path)


def _spelled(key: tuple[slice, ...]) -> str:
    return ", ".join(f"{part.start}:{part.stop}" for part in key)


def check_created(
    array: Any, where: Target, node: ArrayNode, features: Features
) -> None:
    """Raise if what a writer returned, or left at `where`, is not what was asked.

    Raises
    ------
    OptionError
        One that tells all differences.
    """
    wrong = list(_differences_of_object(array, node))
    if not wrong:
        wrong += _differences_in_store(where, node, features)
    if wrong:
        raise OptionError(
            f"writer made something else than the array asked for at {where}: "
            f"{'; '.join(wrong)}"
        )


def _differences_of_object(array: Any, node: ArrayNode) -> Iterator[str]:
    if not (hasattr(array, "__setitem__") and hasattr(array, "__getitem__")):
        yield (
            f"it returned {array!r}, which does not take array[slices] = block and "
            "array[slices]"
        )
        return
    shape = getattr(array, "shape", node.shape)
    if tuple(shape) != node.shape:
        yield f"it returned an array of shape {tuple(shape)}, not {node.shape}"
    dtype = getattr(array, "dtype", node.dtype)
    # tensorstore has types of its own.
    dtype = getattr(dtype, "numpy_dtype", dtype)
    if not _is_dtype(dtype, node.dtype):
        yield f"it returned an array of dtype {dtype}, not {node.dtype}"


def _is_dtype(seen: object, asked: np.dtype[Any]) -> bool:
    try:
        return bool(asked == seen)
    except TypeError:
        return False


def _differences_in_store(
    where: Target, node: ArrayNode, features: Features
) -> Iterator[str]:
    try:
        stored = zarr.open_array(where.store, path=where.path, mode="r")
    except Exception as error:
        yield f"no Zarr array can be opened there when it has returned ({error})"
        return
    metadata = stored.metadata
    if metadata.zarr_format != features.zarr_format:
        yield f"it is of Zarr v{metadata.zarr_format}, not v{features.zarr_format}"
        return
    layout = node.layout
    pairs = {
        "shape": (stored.shape, node.shape),
        "dtype": (stored.dtype, node.dtype),
        "chunks": (stored.chunks, layout.chunks),
        "shards": (stored.shards, layout.shards),
    }
    if isinstance(metadata, ArrayV2Metadata):
        pairs["dimension_separator"] = (
            metadata.dimension_separator,
            features.separator,
        )
    else:
        pairs["dimension_names"] = (metadata.dimension_names, node.dims)
    for what, (seen, asked) in pairs.items():
        if seen != asked:
            yield f"its {what} are {seen}, not {asked}"
    if not _is_value(stored.fill_value, layout.fill_value):
        yield (
            f"its fill_value is {stored.fill_value!r}, not {layout.fill_value!r}, "
            "which the option fill_value can change"
        )


def _is_value(seen: Any, asked: Any) -> bool:
    """Whether two numbers are equal, NaN to NaN too."""
    if seen is None:
        return False
    return bool(seen == asked or (seen != seen and asked != asked))


def complete_attrs(where: Target, node: ArrayNode, zarr_format: ZarrFormat) -> None:
    """Give the array at `where` the attributes that the writer was not told of."""
    attributes = array_attributes(node, zarr_format)
    if attributes:
        array = zarr.open_array(where.store, path=where.path, mode="r+")
        array.attrs.update(attributes)
