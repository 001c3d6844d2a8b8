"""What a plate, its wells and lists say when not all that they list is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from xarray_omezarr.errors import (
    MetadataError,
    NotInVersionError,
    OmeZarrError,
    warn,
)
from xarray_omezarr.hierarchy import GroupNode, Hierarchy, Node, join
from xarray_omezarr.ngff.bioformats2raw import Series
from xarray_omezarr.ngff.labels import LabelsGroup
from xarray_omezarr.ngff.multiscale import Image, Multiscale
from xarray_omezarr.ngff.named import tidied
from xarray_omezarr.ngff.plate import Plate, Well, acquisition_of
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.write.ome_xml import OME_XML_PATH, image_facts, make_ome_xml

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Model
    from xarray_omezarr.ngff.versions.protocol import Version

_OME = "OME"

W = TypeVar("W", Scene, Multiscale)


def with_true_lists(hierarchy: Hierarchy, *, is_part: bool) -> Hierarchy:
    """The hierarchy, in which groups list what is there, and OME-XML describes it.

    Parameters
    ----------
    hierarchy : Hierarchy
        What was read.
    is_part : bool
        Whether wells or fields were chosen.
    """
    nodes: dict[str, Node] = dict(hierarchy.nodes)
    for path, node in hierarchy.groups.items():
        if node.model is not None:
            made = _true_list(path, node.model, nodes)
            if made is not node.model:
                nodes[path] = replace(node, model=made)
    # Wells know which fields there are only now.
    for path in hierarchy.groups:
        known = nodes[path]
        if is_part and isinstance(known, GroupNode) and isinstance(known.model, Plate):
            nodes[path] = replace(known, model=_recounted(path, known.model, nodes))
    made_of = replace(hierarchy, nodes=nodes)
    if is_part and OME_XML_PATH in hierarchy.files:
        return replace(made_of, files=_described(made_of))
    return made_of


def with_tidy_paths(hierarchy: Hierarchy) -> Hierarchy:
    """The hierarchy with paths in transformations as one writes them.

    Such as ``v0`` for ``./v0`` or ``/v0/``, which few programs understand.
    """
    nodes: dict[str, Node] = dict(hierarchy.nodes)
    for path, node in hierarchy.groups.items():
        model = node.model
        if isinstance(model, Scene):
            made: Model = _with_tidy_ways(model)
        elif isinstance(model, Image):
            pictures = tuple(map(_with_tidy_ways, model.multiscales))
            made = model.model_copy(update={"multiscales": pictures})
        else:
            continue
        if made != model:
            nodes[path] = replace(node, model=made)
    return replace(hierarchy, nodes=nodes)


def _with_tidy_ways(told: W) -> W:
    ways = tuple(map(tidied, told.coordinate_transformations))
    return told.model_copy(update={"coordinate_transformations": ways})


def _true_list(path: str, model: Model, nodes: Mapping[str, Node]) -> Model:
    match model:
        case Plate():
            field, listed = "wells", [well.path for well in model.wells]
            root = path
        case Well():
            field, listed = "images", [entry.path for entry in model.images]
            root = path
        case LabelsGroup():
            field, listed, root = "labels", [*model.labels], path
        case Series():
            # They are beside the group, not in it.
            root = path.rpartition("/")[0]
            field, listed = "series", [*model.series]
        case _:
            return model
    there = [join(root, name) in nodes for name in listed]
    if all(there) or not any(there):
        return model
    entries = zip(getattr(model, field), there, strict=True)
    return model.model_copy(update={field: tuple(e for e, is_in in entries if is_in)})


def _recounted(path: str, plate: Plate, nodes: Mapping[str, Node]) -> Plate:
    """The plate with the numbers of fields that its wells have now."""
    wells = []
    for entry in plate.wells:
        node = nodes.get(join(path, entry.path))
        if isinstance(node, GroupNode) and isinstance(node.model, Well):
            wells.append([acquisition_of(f, plate) for f in node.model.images])
    update: dict[str, Any] = {}
    if plate.field_count is not None and wells:
        update["field_count"] = max(map(len, wells))
    runs = []
    for run in plate.acquisitions:
        most = max((fields.count(run.id) for fields in wells), default=0)
        # A run without fields says nothing of how many there are.
        told = (most or None) if run.maximum_field_count is not None else None
        runs.append(run.model_copy(update={"maximum_field_count": told}))
    if tuple(runs) != plate.acquisitions:
        update["acquisitions"] = tuple(runs)
    return plate.model_copy(update=update) if update else plate


def _described(hierarchy: Hierarchy) -> dict[str, bytes]:
    """The files, with OME-XML of the images that are there, in the order of the list.

    What the text said of the others, and of instruments and the like, is about the
    whole; it is left out, and a warning says so.
    """
    files = dict(hierarchy.files)
    node = hierarchy.nodes.get(_OME)
    listed: tuple[str, ...] = ()
    if isinstance(node, GroupNode) and isinstance(node.model, Series):
        listed = node.model.series
    paths = listed or tuple(_fields(hierarchy))
    try:
        facts = [image_facts(hierarchy, path) for path in paths]
        files[OME_XML_PATH] = make_ome_xml(facts).encode()
    except (KeyError, MetadataError, TypeError) as error:
        del files[OME_XML_PATH]
        warn(f"{OME_XML_PATH} describes the whole, and is left out: {error}")
        return files
    warn(
        f"{OME_XML_PATH} describes the whole, and is made anew for what was chosen; "
        "what it says of instruments and the like is not in it"
    )
    return files


def _fields(hierarchy: Hierarchy) -> list[str]:
    return [
        join(path, entry.path)
        for path, node in hierarchy.groups.items()
        if isinstance(node.model, Well)
        for entry in node.model.images
        if isinstance(hierarchy.nodes.get(join(path, entry.path)), GroupNode)
    ]


def check_spelling(hierarchy: Hierarchy) -> list[OmeZarrError]:
    """What keeps metadata from being written, each with the path of its group."""
    problems: list[OmeZarrError] = []
    for path, node in hierarchy.groups.items():
        if node.model is None:
            continue
        try:
            if isinstance(node.model, Scene):
                _check_scenes(hierarchy.version)
            hierarchy.version.to_attrs(node.model)
        except OmeZarrError as error:
            if isinstance(node.model, Image) and not path:
                problems.append(error)
            else:
                problems.append(type(error)(f"{path or 'the root'}: {error}"))
    return problems


def _check_scenes(version: Version) -> None:
    """Raise NotInVersionError, with the versions that do, if one has no scenes."""
    if version.features.systems:
        return
    every = map(registry.get, registry.SUPPORTED)
    able = " or ".join(repr(v.name) for v in every if v.features.systems)
    raise NotInVersionError(
        f"OME-Zarr {version.name} has no scenes; give version={able}, or convert the "
        "images one by one with source_group="
    )
