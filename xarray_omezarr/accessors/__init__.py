"""The ``.omezarr`` accessors: a docstring and one call each.

The verbs are imported inside the methods, so that importing the package costs no
zarr, pint or dask; a test holds that.
"""

from __future__ import annotations

from xarray_omezarr.accessors.arrays import DataArrayAccessor
from xarray_omezarr.accessors.datasets import DatasetAccessor
from xarray_omezarr.accessors.trees import DataTreeAccessor

__all__ = ["DataArrayAccessor", "DataTreeAccessor", "DatasetAccessor"]
