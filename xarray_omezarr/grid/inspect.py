"""xarray -> Grid: what the coordinates an object has now say of its pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xarray_omezarr.errors import CoordinateError, OptionError, Problems
from xarray_omezarr.grid.dims import Role, check_texts, is_samples, roles
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.grid.names import CHANNEL_LABEL, SCALE_KEY
from xarray_omezarr.grid.positions import Circumstances, place_dates, place_numbers
from xarray_omezarr.grid.sources import in_world, unit_by_convention
from xarray_omezarr.grid.units import in_unit, split_quantity, standard_unit

_IRREGULAR = ("auto", "raise", "keep")
_SAMPLE_NAMES = ("Red", "Green", "Blue", "Alpha")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found.

    Parameters
    ----------
    grid : Grid
        One axis per dim, under its own name and in the object's order.
    exact : frozenset of str
        Dims whose coordinate a grid does not restore: uneven, dates, durations,
        texts that are no channel names, numbers that are, positions in another
        unit than that of the axis.
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
        What is wrong with all dims together: coordinates that descend, are uneven,
        constant or not finite, units that the standard lacks.

    Examples
    --------
    >>> da = xr.DataArray(np.zeros(4), dims="x", coords={"x": [10, 10.5, 11, 11.5]})
    >>> examine(da).grid.scale, examine(da).grid.translation
    ({'x': 0.5}, {'x': 10.0})
    """
    if irregular not in _IRREGULAR:
        raise OptionError(f"irregular is {irregular!r}; there are {_IRREGULAR}")
    check_texts(da.dims)
    sizes = {str(dim): size for dim, size in da.sizes.items()}
    found = roles([*sizes], sizes, labelled_dims(da))
    problems = Problems()
    axes, exact = [], set()
    for dim, role in found.items():
        axis, is_restored = _Dim(da, dim, role, irregular, problems).examine()
        axes.append(axis)
        exact |= set() if is_restored else {dim}
    problems.raise_all("The coordinates cannot be written")
    axes = in_world(da.attrs, axes, found)
    axes, converted = _in_one_unit(axes, found)
    return Inspection(Grid(tuple(axes)), frozenset(exact | converted))


def labelled_dims(da: xr.DataArray) -> frozenset[str]:
    """Dims whose coordinate is texts."""
    return frozenset(
        str(dim)
        for dim in da.dims
        if dim in da.coords
        and da.coords[dim].dtype.kind in "OSTU"
        and _is_text(_values(da.coords[dim])[0])
    )


def _is_text(values: NDArray[Any]) -> bool:
    if values.dtype.kind != "O":
        return values.dtype.kind in "STU"
    return all(isinstance(value, (str, bytes)) for value in values.ravel())


def _values(coordinate: xr.DataArray) -> tuple[NDArray[Any], object]:
    """The values in memory, and the unit if they are a quantity."""
    magnitude, unit = split_quantity(coordinate.data)
    if hasattr(magnitude, "compute"):
        # A lazy array of quantities shows its unit when it is computed.
        magnitude, inner_unit = split_quantity(magnitude.compute())
        unit = inner_unit if unit is None else unit
    return np.asarray(magnitude), unit


@dataclass(frozen=True, slots=True)
class _Dim:
    """One dim of an object, while it is examined."""

    da: xr.DataArray
    name: str
    role: Role
    irregular: str
    problems: Problems

    def examine(self) -> tuple[GridAxis, bool]:
        """The axis, and whether it restores the coordinate.

        What is wrong is noted, and the axis is then a makeshift.
        """
        bare = GridAxis(self.name, self.role.type, None, self.da.sizes[self.name])
        if self.name not in self.da.coords:
            return replace(bare, labels=self._labels_without_names()), True
        values, quantity_unit = _values(self.da.coords[self.name])
        with self.problems.collected():
            self._refuse(values)
            if self.role.type == "channel":
                labels = self._exact_labels(channel_texts(values))
                return replace(bare, labels=labels), values.dtype.kind in "OSTU"
            if _is_text(values) or values.size == 0:
                return bare, values.size == 0
            return self._placed(bare, values, quantity_unit)
        return bare, True

    def _refuse(self, values: NDArray[Any]) -> None:
        """Refuse what gives no positions and no names."""
        name, kind = self.name, values.dtype.kind
        if isinstance(self.da.xindexes.get(name), xr.indexes.PandasMultiIndex):
            raise CoordinateError(
                f"Dim {name!r} has a MultiIndex, which no axis can hold; replace it "
                f"with .reset_index({name!r}), or .unstack({name!r})"
            )
        if self.role.type == "channel" or _is_text(values):
            return
        if kind not in "iufmM":
            raise CoordinateError(
                f"Coordinate {name!r} holds {_describe(values)}, and positions are "
                "numbers, datetime64 or timedelta64; convert it, or drop it with "
                f".drop_vars({name!r})"
            )
        if kind in "mM" and self.role.type == "space":
            raise CoordinateError(
                f"Coordinate {name!r} holds {_describe(values)}, and {name!r} is an "
                f"axis of space; rename it with .rename({{{name!r}: 't'}}), or correct "
                "the coordinate"
            )

    def _placed(
        self, bare: GridAxis, values: NDArray[Any], quantity_unit: object
    ) -> tuple[GridAxis, bool]:
        is_time = values.dtype.kind in "mM"
        unit: str | None = "second" if is_time else None
        spacing = 1.0
        with self.problems.collected():
            if not is_time:
                unit = self._unit(quantity_unit)
            if bare.size == 1:
                spacing, unit = self._spacing(unit)
        about = Circumstances(
            dim=self.name,
            axis_type=self.role.type,
            irregular=self.irregular,
            unit=unit,
            spacing=spacing,
            hint=self._remembered_scale(),
        )
        line = (place_dates if is_time else place_numbers)(values, about)
        axis = replace(bare, unit=unit, scale=line.scale, translation=line.translation)
        return axis, line.regular and not is_time

    def _unit(self, quantity_unit: object) -> str | None:
        """The first that is given: of the index, values, attributes, array."""
        attrs = self.da.coords[self.name].attrs
        index_units = getattr(self.da.xindexes.get(self.name), "units", None)
        candidates = (
            index_units.get(self.name) if isinstance(index_units, Mapping) else None,
            quantity_unit,
            attrs.get("units"),
            attrs.get("unit"),
            unit_by_convention(self.da.attrs, self.name),
        )
        given = next((c for c in candidates if c is not None and c != ""), None)
        return standard_unit(given, axis_type=self.role.type, dim=self.name)

    def _spacing(self, unit: str | None) -> tuple[float, str | None]:
        """Scale of a single pixel, which has no neighbour to tell it by; its unit."""
        given = self.da.coords[self.name].attrs.get("spacing")
        if given is None:
            return self._remembered_scale() or 1.0, unit
        magnitude, own = split_quantity(given)
        if isinstance(magnitude, np.timedelta64):
            magnitude, own = magnitude / np.timedelta64(1, "s"), "second"
        spacing = _positive(magnitude)
        if spacing is None:
            raise CoordinateError(
                f"attrs['spacing'] of coordinate {self.name!r} is {given!r}; give a "
                "number above zero, or remove it"
            )
        own = standard_unit(own, axis_type=self.role.type, dim=self.name)
        if own is None or unit is None or own == unit:
            return spacing, unit or own
        return in_unit(spacing, own, unit, dim=self.name), unit

    def _remembered_scale(self) -> float | None:
        """The scale that the object was read with, if it was."""
        scales = self.da.encoding.get(SCALE_KEY)
        return _positive(scales.get(self.name)) if isinstance(scales, Mapping) else None

    def _labels_without_names(self) -> tuple[str, ...] | None:
        if self.role.type != "channel":
            return None
        kept = self._kept_labels()
        if kept is None and is_samples(self.name):
            names = _SAMPLE_NAMES[: self.da.sizes[self.name]]
            kept = names if len(names) == self.da.sizes[self.name] else None
        return kept

    def _kept_labels(self) -> tuple[str, ...] | None:
        kept = self.da.coords.get(CHANNEL_LABEL)
        if kept is None or kept.dims != (self.name,):
            return None
        return channel_texts(_values(kept)[0])

    def _exact_labels(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Channel names without the suffixes that made them an index.

        The reader keeps the exact texts in ``channel_label``; where a channel was
        renamed since, its new name counts.
        """
        kept = self._kept_labels() or names
        return tuple(
            text if name == text or _is_suffixed(name, text) else name
            for name, text in zip(names, kept, strict=True)
        )


def _describe(values: NDArray[Any]) -> str:
    first = values.ravel()[:1].tolist()
    return f"{values.dtype} ({type(first[0]).__name__})" if first else str(values.dtype)


def _positive(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _is_suffixed(name: str, text: str) -> bool:
    rest = name.removeprefix(f"{text}_")
    return rest != name and rest.isdigit()


def channel_texts(values: NDArray[Any]) -> tuple[str, ...]:
    """Channel names as texts: ``405`` is ``"405"``, ``488.5`` is ``"488.5"``."""
    if values.dtype.kind in "mM":
        values = values.astype(np.str_)
    return tuple(_channel_text(value) for value in values.ravel())


def _channel_text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    # numpy spells floats with the fewest digits that tell them apart in their type.
    is_number = isinstance(value, (float, np.floating))
    return str(value).removesuffix(".0") if is_number else str(value)


def _in_one_unit(
    axes: Sequence[GridAxis], found: Mapping[str, Role]
) -> tuple[list[GridAxis], set[str]]:
    """Axes of space in the unit of x, to be compared; and which were converted."""
    names = {found[axis.name].name: axis for axis in axes}
    unit = names["x"].unit if "x" in names else None
    if unit is None:
        return list(axes), set()
    different = {
        axis.name
        for axis in axes
        if axis.type == "space" and axis.unit not in (None, unit)
    }
    return [
        _converted(axis, unit) if axis.name in different else axis for axis in axes
    ], different


def _converted(axis: GridAxis, unit: str) -> GridAxis:
    own = str(axis.unit)
    return replace(
        axis,
        unit=unit,
        scale=in_unit(axis.scale, own, unit, dim=axis.name),
        translation=in_unit(axis.translation, own, unit, dim=axis.name),
    )
