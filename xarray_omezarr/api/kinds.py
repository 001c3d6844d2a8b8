"""What the nodes of a DataTree are, told by what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from xarray_omezarr.grid.names import KIND_KEY, OME, PARAMETERS, VARIABLE
from xarray_omezarr.hierarchy import natural_key
from xarray_omezarr.read import labels as read_labels
from xarray_omezarr.read.multiscale import LABEL_KEY, LABELS
from xarray_omezarr.read.tree import OME_XML, PLATE, SCENE
from xarray_omezarr.write.number_nodes import level_children
from xarray_omezarr.write.tree import innermost, is_as_large

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Kind: TypeAlias = Literal["image", "labels", "plate", "well", "bioformats2raw", "scene"]

_VARIABLES = (VARIABLE, LABELS)
_OME = "OME"
# Rows are above wells, and fields are below.
_WELL_DEPTH = 2


def node_kind(tree: xr.DataTree) -> Kind | None:
    """What a node of a tree is.

    Parameters
    ----------
    tree : xarray.DataTree
        Any node, read or made by hand.

    Returns
    -------
    str or None
        ``"image"`` where the children are levels with a variable ``image``, or the
        node, which is no level, has this variable;
        ``"labels"`` for a label image, whose levels have ``labels``, and for a group
        of those; ``"plate"`` for rows, columns and fields; ``"well"`` for fields;
        ``"bioformats2raw"`` for images that are not in a well; ``"scene"`` for what was
        read as one or has its metadata; else None.
    """
    if PLATE in tree.attrs:
        return "plate"
    told: Any = tree.encoding.get(KIND_KEY)
    if told is not None:
        # A matrix that transformations name is no kind of group.
        known: Kind | None = None if told == PARAMETERS else told
        return known
    if _is_scene(tree):
        return "scene"
    if 0 < tree.level <= _WELL_DEPTH and _is_in_plate(tree):
        # Rows are nothing that the standard describes.
        return "well" if tree.level == _WELL_DEPTH and tree.children else None
    if found := _own_levels(tree):
        is_label = LABEL_KEY in tree.attrs or _variable(found[0]) == LABELS
        return "labels" if is_label else "image"
    kinds = {_part(child) for child in tree.children.values() if not _is_told(child)}
    if len(kinds) != 1 or tree.data_vars:
        return None
    (kind,) = kinds
    if kind == "image":
        # Wells are nodes of a plate: rows and columns are above their fields.
        in_well = tree.level == _WELL_DEPTH and OME_XML not in tree.attrs
        return "well" if in_well else "bioformats2raw"
    return "plate" if kind == "row" else ("labels" if kind == "labels" else None)


def _is_scene(tree: xr.DataTree) -> bool:
    ome = tree.attrs.get(OME)
    return isinstance(ome, Mapping) and isinstance(ome.get(SCENE), Mapping)


def _is_in_plate(tree: xr.DataTree) -> bool:
    return tree.level > 0 and node_kind(tree.root) == "plate"


def _is_told(node: xr.DataTree) -> bool:
    """Whether it is where a collection tells of its images, and none of them."""
    return node.name == _OME and not any(part.data_vars for part in node.subtree)


def _own_levels(tree: xr.DataTree) -> list[xr.DataTree]:
    """Nodes of the levels of an image, finest first; it may be the only one itself."""
    if tree.encoding.get(KIND_KEY) == SCENE or _is_scene(tree):
        return []
    if not _variable(tree):
        return _level_nodes(tree)
    is_field = tree.level == _WELL_DEPTH + 1 and _is_in_plate(tree)
    if tree.parent is None or is_field or tree.parent.name == LABELS:
        return [tree]
    is_level = any(node is tree for node in _level_nodes(tree.parent))
    return [] if is_level else [tree]


def _part(node: xr.DataTree) -> str | None:
    """What a child is: an image, a label image, or a row of wells."""
    found = [node] if _variable(node) else _level_nodes(node)
    if found:
        return LABELS if _variable(found[0]) == LABELS else "image"
    wells = [*node.children.values()]
    fields = [field for well in wells for field in well.children.values()]
    is_row = bool(fields) and all(
        _variable(field) or _level_nodes(field) for field in fields
    )
    return "row" if is_row else None


def _variable(node: xr.DataTree) -> str | None:
    """The variable that makes a node a level."""
    return next((name for name in _VARIABLES if name in node.data_vars), None)


def _level_nodes(tree: xr.DataTree) -> list[xr.DataTree]:
    """Nodes of the levels of an image, finest first; none where it is no image."""
    is_read = tree.encoding.get(KIND_KEY) in ("image", "labels")
    children = [
        tree.children[name]
        for name in level_children(tree)
        if name != LABELS and not (is_read and _tells_what_it_is(tree.children[name]))
    ]
    nodes = [node if _variable(node) else _nested(node) for node in children]
    found = [node for node in nodes if node is not None and _variable(node)]
    pixels = [node.dataset[_variable(node)] for node in found]
    if len(found) > 1 and not is_read and all(map(is_as_large, pixels[1:], pixels)):
        # Resolutions differ in size: these are images of their own.
        return []
    return sorted(found, key=lambda node: (-_size(node), natural_key(str(node.name))))


def _tells_what_it_is(node: xr.DataTree) -> bool:
    """Whether it was read as something else than a level, such as a field."""
    return any(part.encoding.get(KIND_KEY) is not None for part in node.subtree)


def _nested(node: xr.DataTree) -> xr.DataTree | None:
    """The level in a group of its own; None where it rather is that of an image."""
    inner = innermost(node)
    is_level_of_node = str(inner.name).isdecimal() or inner.level - node.level > 1
    return None if is_level_of_node else inner


def _size(node: xr.DataTree) -> int:
    name = _variable(node)
    return 0 if name is None else int(node.dataset[name].size)


def node_levels(tree: xr.DataTree) -> tuple[xr.Dataset, ...]:
    """Levels of an image or label image, finest first; empty where it is neither.

    Label images of an image are no levels of it.
    """
    return tuple(node.to_dataset() for node in _own_levels(tree))


def label_properties(tree: xr.DataTree) -> pd.DataFrame | None:
    """What is known of each value of a label image.

    Parameters
    ----------
    tree : xarray.DataTree
        The node of a label image.

    Returns
    -------
    pandas.DataFrame or None
        One line per value, which is the index; None where nothing is known.

    Examples
    --------
    >>> import xarray as xr
    >>> import xarray_omezarr as xo
    >>> told = {"properties": [{"label-value": 3, "area": 120}]}
    >>> cells = xr.DataTree(xr.Dataset(attrs={"image-label": told}))
    >>> cells.omezarr.label_properties["area"].to_dict()
    {3: 120}
    """
    return read_labels.label_properties(tree.attrs)


def label_colors(tree: xr.DataTree) -> dict[int, tuple[int, int, int, int]]:
    """Red, green, blue and alpha, each 0 to 255, by value of a label image.

    Parameters
    ----------
    tree : xarray.DataTree
        The node of a label image.

    Examples
    --------
    >>> import xarray as xr
    >>> import xarray_omezarr as xo
    >>> told = {"colors": [{"label-value": 3, "rgba": [255, 0, 0, 255]}]}
    >>> cells = xr.DataTree(xr.Dataset(attrs={"image-label": told}))
    >>> cells.omezarr.label_colors
    {3: (255, 0, 0, 255)}
    """
    return read_labels.label_colors(tree.attrs)


def field_levels(tree: xr.DataTree) -> list[xr.DataTree]:
    """Nodes of the levels of a field, finest first: the node itself may be one."""
    return [tree] if _variable(tree) else _level_nodes(tree)
