"""Images that differ by pixels, names and places only: planned once, then moved."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xarray as xr

from xarray_omezarr.grid.computed import computed_line
from xarray_omezarr.grid.names import LEVELS_KEY, SCALE_KEY
from xarray_omezarr.grid.regular import LARGEST, shortest_float
from xarray_omezarr.hierarchy import Downsampled, Given, GroupNode, Hierarchy
from xarray_omezarr.ngff.multiscale import Level, Multiscale
from xarray_omezarr.pixels.methods import position
from xarray_omezarr.write.image import plan_labelled
from xarray_omezarr.write.multiscale import own_name
from xarray_omezarr.write.source import pixel_unit, pixels
from xarray_omezarr.write.stage import origin_names
from xarray_omezarr.write.stored import store_view

if TYPE_CHECKING:
    from xarray_omezarr.grid.dims import Arrangement
    from xarray_omezarr.grid.grid import GridAxis
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.options import WriteOptions

Key: TypeAlias = tuple[Hashable, ...]

_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class _Look:
    """All that a plan depends on, but for the pixels and what the key leaves out.

    Parameters
    ----------
    da : xarray.DataArray
        The image.
    key : tuple
        Equal for images that are planned alike.
    places : mapping
        Scale and position of the first pixel by own dim; the scale of one pixel
        follows from the key, and is None.
    """

    da: xr.DataArray
    key: Key
    places: Mapping[str, tuple[float | None, float]]


@dataclass(slots=True)
class Alike:
    """Plans many images; those that look like one before cost a fraction of it.

    Parameters
    ----------
    ignored : frozenset of str
        Scalar coordinates and attributes whose values do not matter, as they are
        removed from what is planned.
    """

    ignored: frozenset[str] = frozenset()
    _known: dict[Key, _Pattern | None] = field(default_factory=dict)
    _options: dict[int, WriteOptions] = field(default_factory=dict)

    def plan(
        self, obj: xr.DataArray | xr.DataTree, options: WriteOptions, stem: str
    ) -> Hierarchy:
        """What `plan_labelled` plans."""
        # Kept, so that no other options get the number of these.
        self._options[id(options)] = options
        look = _look(obj, self.ignored)
        if look is None:
            return plan_labelled(obj, options, stem=stem)
        key = (id(options), *look.key)
        pattern = self._known.get(key)
        if pattern is not None:
            return pattern.moved(look, own_name(look.da, options["name"], stem))
        planned = plan_labelled(obj, options, stem=stem)
        if key not in self._known:
            self._known[key] = _Pattern.of(planned, look, options)
        return planned

    def forget(self) -> None:
        """Plan the next image as a whole, as the last one had something to say."""
        self._known.clear()


def _look(obj: xr.DataArray | xr.DataTree, ignored: frozenset[str]) -> _Look | None:
    """None for what has to be looked at as a whole."""
    attrs: Mapping[Any, Any] = {}
    if isinstance(obj, xr.DataTree):
        if obj.children:
            return None
        dataset = obj.to_dataset()
        names = [*dataset.data_vars]
        if len(names) != 1:
            return None
        attrs = {key: v for key, v in dataset.attrs.items() if key not in ignored}
        da = dataset[names[0]]
    else:
        da = obj
    if LEVELS_KEY in da.encoding or origin_names(da):
        return None
    told = _attrs_key(attrs), _attrs_key(da.attrs)
    if None in told:
        return None
    places: dict[str, tuple[float | None, float]] = {}
    scales = da.encoding.get(SCALE_KEY) or {}
    parts: list[Hashable] = []
    indexes = da.xindexes
    for name, variable in da.coords.variables.items():
        index = indexes.get(name)
        if index is not None and type(index) is not xr.indexes.PandasIndex:
            return None
        part = _coordinate_key(str(name), variable, scales, places, ignored)
        if part is None:
            return None
        parts.append(part)
    # A name matters beside another one in the attributes.
    name = da.name if da.attrs else None
    of_pixels = (da.dims, da.shape, da.dtype, name, pixel_unit(da))
    key = (*of_pixels, da.chunks is not None, *told, repr(scales), *parts)
    return _Look(da, key, places)


def _attrs_key(attrs: Mapping[Any, Any]) -> Hashable | None:
    """None where values may differ without showing it."""
    if not all(type(value) in _PLAIN for value in attrs.values()):
        return None
    return tuple((key, type(value), value) for key, value in attrs.items())


def _coordinate_key(
    name: str,
    variable: xr.Variable,
    scales: Mapping[str, Any],
    places: dict[str, tuple[float | None, float]],
    ignored: frozenset[str],
) -> Hashable | None:
    attrs = _attrs_key(variable.attrs)
    if attrs is None:
        return None
    head = (name, variable.dims, variable.dtype, attrs)
    if name in ignored and variable.ndim == 0:
        return head
    values = variable.values
    if variable.dims == (name,) and values.dtype == np.float64:
        place = _place(values, scales.get(name))
        if place is not None:
            places[name] = place
            return (*head, place[0])
    if values.dtype.kind == "O":
        items = values.ravel().tolist()
        return (*head, *items) if all(type(i) in _PLAIN for i in items) else None
    return (*head, values.tobytes())


def _place(values: Any, hint: Any) -> tuple[float | None, float] | None:
    if values.size == 1:
        first = float(values[0])
        return (None, shortest_float(first)) if abs(first) < LARGEST else None
    if values.size < 2 or not values[-1] > values[0] or not np.isfinite(values).all():
        return None
    line = computed_line(values)
    known = line if hint is None else (hint, values[0])
    if line is None or line != known or abs(values[-1]) > LARGEST:
        return None
    return line


@dataclass(frozen=True, slots=True)
class _Pattern:
    """The plan of one image, and what to change in it for another.

    Parameters
    ----------
    planned : Hierarchy
        Of the first image.
    arrangement : Arrangement
        Its stored dims in terms of its own.
    axes : tuple
        Axis of level 0 by stored dim, and own dim, of those that have places.
    """

    planned: Hierarchy
    arrangement: Arrangement
    axes: tuple[tuple[int, GridAxis, str], ...]

    @classmethod
    def of(
        cls, planned: Hierarchy, look: _Look, options: WriteOptions
    ) -> _Pattern | None:
        """None where the places are not told by the levels as they are."""
        stored = store_view(look.da, options)
        own = {name: dim for dim, name in stored.names.items()}
        axes = []
        for index, axis in enumerate(stored.grid):
            dim = own[axis.name]
            if dim not in look.places:
                continue
            scale, translation = look.places[dim]
            if axis.translation != translation or scale not in (None, axis.scale):
                # It was converted to the unit of another.
                return None
            axes.append((index, axis, dim))
        if len(axes) < len(look.places) or not _is_movable(planned):
            return None
        return cls(planned, stored.arrangement, tuple(axes))

    def moved(self, look: _Look, name: str | None) -> Hierarchy:
        """The plan of another image that looks alike."""
        nodes = dict(self.planned.nodes)
        root = self.planned.group("")
        image = self.planned.image()
        finest = image.multiscale.levels[0].path
        source = Given(pixels(look.da, self.arrangement))
        nodes[finest] = replace(self.planned.array(finest), source=source)
        model = self._image(image, look, name)
        nodes[""] = replace(root, model=model)
        return replace(self.planned, nodes=nodes)

    def _image(self, image: Image, look: _Look, name: str | None) -> Image:
        moved = [
            (index, replace(axis, translation=look.places[dim][1]))
            for index, axis, dim in self.axes
            if look.places[dim][1] != axis.translation
        ]
        update: dict[str, Any] = {}
        if moved:
            update["levels"] = self._levels(image.multiscale, dict(moved))
        if name != image.multiscale.name:
            update["name"] = name
        if not update:
            return image
        multiscale = image.multiscale.model_copy(update=update)
        return image.model_copy(update={"multiscales": (multiscale,)})

    def _levels(
        self, multiscale: Multiscale, moved: Mapping[int, GridAxis]
    ) -> tuple[Level, ...]:
        levels = []
        factors: dict[str, tuple[int, ...]] = {}
        for level in multiscale.levels:
            source = self.planned.array(level.path).source
            factors[level.path] = (1,) * len(level.scale)
            translation = list(level.translation)
            where: Any = "centre"
            if isinstance(source, Downsampled):
                pairs = zip(source.factors, factors[source.parent], strict=True)
                factors[level.path] = tuple(a * b for a, b in pairs)
                where = position(source.method)
            for index, axis in moved.items():
                coarse = axis.coarsen(factors[level.path][index], position=where)
                translation[index] = coarse.translation
            levels.append(Level.of(level.path, list(level.scale), translation))
        return tuple(levels)


def _is_movable(planned: Hierarchy) -> bool:
    """Whether the levels are made from the first, and their transforms are plain."""
    multiscale = planned.image().multiscale
    first, *others = [planned.array(level.path).source for level in multiscale.levels]
    made = isinstance(first, Given) and all(isinstance(s, Downsampled) for s in others)
    rebuilt = tuple(
        Level.of(level.path, list(level.scale), list(level.translation))
        for level in multiscale.levels
    )
    nested = [n for n in planned.nodes.values() if isinstance(n, GroupNode)]
    return made and rebuilt == multiscale.levels and len(nested) == 1
