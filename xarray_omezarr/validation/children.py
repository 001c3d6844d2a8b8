"""Groups that others list: read together, with findings for those that are absent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.across import join
from xarray_omezarr.ngff.rules.inside import inside

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.across_plate import Child
    from xarray_omezarr.store.walk import Node, Walker
    from xarray_omezarr.validation.notes import Notes


def read_children(
    walker: Walker, notes: Notes, listed: Sequence[tuple[str, Child]], what: str
) -> dict[str, Node]:
    """Groups that others list, by path; findings for those that are not there."""
    followed = []
    for path, child in listed:
        reason = inside(child.path)
        if reason is None:
            followed.append((path, child))
        else:
            notes.refused(path, child.pointer, child.path, reason)
    read = walker.read((join(path, child.path), "group") for path, child in followed)
    found: dict[str, Node] = {}
    for path, child in followed:
        node = read[join(path, child.path)]
        if node.kind == "group":
            found[node.path] = node
        elif node.kind == "unreadable" and not notes.is_standard:
            notes.troubles(node.path, node.troubles)
        else:
            notes.absent(path, child.pointer, child.path, node, what)
    return found
