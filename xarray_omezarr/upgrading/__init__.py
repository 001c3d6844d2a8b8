"""Upgrade: an OME-Zarr becomes one of a later version where it lies."""

from xarray_omezarr.upgrading.verb import upgrade

__all__ = ["upgrade"]
