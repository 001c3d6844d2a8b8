"""Transformations of groups: parameters that are stored, systems of other groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.across import clause, join
from xarray_omezarr.ngff.rules.across_plate import Child
from xarray_omezarr.ngff.rules.across_scene import (
    Parameters,
    image_sides,
    no_system,
    stored_parameters,
    systems,
)
from xarray_omezarr.ngff.rules.across_sizes import check_sizes
from xarray_omezarr.ngff.rules.facts import images
from xarray_omezarr.ngff.rules.finding import Finding
from xarray_omezarr.ngff.rules.inside import inside
from xarray_omezarr.ngff.rules.parameters import Matrix, Vectors, field_axes
from xarray_omezarr.ngff.rules.stored import stored
from xarray_omezarr.ngff.versions.dialects import known
from xarray_omezarr.store.walk_numbers import read_numbers
from xarray_omezarr.validation.children import read_children
from xarray_omezarr.validation.inverses import check_inverses

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.parameters import Known
    from xarray_omezarr.ngff.versions.demands import Demands
    from xarray_omezarr.store.walk import Node, Walker
    from xarray_omezarr.validation.notes import Notes


def check_transforms(
    walker: Walker,
    notes: Notes,
    node: Node,
    others: Mapping[str, object] | None = None,
    *,
    numbers: bool,
) -> list[Node]:
    """Whether what transformations of a group refer to is there, and fits them.

    Parameters
    ----------
    walker, notes
        What reads documents, and where findings go.
    node : Node
        A scene, or an image.
    others : mapping, optional
        Attributes of the images that it names, by path, where they have been read.
    numbers : bool
        Whether numbers of matrices are read.

    Returns
    -------
    list of Node
        Images that hold fields, which are to be measured as images.
    """
    if not notes.wanted.systems:
        # Older versions have no such transformations.
        return []
    found = _parameters(walker, notes, node)
    matrices = _matrices(walker, notes, node, found, numbers=numbers)
    fields = {one.path: group for one, group in found if not one.is_array}
    below = _check_systems(walker, notes, node) if others is None else others
    dialect = known(notes.wanted.version)
    if dialect is not None:
        stored_here: Known = {**matrices, **_vectors(walker, notes, fields)}
        findings, pairs = check_sizes(node.attrs, below, stored_here, dialect)
        notes.add(replace(one, path=node.path) for one in findings)
        told = check_inverses(pairs, matrices, notes.wanted)
        notes.add(replace(one, path=node.path) for one in told)
    return [*{group.path: group for group in fields.values()}.values()]


def _parameters(
    walker: Walker, notes: Notes, node: Node
) -> list[tuple[Parameters, Node]]:
    """The nodes of parameters that are stored beside; findings for the others."""
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
    there = []
    for one in followed:
        found = read[join(node.path, one.path)]
        what = "array" if one.is_array else "group"
        if found.kind == what:
            there.append((one, found))
        else:
            words = f"{what} of parameters"
            notes.absent(node.path, one.pointer, one.path, found, words)
    return there


def _matrices(
    walker: Walker,
    notes: Notes,
    node: Node,
    found: Sequence[tuple[Parameters, Node]],
    *,
    numbers: bool,
) -> dict[str, Matrix]:
    """Matrices by path: their shapes, and their numbers."""
    matrices: dict[str, Matrix] = {}
    for one, array in found:
        shape = stored(array.document, array.zarr_format).shape
        if not one.is_array or shape is None or one.path in matrices:
            continue
        rows = read_numbers(walker.target, array) if numbers else None
        if isinstance(rows, str):
            notes.add([_no_numbers(node.path, one, rows, notes.wanted)])
        matrices[one.path] = Matrix(shape, None if isinstance(rows, str) else rows)
    return matrices


def _no_numbers(path: str, told: Parameters, words: str, wanted: Demands) -> Finding:
    return Finding(
        "error",
        path,
        told.pointer,
        f"the array of parameters at {told.path!r:.80} {words}",
        clause(wanted, "transformations: numbers of matrices", "error"),
        told.path[:80],
        "write the numbers of the matrix again",
    )


def _vectors(
    walker: Walker, notes: Notes, fields: Mapping[str, Node]
) -> dict[str, Vectors]:
    """Fields by path: their axes, and the shape of their finest level."""
    finest = dict(_finest(notes, fields))
    read = walker.read((path, "array") for path in finest.values())
    found = {}
    for path, group in fields.items():
        level = read.get(finest.get(path, ""))
        shape = None
        if level is not None and level.kind == "array":
            shape = stored(level.document, level.zarr_format).shape
        if axes := field_axes(group.attrs):
            found[path] = Vectors(axes, shape)
    return found


def _finest(notes: Notes, fields: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    for path, group in fields.items():
        for image in images(group.attrs, notes.wanted)[:1]:
            for level in image.levels[:1]:
                if inside(level.path) is None:
                    yield path, join(group.path, level.path)


def _check_systems(walker: Walker, notes: Notes, node: Node) -> dict[str, object]:
    """Whether systems of groups below that an image names are there."""
    wanted = notes.wanted
    own = {one.path for image in images(node.attrs, wanted) for one in image.levels}
    attrs: dict[str, object] = {}
    for side in [side for pair in image_sides(node.attrs) for side in pair]:
        if side is None or not side.path or side.path in own:
            continue
        listed = (node.path, Child(side.path, f"{side.pointer}/path"))
        read = read_children(walker, notes, [listed], "image with a system")
        for found in read.values():
            attrs[side.path] = found.attrs
            has = {*systems(found.attrs)}
            if side.name is not None and side.name not in has:
                missing = no_system(side, has, wanted)
                notes.add([replace(missing, path=node.path)])
    return attrs
