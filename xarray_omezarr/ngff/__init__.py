"""Models of what the standard says, in the words of its richest version.

They know nothing of arrays and files; `xarray_omezarr.ngff.versions` spells them.
"""

from __future__ import annotations

from xarray_omezarr.ngff.axes import Axis, CoordinateSystem
from xarray_omezarr.ngff.bioformats2raw import Bioformats2Raw, Series
from xarray_omezarr.ngff.labels import (
    ImageLabel,
    LabelColor,
    LabelImage,
    LabelProperties,
    LabelsGroup,
    LabelSource,
)
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.omero import Channel, Omero, Window
from xarray_omezarr.ngff.plate import (
    Acquisition,
    Column,
    Field,
    Plate,
    PlateWell,
    Row,
    Well,
)
from xarray_omezarr.ngff.transforms import Identity, Scale, Sequence, Translation

__all__ = [
    "Acquisition",
    "Axis",
    "Bioformats2Raw",
    "Channel",
    "Column",
    "CoordinateSystem",
    "Field",
    "Identity",
    "Image",
    "ImageLabel",
    "LabelColor",
    "LabelImage",
    "LabelProperties",
    "LabelSource",
    "LabelsGroup",
    "Level",
    "Multiscale",
    "Omero",
    "Plate",
    "PlateWell",
    "Row",
    "Scale",
    "Sequence",
    "Series",
    "Translation",
    "Well",
    "Window",
]
