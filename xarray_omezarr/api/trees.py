"""What the nodes of a DataTree are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from xarray_omezarr.grid.names import VARIABLE

if TYPE_CHECKING:
    import xarray as xr


def node_kind(tree: xr.DataTree) -> Literal["image"] | None:
    """What a node of a tree is: ``"image"`` where its children are levels."""
    return "image" if node_levels(tree) else None


def node_levels(tree: xr.DataTree) -> tuple[xr.Dataset, ...]:
    """Levels of an image node, finest first; empty where it is no image."""
    found = [
        child.to_dataset()
        for child in tree.children.values()
        if VARIABLE in child.data_vars
    ]
    return tuple(sorted(found, key=lambda ds: -ds[VARIABLE].size))
