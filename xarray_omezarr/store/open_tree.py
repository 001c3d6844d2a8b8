"""Store -> Hierarchy of everything that belongs together: labels, wells, series."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from xarray_omezarr.errors import (
    MetadataError,
    NotOmeZarrError,
    OmeZarrError,
    OptionError,
    TargetNotFoundError,
    warn,
)
from xarray_omezarr.hierarchy import GroupNode, Hierarchy, join
from xarray_omezarr.ngff.bioformats2raw import Bioformats2Raw, Series
from xarray_omezarr.ngff.labels import LabelImage, LabelsGroup
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.plate import Plate, Well
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.store.open import (
    check_levels,
    detect,
    detect_image,
    open_group,
)
from xarray_omezarr.store.open_documents import (
    GROUP_NAMES,
    Root,
    read_documents,
    read_root,
)
from xarray_omezarr.store.open_images import Opening
from xarray_omezarr.store.open_nodes import GroupReader
from xarray_omezarr.store.open_scene import check_numbers, open_scene
from xarray_omezarr.store.open_words import nothing_left, remedy, some, told
from xarray_omezarr.store.selection import Selection

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.target import Target

Begun: TypeAlias = "tuple[Version, GroupNode, Opening]"

_OME = "OME"
#: Where a collection has what is known of its images in another format.
XML = join(_OME, "METADATA.ome.xml")

# Series without a list are numbered; so many are looked for at a time.
_PROBED = 16

# B2, or B/2.
_WELL = re.compile(r"([A-Za-z]+)(\d+)|([A-Za-z0-9]+)/([A-Za-z0-9]+)")


def open_tree(target: Target, selection: Selection | None = None) -> Hierarchy:
    """Everything that belongs to the group at `target`, pixels unread.

    Parameters
    ----------
    target : Target
        An image, a label image, a labels group, a plate, a well, a collection or a
        scene.
    selection : Selection, optional
        What of it; everything if None.

    Raises
    ------
    TargetNotFoundError, NotOmeZarrError
        If there is nothing of the kind.
    OptionError
        If a well or field is chosen that is not there.
    MetadataError
        If metadata break the standard; of things that are listed, only if none of
        them can be opened. What cannot is left out with a warning that names it.
    """
    selection = selection or Selection()
    return open_begun(target, selection, begin(target, selection))


def open_begun(target: Target, selection: Selection, begun: Begun) -> Hierarchy:
    """As `open_tree`, after the group at the target has been read."""
    version, group, opening = begun
    model = group.model
    _check(model, selection, target)
    files: dict[str, bytes] = {}
    paths: Sequence[str] = ()
    if isinstance(model, Image):
        labels = selection.labels and not isinstance(model, LabelImage)
        opening.images({"": group}, labels=labels, required=True)
    elif isinstance(model, Scene):
        paths = open_scene(group, opening, labels=selection.labels)
    elif isinstance(model, LabelsGroup):
        paths = model.labels
        opening.images(dict.fromkeys(paths), labels=False, required=False)
    else:
        paths = _listed(model, opening, selection, files)
        opening.images(dict.fromkeys(paths), labels=selection.labels, required=False)
    if paths and not any(path in opening.nodes for path in paths):
        raise nothing_left(opening)
    if not isinstance(model, Scene):
        # Groups between a scene and its images are no rows.
        _forget_empty_wells(opening)
    check_numbers(group, opening)
    if opening.left_out:
        warn(
            f"Not everything that {target} lists can be opened; left out: "
            f"{told(opening.left_out)}"
        )
    return Hierarchy(version, {"": group, **opening.nodes}, files)


def open_labelled(target: Target, level: int, *, labels: bool) -> Hierarchy:
    """One level of the image at `target`, and of its label images.

    Parameters
    ----------
    target : Target
        Where the image is.
    level : int
        0 is the finest, -1 the coarsest.
    labels : bool
        Whether label images are opened.

    Raises
    ------
    NotOmeZarrError
        If it is no image; the message tells how to open what it is.
    """
    selection = Selection(levels=(level,), labels=labels)
    try:
        begun = begin(target, selection)
    except MetadataError:
        # What is broken in a plate does not matter to those who want an image.
        root = _read_root(target)
        detect_image(root.attrs, target)
        raise
    model = begun[1].model
    if not isinstance(model, Image):
        what = "nothing" if model is None else model.summary()
        raise NotOmeZarrError(
            f"{target} is not an image, but holds {what}; {remedy(model)}"
        )
    return open_begun(target, selection, begun)


def begin(target: Target, selection: Selection) -> Begun:
    """The version and the group at a target, and what is to be opened below."""
    root = _read_root(target)
    version = _version(root, target)
    reader = GroupReader(target, root.zarr_format, version)
    node = reader.understand(root.attrs, is_root=True)
    levels = selection.levels
    check_levels(levels)
    if levels is None and isinstance(node.model, Plate):
        levels = (0,)
    numbers = None if levels == "all" else levels
    opening = Opening(target, root.zarr_format, reader, numbers)
    opening.numbers.are_opened = selection.numbers
    return version, node, opening


def _read_root(target: Target) -> Root:
    root = read_root(target)
    if root is not None:
        return root
    # There is no group, or one that only its parts tell of; zarr tells which.
    try:
        group = open_group(target)
    except TargetNotFoundError as error:
        raise TargetNotFoundError(f"{error}{_above(target)}") from None
    return Root(group.metadata.zarr_format, dict(group.attrs))


def _version(root: Root, target: Target) -> Version:
    try:
        return detect(root.attrs, target)
    except NotOmeZarrError as error:
        raise NotOmeZarrError(f"{error}{_above(target)}") from None


def _above(target: Target) -> str:
    """What the group above says of one that says nothing of itself."""
    parent, _, name = target.path.rpartition("/")
    if name == _OME:
        return "; it describes the images beside it: open the group above"
    if not name:
        return ""
    root = type(target)(target.store, "", None, target.uri)
    keys = [join(parent, file) for file in GROUP_NAMES.values()]
    if any(b'"plate"' in found for found in read_documents(root, keys).values()):
        return f"; it is a row of the plate above: open a well, as in group='{name}/1'"
    return ""


def _check(model: object, selection: Selection, target: Target) -> None:
    """Refuse groups without images, and selections of what a group has not."""
    if isinstance(model, Series):
        raise NotOmeZarrError(
            f"{target} holds {model.summary()}, which are beside it: open the group "
            "above, with group= for one of them"
        )
    what = f"{target} holds no "
    if selection.wells is not None and not isinstance(model, Plate):
        raise OptionError(f"wells= chooses from a plate, and {what}plate")
    if selection.fields is not None and not isinstance(model, Plate | Well):
        raise OptionError(f"fields= chooses from wells, and {what}well")


def _listed(
    model: object, opening: Opening, selection: Selection, files: dict[str, bytes]
) -> Sequence[str]:
    """Paths of the chosen fields or series; puts wells and files on the way."""
    if isinstance(model, Plate):
        return fields_of_plate(model, opening, selection, files)
    if isinstance(model, Well):
        return _fields({"": model}, selection, opening.target)
    if isinstance(model, Bioformats2Raw):
        return _series(opening, files)
    raise NotOmeZarrError(f"{opening.target} holds nothing that can be opened")


def fields_of_plate(
    plate: Plate, opening: Opening, selection: Selection, files: dict[str, bytes]
) -> list[str]:
    """Paths of the chosen fields of a plate; puts the nodes of their wells."""
    listed = [well.path for well in plate.wells]
    wanted = selection.wells
    chosen = wanted and [_well_like(name, listed, opening.target) for name in wanted]
    paths = _chosen(chosen, listed, "wells", opening.target)
    further = () if plate.bioformats2raw_layout is None else (XML,)
    # Every round takes as long as a server needs to answer: rows are asked for here.
    rows = {row: opening.key(row) for row in _rows_of(paths)}
    found, documents = opening.read_groups(paths, (*further, *rows.values()))
    _keep_xml(documents, files)
    opening.nodes |= _rows(opening, rows, documents)
    wells = {}
    for path, node in found.items():
        if isinstance(node.model, Well):
            wells[path] = node.model
            opening.nodes[path] = node
        else:
            opening.left_out[path] = "it is no well"
    if not wells:
        raise nothing_left(opening)
    return _fields(wells, selection, opening.target)


def _rows_of(paths: Sequence[str]) -> list[str]:
    """The groups between a plate and its wells, each once."""
    return [*dict.fromkeys(path.partition("/")[0] for path in paths if "/" in path)]


def _rows(
    opening: Opening, keys: Mapping[str, str], documents: Mapping[str, bytes]
) -> dict[str, GroupNode]:
    """Rows with the attributes that others gave them; none where nobody did."""
    found = {}
    for row, key in keys.items():
        attrs: Mapping[str, Any] = {}
        if key in documents:
            try:
                attrs = opening.groups.foreign(row, documents[key])
            except OmeZarrError as error:
                warn(f"The attributes of row {row!r} cannot be read: {error}")
        found[row] = GroupNode(None, attrs)
    # Some of them alone would come before the others in a tree.
    return found if any(node.attrs for node in found.values()) else {}


def _fields(
    wells: Mapping[str, Well], selection: Selection, target: Target
) -> list[str]:
    names = dict.fromkeys(f.path for well in wells.values() for f in well.images)
    wanted = set(_chosen(selection.fields, [*names], "fields", target))
    return [
        join(path, entry.path)
        for path, well in wells.items()
        for entry in well.images
        if entry.path in wanted
    ]


def _well_like(name: str, listed: Sequence[str], target: Target) -> str:
    """The well that is spelled so; else the only one that means the same, as B02."""
    names = _names_in(name)
    spelled = "/".join(names)
    if name in listed or not names:
        return name
    if spelled in listed:
        return spelled
    alike = [path for path in listed if _meaning(_names_in(path)) == _meaning(names)]
    if len(alike) > 1:
        raise OptionError(
            f"wells: {name!r} may be each of {some(alike)} in {target}; spell it as "
            "one of them"
        )
    return alike[0] if alike else name


def _names_in(well: str) -> tuple[str, ...]:
    """Names of the row and the column of a well; none where it is spelled otherwise."""
    parts = _WELL.fullmatch(well.strip())
    return () if parts is None else tuple(n for n in parts.groups() if n is not None)


def _meaning(names: tuple[str, ...]) -> tuple[object, ...]:
    return tuple(int(n) if n.isdecimal() else n.casefold() for n in names)


def _chosen(
    chosen: Sequence[str] | None, listed: Sequence[str], what: str, target: Target
) -> Sequence[str]:
    if not listed:
        raise MetadataError(f"{target} lists no {what}")
    if chosen is None:
        return listed
    unknown = [name for name in chosen if name not in set(listed)]
    if unknown:
        raise OptionError(
            f"{what} {unknown} are not in {target}; there are {some(listed)}"
        )
    return [name for name in listed if name in set(chosen)]


def _series(opening: Opening, files: dict[str, bytes]) -> Sequence[str]:
    """Paths of the images of a collection: as listed, else 0, 1, 2 and so on."""
    key = opening.key(_OME)
    documents = read_documents(opening.target, (key, XML))
    _keep_xml(documents, files)
    if key in documents:
        listed = _listed_series(opening, documents[key])
        if listed:
            return listed
    paths: list[str] = []
    while True:
        probed = [str(len(paths) + step) for step in range(_PROBED)]
        keys = [opening.key(path) for path in probed]
        there = read_documents(opening.target, keys)
        # RULES F3: the numbers are consecutive.
        known = [key in there for key in keys]
        count = known.index(False) if False in known else _PROBED
        paths += probed[:count]
        if count < _PROBED:
            break
    if not paths:
        raise MetadataError(
            f"{opening.target} is a collection without images: OME lists none, and "
            "there is no group '0'"
        )
    return paths


def _listed_series(opening: Opening, document: bytes) -> Sequence[str]:
    try:
        node = opening.groups.read(_OME, document)
    except NotOmeZarrError:
        # The group may hold the file alone.
        return ()
    except OmeZarrError as error:
        warn(f"The list of images in {opening.target} cannot be read: {error}")
        return ()
    if not isinstance(node.model, Series):
        return ()
    if node.attrs or node.model.extras():
        # It says more than which images there are.
        opening.nodes[_OME] = node
    return node.model.series


def _keep_xml(documents: Mapping[str, bytes], files: dict[str, bytes]) -> None:
    if XML in documents:
        files[XML] = documents[XML]


def _forget_empty_wells(opening: Opening) -> None:
    """Leave out wells none of whose fields was opened or chosen, and their rows."""
    used = {path.rpartition("/")[0] for path in opening.nodes}
    for path, node in [*opening.nodes.items()]:
        if isinstance(node, GroupNode) and isinstance(node.model, Well):
            names = [join(path, entry.path) for entry in node.model.images]
            if path not in used and not any(name in opening.nodes for name in names):
                del opening.nodes[path]
    rows = {path.partition("/")[0] for path in opening.nodes if "/" in path}
    for path, node in [*opening.nodes.items()]:
        if isinstance(node, GroupNode) and node.model is None and path not in rows:
            del opening.nodes[path]
