"""Models of what the standard says, in the words of its richest version.

They know nothing of arrays and files; `xarray_omezarr.ngff.versions` spells them.
"""

from __future__ import annotations

from xarray_omezarr.ngff.axes import Axis, CoordinateSystem
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.omero import Channel, Omero, Window
from xarray_omezarr.ngff.transforms import Identity, Scale, Sequence, Translation

__all__ = [
    "Axis",
    "Channel",
    "CoordinateSystem",
    "Identity",
    "Image",
    "Level",
    "Multiscale",
    "Omero",
    "Scale",
    "Sequence",
    "Translation",
    "Window",
]
