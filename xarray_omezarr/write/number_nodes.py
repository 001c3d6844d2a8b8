"""Nodes below that of an image that hold matrices and fields, and are no levels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.grid.names import KIND_KEY, OME, PARAMETERS
from xarray_omezarr.ngff.named import within

if TYPE_CHECKING:
    import xarray as xr

_DIMS = ("output", "input")

_WAYS = "coordinateTransformations"
_TYPES = ("affine", "rotation", "displacements", "coordinates")


def is_matrix(node: xr.DataTree) -> bool:
    """Whether a node holds the numbers of an affine or a rotation."""
    if node.encoding.get(KIND_KEY) == PARAMETERS:
        return PARAMETERS in node.data_vars
    return [*node.data_vars] == [PARAMETERS] and node[PARAMETERS].dims == _DIMS


def node_at(tree: xr.DataTree, path: str) -> xr.DataTree | None:
    """The node at a path below another one, if there is one."""
    node: xr.DataTree | None = tree
    for name in path.split("/"):
        node = None if node is None else node.children.get(name)
    return node


def number_nodes(
    tree: xr.DataTree, others: Iterable[str] = ()
) -> dict[str, xr.DataTree]:
    """Nodes with what transformations of an image name, by path below the image.

    Parameters
    ----------
    tree : xarray.DataTree
        The node of the image, whose attributes tell its transformations.
    others : iterable of str
        Further paths that are named.
    """
    paths = dict.fromkeys([*_named(tree.attrs.get(OME)), *others])
    return {path: node for path in paths if (node := node_at(tree, path)) is not None}


def level_children(tree: xr.DataTree, others: Iterable[str] = ()) -> list[str]:
    """Names of the children of an image that may be levels, or its labels."""
    if not tree.children:
        return []
    named = {path.partition("/")[0] for path in number_nodes(tree, others)}
    was_read = tree.encoding.get(KIND_KEY) in ("image", "labels")
    return [
        name
        for name, child in tree.children.items()
        if name not in named
        and not _holds_matrices(child)
        and not (was_read and _tells_its_kind(child))
    ]


def _holds_matrices(node: xr.DataTree) -> bool:
    inner = node.children.values()
    return is_matrix(node) or (bool(inner) and all(map(is_matrix, inner)))


def _tells_its_kind(node: xr.DataTree) -> bool:
    """Whether it was read as an image, or holds one: levels have no kind."""
    return any(part.encoding.get(KIND_KEY) is not None for part in node.subtree)


def _named(keys: Any) -> Iterator[str]:
    """Paths that transformations in what is kept of an image name."""
    pictures = keys.get("multiscales") if isinstance(keys, Mapping) else None
    for picture in pictures if isinstance(pictures, list) else ():
        if isinstance(picture, Mapping):
            yield from _paths(picture.get(_WAYS))


def _paths(told: Any) -> Iterator[str]:
    if isinstance(told, list):
        for part in told:
            yield from _paths(part)
    elif isinstance(told, Mapping):
        path = told.get("path")
        if told.get("type") in _TYPES and isinstance(path, str):
            try:
                yield within(path)
            except ValueError:
                return
        for part in told.values():
            yield from _paths(part)
