"""Transformations of an image that lead to its label images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from xarray_omezarr.errors import MetadataError, raise_together, warn
from xarray_omezarr.ngff.named import within

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.options import WriteOptions


def with_labels_there(
    planned: Hierarchy, labels: Mapping[str, Hierarchy], options: WriteOptions
) -> Hierarchy:
    """The image, whose transformations lead to label images that are written with it.

    Those that were read and lead to others are left out with a warning (RULES C7).

    Parameters
    ----------
    planned : Hierarchy
        The image.
    labels : mapping
        Its label images by path.
    options : WriteOptions
        All of them.

    Raises
    ------
    MetadataError
        If those that are asked for lead to others.
    """
    image = planned.image()
    picture = image.multiscale
    if not picture.coordinate_transformations:
        return planned
    lost = {
        index: missing
        for index, way in enumerate(picture.coordinate_transformations)
        if (missing := [*_missing(way, labels)])
    }
    if not lost:
        return planned
    told = [text for missing in lost.values() for text in missing]
    if options["transforms"] is not None:
        problems = [
            MetadataError(
                f"A transformation leads to {text}, and the systems of the label "
                f"images that are written with this image are {[*_known(labels)]}: "
                "give the label image with labels=, or leave the transformation out"
            )
            for text in told
        ]
        raise_together(problems, "transforms do not fit the labels of this image")
    warn(
        f"Transformations that lead to {', '.join(told)} are left out: no such label "
        "image is written"
    )
    ways = tuple(
        way
        for index, way in enumerate(picture.coordinate_transformations)
        if index not in lost
    )
    changed = picture.model_copy(update={"coordinate_transformations": ways})
    pictures = (changed, *image.multiscales[1:])
    model = image.model_copy(update={"multiscales": pictures})
    root = replace(planned.group(""), model=model)
    return replace(planned, nodes={**planned.nodes, "": root})


def _missing(way: Transformation, labels: Mapping[str, Hierarchy]) -> Iterator[str]:
    known = {*_known(labels)}
    for end in (way.input, way.output):
        if end is not None and end.path is not None:
            told = f"{end.name!r} of {within(end.path)!r}"
            if told not in known:
                yield told


def _known(labels: Mapping[str, Hierarchy]) -> Iterator[str]:
    for path, label in labels.items():
        for system in label.image().multiscale.coordinate_systems:
            yield f"{system.name!r} of {path!r}"
