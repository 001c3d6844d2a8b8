"""What attributes of a group say that other nodes must agree with.

Faults in the attributes themselves are found elsewhere: what cannot be understood here
is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.finding import pointed

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.demands import Demands

# As many levels, labels or fields as are looked at: what lists more is broken or means
# harm.
MOST_LEVELS = 256
MOST_CHILDREN = 100_000
_MOST_AXES = 64


@dataclass(frozen=True, slots=True)
class Level:
    """One entry of ``datasets``.

    Parameters
    ----------
    path : str
        Where its array is, below the image.
    pointer : str
        To the path.
    scale, translation : tuple of float, optional
        Per axis, in the order of the axes; None where they are not told.
    """

    path: str
    pointer: str
    scale: tuple[float, ...] | None
    translation: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a multiscale image says.

    Parameters
    ----------
    axes : tuple of str, optional
        Their names, in the order of the arrays.
    levels : tuple of Level
        As they are listed.
    channels : int, optional
        How many channels ``omero`` describes.
    channel_axis : int, optional
        Which axis they are along.
    pointer : str
        To the entry of ``multiscales``.
    """

    axes: tuple[str, ...] | None
    levels: tuple[Level, ...]
    channels: int | None
    channel_axis: int | None
    pointer: str


def part(attrs: object) -> tuple[Mapping[str, object], str]:
    """The part of attributes that is OME-Zarr's, and a pointer to it.

    Examples
    --------
    >>> part({"ome": {"labels": []}})
    ({'labels': []}, '/ome')
    """
    if not isinstance(attrs, Mapping):
        return {}, ""
    ome = attrs.get("ome")
    return (ome, "/ome") if isinstance(ome, Mapping) else (attrs, "")


def images(attrs: object, wanted: Demands | None) -> list[ImageFacts]:
    """The images of a group: one for each entry of ``multiscales``."""
    block, pointer = part(attrs)
    channels = _channels(block)
    found: list[ImageFacts] = []
    for number, entry in objects(block.get("multiscales")):
        here = pointed(pointed(pointer, "multiscales"), number)
        axes, along = _axes(entry, wanted)
        levels = tuple(_levels(entry, here, len(axes) if axes else None))
        told = None if found else channels
        found.append(ImageFacts(axes, levels, told, along, here))
    return found


def objects(value: object) -> Iterator[tuple[int, Mapping[str, object]]]:
    """The objects of a list, and where in it they are."""
    if isinstance(value, list):
        for number, entry in enumerate(value[:MOST_CHILDREN]):
            if isinstance(entry, Mapping):
                yield number, entry


def texts(value: object) -> Iterator[tuple[int, str]]:
    """The texts of a list, and where in it they are."""
    if isinstance(value, list):
        for number, entry in enumerate(value[:MOST_CHILDREN]):
            if isinstance(entry, str):
                yield number, entry


def _channels(block: Mapping[str, object]) -> int | None:
    omero = block.get("omero")
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    return len(channels) if isinstance(channels, list) else None


def _axes(
    entry: Mapping[str, object], wanted: Demands | None
) -> tuple[tuple[str, ...] | None, int | None]:
    """Names of the axes, and which of them has channels."""
    if wanted is not None and wanted.dims is not None:
        return wanted.dims, wanted.dims.index("c")
    axes = entry.get("axes")
    if wanted is not None and wanted.systems:
        axes = _system_axes(entry)
    if not isinstance(axes, list) or not 0 < len(axes) <= _MOST_AXES:
        return None, None
    # Before axes were objects they were names.
    told = [axis if isinstance(axis, Mapping) else {"name": axis} for axis in axes]
    names = [axis.get("name") for axis in told]
    along = [i for i, axis in enumerate(told) if axis.get("type") == "channel"]
    along += [i for i, name in enumerate(names) if name == "c"]
    if not all(isinstance(name, str) for name in names):
        return None, None
    return tuple(str(name) for name in names), along[0] if along else None


def _system_axes(entry: Mapping[str, object]) -> object:
    """The axes of the system that the levels are in."""
    systems = [system for _, system in objects(entry.get("coordinateSystems"))]
    wanted = intrinsic(entry)
    for system in systems:
        if wanted is not None and system.get("name") == wanted:
            return system.get("axes")
    return systems[0].get("axes") if len(systems) == 1 else None


def intrinsic(entry: Mapping[str, object]) -> str | None:
    """The name of the system that the first level is transformed into."""
    for _, dataset in objects(entry.get("datasets")):
        for _, transform in objects(dataset.get("coordinateTransformations")):
            output = transform.get("output")
            name = output.get("name") if isinstance(output, Mapping) else output
            return name if isinstance(name, str) else None
    return None


def _levels(
    entry: Mapping[str, object], pointer: str, ndim: int | None
) -> Iterator[Level]:
    for number, dataset in objects(entry.get("datasets")):
        path = dataset.get("path")
        if number >= MOST_LEVELS:
            return
        if not isinstance(path, str):
            continue
        here = f"{pointer}/datasets/{number}/path"
        scale, translation = _steps(dataset.get("coordinateTransformations"), ndim)
        yield Level(path, here, scale, translation)


def _steps(
    value: object, ndim: int | None
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Scale and translation of a list of transformations, where it has them."""
    scale: tuple[float, ...] | None = None
    translation: tuple[float, ...] | None = None
    steps = [step for _, step in objects(value)]
    if len(steps) == 1 and steps[0].get("type") == "sequence":
        steps = [step for _, step in objects(steps[0].get("transformations"))]
    for step in steps:
        kind = step.get("type")
        if kind == "identity" and ndim is not None and scale is None:
            scale = (1.0,) * ndim
        if kind == "scale" and scale is None:
            scale = _numbers(step.get("scale"), ndim)
        if kind == "translation" and translation is None:
            translation = _numbers(step.get("translation"), ndim)
    return scale, translation


def _numbers(value: object, ndim: int | None) -> tuple[float, ...] | None:
    """Numbers that can be reckoned with, one per axis."""
    if not isinstance(value, list) or len(value) != ndim:
        return None
    found = []
    for number in value:
        if type(number) not in (int, float):
            return None
        try:
            plain = float(number)
        except OverflowError:
            return None
        if not math.isfinite(plain):
            return None
        found.append(plain)
    return tuple(found)


def label_values(attrs: object) -> tuple[list[tuple[str, int]], set[int] | None]:
    """Values that ``image-label`` tells of, with pointers; and those with a colour.

    The second is None where there are no colours.
    """
    block, pointer = part(attrs)
    label = block.get("image-label")
    if not isinstance(label, Mapping):
        return [], None
    told: list[tuple[str, int]] = []
    for key in ("colors", "properties"):
        for number, entry in objects(label.get(key)):
            value = entry.get("label-value")
            if type(value) is int:
                where = f"{pointer}/image-label/{key}/{number}/label-value"
                told.append((where, value))
    colours = [entry.get("label-value") for _, entry in objects(label.get("colors"))]
    known = {value for value in colours if type(value) is int}
    return told, known if isinstance(label.get("colors"), list) else None


def source(attrs: object) -> str | None:
    """The path of the image that a label image tells; None if it tells none."""
    block, _ = part(attrs)
    label = block.get("image-label")
    told = label.get("source") if isinstance(label, Mapping) else None
    path = told.get("image") if isinstance(told, Mapping) else None
    return path if isinstance(path, str) else None


def names_of(entries: object) -> Sequence[str]:
    """The names of objects in a list, such as rows of a plate."""
    found = [entry.get("name") for _, entry in objects(entries)]
    return [name for name in found if isinstance(name, str)]
