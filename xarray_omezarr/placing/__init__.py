"""xarray objects in other coordinate systems: their world coordinates."""
