"""What is there and not listed, where a store tells it at little cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xarray_omezarr.errors import some
from xarray_omezarr.ngff.rules.across import clause, join
from xarray_omezarr.ngff.rules.facts import part
from xarray_omezarr.ngff.rules.finding import Finding
from xarray_omezarr.ngff.rules.inside import inside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xarray_omezarr.ngff.rules.across_plate import PlateFacts
    from xarray_omezarr.store.walk import Node, Walker
    from xarray_omezarr.store.walk_listing import Listing
    from xarray_omezarr.validation.notes import Notes

# More than so many unlisted names are not looked into.
_MOST = 10_000


def note_unlisted_labels(
    walker: Walker, listing: Listing, notes: Notes, path: str, listed: set[str]
) -> None:
    """Note label images that the group at `path` has and does not list."""
    if notes.wanted.unlisted_labels is None:
        return
    # Nested names are listed with the folders that they are in.
    known = {name.partition("/")[0] for name in listed}
    names = [name for name in listing.folders(path) if name not in known]
    found = [
        node.path.rpartition("/")[2]
        for node in _groups(walker, path, names)
        if "multiscales" in part(node.attrs)[0]
    ]
    if found:
        words = f"label images are there and not listed: {some(found)}"
        cited = clause(notes.wanted, "labels: all label images are listed", "warning")
        remedy = "list them under labels"
        told = some(found)
        notes.add([Finding("warning", path, "", words, cited, told, remedy)])


def note_unlisted_wells(
    walker: Walker, listing: Listing, notes: Notes, plate: PlateFacts
) -> None:
    """Note groups of rows and wells that a plate has and does not list."""
    if not listing.is_cheap:
        return
    used: dict[str, set[str]] = {}
    for well in plate.wells:
        row, _, column = well.path.partition("/")
        used.setdefault(row, set()).add(column)
    for row in [name for name in used if inside(name) is None]:
        names = [name for name in listing.folders(row) if name not in used[row]]
        found = [node.path for node in _groups(walker, row, names)]
        _note(notes, row, found, "groups of wells")
    names = [name for name in listing.folders("") if name not in used]
    rows = [
        node.path
        for node in _groups(walker, "", names)
        if not part(node.attrs)[0] and node.path != "OME" and len(node.path) <= 2
    ]
    _note(notes, "", rows, "groups of rows")


def _note(notes: Notes, path: str, found: list[str], what: str) -> None:
    if found:
        words = f"there are {what} that the plate does not list: {some(found)}"
        cited = clause(notes.wanted, "plate: no groups without images", "warning")
        remedy = "list the wells, or remove the groups"
        told = some(found)
        notes.add([Finding("warning", path, "", words, cited, told, remedy)])


def _groups(walker: Walker, path: str, names: Iterable[str]) -> list[Node]:
    wanted = [(join(path, name), "maybe") for name in names if inside(name) is None]
    read = walker.read(wanted[:_MOST])  # type: ignore[arg-type]
    return [node for node in read.values() if node.kind == "group"]
