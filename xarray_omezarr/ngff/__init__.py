"""Models of what the standard says, in the words of its richest version.

They know nothing of arrays and files; `xarray_omezarr.ngff.versions` spells them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from xarray_omezarr.ngff.scene import Scene
    from xarray_omezarr.ngff.transforms import (
        Affine,
        Bijection,
        ByDimension,
        Coordinates,
        DimensionPart,
        Displacements,
        Identity,
        MapAxis,
        ProjectAxis,
        Rotation,
        Scale,
        Sequence,
        SystemReference,
        Translation,
        UnknownTransformation,
    )

__all__ = [
    "Acquisition",
    "Affine",
    "Axis",
    "Bijection",
    "Bioformats2Raw",
    "ByDimension",
    "Channel",
    "Column",
    "CoordinateSystem",
    "Coordinates",
    "DimensionPart",
    "Displacements",
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
    "MapAxis",
    "Multiscale",
    "Omero",
    "Plate",
    "PlateWell",
    "ProjectAxis",
    "Rotation",
    "Row",
    "Scale",
    "Scene",
    "Sequence",
    "Series",
    "SystemReference",
    "Translation",
    "UnknownTransformation",
    "Well",
    "Window",
]

# Modules of the names. They are loaded late: who only asks whether a document is as the
# standard says needs no models, and building them takes time.
_HOMES = {
    "Acquisition": "plate",
    "Affine": "transforms",
    "Axis": "axes",
    "Bijection": "transforms",
    "Bioformats2Raw": "bioformats2raw",
    "ByDimension": "transforms",
    "Channel": "omero",
    "Column": "plate",
    "CoordinateSystem": "axes",
    "Coordinates": "transforms",
    "DimensionPart": "transforms",
    "Displacements": "transforms",
    "Field": "plate",
    "Identity": "transforms",
    "Image": "multiscale",
    "ImageLabel": "labels",
    "LabelColor": "labels",
    "LabelImage": "labels",
    "LabelProperties": "labels",
    "LabelSource": "labels",
    "LabelsGroup": "labels",
    "Level": "multiscale",
    "MapAxis": "transforms",
    "Multiscale": "multiscale",
    "Omero": "omero",
    "Plate": "plate",
    "PlateWell": "plate",
    "ProjectAxis": "transforms",
    "Rotation": "transforms",
    "Row": "plate",
    "Scale": "transforms",
    "Scene": "scene",
    "Sequence": "transforms",
    "Series": "bioformats2raw",
    "SystemReference": "transforms",
    "Translation": "transforms",
    "UnknownTransformation": "transforms",
    "Well": "plate",
    "Window": "omero",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"xarray_omezarr.ngff.{_HOMES[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
