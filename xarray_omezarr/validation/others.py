"""Collections and scenes: images beside each other, and what tells of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xarray_omezarr.ngff.rules.across import join
from xarray_omezarr.ngff.rules.across_plate import Child
from xarray_omezarr.ngff.rules.across_scene import check_scene, scene_sides
from xarray_omezarr.ngff.rules.across_series import (
    XML,
    check_numbers,
    check_one_picture,
    check_series_of_plate,
    check_xml,
    series,
)
from xarray_omezarr.ngff.rules.facts import part
from xarray_omezarr.ngff.rules.inside import inside
from xarray_omezarr.validation.children import read_children

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.across_labels import Leveled
    from xarray_omezarr.store.walk import Node, Walker
    from xarray_omezarr.store.walk_listing import Listing
    from xarray_omezarr.validation.images import Images
    from xarray_omezarr.validation.notes import Notes

_LAYOUT = "bioformats2raw.layout"
_OME = "OME"
# Images that no list names are looked for, so many at a time.
_PROBED = 16
_MOST_PROBED = 1 << 14
_IMAGES = 256


class Collections:
    """Measures collections and scenes.

    Parameters
    ----------
    walker, listing, notes, images
        As `Images` has them, and these.
    """

    def __init__(
        self, walker: Walker, listing: Listing, notes: Notes, images: Images
    ) -> None:
        self._walker = walker
        self._listing = listing
        self._notes = notes
        self._images = images

    def check(self, root: Node, block: Mapping[str, Any]) -> None:
        """Measure what a root is besides an image or a plate."""
        if _LAYOUT in block:
            self._collection(root, is_plate="plate" in block)
        if "scene" in block:
            self._scene(root)

    def _collection(self, root: Node, *, is_plate: bool) -> None:
        group = self._walker.read([(_OME, "maybe")])[_OME]
        listed: tuple[Child, ...] | None = None
        if group.kind == "group" and part(group.attrs)[0]:
            self._notes.group(group)
            listed = series(group.attrs)
        else:
            # The group need not list anything: it may be there for the OME-XML.
            self._notes.nodes += group.kind == "group"
            self._notes.troubles(_OME, group.troubles)
        if listed is not None:
            # The list tells paths from the root, though another group holds it.
            paths = self._listed(listed)
        elif is_plate:
            if self._notes.is_standard:
                found = check_series_of_plate(root.attrs, self._notes.wanted)
                self._notes.add(found)
            return
        else:
            paths = self._numbered()
        images = self._measure(paths, is_plate=is_plate)
        if self._notes.is_standard and (listed is not None or not is_plate):
            raw = self._walker.files([XML])[XML]
            self._notes.add(check_xml(raw, images, self._notes.wanted))

    def _listed(self, listed: Sequence[Child]) -> list[Node | None]:
        """The images of a list; None for what is not there."""
        notes = self._notes
        followed = [child for child in listed if inside(child.path) is None]
        read = self._walker.read((child.path, "group") for child in followed)
        found: list[Node | None] = []
        for child in listed:
            reason = inside(child.path)
            node = None if reason is not None else read[child.path]
            if reason is not None:
                notes.refused(_OME, child.pointer, child.path, reason)
            elif node is not None and node.kind != "group":
                notes.absent(
                    _OME, child.pointer, child.path, node, "image of the series"
                )
                node = None
            found.append(node)
        return found

    def _numbered(self) -> list[Node | None]:
        """Images 0, 1, ...: those that are there without a list."""
        found: dict[str, Node] = {}
        for start in range(0, _MOST_PROBED, _PROBED):
            names = [str(number) for number in range(start, start + _PROBED)]
            read = self._walker.read((name, "maybe") for name in names)
            here = {name: read[name] for name in names if read[name].kind == "group"}
            found |= here
            if not here:
                break
        if self._notes.is_standard:
            folders = self._listing.folders("")
            more = [name for name in folders if name.isascii() and name.isdecimal()]
            names = [
                name for name in more if name == str(int(name)) and name not in found
            ]
            read = self._walker.read((name, "maybe") for name in names)
            found |= {name: node for name, node in read.items() if node.kind == "group"}
            self._notes.add(check_numbers([*found], self._notes.wanted))
        return [found[name] for name in sorted(found, key=int)]

    def _measure(
        self, nodes: Sequence[Node | None], *, is_plate: bool
    ) -> list[Leveled | None]:
        """Measure the images, some at a time, unless they are those of a plate."""
        found: list[Leveled | None] = []
        for start in range(0, len(nodes), _IMAGES):
            batch = nodes[start : start + _IMAGES]
            present = {node.path: node for node in batch if node is not None}
            for node in present.values() if self._notes.is_standard else ():
                told = check_one_picture(node.path, node.attrs, self._notes.wanted)
                self._notes.add(told)
            if is_plate:
                # They were measured as fields; only their sizes are not known here.
                found += [None] * len(batch)
                continue
            for node in present.values():
                self._notes.group(node)
            images = self._images.check([*present.values()])
            found += [images.get(node.path) if node else None for node in batch]
        return found

    def _scene(self, root: Node) -> None:
        """A scene, and the images that its transformations name."""
        sides = [side for pair in scene_sides(root.attrs) for side in pair]
        listed = {
            side.path: Child(side.path, f"{side.pointer}/path")
            for side in sides
            if side is not None and side.path
        }
        pairs = [(root.path, child) for child in listed.values()]
        read = read_children(self._walker, self._notes, pairs, "image of the scene")
        nodes = [*read.values()]
        for node in nodes:
            self._notes.group(node)
        self._images.check(nodes)
        if not self._notes.is_standard:
            return
        # Systems of images that are not there cannot be missed.
        attrs = {
            path: read[join(root.path, path)].attrs
            for path in listed
            if join(root.path, path) in read
        }
        found = check_scene(root.attrs, attrs, self._notes.wanted)
        self._notes.add(replace(one, path=root.path) for one in found)
        self._images.check_transforms([root], attrs)
