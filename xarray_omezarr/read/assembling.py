"""Datasets by path -> one DataTree, also where there are thousands."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import xarray as xr

from xarray_omezarr.errors import MetadataError

# So many nodes are a plate, whose tree is worth building only once.
_MANY = 256


class _WholeTree(xr.DataTree):
    """A tree whose Datasets have all their indexes, until somebody maps over it.

    After an engine has built a tree, xarray builds it once more, to add indexes that
    the engine may have left out. For a plate that takes as long as everything else
    together.
    """

    __slots__ = ()

    def map_over_datasets(self, func: Any, *args: Any, **options: Any) -> Any:
        """As `xarray.DataTree.map_over_datasets`, which this becomes."""
        self.__class__ = xr.DataTree  # type: ignore[assignment]
        if getattr(func, "__name__", "") == "_maybe_create_default_indexes":
            return self
        return self.map_over_datasets(func, *args, **options)


def as_tree(groups: Mapping[str, xr.Dataset]) -> xr.DataTree:
    """The tree of Datasets by path, for xarray to finish opening it."""
    try:
        tree = xr.DataTree.from_dict(dict(groups))
    except ValueError as error:
        raise _explained(groups) or error from error
    tree.encoding.update(groups["/"].encoding)
    if len(groups) > _MANY:
        tree.__class__ = _WholeTree
    return tree


def _explained(groups: Mapping[str, xr.Dataset]) -> MetadataError | None:
    """Why Datasets make no tree, if it is for a name, which comes from a file."""
    for path, dataset in groups.items():
        if odd := [name for name in dataset.variables if "/" in str(name)]:
            return MetadataError(
                f"Group {path!r} has an axis or a coordinate called {odd[0]!r}, and "
                "variables of a tree have no '/' in their names; open the image with "
                "xarray.open_dataset, or rename the axis in its metadata"
            )
    return None


@contextmanager
def nothing_is_garbage() -> Iterator[None]:
    """Do not look for garbage meanwhile.

    All of the many small objects that are made inside are kept. To look them through
    time and again takes as long as to make them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
