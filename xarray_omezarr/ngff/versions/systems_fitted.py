"""What versions with coordinate systems can hold of a model: all that has both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from xarray_omezarr.ngff.base import Model
from xarray_omezarr.ngff.folding import composed, is_foldable
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.versions.fitted import described

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import Axis, CoordinateSystem

M = TypeVar("M", bound=Model)


def with_systems(model: M) -> tuple[M, tuple[str, ...]]:
    """The model as these versions hold it, and in words what it lost.

    What moves the picture as a whole is folded into its levels (RULES T8), with exact
    decimals. Channels are discrete unless they say otherwise.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Axis, Scale
    >>> axes = [Axis(name="y", type="space"), Axis(name="x", type="space")]
    >>> picture = Multiscale.of(axes, [Level.of("0", (0.1, 0.1), (0.1, 0))])
    >>> after = Scale(scale=(3, 1))
    >>> picture = picture.model_copy(update={"coordinate_transformations": (after,)})
    >>> image, lost = with_systems(Image(multiscales=(picture,)))
    >>> image.multiscale.levels[0].scale, image.multiscale.levels[0].translation, lost
    ((0.3, 0.1), (0.3, 0.0), ())
    """
    if not isinstance(model, Image):
        return model, ()
    lost: list[str] = []
    pictures = tuple(_fitted(entry, lost) for entry in model.multiscales)
    if pictures == model.multiscales:
        return model, ()
    return model.model_copy(update={"multiscales": pictures}), tuple(lost)


def _fitted(multiscale: Multiscale, lost: list[str]) -> Multiscale:
    after = multiscale.applied_after_levels
    lost += [
        f"coordinateTransformations {described(transformation)} without systems"
        for transformation in after
        if not is_foldable(transformation)
    ]
    system = multiscale.system
    is_first = system is multiscale.coordinate_systems[0]
    systems = tuple(
        _with_discrete(other) if other is system else other
        for other in multiscale.coordinate_systems
    )
    levels = tuple(
        _folded(level, after, len(system.axes)) for level in multiscale.levels
    )
    update: dict[str, Any] = {
        "coordinate_systems": systems,
        "intrinsic": None if is_first else system.name,
        "levels": levels,
        "coordinate_transformations": multiscale.between_systems,
    }
    changed = {k: v for k, v in update.items() if v != getattr(multiscale, k)}
    return multiscale.model_copy(update=changed)


def _with_discrete(system: CoordinateSystem) -> CoordinateSystem:
    axes = tuple(
        axis.model_copy(update={"discrete": True}) if _is_channel(axis) else axis
        for axis in system.axes
    )
    return system if axes == system.axes else system.model_copy(update={"axes": axes})


def _is_channel(axis: Axis) -> bool:
    return axis.type == "channel" and axis.discrete is None


def _folded(level: Level, after: tuple[Any, ...], ndim: int) -> Level:
    if not after:
        return level
    numbers = composed([level.transformation, *filter(is_foldable, after)], ndim)
    made = Level.of(level.path, [s for s, _ in numbers], [t for _, t in numbers])
    return level.model_copy(update={"transformation": made.transformation})
