"""Version 0.5: Zarr v3, everything under the key ``ome``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xarray_omezarr.ngff.plain import plain
from xarray_omezarr.ngff.versions.names import without_correction
from xarray_omezarr.ngff.versions.protocol import Features

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.document import Place
    from xarray_omezarr.ngff.versions.protocol import Metadata

_NAME = "0.5"
_FEATURES = Features(zarr_format=3, sharding=True, namespace=True)


@dataclass(frozen=True, slots=True)
class Version05:
    """OME-Zarr 0.5."""

    name: str = _NAME
    features: Features = _FEATURES

    def fitted(self, model: Metadata) -> tuple[Metadata, tuple[str, ...]]:
        """The model with one unnamed coordinate system, and what it lost."""
        from xarray_omezarr.ngff.versions.fitted import without_systems

        return without_systems(model)

    def to_attrs(self, model: Metadata) -> dict[str, Any]:
        """All attributes of the group: one, that holds the version and the rest."""
        from xarray_omezarr.ngff.versions.kinds import spell_metadata

        ome = {"version": self.name, **spell_metadata(model, self.name)}
        result: dict[str, Any] = plain({"ome": ome})
        return result

    def from_attrs(self, attrs: Mapping[str, Any]) -> Metadata:
        """What the attributes of a group say; those of others are not looked at."""
        from xarray_omezarr.ngff.versions.document import Place
        from xarray_omezarr.ngff.versions.kinds import read_metadata

        document = Place(attrs)["ome"]
        if _has_labels_outside(attrs):
            document = _with_labels(document, attrs)
        version = document["version"]
        told = version.value
        # RULES L3: the version is given. Lists of labels in use lack it.
        if told is None and "labels" in document.members():
            version.note("is not given")
        elif not isinstance(told, str) or without_correction(told) != self.name:
            raise version.error(f"give {self.name!r}, the version it is read as")
        model = read_metadata(document, self.name)
        document.warn()
        return model

    def foreign(self, attrs: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that are not the standard's."""
        ours = {"ome", "labels"} if _has_labels_outside(attrs) else {"ome"}
        return {key: value for key, value in attrs.items() if key not in ours}


def _has_labels_outside(attrs: Mapping[str, Any]) -> bool:
    """Whether a list of labels stands where it stood before this version.

    Programs in use write it so. Elsewhere ``labels`` is a word of others.
    """
    if not isinstance(attrs.get("labels"), list):
        return False
    from xarray_omezarr.ngff.versions.document import Place
    from xarray_omezarr.ngff.versions.kinds import tells_a_kind

    return not tells_a_kind(Place(attrs.get("ome")))


def _with_labels(document: Place, attrs: Mapping[str, Any]) -> Place:
    document.notes.append("/labels stands outside /ome")
    told = document.value if isinstance(document.value, dict) else {}
    # Beside such a list the version is often missing, too.
    members = {"version": _NAME, **told, "labels": attrs["labels"]}
    return type(document)(members, document.pointer, document.notes)
