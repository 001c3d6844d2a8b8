"""Version 0.2: Zarr v2 with nested keys of chunks, images of five dimensions."""

from __future__ import annotations

from xarray_omezarr.ngff.versions.early_version import EarlyVersion
from xarray_omezarr.ngff.versions.protocol import Features

VERSION_02 = EarlyVersion(
    "0.2",
    Features(
        zarr_format=2,
        sharding=False,
        dims=("t", "c", "z", "y", "x"),
        transformations=False,
        units=False,
    ),
)
