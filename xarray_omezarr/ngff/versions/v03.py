"""Version 0.3: Zarr v2, images that list the names of their axes."""

from __future__ import annotations

from xarray_omezarr.ngff.versions.early_version import EarlyVersion
from xarray_omezarr.ngff.versions.protocol import Features

VERSION_03 = EarlyVersion(
    "0.3",
    Features(
        zarr_format=2,
        sharding=False,
        transformations=False,
        units=False,
    ),
)
