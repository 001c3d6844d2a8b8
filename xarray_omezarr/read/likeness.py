"""Whether fields of a plate are alike enough to be one array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import OmeZarrError, PlateError, raise_together
from xarray_omezarr.grid.names import SCALE_KEY

if TYPE_CHECKING:
    import xarray as xr

#: Dims along which fields may begin anywhere.
PLACED = frozenset("tzyx")

# Fields that a message names before it only counts.
_SHOWN = 8
# Scales that are computed from others differ in their last digits.
_TOLERANCE = 1e-6


def check_alike(
    images: Iterable[tuple[str, xr.DataArray]], where: str, remedy: str
) -> None:
    """Refuse fields that are not like the first one; all of them are named.

    Parameters
    ----------
    images : iterable of tuple
        Path and image of each field; fields that are known to be alike have one image.
    where : str
        What they belong to.
    remedy : str
        What else can be done with them.

    Raises
    ------
    PlateError
        If dims, sizes, types of pixels, units, steps or channels differ. Where along
        t, z, y and x a field begins does not matter.
    """
    found = iter(images)
    name, first = next(found)
    known: dict[int, list[str]] = {id(first): []}
    different: dict[str, list[str]] = {}
    # Holds the images, so that no other gets the identity of one.
    held = [first]
    for path, image in found:
        if id(image) not in known:
            known[id(image)] = list(_differences(image, first))
            held.append(image)
        for what in known[id(image)]:
            different.setdefault(what, []).append(path)
    problems: list[OmeZarrError] = []
    for what, paths in different.items():
        rest = len(paths) - _SHOWN
        names = ", ".join(map(repr, paths[:_SHOWN]))
        more = f" and {rest} more" if rest > 0 else ""
        problems.append(
            PlateError(
                f"Fields {names}{more} have {what} {name!r}, and cannot be stacked "
                f"with it; {remedy}, or choose some with acquisition="
            )
        )
    raise_together(problems, f"{where} cannot be one array")


def _differences(own: xr.DataArray, first: xr.DataArray) -> Iterator[str]:
    if {*own.dims} != {*first.dims}:
        yield f"dims {own.dims}, and not {first.dims} as in"
        return
    if own.sizes != first.sizes:
        yield f"sizes {dict(own.sizes)}, and not {dict(first.sizes)} as in"
        return
    if own.dtype != first.dtype:
        yield f"dtype {own.dtype}, and not {first.dtype} as in"
    of_dims: dict[str, list[str]] = {}
    for dim in map(str, first.dims):
        if what := _different(dim, own, first):
            of_dims.setdefault(what, []).append(dim)
    for what, dims in of_dims.items():
        yield f"another {what} along {', '.join(map(repr, dims))} than"


def _different(dim: str, own: xr.DataArray, first: xr.DataArray) -> str:
    """What of a coordinate is different; empty where nothing is."""
    a, b = (image.coords.variables.get(dim) for image in (own, first))
    if a is b:
        return ""
    if a is None or b is None:
        return "coordinate"
    numbers = a.dtype.kind in "iuf" and b.dtype.kind in "iuf"
    if not numbers and a.dtype.kind != b.dtype.kind:
        return f"coordinate ({a.dtype}, and not {b.dtype})"
    if a.attrs.get("units") != b.attrs.get("units"):
        return f"unit ({a.attrs.get('units')}, and not {b.attrs.get('units')})"
    if dim.lower() not in PLACED or not (numbers or a.dtype.kind in "mM"):
        same = np.array_equal(a.values, b.values)
        return "" if same else f"list of channels ({a.values.tolist()})"
    if a.size == 1:
        steps = _single_step(dim, own), _single_step(dim, first)
        return "" if steps[0] == steps[1] else f"scale ({steps[0]}, and not {steps[1]})"
    return "" if _same_steps(a.values, b.values) else "scale"


def _single_step(dim: str, image: xr.DataArray) -> Any:
    """The scale of a dim of one pixel, which has no neighbour to tell it by."""
    told = image.coords.variables[dim].attrs.get("spacing")
    return image.encoding.get(SCALE_KEY, {}).get(dim) if told is None else told


def _same_steps(own: NDArray[Any], other: NDArray[Any]) -> bool:
    relative, known = own - own[0], other - other[0]
    if relative.dtype.kind == "m":
        # Whole numbers, which are compared as they are.
        return np.array_equal(relative, known)
    step = np.abs(known[-1]) / max(known.size - 1, 1)
    # Positions far from 0 have fewer digits left for the steps between them.
    noise = 4 * np.finfo(np.float64).eps * max(np.abs(own).max(), np.abs(other).max())
    return bool(np.abs(relative - known).max() <= _TOLERANCE * step + noise)
