"""OME-Zarr for xarray: write a labelled array as a calibrated image, and read it.

Importing this package registers the accessor ``.omezarr`` on DataArray, Dataset
and DataTree. Everything else is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from xarray_omezarr import accessors as _accessors  # noqa: F401 - registers them
from xarray_omezarr._version import __version__
from xarray_omezarr.errors import (
    AxisError,
    CoordinateError,
    DataTypeError,
    LayoutError,
    LockedError,
    MetadataError,
    MissingDependencyError,
    NoPixelsError,
    NotInVersionError,
    NotOmeZarrError,
    NotWritableError,
    OmeZarrError,
    OmeZarrErrorGroup,
    OmeZarrWarning,
    OptionError,
    OutsideError,
    PlateError,
    ReplacedError,
    TargetExistsError,
    TargetNotFoundError,
    TransformationError,
    UnitError,
    UnknownVersionError,
)

if TYPE_CHECKING:
    from xarray_omezarr import ngff, transforms
    from xarray_omezarr.api import (
        assign_grid,
        build_pyramid,
        commit,
        coordinate_systems,
        image_axes,
        image_channels,
        image_grid,
        image_metadata,
        image_pyramid,
        open_image,
        open_plate,
        plan_bioformats2raw,
        plan_image,
        plan_labels,
        plan_plate,
        plan_scene,
        prepare_bioformats2raw,
        prepare_image,
        prepare_labels,
        prepare_plate,
        quantify,
        read_metadata,
        stack_plate,
        template,
        to_system,
        update,
        write_bioformats2raw,
        write_field,
        write_image,
        write_labels,
        write_metadata,
        write_plate,
        write_scene,
        write_series,
    )
    from xarray_omezarr.conversion import convert
    from xarray_omezarr.grid.grid import Grid, GridAxis
    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.upgrading import upgrade
    from xarray_omezarr.validation import Report, validate, validate_attributes

__all__ = [
    "AxisError",
    "CoordinateError",
    "DataTypeError",
    "Grid",
    "GridAxis",
    "Hierarchy",
    "LayoutError",
    "LockedError",
    "MetadataError",
    "MissingDependencyError",
    "NoPixelsError",
    "NotInVersionError",
    "NotOmeZarrError",
    "NotWritableError",
    "OmeZarrError",
    "OmeZarrErrorGroup",
    "OmeZarrWarning",
    "OptionError",
    "OutsideError",
    "PlateError",
    "ReplacedError",
    "Report",
    "TargetExistsError",
    "TargetNotFoundError",
    "TransformationError",
    "UnitError",
    "UnknownVersionError",
    "__version__",
    "assign_grid",
    "build_pyramid",
    "commit",
    "convert",
    "coordinate_systems",
    "image_axes",
    "image_channels",
    "image_grid",
    "image_metadata",
    "image_pyramid",
    "ngff",
    "open_image",
    "open_plate",
    "plan_bioformats2raw",
    "plan_image",
    "plan_labels",
    "plan_plate",
    "plan_scene",
    "prepare_bioformats2raw",
    "prepare_image",
    "prepare_labels",
    "prepare_plate",
    "quantify",
    "read_metadata",
    "stack_plate",
    "template",
    "to_system",
    "transforms",
    "update",
    "upgrade",
    "validate",
    "validate_attributes",
    "write_bioformats2raw",
    "write_field",
    "write_image",
    "write_labels",
    "write_metadata",
    "write_plate",
    "write_scene",
    "write_series",
]

# Where the names live that need zarr, pint, dask or pydantic.
_HOMES = {
    "Grid": "grid.grid",
    "GridAxis": "grid.grid",
    "Hierarchy": "hierarchy",
    "Report": "validation",
    "assign_grid": "api",
    "build_pyramid": "api",
    "commit": "api",
    "convert": "conversion",
    "coordinate_systems": "api",
    "image_axes": "api",
    "image_channels": "api",
    "image_grid": "api",
    "image_metadata": "api",
    "image_pyramid": "api",
    "open_image": "api",
    "open_plate": "api",
    "plan_bioformats2raw": "api",
    "plan_image": "api",
    "plan_labels": "api",
    "plan_plate": "api",
    "plan_scene": "api",
    "prepare_bioformats2raw": "api",
    "prepare_image": "api",
    "prepare_labels": "api",
    "prepare_plate": "api",
    "quantify": "api",
    "read_metadata": "api",
    "stack_plate": "api",
    "template": "api",
    "to_system": "api",
    "update": "api",
    "upgrade": "upgrading",
    "validate": "validation",
    "validate_attributes": "validation",
    "write_bioformats2raw": "api",
    "write_field": "api",
    "write_image": "api",
    "write_labels": "api",
    "write_metadata": "api",
    "write_plate": "api",
    "write_scene": "api",
    "write_series": "api",
}


def __getattr__(name: str) -> Any:
    if name in ("ngff", "transforms"):
        return importlib.import_module(f"xarray_omezarr.{name}")
    if name in _HOMES:
        module = importlib.import_module(f"xarray_omezarr.{_HOMES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
