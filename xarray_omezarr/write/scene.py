"""A tree or mapping of images, and transformations between them -> a scene."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import xarray as xr

from xarray_omezarr.errors import (
    MetadataError,
    NotInVersionError,
    OptionError,
    TransformationError,
    some,
    warn,
)
from xarray_omezarr.grid.names import FRAME_KEY, OME
from xarray_omezarr.hierarchy import GroupNode, Hierarchy
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import WriteOptions
from xarray_omezarr.write.by_path import check_path, plan_each, refuse_one_name
from xarray_omezarr.write.keeping import check_attrs, plain_attrs
from xarray_omezarr.write.multiscale import plan_multiscale
from xarray_omezarr.write.numbers import (
    groups_above,
    paths_of,
    plan_numbers,
)
from xarray_omezarr.write.reduced_systems import renumbered, shifts_channels
from xarray_omezarr.write.scene_graph import Members, check_graph, starts_of
from xarray_omezarr.write.scene_tree import Found, above, members_of, with_attrs
from xarray_omezarr.write.scene_units import check_scene_units
from xarray_omezarr.write.several import Said
from xarray_omezarr.write.systems import Transforms, parse_transforms
from xarray_omezarr.write.tree import tree_numbers

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import CoordinateSystem
    from xarray_omezarr.ngff.transforms import SystemReference
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.transforming.frame import Frame

#: Key of what is kept of a scene in the attribute ``ome`` of its tree.
SCENE = "scene"
_PROBLEM = "This scene cannot be written"
_JSON_KEYS = ("coordinateSystems", "coordinateTransformations")
_EXAMPLE = """{
    "coordinateSystems": [
        {"name": "world", "axes": [
            {"name": "y", "type": "space", "unit": "micrometer"},
            {"name": "x", "type": "space", "unit": "micrometer"}]}],
    "coordinateTransformations": [
        {"type": "translation", "translation": [0, 250],
         "input": {"path": %r, "name": "physical"}, "output": {"name": "world"}}]}"""


@dataclass(frozen=True, slots=True)
class _Told:
    """What is said of a scene.

    Parameters
    ----------
    scene : Scene
        Its metadata.
    transforms : Transforms
        The same, with matrices and fields that were given.
    frame : Frame, optional
        What the systems were when the scene was read.
    """

    scene: Scene
    transforms: Transforms
    frame: Frame | None = None


def plan_scene(
    obj: xr.DataTree | Mapping[Any, Any], options: WriteOptions
) -> Hierarchy:
    """Everything that will be stored for a scene; nothing is computed or written.

    Parameters
    ----------
    obj : xarray.DataTree or mapping
        Nodes at any depth are the images; or images by path.
    options : WriteOptions
        All of them: ``attrs`` are those of the root, ``transforms`` lead between the
        images; the others are for every image.

    Returns
    -------
    Hierarchy
        Nodes ``""``, those of the images, matrices and fields.

    Raises
    ------
    OmeZarrError
        All problems of transformations and images together.
    """
    if not isinstance(obj, xr.DataTree | Mapping):
        raise TypeError(
            "A scene is made from an xarray.DataTree whose nodes are images, or a "
            f"mapping of images by path, not from {type(obj)}; give {{'tile_0': ...}}"
        )
    version = scene_version(options["version"])
    own = obj.attrs if isinstance(obj, xr.DataTree) else {}
    attrs = {**plain_attrs(own), **check_attrs(options["attrs"])}
    beside = attrs.pop(OME, {})
    told = _told(obj, options["transforms"], beside.pop(SCENE, None))
    found = members_of(
        obj,
        ends=[end.path for end in _ends(told.scene) if end.path],
        named=[p for p in told.transforms.paths if p not in told.transforms.arrays],
        problem=_PROBLEM,
    )
    if told.frame is not None or options["transforms"] is None:
        told = _without_lost(told, found)
    for_each = _of_each(options, version)
    said = Said()
    _check_options(found, options, said)
    planned = plan_each(found.images, for_each, said)
    members = Members(
        {system.name: system for system in told.scene.coordinate_systems},
        {path: planned.get(path) for path in found.images},
    )
    _check_placed(found, planned, said)
    numbers = _numbers(told, found, members, for_each, said)
    check_graph(told.scene, members, numbers, said)
    if options["transforms"] is not None:
        ways = told.scene.coordinate_transformations
        check_scene_units(ways, found.images, members, said)
    if told.frame is not None:
        _check_as_read(told.scene, told.frame, members, said)
    if options["transforms"] is None:
        _check_channels(told.scene, found, members, numbers, said)
    _check_places(numbers, members, said)
    said.close(_PROBLEM)
    scene = told.scene.model_copy(update={"beside": beside})
    # Breaches of the standard show when the version spells the metadata.
    version.to_attrs(scene)
    between = with_attrs(obj, dict(groups_above([*numbers, *planned])))
    root = {"": GroupNode(scene, attrs), **between}
    return Hierarchy(version, root).around({**numbers, **planned})


def scene_version(name: str | None) -> Version:
    """The version of a scene: the first that has scenes, or the one that is asked for.

    Raises
    ------
    NotInVersionError
        If that has none.
    """
    able = [v for v in map(registry.get, registry.SUPPORTED) if v.features.systems]
    version = able[0] if name is None else registry.get(name)
    if not version.features.systems:
        raise NotInVersionError(
            f"OME-Zarr {version.name} has no scenes; leave version= out, which makes "
            f"it {able[0].name}, or write the images one by one with to_image"
        )
    return version


def _of_each(options: WriteOptions, version: Version) -> WriteOptions:
    of_each = WriteOptions(**options)
    of_each["version"] = version.name
    # These are said of the scene.
    of_each["attrs"] = of_each["transforms"] = None
    return of_each


def _told(obj: Any, given: Any, kept: object) -> _Told:
    """The scene that the option `transforms` tells, else the one that was read."""
    frame: Frame | None = None
    further: dict[str, Any] = {}
    if given is None and isinstance(kept, Mapping):
        further = {key: kept[key] for key in kept if key not in _JSON_KEYS}
        given = {key: kept[key] for key in kept if key in _JSON_KEYS}
        frame = obj.encoding.get(FRAME_KEY)
    elif isinstance(given, Scene):
        further = given.extras()
    if given is None:
        names = [*(obj.children if isinstance(obj, xr.DataTree) else obj), "tile_0"]
        raise OptionError(
            "transforms is not given, and the object was not read from a scene; say "
            "how the images lie to each other, such as transforms="
            + _EXAMPLE
            % str(names[0])
        )
    parsed = parse_transforms(given)
    return _Told(_scene(parsed, further), parsed, frame)


def _scene(transforms: Transforms, further: Mapping[str, Any]) -> Scene:
    members = {
        **further,
        "coordinate_systems": transforms.systems,
        "coordinate_transformations": transforms.transformations,
    }
    return Scene.parse(members, "/transforms")


def _ends(scene: Scene) -> Iterator[SystemReference]:
    for way in scene.coordinate_transformations:
        yield from (end for end in (way.input, way.output) if end is not None)


def _without_lost(told: _Told, found: Found) -> _Told:
    """What was read, without the transformations of images that left the tree."""
    lost: dict[str, None] = {}
    kept = []
    for way in told.scene.coordinate_transformations:
        paths = [end.path for end in (way.input, way.output) if end and end.path]
        gone = [path for path in paths if not _is_among(path, found.images)]
        lost |= dict.fromkeys(gone)
        kept += [] if gone else [way]
    if not lost or not kept:
        return told
    warn(
        f"Transformations of {some([*map(repr, lost)])} are left out, as these images "
        "of the scene that was read are no longer in the tree"
    )
    scene = told.scene.model_copy(update={"coordinate_transformations": tuple(kept)})
    transforms = Transforms(scene.coordinate_systems, tuple(kept))
    return _Told(scene, transforms, told.frame)


def _is_among(path: str, images: Mapping[str, Any]) -> bool:
    return any(place in images for place in (path, *above(path)))


def _check_options(found: Found, options: WriteOptions, said: Said) -> None:
    for path in found.images:
        with said.about("paths"):
            check_path(path, found.images)
    with said.about("options"):
        refuse_one_name(options, f"a scene has {len(found.images)} images")


def _numbers(
    told: _Told, found: Found, members: Members, options: WriteOptions, said: Said
) -> dict[str, Hierarchy]:
    """The matrices and fields that transformations of the scene name, by path."""
    wanted = paths_of(told.scene.coordinate_transformations)
    with said.about("transforms"):
        nodes = {p: a for p, a in found.stored.items() if isinstance(a, xr.DataTree)}
        given = {**found.stored, **told.transforms.arrays}
        arrays = {**given, **tree_numbers(nodes, options)}
        starts = starts_of(told.scene, members) if wanted else {}
        return plan_numbers(wanted, arrays, options, plan_multiscale, starts)
    return {}


def _check_placed(found: Found, planned: Mapping[str, Hierarchy], said: Said) -> None:
    """Refuse images whose coordinates are those of another system than is written.

    Transformations from their own system would place them a second time.
    """
    for path, plan in planned.items():
        frame = _frame_of(found.images[path])
        told = None if frame is None else frame.systems.get(frame.own or "")
        own = plan.image().multiscale.system.name
        if told is not None and told.name != own:
            with said.about(path):
                raise TransformationError(
                    f"its coordinates are positions in {told.name!r}, where it was "
                    "placed, and what is written would take them for those in "
                    f"{own!r}; give the image as it was before to_system, or a tree "
                    "of the whole scene that was placed"
                )


def _frame_of(image: xr.DataArray | xr.DataTree) -> Frame | None:
    """The frame that the coordinates of an image belong to, where one is known."""
    known = [image.encoding]
    if isinstance(image, xr.DataTree):
        for node in (image, *image.children.values()):
            known += [variable.encoding for variable in node.dataset.variables.values()]
    found = [told for encoding in known if (told := encoding.get(FRAME_KEY))]
    return found[0] if found else None


def _check_places(paths: Iterable[str], members: Members, said: Said) -> None:
    """Refuse numbers where a part of an image is."""
    for path in paths:
        owner = members.owner(path)
        plan = None if owner is None else members.images[owner]
        inside = path[len(owner or "") + 1 :]
        if owner == path or (plan is not None and inside in plan.nodes):
            with said.about("transforms"):
                raise MetadataError(
                    f"The numbers of a transformation are to be stored at {path!r}, "
                    f"where a part of the image {owner!r} is; give them another path"
                )


def _check_as_read(scene: Scene, frame: Frame, members: Members, said: Said) -> None:
    """Refuse transformations of positions that images no longer have.

    Their numbers are those of the axes that were read, in the units of these.
    """
    for end in {end.path: end for end in _ends(scene) if end.path}.values():
        then = frame.systems.get(f"{end.path}/{end.name}")
        with said.about(str(end.path)):
            now = members.system(end)
            if then is None or now is None or _measures(then) == _measures(now):
                continue
            raise MetadataError(
                f"the axes of {end.name!r} are {_shown(now)} and were {_shown(then)} "
                "when the scene was read, whose transformations are those of these; "
                "change them back, or say how the images lie now with transforms="
            )


def _check_channels(
    scene: Scene,
    found: Found,
    members: Members,
    numbers: Mapping[str, Hierarchy],
    said: Said,
) -> None:
    """Refuse transformations that shift channels, where others have their numbers."""
    for way in scene.coordinate_transformations:
        for end in (way.input, way.output):
            path = "" if end is None or end.path is None else end.path
            image = found.images.get(members.owner(path) or "")
            own = None
            with suppress(MetadataError):  # Collected with the graph.
                own = members.system(end) if end is not None else None
            if own is None or image is None:
                continue
            dim = next((d for da in _arrays_of(image) if (d := renumbered(da, own))), 0)
            leads = end is way.output
            if dim and shifts_channels(way, own, numbers, leads=leads):
                with said.about(path):
                    raise TransformationError(
                        "positions in the scene depend on the numbers of channels "
                        f"along {dim!r}, and those that are left have others than "
                        "when it was read, or were computed, which drops them; give "
                        "all channels, in their order, as they were read, or say how "
                        "the images lie now with transforms="
                    )


def _arrays_of(image: xr.DataArray | xr.DataTree) -> Iterator[xr.DataArray]:
    """An image, or its levels."""
    if isinstance(image, xr.DataArray):
        yield image
        return
    for node in (image, *image.children.values()):
        yield from node.dataset.data_vars.values()


def _measures(system: CoordinateSystem) -> list[tuple[str, str | None]]:
    return [(axis.name, axis.unit) for axis in system.axes]


def _shown(system: CoordinateSystem) -> str:
    return ", ".join(f"{a.name} ({a.unit or 'no unit'})" for a in system.axes)
