"""What must agree across nodes: label images with the image they are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xarray_omezarr.errors import some
from xarray_omezarr.ngff.rules.across import clause, join
from xarray_omezarr.ngff.rules.facts import ImageFacts, Level, label_values, part
from xarray_omezarr.ngff.rules.finding import Finding, Severity

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.stored import Stored
    from xarray_omezarr.ngff.versions.demands import Demands

# Coarser levels of labels and images are made by different methods, which may shift
# them by less than half a pixel.
_HALF = 0.5
_RELATIVE = 1e-6


@dataclass(frozen=True, slots=True)
class Leveled:
    """An image and the arrays of its levels that are there, by path of the level."""

    path: str
    image: ImageFacts
    arrays: Mapping[str, Stored]


def check_is_label(path: str, attrs: object, wanted: Demands) -> Iterator[Finding]:
    """Whether an image that is listed as labels says so itself (RULES B8)."""
    block, above = part(attrs)
    if "multiscales" in block and "image-label" not in block:
        yield Finding(
            "warning",
            path,
            above,
            "the image is listed as labels, and has no 'image-label'",
            clause(wanted, "image-label: label images have it", "warning"),
            remedy="add 'image-label', which may be empty",
        )


def check_between(path: str, attrs: object, wanted: Demands) -> Iterator[Finding]:
    """Whether a group between a list of labels and its images says nothing (RULES B3).

    Attributes of others are not meant.
    """
    severity = wanted.metadata_between
    if severity is None or not isinstance(attrs, Mapping) or "ome" not in attrs:
        return
    block, _ = part(attrs)
    told = some([*map(str, block)])
    yield Finding(
        severity,
        path,
        "/ome",
        "the group lies between the list of labels and a label image, and has metadata "
        f"itself: {told or 'none that says anything'}",
        clause(wanted, "labels: groups between have no metadata", severity),
        seen=told,
        remedy="list the images below it in a group labels, or remove its metadata",
    )


def check_label_arrays(
    label: Leveled, attrs: object, wanted: Demands
) -> Iterator[Finding]:
    """Whether a label image is stored as integers that hold the values it tells."""
    for level in label.image.levels:
        array = label.arrays.get(level.path)
        if array is None or array.dtype is None or array.is_integer:
            continue
        yield Finding(
            "error",
            join(label.path, level.path),
            "",
            f"the array of a label image is of {array.dtype}, not of integers",
            clause(wanted, "labels: integers of 8 to 64 bits", "error"),
            seen=array.dtype,
            remedy="write the labels as integers, such as uint32",
        )
    arrays = [label.arrays.get(level.path) for level in label.image.levels[:1]]
    for array in arrays:
        if array is None:
            continue
        for pointer, value in label_values(attrs)[0]:
            if not array.holds(value):
                yield Finding(
                    "warning",
                    label.path,
                    pointer,
                    f"no pixel of {array.dtype} can have the value {value}",
                    clause(
                        wanted, "image-label: values are those of pixels", "warning"
                    ),
                    seen=str(value),
                    remedy="leave the value out, or write a wider data type",
                )


def check_label_against_image(
    label: Leveled, image: Leveled, wanted: Demands
) -> Iterator[Finding]:
    """Whether levels, dims, sizes and scales of labels are those of their image."""
    ours, theirs = label.image, image.image
    if len(ours.levels) != len(theirs.levels):
        yield Finding(
            "error",
            label.path,
            f"{ours.pointer}/datasets",
            f"the label image has {len(ours.levels)} levels, and its image "
            f"{len(theirs.levels)}",
            clause(wanted, "labels: as many levels as the image", "error"),
            seen=str(len(ours.levels)),
            remedy="write the labels with the levels of the image",
        )
    if ours.axes is None or theirs.axes is None:
        return
    yield from _check_dims(label, image, wanted)
    for number, pair in enumerate(zip(ours.levels, theirs.levels, strict=False)):
        yield from _check_sizes(label, image, pair, number, wanted)
        yield from _check_grids(label, image, pair, number, wanted)


def _check_dims(label: Leveled, image: Leveled, wanted: Demands) -> Iterator[Finding]:
    ours, theirs = label.image.axes or (), image.image.axes or ()
    foreign = [name for name in ours if name not in theirs]
    missing = [name for name in theirs if name not in ours]
    words = []
    if foreign:
        words.append(f"has axes that its image has not: {', '.join(foreign)}")
    if missing:
        words.append(f"lacks axes of its image: {', '.join(missing)}")
    if words:
        yield Finding(
            "warning",
            label.path,
            label.image.pointer,
            f"the label image {' and '.join(words)}",
            clause(wanted, "labels: the dims of the image", "warning"),
            seen=", ".join(ours),
            remedy=f"write the labels with the dims {', '.join(theirs)}, of size 1 "
            "where they do not matter",
        )


def _check_sizes(
    label: Leveled,
    image: Leveled,
    pair: tuple[Level, Level],
    number: int,
    wanted: Demands,
) -> Iterator[Finding]:
    sizes = _sizes(label, pair[0]), _sizes(image, pair[1])
    off = [
        f"{size} along {name} instead of {sizes[1][name]} or 1"
        for name, size in sizes[0].items()
        if name in sizes[1] and size not in (1, sizes[1][name])
    ]
    if off:
        severity: Severity = "warning" if number else "error"
        yield Finding(
            severity,
            join(label.path, pair[0].path),
            "",
            f"the array of a label image has {some(off)}",
            clause(wanted, "labels: each dim is that of the image or 1", severity),
            seen=f"shape {list(sizes[0].values())}",
            remedy="write labels of the size of their image",
        )


def _sizes(of: Leveled, level: Level) -> dict[str, int]:
    array, axes = of.arrays.get(level.path), of.image.axes
    if array is None or array.shape is None or axes is None:
        return {}
    return dict(zip(axes, array.shape, strict=False))


def _check_grids(
    label: Leveled,
    image: Leveled,
    pair: tuple[Level, Level],
    number: int,
    wanted: Demands,
) -> Iterator[Finding]:
    """Whether pixels of labels lie on those of the image."""
    grids = _grid(label, pair[0]), _grid(image, pair[1])
    sizes = _sizes(label, pair[0])
    off = []
    for name in grids[0].keys() & grids[1].keys():
        if sizes.get(name) == 1:
            continue
        (scale, start), (theirs, origin) = grids[0][name], grids[1][name]
        if abs(scale - theirs) > _RELATIVE * abs(theirs):
            off.append(f"scale {scale:g} along {name} instead of {theirs:g}")
        # At the finest level pixels are the same ones.
        elif abs(start - origin) > (_HALF if number else _RELATIVE) * abs(theirs) * (
            1 + _RELATIVE
        ):
            off.append(f"translation {start:g} along {name} instead of {origin:g}")
    if off:
        yield Finding(
            "warning",
            label.path,
            pair[0].pointer,
            f"level {pair[0].path!r} of the labels does not lie on that of the image: "
            f"{some(sorted(off))}",
            clause(wanted, "labels: pixels are those of the image", "warning"),
            seen="",
            remedy="give the labels the scale and translation of their image",
        )


def _grid(of: Leveled, level: Level) -> dict[str, tuple[float, float]]:
    axes, scale = of.image.axes, level.scale
    if axes is None or scale is None:
        return {}
    starts = level.translation or (0.0,) * len(scale)
    pairs = zip(scale, starts, strict=False)
    return dict(zip(axes, pairs, strict=False))
