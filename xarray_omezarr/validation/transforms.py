"""Transformations of groups: parameters that are stored, systems of other groups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.across import join
from xarray_omezarr.ngff.rules.across_plate import Child
from xarray_omezarr.ngff.rules.across_scene import (
    Parameters,
    check_matrix,
    image_sides,
    no_system,
    stored_parameters,
    systems,
)
from xarray_omezarr.ngff.rules.facts import images
from xarray_omezarr.ngff.rules.inside import inside
from xarray_omezarr.ngff.rules.stored import stored
from xarray_omezarr.validation.children import read_children

if TYPE_CHECKING:
    from xarray_omezarr.store.walk import Node, Walker
    from xarray_omezarr.validation.notes import Notes


def check_transforms(walker: Walker, notes: Notes, node: Node) -> None:
    """Whether what transformations of a group refer to is there."""
    if not notes.wanted.systems:
        # Older versions have no such transformations.
        return
    _check_parameters(walker, notes, node)
    _check_systems(walker, notes, node)


def _check_parameters(walker: Walker, notes: Notes, node: Node) -> None:
    """Whether parameters that are stored beside are there, and of the right shape."""
    followed: list[Parameters] = []
    for one in stored_parameters(node.attrs):
        if (reason := inside(one.path)) is None:
            followed.append(one)
        else:
            notes.refused(node.path, one.pointer, one.path, reason)
    read = walker.read(
        (join(node.path, one.path), "array" if one.is_array else "group")
        for one in followed
    )
    for one in followed:
        found = read[join(node.path, one.path)]
        what = "array" if one.is_array else "group"
        if found.kind != what:
            words = f"{what} of parameters"
            notes.absent(node.path, one.pointer, one.path, found, words)
        elif one.is_array:
            shape = stored(found.document, found.zarr_format).shape
            notes.add(check_matrix(node.path, one, shape, notes.wanted))
        else:
            notes.group(found)


def _check_systems(walker: Walker, notes: Notes, node: Node) -> None:
    """Whether systems of groups below that an image names are there."""
    wanted = notes.wanted
    own = {one.path for image in images(node.attrs, wanted) for one in image.levels}
    for side in [side for pair in image_sides(node.attrs) for side in pair]:
        if side is None or not side.path or side.path in own:
            continue
        listed = (node.path, Child(side.path, f"{side.pointer}/path"))
        read = read_children(walker, notes, [listed], "image with a system")
        for found in read.values():
            known = {*systems(found.attrs)}
            if side.name is not None and side.name not in known:
                missing = no_system(side, known, wanted)
                notes.add([replace(missing, path=node.path)])
