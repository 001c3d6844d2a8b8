"""What must agree across nodes: levels with the image that lists them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from xarray_omezarr.errors import some
from xarray_omezarr.ngff.rules.finding import Finding, Severity

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.facts import ImageFacts, Level
    from xarray_omezarr.ngff.rules.stored import Stored
    from xarray_omezarr.ngff.versions.demands import Demands

# Sizes of levels are rounded once per level: down, up or to the nearest.
_ROUNDED = 1.001
# Scales are written with some digits only.
_RELATIVE = 1e-3


def join(path: str, name: str) -> str:
    """The path of a node below another."""
    return f"{path}/{name}" if path else name


def clause(wanted: Demands | None, words: str, severity: Severity) -> str:
    """The rule as findings cite it: version, section, words, and how strong it is."""
    strength = "MUST" if severity == "error" else "SHOULD"
    version = f" {wanted.version}" if wanted else ""
    return f"OME-Zarr{version}, {words} ({strength})"


def check_levels(
    path: str, image: ImageFacts, arrays: Mapping[str, Stored], wanted: Demands
) -> Iterator[Finding]:
    """Whether the arrays of the levels are as their image says.

    Parameters
    ----------
    path : str
        Of the image.
    image : ImageFacts
        What it says.
    arrays : mapping
        Of its levels that are arrays, by the path of the level.
    wanted : Demands
        What the version demands.
    """
    present = [level for level in image.levels if level.path in arrays]
    for level in present:
        yield from _check_level(
            join(path, level.path), image, arrays[level.path], wanted
        )
    yield from _check_alike(path, present, arrays, wanted)
    yield from _check_order(path, image, present, arrays, wanted)
    yield from _check_scales(path, image, present, arrays, wanted)
    if present:
        yield from _check_channels(path, image, arrays[present[0].path], wanted)


def _check_level(
    path: str, image: ImageFacts, array: Stored, wanted: Demands
) -> Iterator[Finding]:
    axes = image.axes
    if array.shape is not None and axes is not None and len(array.shape) != len(axes):
        yield Finding(
            "error",
            path,
            "",
            f"the array has {len(array.shape)} dims, and its image {len(axes)} axes "
            f"({', '.join(axes)})",
            clause(wanted, "axes: as many as dims of the arrays", "error"),
            seen=f"shape {list(array.shape)}",
            remedy="give the image one axis per dim of its arrays",
        )
    elif axes is not None and wanted.dimension_names is not None:
        yield from _check_names(path, axes, array, wanted)
    if wanted.separator and array.separator not in (None, wanted.separator):
        yield Finding(
            "warning",
            path,
            "",
            f"keys of chunks have {array.separator!r} between indices instead of "
            f"{wanted.separator!r}",
            clause(wanted, "storage: keys of chunks are nested, or are not", "warning"),
            seen=repr(array.separator),
            remedy=f"write with dimension_separator={wanted.separator!r}",
        )


def _check_names(
    path: str, axes: Sequence[str], array: Stored, wanted: Demands
) -> Iterator[Finding]:
    names = array.names
    severity = wanted.dimension_names if names is None else wanted.other_names
    if names == tuple(axes) or severity is None:
        return
    told = "none" if names is None else ", ".join(map(str, names))
    yield Finding(
        severity,
        path,
        "",
        f"dimension_names are {told}, and the axes of the image {', '.join(axes)}",
        clause(wanted, "storage: dimension_names of levels are the axes", severity),
        seen=told,
        remedy=f"set dimension_names of the array to {list(axes)}",
    )


def _check_alike(
    path: str, levels: Sequence[Level], arrays: Mapping[str, Stored], wanted: Demands
) -> Iterator[Finding]:
    """Whether all levels have the data type, and the number of dims, of the first."""
    if not levels:
        return
    first = arrays[levels[0].path]
    for level in levels[1:]:
        array = arrays[level.path]
        here = join(path, level.path)
        if first.dtype and array.dtype and first.dtype != array.dtype:
            yield Finding(
                wanted.dtype,
                here,
                "",
                f"the array is of {array.dtype}, and level {levels[0].path!r} of "
                f"{first.dtype}",
                clause(wanted, "multiscales: levels have one data type", wanted.dtype),
                seen=array.dtype,
                remedy="write all levels with the data type of the first",
            )
        if first.shape and array.shape and len(first.shape) != len(array.shape):
            yield Finding(
                "error",
                here,
                "",
                f"the array has {len(array.shape)} dims, and level {levels[0].path!r} "
                f"{len(first.shape)}",
                clause(wanted, "multiscales: levels have one number of dims", "error"),
                seen=f"shape {list(array.shape)}",
                remedy="write all levels with the dims of the first",
            )


def _check_order(
    path: str,
    image: ImageFacts,
    levels: Sequence[Level],
    arrays: Mapping[str, Stored],
    wanted: Demands,
) -> Iterator[Finding]:
    """Whether levels go from the finest to the coarsest."""
    for finer, level in itertools.pairwise(levels):
        before, after = arrays[finer.path].shape, arrays[level.path].shape
        if before is None or after is None or len(before) != len(after):
            continue
        pairs = [*zip(before, after, strict=True)]
        if not any(b > a for a, b in pairs):
            continue
        severity: Severity = "warning" if any(b < a for a, b in pairs) else "error"
        yield Finding(
            severity,
            path,
            level.pointer,
            f"level {level.path!r} has more pixels ({list(after)}) than the one before "
            f"it ({list(before)})",
            clause(
                wanted,
                "multiscales: datasets go from the finest to the coarsest",
                severity,
            ),
            seen=level.path,
            remedy="list the levels from the finest to the coarsest",
        )


def _check_scales(
    path: str,
    image: ImageFacts,
    levels: Sequence[Level],
    arrays: Mapping[str, Stored],
    wanted: Demands,
) -> Iterator[Finding]:
    """Whether levels cover the same space: size times scale is that of the first."""
    if len(levels) < 2 or image.axes is None:
        return
    first = levels[0]
    shape = arrays[first.path].shape
    for level in levels[1:]:
        sizes = arrays[level.path].shape
        scales = first.scale, level.scale
        if shape is None or sizes is None or scales[0] is None or scales[1] is None:
            continue
        if not len(shape) == len(sizes) == len(image.axes) == len(scales[0]):
            continue
        off = [
            f"{name}: {size} pixels instead of about {whole / coarse:g}"
            for name, whole, size, coarse in _ratios(
                image.axes, shape, sizes, scales[0], scales[1]
            )
            if abs(size - whole / coarse) > _ROUNDED + _RELATIVE * whole / coarse
        ]
        if off:
            yield Finding(
                "warning",
                path,
                level.pointer,
                f"the scale of level {level.path!r} does not fit its array: "
                f"{some(off)}",
                clause(
                    wanted,
                    "multiscales: scales of levels are those of their arrays",
                    "warning",
                ),
                seen=f"shape {list(sizes)}",
                remedy="give the level the scale by which its array was made smaller",
            )


def _ratios(
    axes: Sequence[str],
    shape: Sequence[int],
    sizes: Sequence[int],
    fine: Sequence[float],
    coarse: Sequence[float],
) -> Iterator[tuple[str, int, int, float]]:
    """Per axis: its name, both sizes, and by how much the second is coarser."""
    for each in zip(axes, shape, sizes, fine, coarse, strict=True):
        if each[3] != 0 and each[4] / each[3] > 0:
            yield *each[:3], each[4] / each[3]


def _check_channels(
    path: str, image: ImageFacts, array: Stored, wanted: Demands
) -> Iterator[Finding]:
    if image.channels is None or image.axes is None or array.shape is None:
        return
    if len(image.axes) != len(array.shape):
        return
    along = image.channel_axis
    count = 1 if along is None else array.shape[along]
    if image.channels == count:
        return
    pointer = image.pointer.partition("/multiscales")[0]
    what = "the image has no axis of channels"
    if along is not None:
        what = f"axis {image.axes[along]} has {count}"
    yield Finding(
        "warning",
        path,
        f"{pointer}/omero/channels",
        f"omero describes {image.channels} channels, and {what}",
        clause(wanted, "omero: one entry per channel", "warning"),
        seen=str(image.channels),
        remedy="describe each channel of the image, and no other",
    )
