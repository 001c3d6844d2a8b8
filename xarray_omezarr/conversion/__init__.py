"""One OME-Zarr becomes another: in another version, cut and packed anew, or in part."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from xarray_omezarr.conversion.asked import KEEP, Asked, asked_for
from xarray_omezarr.conversion.planning import plan
from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.engine import write
from xarray_omezarr.store.origins import overlap
from xarray_omezarr.store.selection import Selection, named
from xarray_omezarr.store.sessions import leaves_out
from xarray_omezarr.store.target import StoreLike, Target, open_target
from xarray_omezarr.store.transfer_source import read_source

if TYPE_CHECKING:
    from xarray_omezarr.options import Shape
    from xarray_omezarr.store.target import Group

_Shapes: TypeAlias = "Literal['keep', 'auto'] | Shape | None | Sequence[Shape | None]"


def convert(
    source: StoreLike,
    store: StoreLike,
    *,
    version: str | None = None,
    mode: Literal["w-", "w", "a"] | None = None,
    group: str | None = None,
    source_group: str | None = None,
    wells: Iterable[str] | None = None,
    fields: Iterable[str] | None = None,
    chunks: _Shapes = KEEP,
    shards: _Shapes = KEEP,
    compression: object = KEEP,
    fill_value: Literal["keep"] | float | int | bool = KEEP,
    lossy: bool = False,
    progress: bool | Callable[[int, int], object] = False,
    storage_options: Mapping[str, Any] | None = None,
    source_storage_options: Mapping[str, Any] | None = None,
    memory_limit: int | str | None = None,
) -> Group:
    """Write what is at `source` to `store`: an image, label images, a plate, all of it.

    Stored chunks are copied byte for byte wherever the new place can hold them as
    they are, and decoded and encoded again, block by block, where it cannot. Levels
    are written as they are, not made anew. Chunks that are missing stay missing.
    Metadata of others, and groups, arrays and files that others put beside the images,
    come along. The metadata of OME-Zarr are written last: what has been interrupted
    is not taken for an image.

    Parameters
    ----------
    source : str, path, URL, zarr store, zarr.Group or obstore store
        An image with its labels, a label image, a group of label images, a plate, a
        well, a collection or a scene, in any version.
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where to; not `source` itself, and neither in the other.
    version : str, optional
        Version of OME-Zarr of what is written; if None, the newest common one, as for
        writing, or that of `source` where it is later: nothing is lost unasked.
    mode : {None, "w-", "w", "a"}
        As for writing: None and ``"w-"`` refuse a target that holds something,
        ``"w"`` replaces it.
    group : str, optional
        Path inside `store` where the result goes.
    source_group : str, optional
        Path inside `source` of what is converted.
    wells, fields : sequence of str, optional
        Of a plate only these wells, such as ``["A/1"]``, and of each well only these
        fields. What the plate and the wells say follows.
    chunks, shards : default "keep"
        As for writing, in stored order; ``"keep"``: as they are.
    compression, fill_value : default "keep"
        As for writing; ``"keep"``: as they are.
    lossy : bool, default False
        Drop, with a warning, what the version cannot hold (also arrays of others whose
        types or codecs its format of Zarr cannot tell, such as dates), and what is
        listed and cannot be opened.
    progress : bool or callable, default False
        As for writing, over the uncompressed bytes of all arrays.
    storage_options : mapping, optional
        For URLs: passed to fsspec.
    source_storage_options : mapping, optional
        The same for the URL of `source`; `storage_options` if None.
    memory_limit : int or str, optional
        Bytes that may be held at once, e.g. ``"1 GiB"``; 128 MiB if None. One stored
        object is held however large it is.

    Returns
    -------
    zarr.Group
        The root of what was written.

    Raises
    ------
    NotInVersionError
        If the version has no place for something; the message names node and field.
        Of several things an `OmeZarrErrorGroup`.
    MetadataError
        If something that is listed is missing or broken.
    LockedError
        If an update of the source was interrupted: part of it is corrected.
    TargetExistsError
        If something is there that `mode` does not replace.
    OptionError
        For values that have no meaning, wells that are not there, and places that
        overlap.

    Warns
    -----
    OmeZarrWarning
        Before anything is written: for what cannot be carried along.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> old, new = zarr.storage.MemoryStore(), zarr.storage.MemoryStore()
    >>> da = xr.DataArray(np.eye(4, dtype="uint8"), dims=("y", "x"))
    >>> _ = xo.write_image(da, old, version="0.4")
    >>> xo.convert(old, new, version="0.5").attrs["ome"]["version"]
    '0.5'
    >>> bool((xo.open_image(new) == da).all())
    True
    """
    asked = asked_for(
        version,
        chunks=chunks,
        shards=shards,
        compression=compression,
        fill_value=fill_value,
        lossy=lossy,
        memory_limit=memory_limit,
    )
    selection = Selection("all", named(wells, "wells"), named(fields, "fields"))
    own = source_storage_options
    origin = open_target(
        source,
        group=source_group,
        storage_options=(storage_options if _is_url(source) else None)
        if own is None
        else own,
        read_only=True,
    )
    # With options that are for the source, the target need be no URL.
    are_its = _is_url(store) or not _is_url(source)
    target = open_target(
        store, group=group, storage_options=storage_options if are_its else None
    )
    if overlap(origin, target):
        raise OptionError(
            f"source is {origin}, and store is {target}: neither may be the other or "
            "lie in it. Choose another place; xarray_omezarr.upgrade changes the "
            "version of a store where it is"
        )
    return _converted(origin, target, selection, asked, mode, progress)


def _converted(
    origin: Target,
    target: Target,
    selection: Selection,
    asked: Asked,
    mode: str | None,
    progress: object,
) -> Group:
    stored = read_source(origin, selection, lossy=asked.lossy)
    asked = asked.of(stored.hierarchy)
    is_part = selection.wells is not None or selection.fields is not None
    hierarchy, transfer = plan(stored, asked, is_part=is_part)
    if leaves_out(target, [*hierarchy.files, *transfer.files]):
        hierarchy = replace(hierarchy, files={})
        transfer = replace(transfer, files=())
    written: Group = write(
        hierarchy,
        target,
        mode=mode,
        compute=True,
        progress=progress,
        memory_limit=asked.memory_limit,
        transfer=transfer,
    )
    return written


def _is_url(store: StoreLike) -> bool:
    """Whether it is text, or a path of universal_pathlib, that names a protocol."""
    is_store = not isinstance(store, str | os.PathLike) and hasattr(store, "list_dir")
    return not is_store and "://" in str(store)
