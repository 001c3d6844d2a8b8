"""Which part of an image that exists an object is: from slices or coordinates."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import (
    AxisError,
    CoordinateError,
    DataTypeError,
    OptionError,
    Problems,
)
from xarray_omezarr.grid.dims import arrange, check_texts
from xarray_omezarr.grid.inspect import channel_texts, labelled_dims
from xarray_omezarr.grid.units import in_unit, split_quantity, standard_unit
from xarray_omezarr.write.source import stored_dtype, stored_shape
from xarray_omezarr.write.stage import placed
from xarray_omezarr.write.stored import names_of, outline_of

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.grid.dims import Arrangement

Box: TypeAlias = tuple[slice, ...]

# Dims that are put in where an object lacks them; others are nobody's by chance.
_INSERTED = frozenset("tczyx")

# Of the distance to the next pixel: coordinates that were computed or are single
# precision are off by less, other pixels by more.
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Part:
    """An object as a part of an image.

    Parameters
    ----------
    arrangement : Arrangement
        How its dims become those of the image.
    outline : xarray.DataArray
        The object without pixels, with all dims of the image (own names).
    """

    arrangement: Arrangement
    outline: xr.DataArray

    @classmethod
    def of(cls, da: xr.DataArray, image: xr.DataArray) -> Part:
        """The object in the order of `image`; dims that it lacks are put in."""
        check_texts(da.dims)
        names = {str(dim).lower() for dim in da.dims}
        lacking = [d for d in image.dims if d not in names and d not in _INSERTED]
        if lacking:
            raise AxisError(
                f"The object lacks the dims {lacking} of the image; insert them, e.g. "
                f"with .expand_dims({lacking[0]!r})"
            )
        arrangement = arrange(
            dims=tuple(str(dim) for dim in da.dims),
            sizes={str(dim): size for dim, size in da.sizes.items()},
            labelled=labelled_dims(da),
            requested=tuple(str(dim) for dim in image.dims),
        )
        return cls(arrangement, outline_of(da, arrangement))

    @property
    def own(self) -> dict[str, str]:
        """Own dim by dim of the image."""
        return {name: own for own, name in names_of(self.arrangement).items()}

    @property
    def sizes(self) -> dict[str, int]:
        """Number of pixels by dim of the image."""
        return {name: self.outline.sizes[own] for name, own in self.own.items()}


def check_pixels(dtype: np.dtype[Any], stored: np.dtype[Any]) -> None:
    """Refuse pixels that the image cannot hold without change.

    Raises
    ------
    DataTypeError
        If the type is not that of the image and does not fit into it.
    """
    # numpy takes doubles for wide enough to hold integers of 64 bits.
    is_rounded = dtype.kind in "iu" and dtype.itemsize == 8 and stored.kind == "f"
    if is_rounded or not np.can_cast(stored_dtype(dtype), stored, "safe"):
        raise DataTypeError(
            f"Pixels are {dtype} and the image holds {stored}, which cannot hold all "
            f"their values; convert them with .astype({str(stored)!r})"
        )


def plan_region(da: xr.DataArray, image: xr.DataArray, region: Any) -> tuple[Part, Box]:
    """Where the pixels of `da` go in level 0 of an image.

    Parameters
    ----------
    da : xarray.DataArray
        The part, with dims of any order and case; size-1 dims may be missing.
    image : xarray.DataArray
        Level 0 as it is read, with its coordinates; its pixels are not touched.
    region : mapping or "auto"
        The write option.

    Returns
    -------
    part : Part
        How its dims become those of the image.
    box : tuple of slice
        Its place, in the order of the image.

    Raises
    ------
    OmeZarrError
        What is wrong with all dims together.
    """
    da = placed(da)
    part = Part.of(da, image)
    wanted = _by_stored_dim(region, part)
    problems = Problems()
    with problems.collected():
        check_pixels(da.dtype, image.dtype)
    box = []
    for dim, size in image.sizes.items():
        name = str(dim)
        side = slice(0, size)
        with problems.collected():
            side = _side(name, wanted.get(name), part, image, whole=region == "auto")
            _check_size(name, side, part)
            _check_coordinate(name, side, part, image, named=name in wanted)
        box.append(side)
    problems.raise_all("The object is no such part of the image")
    shape = stored_shape(da, part.arrangement)
    assert shape == tuple(side.stop - side.start for side in box)  # checked by dim
    return part, tuple(box)


def _by_stored_dim(region: Any, part: Part) -> dict[str, Any]:
    if isinstance(region, str) and region == "auto":
        return dict.fromkeys(part.own, "auto")
    if not isinstance(region, Mapping):
        raise OptionError(
            f"region is {region!r}; give 'auto' or a mapping such as "
            "{'t': slice(5, 6)}"
        )
    names = names_of(part.arrangement)
    found: dict[str, Any] = {}
    for dim, value in region.items():
        name = names.get(dim, dim)
        if name not in part.own or name in found:
            raise AxisError(
                f"region names {dim!r}; the dims of the image are {tuple(part.own)}"
            )
        found[name] = value
    return found


def _side(
    dim: str, wanted: Any, part: Part, image: xr.DataArray, *, whole: bool
) -> slice:
    size = image.sizes[dim]
    if wanted is None:
        return slice(0, size)
    if isinstance(wanted, str):
        if wanted != "auto":
            raise OptionError(
                f"region of {dim!r} is {wanted!r}; 'auto' is the only word for it"
            )
        return _from_coordinates(dim, part, image)
    if isinstance(wanted, slice):
        if wanted.step not in (None, 1):
            raise OptionError(
                f"region of {dim!r} is {wanted!r}; a region has no gaps: leave the "
                "step out"
            )
        first = _index(dim, wanted.start, 0, size)
        return slice(first, max(first, _index(dim, wanted.stop, size, size)))
    first = _index(dim, wanted, 0, size)
    if first == size:
        raise _beyond(dim, wanted, size)
    return slice(first, first + 1)


def _index(dim: str, value: Any, default: int, size: int) -> int:
    if value is None:
        return default
    try:
        if isinstance(value, bool):
            raise TypeError
        index = operator.index(value)
    except TypeError:
        raise OptionError(
            f"region of {dim!r} holds {value!r}; give whole numbers, a slice of them, "
            "or 'auto'"
        ) from None
    if not -size <= index <= size:
        raise _beyond(dim, value, size)
    return index + size if index < 0 else index


def _beyond(dim: str, value: Any, size: int) -> OptionError:
    return OptionError(
        f"region of {dim!r} reaches {value}, and the image has {size} pixels there; "
        f"append_dim={dim!r} makes it larger"
    )


def _check_size(dim: str, side: slice, part: Part) -> None:
    length, size = side.stop - side.start, part.sizes[dim]
    if length != size:
        raise OptionError(
            f"The region is {length} pixels along {dim!r}, from {side.start} to "
            f"{side.stop}, and the object has {size}; give a region of that size, "
            f"e.g. {{{dim!r}: slice({side.start}, {side.start + size})}}"
        )


def _check_coordinate(
    dim: str, side: slice, part: Part, image: xr.DataArray, *, named: bool
) -> None:
    """Refuse names that contradict the place, and positions where none was given."""
    own = coordinate_of(part.outline, part.own[dim])
    known = coordinate_of(image, dim)
    if own is None or known is None:
        return
    if known.dtype.kind in "OSTU":
        names, wanted = channel_texts(known.values)[side], channel_texts(own.values)
        if names != wanted:
            raise CoordinateError(
                f"Coordinate {dim!r} is {list(wanted)}, and the image has "
                f"{list(names)} there; put them in that order, give the region of "
                f"{dim!r}, or drop the coordinate with .drop_vars({part.own[dim]!r})"
            )
    elif (
        not named
        and _of_positions(dim, positions(own, known, dim), known.values) != side
    ):
        raise CoordinateError(
            f"Coordinate {dim!r} is that of other pixels of the image, and the region "
            f"does not name {dim!r}; name it, or drop the coordinate with "
            f".drop_vars({part.own[dim]!r})"
        )


def _from_coordinates(dim: str, part: Part, image: xr.DataArray) -> slice:
    own = coordinate_of(part.outline, part.own[dim])
    known = coordinate_of(image, dim)
    size = image.sizes[dim]
    if own is None or known is None:
        if part.sizes[dim] == size:
            return slice(0, size)
        lacking = "the object" if own is None else "the image"
        raise CoordinateError(
            f"region of {dim!r} is 'auto', and {lacking} has no coordinate {dim!r}; "
            f"give a slice, e.g. {{{dim!r}: slice(0, {part.sizes[dim]})}}"
        )
    if known.dtype.kind in "OSTU":
        return _of_names(dim, own, known)
    return _of_positions(dim, positions(own, known, dim), known.values)


def coordinate_of(da: xr.DataArray, name: str) -> xr.DataArray | None:
    """The coordinate of that name, if there is one; xarray makes up missing ones."""
    return da.coords[name] if name in da.coords else None


def _of_names(dim: str, own: xr.DataArray, known: xr.DataArray) -> slice:
    names, wanted = channel_texts(known.values), channel_texts(own.values)
    missing = [name for name in wanted if name not in names]
    if missing:
        raise CoordinateError(
            f"Coordinate {dim!r} names {missing}, and the image has {list(names)}"
        )
    first = names.index(wanted[0])
    if names[first : first + len(wanted)] != wanted:
        raise CoordinateError(
            f"Coordinate {dim!r} is {list(wanted)}, which do not follow each other in "
            f"the image, {list(names)}; write them one by one"
        )
    return slice(first, first + len(wanted))


def positions(own: xr.DataArray, known: xr.DataArray, dim: str) -> NDArray[Any]:
    """Positions of one coordinate in the terms of another: dates, or its unit.

    Raises
    ------
    CoordinateError
        If one is dates or texts and the other numbers.
    UnitError
        If the units do not measure the same.
    """
    values, unit = split_quantity(own.data)
    values = np.asarray(values)
    if _family(values.dtype) != _family(known.dtype):
        raise CoordinateError(
            f"Coordinate {dim!r} is {values.dtype}, and that of the image is "
            f"{known.dtype}; convert it"
        )
    if values.dtype.kind not in "iuf":
        return values
    kind = {"t": "time", "z": "space", "y": "space", "x": "space"}.get(dim, dim)
    own_unit = unit or own.attrs.get("units") or own.attrs.get("unit")
    mine = standard_unit(own_unit, axis_type=kind, dim=dim)
    theirs = standard_unit(known.attrs.get("units"), axis_type=kind, dim=dim)
    values = values.astype(np.float64)
    if mine is None or theirs is None or mine == theirs:
        return values
    return values * in_unit(1.0, mine, theirs, dim=dim)


def _family(dtype: np.dtype[Any]) -> str:
    return "number" if dtype.kind in "biuf" else dtype.kind


def _of_positions(dim: str, wanted: NDArray[Any], known: NDArray[Any]) -> slice:
    nearest = nearest_index(wanted[:1], known)
    first = int(nearest[0])
    last = first + wanted.size
    tolerance = tolerance_of(known, wanted)
    if last <= known.size and _agree(wanted, known[first:last], tolerance):
        return slice(first, last)
    for index, position in enumerate(wanted):
        at = min(first + index, known.size - 1)
        if not _agree(position, known[at], tolerance):
            near = known[nearest_index(wanted[index : index + 1], known)[0]]
            raise CoordinateError(
                f"Coordinate {dim!r} is {position} at index {index}, where the image "
                f"has {known[at]} at index {at}; the nearest of the image is {near}. "
                "Parts of an image lie on its pixels, all of them: resample, or give "
                "slices"
            )
    raise CoordinateError(
        f"Coordinate {dim!r} reaches {wanted[-1]}, and the image ends at {known[-1]}; "
        f"append_dim={dim!r} makes it larger"
    )


def tolerance_of(known: NDArray[Any], wanted: NDArray[Any]) -> Any:
    """How far a position may be from that of a pixel to be taken for it."""
    if known.dtype.kind in "mM":
        return np.timedelta64(0, "ns")
    steps = np.abs(np.diff(known))
    step = float(steps.min()) if steps.size else max(abs(float(known[0])), 1.0)
    single = np.finfo(np.float32 if wanted.dtype == np.float32 else np.float64).eps
    largest = float(np.abs(known).max())
    return min(0.1 * step, max(_TOLERANCE * step, 4 * float(single) * largest))


def _agree(a: Any, b: Any, tolerance: Any) -> bool:
    return bool(np.all(np.abs(np.asarray(a) - np.asarray(b)) <= tolerance))


def nearest_index(wanted: NDArray[Any], known: NDArray[Any]) -> NDArray[np.intp]:
    """Index of the nearest of ascending positions."""
    if known.size > 1 and known[0] > known[-1]:
        # Files of others may have axes that descend.
        return known.size - 1 - nearest_index(wanted, known[::-1])
    right = np.clip(np.searchsorted(known, wanted), 0, known.size - 1)
    left = np.maximum(right - 1, 0)
    is_left = np.abs(wanted - known[left]) <= np.abs(known[right] - wanted)
    return np.asarray(np.where(is_left, left, right))
