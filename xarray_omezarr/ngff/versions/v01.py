"""Version 0.1: Zarr v2 with flat keys of chunks, images of five dimensions."""

from __future__ import annotations

from xarray_omezarr.ngff.versions.early_version import EarlyVersion
from xarray_omezarr.ngff.versions.protocol import Features

VERSION_01 = EarlyVersion(
    "0.1",
    Features(
        zarr_format=2,
        sharding=False,
        separator=".",
        dims=("t", "c", "z", "y", "x"),
        transformations=False,
        units=False,
    ),
)
