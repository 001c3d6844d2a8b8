"""Consolidated metadata: copies that must follow when what they copy is changed."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import zarr

from xarray_omezarr.store.place import ancestors

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target


def refresh(target: Target) -> None:
    """Renew the copies in the group at `target` and in those above, where they are."""
    for place in (target, *ancestors(target)):
        try:
            group = zarr.open_group(place.store, path=place.path, mode="r")
        except FileNotFoundError:
            continue
        if group.metadata.consolidated_metadata is None:
            continue
        with warnings.catch_warnings():
            # zarr says that Zarr v3 does not define them; they were here before us.
            warnings.simplefilter("ignore")
            zarr.consolidate_metadata(
                place.store, path=place.path, zarr_format=group.metadata.zarr_format
            )
