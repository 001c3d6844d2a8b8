"""The object under the key ``ome``, and what programs in use put beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.ngff.versions.names import as_text, is_draft, without_correction

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.document import Place


def document_of(attrs: Mapping[str, Any], version: str) -> Place:
    """The object of the standard in the attributes of a group, of this version.

    Raises
    ------
    MetadataError
        If it tells another version.
    """
    from xarray_omezarr.ngff.versions.document import Place

    document = Place(attrs)["ome"]
    if has_labels_outside(attrs):
        document = _with_labels(document, attrs, version)
    place = document["version"]
    told = as_text(place.value)
    # RULES L3: the version is given. The key itself tells that it is none before.
    if told is None:
        place.note(f"is not given, and read as {version!r}")
    elif not isinstance(told, str) or without_correction(told) != version:
        raise place.error(f"give {version!r}, the version it is read as")
    elif told is not place.value:
        place.note("is a number, and read as text")
    elif is_draft(told):
        place.note(
            f"is a draft, read as {version!r}: what it says in another way may "
            "be misread"
        )
    return document


def foreign_attrs(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a group that are not the standard's."""
    ours = {"ome", "labels"} if has_labels_outside(attrs) else {"ome"}
    return {key: value for key, value in attrs.items() if key not in ours}


def has_labels_outside(attrs: Mapping[str, Any]) -> bool:
    """Whether a list of labels stands where it stood before there was ``ome``.

    Programs in use write it so. Elsewhere ``labels`` is a word of others.
    """
    if not isinstance(attrs.get("labels"), list):
        return False
    from xarray_omezarr.ngff.versions.document import Place
    from xarray_omezarr.ngff.versions.kinds import tells_a_kind

    return not tells_a_kind(Place(attrs.get("ome")))


def _with_labels(document: Place, attrs: Mapping[str, Any], version: str) -> Place:
    document.notes.append("/labels stands outside /ome")
    told = document.value if isinstance(document.value, dict) else {}
    # Beside such a list the version is often missing, too.
    members = {"version": version, **told, "labels": attrs["labels"]}
    return type(document)(members, document.pointer, document.notes)
