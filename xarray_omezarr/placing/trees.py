"""Trees in another system: every level, label image and image of a scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import xarray as xr

from xarray_omezarr.errors import (
    OmeZarrError,
    OmeZarrErrorGroup,
    TransformationError,
    some,
    warn,
)
from xarray_omezarr.grid.names import FRAME_KEY, KIND_KEY, LABELS
from xarray_omezarr.ngff.axes import Axis, CoordinateSystem
from xarray_omezarr.ngff.multiscale import SYSTEM
from xarray_omezarr.placing.frames import frame_of, picture_of
from xarray_omezarr.placing.moving import moved_attrs, path_of
from xarray_omezarr.placing.objects import place_dataset, principal
from xarray_omezarr.placing.positions import missing_axes
from xarray_omezarr.transforming.chains import key_of
from xarray_omezarr.transforming.frame import Frame
from xarray_omezarr.transforming.stored import Field

#: Adds to the frame of an object, which is at a path, what was given besides.
Completing: TypeAlias = Callable[[Frame, str], Frame]

_SCENE = "scene"
_AXES = tuple(Axis(name=name, type="space") for name in "yx")
_PLAIN = Frame(SYSTEM, {SYSTEM: CoordinateSystem(name=SYSTEM, axes=_AXES)})


def place_tree(tree: xr.DataTree, system: str, complete: Completing) -> xr.DataTree:
    """A tree whose images have the coordinates that they have in a system.

    Parameters
    ----------
    tree : xarray.DataTree
        Of an image, labels, a plate, a well, a collection or a scene.
    system : str
        Key or name of the system. In a plate or collection, images that do not know
        it stay as they are, with one warning.
    complete : callable
        Adds what was given besides to a frame, of the node at a path.

    Raises
    ------
    TransformationError
        If an image cannot be placed; all of them are named.
    """
    work = _Work(tree, system, complete)
    work.place()
    groups = work.groups
    found = xr.DataTree.from_dict(groups, name=tree.name)
    for node in found.subtree:
        node.encoding = dict(groups.get(node.path, node).encoding)
    return found


def frames_in(obj: xr.DataArray | xr.Dataset | xr.DataTree) -> Iterator[Frame]:
    """The frames of what an object holds, each once."""
    if isinstance(obj, xr.DataArray):
        yield frame_of(obj)
    elif isinstance(obj, xr.Dataset):
        if (name := principal(obj)) is not None:
            yield frame_of(obj[name], obj.attrs)
    else:
        yield from _frames_in_tree(obj)


def _frames_in_tree(tree: xr.DataTree) -> Iterator[Frame]:
    if isinstance(known := tree.encoding.get(FRAME_KEY), Frame):
        yield known
        return
    plain_is_told = False
    for node, name in _pixel_nodes(tree):
        told = _told_frame(node, name)
        if told is not None:
            yield told
        elif not plain_is_told:
            # Plain images have one system, and there may be thousands of them.
            plain_is_told = True
            yield frame_of(node.to_dataset()[name])


def _pixel_nodes(tree: xr.DataTree) -> Iterator[tuple[xr.DataTree, str]]:
    """Nodes with an image, but for fields that transformations name; its variable."""
    fields = _paths_of_fields(tree)
    for node in tree.subtree:
        if not node.data_vars or node.encoding.get(KIND_KEY) == "parameters":
            continue
        is_field = any(_is_below(node.path, path) for path in fields)
        if not is_field and (name := principal(node.dataset)) is not None:
            yield node, name


def _paths_of_fields(tree: xr.DataTree) -> set[str]:
    found = set()
    for node in tree.root.subtree:
        frame = node.encoding.get(FRAME_KEY)
        if isinstance(frame, Frame):
            # Paths count from the opened group: a scene, or else the image.
            above = path_of(frame, frame.own) if frame.own is not None else ""
            own = node.path.strip("/")
            base = own.removesuffix(above).strip("/") if above else own
            # A path of a matrix may lead to the pixels of an image, by a slip.
            named = [p for p, told in frame.arrays.items() if isinstance(told, Field)]
            found |= {f"/{base}/{path}".replace("//", "/") for path in named}
    return found


def _is_below(path: str, above: str) -> bool:
    return path == above or path.startswith(f"{above}/")


def _told_frame(node: xr.DataTree, name: str) -> Frame | None:
    """The frame that an image was read with, or that nodes above it tell."""
    variable = node.variables[name]
    known = variable.encoding.get(FRAME_KEY)
    if isinstance(known, Frame):
        return known
    if picture_of(variable.attrs.get("ome")) is not None:
        return frame_of(node.to_dataset()[name])
    above: xr.DataTree | None = node
    while above is not None:
        known = above.encoding.get(FRAME_KEY)
        if isinstance(known, Frame) and known.own is not None:
            return known
        if picture_of(above.attrs.get("ome")) is not None:
            return frame_of(node.to_dataset()[name], above.attrs)
        above = above.parent
    return None


@dataclass(slots=True)
class _Work:
    """A tree while it is placed."""

    tree: xr.DataTree
    system: str
    complete: Completing
    groups: dict[str, xr.Dataset] = field(default_factory=dict)
    placed: dict[str, xr.Dataset] = field(default_factory=dict)
    moved: dict[str, tuple[Frame, Frame]] = field(default_factory=dict)
    unknown: dict[str, TransformationError] = field(default_factory=dict)
    failed: dict[str, OmeZarrError] = field(default_factory=dict)
    lacking: dict[str, tuple[list[str], OmeZarrError]] = field(default_factory=dict)

    def place(self) -> None:
        """Place all images; `groups` are the nodes of the new tree by path."""
        count = 0
        for node, name in _pixel_nodes(self.tree):
            count += 1
            self._place_node(node, name)
        if not count:
            fields = sorted(_paths_of_fields(self.tree))
            but = f" but the vectors of transformations, {some(fields)}"
            raise TransformationError(
                f"The tree holds no images{but if fields else ''} to place in "
                f"{self.system!r}; give the tree of an image, a plate, a collection or "
                "a scene"
            )
        is_whole = self.tree.encoding.get(KIND_KEY) == _SCENE
        if is_whole or len(self.unknown) == count:
            self.failed = {**self.unknown, **self.failed}
        if not self.placed:
            # Alone, it is what was asked for.
            self.failed |= {path: error for path, (_, error) in self.lacking.items()}
        self._raise()
        self._warn()
        self._warn_of_lacking()
        self.groups = {
            path: self.placed.get(path) or node.to_dataset(inherit=False)
            for node in self.tree.subtree
            for path in [self._path(node)]
        }
        self._free_children()
        self._tell_above()

    def _path(self, node: xr.DataTree) -> str:
        path = node.relative_to(self.tree)
        return "/" if path == "." else f"/{path}"

    def _place_node(self, node: xr.DataTree, name: str) -> None:
        path, told = self._path(node), _told_frame(node, name)
        try:
            # Of thousands of plain images, which know one system, axes are not asked.
            key_of(self.complete(told or _PLAIN, path), self.system)
        except TransformationError as error:
            self.unknown[path] = error
            return
        whole = node.to_dataset()
        frame = self.complete(told or frame_of(whole[name]), path)
        key = key_of(frame, self.system)
        try:
            placed = place_dataset(
                whole, key, lambda _: frame, told=bool(told and told.ways)
            )
        except (TransformationError, OmeZarrErrorGroup) as error:
            lacking = missing_axes(whole[name], frame.systems[str(frame.own)])
            if lacking and name == LABELS:
                self.lacking[path] = lacking, error
            else:
                self.failed[path] = error
            return
        self.placed[path] = placed
        now = placed[name].encoding.get(FRAME_KEY)
        if isinstance(now, Frame) and now.own != frame.own:
            self.moved[path] = (frame, now)

    def _raise(self) -> None:
        if not self.failed:
            return
        images = dict.fromkeys(_image_path(path) for path in self.failed)
        first = next(iter(self.failed.values()))
        if len(images) == 1:
            raise TransformationError(
                f"Image {next(iter(images))!r} cannot be placed in {self.system!r}. "
                f"{first}"
            )
        raise TransformationError(
            f"{len(images)} images cannot be placed in {self.system!r}: "
            f"{some([*images], most=20)}. Of the first: {first}"
        )

    def _warn(self) -> None:
        if not self.unknown:
            return
        images = [*dict.fromkeys(map(_image_path, self.unknown))]
        known = len({_image_path(path) for path in self.placed})
        warn(
            f"{len(images)} of {len(images) + known} images do not know the coordinate "
            f"system {self.system!r}, and are left as they are: {some(images)}"
        )

    def _warn_of_lacking(self) -> None:
        told = {_image_path(path): axes for path, (axes, _) in self.lacking.items()}
        if not self.placed or not told:
            return
        named = [f"{image!r} ({', '.join(axes)})" for image, axes in told.items()]
        warn(
            "Label images are left as they are, as they lack axes that positions in "
            f"{self.system!r} depend on: {some(named)}. Set where they lie "
            "along these with .assign_coords() on their nodes, to place them as well"
        )

    def _free_children(self) -> None:
        """Take away coordinates that nodes inherited, which now have their own."""
        placed = [path for path in self.groups if self.groups[path].data_vars]
        for path, group in self.groups.items():
            below = "/" if path == "/" else f"{path}/"
            if not group.data_vars and any(other.startswith(below) for other in placed):
                self.groups[path] = group.drop_vars(list(group.xindexes))

    def _tell_above(self) -> None:
        """Nodes of images say what their levels are now."""
        for path, (before, now) in self.moved.items():
            above = path.rpartition("/")[0] or "/"
            if above == path or above not in self.groups:
                continue
            group = self.groups[above]
            known = group.encoding.get(FRAME_KEY)
            if group.data_vars or known is now:
                continue
            is_told = isinstance(known, Frame) and known.own == before.own
            if not is_told and picture_of(group.attrs.get("ome")) is None:
                continue
            group = group.copy(deep=False)
            place = path_of(before, before.own)
            whole = f"{self.tree.path}/{above}".strip("/")
            elsewhere = bool(place) and whole.endswith(place)
            group.attrs = moved_attrs(
                group.attrs, before, now, told_elsewhere=elsewhere
            )
            group.encoding = {**self.groups[above].encoding, FRAME_KEY: now}
            self.groups[above] = group


def _image_path(path: str) -> str:
    """The image that a level is of."""
    return path.strip("/").rpartition("/")[0] or "/"
