"""One node of a DataTree, with resolutions as children -> the hierarchy of an image."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import LayoutError, OptionError, Problems
from xarray_omezarr.grid.names import (
    KIND_KEY,
    LEVELS_KEY,
    OME,
    PARAMETERS,
    SCALE_KEY,
    VARIABLE,
    StoredLevels,
)
from xarray_omezarr.options import WriteOptions
from xarray_omezarr.pixels.methods import METHODS, method_name
from xarray_omezarr.write.keeping import check_attrs, plain_attrs
from xarray_omezarr.write.levels import GivenLevel, GivenLevels, named
from xarray_omezarr.write.multiscale import plan_multiscale
from xarray_omezarr.write.number_nodes import (
    is_matrix,
    level_children,
    number_nodes,
)
from xarray_omezarr.write.numbers import field_options
from xarray_omezarr.write.systems import parse_transforms

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.hierarchy import Hierarchy

#: Node beside the levels of an image that holds its label images.
LABELS = "labels"
#: Kind of a tree of images that share a space, and key of its metadata.
SCENE = "scene"
# Ratios of scales of other programs are those of sizes: 1.9960 for 1000 and 501.
_NEARLY_WHOLE = 0.05


def plan_tree(
    tree: xr.DataTree,
    options: WriteOptions,
    image: str | None = None,
    stem: str | None = None,
) -> Hierarchy:
    """Everything that will be stored for a tree of resolutions, but its labels.

    Several resolutions are written as they are, the finest first. One gets a
    pyramid, as a DataArray would. A tree that was opened with fewer levels than
    are stored gets the stored factors, made anew from level 0.

    Parameters
    ----------
    tree : xarray.DataTree
        Children are levels of any name and order; or the node itself is one.
    options : WriteOptions
        All of them.
    image : str, optional
        Name of the variable in each level; may be left out where there is only one.
    stem : str, optional
        Name to fall back to: the target's.

    Raises
    ------
    OmeZarrError
        All problems of all levels together, before anything is computed.
    """
    problems = Problems()
    merged = WriteOptions(**options)
    with problems.collected():
        own = check_attrs(options["attrs"])
        merged["attrs"] = {**plain_attrs(tree.attrs), **own}
    levels: list[GivenLevel] = []
    arrays: dict[str, Any] = {}
    with problems.collected():
        asked = [*parse_transforms(options["transforms"]).paths]
        levels = tree_levels(tree, image, others=asked)
        arrays = tree_numbers(number_nodes(tree, asked), options)
    problems.raise_all("This tree cannot be written as an image")
    finest = levels[0].da
    known = stored_levels(levels)
    if known is not None and known["opened"] == numbers_of(levels):
        if len(known["factors"]) > len(levels):
            return plan_multiscale(
                finest, _rebuilt(known, finest, merged), stem, arrays=arrays
            )
        is_whole = True
    else:
        is_whole = len(levels) > 1
        if tree.encoding.get(KIND_KEY) is None:
            refuse_same_sizes(levels)
    is_auto = isinstance(merged["scale_factors"], str)
    if not is_whole or (len(levels) == 1 and not is_auto):
        return plan_multiscale(finest, merged, stem, arrays=arrays)
    if merged["attrs"]:
        merged["attrs"] = with_new_paths(merged["attrs"], levels, tree.path)
    given = _as_it_is(levels, known, merged)
    return plan_multiscale(finest, merged, stem, given, arrays)


def tree_numbers(
    nodes: Mapping[str, xr.DataTree], options: WriteOptions
) -> dict[str, Any]:
    """Matrices, and fields as they are planned, of nodes of a tree.

    Parameters
    ----------
    nodes : mapping
        By the path that transformations name.
    options : WriteOptions
        Of the image or scene.
    """
    found: dict[str, Any] = {}
    problems = Problems()
    for path, node in nodes.items():
        if is_matrix(node):
            found[path] = node[PARAMETERS]
            continue
        with problems.collected(), named(f"The field at {path!r}"):
            levels = tree_levels(node, None)
            is_whole = len(levels) > 1 or stored_levels(levels) is not None
            own = field_options(options, scale_factors="auto" if is_whole else None)
            found[path] = plan_tree(node, own, stem=path.rpartition("/")[2])
    problems.raise_all("The fields of these transformations cannot be written")
    return found


def innermost(node: xr.DataTree) -> xr.DataTree:
    """The node that holds the pixels: stores with arrays in groups nest them."""
    while not node.data_vars and len(node.children) == 1:
        (node,) = node.children.values()
    return node


def refuse_scene(tree: xr.DataTree, instead: str) -> None:
    """Refuse what was read as a scene: its images are neither levels nor fields.

    Raises
    ------
    OptionError
        Naming `instead`, besides the method that writes it.
    """
    ome = tree.attrs.get(OME)
    told = isinstance(ome, Mapping) and isinstance(ome.get(SCENE), Mapping)
    if tree.encoding.get(KIND_KEY) == SCENE or told:
        raise OptionError(
            f"Node {tree.path!r} is a scene, whose transformations would be lost: "
            f"write it with to_scene, or {instead}"
        )


def tree_levels(
    tree: xr.DataTree,
    variable: str | None,
    usual: str = VARIABLE,
    others: Iterable[str] = (),
) -> list[GivenLevel]:
    """The levels below a node, or the node itself; the finest first.

    Parameters
    ----------
    tree : xarray.DataTree
        An image or a label image; a node of label images is passed over, and those
        with matrices and fields of its transformations.
    variable : str, optional
        Name of the variable in each level.
    usual : str
        The name that it has where it is not given and there are several.
    others : iterable of str
        Further paths of matrices and fields.

    Raises
    ------
    OptionError
        If a node is no level, or holds several variables.
    """
    names = [name for name in level_children(tree, others) if name != LABELS]
    children = {name: tree.children[name] for name in names}
    refuse_scene(tree, "one of its images with to_image on its own node")
    if tree.data_vars and children:
        raise OptionError(
            f"Node {tree.path!r} holds the variables {[*tree.data_vars]} and the nodes "
            f"{[*children]}; an image is one or the other. Keep one of them"
        )
    if tree.data_vars:
        return [_level(tree, variable, usual)]
    problems = Problems()
    found = []
    for child in children.values():
        with problems.collected():
            node = innermost(child)
            _refuse_children(node)
            found.append(_level(node, variable, usual))
    problems.raise_all("These nodes cannot be written as levels of an image")
    if not found:
        raise OptionError(
            f"Node {tree.path!r} has no children, and no variable to be an image; "
            "give a tree whose children are levels"
        )
    # Sorting keeps the order of equals: that of the tree.
    return sorted(found, key=lambda level: -level.da.size)


def is_as_large(da: xr.DataArray, finer: xr.DataArray) -> bool:
    """Whether a node is no coarser than another, and could be: no level below it."""
    could_be = any(n > 1 for dim, n in da.sizes.items() if dim not in ("t", "c"))
    # Of a single pixel only its scale tells that it stands for more.
    single = [dim for dim, size in da.sizes.items() if size == 1]
    is_same = all(_told_scale(da, dim) == _told_scale(finer, dim) for dim in single)
    return could_be and is_same and dict(da.sizes) == dict(finer.sizes)


def _told_scale(da: xr.DataArray, dim: Hashable) -> object:
    known: object = da.encoding.get(SCALE_KEY, {}).get(dim)
    return da.coords[dim].attrs.get("spacing", known) if dim in da.coords else known


def refuse_same_sizes(levels: Sequence[GivenLevel]) -> None:
    """Refuse nodes that are images of their own: levels get coarser.

    Raises
    ------
    LayoutError
        For all that are as large as the one before; it says how else to write them.
    """
    problems = Problems()
    for finer, coarser in pairwise(levels):
        sizes = coarser.da.sizes
        if is_as_large(coarser.da, finer.da):
            with problems.collected():
                raise LayoutError(
                    f"Node {coarser.node!r} has the sizes {dict(sizes)}, as "
                    f"{finer.node!r} has, and each level of an image is coarser than "
                    "the one before. "
                    "Fields of a plate are written with to_plate, images of a "
                    "collection with to_bioformats2raw, each in a node like "
                    f"{coarser.node.rstrip('/') + '/0'!r}; or drop one of them"
                )
    problems.raise_all("These nodes are not levels of one image")


def _refuse_children(node: xr.DataTree) -> None:
    if node.children:
        raise OptionError(
            f"Node {node.path!r} has the children {[*node.children]}, and a level has "
            "none; call .to_image on the node of one image"
        )


def _level(node: xr.DataTree, variable: str | None, usual: str) -> GivenLevel:
    names = [str(name) for name in node.data_vars]
    if variable is None:
        variable = names[0] if len(names) == 1 else usual
        others = [name for name in names if name != variable]
        if variable in names and others:
            raise OptionError(
                f"Node {node.path!r} holds {others} beside {variable!r}, and an image "
                "is one variable. Give label images nodes of their own, such as "
                f"{f'labels/{others[0]}'!r} below the node of the image, or write them "
                f"later with to_labels; leave out others with .drop_vars({others})"
            )
    if variable not in names:
        raise OptionError(
            f"Node {node.path!r} has the variables {names}, and none called "
            f"{variable!r}; call the one to write so, with .rename(), or name it with "
            "image= where one image is written; or drop the node"
        )
    return GivenLevel(node.path, node.to_dataset()[variable])


def stored_levels(levels: Sequence[GivenLevel]) -> StoredLevels | None:
    """What all levels know of the store they were read from; None if they differ."""
    known: list[StoredLevels | None] = [
        level.da.encoding.get(LEVELS_KEY) for level in levels
    ]
    first = known[0]
    if first is None or any(
        other is None
        or other["opened"] != first["opened"]
        or other["factors"] != first["factors"]
        for other in known
    ):
        return None
    return first


def numbers_of(levels: Sequence[GivenLevel]) -> tuple[int, ...]:
    """Which of the stored levels these are."""
    return tuple(sorted(level.da.encoding[LEVELS_KEY]["number"] for level in levels))


def _rebuilt(
    known: StoredLevels, finest: xr.DataArray, options: WriteOptions
) -> WriteOptions:
    """The options that make again what was not opened."""
    count, opened = len(known["factors"]), known["opened"]
    if finest.encoding[LEVELS_KEY]["number"] != 0:
        raise OptionError(
            f"The store has {count} levels, of which {[*opened]} were opened: the "
            "others are made from level 0, which is missing. Open it with "
            "levels=None; or write one level as an image of its own, a DataArray"
        )
    changed = WriteOptions(**options)
    if isinstance(options["scale_factors"], str):
        changed["scale_factors"] = [*_whole_factors(known, finest)]
    kind = known["type"]
    if options["method"] == "auto" and kind in METHODS:
        changed["method"] = kind
    return changed


def _whole_factors(
    known: StoredLevels, finest: xr.DataArray
) -> Sequence[Mapping[str, int]]:
    wanted: list[dict[str, int]] = []
    for number, ratios in enumerate(known["factors"]):
        factors = {}
        for dim, ratio in ratios.items():
            factors[dim] = round(ratio)
            if factors[dim] < 1 or abs(factors[dim] - ratio) > _NEARLY_WHOLE * ratio:
                raise OptionError(
                    f"Level {number} of the store, which was not opened, has pixels "
                    f"{ratio:g} times as large as level 0 along {dim!r}; open all "
                    "levels, or give scale_factors"
                )
        present = {dim: n for dim, n in factors.items() if dim in finest.dims}
        previous = wanted[-1] if wanted else dict.fromkeys(present, 1)
        if present != previous:
            wanted.append(present)
    return wanted


def _as_it_is(
    levels: Sequence[GivenLevel], known: StoredLevels | None, options: WriteOptions
) -> GivenLevels:
    if not isinstance(options["scale_factors"], str):
        raise OptionError(
            f"scale_factors is {options['scale_factors']!r}, and the tree has "
            f"{len(levels)} levels, which are written as they are; to make others, "
            f"write level {levels[0].node!r} alone, as a DataArray"
        )
    method = options["method"]
    kind: str | None = None
    metadata: Any = None
    if known is not None:
        kind, metadata = known["type"], known["metadata"]
    if method != "auto":
        # It may be a method of another program.
        kind = method if isinstance(method, str) else method_name(method)
        metadata = None
    return GivenLevels(tuple(levels[1:]), kind, metadata)


def with_new_paths(
    attrs: Mapping[str, Any], levels: Sequence[GivenLevel], root: str
) -> dict[str, Any]:
    """The attributes; unknown keys of levels follow them to their new paths."""
    new = {
        level.node.removeprefix(root).strip("/"): str(number)
        for number, level in enumerate(levels)
    }

    def moved(value: Any, key: str = "") -> Any:
        if isinstance(value, Mapping):
            return {name: moved(inner, name) for name, inner in value.items()}
        if isinstance(value, list) and key == "levels":
            return [_with_path(entry, new) for entry in value]
        return [moved(entry) for entry in value] if isinstance(value, list) else value

    if "ome" not in attrs:
        return dict(attrs)
    return {**attrs, "ome": moved(attrs["ome"])}


def _with_path(entry: Any, new: Mapping[str, str]) -> Any:
    if not isinstance(entry, Mapping) or entry.get("path") not in new:
        return entry
    return {**entry, "path": new[entry["path"]]}
