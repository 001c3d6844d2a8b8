"""Arithmetic on transformations: positions, inverses, ways between systems."""
