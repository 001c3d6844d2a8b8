"""Frames of images and scenes, from their metadata alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from xarray_omezarr.errors import some, warn
from xarray_omezarr.ngff.labels import LabelImage
from xarray_omezarr.ngff.named import renamed, within
from xarray_omezarr.ngff.transforms import Identity, SystemReference
from xarray_omezarr.transforming.frame import Frame, Way

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from xarray_omezarr.ngff.axes import CoordinateSystem
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.ngff.scene import Scene
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Arrays

_NONE: Mapping[str, Image] = MappingProxyType({})


def has_frame(image: Image) -> bool:
    """Whether positions in an image can be told in more systems than one."""
    multiscale = image.multiscale
    if multiscale.coordinate_transformations and multiscale.between_systems:
        return True
    return len(multiscale.coordinate_systems) > 1


def frame_of_image(
    image: Image, arrays: Arrays, labels: Mapping[str, Image] = _NONE
) -> Frame:
    """The systems of an image, seen from that of its levels.

    Parameters
    ----------
    image : Image
        Its metadata.
    arrays : mapping
        Matrices and fields by path from the group of the image.
    labels : mapping
        Label images by path from there, such as ``"labels/cells"``: those whose
        systems the image names are in the frame.

    Returns
    -------
    Frame
        Transformations that name a system that is not there are left out, with a
        warning.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Axis, Image, Level, Multiscale
    >>> axes = [Axis(name=name, type="space") for name in "yx"]
    >>> plain = Multiscale.of(axes, [Level.of("0", (0.5, 0.5))])
    >>> frame_of_image(Image(multiscales=(plain,)), {}).own
    'physical'
    """
    building = _Building(arrays, {"": image, **labels})
    building.add_images([""])
    building.add_labels(labels)
    return building.frame(image.multiscale.system.name)


def frame_of_scene(scene: Scene, images: Mapping[str, Image], arrays: Arrays) -> Frame:
    """The systems of a scene and of its images, seen from none of them.

    Parameters
    ----------
    scene : Scene
        Its metadata.
    images : mapping
        Images by path from the group of the scene. Of label images, the systems are
        in the frame that the scene or their image names.
    arrays : mapping
        Matrices and fields by path from there.

    Returns
    -------
    Frame
        First the systems of the scene itself. Transformations that name a system that
        is not there are left out, with a warning.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Axis, Image, Level, Multiscale, Scene
    >>> from xarray_omezarr.ngff import SystemReference, Translation
    >>> axes = [Axis(name=name, type="space") for name in "yx"]
    >>> tile = Image(multiscales=(Multiscale.of(axes, [Level.of("0", (0.5, 0.5))]),))
    >>> moved = Translation(
    ...     translation=(0, 10),
    ...     input=SystemReference(name="physical", path="b"),
    ...     output=SystemReference(name="physical", path="a"),
    ... )
    >>> scene = Scene(coordinate_transformations=(moved,))
    >>> frame = frame_of_scene(scene, {"a": tile, "b": tile}, {})
    >>> list(frame.systems), frame.ways[0].start
    (['a/physical', 'b/physical'], 'b/physical')
    """
    building = _Building(arrays, images)
    building.add_systems("", scene.coordinate_systems)
    labels = [path for path, image in images.items() if isinstance(image, LabelImage)]
    building.add_images([path for path in images if path not in labels])
    building.add_ways("", scene.coordinate_transformations)
    building.add_labels(labels)
    return building.frame(None)


def own_key(frame: Frame, image: Image, path: str, above: str | None) -> str:
    """Key of the system that the coordinates of an image are positions in.

    Parameters
    ----------
    frame : Frame
        Of the group that was opened.
    image : Image
        An image or a label image.
    path : str
        Where it is below that group.
    above : str, optional
        Key of the system of the image that a label image belongs to.
    """
    key = _key(path, image.multiscale.system.name)
    return key if above is None or key in frame.systems else above


def _key(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


class _Building:
    """Systems and ways by key, while they are collected."""

    def __init__(self, arrays: Arrays, images: Mapping[str, Image]) -> None:
        self._arrays = arrays
        self._images = images
        self._systems: dict[str, CoordinateSystem] = {}
        self._keys: dict[tuple[str, str], str] = {}
        self._ways: list[Way] = []
        self._broken: list[str] = []

    def add_images(self, paths: Collection[str]) -> None:
        """Add all systems of images, and then the ways between them."""
        for path in paths:
            self.add_systems(path, self._images[path].multiscale.coordinate_systems)
        for path in paths:
            self.add_ways(path, self._images[path].multiscale.between_systems)

    def add_labels(self, paths: Iterable[str]) -> None:
        """Add label images that somebody has named, or that tell systems themselves."""
        for path in paths:
            label = self._images[path]
            own = path, label.multiscale.system.name
            is_named = own in self._keys
            if not is_named and not has_frame(label):
                continue
            self.add_images([path])
            above = path.rpartition("labels/")[0].rstrip("/")
            if not is_named and above in self._images:
                self._add_same(own, above)

    def _add_same(self, own: tuple[str, str], above: str) -> None:
        """A label image whose place nobody tells lies where its image does."""
        label, image = self._images[own[0]].multiscale, self._images[above].multiscale
        to = above, image.system.name
        if len(label.axes) != len(image.axes) or not {own, to} <= self._keys.keys():
            return
        same = Identity(
            input=_reference(*own),
            output=_reference(*to),
        )
        self._ways.append(Way(self._keys[own], self._keys[to], same))

    def add_systems(self, path: str, systems: Iterable[CoordinateSystem]) -> None:
        """Add systems of the group at a path."""
        for system in systems:
            key = _key(path, system.name)
            # The first one has a key; another with the same cannot be told from it.
            if key not in self._systems:
                self._systems[key] = system
                self._keys[path, system.name] = key

    def add_ways(self, path: str, ways: Iterable[Transformation]) -> None:
        """Add transformations that the group at a path tells."""
        for way in ways:
            start, end = self._end(path, way.input), self._end(path, way.output)
            if start is None or end is None:
                continue
            qualified: Transformation = renamed(way, partial(_below, path))
            ends = {"input": _reference(*start), "output": _reference(*end)}
            qualified = qualified.model_copy(update=ends)
            self._ways.append(Way(self._keys[start], self._keys[end], qualified))

    def _end(self, path: str, end: SystemReference | None) -> tuple[str, str] | None:
        """Where the system is that an end names, and its name; None if nowhere."""
        if end is None:
            return None
        try:
            place = _join(path, within(end.path)) if end.path else path
        except ValueError:
            self._broken.append(f"{end.name!r} at {end.path!r}")
            return None
        image = None if place == path else self._images.get(place)
        if image is not None:
            # Of a label image only those systems matter that somebody names.
            self.add_systems(place, image.multiscale.coordinate_systems)
        name = end.name or _only_name(image)
        if name is not None and (place, name) in self._keys:
            return place, name
        # Whoever opened the images has told which are not there.
        if image is not None or place == path:
            self._broken.append(f"{name!r} at {place!r}" if place else f"{name!r}")
        return None

    def frame(self, own: str | None) -> Frame:
        """What was collected; a warning tells what was not there."""
        if self._broken:
            broken = some([*dict.fromkeys(self._broken)])
            warn(
                "Transformations are left out that lead from or to coordinate systems "
                f"that are not there: {broken}"
            )
        return Frame(own, self._systems, tuple(self._ways), self._arrays)


def _only_name(image: Image | None) -> str | None:
    systems = () if image is None else image.multiscale.coordinate_systems
    return systems[0].name if len(systems) == 1 else None


def _reference(path: str, name: str) -> SystemReference:
    return SystemReference(name=name, path=path or None)


def _join(path: str, below: str) -> str:
    return f"{path}/{below}" if path and below else path or below


def _below(path: str, told: str) -> str:
    """Path of an array from the opened group; as told where it leads elsewhere."""
    try:
        return _join(path, within(told))
    except ValueError:
        return told
