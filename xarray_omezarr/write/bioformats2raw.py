"""A tree or mapping of images -> the hierarchy of a collection, with its OME-XML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import xarray as xr

from xarray_omezarr.errors import MetadataError, OptionError, Problems
from xarray_omezarr.hierarchy import GroupNode, Hierarchy, Node
from xarray_omezarr.ngff.bioformats2raw import LAYOUT, Bioformats2Raw, Series
from xarray_omezarr.ngff.plate import Plate
from xarray_omezarr.ngff.unknown import with_unknown
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import WriteOptions
from xarray_omezarr.write.by_path import (
    ImageObject,
    check_path,
    images_below,
    images_of_mapping,
    in_natural_order,
    plan_images,
    refuse_one_name,
)
from xarray_omezarr.write.keeping import check_attrs, plain_attrs
from xarray_omezarr.write.numbers import groups_above
from xarray_omezarr.write.ome_xml import OME_XML_PATH, ome_xml_for
from xarray_omezarr.write.tree import refuse_scene

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Model

#: Attribute of a root that holds the text of its OME-XML.
OME_XML = "ome_xml"
#: Group that lists the images, and holds their OME-XML.
OME = "OME"

_LABELS = "labels"
_PLATE = "plate"
_PROBLEM = "This collection cannot be written"
# Rows, columns and fields of a plate, with or without nodes of levels below.
_FIELD = re.compile(r"/[A-Za-z]{1,2}/\d+/\d+(/\d+)?")


@dataclass(frozen=True, slots=True)
class Collection:
    """What there is to write.

    Parameters
    ----------
    images : mapping
        Images by path, in the order of the series.
    attrs : mapping
        Attributes of the root.
    ome : mapping
        Attributes of the group ``OME``.
    """

    images: Mapping[str, ImageObject]
    attrs: Mapping[Any, Any] = field(default_factory=dict)
    ome: Mapping[Any, Any] = field(default_factory=dict)


def plan_bioformats2raw(
    tree: xr.DataTree | Mapping[Any, Any] | Collection,
    options: WriteOptions,
    *,
    ome_xml: Any = "auto",
    stem: str | None = None,
) -> Hierarchy:
    """Everything that will be stored for a collection; nothing is computed or written.

    Parameters
    ----------
    tree : xarray.DataTree or mapping
        Children are the images; or images by name. They may differ in everything.
    options : WriteOptions
        All of them: ``attrs`` are those of the root, the others are for every image.
    ome_xml : optional
        See `xarray_omezarr.write.ome_xml.ome_xml_for`.
    stem : str, optional
        Not used: images without a name are called by their path.

    Returns
    -------
    Hierarchy
        Nodes ``""``, ``"OME"``, ``"0"``, ``"0/0"``, ..., ``"1"``, ...

    Raises
    ------
    OmeZarrError
        All problems of all images together.
    """
    found = collection(tree)
    problems = Problems()
    with problems.collected():
        _check_paths(found.images)
    root = GroupNode()
    with problems.collected():
        root = _root(found, options)
    of_images = WriteOptions(**options)
    of_images["attrs"] = None
    images: dict[str, Hierarchy] = {}
    with problems.collected():
        images = plan_images(found.images, of_images, _PROBLEM)
    problems.raise_all(_PROBLEM)
    version = registry.get(options["version"] or registry.DEFAULT)
    groups = {"": root, **dict(groups_above(images))}
    planned = Hierarchy(version, groups).around(images)
    kept = found.attrs.get(OME_XML)
    return with_series(planned, [*images], ome_xml=ome_xml, kept=kept, attrs=found.ome)


def with_series(
    hierarchy: Hierarchy,
    paths: Sequence[str],
    *,
    ome_xml: Any,
    kept: object = None,
    attrs: Mapping[Any, Any] | None = None,
) -> Hierarchy:
    """The plan of a collection or plate, with the list of its images and its OME-XML.

    Parameters
    ----------
    hierarchy : Hierarchy
        Its root is, or becomes, that of a collection; a plate stays one as well.
    paths : sequence of str
        Paths of the images, in the order of the OME-XML.
    ome_xml : optional
        See `xarray_omezarr.write.ome_xml.ome_xml_for`; of a plate, None adds nothing
        at all.
    kept : str, optional
        The text that was read.
    attrs : mapping, optional
        Attributes of the group ``OME``.

    Raises
    ------
    OmeZarrError
        As `ome_xml_for`.
    """
    text = ome_xml_for(hierarchy, paths, ome_xml, kept)
    root = hierarchy.group("")
    model = root.model
    if isinstance(model, Plate):
        if text is None:
            return hierarchy
        # RULES F5: a plate that has OME-XML has the key of collections beside it.
        model = model.model_copy(update={"bioformats2raw_layout": LAYOUT})
    own = plain_attrs(attrs or {})
    series: Model = with_unknown(Series(series=tuple(paths)), own.pop("ome", None))
    nodes: dict[str, Node] = {
        "": replace(root, model=model or Bioformats2Raw()),
        OME: GroupNode(series, own),
    }
    for node in nodes.values():
        # What the version cannot hold shows when it spells the metadata.
        if isinstance(node, GroupNode) and node.model is not None:
            hierarchy.version.to_attrs(node.model)
    files = {} if text is None else {OME_XML_PATH: text.encode("utf-8")}
    return replace(
        hierarchy,
        nodes={**hierarchy.nodes, **nodes},
        files={**hierarchy.files, **files},
    )


def collection(obj: Any) -> Collection:
    """The images of a tree, or of a mapping of images by path.

    Those of a mapping are in its order, those of a tree in natural order, 2 before 10;
    of a tree with OME-XML in that of the tree, which is that of the text.

    Raises
    ------
    OptionError
        If there is none, or the object is something else.
    """
    if isinstance(obj, Collection):
        return obj
    if isinstance(obj, xr.DataTree):
        found = _of_tree(obj)
    elif isinstance(obj, Mapping):
        found = Collection(images_of_mapping(obj, _PROBLEM))
    else:
        raise TypeError(
            "A collection is made from an xarray.DataTree, or a mapping of images by "
            f"name, not from {type(obj)}; an array with a dim of images is written "
            "with da.omezarr.to_bioformats2raw(store, series='dim')"
        )
    if not found.images:
        raise OptionError(
            "The collection has no images; give a tree whose children are images, e.g. "
            "xr.DataTree.from_dict({'0': dataset, '1': dataset})"
        )
    if not isinstance(obj, xr.DataTree) or OME_XML in found.attrs:
        return found
    return replace(found, images=in_natural_order(found.images))


def _of_tree(tree: xr.DataTree) -> Collection:
    refuse_scene(tree, "give its images as a mapping, such as {'0': tree['tile_0']}")
    if tree.data_vars:
        raise OptionError(
            f"Node {tree.path!r} holds the variables {[*tree.data_vars]}, and the root "
            "of a collection holds images in nodes of their own; write one image with "
            "to_image, or move it to a node: xr.DataTree.from_dict({'0': dataset})"
        )
    _refuse_plate(tree)
    images: dict[str, ImageObject] = {}
    ome: Mapping[Any, Any] = {}
    for name, child in tree.children.items():
        if name == OME and not any(node.data_vars for node in child.subtree):
            ome = child.attrs
            continue
        images |= {f"{name}/{at}".rstrip("/"): node for at, node in images_below(child)}
    return Collection(images, tree.attrs, ome)


def _refuse_plate(tree: xr.DataTree) -> None:
    """Refuse a plate, whose fields would pass for levels of an image, or be series."""
    nodes = [node.relative_to(tree) for node in tree.subtree if node.data_vars]
    paths = [f"/{path}" for path in nodes if _LABELS not in path.split("/")]
    if _PLATE in tree.attrs or (paths and all(map(_FIELD.fullmatch, paths))):
        raise OptionError(
            f"Node {tree.path!r} is a plate: its pixels lie in row/column/field, "
            f"e.g. {paths[0] if paths else 'A/1/0'!r}; write it with to_plate. To have "
            "its fields as series of a collection, give them by path: "
            "write_bioformats2raw({'A/1/0': tree['A/1/0'], ...}, store)"
        )


def _check_paths(paths: Mapping[str, Any]) -> None:
    problems = Problems()
    for path in paths:
        with problems.collected():
            check_path(path, paths)
            if path.split("/")[0] == OME:
                raise MetadataError(
                    f"An image is called {path!r}, and the group {OME!r} of a "
                    "collection is for its OME-XML; rename the node"
                )
    problems.raise_all(_PROBLEM)


def _root(found: Collection, options: WriteOptions) -> GroupNode:
    refuse_one_name(options, f"a collection has {len(found.images)} of them")
    kept = {key: value for key, value in found.attrs.items() if key != OME_XML}
    attrs = {**plain_attrs(kept), **check_attrs(options["attrs"])}
    model = with_unknown(Bioformats2Raw(), attrs.pop("ome", None))
    return GroupNode(model, attrs)
