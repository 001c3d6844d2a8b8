"""Version 0.4: Zarr v2, the keys of the standard beside those of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xarray_omezarr.ngff.plain import plain
from xarray_omezarr.ngff.versions.protocol import Features

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.document import Place
    from xarray_omezarr.ngff.versions.protocol import Metadata

_NAME = "0.4"
_FEATURES = Features(zarr_format=2, sharding=False)

_KEYS = frozenset({"multiscales", "omero", "image-label", "bioformats2raw.layout"})
# Everyday words, which programs use for things of their own as well.
_WORDS: dict[str, type] = {"plate": dict, "well": dict, "labels": list, "series": list}


@dataclass(frozen=True, slots=True)
class Version04:
    """OME-Zarr 0.4."""

    name: str = _NAME
    features: Features = _FEATURES

    def fitted(self, model: Metadata) -> tuple[Metadata, tuple[str, ...]]:
        """The model with one unnamed coordinate system, and what it lost."""
        from xarray_omezarr.ngff.versions.fitted import without_systems

        return without_systems(model)

    def to_attrs(self, model: Metadata) -> dict[str, Any]:
        """All attributes of the group; most blocks tell the version."""
        from xarray_omezarr.ngff.versions.kinds import spell_metadata

        attrs = spell_metadata(model, self.name)
        if "multiscales" in attrs:
            # RULES M7: only a SHOULD, but readers exist that cannot do without.
            attrs["multiscales"] = [
                {"version": self.name, **entry} for entry in attrs["multiscales"]
            ]
        result: dict[str, Any] = plain(attrs)
        return result

    def from_attrs(self, attrs: Mapping[str, Any]) -> Metadata:
        """What the attributes of a group say; those of others are not looked at."""
        from xarray_omezarr.ngff.versions.document import Place
        from xarray_omezarr.ngff.versions.kinds import read_metadata

        document = Place(standard_part(attrs))
        if "multiscales" in document.members():
            self._check_versions(document["multiscales"])
        model = read_metadata(document, self.name)
        document.warn()
        return model

    def _check_versions(self, multiscales: Place) -> None:
        from xarray_omezarr.ngff.versions.tolerant import check_version

        for entry in multiscales.items():
            check_version(entry["version"], self.name)

    def foreign(self, attrs: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that are not the standard's."""
        ours = standard_part(attrs)
        if attrs.get("version") == self.name:
            # Writers in use repeat the version there, where it is no part of the
            # standard; in a group of another version it would be wrong.
            ours["version"] = self.name
        return {key: value for key, value in attrs.items() if key not in ours}


def standard_part(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that are the standard's."""
    return {
        key: value
        for key, value in attrs.items()
        if key in _KEYS or (key in _WORDS and isinstance(value, _WORDS[key]))
    }
