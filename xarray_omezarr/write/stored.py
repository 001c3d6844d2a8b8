"""A DataArray seen as it will be stored: its dims, coordinates and grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from xarray_omezarr.errors import CoordinateError
from xarray_omezarr.grid.dims import Arrangement, arrange, check_texts, is_axis
from xarray_omezarr.grid.grid import Grid
from xarray_omezarr.grid.inspect import Inspection, examine, labelled_dims
from xarray_omezarr.grid.names import CHANNEL_PREFIX, VARIABLE

if TYPE_CHECKING:
    from xarray_omezarr.options import WriteOptions


@dataclass(frozen=True, slots=True)
class Stored:
    """A DataArray seen as it will be stored.

    Parameters
    ----------
    da : xarray.DataArray
        The object, with pixels.
    outline : xarray.DataArray
        The same without pixels, with the dims that will be stored (own names).
    arrangement : Arrangement
        How dims of `da` become stored dims.
    inspection : Inspection
        Of the outline.
    """

    da: xr.DataArray
    outline: xr.DataArray
    arrangement: Arrangement
    inspection: Inspection

    @property
    def names(self) -> dict[str, str]:
        """Stored dim by own dim of the outline."""
        return names_of(self.outline, self.arrangement)

    @property
    def grid(self) -> Grid:
        """The grid with stored dims in stored order."""
        names = self.names
        own = {names[axis.name]: axis for axis in self.inspection.grid}
        return Grid(
            tuple(
                replace(own[name], name=name, type=kind)
                for name, kind in zip(
                    self.arrangement.names, self.arrangement.types, strict=True
                )
            )
        )

    @property
    def channel_dim(self) -> str | None:
        """Own name of the channel dim."""
        types = dict(zip(self.arrangement.names, self.arrangement.types, strict=True))
        for own, name in self.names.items():
            if types[name] == "channel":
                return own
        return None


