"""Hierarchy <-> bytes: the only rooms that know zarr."""
