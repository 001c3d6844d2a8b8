"""Arrays that transformations name by a path: opened, not read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.hierarchy import GroupNode, Hierarchy
from xarray_omezarr.ngff.named import Named
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.open import open_group
from xarray_omezarr.store.open_documents import Root, read_root
from xarray_omezarr.store.open_images import Opening
from xarray_omezarr.store.open_nodes import GroupReader
from xarray_omezarr.store.target import StoreLike, open_target
from xarray_omezarr.stored_numbers import arrays_in

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.target import Target
    from xarray_omezarr.transforming.stored import Arrays


def read_arrays(
    store: StoreLike,
    paths: Iterable[str | Named],
    *,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Arrays:
    """Matrices and fields at paths below a group, by path; no number is read.

    What is missing or broken is left out, with a warning that names it.

    Parameters
    ----------
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the group is.
    paths : iterable of str or Named
        As transformations tell them. Where only a path is given, an array of two dims
        is a matrix, and any other a field.
    group : str, optional
        Path inside the store.
    storage_options : mapping, optional
        For URLs: passed to fsspec.

    Raises
    ------
    TargetNotFoundError
        If there is no such group.
    """
    target = open_target(
        store, group=group, storage_options=storage_options, read_only=True
    )
    root = read_root(target) or _root(target)
    reader = GroupReader(target, root.zarr_format, _version(root.attrs))
    opening = Opening(target, root.zarr_format, reader, None)
    told = [Named(one, "", None) if isinstance(one, str) else one for one in paths]
    within = opening.numbers.look_for(told)
    opening.open_numbers([*opening.numbers.named])
    hierarchy = Hierarchy(reader.version, {"": GroupNode(), **opening.nodes})
    found = arrays_in(hierarchy, opening.numbers.named)
    return {as_told: found[path] for as_told, path in within.items() if path in found}


def _root(target: Target) -> Root:
    group = open_group(target)
    return Root(group.metadata.zarr_format, dict(group.attrs))


def _version(attrs: Mapping[str, Any]) -> Version:
    """Of the group; the newest where it tells none, as it may hold numbers alone."""
    return registry.detect(attrs) or registry.get(registry.SUPPORTED[-1])
