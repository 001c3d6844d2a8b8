"""One image, with its label images -> the hierarchy of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import xarray as xr

from xarray_omezarr.errors import OptionError, Problems
from xarray_omezarr.hierarchy import GroupNode, Hierarchy, join
from xarray_omezarr.ngff.labels import LabelsGroup
from xarray_omezarr.ngff.unknown import with_unknown
from xarray_omezarr.write.keeping import plain_attrs
from xarray_omezarr.write.label_ends import with_labels_there
from xarray_omezarr.write.label_frame import Frame
from xarray_omezarr.write.labels import check_label_names, plan_label
from xarray_omezarr.write.multiscale import plan_multiscale
from xarray_omezarr.write.tree import LABELS, plan_tree

if TYPE_CHECKING:
    from xarray_omezarr.options import WriteOptions

Labels = Mapping[str, xr.DataArray | xr.DataTree]


def plan_labelled(
    obj: xr.DataArray | xr.DataTree,
    options: WriteOptions,
    *,
    image: str | None = None,
    labels: Labels | None = None,
    stem: str | None = None,
) -> Hierarchy:
    """Everything that will be stored for an image and its label images.

    Parameters
    ----------
    obj : xarray.DataArray or xarray.DataTree
        The image; a node of a tree holds it as a variable or as levels below, and
        its label images under ``labels``.
    options : WriteOptions
        All of them, as they are said of the image. Label images get its levels and
        its chunks, are made coarser by their mode (by ``"nearest"`` where the image
        is), and are filled with 0.
    image : str, optional
        Name of the variable in each level of a tree.
    labels : mapping, optional
        Label images by name, in place of those of the tree with these names.
    stem : str, optional
        Name to fall back to: the target's.

    Returns
    -------
    Hierarchy
        Nodes ``""``, ``"0"``, ..., ``"labels"``, ``"labels/cells"``,
        ``"labels/cells/0"``, ...; nothing is computed or written.

    Raises
    ------
    OmeZarrError
        What is wrong with the image; else what is wrong with all labels together.
    """
    group = GroupNode()
    given: dict[str, Any] = {}
    if isinstance(obj, xr.DataTree):
        planned = plan_tree(obj, options, image, stem)
        group, given = _in_tree(obj)
    else:
        planned = plan_multiscale(obj, options, stem)
    given |= checked_labels(labels)
    if not given:
        return with_labels_there(planned, {}, options)
    frame = Frame.of(planned)
    problems = Problems()
    with problems.collected():
        check_label_names(given, frame)
    parts = {}
    for name, label in given.items():
        with problems.collected():
            parts[join(LABELS, str(name))] = plan_label(
                name, label, frame, options, follows=True
            )
    problems.raise_all("The labels of this image cannot be written")
    planned = with_labels_there(planned, parts, options)
    nodes = {**planned.nodes, LABELS: labels_node(group, tuple(given))}
    return Hierarchy(planned.version, nodes).around(parts)


def checked_labels(labels: Any) -> Labels:
    """The option `labels`, if it is a mapping.

    Raises
    ------
    OptionError
        If it is none.
    """
    if labels is None:
        return {}
    if not isinstance(labels, Mapping):
        raise OptionError(
            f"labels is {labels!r}; give a mapping of DataArrays or DataTrees by name, "
            "or names of variables where the image is one of a Dataset"
        )
    return labels


def label_images(obj: Any) -> Labels:
    """Label images by name: those of a mapping, or below a node of a tree.

    Parameters
    ----------
    obj : mapping or xarray.DataTree
        A tree has them below a node ``labels``, or is that node.

    Raises
    ------
    OptionError
        If there are none.
    """
    found = checked_labels(obj) if not isinstance(obj, xr.DataTree) else _below(obj)
    if not found:
        raise OptionError(
            "There is no label image; give a mapping such as {'cells': label}, or a "
            "tree with a node 'labels' that has them as children"
        )
    return found


def _below(tree: xr.DataTree) -> Labels:
    node = tree.children.get(LABELS, tree)
    if node.data_vars:
        raise OptionError(
            f"Node {node.path!r} is one label image; name it, as in "
            "{'cells': tree}, or give the node above it"
        )
    return dict(node.children)


def labels_node(group: GroupNode, names: tuple[str, ...]) -> GroupNode:
    """The group of the label images with these names.

    Parameters
    ----------
    group : GroupNode
        Its attributes.
    names : tuple of str
        In their order.
    """
    attrs = dict(group.attrs)
    unknown = attrs.pop("ome", None)
    return GroupNode(with_unknown(LabelsGroup(labels=names), unknown), attrs)


def _in_tree(tree: xr.DataTree) -> tuple[GroupNode, dict[str, Any]]:
    """The group of the labels below a node, without its model, and its children."""
    if LABELS not in tree.children:
        return GroupNode(), {}
    node = tree.children[LABELS]
    if node.data_vars:
        raise OptionError(
            f"Node {node.path!r} holds the variables {[*node.data_vars]}; it is for "
            "label images, each a node of its own, such as labels/cells"
        )
    return GroupNode(attrs=plain_attrs(node.attrs)), dict(node.children)
