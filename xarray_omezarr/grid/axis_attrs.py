"""What axes say beside unit, scale and type, as attributes of coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xarray_omezarr.ngff.axes import Axis

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.ngff.versions.protocol import Features

_LONG_NAME = "long_name"
_ORIENTATION = "orientation"
_DISCRETE = "discrete"


def with_axis_attrs(
    coords: Mapping[str, xr.Variable], axes: Sequence[Axis]
) -> dict[str, xr.Variable]:
    """The coordinates with what their axes say besides; others stay as they are."""
    found = dict(coords)
    for axis in axes:
        if axis.name in found and (told := axis_attrs(axis)):
            variable = found[axis.name].copy(deep=False)
            variable.attrs = {**variable.attrs, **told}
            found[axis.name] = variable
    return found


def axis_attrs(axis: Axis) -> dict[str, Any]:
    """Attributes of the coordinate of an axis.

    Examples
    --------
    >>> axis_attrs(Axis(name="x", type="space", long_name="along the slide"))
    {'long_name': 'along the slide'}
    """
    told: dict[str, Any] = {}
    if axis.long_name is not None:
        told[_LONG_NAME] = axis.long_name
    orientation = axis.extras().get(_ORIENTATION)
    if _is_orientation(orientation):
        told[_ORIENTATION] = orientation
    # Channels are discrete unless they say otherwise.
    if axis.discrete is False or (axis.discrete and axis.type != "channel"):
        told[_DISCRETE] = axis.discrete
    return told


def axis_fields(attrs: Mapping[Any, Any], features: Features) -> dict[str, Any]:
    """Fields of an axis that attributes of its coordinate tell.

    Versions that have no place for them keep them beside the image.
    """
    found: dict[str, Any] = {}
    long_name = attrs.get(_LONG_NAME)
    if features.systems and isinstance(long_name, str) and long_name:
        found[_LONG_NAME] = long_name
    if features.systems and isinstance(attrs.get(_DISCRETE), bool):
        found[_DISCRETE] = attrs[_DISCRETE]
    # Readers leave keys of axes alone that they do not know, where axes are objects.
    if features.units and _is_orientation(attrs.get(_ORIENTATION)):
        found[_ORIENTATION] = dict(attrs[_ORIENTATION])
    return found


def _is_orientation(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("value"), str)
        and all(isinstance(text, str) for pair in value.items() for text in pair)
    )


def without_axis_attrs(image: Image) -> Image:
    """The image without the unknown keys of axes that coordinates have.

    Kept twice, they would come back as they were after the coordinate was changed.
    """
    pictures = list(image.multiscales)
    for number, picture in enumerate(pictures):
        axes = tuple(map(_bare, picture.axes))
        if axes != picture.axes:
            own = picture.system
            systems = tuple(
                own.model_copy(update={"axes": axes}) if system is own else system
                for system in picture.coordinate_systems
            )
            pictures[number] = picture.model_copy(
                update={"coordinate_systems": systems}
            )
    if tuple(pictures) == image.multiscales:
        return image
    return image.model_copy(update={"multiscales": tuple(pictures)})


def _bare(axis: Axis) -> Axis:
    known = axis.extras()
    if axis.type == "channel" or not _is_orientation(known.pop(_ORIENTATION, None)):
        return axis
    fields = {name: getattr(axis, name) for name in Axis.model_fields}
    return Axis(**fields, **known)
