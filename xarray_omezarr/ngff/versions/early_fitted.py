"""What versions without transformations can hold of a model, and what they cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from xarray_omezarr.ngff.axes import Axis, CoordinateSystem
from xarray_omezarr.ngff.base import Model
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.transforms import Identity, Scale
from xarray_omezarr.ngff.versions.fitted import without_systems

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation

M = TypeVar("M", bound=Model)

#: Types of the axes that these versions know, in the order they have.
AXIS_TYPES: dict[str, str] = {
    "t": "time",
    "c": "channel",
    "z": "space",
    "y": "space",
    "x": "space",
}
# What readers give the one system, which has no name in these versions.
_SYSTEM = "physical"
# Of a pixel of level 0.
_TOLERANCE = 1e-3


def fit_early(model: M, dims: tuple[str, ...] | None) -> tuple[M, tuple[str, ...]]:
    """The part of a model that has a place, and in words what has none.

    Levels have the scale 1 afterwards. How much coarser they are than level 0 is no
    loss, as the shapes of the arrays tell it, nor is the half pixel by which means of
    blocks lie beside the first pixel of their block. What no version of an image
    without other axes could say stays, and is told as lost again when the result is
    fitted.

    Parameters
    ----------
    model : Model
        Of any group.
    dims : tuple of str, optional
        The axes of every image; None where images list the names of theirs.

    Examples
    --------
    >>> axes = [Axis(name="y", type="space"), Axis(name="x", type="space")]
    >>> image = Image(multiscales=(Multiscale.of(axes, [Level.of("0", (1, 0.5))]),))
    >>> fit_early(image, None)[1]
    ("scale 0.5 of axis 'x'",)
    """
    model, lost = without_systems(model)
    if not isinstance(model, Image):
        return model, lost
    told = list(lost)
    pictures = tuple(_picture(entry, dims, told) for entry in model.multiscales)
    if pictures != model.multiscales:
        model = model.model_copy(update={"multiscales": pictures})
    # Several pictures mostly lack the same.
    return model, tuple(dict.fromkeys(told))


def _picture(
    multiscale: Multiscale, dims: tuple[str, ...] | None, lost: list[str]
) -> Multiscale:
    lost += _of_axes(multiscale.axes, dims)
    lost += _of_places(multiscale)
    for after in multiscale.coordinate_transformations:
        if not _is_nothing(after):
            lost.append(f"coordinateTransformations {after.type!r} of all levels")
    known = AXIS_TYPES if _are_known(multiscale.axes, dims) else {}
    axes = tuple(
        Axis(name=axis.name, type=known.get(axis.name, axis.type))
        for axis in multiscale.axes
    )
    ones = Scale(scale=(1.0,) * len(axes))
    levels = tuple(
        level.model_copy(update={"transformation": ones}) for level in multiscale.levels
    )
    return multiscale.model_copy(
        update={
            "coordinate_systems": (CoordinateSystem(name=_SYSTEM, axes=axes),),
            "intrinsic": None,
            "coordinate_transformations": (),
            "levels": levels,
        }
    )


def _of_axes(axes: Sequence[Axis], dims: tuple[str, ...] | None) -> Iterator[str]:
    if not _are_known(axes, dims):
        names = tuple(axis.name for axis in axes)
        have = f"the axes {dims}" if dims else f"some of {(*AXIS_TYPES,)} in this order"
        yield f"axes {names}, as images have {have}"
    for axis in axes:
        whose = f"of axis {axis.name!r}"
        if axis.type not in (None, AXIS_TYPES.get(axis.name, axis.type)):
            yield f"type {axis.type!r} {whose}"
        if axis.unit is not None:
            yield f"unit {axis.unit!r} {whose}"
        if axis.long_name is not None:
            yield f"longName {axis.long_name!r} {whose}"
        if axis.discrete is not None:
            yield f"discrete {axis.discrete} {whose}"
        for key in axis.extras():
            yield f"{key} {whose}"


def _are_known(axes: Sequence[Axis], dims: tuple[str, ...] | None) -> bool:
    """Whether an image can have axes with these names, in this order."""
    names = tuple(axis.name for axis in axes)
    if dims is not None:
        return names == dims
    in_order = tuple(name for name in AXIS_TYPES if name in names)
    return names == in_order and {"y", "x"} <= {*names}


def _of_places(multiscale: Multiscale) -> Iterator[str]:
    first, *others = multiscale.levels
    ones = (1.0,) * len(multiscale.axes)
    scales = first.scale or ones
    for axis, scale in zip(multiscale.axes, scales, strict=True):
        if scale != 1:
            yield f"scale {scale:g} of axis {axis.name!r}"
    starts = first.translation or (0.0,) * len(ones)
    for axis, start in zip(multiscale.axes, starts, strict=True):
        if start != 0:
            yield f"translation {start:g} of axis {axis.name!r}"
    for level in others:
        yield from _of_level(level, multiscale.axes, scales, starts)


def _of_level(
    level: Level,
    axes: Sequence[Axis],
    scales: Sequence[float],
    starts: Sequence[float],
) -> Iterator[str]:
    """Where a level begins, unless its blocks begin or lie in the middle there."""
    own = level.scale or (1.0,) * len(axes)
    begins = level.translation or (0.0,) * len(axes)
    for axis, scale, begin, one, start in zip(
        axes, own, begins, scales, starts, strict=True
    ):
        if one == 0:
            continue
        shift, centre = (begin - start) / one, (scale / one - 1) / 2
        if min(abs(shift), abs(shift - centre)) > _TOLERANCE * max(1.0, centre):
            yield f"translation {begin:g} of level {level.path!r} along {axis.name!r}"


def _is_nothing(transformation: Transformation) -> bool:
    if isinstance(transformation, Identity):
        return True
    return isinstance(transformation, Scale) and set(transformation.scale) <= {1.0}
