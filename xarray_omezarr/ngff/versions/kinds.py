"""Kinds of groups: a group's keys tell its model, and its model how it is spelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import NotInVersionError
from xarray_omezarr.ngff.bioformats2raw import Bioformats2Raw, Series
from xarray_omezarr.ngff.labels import LabelImage, LabelsGroup
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.plate import Plate, Well
from xarray_omezarr.ngff.versions.bioformats2raw import (
    read_layout,
    read_series,
    spell_layout,
    spell_series,
)
from xarray_omezarr.ngff.versions.datasets import read_image, spell_image
from xarray_omezarr.ngff.versions.labels import (
    read_label_image,
    read_labels_group,
    spell_label_image,
    spell_labels_group,
)
from xarray_omezarr.ngff.versions.plate import (
    read_plate,
    read_well,
    spell_plate,
    spell_well,
)

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.document import Place
    from xarray_omezarr.ngff.versions.protocol import Metadata

# The first row whose keys are all there tells the kind: a plate may be a collection
# as well (RULES F5), a label image is an image.
_READERS: tuple[tuple[tuple[str, ...], Callable[[Place, str], Metadata]], ...] = (
    (("multiscales", "image-label"), read_label_image),
    (("multiscales",), lambda place, version: read_image(place)),
    (("plate",), read_plate),
    (("well",), read_well),
    (("labels",), read_labels_group),
    (("bioformats2raw.layout",), read_layout),
    (("series",), read_series),
)
_SPELLERS: dict[type[Any], Callable[[Any, str], dict[str, Any]]] = {
    LabelImage: spell_label_image,
    Image: spell_image,
    Plate: spell_plate,
    Well: spell_well,
    LabelsGroup: spell_labels_group,
    Bioformats2Raw: spell_layout,
    Series: spell_series,
}


def tells_a_kind(place: Place) -> bool:
    """Whether an object has what tells the kind of a group."""
    members = place.value if isinstance(place.value, dict) else {}
    return any(members.get(key) is not None for keys, _ in _READERS for key in keys)


def read_metadata(place: Place, version: str) -> Metadata:
    """What an object of the standard says, whatever it is about."""
    members = place.members()
    for keys, read in _READERS:
        if all(members.get(key) is not None for key in keys):
            return read(place, version)
    return read_image(place)


def spell_metadata(model: Metadata, version: str) -> dict[str, Any]:
    """The object of a group, not yet plain JSON.

    Raises
    ------
    NotInVersionError
        If there is no place for it in these versions.
    MetadataError
        If it breaks a MUST that readers forgive and writers may not.
    """
    for kind, spell in _SPELLERS.items():
        if isinstance(model, kind):
            return spell(model, version)
    raise NotInVersionError(
        f"OME-Zarr {version} has no place for a {type(model).__name__}; choose a "
        "later version="
    )
