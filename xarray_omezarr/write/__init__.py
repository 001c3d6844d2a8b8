"""xarray -> Hierarchy: everything is planned and checked before a byte is written."""
