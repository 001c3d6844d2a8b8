"""Version 0.5: Zarr v3, everything under the key ``ome``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xarray_omezarr.ngff.plain import plain
from xarray_omezarr.ngff.versions.namespace import document_of, foreign_attrs
from xarray_omezarr.ngff.versions.protocol import Features

if TYPE_CHECKING:
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
        from xarray_omezarr.ngff.versions.kinds import read_metadata

        document = document_of(attrs, self.name)
        model = read_metadata(document, self.name)
        document.warn()
        return model

    def foreign(self, attrs: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that are not the standard's."""
        return foreign_attrs(attrs)
