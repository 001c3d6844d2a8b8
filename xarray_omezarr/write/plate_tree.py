"""A tree or mapping of fields -> which fields a plate has, and what its groups tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import xarray as xr

from xarray_omezarr.errors import PlateError, Problems
from xarray_omezarr.grid.kept import KEY
from xarray_omezarr.grid.names import LEVELS_KEY, VARIABLE
from xarray_omezarr.hierarchy import GroupNode
from xarray_omezarr.write.plate_map import PLATE_MAP, merged_columns, plain_value
from xarray_omezarr.write.tree import innermost, refuse_scene

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy

Place: TypeAlias = tuple[str, str, str]
FieldObject: TypeAlias = xr.DataArray | xr.DataTree

#: Name of the coordinate or attribute that tells the acquisition of a field.
ACQUISITION = "acquisition"
_LABELS = "labels"
_PLATE_DIMS = frozenset(["row", "column", "well", "field"])
# Pixels of a field lie in its node, or in its levels, one further down.
_DEPTHS = (3, 4)


@dataclass(frozen=True, slots=True)
class PlateTree:
    """What there is to write.

    Parameters
    ----------
    fields : mapping
        Image by row, column and field, all of them texts.
    attrs : mapping
        Attributes of the root.
    groups : mapping
        Attributes of rows and wells by path.
    """

    fields: Mapping[Place, FieldObject]
    attrs: Mapping[Any, Any] = field(default_factory=dict)
    groups: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)


def plate_tree(obj: xr.DataTree | Mapping[Any, Any] | PlateTree) -> PlateTree:
    """The fields of a tree ``row/column/field``, or of a mapping with such keys.

    Raises
    ------
    PlateError
        If the object is no plate; the message says what it looks like.
    """
    if isinstance(obj, PlateTree):
        return obj
    found = _of_tree(obj) if isinstance(obj, xr.DataTree) else _of_mapping(obj)
    if not found.fields:
        raise PlateError(
            "The plate has no fields; give a tree with nodes row/column/field, e.g. "
            "xr.DataTree.from_dict({'A/1/0': dataset})"
        )
    return found


def _of_mapping(obj: Mapping[Any, Any]) -> PlateTree:
    if not isinstance(obj, Mapping):
        raise TypeError(
            f"A plate is made from an xarray.DataTree, or a mapping of fields by "
            f"'row/column/field', not from {type(obj)}; an array with dims of wells "
            "and fields is written with da.omezarr.to_plate"
        )
    fields: dict[Place, FieldObject] = {}
    problems = Problems()
    for key, value in obj.items():
        with problems.collected():
            place = _place(key)
            if place in fields:
                raise PlateError(f"Field {'/'.join(place)!r} is given twice")
            fields[place] = _checked(value, "/".join(place))
    problems.raise_all("These fields make no plate")
    return PlateTree(fields)


def _place(key: Any) -> Place:
    parts = tuple(key.strip("/").split("/")) if isinstance(key, str) else key
    if not isinstance(parts, tuple) or len(parts) != 3:
        raise PlateError(
            f"A field has the key {key!r}; give 'row/column/field' or (row, column, "
            "field), e.g. 'A/1/0'"
        )
    row, column, name = (str(part) for part in parts)
    return row, column, name


def _checked(value: Any, path: str) -> FieldObject:
    if isinstance(value, xr.Dataset):
        return xr.DataTree(dataset=value)
    if not isinstance(value, (xr.DataArray, xr.DataTree)):
        raise PlateError(
            f"{path}: a field is a DataArray, a Dataset or a tree of levels, not a "
            f"{type(value).__name__}; make one with xarray.DataArray(pixels, dims=...)"
        )
    return value


def _of_tree(tree: xr.DataTree) -> PlateTree:
    refuse_scene(tree, "give its images as a mapping, as in {'A/1/0': tree['tile_0']}")
    _refuse_parts(tree)
    _refuse_other_depths(tree)
    problems = Problems()
    fields: dict[Place, FieldObject] = {}
    groups: dict[str, Mapping[Any, Any]] = {}
    wells: dict[str, dict[str, Any]] = {}
    with problems.collected():
        _refuse_coordinates(tree, own_coordinates(tree))
    for row in _named(tree, problems):
        groups[str(row.name)] = row.attrs
        with problems.collected():
            _refuse_coordinates(row, own_coordinates(row))
        for column in _children(row, "row", "columns", problems):
            path = f"{row.name}/{column.name}"
            groups[path] = column.attrs
            with problems.collected():
                wells[path] = _told_of_well(column, path)
            for node in _children(column, "well", "fields", problems):
                fields[str(row.name), str(column.name), str(node.name)] = node
    problems.raise_all("This tree makes no plate")
    attrs = dict(tree.attrs)
    if any(wells.values()):
        attrs[PLATE_MAP] = merged_columns(attrs.get(PLATE_MAP), wells)
    return PlateTree(fields, attrs, groups)


def own_coordinates(node: xr.DataTree) -> dict[str, xr.Variable]:
    """Coordinates of a node that its children do not inherit."""
    own = node.to_dataset(inherit=False)
    inherited = {name for name in own.coords if name in own.xindexes}
    return {
        str(name): coordinate.variable
        for name, coordinate in own.coords.items()
        if name not in inherited
    }


def _told_of_well(node: xr.DataTree, path: str) -> dict[str, Any]:
    """What the coordinates of a well tell of it, as its line of the plate map."""
    known = own_coordinates(node)
    wrong = {
        name: variable
        for name, variable in known.items()
        if variable.ndim or name == ACQUISITION
    }
    _refuse_coordinates(node, wrong)
    return {
        name: plain_value(variable.values[()], f"Coordinate {name!r} of well {path}")
        for name, variable in known.items()
        # Where the well is in the plate is what its path says.
        if name not in _PLATE_DIMS
    }


def _refuse_coordinates(
    node: xr.DataTree, coordinates: Mapping[str, xr.Variable]
) -> None:
    if coordinates:
        raise PlateError(
            f"Node {node.path!r} has the coordinates {[*coordinates]}, which are of no "
            "image and would be lost: give them to the fields (acquisition too), what "
            "is known of a well to its node as coordinates without dims, the rest to "
            "attrs; or drop them with .drop_vars()"
        )


def _children(
    node: xr.DataTree, kind: str, what: str, problems: Problems
) -> Iterator[xr.DataTree]:
    with problems.collected():
        if node.data_vars:
            raise PlateError(
                f"Node {node.path!r} holds the variables "
                f"{[*map(str, node.data_vars)]}, and a {kind} of a plate holds {what}; "
                "move them to nodes row/column/field"
            )
        if not node.children:
            raise PlateError(
                f"Node {node.path!r} is a {kind} without {what}; give it some, or drop "
                f"it: tree[{node.path!r}].orphan()"
            )
    yield from _named(node, problems)


def _named(node: xr.DataTree, problems: Problems) -> Iterator[xr.DataTree]:
    """Children that are rows, columns or fields by their name."""
    for name, child in node.children.items():
        if name != _LABELS:
            yield child
            continue
        with problems.collected():
            raise PlateError(
                f"Node {child.path!r} is called {_LABELS!r}, and label images are "
                "those of a field: move them to row/column/field/labels"
            )


def _refuse_parts(tree: xr.DataTree) -> None:
    """Refuse a row or well of a plate, whose depth might pass for that of a plate."""
    if any("plate" in ancestor.attrs for ancestor in tree.parents):
        path = tree.path.strip("/")
        raise PlateError(
            f"Node {tree.path!r} is a part of a plate, and its place in the plate "
            "cannot be told from it alone; write it at its place: "
            f"xr.DataTree.from_dict({{{path!r}: node}}).omezarr.to_plate(store)"
        )


def _refuse_other_depths(tree: xr.DataTree) -> None:
    """Refuse a tree whose pixels do not lie in fields, and say what it may be."""
    depths = {depth for depth, _ in _pixel_nodes(tree, 0)}
    if not depths or depths & {*_DEPTHS}:
        return
    nearest = min(depths)
    node = next(node for depth, node in _pixel_nodes(tree, 0) if depth == nearest)
    start = (
        f"Pixels lie in node {node.path!r}, and those of a plate in row/column/field"
    )
    if nearest > max(_DEPTHS):
        raise PlateError(f"{start} or its levels; call to_plate further down the tree")
    dims = {str(dim) for array in node.data_vars.values() for dim in array.dims}
    if dims & _PLATE_DIMS:
        name = next(iter(node.data_vars))
        raise PlateError(
            f"{start}: this is a whole plate in one variable, with the dims "
            f"{sorted(dims & _PLATE_DIMS)}; write it with "
            f"tree[{name!r}].omezarr.to_plate(store)"
        )
    if nearest == 2:
        raise PlateError(
            f"{start}: this may be one well, its fields below it; write it at its "
            "place in the plate: "
            "xr.DataTree.from_dict({'B/3': tree}).omezarr.to_plate(store)"
        )
    raise PlateError(
        f"{start}: this may be one image; write it with to_image, or as one field with "
        "to_field(store, 'A/1/0')"
    )


def _pixel_nodes(node: xr.DataTree, depth: int) -> Iterator[tuple[int, xr.DataTree]]:
    """Nodes that hold pixels of images, and how deep; nothing below them."""
    if node.data_vars:
        yield depth, node
        return
    for name, child in node.children.items():
        if name != _LABELS:
            yield from _pixel_nodes(child, depth + 1)


def levels_of(obj: FieldObject) -> list[xr.DataTree]:
    """The nodes that hold the levels of a field in a tree."""
    if isinstance(obj, xr.DataArray):
        return []
    if obj.data_vars:
        return [obj]
    nodes = [child for name, child in obj.children.items() if name != _LABELS]
    return [innermost(node) for node in nodes]


def single_level(obj: FieldObject) -> xr.DataArray | None:
    """The pixels of a field whose pyramid is yet to be chosen; None if it has one.

    What was read from a store has one, also where only some levels were opened.
    """
    if isinstance(obj, xr.DataArray):
        return obj
    levels = levels_of(obj)
    if len(levels) != 1:
        return None
    arrays = levels[0].data_vars
    names = (
        [*arrays] if len(arrays) == 1 else [name for name in arrays if name == VARIABLE]
    )
    if not names or LEVELS_KEY in levels[0].variables[names[0]].encoding:
        return None
    return arrays[names[0]]


def told_acquisition(obj: FieldObject, path: str) -> Any:
    """What a field says of its acquisition, in coordinates or attributes, as it is.

    Raises
    ------
    PlateError
        If it says two things.
    """
    said: list[Any] = []
    if isinstance(obj, xr.DataArray):
        nodes: list[Any] = [obj]
        variables: Mapping[Any, Any] = obj.coords
        if ACQUISITION in variables and variables[ACQUISITION].ndim == 0:
            said.append(variables[ACQUISITION].values.item())
    else:
        nodes = [obj]
        for level in levels_of(obj):
            variable = level.variables.get(ACQUISITION)
            if variable is not None and variable.ndim == 0:
                said.append(variable.values.item())
    said += [node.attrs[ACQUISITION] for node in nodes if ACQUISITION in node.attrs]
    different = [value for value in said if value != said[0] and said[0] == said[0]]
    if different:
        raise PlateError(
            f"{path}: it tells two acquisitions, {said[0]!r} and {different[0]!r}; "
            "keep one of them"
        )
    return said[0] if said else None


def without_acquisition(image: Hierarchy, obj: FieldObject) -> Hierarchy:
    """The plan of `obj` without its acquisition, which its well tells."""
    # Below a node, attributes of a variable are not where it is told.
    places = ("coords", "attrs") if isinstance(obj, xr.DataArray) else ("coords",)
    nodes = {
        path: _without_acquisition(node, places)
        if isinstance(node, GroupNode)
        else node
        for path, node in image.nodes.items()
    }
    return replace(image, nodes=nodes)


def _without_acquisition(node: GroupNode, places: tuple[str, ...]) -> GroupNode:
    attrs = {k: v for k, v in node.attrs.items() if k != ACQUISITION}
    kept = attrs.get(KEY)
    if isinstance(kept, Mapping):
        for place in places:
            if ACQUISITION in kept.get(place, {}):
                kept = _without_entry(kept, place)
        attrs[KEY] = kept
        if kept.keys() <= {"version"}:
            del attrs[KEY]
    return node if attrs == node.attrs else replace(node, attrs=attrs)


def _without_entry(kept: Mapping[str, Any], place: str) -> dict[str, Any]:
    entries = {k: v for k, v in kept[place].items() if k != ACQUISITION}
    others = {k: v for k, v in kept.items() if k != place}
    return {**others, place: entries} if entries else others
