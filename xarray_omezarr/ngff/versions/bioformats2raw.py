"""Collections, spelled alike by all versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.base import given, listed
from xarray_omezarr.ngff.bioformats2raw import (
    Bioformats2Raw,
    Series,
    check_layout,
    check_series,
)
from xarray_omezarr.ngff.versions.tolerant import read_paths

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.document import Place

_LAYOUT = "bioformats2raw.layout"


def read_layout(place: Place, version: str) -> Bioformats2Raw:
    """The root of a collection, an object with ``bioformats2raw.layout``."""
    parts = {
        **place.unknown(frozenset({_LAYOUT, "version"}), Bioformats2Raw),
        _LAYOUT: place[_LAYOUT].value,
    }
    return Bioformats2Raw.parse(parts, place.pointer)


def spell_layout(root: Bioformats2Raw, version: str) -> dict[str, Any]:
    """The object of the root of a collection."""
    if problems := check_layout(root):
        raise MetadataError(f"The collection cannot be written: {listed(problems)}")
    return given(root.members())


def read_series(place: Place, version: str) -> Series:
    """The list of images of an object with ``series``."""
    parts = {
        **place.unknown(frozenset({"series", "version"}), Series),
        "series": read_paths(place["series"], Series, "series"),
    }
    return Series.parse(parts, place.pointer)


def spell_series(group: Series, version: str) -> dict[str, Any]:
    """The object of the group ``OME`` of a collection."""
    if problems := check_series(group):
        raise MetadataError(f"The collection cannot be written: {listed(problems)}")
    return given(group.members())
