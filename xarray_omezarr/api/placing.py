"""Objects in other coordinate systems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import xarray as xr

from xarray_omezarr.errors import MetadataError, raise_together, warn
from xarray_omezarr.grid.inspect import inspect
from xarray_omezarr.ngff.axes import check_axes
from xarray_omezarr.ngff.transforms import ByDimension
from xarray_omezarr.placing.frames import (
    CoordinateSystems,
    below,
    extended,
    frame_of,
    key_of,
)
from xarray_omezarr.placing.objects import place_array, place_dataset, principal
from xarray_omezarr.placing.positions import in_unit_of
from xarray_omezarr.placing.trees import frames_in, place_tree
from xarray_omezarr.transforming.stored import Field
from xarray_omezarr.write.asked_units import check_told, check_units
from xarray_omezarr.write.field_axes import bare_field, field_dims
from xarray_omezarr.write.field_ends import Ends, fields_in, in_order
from xarray_omezarr.write.joined_systems import told_jumps
from xarray_omezarr.write.levels import named as about
from xarray_omezarr.write.systems import parse_transforms

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import CoordinateSystem
    from xarray_omezarr.transforming.frame import Frame
    from xarray_omezarr.transforming.stored import Stored
    from xarray_omezarr.write.systems import Transforms

T = TypeVar("T", xr.DataArray, xr.Dataset, xr.DataTree)


def to_system(obj: T, system: str, *, transforms: Any = None) -> T:
    """The object with the coordinates that its pixels have in another system.

    Where each axis of the system lies along one dim, it becomes the 1-D coordinate of
    that dim, in exact decimals. Where several dims tell an axis together, as in a
    turned or sheared image, there are lazy coordinates with as many dims, on which
    ``.sel(..., method="nearest")`` selects the pixels that positions lie in. Pixels are
    neither moved nor read.

    Parameters
    ----------
    obj : xarray.DataArray, xarray.Dataset or xarray.DataTree
        An image; images and label images; the tree of an image, a plate, a collection
        or a scene, all of whose images and levels are placed.
    system : str
        Name of the system; ``"tile_0/physical"`` where the images of a scene have
        systems of one name.
    transforms : mapping or Scene, optional
        Further systems and transformations, as for writing: the standard's JSON
        ``{"coordinateSystems": [...], "coordinateTransformations": [...]}`` or models.
        The system of the object is called ``physical``, or as it was read.

    Returns
    -------
    as `obj`
        Dims are the same. Coordinates have the names of the axes, in float64 with
        ``attrs["units"]``. An axis with the name of a dim takes the place of its
        coordinate, unless it lies along other dims: then it is called
        ``{axis}_{system}``. Axes that no dim drives are single values.

    Raises
    ------
    TransformationError
        If there is no such system, no transformation leads there, or one needs
        positions that are not known; of a tree, all that is wrong together.

    Notes
    -----
    Positions come from the coordinates that the object has now, so that parts of
    images, turned and coarsened ones are placed right.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(
    ...     np.arange(12).reshape(3, 4),
    ...     {"y": [0.0, 0.5, 1.0], "x": [0.0, 0.1, 0.2, 0.3]},
    ...     ("y", "x"),
    ... )
    >>> axes = [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    >>> sheared = {
    ...     "type": "affine",
    ...     "affine": [[1, 0, 10], [2, 1, 0]],
    ...     "input": {"name": "physical"},
    ...     "output": {"name": "world"},
    ... }
    >>> transforms = {
    ...     "coordinateSystems": [{"name": "world", "axes": axes}],
    ...     "coordinateTransformations": [sheared],
    ... }
    >>> world = xo.to_system(da, "world", transforms=transforms)
    >>> world.x_world.values
    array([[0. , 0.1, 0.2, 0.3],
           [1. , 1.1, 1.2, 1.3],
           [2. , 2.1, 2.2, 2.3]])
    >>> int(world.sel(y_world=10.5, x_world=1.1, method="nearest"))
    5
    """
    given = parse_transforms(transforms)
    frames = partial(_completed, given)
    _check_systems(given)
    if given.transformations:
        _check_units(obj, given)
    if isinstance(obj, xr.DataTree):
        return place_tree(obj, system, frames)
    if isinstance(obj, xr.Dataset):
        return place_dataset(obj, system, frames)
    return place_array(obj, frames(frame_of(obj)), system)


def _check_systems(given: Transforms) -> None:
    """Refuse systems that could not be written, and parts that do not fill them."""
    problems = [
        MetadataError(f"Coordinate system {system.name!r} {text}")
        for system in given.systems
        for text in check_axes(system.axes)  # RULES C2
    ]
    sizes = {system.name: len(system.axes) for system in given.systems}
    for way in given.transformations:
        end = way.output
        name = None if end is None or end.path else end.name
        count = sizes.get(name or "")
        if count is None or not isinstance(way, ByDimension):
            continue
        told = [axis for part in way.transformations for axis in part.output_axes]
        if sorted(told) != [*range(count)]:
            problems.append(
                MetadataError(
                    f"The 'byDimension' to {name!r} gives the output axes "
                    f"{told}, not each of {count} once: give each of 0 to {count - 1} "
                    "once"
                )
            )
    raise_together(problems, "transforms break the rules of the standard")


def _check_units(
    obj: xr.DataArray | xr.Dataset | xr.DataTree, given: Transforms
) -> None:
    """Refuse what writing refuses, and warn where that does."""
    said: dict[str, None] = {}
    for image, attrs, path in _images_in(obj):
        frame = _completed(given, frame_of(image, attrs), path)
        own = frame.systems[str(frame.own)]
        check_told(image, own, given)
        check_units(image, own, given, counted=own)
        said |= dict.fromkeys(told_jumps(given.transformations, frame.systems.values()))
    for text in said:
        warn(text)


def _images_in(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
) -> Iterator[tuple[xr.DataArray, Mapping[Any, Any], str]]:
    """Images with the attributes around them, and their path."""
    if isinstance(obj, xr.DataArray):
        yield obj, {}, ""
        return
    nodes = obj.subtree if isinstance(obj, xr.DataTree) else [obj]
    for node in nodes:
        ds = node.to_dataset() if isinstance(node, xr.DataTree) else node
        if (name := principal(ds)) is not None:
            path = node.path if isinstance(node, xr.DataTree) else ""
            yield ds[name], ds.attrs, path


def _completed(given: Transforms, frame: Frame, path: str = "") -> Frame:
    """The frame of an object with what was given besides.

    Where that tells of images by their path, as in a scene, the system of an object at
    or below such a path is the one of that image.
    """
    told = {
        end.path
        for way in given.transformations
        for end in (way.input, way.output)
        if end
    }
    images = {trimmed for one in told if (trimmed := (one or "").strip("/"))}
    above = [image for image in images if f"{path}/".startswith(f"/{image}/")]
    if above and not frame.ways:
        frame = below(frame, max(above, key=len))
    found = extended(frame, given.systems, given.transformations, {})
    known: dict[str, Ends] = {}
    for way in given.transformations:
        ends = [
            found.systems.get(key_of(end)) for end in (way.input, way.output) if end
        ]
        axes = [None if end is None else end.axes for end in ends]
        for path, found_ends in fields_in(way, *axes):
            known.setdefault(path, found_ends)
    arrays = {p: _stored(given, p, known.get(p, Ends())) for p in given.arrays}
    return extended(found, (), (), arrays)


def _stored(given: Transforms, path: str, ends: Ends) -> Stored:
    """A matrix or field, as transformations are computed with."""
    array = given.arrays[path]
    if isinstance(array, Field):
        return array
    if not isinstance(array, xr.DataArray):
        return np.asarray(array)
    kind, start = given.paths[path].type, ends.start or ()
    if kind in ("affine", "rotation"):
        return np.asarray(array.values)
    with about(f"The array at {path!r}"):
        array = in_order(array, kind, ends)
    dims, vectors = field_dims(array)
    grid = inspect(bare_field(array, vectors).transpose(*dims))
    places = [grid[dim] for dim in dims if dim != vectors]
    if len(start) == len(places):
        places = [
            in_unit_of(place, axis) for place, axis in zip(places, start, strict=True)
        ]
    return Field(
        array.transpose(*dims).data,
        dims.index(vectors),
        tuple(place.scale for place in places),
        tuple(place.translation for place in places),
    )


def coordinate_systems(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
) -> Mapping[str, CoordinateSystem]:
    """The systems that positions in an object can be told in.

    Parameters
    ----------
    obj : xarray.DataArray, xarray.Dataset or xarray.DataTree
        Read from a store or made by hand.

    Returns
    -------
    mapping
        Systems by name; by path and name, such as ``"tile_0/physical"``, where an
        image of a scene has them. An image that tells of no others has one, called
        ``physical``.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((4, 4)), dims=("y", "x"))
    >>> xo.coordinate_systems(da.omezarr.assign_grid(units={"y": "um", "x": "um"}))
    <1 coordinate system>
    physical  y (micrometer), x (micrometer)  (that of the coordinates)
    """
    systems: dict[str, CoordinateSystem] = {}
    owns: set[str | None] = set()
    for frame in frames_in(obj):
        owns.add(frame.own)
        for key, system in frame.systems.items():
            systems.setdefault(key, system)
    (own,) = owns if len(owns) == 1 else (None,)
    return CoordinateSystems(systems, own)
