"""What the metadata of a hierarchy say, spelled in another version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr.errors import (
    MetadataError,
    NotOmeZarrError,
    OmeZarrError,
    OptionError,
    UnknownVersionError,
)
from xarray_omezarr.hierarchy import (
    ArrayNode,
    Deferred,
    GroupNode,
    Hierarchy,
    Layout,
    Node,
    join,
)
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.places import with_places
from xarray_omezarr.store.upgrade_plan import Wanted
from xarray_omezarr.upgrading.listed import absent
from xarray_omezarr.write.fitting import fit
from xarray_omezarr.write.whole_channels import with_whole_channels

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.upgrade_survey import Standing, Survey

# Where lists of labels and of series stand; elsewhere these words are of others.
_PLACES = {"labels": "labels", "series": "OME"}


def version_of(found: Survey) -> Version:
    """The version of the root.

    Raises
    ------
    NotOmeZarrError
        If it has no metadata of OME-Zarr.
    """
    version = registry.detect(found.nodes[""].attrs)
    if version is None:
        raise NotOmeZarrError(
            f"{found.target} is a Zarr group without OME-Zarr metadata; name the one "
            "that has them with group="
        )
    return version


def _rank(version: Version) -> int:
    return registry.SUPPORTED.index(version.name)


def check_not_later(old: Version, new: Version, where: str) -> None:
    """Raise if the version of what is there is later than the one that is wanted.

    Raises
    ------
    OptionError
        With what to do.
    """
    if _rank(old) > _rank(new):
        raise OptionError(
            f"{where} is OME-Zarr {old.name}, and nothing can be upgraded to "
            f"{new.name}; write it anew with "
            f"xarray_omezarr.convert(source, store, version={new.name!r})"
        )


def check_above(
    groups: Iterable[tuple[Path, Standing]], new: Version, folder: Path
) -> None:
    """Raise if a hierarchy is part of another one that it would not fit into.

    Parameters
    ----------
    groups : iterable of (Path, Standing)
        The groups above, the nearest first.
    new : Version
        What it would become.
    folder : pathlib.Path
        Where it stands.

    Raises
    ------
    OptionError
        Naming the whole.
    """
    whole = None
    for above, node in groups:
        if node.zarr_format != new.features.zarr_format or _tells_other(node, new):
            whole = above
    if whole is not None:
        raise OptionError(
            f"{folder} is part of {whole}, which would hold two versions then; "
            f"upgrade that as a whole"
        )


def _tells_other(node: Standing, new: Version) -> bool:
    try:
        told = registry.detect(node.attrs)
    except UnknownVersionError:
        return True
    return told is not None and told.name != new.name


def new_metadata(
    found: Survey, old: Version, new: Version, *, lossy: bool
) -> tuple[Wanted, tuple[OmeZarrError, ...]]:
    """What the metadata of a hierarchy shall say, and what is in the way.

    Parameters
    ----------
    found : Survey
        The hierarchy.
    old, new : Version
        That of its root, and the one to spell everything in.
    lossy : bool
        Whether what `new` cannot hold is left out, and what is listed may be absent.
    """
    problems: list[OmeZarrError] = []
    nodes: dict[str, Node] = {}
    for path, node in found.nodes.items():
        try:
            nodes.update(_read(found, path, node, old, new))
        except OmeZarrError as problem:
            problems.append(_named(problem, path))
    problems.extend(absent(found, nodes, lossy=lossy))
    whole = with_whole_channels(with_places(Hierarchy(old, nodes)))
    try:
        whole = fit(whole, new, lossy=lossy)
    except OmeZarrError as problem:
        problems.append(problem)
    attrs, dims = {}, {path: node.dims for path, node in whole.arrays.items()}
    if not problems:
        for path, group in whole.groups.items():
            try:
                attrs[path] = _spelled(group, new)
            except OmeZarrError as problem:
                problems.append(_named(problem, path))
    return Wanted(new, attrs, dims), tuple(problems)


def _named(problem: OmeZarrError, path: str) -> OmeZarrError:
    if path and not isinstance(problem, ExceptionGroup):
        return type(problem)(f"{path!r}: {problem}")
    return problem


def _spelled(group: GroupNode, new: Version) -> dict[str, Any]:
    told = {} if group.model is None else new.to_attrs(group.model)
    both = sorted(set(told) & set(group.attrs))
    if both:
        raise MetadataError(
            f"Attributes {both} are of others, and the standard has them in "
            f"OME-Zarr {new.name}; rename those of others"
        )
    return {**group.attrs, **told}


def _read(
    found: Survey, path: str, node: Standing, root: Version, new: Version
) -> Iterator[tuple[str, Node]]:
    """The group at a path, and the levels of the image that it is."""
    if node.kind != "group" or node.zarr_format != found.zarr_format:
        return
    # What the root leaves out is a slip; groups below need not tell a version.
    attrs = registry.with_version(node.attrs, root) if path else node.attrs
    version = registry.detect(attrs)
    if version is None or _is_of_others(path, attrs, version):
        return
    if version.features.zarr_format != node.zarr_format:
        # Some writers put the list of labels where it stood in earlier versions.
        if root.features.zarr_format != node.zarr_format or "labels" not in attrs:
            raise MetadataError(
                f"Its metadata are those of OME-Zarr {version.name}, and it is stored "
                f"in Zarr v{node.zarr_format}"
            )
        version = root
    check_not_later(version, new, path or str(found.target))
    if version.name == new.name and _told(attrs, new) == new.name:
        return
    model = version.from_attrs(attrs)
    if isinstance(model, Image):
        yield from _levels(found, path, model)
    other = None if version == root else version
    yield path, GroupNode(model, version.foreign(attrs), other)


def _told(attrs: Mapping[str, Any], version: Version) -> object:
    """What stands there: drafts of a version are read as that version."""
    ome = attrs.get("ome")
    return ome.get("version") if isinstance(ome, Mapping) else version.name


def _is_of_others(path: str, attrs: Mapping[str, Any], version: Version) -> bool:
    """Whether a group uses words of the standard for something of its own."""
    ours = set(attrs) - set(version.foreign(attrs)) - {"version"}
    name = path.rpartition("/")[2]
    return len(ours) == 1 and _PLACES.get(ours.pop(), name) != name


def _levels(found: Survey, path: str, image: Image) -> Iterator[tuple[str, ArrayNode]]:
    for picture in image.multiscales:
        dims = tuple(axis.name for axis in picture.axes)
        for level in picture.levels:
            inner = join(path, level.path)
            array = found.nodes.get(inner)
            if array is None or array.kind != "array":
                raise MetadataError(
                    f"There is no array at {inner!r}, which the metadata name as a "
                    "level"
                )
            shape = tuple(array.document.get("shape", ()))
            if len(shape) != len(dims):
                raise MetadataError(
                    f"The array {inner!r} has shape {shape}, and the axes are {dims}"
                )
            dtype = _dtype(array)
            if dtype is not None:
                node = ArrayNode(dims, shape, dtype, Layout(shape), Deferred())
                yield inner, node


def _dtype(array: Standing) -> np.dtype[Any] | None:
    """The type of the pixels; None where it is none of numpy's."""
    told = array.document.get("dtype" if array.zarr_format == 2 else "data_type")
    try:
        return np.dtype(told) if isinstance(told, str) else None
    except TypeError:
        return None
