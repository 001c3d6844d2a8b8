"""Who makes the empty arrays and puts blocks into them: zarr, tensorstore, yours."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import zarr

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.arrays import WritableArray
from xarray_omezarr.store.created import CreatedArray, check_created, complete_attrs
from xarray_omezarr.store.nodes import new_arrays
from xarray_omezarr.store.target import open_target

if TYPE_CHECKING:
    from pathlib import Path

    from xarray_omezarr.hierarchy import ArrayNode, Hierarchy
    from xarray_omezarr.store.target import StoreLike, Target

#: Words that the option `writer` understands, beside functions.
WRITERS = ("auto", "zarr", "tensorstore")

Handles: TypeAlias = dict[str, WritableArray]
CreateArray: TypeAlias = Callable[..., Any]


class ArrayWriter(Protocol):
    """Makes and opens the arrays of a hierarchy.

    Writers and the handles they give travel to other threads and processes, so they
    can be pickled. A handle takes ``handle[slices] = block`` from many threads; what
    was assigned is stored when the assignment returns.
    """

    def check(self, hierarchy: Hierarchy, target: Target) -> None:
        """Raise what stands in the way of writing there; nothing is touched."""
        ...

    def create(self, hierarchy: Hierarchy, root: zarr.Group) -> Handles:
        """Make the empty arrays below `root`, whose groups exist; by path."""
        ...

    def open(self, hierarchy: Hierarchy, root: zarr.Group) -> Handles:
        """The same for arrays that exist already."""
        ...


def resolve_writer(option: object) -> ArrayWriter:
    """The writer that the option `writer` names.

    Parameters
    ----------
    option : {"auto", "zarr", "tensorstore"} or callable
        ``"auto"`` is ``"zarr"``. A callable makes one array; see `CallableWriter`.

    Raises
    ------
    OptionError
        For anything else, and for a callable that cannot take the arguments.
    MissingDependencyError
        If tensorstore is not installed.

    Examples
    --------
    >>> resolve_writer("auto")
    ZarrWriter()
    """
    if isinstance(option, str):
        if option in ("auto", "zarr"):
            return ZarrWriter()
        if option == "tensorstore":
            from xarray_omezarr.store.tensorstore_arrays import TensorstoreWriter

            return TensorstoreWriter()
    elif callable(option):
        return CallableWriter(option)
    raise OptionError(
        f"writer is {option!r}; give one of {WRITERS}, or a function "
        "(path, shape, dtype, chunks, *, shards, overwrite, compression, "
        "dimension_names) -> array"
    )


def open_handles(
    hierarchy: Hierarchy, root: zarr.Group, writer: ArrayWriter
) -> Handles:
    """Make the empty arrays of `hierarchy` below `root`, and handles to fill them.

    Parameters
    ----------
    hierarchy : Hierarchy
        Its paths are relative to `root`.
    root : zarr.Group
        All groups of the hierarchy exist below it.
    writer : ArrayWriter
        Who makes them.

    Returns
    -------
    dict
        A handle by path of the array, in the order of the hierarchy.
    """
    return writer.create(hierarchy, root)


def make_arrays(hierarchy: Hierarchy, store: StoreLike, writer: ArrayWriter) -> Handles:
    """Make the empty arrays of `hierarchy` in a new store, and nothing else.

    No metadata of the standard are written: this is for those who test writers.
    """
    target = open_target(store)
    zarr_format = hierarchy.version.features.zarr_format
    writer.check(hierarchy, target)
    root = zarr.open_group(
        target.store, path=target.path, mode="w-", zarr_format=zarr_format
    )
    for path in hierarchy.groups:
        if path:
            root.require_group(path)
    return open_handles(hierarchy, root, writer)


@dataclass(frozen=True, slots=True)
class ZarrWriter:
    """Arrays made and filled by zarr."""

    def check(self, hierarchy: Hierarchy, target: Target) -> None:
        """Nothing: what zarr cannot write is refused for every writer."""

    def create(self, hierarchy: Hierarchy, root: zarr.Group) -> Handles:
        """The empty arrays, of class `zarr.Array`."""
        features = hierarchy.version.features
        made = new_arrays(
            root, hierarchy.arrays, features.zarr_format, features.separator
        )
        return {**made}

    def open(self, hierarchy: Hierarchy, root: zarr.Group) -> Handles:
        """The arrays that are there, of class `zarr.Array`."""
        return {
            path: zarr.open_array(
                root.store,
                path=f"{root.path}/{path}".strip("/"),
                mode="r+",
                zarr_format=hierarchy.version.features.zarr_format,
                config={"write_empty_chunks": node.layout.write_empty_chunks},
            )
            for path, node in hierarchy.arrays.items()
        }


@dataclass(frozen=True, slots=True)
class CallableWriter:
    """Arrays made by a function of the user, in a folder of a local disk.

    It is called once per array, when the groups exist and before any pixel is
    written, as the array creators of yaozarrs are:

    - ``path``: `pathlib.Path`, absolute: the folder of the array, which is not there
      yet.
    - ``shape``: tuple of int, pixels along each stored dim, slowest first.
    - ``dtype``: `numpy.dtype`.
    - ``chunks``: tuple of int, pixels of a chunk along each stored dim; never None,
      never more than ``shape``.
    - ``shards``: tuple of int, pixels of a stored object of many chunks, a multiple
      of ``chunks``; None without sharding.
    - ``overwrite``: always False, for whatever was there has been cleared before.
    - ``compression``: the name of a codec as in the option (``"auto"`` is told as
      ``"blosc-zstd"``), or the codec objects that were given.
    - ``dimension_names``: list of str, the stored dims.

    When it returns, the metadata of the array must be in that folder, in the Zarr
    format of the version. The array that it returns takes ``array[slices] = block``,
    one slice per dim, from several threads at once (never two blocks that share a
    stored object), and has stored the block when that returns; ``array[slices]`` is
    read with `numpy.asarray`. Attributes are added by us. To be used with a cluster
    both the function and its arrays must pickle.

    Parameters
    ----------
    function : callable
        ``(path, shape, dtype, chunks, *, shards, overwrite, compression,
        dimension_names) -> array``.

    Raises
    ------
    OptionError
        If the function cannot be called like that.
    """

    function: CreateArray

    def __post_init__(self) -> None:
        try:
            signature = inspect.signature(self.function)
        except (TypeError, ValueError):
            return  # Functions written in C do not always tell.
        options = dict.fromkeys(
            ("shards", "overwrite", "compression", "dimension_names")
        )
        try:
            signature.bind(None, None, None, None, **options)
        except TypeError as error:
            raise OptionError(
                f"writer is {self.function!r}, which takes {signature}, but it is "
                "called with (path, shape, dtype, chunks, *, shards, overwrite, "
                f"compression, dimension_names): {error}"
            ) from error

    def check(self, hierarchy: Hierarchy, target: Target) -> None:
        """Raise an OptionError where `target` is no folder of a local disk."""
        if target.directory is None:
            raise OptionError(
                f"writer is {self.function!r}, which makes arrays in folders, and "
                f"{target} is none of a local disk; write to a local path, or leave "
                "writer out"
            )

    def create(self, hierarchy: Hierarchy, root: zarr.Group) -> Handles:
        """The empty arrays, made by the function and checked."""
        features = hierarchy.version.features
        target = open_target(root)
        self.check(hierarchy, target)
        handles: Handles = {}
        for path, node in hierarchy.arrays.items():
            where = target.child(path)
            assert where.directory is not None  # checked above
            array = self._call(where.directory, node)
            check_created(array, where, node, features)
            complete_attrs(where, node, features.zarr_format)
            handles[path] = CreatedArray(array, path)
        return handles

    def open(self, hierarchy: Hierarchy, root: zarr.Group) -> Handles:
        """Raise: the function makes arrays, it cannot open them."""
        raise OptionError(
            f"writer is {self.function!r}, which makes new arrays, and those at "
            f"{open_target(root)} exist; leave writer out, or give 'zarr' or "
            "'tensorstore'"
        )

    def _call(self, path: Path, node: ArrayNode) -> Any:
        compression = node.layout.compression
        try:
            return self.function(
                path,
                node.shape,
                node.dtype,
                node.layout.chunks,
                shards=node.layout.shards,
                overwrite=False,
                compression="blosc-zstd" if _is_auto(compression) else compression,
                dimension_names=list(node.dims),
            )
        except Exception as error:
            error.add_note(f"Raised by the writer, while it made the array at {path}")
            raise


def _is_auto(compression: object) -> bool:
    # Codecs may compare in their own way.
    return isinstance(compression, str) and compression == "auto"
