"""The fields of a plate -> their hierarchies: one depth, all problems together."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from xarray_omezarr.errors import (
    OmeZarrError,
    OmeZarrWarning,
    PlateError,
    some,
    warn,
)
from xarray_omezarr.options import WriteOptions
from xarray_omezarr.write.alike import Alike
from xarray_omezarr.write.multiscale import Shrinking, shrinking
from xarray_omezarr.write.plate_tree import ACQUISITION, single_level
from xarray_omezarr.write.several import Said

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.write.plate_tree import FieldObject

Signature: TypeAlias = tuple[Any, ...]

# So few paths are said one by one.
_FEW = 3
# As much may scales differ in a stack.
_TOLERANCE = 1e-6


def plan_fields(
    fields: Mapping[str, FieldObject], options: WriteOptions
) -> dict[str, Hierarchy]:
    """The hierarchies of images that viewers expect to be alike, by path.

    All have as many levels: those that the one needs that needs most, unless
    `options` say them or pyramids are given.

    Parameters
    ----------
    fields : mapping
        Image by path.
    options : WriteOptions
        Of each image.

    Raises
    ------
    OmeZarrError
        All problems of all fields; each message starts with paths.
    """
    said = Said()
    planned: dict[str, Hierarchy] = {}
    levels = {path: single_level(obj) for path, obj in fields.items()}
    is_auto = isinstance(options["scale_factors"], str)
    # Pyramids that exist say how deep the others are.
    order = sorted(fields, key=lambda path: levels[path] is not None)
    alike = Alike(frozenset([ACQUISITION]))
    chosen = _Depth(options, {p: da for p, da in levels.items() if da is not None})
    for path in order:
        level = levels[path]
        with said.about(path):
            own = options
            if level is not None and is_auto:
                own = chosen.options(level, planned)
            planned[path] = alike.plan(fields[path], own, path)
        if said.tells_of(path):
            alike.forget()
    said.close("The fields of this plate cannot be written")
    check_alike(planned)
    return {path: planned[path] for path in fields}


class _Depth:
    """The factors that all fields share, found when the first is asked for."""

    def __init__(
        self, options: WriteOptions, levels: Mapping[str, xr.DataArray]
    ) -> None:
        self._options = options
        self._levels = levels
        self._factors: list[dict[str, int]] | None = None
        self._known: dict[Signature, Shrinking | None] = {}
        self._chosen: dict[Signature, WriteOptions] = {}

    def options(
        self, level: xr.DataArray, planned: Mapping[str, Hierarchy]
    ) -> WriteOptions:
        """The options of one field, with the factors that all share."""
        if self._factors is None:
            self._factors = self._find(planned)
        signature = _signature(level)
        if signature not in self._chosen:
            self._chosen[signature] = self._restricted(signature, self._factors)
        return self._chosen[signature]

    def _restricted(
        self, signature: Signature, factors: list[dict[str, int]]
    ) -> WriteOptions:
        known = self._known.get(signature)
        if known is None:
            # It cannot be planned; let its own problem be said.
            return self._options
        wanted = [
            {dim: n for dim, n in entry.items() if dim in known.dims}
            for entry in factors
        ]
        changed = WriteOptions(**self._options)
        changed["scale_factors"] = wanted or None
        return changed

    def _find(self, planned: Mapping[str, Hierarchy]) -> list[dict[str, int]]:
        for level in self._levels.values():
            signature = _signature(level)
            if signature not in self._known:
                self._known[signature] = self._shrinking(level)
        if planned:
            return factors_of(next(iter(planned.values())))
        found = [known.factors for known in self._known.values() if known is not None]
        return max(found, key=len, default=[])

    def _shrinking(self, level: xr.DataArray) -> Shrinking | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OmeZarrWarning)
            try:
                return shrinking(level, self._options)
            except OmeZarrError:
                return None


def _signature(da: xr.DataArray) -> Signature:
    return (*da.dims, da.shape, da.dtype)


def factors_of(hierarchy: Hierarchy) -> list[dict[str, int]]:
    """Whole numbers of pixels of level 0 per pixel, of each further level."""
    image = _image(hierarchy)
    names = [axis.name for axis in image.multiscale.axes]
    first, *others = image.multiscale.levels
    return [
        {
            name: max(1, round(own / finest))
            for name, own, finest in zip(names, level.scale, first.scale, strict=True)
        }
        for level in others
    ]


def _image(hierarchy: Hierarchy) -> Image:
    return hierarchy.image()


def check_alike(images: Mapping[str, Hierarchy]) -> None:
    """Refuse fields of different depths; warn of what makes them unlike the first.

    Parameters
    ----------
    images : mapping
        Images by path, planned or opened.

    Raises
    ------
    PlateError
        Naming the depths, and some fields of each.
    """
    _check_depths(images)
    _warn_of_differences(images)
    _warn_of_unlike(images)


def _check_depths(planned: Mapping[str, Hierarchy]) -> None:
    depths = _grouped(
        (str(len(_image(hierarchy).multiscale.levels)), path)
        for path, hierarchy in planned.items()
    )
    if len(depths) > 1:
        said = "; ".join(f"{n} ({some(p, most=_FEW)})" for n, p in depths.items())
        raise PlateError(
            f"Fields have different numbers of levels: {said}. Viewers take the first "
            "field's for all; give all pyramids the same depth, or the finest level "
            "alone without scale_factors, from which all are made alike"
        )


def _warn_of_differences(planned: Mapping[str, Hierarchy]) -> None:
    """Warn of what the standard allows and viewers of plates do not expect."""
    traits: dict[str, Callable[[Hierarchy], str]] = {
        "axes": lambda h: "".join(h.array(_first(h)).dims),
        "types of pixels": lambda h: str(h.array(_first(h)).dtype),
        "numbers of channels": _channel_count,
    }
    for what, trait in traits.items():
        found = _grouped((trait(h), path) for path, h in planned.items())
        if len(found) > 1:
            said = "; ".join(f"{t} ({some(p, most=_FEW)})" for t, p in found.items())
            warn(
                f"Fields have different {what}: {said}. The standard allows it, but "
                "viewers take the first field's for all, and no stack holds them"
            )


def _warn_of_unlike(planned: Mapping[str, Hierarchy]) -> None:
    """Warn once of fields of other sizes, channels or units than the first has."""
    if not planned:
        return
    name, *others = planned
    first = planned[name]
    traits = _traits(first)
    found = _grouped(
        (f"{what} {own[what]}, and not {traits[what]}", path)
        for path in others
        if _comparable(planned[path], first)
        for own in [_traits(planned[path])]
        for what in own
        if not _same(own[what], traits[what])
    )
    if found:
        said = "; ".join(f"{some(p, most=_FEW)} ({t})" for t, p in found.items())
        warn(
            f"Fields are not like {name}: {said}. The standard allows it, but viewers "
            "take the first field's for all, and open_plate refuses the plate: no "
            "stack holds them"
        )


def _comparable(own: Hierarchy, first: Hierarchy) -> bool:
    """Whether no other warning tells already that they are unlike."""
    dims = own.array(_first(own)).dims == first.array(_first(first)).dims
    return dims and _channel_count(own) == _channel_count(first)


def _same(own: Any, other: Any) -> bool:
    """Whether a trait is the same; scales that are computed are so nearly."""
    if isinstance(own, dict) and isinstance(other, dict):
        return own.keys() == other.keys() and all(
            math.isclose(n, other[key], rel_tol=_TOLERANCE)
            if isinstance(n, float)
            else n == other[key]
            for key, n in own.items()
        )
    return bool(own == other)


def _traits(hierarchy: Hierarchy) -> dict[str, object]:
    """What fields of a stack share, by what messages call it."""
    image = _image(hierarchy)
    node = hierarchy.array(_first(hierarchy))
    axes = image.multiscale.axes
    has_channels = any(axis.type == "channel" for axis in axes)
    shown = image.omero.channels if image.omero and has_channels else ()
    scale = zip(axes, image.multiscale.levels[0].scale, strict=False)
    return {
        "sizes": dict(zip(node.dims, node.shape, strict=True)),
        "channels": [channel.label for channel in shown],
        "units": {axis.name: axis.unit for axis in axes if axis.unit},
        "scale": {a.name: n for a, n in scale if a.type == "space"},
    }


def _first(hierarchy: Hierarchy) -> str:
    return _image(hierarchy).multiscale.levels[0].path


def _channel_count(hierarchy: Hierarchy) -> str:
    sizes = hierarchy.array(_first(hierarchy))
    types = [axis.type for axis in _image(hierarchy).multiscale.axes]
    counts = [
        n for n, kind in zip(sizes.shape, types, strict=True) if kind == "channel"
    ]
    return str(counts[0] if counts else 1)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, path in pairs:
        found.setdefault(key, []).append(path)
    return found
