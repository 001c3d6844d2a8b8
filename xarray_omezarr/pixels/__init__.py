"""Arithmetic on blocks of pixels: numpy arrays in, numpy arrays out."""
