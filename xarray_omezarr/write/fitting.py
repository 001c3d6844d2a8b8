"""What a version cannot hold of a hierarchy: refused, or left out with a warning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xarray_omezarr.errors import NotInVersionError, some, warn
from xarray_omezarr.grid.implied import Sizes, implied_factors, placed
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.places import level_sizes

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy, Model, Node
    from xarray_omezarr.ngff.versions.protocol import Version

_SHOWN = 3
_REMEDY = "%s, or leave it out with lossy=True"
_STUCK = "choose a later version=, as nothing is left without"
# What a part has, and the number that may differ from node to node.
_NUMBER = re.compile(r"(scale|translation) (\S+) (.*)")
# Of the factor of a level.
_TOLERANCE = 1e-3


def fit(hierarchy: Hierarchy, version: Version, *, lossy: bool) -> Hierarchy:
    """The hierarchy in a version: all that its metadata can hold.

    Parameters
    ----------
    hierarchy : Hierarchy
        In any version.
    version : Version
        The one that it will have.
    lossy : bool
        Whether what the version cannot hold is left out, with one warning.

    Returns
    -------
    Hierarchy
        The same arrays and files, and models of which all will be stored. Where a
        version has no transformations, levels lie where readers will find them.

    Raises
    ------
    NotInVersionError
        One that lists all that has no place, and of which nodes. With `lossy` only
        where nothing would be left without it.
    """
    nodes: dict[str, Node] = dict(hierarchy.nodes)
    lost: dict[str, list[str]] = {}
    stuck: dict[str, list[str]] = {}
    for path, node in hierarchy.groups.items():
        model = node.model
        if model is None:
            continue
        sizes: Sizes = {}
        if isinstance(model, Image):
            sizes = level_sizes(hierarchy, path, model)
        fitting, told = fitted(model, version, sizes)
        for what in told:
            lost.setdefault(what, []).append(path)
        if told:
            for what in version.fitted(fitting)[1]:
                stuck.setdefault(what, []).append(path)
        if fitting is not model or node.version is not None:
            nodes[path] = replace(node, model=fitting, version=None)
    if lost and not lossy:
        _refuse(
            version, lost, _STUCK if stuck else _REMEDY % _later(hierarchy, version)
        )
    if stuck:
        _refuse(version, stuck, _STUCK)
    if lost:
        words = "; ".join(_told(lost))
        warn(f"Left out, as OME-Zarr {version.name} has no place for it: {words}")
    return replace(hierarchy, version=version, nodes=nodes)


def fitted(
    model: Model, version: Version, sizes: Sizes
) -> tuple[Model, tuple[str, ...]]:
    """As `Version.fitted`, of a model whose arrays are known.

    Parameters
    ----------
    model : Model
        Of one group.
    version : Version
        The one that it will have.
    sizes : mapping
        Pixels by axis of the arrays of an image, by path below it.
    """
    fitting, lost = version.fitted(model)
    if version.features.transformations or not isinstance(fitting, Image):
        return fitting, lost
    # What a reader will find: levels that lie where their sizes say.
    told = placed(fitting, sizes)
    if isinstance(model, Image):
        lost = (*lost, *_other_factors(model, sizes))
    return (model if told == model else told), lost


def _other_factors(image: Image, sizes: Sizes) -> Iterator[str]:
    """Scales of levels that are not those that the sizes of their arrays tell."""
    for picture in image.multiscales:
        if not all(level.path in sizes for level in picture.levels):
            continue
        ones = (1.0,) * len(picture.axes)
        first = picture.levels[0].scale or ones
        found = implied_factors(picture, sizes)
        for level, factors in zip(picture.levels, found, strict=True):
            own = level.scale or ones
            for axis, scale, one, factor in zip(
                picture.axes, own, first, factors, strict=True
            ):
                if abs(scale - factor * one) > _TOLERANCE * abs(factor * one):
                    yield (
                        f"scale {scale:g} of level {level.path!r} along {axis.name!r} "
                        f"(only numbers of pixels are stored, and the "
                        f"{sizes[level.path].get(axis.name, 1)} of this level stand "
                        f"for a scale of {factor * one:g})"
                    )


def check_spelled(model: Model, version: Version) -> None:
    """Raise what keeps a model that is planned from being written in any way.

    What the version cannot hold is said of all nodes together, when all are planned.

    Raises
    ------
    MetadataError
        If it breaks a MUST of the standard.
    """
    fitting, _ = version.fitted(model)
    if not version.fitted(fitting)[1]:
        version.to_attrs(fitting)


def _later(hierarchy: Hierarchy, version: Version) -> str:
    """What to do to lose nothing."""
    models = [node.model for node in hierarchy.groups.values() if node.model]
    names = registry.SUPPORTED
    for name in names[names.index(version.name) + 1 :]:
        later = registry.get(name)
        if not any(later.fitted(model)[1] for model in models):
            return f"give version={name!r}"
    return "choose a later version="


def _refuse(version: Version, lost: Mapping[str, list[str]], remedy: str) -> None:
    told = [*_told(lost)]
    what = (
        f" {told[0]}; " if len(told) == 1 else "".join(f"\n- {t}" for t in told) + "\n"
    )
    raise NotInVersionError(f"OME-Zarr {version.name} has no place for{what}{remedy}")


def _told(lost: Mapping[str, list[str]]) -> Iterator[str]:
    """What has no place, once for all nodes that have it."""
    numbers: dict[tuple[str, str], list[str]] = {}
    where: dict[tuple[str, str], list[str]] = {}
    for what, paths in lost.items():
        match = _NUMBER.fullmatch(what)
        kind = (match[1], match[3]) if match else (what, "")
        numbers.setdefault(kind, []).extend([match[2]] if match else [])
        where.setdefault(kind, []).extend(paths)
    together: dict[tuple[str, ...], list[str]] = {}
    for kind, paths in where.items():
        words = " ".join(filter(None, (kind[0], some(numbers[kind], _SHOWN), kind[1])))
        together.setdefault(tuple(dict.fromkeys(paths)), []).append(words)
    for nodes, parts in together.items():
        yield f"{', '.join(parts)}{_where(nodes)}"


def _where(paths: Sequence[str]) -> str:
    """In which nodes; the root is what the sentence is about anyway."""
    if tuple(paths) == ("",):
        return ""
    return f" (at {some([path or '/' for path in paths], _SHOWN)})"
