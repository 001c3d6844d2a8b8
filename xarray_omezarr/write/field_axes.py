"""An image whose pixels are vectors: its dims, and how its metadata say so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import AxisError, MetadataError
from xarray_omezarr.grid.dims import roles
from xarray_omezarr.grid.inspect import labelled_dims
from xarray_omezarr.write.fitting import check_spelled

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.ngff.axes import Axis
    from xarray_omezarr.ngff.multiscale import Image, Multiscale

#: What the axis of the vectors is called, by the type of the transformation.
COMPONENTS = {"displacements": "displacement", "coordinates": "coordinate"}

_PLACES = ("time", "space")


def field_dims(da: xr.DataArray) -> tuple[list[str], str]:
    """Dims of a field in the order to store them, and that of the vectors.

    The others keep their order: it is that of the axes of the system that the
    transformation starts from.

    Raises
    ------
    AxisError
        If it is not plain along which dim the vectors lie.
    """
    sizes = {str(dim): size for dim, size in da.sizes.items()}
    found = roles([*sizes], sizes, labelled_dims(da))
    vectors = [dim for dim, role in found.items() if role.type not in _PLACES]
    if len(vectors) != 1:
        raise AxisError(
            f"has the dims {tuple(sizes)}, and a field has time and space, and one dim "
            "along which the entries of its vectors lie, e.g. ('displacement', 'y', "
            "'x'); a transformation of some axes of an image is a 'byDimension'"
        )
    places = [dim for dim in sizes if dim != vectors[0]]
    time = [dim for dim in places if found[dim].type == "time"]
    space = [dim for dim in places if dim not in time]
    if places != [*time, *space]:
        raise AxisError(
            f"has the dims {tuple(sizes)}, and time comes first in every image: "
            "transpose it, and reorder axes with a 'mapAxis' where they differ"
        )
    return [*time, vectors[0], *space], vectors[0]


def bare_field(da: xr.DataArray, component: str) -> xr.DataArray:
    """A field without what labels its vectors: their entries count by place."""
    told = [key for key, value in da.coords.items() if component in value.dims]
    return da.drop_vars(told).reset_coords(drop=True)


def as_field(
    planned: Hierarchy, type: str, start: tuple[Axis, ...] | None = None
) -> Hierarchy:
    """A planned image as the field of a transformation of a type.

    Parameters
    ----------
    planned : Hierarchy
        The image.
    type : str
        Of the transformation.
    start : tuple of Axis, optional
        Of the system that the transformation starts from, where that is known.

    Raises
    ------
    MetadataError
        If it has other numbers of axes than vectors have entries, or than the system
        has that it starts from, or other units.
    """
    image = planned.image()
    picture = image.multiscale
    vectors = [n for n, axis in enumerate(picture.axes) if axis.type not in _PLACES]
    if len(vectors) != 1:
        raise MetadataError(
            f"has the axes {[axis.name for axis in picture.axes]}, none of which is "
            "that of the entries of vectors"
        )
    count = planned.array(picture.levels[0].path).shape[vectors[0]]
    places = len(picture.axes) - 1
    if type == "displacements" and count != places:
        raise MetadataError(
            f"has vectors of {count} entries along {picture.axes[vectors[0]].name!r}, "
            f"and displaces positions of {places} axes: give one entry per axis"
        )
    if start is not None and len(start) != places:
        own = [axis.name for n, axis in enumerate(picture.axes) if n != vectors[0]]
        raise MetadataError(
            f"is a field of {places} axes, {own}, and {type!r} is given positions of "
            f"{len(start)}, {[axis.name for axis in start]}: give vectors along all of "
            "them, or change some axes alone with a 'byDimension'"
        )
    axes = _axes(picture, vectors[0], COMPONENTS[type], start)
    system = picture.system.model_copy(update={"axes": axes})
    systems = tuple(
        system if other is picture.system else other
        for other in picture.coordinate_systems
    )
    changed = picture.model_copy(update={"coordinate_systems": systems})
    model: Image = image.model_copy(
        update={"multiscales": (changed, *image.multiscales[1:]), "omero": None}
    )
    check_spelled(model, planned.version)
    nodes: dict[str, Any] = dict(planned.nodes)
    nodes[""] = replace(planned.group(""), model=model)
    return replace(planned, nodes=nodes)


def _axes(
    picture: Multiscale, vectors: int, kind: str, start: tuple[Axis, ...] | None
) -> tuple[Axis, ...]:
    axes = list(picture.axes)
    told: dict[str, Any] = {"type": kind, "discrete": True}
    axes[vectors] = axes[vectors].model_copy(update=told)
    places = [n for n in range(len(axes)) if n != vectors]
    if start is None or len(start) != len(places):
        return tuple(axes)
    for place, known in zip(places, start, strict=True):
        own = axes[place]
        if own.unit is None and known.unit is not None and own.type == known.type:
            axes[place] = own.model_copy(update={"unit": known.unit})
        elif own.unit is not None and known.unit not in (None, own.unit):
            raise MetadataError(
                f"has positions in {own.unit} along {own.name!r}, and the system that "
                f"the transformation starts from is in {known.unit} along "
                f"{known.name!r}: convert the coordinates"
            )
    return tuple(axes)
