"""Version 0.6: Zarr v3, coordinate systems with names and ways between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xarray_omezarr.ngff.plain import plain
from xarray_omezarr.ngff.versions.namespace import document_of, foreign_attrs
from xarray_omezarr.ngff.versions.protocol import Features

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Metadata

_NAME = "0.6"
_FEATURES = Features(zarr_format=3, sharding=True, namespace=True, systems=True)


@dataclass(frozen=True, slots=True)
class Version06:
    """OME-Zarr 0.6."""

    name: str = _NAME
    features: Features = _FEATURES

    def fitted(self, model: Metadata) -> tuple[Metadata, tuple[str, ...]]:
        """The model with all that moves it in its levels; hardly anything is lost."""
        from xarray_omezarr.ngff.versions.systems_fitted import with_systems

        return with_systems(model)

    def to_attrs(self, model: Metadata) -> dict[str, Any]:
        """All attributes of the group: one, that holds the version and the rest."""
        from xarray_omezarr.ngff.versions.systems_kinds import spell_kind

        ome = {"version": self.name, **spell_kind(model, self.name)}
        result: dict[str, Any] = plain({"ome": ome})
        return result

    def from_attrs(self, attrs: Mapping[str, Any]) -> Metadata:
        """What the attributes of a group say; those of others are not looked at."""
        from xarray_omezarr.ngff.versions.systems_kinds import read_kind

        document = document_of(attrs, self.name)
        model = read_kind(document, self.name)
        document.warn()
        return model

    def foreign(self, attrs: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that are not the standard's."""
        return foreign_attrs(attrs)
