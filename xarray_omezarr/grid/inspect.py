"""xarray -> Grid: what the coordinates an object has now say of its pixels."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xarray_omezarr.errors import (
    CoordinateError,
    OmeZarrWarning,
    OptionError,
    Problems,
)
from xarray_omezarr.grid.dims import Role, is_samples, roles
from xarray_omezarr.grid.grid import Grid, GridAxis, decimal
from xarray_omezarr.grid.regular import (
    LARGEST,
    MOST_NOISE,
    Fit,
    fit,
    nominal_scale,
    shortest_float,
)
from xarray_omezarr.grid.sources import (
    PixelTransform,
    counts_pixel_centres,
    pixel_transform,
    unit_by_convention,
)
from xarray_omezarr.grid.units import conversion_factor, split_quantity, standard_unit

_EXACT = Context(prec=1000)
_IRREGULAR = ("auto", "raise", "keep")
# Where the reader leaves the scale, for dims that shrink to one pixel.
_SCALE_KEY = "omezarr_scale"
_SAMPLE_NAMES = ("Red", "Green", "Blue", "Alpha")
_TICKS = {"s": Decimal(1), "ms": Decimal("1e-3"), "us": Decimal("1e-6")}
_TICKS["ns"] = Decimal("1e-9")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found.

    Parameters
    ----------
    grid : Grid
        One axis per dim, under its own name and in the object's order.
    exact : frozenset of str
        Dims whose coordinate a grid does not restore: uneven, dates, texts that
        are no channel names, numbers that are.
    """

    grid: Grid
    exact: frozenset[str]


def inspect(da: xr.DataArray, *, irregular: str = "auto") -> Grid:
    """The grid of `da`, from the coordinates it has now; see `examine`."""
    return examine(da, irregular=irregular).grid


def examine(da: xr.DataArray, *, irregular: str = "auto") -> Inspection:
    """What the coordinates of `da` say of its pixels; its pixels are not touched.

    Parameters
    ----------
    da : xarray.DataArray
        Any dims and order.
    irregular : {"auto", "raise", "keep"}
        What to do with uneven coordinates: raise, or take a nominal scale with a
        warning; ``"auto"`` raises along space only.

    Raises
    ------
    OmeZarrError
        What is wrong with all dims together: descending, uneven, constant or
        missing coordinates, units that the standard lacks.
    """
    if irregular not in _IRREGULAR:
        raise OptionError(f"irregular is {irregular!r}; there are {_IRREGULAR}")
    found = roles(
        [str(dim) for dim in da.dims],
        {str(dim): size for dim, size in da.sizes.items()},
        labelled_dims(da),
    )
    problems = Problems()
    transform = None
    with problems.collected():
        transform = pixel_transform(da)
    axes, exact = [], set()
    for dim, role in found.items():
        with problems.collected():
            axis, is_exact = _Dim(da, dim, role, irregular, transform).examine()
            axes.append(axis)
            exact |= {dim} if is_exact else set()
    problems.raise_all("Coordinates cannot be written")
    return Inspection(Grid(_in_one_unit(axes)), frozenset(exact))


def labelled_dims(da: xr.DataArray) -> frozenset[str]:
    """Dims whose coordinate is texts."""
    return frozenset(
        str(dim)
        for dim in da.dims
        if dim in da.coords and _is_text(da.coords[dim].variable)
    )


def _is_text(variable: xr.Variable) -> bool:
    if variable.dtype.kind in "UST":
        return True
    if variable.dtype.kind != "O":
        return False
    return all(isinstance(value, (str, bytes)) for value in variable.values.ravel())


@dataclass(frozen=True, slots=True)
class _Dim:
    """One dim of an object, while it is examined."""

    da: xr.DataArray
    name: str
    role: Role
    irregular: str
    transform: PixelTransform | None

    def examine(self) -> tuple[GridAxis, bool]:
        """The axis, and whether its coordinate must be kept value by value."""
        size = self.da.sizes[self.name]
        bare = GridAxis(self.name, self.role.type, None, size)
        if self.name not in self.da.coords:
            return replace(bare, labels=self._default_labels(size)), False
        self._refuse_multi_index()
        coordinate = self.da.coords[self.name]
        magnitude, quantity_unit = split_quantity(coordinate.data)
        values = np.asarray(magnitude)
        if self.role.type == "channel":
            labels = _exact_labels(self.da, self.name, channel_texts(values))
            return replace(bare, labels=labels), values.dtype.kind in "biuf"
        if _is_text(coordinate.variable):
            return bare, True
        if values.dtype.kind in "mM":
            return self._times(bare, values)
        if values.dtype.kind not in "iuf":
            raise CoordinateError(
                f"Coordinate {self.name!r} has values of type {values.dtype}, and "
                "positions are numbers or dates; convert it, or drop it with "
                f".drop_vars({self.name!r})"
            )
        unit = self._unit(coordinate, quantity_unit)
        return self._positions(replace(bare, unit=unit), values)

    def _default_labels(self, size: int) -> tuple[str, ...] | None:
        if is_samples(self.name) and size in (3, 4):
            return _SAMPLE_NAMES[:size]
        return None

    def _refuse_multi_index(self) -> None:
        index = self.da.xindexes.get(self.name)
        if isinstance(index, xr.indexes.PandasMultiIndex):
            raise CoordinateError(
                f"Dim {self.name!r} has a MultiIndex, which no axis can hold; call "
                f".reset_index({self.name!r}), or .unstack({self.name!r})"
            )

    def _unit(self, coordinate: xr.DataArray, quantity_unit: object) -> str | None:
        candidates = (
            quantity_unit,
            coordinate.attrs.get("units"),
            coordinate.attrs.get("unit"),
            unit_by_convention(self.da, self.name),
        )
        given = next((c for c in candidates if c is not None and c != ""), None)
        return standard_unit(given, axis_type=self.role.type, dim=self.name)

    def _positions(
        self, axis: GridAxis, values: NDArray[Any]
    ) -> tuple[GridAxis, bool]:
        if not np.isfinite(values).all() or (np.abs(values.astype(float)) > LARGEST).any():
            raise CoordinateError(
                f"Coordinate {self.name!r} holds NaN, infinity or numbers beyond "
                f"{LARGEST:g}; positions are finite"
            )
        if axis.size == 1:
            placed = replace(
                axis, scale=self._spacing(), translation=shortest_float(values[0])
            )
            return self._transformed(placed, values), False
        self._refuse_descending(values)
        line, regular = self._line(values)
        placed = replace(axis, scale=line.scale, translation=line.translation)
        return self._transformed(placed, values), not regular

    def _refuse_descending(self, values: NDArray[Any]) -> None:
        if (values[1:] < values[:-1]).all():
            raise CoordinateError(
                f"Coordinate {self.name!r} descends, from {values[0]} to "
                f"{values[-1]}; OME-Zarr positions ascend. Turn the image with "
                f".sortby({self.name!r})"
            )
        if (values == values[0]).all():
            raise CoordinateError(
                f"Coordinate {self.name!r} is {values[0]} everywhere, so its scale "
                "cannot be known; correct it with .omezarr.assign_grid(), or drop it "
                f"with .drop_vars({self.name!r})"
            )

    def _line(self, values: NDArray[Any]) -> tuple[Fit, bool]:
        """Scale and translation, nominal ones where they are uneven and kept."""
        hint = self.da.encoding.get(_SCALE_KEY, {}).get(self.name)
        line = fit(values, hint=hint) if values[-1] > values[0] else None
        if line is not None and line.noise > MOST_NOISE:
            raise CoordinateError(
                f"Coordinate {self.name!r} is {values.dtype}, which rounds positions "
                f"near {values[-1]} by {line.noise:.2g} pixels; its scale cannot be "
                "known. Make it float64 from the source, or set it with "
                ".omezarr.assign_grid()"
            )
        if line is not None and line.regular:
            return line, True
        self._accept_irregular(values)
        return Fit(nominal_scale(values), shortest_float(values[0]), False), False

    def _accept_irregular(self, values: NDArray[Any]) -> None:
        steps = np.diff(values)
        seen = f"steps range from {steps.min()} to {steps.max()}"
        start = f"Coordinate {self.name!r} is not evenly spaced: {seen}."
        if self.irregular == "raise" or (
            self.irregular == "auto" and self.role.type == "space"
        ):
            raise CoordinateError(
                f"{start} OME-Zarr stores one scale per axis; resample, or pass "
                "irregular='keep' to write a nominal scale and keep the values beside"
            )
        warnings.warn(
            f"{start} OME-Zarr stores one scale per axis: a nominal one is written, "
            "and the values are kept beside for readers that know this package",
            OmeZarrWarning,
            stacklevel=2,
        )

    def _spacing(self) -> float:
        """Scale of a single pixel, which has no neighbour to tell it by."""
        given = self.da.coords[self.name].attrs.get("spacing")
        if given is None:
            return float(self.da.encoding.get(_SCALE_KEY, {}).get(self.name, 1.0))
        magnitude, _ = split_quantity(given)
        try:
            spacing = float(magnitude)
        except (TypeError, ValueError):
            spacing = float("nan")
        if not (np.isfinite(spacing) and spacing > 0):
            raise CoordinateError(
                f"attrs['spacing'] of coordinate {self.name!r} is {given!r}; give a "
                "number above 0, or remove it"
            )
        return spacing

    def _transformed(self, axis: GridAxis, values: NDArray[Any]) -> GridAxis:
        transform = self.transform
        if transform is None or axis.name not in transform.scale:
            return axis
        if not counts_pixel_centres(values):
            return axis
        scale = decimal(transform.scale[axis.name])
        corner = _EXACT.subtract(decimal(axis.translation), Decimal("0.5"))
        if scale <= 0:
            raise CoordinateError(
                f"attrs['transform']['global'] scales {axis.name!r} by {scale}; "
                f"OME-Zarr positions ascend. Turn the image with .isel({axis.name}="
                "slice(None, None, -1)) and its transform with it"
            )
        return replace(
            axis,
            scale=float(_EXACT.multiply(decimal(axis.scale), scale)),
            translation=float(
                _EXACT.add(
                    _EXACT.multiply(corner, scale),
                    decimal(transform.translation[axis.name]),
                )
            ),
        )

    def _times(self, axis: GridAxis, values: NDArray[Any]) -> tuple[GridAxis, bool]:
        """Dates and durations: in seconds; dates count from their first."""
        if self.role.type == "space":
            raise CoordinateError(
                f"Coordinate {self.name!r} holds dates or durations, and {self.name!r} "
                "is an axis of space; rename the dim to 't', or correct the coordinate"
            )
        if np.isnat(values).any():
            raise CoordinateError(f"Coordinate {self.name!r} holds NaT, no date")
        unit = np.datetime_data(values.dtype)[0]
        tick = _TICKS[unit]
        ticks = values.astype(np.int64)
        is_date = values.dtype.kind == "M"
        first = Decimal(0) if is_date else Decimal(int(ticks[0]))
        scale = Decimal(1) / tick
        if axis.size > 1:
            self._refuse_descending(ticks)
            # Distances are small where dates since 1970 are not.
            scale = decimal(self._line(ticks - ticks[0])[0].scale)
        placed = replace(
            axis,
            unit="second",
            scale=float(_EXACT.multiply(scale, tick)),
            translation=float(_EXACT.multiply(first, tick)),
        )
        return placed, True


def channel_texts(values: NDArray[Any]) -> tuple[str, ...]:
    """Channel names as texts: ``405`` is ``"405"``, ``488.5`` is ``"488.5"``."""
    return tuple(_channel_text(value) for value in values.ravel().tolist())


def _channel_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _exact_labels(
    da: xr.DataArray, dim: str, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Channel names without the suffixes that made them an index.

    The reader keeps the exact texts in ``channel_label``; where a channel was
    renamed since, its new name counts.
    """
    kept = da.coords.get("channel_label")
    if kept is None or kept.dims != (dim,):
        return names
    return tuple(
        text if name == text or _is_suffixed(name, text) else name
        for name, text in zip(names, channel_texts(kept.values), strict=True)
    )


def _is_suffixed(name: str, text: str) -> bool:
    rest = name.removeprefix(f"{text}_")
    return rest != name and rest.isdigit()


def _in_one_unit(axes: list[GridAxis]) -> tuple[GridAxis, ...]:
    """Space axes in the unit of x, so that their scales can be compared."""
    units: Mapping[str, str] = {
        axis.name.lower(): axis.unit
        for axis in axes
        if axis.type == "space" and axis.unit is not None
    }
    if len(set(units.values())) < 2:
        return tuple(axes)
    reference = units.get("x") or [*units.values()][-1]
    return tuple(
        _converted(axis, reference)
        if axis.type == "space" and axis.unit not in (None, reference)
        else axis
        for axis in axes
    )


def _converted(axis: GridAxis, unit: str) -> GridAxis:
    factor = conversion_factor(str(axis.unit), unit)
    return replace(
        axis,
        unit=unit,
        scale=float(_EXACT.multiply(decimal(axis.scale), factor)),
        translation=float(_EXACT.multiply(decimal(axis.translation), factor)),
    )
