"""Whether fields of a plate are alike enough to be one array."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from xarray_omezarr.errors import OmeZarrError, PlateError, raise_together
from xarray_omezarr.grid.model import to_grid

if TYPE_CHECKING:
    import numpy as np

    from xarray_omezarr.ngff.multiscale import Image

# What must be the same, by what it is called.
_Traits: TypeAlias = dict[str, Any]

# Fields that a message names before it only counts.
_SHOWN = 8
# Scales that are computed from others differ in their last digits.
_TOLERANCE = 1e-6


class Likeness:
    """Compares images to the first one.

    Parameters
    ----------
    number : int
        The level that is compared, 0 being the finest.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._first: _Traits = {}
        self._name = ""
        # Images that are alike share their coordinate systems; these are kept, so
        # that nothing else can be taken for them.
        self._known: dict[int, tuple[object, _Traits]] = {}
        self._different: dict[str, list[str]] = {}

    def compare(
        self, path: str, image: Image, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        """Note what of the image at `path` is not as in the first one."""
        traits = {"shape": shape, "dtype": str(dtype), **self._traits(image)}
        if not self._first:
            self._first, self._name = traits, path
        if traits != self._first:
            for what in _differences(traits, self._first):
                self._different.setdefault(what, []).append(path)

    def raise_differences(self, plate: str) -> None:
        """Raise if there are any; one problem for each kind."""
        problems: list[OmeZarrError] = []
        for what, paths in self._different.items():
            shown = ", ".join(map(repr, paths[:_SHOWN]))
            rest = len(paths) - _SHOWN
            names = f"{shown} and {rest} more" if rest > 0 else shown
            problems.append(
                PlateError(
                    f"Fields {names} of {plate} have {what} in {self._name!r}, and "
                    "cannot be stacked with it; open them with xarray.open_datatree, "
                    "or choose some with acquisition="
                )
            )
        raise_together(problems, f"{plate} cannot be opened as one array")

    def _traits(self, image: Image) -> _Traits:
        systems = image.multiscale.coordinate_systems
        known = self._known.get(id(systems))
        if known is None:
            known = self._known[id(systems)] = systems, self._look(image)
        return known[1]

    def _look(self, image: Image) -> _Traits:
        multiscale = image.multiscale
        level = multiscale.levels[self._number]
        grid = to_grid(multiscale, level, (1,) * len(multiscale.axes))
        channels = image.omero.channels if image.omero else ()
        return {
            "axes": grid.dims,
            "units": tuple(grid.units.values()),
            "scale": tuple(grid.scale.values()),
            "channels": tuple(channel.label for channel in channels),
        }


def _differences(traits: _Traits, first: _Traits) -> Iterator[str]:
    for name, value in traits.items():
        if value == first[name]:
            continue
        pairs = list(zip(value, first[name], strict=False))
        if name == "scale" and all(
            math.isclose(*pair, rel_tol=_TOLERANCE) for pair in pairs
        ):
            continue
        yield f"{name} {value}, and not {first[name]} as"
