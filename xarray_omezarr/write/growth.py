"""How an image grows along one dim: its coordinates, channels and what is kept."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import (
    AxisError,
    CoordinateError,
    OmeZarrWarning,
    OptionError,
    Problems,
)
from xarray_omezarr.grid.inspect import channel_texts, examine
from xarray_omezarr.grid.kept import Kept, KeptCoordinate
from xarray_omezarr.grid.names import CHANNEL_PREFIX
from xarray_omezarr.ngff.colours import channel_colors
from xarray_omezarr.write.channels import SHOWN_AT_FIRST, plan_channels
from xarray_omezarr.write.keeping import plan_kept
from xarray_omezarr.write.region import (
    Part,
    check_pixels,
    coordinate_of,
    positions,
    tolerance_of,
)
from xarray_omezarr.write.stored import names_of

if TYPE_CHECKING:
    from xarray_omezarr.grid.grid import GridAxis
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.ngff.omero import Channel
    from xarray_omezarr.options import WriteOptions

_PLANE = ("y", "x")


@dataclass(frozen=True, slots=True)
class Growth:
    """How an image grows.

    Parameters
    ----------
    part : Part
        How the dims of the object become those of the image.
    dim : str
        The dim along which it grows, as it is stored.
    axis : GridAxis, optional
        The grown axis of level 0, where scale or translation change with it.
    size : int
        Pixels along the grown axis of level 0.
    coords : mapping
        Coordinates that are kept value by value and grow, whole, by name.
    channels : tuple of Channel, optional
        The new channels.
    """

    part: Part
    dim: str
    axis: GridAxis | None
    size: int
    coords: Mapping[str, KeptCoordinate]
    channels: tuple[Channel, ...] | None


def plan_growth(
    da: xr.DataArray,
    level0: xr.DataArray,
    image: Image,
    kept: Kept,
    options: WriteOptions,
) -> Growth:
    """What becomes of an image when `da` is put to its end.

    Parameters
    ----------
    da : xarray.DataArray
        What is appended; it has the sizes and coordinates of the image along all
        other dims, and may lack those of size 1.
    level0 : xarray.DataArray
        Level 0 as it is read, with its coordinates.
    image : Image
        Its metadata.
    kept : Kept
        What is kept beside it.
    options : WriteOptions
        ``append_dim`` and ``irregular`` count.

    Raises
    ------
    OmeZarrError
        If it does not fit, or does not continue the axis.
    """
    part = Part.of(da, level0)
    name = _grown_dim(options["append_dim"], part)
    problems = Problems()
    with problems.collected():
        check_pixels(da.dtype, level0.dtype)
    for other in part.own:
        if other != name:
            with problems.collected():
                _check_same(other, part, level0)
    problems.raise_all(f"The object cannot be appended along {name!r}")
    line = _Line(part, name, level0, kept, options["irregular"])
    size = line.old_size + line.new_size
    axis, exact = line.continued()
    coords = {**line.kept_beside(), **exact}
    channels = line.channels(image)
    return Growth(part, name, axis, size, coords, channels)


def _grown_dim(dim: Any, part: Part) -> str:
    name = names_of(part.arrangement).get(dim, dim)
    if name not in part.own:
        raise AxisError(f"append_dim is {dim!r}; the image has {tuple(part.own)}")
    if name in _PLANE:
        raise OptionError(
            f"append_dim is {dim!r}, and images do not grow along y and x; prepare the "
            "whole with prepare_image, and write with region="
        )
    return str(name)


def _check_same(dim: str, part: Part, level0: xr.DataArray) -> None:
    size, wanted = part.sizes[dim], level0.sizes[dim]
    if size != wanted:
        raise AxisError(
            f"The object has {size} pixels along {dim!r}, and the image has {wanted}; "
            "what is appended covers all other dims"
        )
    own = coordinate_of(part.outline, part.own[dim])
    known = coordinate_of(level0, dim)
    if own is None or known is None:
        return
    if known.dtype.kind in "OSTU" or own.dtype.kind in "OSTU":
        same = channel_texts(own.values) == channel_texts(known.values)
    else:
        off = np.abs(positions(own, known, dim) - known.values)
        same = bool(np.all(off <= tolerance_of(known.values, own.values)))
    if not same:
        raise CoordinateError(
            f"Coordinate {dim!r} of the object is not that of the image; what is "
            "appended lies on the same pixels: correct it, or drop it with "
            f".drop_vars({part.own[dim]!r})"
        )


@dataclass(frozen=True, slots=True)
class _Line:
    """The dim along which an image grows, while it is looked at."""

    part: Part
    dim: str
    level0: xr.DataArray
    kept: Kept
    irregular: str

    @property
    def old_size(self) -> int:
        return int(self.level0.sizes[self.dim])

    @property
    def new_size(self) -> int:
        return self.part.sizes[self.dim]

    @property
    def own(self) -> str:
        """The object's name of the dim."""
        return self.part.own[self.dim]

    @property
    def type(self) -> str:
        """Type of the axis."""
        arrangement = self.part.arrangement
        pairs = zip(arrangement.names, arrangement.types, strict=True)
        return dict(pairs)[self.dim]

    def continued(self) -> tuple[GridAxis | None, dict[str, KeptCoordinate]]:
        """The grown axis where it changes, and its coordinate where it is kept."""
        known = coordinate_of(self.level0, self.dim)
        new = coordinate_of(self.part.outline, self.own)
        stored = self.kept.coords.get(self.dim)
        is_kept = stored is not None and stored.values is not None
        if new is None:
            if is_kept or (known is not None and known.dtype.kind in "OSTU"):
                raise CoordinateError(
                    f"The image has its own coordinate {self.dim!r}, and the object "
                    "has none; assign it, so that it can be continued"
                )
            return None, {}
        if known is None:
            raise CoordinateError(
                f"The object has a coordinate {self.own!r}, and the image has none; "
                f"drop it with .drop_vars({self.own!r})"
            )
        if self.type == "channel" or known.dtype.kind in "OSTU":
            return None, self._joined(known, new) if is_kept else {}
        if not is_kept and self._continues(known, new):
            return None, {}
        is_evenly = self.irregular == "auto" and self.type != "time"
        if not is_kept and self.old_size > 1 and is_evenly:
            raise self._does_not_continue(known, new)
        return self._refitted(known, new)

    def _joined(
        self, known: xr.DataArray, new: xr.DataArray
    ) -> dict[str, KeptCoordinate]:
        stored = self.kept.coords[self.dim]
        return {self.dim: _extended(stored, known.values, new.values, self.dim)}

    def _continues(self, known: xr.DataArray, new: xr.DataArray) -> bool:
        """Whether the new positions are where the next pixels are."""
        values, first = positions(new, known, self.dim), known.values[0]
        if self.old_size == 1:
            if "spacing" not in known.attrs and self.new_size == 1:
                return bool(values[0] == first + 1)
            step = float(known.attrs.get("spacing", 1.0))
        else:
            step = float(known.values[-1] - first) / (self.old_size - 1)
        expected = first + step * (self.old_size + np.arange(self.new_size))
        line = np.append(known.values, expected)
        tolerance = tolerance_of(line, new.values)
        return bool(np.all(np.abs(values - expected) <= tolerance))

    def _does_not_continue(
        self, known: xr.DataArray, new: xr.DataArray
    ) -> CoordinateError:
        step = float(known.values[-1] - known.values[0]) / (self.old_size - 1)
        wanted = float(known.values[-1]) + step
        return CoordinateError(
            f"Coordinate {self.own!r} goes on at {positions(new, known, self.dim)[0]}, "
            f"and that of the image at {wanted:g} in steps of {step:g}; correct it, or "
            f"drop it with .drop_vars({self.own!r}) to continue in even steps"
        )

    def _refitted(
        self, known: xr.DataArray, new: xr.DataArray
    ) -> tuple[GridAxis | None, dict[str, KeptCoordinate]]:
        """The axis and coordinate of the whole, where a single pixel told no step.

        Also where positions are kept one by one and the nominal step may change.
        """
        added = positions(new, known, self.dim)
        if not added[0] > known.values[-1]:
            raise CoordinateError(
                f"Coordinate {self.own!r} goes on at {added[0]}, before the last of "
                f"the image, {known.values[-1]}; what is appended comes after it"
            )
        values = _concatenated(known.values, added)
        attrs = {key: v for key, v in known.attrs.items() if key != "spacing"}
        if "spacing" in known.attrs and self.old_size == 1:
            raise CoordinateError(
                f"Coordinate {self.own!r} goes on at {added[0]} after "
                f"{known.values[0]}, and the image says that its pixels are "
                f"{known.attrs['spacing']} apart; correct the coordinate"
            )
        line = xr.DataArray(
            np.broadcast_to(np.uint8(0), values.shape),
            dims=(self.dim,),
            coords={self.dim: (self.dim, values, attrs)},
        )
        stored = self.kept.coords.get(self.dim, KeptCoordinate())
        with warnings.catch_warnings():
            if stored.values is not None:
                # That the step is nominal was said when the image was made.
                warnings.simplefilter("ignore", OmeZarrWarning)
            inspection = examine(line, irregular=self.irregular)
        (axis,) = inspection.grid.axes
        if self.dim not in inspection.exact and stored.values is None:
            return axis, {}
        whole = KeptCoordinate(stored.attrs, (self.dim,), values)
        return axis, {self.dim: whole}

    def kept_beside(self) -> dict[str, KeptCoordinate]:
        """Further coordinates along the dim, whole."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OmeZarrWarning)
            found = examine(self.part.outline, irregular="keep")
            new = plan_kept(
                self.part.outline,
                names=names_of(self.part.arrangement),
                exact=frozenset(),
                channel_dim=self.own if self.type == "channel" else None,
                grid=found.grid,
            ).coords
        mine = self._along(new)
        stored = self._along(self.kept.coords)
        missing, unknown = stored.keys() - mine.keys(), mine.keys() - stored.keys()
        if missing or unknown:
            said = [f"the object lacks {sorted(missing)}"] if missing else []
            said += [f"the image has no {sorted(unknown)}"] if unknown else []
            raise CoordinateError(
                f"Coordinates along {self.dim!r} must be continued, and "
                f"{' and '.join(said)}; assign them, or drop them with .drop_vars"
            )
        return {
            name: _extended(entry, entry.values, mine[name].values, self.dim)
            for name, entry in stored.items()
        }

    def _along(self, coords: Mapping[str, KeptCoordinate]) -> dict[str, KeptCoordinate]:
        """Those with values along the dim, but for the dim's own."""
        return {
            name: entry
            for name, entry in coords.items()
            if entry.dims is not None and self.dim in entry.dims and name != self.dim
        }

    def channels(self, image: Image) -> tuple[Channel, ...] | None:
        """The new channels, with colours that differ from those of the others."""
        omero = image.omero
        if self.type != "channel" or omero is None:
            return None
        if len(omero.channels) != self.old_size:
            raise CoordinateError(
                f"The image describes {len(omero.channels)} channels and stores "
                f"{self.old_size}; correct its metadata before it grows"
            )
        outline = self.part.outline
        axis = examine(outline).grid[self.own]
        new = plan_channels(outline, axis, None) or ()
        labels = [each.label for each in (*omero.channels, *new)]
        colors = channel_colors(labels)[self.old_size :]
        chosen = {str(name) for name in outline.coords}
        made = []
        for index, channel in enumerate(new):
            update: dict[str, Any] = {}
            if f"{CHANNEL_PREFIX}color" not in chosen:
                update["color"] = colors[index]
            if f"{CHANNEL_PREFIX}active" not in chosen:
                update["active"] = self.old_size + index < SHOWN_AT_FIRST
            made.append(channel.model_copy(update=update))
        return tuple(made)


def _extended(
    entry: KeptCoordinate, known: Any, added: Any, dim: str
) -> KeptCoordinate:
    dims = (dim,) if entry.dims is None else entry.dims
    values = _concatenated(np.asarray(known), np.asarray(added), dims.index(dim))
    return replace(entry, dims=dims, values=values)


def _concatenated(known: Any, added: Any, axis: int = 0) -> Any:
    """Both, in the type of the first unless it cannot hold the second."""
    if known.dtype.kind != "U":
        with np.errstate(all="ignore"):
            cast = added.astype(known.dtype) if added.dtype.kind != "U" else added
        added = cast if np.array_equal(cast, added, equal_nan=False) else added
    return np.concatenate([known, added], axis=axis)
