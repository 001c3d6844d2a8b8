"""What an xarray object means: grids from coordinates, and coordinates from grids."""
