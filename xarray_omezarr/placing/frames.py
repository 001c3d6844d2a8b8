"""The frame of an object: the systems that its positions can be told in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xarray_omezarr.grid.inspect import inspect
from xarray_omezarr.grid.names import FRAME_KEY, OME
from xarray_omezarr.ngff.axes import Axis, CoordinateSystem
from xarray_omezarr.ngff.multiscale import SYSTEM
from xarray_omezarr.ngff.spaces import has_spaces
from xarray_omezarr.ngff.transforms import SystemReference, parse_transformation
from xarray_omezarr.placing.positions import own_roles
from xarray_omezarr.transforming.frame import Frame, Way

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays


class CoordinateSystems(Mapping[str, CoordinateSystem]):
    """Coordinate systems by key; it shows their axes.

    Examples
    --------
    >>> x = Axis(name="x", type="space", unit="micrometer")
    >>> CoordinateSystems({"world": CoordinateSystem(name="world", axes=(x,))})
    <1 coordinate system>
    world  x (micrometer)
    """

    __slots__ = ("_own", "_systems")

    def __init__(
        self, systems: Mapping[str, CoordinateSystem], own: str | None = None
    ) -> None:
        self._systems = dict(systems)
        self._own = own

    def __getitem__(self, key: str) -> CoordinateSystem:
        return self._systems[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._systems)

    def __len__(self) -> int:
        return len(self._systems)

    def __repr__(self) -> str:
        count = len(self)
        head = f"<{count} coordinate system{'' if count == 1 else 's'}>"
        width = max(map(len, self), default=0)
        lines = [
            f"{key:{width}}  {', '.join(map(_told, system.axes))}"
            + ("  (that of the coordinates)" if key == self._own else "")
            for key, system in self.items()
        ]
        return "\n".join([head, *lines])


def _told(axis: Axis) -> str:
    return axis.name if axis.unit is None else f"{axis.name} ({axis.unit})"


def frame_of(obj: xr.DataArray, attrs: Mapping[Any, Any] | None = None) -> Frame:
    """The systems of an object, and the ways between them.

    Parameters
    ----------
    obj : xarray.DataArray
        Read from a store, or made by hand.
    attrs : mapping, optional
        Of what it lies in: a Dataset, the node of the image.

    Returns
    -------
    Frame
        As it was read; else by what ``attrs["ome"]`` tells; else of one system
        ``physical``, which the coordinates are positions in.
    """
    known = obj.encoding.get(FRAME_KEY)
    if isinstance(known, Frame):
        return known
    for told in (obj.attrs, attrs or {}):
        if (keys := picture_of(told.get(OME))) is not None:
            return _from_keys(keys)
    return plain_frame(obj)


def is_read(obj: xr.DataArray, attrs: Mapping[Any, Any] | None = None) -> bool:
    """Whether an object tells of ways between systems itself; as `frame_of`."""
    known = obj.encoding.get(FRAME_KEY)
    if isinstance(known, Frame):
        return bool(known.ways)
    pictures = (picture_of(told.get(OME)) for told in (obj.attrs, attrs or {}))
    return any(p and p.get("coordinateTransformations") for p in pictures)


def plain_frame(obj: xr.DataArray) -> Frame:
    """One system, by the dims and units of an object, in the order they are stored."""
    found = own_roles(obj)
    axes = []
    for dim in sorted(found, key=lambda dim: found[dim].rank):
        role = found[dim]
        only = obj.isel({other: 0 for other in obj.dims if other != dim}, drop=True)
        only = only.isel({dim: slice(0, 1)})
        unit = inspect(only)[dim].unit if only.size else None
        axes.append(Axis(name=role.name, type=role.type, unit=unit))
    system = CoordinateSystem(name=SYSTEM, axes=tuple(axes))
    return Frame(SYSTEM, {SYSTEM: system})


def picture_of(ome: object) -> Mapping[str, Any] | None:
    """What is kept of the first picture of an image, if that holds systems."""
    pictures = ome.get("multiscales") if isinstance(ome, Mapping) else None
    if isinstance(pictures, list) and pictures and has_spaces(pictures[0]):
        first: Mapping[str, Any] = pictures[0]
        return first
    return None


def _from_keys(keys: Mapping[str, Any]) -> Frame:
    """The frame that `ngff.spaces` describes, without arrays."""
    systems = [
        CoordinateSystem.parse(told, f"/coordinateSystems/{number}")
        for number, told in enumerate(keys["coordinateSystems"])
    ]
    told = keys.get("coordinateTransformations") or []
    parsed = [
        parse_transformation(way, f"/coordinateTransformations/{number}")
        for number, way in enumerate(told)
    ]
    own = keys.get("intrinsic", systems[0].name)
    return extended(
        Frame(own, {s.name: s for s in systems}),
        (),
        [way for way in parsed if way is not None],
        {},
    )


def extended(
    frame: Frame,
    systems: Iterable[CoordinateSystem],
    transformations: Iterable[Transformation],
    arrays: Arrays,
) -> Frame:
    """The frame with further systems, ways and arrays.

    A system of a name that is there is that one, but for the one of an object that
    tells of no other: that is told better here. Ways without ends are left alone.
    """
    added = {
        system.name: system for system in systems if system.name not in frame.systems
    }
    if not frame.ways:
        own = {s.name: s for s in systems if s.name == frame.own}
        added |= {name: _with_units(s, frame.systems[name]) for name, s in own.items()}
    ways = [
        Way(key_of(way.input), key_of(way.output), way)
        for way in transformations
        if way.input is not None and way.output is not None
    ]
    return replace(
        frame,
        systems={**frame.systems, **added},
        ways=(*frame.ways, *ways),
        arrays={**frame.arrays, **arrays},
    )


def below(frame: Frame, path: str) -> Frame:
    """The frame of an object without ways, with keys as from a group above."""
    systems = {f"{path}/{key}": system for key, system in frame.systems.items()}
    return replace(frame, own=f"{path}/{frame.own}", systems=systems)


def _with_units(told: CoordinateSystem, known: CoordinateSystem) -> CoordinateSystem:
    """The system with the units of another, where it tells none itself."""
    units = {axis.name: axis.unit for axis in known.axes}
    axes = tuple(
        axis.model_copy(update={"unit": units.get(axis.name)})
        if axis.unit is None
        else axis
        for axis in told.axes
    )
    return told.model_copy(update={"axes": axes})


def key_of(end: SystemReference) -> str:
    """The key of a system at an end: its path, if it has one, and its name."""
    parts = [*(end.path or "").strip("/").split("/"), end.name or ""]
    return "/".join(part for part in parts if part and part != ".")
