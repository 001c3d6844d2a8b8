"""Where known producers say what their coordinates mean, if not on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import CoordinateError

# Attributes of an array that give units by dim: tifffile, xarray-ome, others.
_UNITS_BY_DIM = ("coord_units", "ome_axes_units", "axes_units")

# nd2 leaves its units unsaid; its coordinates are always in these.
_ND2_PARTS = frozenset({"metadata", "experiment", "attributes", "text_info"})
_ND2_UNITS = {"t": "millisecond", "z": "micrometer", "y": "micrometer"}
_ND2_UNITS["x"] = "micrometer"


def unit_by_convention(da: xr.DataArray, dim: str) -> object:
    """The unit that attributes of the array give to a dim; None if none do."""
    for key in _UNITS_BY_DIM:
        units = da.attrs.get(key)
        if isinstance(units, Mapping) and units.get(dim):
            unit: object = units[dim]
            return unit
    if _is_nd2(da.attrs.get("metadata")):
        return _ND2_UNITS.get(dim.lower())
    return None


def _is_nd2(metadata: object) -> bool:
    if not isinstance(metadata, Mapping):
        return False
    by_class = any(
        type(part).__module__.split(".")[0] == "nd2" for part in metadata.values()
    )
    return by_class or len(_ND2_PARTS & set(metadata)) >= 3


@dataclass(frozen=True, slots=True)
class PixelTransform:
    """Scale and translation by dim, from corners of pixels counted in pixels."""

    scale: Mapping[str, float]
    translation: Mapping[str, float]


def pixel_transform(da: xr.DataArray) -> PixelTransform | None:
    """The transform that spatialdata keeps in ``attrs["transform"]["global"]``.

    Its coordinates count pixels, whose centres lie at 0.5, 1.5, ..., and the
    transform says what that means.

    Raises
    ------
    CoordinateError
        If it turns or shears: these versions of OME-Zarr cannot say so.
    """
    transforms = da.attrs.get("transform")
    if not isinstance(transforms, Mapping) or "global" not in transforms:
        return None
    transform = transforms["global"]
    if not hasattr(transform, "to_affine_matrix"):
        return None
    dims = tuple(str(d) for d in da.dims if str(d) in ("z", "y", "x"))
    matrix = np.asarray(transform.to_affine_matrix(input_axes=dims, output_axes=dims))
    linear, shift = matrix[: len(dims), : len(dims)], matrix[: len(dims), -1]
    if not np.array_equal(linear, np.diag(np.diag(linear))):
        raise CoordinateError(
            f"attrs['transform']['global'] turns or shears the image: {linear.tolist()}. "
            "OME-Zarr holds one scale and one translation per axis; transform the "
            "image first, or remove the attribute to write it as it lies"
        )
    return PixelTransform(
        scale=_by_dim(dims, np.diag(linear)), translation=_by_dim(dims, shift)
    )


def counts_pixel_centres(values: np.ndarray[Any, Any]) -> bool:
    """Whether coordinates are positions of centres in pixels: 0.5, 1.5, ...

    Levels and crops count in the pixels of the finest level: 1.0, 3.0, ... too.
    """
    if values.size == 0 or values.dtype.kind != "f":
        return False
    return bool(np.array_equal(np.rint(values * 2), values * 2))


def _by_dim(dims: tuple[str, ...], numbers: Any) -> dict[str, float]:
    return {dim: float(n) for dim, n in zip(dims, numbers, strict=True)}
