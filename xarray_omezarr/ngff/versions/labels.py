"""Labels, spelled alike by all versions but for where they tell their version."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.base import given, listed
from xarray_omezarr.ngff.labels import (
    ImageLabel,
    LabelColor,
    LabelImage,
    LabelProperties,
    LabelsGroup,
    LabelSource,
    check_image_label,
    check_labels,
)
from xarray_omezarr.ngff.versions.datasets import read_image, spell_image
from xarray_omezarr.ngff.versions.tolerant import (
    check_told,
    read_entries,
    read_object,
    read_paths,
)

if TYPE_CHECKING:
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.ngff.versions.document import Place

_KEY = "image-label"
_IMAGE_LABEL = frozenset({"colors", "properties", "source", "version"})
_LABELS = frozenset({"labels", "version"})


def read_label_image(
    place: Place, version: str, read: Callable[[Place], Image] = read_image
) -> LabelImage:
    """The label image of an object with ``multiscales`` and ``image-label``."""
    image = read(place.without(_KEY))
    label = _read_image_label(place[_KEY], version)
    return LabelImage(**{**dict(image), **image.extras()}, image_label=label)


def _read_image_label(place: Place, version: str) -> ImageLabel:
    try:
        place.members()
    except MetadataError:
        place.note("is left out: image-label is an object")
        return ImageLabel()
    check_told(place["version"], version)
    parts = {
        **place.unknown(_IMAGE_LABEL, ImageLabel),
        "colors": read_entries(place["colors"], _read_color),
        "properties": read_entries(place["properties"], _read_properties),
        "source": _read_source(place["source"]),
    }
    return ImageLabel.parse(parts, place.pointer)


def _read_color(place: Place) -> LabelColor:
    return read_object(place, LabelColor, "label-value")


def _read_properties(place: Place) -> LabelProperties:
    return read_object(place, LabelProperties, "label-value")


def _read_source(place: Place) -> LabelSource | None:
    if place.value is None:
        return None
    try:
        return read_object(place, LabelSource)
    except MetadataError:
        place.note("is left out: source is an object")
        return None


def spell_label_image(
    image: LabelImage,
    version: str,
    spell: Callable[[Image, str], dict[str, Any]] = spell_image,
) -> dict[str, Any]:
    """The object of a label image: that of an image, and ``image-label``."""
    label = image.image_label
    if problems := check_image_label(label):
        raise MetadataError(f"{image.summary()} cannot be written: {listed(problems)}")
    # RULES B8: always written, since it is what tells a label image; B12: with the
    # version.
    members = {k: v for k, v in label.members().items() if k != "version"}
    spelled = {"version": version, **members}
    return {**spell(image.image, version), _KEY: spelled}


def read_labels_group(place: Place, version: str) -> LabelsGroup:
    """The list of label images of an object with ``labels``."""
    parts = {
        **place.unknown(_LABELS, LabelsGroup),
        "labels": read_paths(place["labels"], LabelsGroup, "labels"),
    }
    return LabelsGroup.parse(parts, place.pointer)


def spell_labels_group(group: LabelsGroup, version: str) -> dict[str, Any]:
    """The object of the group of the label images."""
    if problems := check_labels(group):
        raise MetadataError(f"The labels cannot be written: {listed(problems)}")
    return given(group.members())
