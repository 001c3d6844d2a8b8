"""EarlyVersion: what the versions without transformations have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xarray_omezarr.ngff.versions.v04 import standard_part

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Features, Metadata


@dataclass(frozen=True, slots=True)
class EarlyVersion:
    """A version whose images are names of axes and paths of levels, in Zarr v2."""

    name: str
    features: Features

    def fitted(self, model: Metadata) -> tuple[Metadata, tuple[str, ...]]:
        """The model with bare axes and levels, and what it lost."""
        from xarray_omezarr.ngff.versions.early_fitted import fit_early

        return fit_early(model, self.features.dims)

    def to_attrs(self, model: Metadata) -> dict[str, Any]:
        """All attributes of the group."""
        from xarray_omezarr.ngff.versions.early import spell_early

        return spell_early(model, self.name, self.features.dims)

    def from_attrs(self, attrs: Mapping[str, Any]) -> Metadata:
        """What the attributes of a group say; those of others are not looked at."""
        from xarray_omezarr.ngff.versions.early import read_early

        return read_early(attrs, self.name, self.features.dims)

    def foreign(self, attrs: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that are not the standard's."""
        ours = standard_part(attrs)
        if ours and attrs.get("version") == self.name:
            # Written beside blocks that have no place for it.
            ours["version"] = self.name
        return {key: value for key, value in attrs.items() if key not in ours}
