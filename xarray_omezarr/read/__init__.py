"""Hierarchy -> xarray: lazy Datasets with physical coordinates."""
